#include "blindproof/field/base_converter.h"

#include <gmpxx.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "blindproof/field/kernel_set.h"
#include "blindproof/field/residues.h"

namespace blindproof::field {
namespace {

using Values = std::vector<std::uint64_t>;

mpz_class big(std::uint64_t value) { return mpz_class(std::to_string(value)); }
std::uint64_t residue(const mpz_class& x, const Modulus& q) {
  mpz_class r;
  mpz_fdiv_r(r.get_mpz_t(), x.get_mpz_t(), big(q.value()).get_mpz_t());
  return r.get_ui();
}

std::vector<Modulus> moduli(const std::vector<std::uint64_t>& values) {
  std::vector<Modulus> result;
  for (std::uint64_t value : values) result.push_back(*Modulus::create(value));
  return result;
}

struct Case {
  std::vector<Modulus> from, to;
};

/// Numbers of primes around what kernels accumulate without reduction, of the most bits, few bits and both.
std::vector<Case> sample_cases() {
  const std::vector<std::uint64_t> large = *ntt_primes_below(50, 12, 80);
  const std::vector<std::uint64_t> small = {3, 5, 257, 65537, 12289};
  std::vector<Case> cases;
  for (std::size_t count : std::vector<std::size_t>{1, 2, 3, 5, 7, 8, 9, 12, 13, 16, 17, 64}) {
    const auto split = large.begin() + static_cast<std::ptrdiff_t>(count);
    cases.push_back({moduli({large.begin(), split}), moduli({split, split + 3})});
  }
  cases.push_back({moduli(small), moduli({large[0], large[1], 7})});
  cases.push_back({moduli({large[3], 3, large[5], 65537}), moduli({257, large[0], 1009})});
  return cases;
}

struct Vectors {
  Vectors(std::size_t count, std::size_t n) : values(count, Values(n)) {}
  std::vector<const std::uint64_t*> in() const {
    std::vector<const std::uint64_t*> pointers;
    for (const Values& v : values) pointers.push_back(v.data());
    return pointers;
  }
  std::vector<std::uint64_t*> out() {
    std::vector<std::uint64_t*> pointers;
    for (Values& v : values) pointers.push_back(v.data());
    return pointers;
  }
  std::vector<Values> values;
};

mpz_class product(const std::vector<Modulus>& basis) {
  mpz_class result = 1;
  for (const Modulus& q : basis) result *= big(q.value());
  return result;
}

/// The edges of [0, Q), both sides of a half at a distance that doubles see, and random numbers.
std::vector<mpz_class> sample_numbers(const mpz_class& q, std::size_t count) {
  const mpz_class gap = (q >> 40) + 1;
  std::vector<mpz_class> numbers = {0, 1, q - 1, q - 2, q / 2 - gap, q / 2 + 1 + gap, q / 3, gap, q - gap};
  gmp_randclass random(gmp_randinit_default);
  random.seed(1);
  while (numbers.size() < count) numbers.push_back(random.get_z_range(q));
  numbers.resize(count);
  for (mpz_class& x : numbers) x = ((x % q) + q) % q;
  return numbers;
}

class BaseConverterOnEverySet : public testing::TestWithParam<base::Simd> {
 protected:
  BaseConverterOnEverySet() : set_(GetParam()) {}
  ScopedKernelSet set_;
};

TEST_P(BaseConverterOnEverySet, ConvertGivesTheCenteredRepresentative) {
  for (const Case& c : sample_cases()) {
    const mpz_class q = product(c.from);
    if (q < 1000) continue;
    const BaseConverter converter(c.from, c.to);
    for (std::size_t n : std::vector<std::size_t>{0, 1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 100, 511, 512, 513}) {
      const std::vector<mpz_class> numbers = sample_numbers(q, n);
      Vectors in(c.from.size(), n), out(c.to.size(), n);
      for (std::size_t i = 0; i < c.from.size(); ++i) {
        for (std::size_t j = 0; j < n; ++j) in.values[i][j] = residue(numbers[j], c.from[i]);
      }
      converter.convert(in.in(), out.out(), n);
      Vectors prepared(c.from.size() + 1, n), halves(c.to.size(), n);
      for (std::size_t i = 0; i < c.from.size(); ++i) {
        scale(c.from[i], in.values[i], converter.inverse(i), prepared.values[i]);
      }
      const std::vector<const std::uint64_t*> read = prepared.in();
      converter.overflow(std::span(read).first(c.from.size()), prepared.values.back().data(), n);
      for (std::size_t i = 0; i < c.to.size(); i += 2) {
        const std::vector<std::uint64_t*> targets = halves.out();
        converter.finish(read, i, std::span(targets).subspan(i, std::min<std::size_t>(2, targets.size() - i)), n);
      }
      ASSERT_EQ(halves.values, out.values);
      for (std::size_t j = 0; j < n; ++j) {
        const mpz_class centered = 2 * numbers[j] > q ? mpz_class(numbers[j] - q) : numbers[j];
        for (std::size_t i = 0; i < c.to.size(); ++i) {
          ASSERT_EQ(out.values[i][j], residue(centered, c.to[i]))
              << c.from.size() << " primes, number " << j << " of " << n;
        }
      }
    }
  }
}

// Within about k 2^-50 Q of a half either neighbour may come out, but the same one everywhere.
TEST_P(BaseConverterOnEverySet, GivesThePortableBitsEvenAtAHalf) {
  for (const Case& c : sample_cases()) {
    const mpz_class q = product(c.from);
    const BaseConverter converter(c.from, c.to);
    constexpr std::size_t n = 64;
    Vectors in(c.from.size(), n), out(c.to.size(), n), expected(c.to.size(), n);
    for (std::size_t j = 0; j < n; ++j) {
      const mpz_class x = (q / 2 + (q >> 54) * (static_cast<long>(j) - 32) / 4 + q) % q;
      for (std::size_t i = 0; i < c.from.size(); ++i) in.values[i][j] = residue(x, c.from[i]);
    }
    converter.convert(in.in(), out.out(), n);
    {
      const ScopedKernelSet portable(base::Simd::kPortable);
      converter.convert(in.in(), expected.out(), n);
    }
    ASSERT_EQ(out.values, expected.values);
    for (std::size_t j = 0; j < n; ++j) {
      const mpz_class x = (q / 2 + (q >> 54) * (static_cast<long>(j) - 32) / 4 + q) % q;
      const bool below = out.values[0][j] == residue(x, c.to[0]), above = out.values[0][j] == residue(x - q, c.to[0]);
      for (std::size_t i = 0; i < c.to.size(); ++i) {
        ASSERT_TRUE((below && out.values[i][j] == residue(x, c.to[i])) ||
                    (above && out.values[i][j] == residue(x - q, c.to[i])));
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(KernelSets, BaseConverterOnEverySet, testing::ValuesIn(available_kernel_sets()),
                         [](const auto& set) { return std::string(base::simd_name(set.param)); });

}  // namespace
}  // namespace blindproof::field
