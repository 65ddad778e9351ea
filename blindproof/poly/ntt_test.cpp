#include "blindproof/poly/ntt.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "blindproof/field/kernel_set.h"
#include "blindproof/field/residues.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace blindproof::poly {
namespace {

using field::Modulus;
using Values = std::vector<std::uint64_t>;

Modulus modulus(std::uint64_t value) { return *Modulus::create(value); }

/// The smallest prime that is 1 modulo 2N, the largest of each of some lengths, and one just above 2^49.
std::vector<std::uint64_t> primes_for(int log_degree) {
  const std::uint64_t step = std::uint64_t{2} << log_degree;
  std::uint64_t smallest = step + 1;
  while (!field::is_prime(smallest)) smallest += step;
  std::vector<std::uint64_t> primes = {smallest};
  for (int bits : {30, 49, 50}) primes.push_back((*field::ntt_primes_below(bits, log_degree + 1, 1)).front());
  std::uint64_t above = (std::uint64_t{1} << 49) + 1;
  while (!field::is_prime(above)) above += step;
  primes.push_back(above);
  return primes;
}

/// Vectors that push lazily reduced sums to their limits, and random ones.
std::vector<Values> samples(std::uint64_t q, std::size_t n, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Values> result(6, Values(n));
  for (std::size_t i = 0; i < n; ++i) {
    result[1][i] = q - 1;
    result[2][i] = i % 2 == 0 ? 0 : q - 1;
    result[3][i] = random() % 2 == 0 ? 1 : q - 1;
    result[4][i] = random() % q;
    result[5][i] = i < n / 2 ? q - 1 : 0;
  }
  return result;
}

Values naive_transform(const NttTables& tables, const Values& a) {
  const Modulus& q = tables.modulus();
  Values result(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    const std::uint64_t x = q.power(tables.root(), ntt_exponent(tables.log_degree(), i));
    std::uint64_t value = 0;
    for (std::size_t j = a.size(); j-- > 0;) value = q.add(q.multiply(value, x), a[j]);
    result[i] = value;
  }
  return result;
}

Values schoolbook_product(const Modulus& q, const Values& a, const Values& b) {
  Values result(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::uint64_t product = q.multiply(a[i], b[j]);
      std::uint64_t& to = result[(i + j) % a.size()];
      to = i + j < a.size() ? q.add(to, product) : q.subtract(to, product);
    }
  }
  return result;
}

class NttOnEverySet : public testing::TestWithParam<base::Simd> {
 protected:
  NttOnEverySet() : set_(GetParam()) {}
  field::ScopedKernelSet set_;
};

TEST_P(NttOnEverySet, ForwardEvaluatesAtThePowersOfTheRoot) {
  for (int log_degree = NttTables::kMinLogDegree; log_degree <= 9; ++log_degree) {
    for (std::uint64_t q : primes_for(log_degree)) {
      const NttTables tables = *NttTables::create(modulus(q), log_degree);
      for (const Values& a : samples(q, tables.degree(), q)) {
        Values transformed = a;
        ntt_forward(tables, transformed);
        ASSERT_EQ(transformed, naive_transform(tables, a)) << log_degree << " " << q;
      }
    }
  }
}

TEST_P(NttOnEverySet, InverseUndoesForwardAtEveryDegree) {
  for (int log_degree = NttTables::kMinLogDegree; log_degree <= NttTables::kMaxLogDegree; ++log_degree) {
    for (std::uint64_t q : primes_for(log_degree)) {
      const NttTables tables = *NttTables::create(modulus(q), log_degree);
      for (const Values& a : samples(q, tables.degree(), q + 1)) {
        Values b = a;
        ntt_forward(tables, b);
        ntt_inverse(tables, b);
        ASSERT_EQ(b, a) << log_degree << " " << q;
        ntt_inverse(tables, b);
        ntt_forward(tables, b);
        ASSERT_EQ(b, a) << log_degree << " " << q;
      }
    }
  }
}

TEST_P(NttOnEverySet, GivesThePortableBitsAtEveryDegree) {
  for (int log_degree = NttTables::kMinLogDegree; log_degree <= NttTables::kMaxLogDegree; ++log_degree) {
    for (std::uint64_t q : primes_for(log_degree)) {
      const NttTables tables = *NttTables::create(modulus(q), log_degree);
      for (const Values& a : samples(q, tables.degree(), q + 2)) {
        Values forward = a, inverse = a, scaled = a;
        ntt_forward(tables, forward);
        ntt_inverse(tables, inverse);
        ntt_inverse_scaled(tables, q - 2, scaled);
        const field::ScopedKernelSet portable(base::Simd::kPortable);
        Values expected = a;
        ntt_forward(tables, expected);
        ASSERT_EQ(forward, expected) << log_degree << " " << q;
        expected = a;
        ntt_inverse(tables, expected);
        ASSERT_EQ(inverse, expected) << log_degree << " " << q;
        field::scale(tables.modulus(), expected, q - 2, expected);
        ASSERT_EQ(scaled, expected) << log_degree << " " << q;
      }
    }
  }
}

