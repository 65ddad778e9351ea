#include "blindproof/field/modulus.h"

#include <gmpxx.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>

namespace blindproof::field {
namespace {

using base::Uint128;

constexpr std::uint64_t kLimit = std::uint64_t{1} << Modulus::kMaxBits;

Modulus modulus(std::uint64_t value) { return *Modulus::create(value); }

/// The smallest and the largest, close to powers of two from both sides, and others.
std::vector<std::uint64_t> sample_primes() {
  std::vector<std::uint64_t> primes = {3, 5, 7, 11, 13, 17, 257, 65537, 786433};
  for (int bits = 4; bits <= Modulus::kMaxBits; ++bits) {
    std::uint64_t below = (std::uint64_t{1} << bits) - 1, above = (std::uint64_t{1} << (bits - 1)) + 1;
    while (!is_prime(below)) --below;
    while (!is_prime(above)) ++above;
    primes.push_back(below);
    primes.push_back(above);
  }
  return primes;
}

std::vector<std::uint64_t> sample_residues(std::uint64_t q, std::mt19937_64& random) {
  std::vector<std::uint64_t> values = {0, 1, 2, q / 2 - 1, q / 2, q / 2 + 1, q - 2, q - 1};
  for (int i = 0; i < 20; ++i) values.push_back(random() % q);
  return values;
}

bool gmp_says_prime(std::uint64_t n) { return mpz_probab_prime_p(mpz_class(std::to_string(n)).get_mpz_t(), 40) != 0; }

TEST(Modulus, RefusesWhatIsNotAnOddPrimeBelowTheLimit) {
  for (std::uint64_t value :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{4}, std::uint64_t{9}, std::uint64_t{561},
        kLimit - 1, kLimit, kLimit + 55, std::numeric_limits<std::uint64_t>::max()}) {
    const auto result = Modulus::create(value);
    ASSERT_FALSE(result.ok()) << value;
    EXPECT_EQ(result.error().code, base::ErrorCode::kInvalidArgument);
  }
  std::uint64_t prime_above = kLimit + 1;
  while (!is_prime(prime_above)) ++prime_above;
  EXPECT_FALSE(Modulus::create(prime_above).ok());
}

TEST(Modulus, OperationsAgreeWithDivision) {
  std::mt19937_64 random(1);
  for (std::uint64_t q : sample_primes()) {
    const Modulus m = modulus(q);
    EXPECT_EQ(m.value(), q);
    EXPECT_LT(q, std::uint64_t{1} << m.bits());
    EXPECT_GT(q, std::uint64_t{1} << (m.bits() - 1));
    for (std::uint64_t a : sample_residues(q, random)) {
      EXPECT_EQ(m.negate(a), (q - a) % q);
      const std::int64_t centered = m.centered(a);
      EXPECT_EQ(m.reduce_signed(centered), a);
      EXPECT_LT(2 * std::abs(centered), static_cast<std::int64_t>(q));
      for (std::uint64_t b : sample_residues(q, random)) {
        const auto product = static_cast<std::uint64_t>(static_cast<Uint128>(a) * b % q);
        ASSERT_EQ(m.add(a, b), (a + b) % q) << q;
        ASSERT_EQ(m.subtract(a, b), (a + q - b) % q) << q;
        ASSERT_EQ(m.multiply(a, b), product) << q << " " << a << " " << b;
        const FixedFactor factor = m.fixed_factor(b);
        ASSERT_EQ(factor.value, b);
        ASSERT_EQ(factor.quotient, static_cast<std::uint64_t>((static_cast<Uint128>(b) << 52) / q)) << q << " " << b;
        ASSERT_EQ(m.multiply(a, factor), product) << q << " " << a << " " << b;
      }
      for (std::uint64_t lazy : {(std::uint64_t{1} << 52) - 1, std::uint64_t{1} << 51, 3 * q}) {
        ASSERT_EQ(m.multiply(lazy, m.fixed_factor(a)), static_cast<std::uint64_t>(static_cast<Uint128>(lazy) * a % q));
      }
    }
  }
}

TEST(Modulus, ReducesAnyWord) {
  std::mt19937_64 random(2);
  for (std::uint64_t q : sample_primes()) {
    const Modulus m = modulus(q);
    std::vector<std::uint64_t> words = {0,
                                        1,
                                        q - 1,
                                        q,
                                        q + 1,
                                        2 * q,
                                        UINT64_MAX,
                                        UINT64_MAX - 1,
                                        UINT64_MAX / q * q,
                                        UINT64_MAX / q * q - 1,
                                        std::uint64_t{1} << 63,
                                        (std::uint64_t{1} << 63) - 1};
    for (int i = 0; i < 100; ++i) words.push_back(random());
    for (std::uint64_t word : words) {
      ASSERT_EQ(m.reduce(word), word % q);
      const auto number = static_cast<std::int64_t>(word);
      const mpz_class expected = mpz_class(std::to_string(number)) % mpz_class(std::to_string(q));
      const mpz_class positive = expected < 0 ? mpz_class(expected + mpz_class(std::to_string(q))) : expected;
      ASSERT_EQ(std::to_string(m.reduce_signed(number)), positive.get_str()) << q << " " << number;
    }
  }
}

TEST(Modulus, InverseTimesValueIsOneUnlessItIsZero) {
  std::mt19937_64 random(3);
  for (std::uint64_t q : sample_primes()) {
    const Modulus m = modulus(q);
    for (std::uint64_t a : sample_residues(q, random)) {
      EXPECT_EQ(m.multiply(a % q, m.inverse(a % q)), a % q == 0 ? 0u : 1u) << q << " " << a;
    }
    EXPECT_EQ(m.power(2, 0), 1u);
    EXPECT_EQ(m.power(q - 1, 3), q - 1);
  }
}

TEST(IsPrime, AgreesWithGmp) {
  for (std::uint64_t n = 0; n < 20000; ++n) ASSERT_EQ(is_prime(n), gmp_says_prime(n)) << n;
  std::mt19937_64 random(4);
  for (int i = 0; i < 20000; ++i) {
    const std::uint64_t n = random() >> (random() % 60);
    ASSERT_EQ(is_prime(n), gmp_says_prime(n)) << n;
  }
  for (std::uint64_t n = UINT64_MAX; n > UINT64_MAX - 2000; --n) ASSERT_EQ(is_prime(n), gmp_says_prime(n)) << n;
}

TEST(IsPrime, SeesThroughPseudoprimes) {
  const std::uint64_t carmichael[] = {561, 1105, 1729, 2465, 2821, 6601, 8911, 10585, 15841, 29341, 41041, 825265};
  // The smallest that are strong to the first 1, 2, .. 12 primes, and others.
  const std::uint64_t strong[] = {2047,          1373653,       25326001,        3215031751,
                                  2152302898747, 3474749660383, 341550071728321, 3825123056546413051,
                                  4759123141,    1122004669633, 118670087467,    307768373641,
                                  315962312077,  528929554561};
  for (std::uint64_t n : carmichael) EXPECT_FALSE(is_prime(n)) << n;
  for (std::uint64_t n : strong) EXPECT_FALSE(is_prime(n)) << n;
  // Chernick's (6k+1)(12k+1)(18k+1), and squares and products of neighbouring primes.
  for (std::uint64_t k = 1; k < 5000; ++k) {
    const std::uint64_t a = 6 * k + 1, b = 12 * k + 1, c = 18 * k + 1;
    ASSERT_FALSE(is_prime(a) && is_prime(b) && is_prime(c) && is_prime(a * b * c)) << k;
  }
  for (std::uint64_t p = 4294967000; p < 4294967296; ++p) {
    ASSERT_FALSE(is_prime(p * p)) << p;
  }
  // Primes that divide a witness, times themselves.
  for (std::uint64_t witness : {325ull, 9375ull, 28178ull, 450775ull, 9780504ull, 1795265022ull}) {
    for (std::uint64_t n = 2; n < 100000; ++n) {
      if (witness % n == 0) {
        ASSERT_EQ(is_prime(n), gmp_says_prime(n)) << n;
      }
    }
    ASSERT_FALSE(is_prime(witness));
  }
}

TEST(NttPrimes, NearAreTheNearestOnes) {
  for (int bits : {12, 20, 49}) {
    const int log_step = bits == 12 ? 4 : 10;
    const std::vector<std::uint64_t> excluded = {(*ntt_primes_near(bits, log_step, 2))[1]};
    const std::vector<std::uint64_t> primes = *ntt_primes_near(bits, log_step, 6, excluded);
    std::vector<std::uint64_t> expected;
    const std::uint64_t center = std::uint64_t{1} << bits;
    for (std::uint64_t distance = 0; expected.size() < primes.size(); ++distance) {
      for (std::uint64_t candidate : {center - distance, center + distance}) {
        const bool fits = (candidate - 1) % (std::uint64_t{1} << log_step) == 0 && is_prime(candidate);
        if (fits && candidate != excluded[0]) expected.push_back(candidate);
      }
    }
    EXPECT_EQ(primes, expected) << bits;
  }
}

TEST(NttPrimes, BelowAreTheLargestOnes) {
  for (int bits : {10, 30, 50}) {
    const std::vector<std::uint64_t> primes = *ntt_primes_below(bits, 5, 5);
    std::vector<std::uint64_t> expected;
    for (std::uint64_t n = (std::uint64_t{1} << bits) - 31; expected.size() < primes.size(); n -= 32) {
      if (is_prime(n)) expected.push_back(n);
    }
    EXPECT_EQ(primes, expected) << bits;
  }
  EXPECT_LT((*ntt_primes_near(50, 17, 40)).front(), kLimit);
}

TEST(NttPrimes, RefuseWhenThereAreNotEnough) {
  for (const auto& result : {ntt_primes_near(10, 8, 100), ntt_primes_below(20, 20, 1), ntt_primes_below(51, 10, 1),
                             ntt_primes_near(1, 0, 1), ntt_primes_near(20, -1, 1), ntt_primes_near(20, 51, 1)}) {
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code, base::ErrorCode::kInvalidArgument);
  }
  EXPECT_TRUE((*ntt_primes_near(20, 10, 0)).empty());
}

}  // namespace
}  // namespace blindproof::field
