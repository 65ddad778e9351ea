#include "blindproof/fhe/rlwe/sampling.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include <cmath>
#include <cstddef>
#include <vector>

#include "blindproof/base/int128.h"

namespace blindproof::fhe::rlwe {
namespace {

using crypto::Csprng;
using Seed = std::array<std::uint8_t, 32>;

const std::vector<std::size_t> kSizes = {0,   1,   4,   5,    6,    63,   64,   65,   255,  256, 257,
                                         511, 512, 513, 1024, 2559, 2560, 2561, 5120, 5121, 8192};
const std::vector<std::uint64_t> kModuli = {1,
                                            2,
                                            3,
                                            257,
                                            12289,
                                            (1 << 20) + 7,
                                            (std::uint64_t{1} << 40) + 1,
                                            (std::uint64_t{1} << 49) + 9,
                                            (std::uint64_t{1} << 50) - 27,
                                            (std::uint64_t{1} << 50) - 1};

// Twins, straight from the words in sampling.h.

std::vector<std::int8_t> naive_ternary(Csprng& random, std::size_t size) {
  std::vector<std::int8_t> out(size);
  for (std::size_t begin = 0; begin < size; begin += 2560) {
    const std::size_t run = std::min<std::size_t>(2560, size - begin);
    const std::size_t m = (run + 4) / 5;
    for (std::size_t i = 0; i < m; ++i) {
      std::uint8_t byte;
      do {
        random.fill({&byte, 1});
      } while (byte >= 243);
      for (std::size_t j = 0; j < 5; ++j, byte /= 3) {
        if (j * m + i < run) out[begin + j * m + i] = static_cast<std::int8_t>(byte % 3 - 1);
      }
    }
  }
  return out;
}

std::vector<std::int8_t> naive_error(Csprng& random, std::size_t size) {
  std::vector<std::int8_t> out(size);
  for (std::size_t begin = 0; begin < size; begin += 256) {
    std::array<std::uint8_t, 21 * 64> bytes;
    random.fill(bytes);
    for (std::size_t c = 0; c < std::min<std::size_t>(256, size - begin); ++c) {
      const std::size_t g = c / 64, i = c % 64;
      int ones = (bytes[64 * 20 + i] >> (2 * g) & 1) + (bytes[64 * 20 + i] >> (2 * g + 1) & 1);
      for (std::size_t k = 0; k < 5; ++k) {
        for (int bit = 0; bit < 8; ++bit) ones += bytes[64 * (5 * g + k) + i] >> bit & 1;
      }
      out[begin + c] = static_cast<std::int8_t>(ones - 21);
    }
  }
  return out;
}

std::vector<std::uint64_t> naive_uniform(Csprng& random, std::uint64_t q, std::size_t size) {
  const base::Uint128 range = base::Uint128{1} << 56;
  std::vector<std::uint64_t> out;
  while (out.size() < size) {
    std::array<std::uint8_t, 7> bytes;
    random.fill(bytes);
    base::Uint128 x = 0;
    for (std::size_t i = 7; i-- > 0;) x = 256 * x + bytes[i];
    if (x * q % range >= range % q) out.push_back(static_cast<std::uint64_t>(x * q / range));
  }
  return out;
}

std::vector<std::int8_t> draw_ternary(Csprng& random, std::size_t size) {
  std::vector<std::int8_t> out(size);
  sample_ternary(random, out);
  return out;
}

std::vector<std::int8_t> draw_error(Csprng& random, std::size_t size) {
  std::vector<std::int8_t> out(size);
  sample_error(random, out);
  return out;
}

std::vector<std::uint64_t> draw_uniform(Csprng& random, std::uint64_t q, std::size_t size) {
  std::vector<std::uint64_t> out(size);
  sample_uniform(random, q, out);
  return out;
}

TEST(SampleTernary, IsTheSpecifiedFunctionOfTheSeed) {
  for (std::size_t size : kSizes) {
    Csprng random(Seed{1}), twin(Seed{1});
    EXPECT_EQ(draw_ternary(random, size), naive_ternary(twin, size)) << size;
    EXPECT_EQ(random.next_u64(), twin.next_u64()) << "stream position, size " << size;
  }
}

TEST(SampleError, IsTheSpecifiedFunctionOfTheSeed) {
  for (std::size_t size : kSizes) {
    Csprng random(Seed{2}), twin(Seed{2});
    EXPECT_EQ(draw_error(random, size), naive_error(twin, size)) << size;
    EXPECT_EQ(random.next_u64(), twin.next_u64()) << "stream position, size " << size;
  }
}

TEST(SampleUniform, IsTheSpecifiedFunctionOfTheSeed) {
  for (std::uint64_t q : kModuli) {
    for (std::size_t size : kSizes) {
      Csprng random(Seed{3}), twin(Seed{3});
      EXPECT_EQ(draw_uniform(random, q, size), naive_uniform(twin, q, size)) << q << " " << size;
      EXPECT_EQ(random.next_u64(), twin.next_u64()) << "stream position, q " << q << " size " << size;
    }
  }
}

TEST(SampleUniform, DrawsCutInPiecesAreTheSame) {
  for (std::uint64_t q : kModuli) {
    Csprng whole(Seed{4});
    const auto expected = draw_uniform(whole, q, 3000);
    for (std::size_t piece : {1u, 7u, 511u, 512u, 513u, 2999u}) {
      Csprng random(Seed{4});
      std::vector<std::uint64_t> out(3000);
      for (std::size_t at = 0; at < out.size(); at += piece) {
        sample_uniform(random, q, std::span(out).subspan(at, std::min(piece, out.size() - at)));
      }
      EXPECT_EQ(out, expected) << q << " " << piece;
    }
  }
}

TEST(SampleTernary, DrawsCutAtWholeRunsAreTheSame) {
  Csprng whole(Seed{5}), random(Seed{5});
  const auto expected = draw_ternary(whole, 3 * 2560 + 17);
  auto out = draw_ternary(random, 2560);
  for (std::size_t size : {2u * 2560, 17u}) {
    const auto next = draw_ternary(random, size);
    out.insert(out.end(), next.begin(), next.end());
  }
  EXPECT_EQ(out, expected);
}

TEST(SampleError, DrawsCutAtWholeRunsAreTheSame) {
  Csprng whole(Seed{6}), random(Seed{6});
  const auto expected = draw_error(whole, 3 * 256 + 17);
  auto out = draw_error(random, 256);
  for (std::size_t size : {2u * 256, 17u}) {
    const auto next = draw_error(random, size);
    out.insert(out.end(), next.begin(), next.end());
  }
  EXPECT_EQ(out, expected);
}

TEST(SampleError, DrawsAFixedNumberOfBytes) {
  for (std::uint8_t seed = 0; seed < 20; ++seed) {
    Csprng random(Seed{7, seed}), twin(Seed{7, seed});
    (void)draw_error(random, 1000);
    std::vector<std::uint8_t> skipped(4 * 21 * 64);
    twin.fill(skipped);
    EXPECT_EQ(random.next_u64(), twin.next_u64());
  }
}

TEST(Sampling, BytesBehindTheEndAreLeftAlone) {
  for (std::size_t size : {0u, 1u, 255u, 256u, 257u, 2561u}) {
    std::vector<std::int8_t> small(size + 8, 99);
    std::vector<std::uint64_t> wide(size + 8, 99);
    Csprng random(Seed{8});
    sample_ternary(random, std::span(small).first(size));
    sample_error(random, std::span(small).first(size));
    sample_uniform(random, 12289, std::span(wide).first(size));
    for (std::size_t i = size; i < size + 8; ++i) {
      EXPECT_EQ(small[i], 99);
      EXPECT_EQ(wide[i], 99u);
    }
  }
}

TEST(SamplingDeathTest, ModuliOutsideTheRangeAbort) {
  Csprng random(Seed{9});
  std::vector<std::uint64_t> out(1);
  EXPECT_DEATH(sample_uniform(random, 0, out), "modulus");
  EXPECT_DEATH(sample_uniform(random, std::uint64_t{1} << 50, out), "modulus");
}

// Statistics. Seeds are fixed, so each test always gives the same answer; a sound sampler would miss a bound for fewer
// than one seed in 10^8.

/// Pearson's statistic as a deviate that is nearly normal for any number of cells (Wilson and Hilferty's cube root).
double chi_square_deviate(const std::vector<double>& observed, const std::vector<double>& expected) {
  double statistic = 0;
  for (std::size_t i = 0; i < observed.size(); ++i) {
    statistic += (observed[i] - expected[i]) * (observed[i] - expected[i]) / expected[i];
  }
  const double freedom = static_cast<double>(observed.size() - 1), variance = 2 / (9 * freedom);
  return (std::cbrt(statistic / freedom) - (1 - variance)) / std::sqrt(variance);
}

constexpr double kMaxDeviate = 6;
constexpr std::size_t kSamples = std::size_t{1} << 20;

TEST(SampleTernary, EachValueAndPairOfNeighboursIsEquallyLikely) {
  Csprng random(Seed{10});
  const auto values = draw_ternary(random, kSamples);
  std::vector<double> singles(3);
  for (std::int8_t value : values) {
    ASSERT_LE(std::abs(value), 1);
    ++singles[static_cast<std::size_t>(value + 1)];
  }
  EXPECT_LT(chi_square_deviate(singles, std::vector<double>(3, kSamples / 3.0)), kMaxDeviate);
  // At a distance of 512 lie trits of one byte.
  for (std::size_t distance : {1u, 2u, 5u, 512u, 1024u, 2048u, 2560u}) {
    std::vector<double> pairs(9);
    for (std::size_t i = 0; i + distance < kSamples; ++i) {
      ++pairs[static_cast<std::size_t>(3 * (values[i] + 1) + values[i + distance] + 1)];
    }
    const double expected = static_cast<double>(kSamples - distance) / 9;
    EXPECT_LT(chi_square_deviate(pairs, std::vector<double>(9, expected)), kMaxDeviate) << distance;
  }
}

TEST(SampleTernary, EachPlaceOfARunIsUniform) {
  Csprng random(Seed{11});
  std::vector<double> counts(3 * 2560);
  constexpr int kRuns = 3000;
  for (int run = 0; run < kRuns; ++run) {
    const auto values = draw_ternary(random, 2560);
    for (std::size_t i = 0; i < 2560; ++i) ++counts[3 * i + static_cast<std::size_t>(values[i] + 1)];
  }
  for (std::size_t i = 0; i < counts.size(); ++i) EXPECT_NEAR(counts[i], kRuns / 3.0, 6.5 * std::sqrt(kRuns * 2 / 9.0));
}

TEST(SampleError, IsTheCentredBinomialDistribution) {
  Csprng random(Seed{12});
  const auto values = draw_error(random, kSamples);
  double sum = 0, squares = 0, fourths = 0;
  std::vector<double> counts(43);
  for (std::int8_t value : values) {
    ASSERT_LE(std::abs(value), kErrorBound);
    ++counts[static_cast<std::size_t>(value + kErrorBound)];
    const double x = value;
    sum += x;
    squares += x * x;
    fourths += x * x * x * x;
  }
  const double n = kSamples, fourth_moment = kErrorVariance * (3 * kErrorVariance - 0.5);  // of 42 coins of +-1/2
  EXPECT_NEAR(sum / n, 0, 6 * std::sqrt(kErrorVariance / n));
  EXPECT_NEAR(squares / n, kErrorVariance, 6 * std::sqrt((fourth_moment - kErrorVariance * kErrorVariance) / n));
  EXPECT_NEAR(fourths / n, fourth_moment, fourth_moment * 0.03);

  std::vector<double> probabilities(43);
  double binomial = std::ldexp(1.0, -42);  // 42 choose 0
  for (int k = 0; k <= 42; binomial = binomial * (42 - k) / (k + 1), ++k)
    probabilities[static_cast<std::size_t>(k)] = binomial;
  std::vector<double> observed(1), expected(1);  // the rare ends of both sides in the first cell
  for (std::size_t k = 0; k <= 42; ++k) {
    if (probabilities[k] * n < 20) {
      observed[0] += counts[k];
      expected[0] += probabilities[k] * n;
    } else {
      observed.push_back(counts[k]);
      expected.push_back(probabilities[k] * n);
    }
  }
  EXPECT_LT(chi_square_deviate(observed, expected), kMaxDeviate);
}

TEST(SampleError, PlacesAreUncorrelated) {
  Csprng random(Seed{13});
  const auto values = draw_error(random, kSamples);
  // At a distance of 64 lie coefficients that share a byte.
  for (std::size_t distance : {1u, 2u, 8u, 63u, 64u, 65u, 128u, 192u, 256u}) {
    double products = 0;
    for (std::size_t i = 0; i + distance < kSamples; ++i) products += values[i] * values[i + distance];
    EXPECT_LT(std::abs(products), 6 * kErrorVariance * std::sqrt(static_cast<double>(kSamples))) << distance;
  }
}

TEST(SampleError, EachPlaceOfARunHasTheVariance) {
  Csprng random(Seed{14});
  constexpr int kRuns = 4000;
  std::vector<double> squares(256), sums(256);
  for (int run = 0; run < kRuns; ++run) {
    const auto values = draw_error(random, 256);
    for (std::size_t i = 0; i < 256; ++i) {
      squares[i] += values[i] * values[i];
      sums[i] += values[i];
    }
  }
  for (std::size_t i = 0; i < 256; ++i) {
    EXPECT_NEAR(sums[i] / kRuns, 0, 6 * std::sqrt(kErrorVariance / kRuns)) << i;
    EXPECT_NEAR(squares[i] / kRuns, kErrorVariance, 6 * kErrorVariance * std::sqrt(2.0 / kRuns)) << i;
  }
}

TEST(SampleUniform, StaysBelowTheModulusAndFillsItEvenly) {
  for (std::uint64_t q : kModuli) {
    Csprng random(Seed{15});
    const auto values = draw_uniform(random, q, kSamples / 4);
    const std::size_t cells = static_cast<std::size_t>(std::min<std::uint64_t>(q, 257));
    std::vector<double> observed(cells), expected(cells), remainders(cells), pairs(16);
    for (std::size_t i = 0; i < values.size(); ++i) {
      ASSERT_LT(values[i], q);
      ++observed[static_cast<std::size_t>(base::Uint128{values[i]} * cells / q)];
      ++remainders[values[i] % cells];
      if (i > 0) ++pairs[static_cast<std::size_t>(4 * (4 * values[i] / q) + 4 * values[i - 1] / q)];
    }
    if (cells < 2) continue;
    // The share of q of the cell of values v with floor(v*cells/q) = cell: exact for small q.
    for (std::size_t cell = 0; cell < cells; ++cell) {
      const base::Uint128 begin = (base::Uint128{q} * cell + cells - 1) / cells;
      const base::Uint128 end = (base::Uint128{q} * (cell + 1) + cells - 1) / cells;
      expected[cell] = static_cast<double>(end - begin) / static_cast<double>(q) * static_cast<double>(values.size());
    }
    EXPECT_LT(chi_square_deviate(observed, expected), kMaxDeviate) << q;
    if (q % cells == 0 || q > 1000000) {
      EXPECT_LT(chi_square_deviate(remainders, std::vector<double>(cells, static_cast<double>(values.size()) /
                                                                              static_cast<double>(cells))),
                kMaxDeviate)
          << q;
    }
    if (q > 1000000) {
      EXPECT_LT(chi_square_deviate(pairs, std::vector<double>(16, static_cast<double>(values.size()) / 16)),
                kMaxDeviate)
          << q;
    }
  }
}

TEST(Sampling, DifferentSeedsGiveDifferentValues) {
  Csprng a(Seed{16}), b(Seed{17});
  EXPECT_NE(draw_ternary(a, 100), draw_ternary(b, 100));
  EXPECT_NE(draw_error(a, 100), draw_error(b, 100));
  EXPECT_NE(draw_uniform(a, 1 << 30, 100), draw_uniform(b, 1 << 30, 100));
}

}  // namespace
}  // namespace blindproof::fhe::rlwe