TEST_P(NttOnEverySet, TakesMemoryOfAnyAlignment) {
  const NttTables tables = *NttTables::create(modulus(primes_for(9).back()), 9);
  const Values a = samples(tables.modulus().value(), tables.degree(), 3)[4];
  Values expected = a;
  ntt_forward(tables, expected);
  for (std::size_t offset = 1; offset < 8; ++offset) {
    Values memory(offset + a.size() + 8, 7);
    const auto part = std::span(memory).subspan(offset, a.size());
    std::ranges::copy(a, part.begin());
    ntt_forward(tables, part);
    EXPECT_TRUE(std::ranges::equal(part, expected));
    ntt_inverse(tables, part);
    EXPECT_TRUE(std::ranges::equal(part, a));
    EXPECT_EQ(std::ranges::count(memory, 7u), static_cast<std::ptrdiff_t>(offset + 8));
  }
}

#if defined(__x86_64__)
TEST_P(NttOnEverySet, MindsNoFloatingPointMode) {
  constexpr unsigned kDenormalsAreZero = 0x40, kFlushToZero = 0x8000, kAllExceptionsMasked = 0x1f80, kFlags = 0x3f;
  const std::uint64_t q = primes_for(8).back();
  const NttTables tables = *NttTables::create(modulus(q), 8);
  for (const Values& a : samples(q, 256, 5)) {
    Values expected = a, forward = a;
    ntt_forward(tables, expected);
    Values inverse = expected;
    const unsigned before = _mm_getcsr(), unusual = kDenormalsAreZero | kFlushToZero | kAllExceptionsMasked;
    _mm_setcsr(unusual);
    ntt_forward(tables, forward);
    ntt_inverse(tables, inverse);
    const unsigned after = _mm_getcsr();
    _mm_setcsr(before);
    EXPECT_EQ(after & ~kFlags, unusual);
    EXPECT_EQ(forward, expected);
    EXPECT_EQ(inverse, a);
  }
}
#endif

TEST_P(NttOnEverySet, MultipliesPolynomials) {
  for (int log_degree : {6, 7, 8, 10}) {
    for (std::uint64_t value : primes_for(log_degree)) {
      const Modulus q = modulus(value);
      const NttTables tables = *NttTables::create(q, log_degree);
      const std::vector<Values> inputs = samples(value, tables.degree(), 5);
      Values a = inputs[4], b = inputs[3], product(a.size());
      const Values expected = schoolbook_product(q, a, b);
      ntt_forward(tables, a);
      ntt_forward(tables, b);
      field::multiply(q, a, b, product);
      ntt_inverse(tables, product);
      ASSERT_EQ(product, expected) << log_degree << " " << value;
    }
  }
}

TEST_P(NttOnEverySet, AutomorphismsPermuteValues) {
  for (int log_degree : {6, 7, 9, 12}) {
    const NttTables tables = *NttTables::create(modulus(primes_for(log_degree)[3]), log_degree);
    const Modulus& q = tables.modulus();
    const std::size_t n = tables.degree();
    const Values a = samples(q.value(), n, 6)[4];
    Values transformed = a;
    ntt_forward(tables, transformed);
    for (std::size_t g : {std::size_t{1}, std::size_t{3}, std::size_t{5}, std::size_t{25}, 2 * n - 1, n + 1}) {
      Values image(n), permuted(n);
      for (std::size_t j = 0; j < n; ++j) {
        const std::size_t to = j * g % (2 * n);
        image[to % n] = to < n ? a[j] : q.negate(a[j]);
      }
      ntt_forward(tables, image);
      field::permute(automorphism_permutation(log_degree, g), transformed, permuted);
      ASSERT_EQ(permuted, image) << log_degree << " " << g;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(KernelSets, NttOnEverySet, testing::ValuesIn(field::available_kernel_sets()),
                         [](const auto& set) { return std::string(base::simd_name(set.param)); });

TEST(NttTables, RefuseDegreesAndModuliThatDontFit) {
  const Modulus q = modulus(primes_for(10)[0]);
  for (const auto& result : {NttTables::create(q, 5), NttTables::create(q, 18), NttTables::create(q, -1),
                             NttTables::create(modulus(257), 8), NttTables::create(modulus(3), 6)}) {
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code, base::ErrorCode::kInvalidArgument);
  }
  EXPECT_TRUE(NttTables::create(modulus(257), 7).ok());
}

TEST(NttTables, RootIsTheSmallestPrimitiveOne) {
  for (std::uint64_t value : primes_for(6)) {
    const Modulus q = modulus(value);
    const NttTables tables = *NttTables::create(q, 6);
    EXPECT_EQ(q.power(tables.root(), 64), value - 1);
    for (std::uint64_t e = 1; e < 128; e += 2) EXPECT_GE(q.power(tables.root(), e), tables.root());
  }
}

TEST(NttExponent, TakesEveryOddNumberOnceAndIndexInvertsIt) {
  for (int log_degree : {6, 7, 12, 17}) {
    const std::size_t n = std::size_t{1} << log_degree;
    std::set<std::size_t> seen;
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t e = ntt_exponent(log_degree, i);
      ASSERT_EQ(e % 2, 1u);
      ASSERT_LT(e, 2 * n);
      ASSERT_EQ(ntt_index(log_degree, e), i);
      seen.insert(e);
    }
    EXPECT_EQ(seen.size(), n);
  }
}

}  // namespace
}  // namespace blindproof::poly
