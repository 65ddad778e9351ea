#include "blindproof/fhe/rlwe/flooding.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "blindproof/fhe/rlwe/big_poly_test_support.h"

namespace blindproof::fhe::rlwe {
namespace {

crypto::Csprng fixed_random(std::uint8_t label) {
  Seed seed{};
  seed[0] = label;
  return crypto::Csprng(std::span<const std::uint8_t, 32>(seed));
}

// Room for 32 terms of 540 bits.
RingPtr wide_ring() {
  return Ring::create({.log_degree = 9,
                       .q = field::ntt_primes_below(49, 10, 12).value(),
                       .p = field::ntt_primes_below(50, 10, 1).value(),
                       .digits = 12}).value();
}

std::vector<mpz_class> sampled(const Flood& flood, std::uint64_t multiplier, std::uint8_t label) {
  crypto::Csprng random = fixed_random(label);
  return centered_coefficients(sample_flood_poly(wide_ring(), {12, false}, flood, multiplier, random));
}

TEST(Flood, FillsItsRangeEvenlyAndNoMore) {
  for (const int bits : {1, 2, 8, 63, 64, 65, 120, 128, 540}) {
    const mpz_class half = mpz_class(1) << static_cast<mp_bitcnt_t>(bits - 1);
    std::array<std::size_t, 4> quarters{};
    for (std::uint8_t label = 0; label < 8; ++label) {
      for (const mpz_class& value : sampled({bits, 1}, 1, label)) {
        ASSERT_TRUE(value >= -half && value < half) << bits;
        const mpz_class quarter = 4 * (value + half) / (2 * half);
        ++quarters[quarter.get_ui()];
      }
    }
    for (std::size_t i = 0; i < 4 && bits >= 2; ++i) {
      EXPECT_NEAR(static_cast<double>(quarters[i]), 1024, 6 * std::sqrt(768)) << bits;
    }
  }
}

TEST(Flood, FillsTheLowestBitsToo) {
  for (const int bits : {64, 200}) {
    std::size_t odd = 0;
    for (const mpz_class& value : sampled({bits, 1}, 1, 3)) odd += mpz_odd_p(value.get_mpz_t()) != 0;
    EXPECT_NEAR(static_cast<double>(odd), 256, 6 * std::sqrt(128)) << bits;
  }
}

TEST(Flood, HasTheDeviationOfItsTerms) {
  for (const Flood flood : {Flood{100, 1}, Flood{20, 8}, Flood{120, 32}}) {
    double squares = 0;
    for (std::uint8_t label = 0; label < 40; ++label) {
      for (const mpz_class& value : sampled(flood, 1, label)) squares += std::pow(value.get_d() / flood.deviation(), 2);
    }
    EXPECT_NEAR(squares / (40 * 512), 1, 0.06);
  }
}

TEST(Flood, IsMultiplied) {
  const std::vector<mpz_class> plain = sampled({200, 3}, 1, 5), multiplied = sampled({200, 3}, 65537, 5);
  for (std::size_t i = 0; i < plain.size(); ++i) EXPECT_EQ(multiplied[i], 65537 * plain[i]);
}

TEST(Flood, BellsHaveTheDeviationThatIsAskedFor) {
  for (double deviation = 1; deviation < std::ldexp(1.0, 115); deviation *= 1.37) {
    const auto flood = bell_flood("test", deviation);
    ASSERT_TRUE(flood.ok());
    EXPECT_GE(flood->terms, kMinBellTerms);
    EXPECT_GE(flood->deviation(), deviation * (1 - 1e-12));
    EXPECT_LE(flood->deviation(), std::max(deviation, 4.0) * 1.07);
  }
}

// The bound that the argument for shared decryptions rests on, from the exact distribution.
TEST(Flood, ShiftsOfBellsAreAsCloseAsThoseOfGaussians) {
  for (const int terms : {kMinBellTerms, 12, 32}) {
    for (const std::size_t length : {64u, 256u}) {
      std::vector<double> density{1.0};
      for (int term = 0; term < terms; ++term) {
        std::vector<double> next(density.size() + length - 1);
        double window = 0;
        for (std::size_t i = 0; i < next.size(); ++i) {
          if (i < density.size()) window += density[i];
          if (i >= length) window -= density[i - length];
          next[i] = std::max(window, 0.0) / static_cast<double>(length);
        }
        density = std::move(next);
      }
      const double deviation = Flood{static_cast<int>(std::log2(length)), terms}.deviation();
      for (const std::size_t shift : {1u, 3u, 10u}) {
        double affinity = 0;
        for (std::size_t i = shift; i < density.size(); ++i) affinity += std::sqrt(density[i] * density[i - shift]);
        EXPECT_LE(1 - affinity, 1.006 * static_cast<double>(shift * shift) / (8 * deviation * deviation) + 1e-12);
      }
    }
  }
}

TEST(Flood, HidesErrorsUpToTheBound) {
  for (const double bound : {1.0, 1000.0, std::ldexp(1.3, 70)}) {
    for (const int hiding : {1, 40}) {
      const auto flood = uniform_flood("test", bound, hiding);
      ASSERT_TRUE(flood.ok());
      // Two errors of opposite signs.
      EXPECT_LE(2 * bound / std::ldexp(1.0, flood->bits), std::exp2(-hiding));
      EXPECT_GE(2 * bound / std::ldexp(1.0, flood->bits), std::exp2(-hiding - 1));
    }
  }
}

TEST(Flood, RefusesWhatItCannotHide) {
  const auto detail = [](const auto& result) { return result.ok() ? std::string() : result.error().detail; };
  EXPECT_NE(detail(uniform_flood("test", INFINITY, 10)).find("state a bound"), std::string::npos);
  EXPECT_NE(detail(bell_flood("test", NAN)).find("state a bound"), std::string::npos);
  EXPECT_NE(detail(uniform_flood("test", 1, 0)).find("at least 1 bit"), std::string::npos);
  EXPECT_TRUE(uniform_flood("test", 1, 959).ok());
  EXPECT_NE(detail(uniform_flood("test", 1, 960)).find("961 bits"), std::string::npos);
  EXPECT_NE(detail(uniform_flood("test", 1, 1 << 30)).find("at most 960"), std::string::npos);
  EXPECT_NE(detail(bell_flood("test", std::ldexp(1.0, 970))).find("at most 960"), std::string::npos);
}

}  // namespace
}  // namespace blindproof::fhe::rlwe
