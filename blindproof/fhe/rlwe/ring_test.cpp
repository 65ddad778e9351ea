// Residue arithmetic, divisions, keys and key switching against big integers and schoolbook products.
#include "blindproof/fhe/rlwe/ring.h"

#include <gtest/gtest.h>

#include <cmath>

#include "blindproof/fhe/rlwe/big_poly_test_support.h"
#include "blindproof/fhe/rlwe/ciphertext.h"
#include "blindproof/fhe/rlwe/sampling.h"

namespace blindproof::fhe::rlwe {
namespace {

using Integers = std::vector<mpz_class>;

crypto::Csprng fixed_random(std::uint8_t label) {
  Seed seed{};
  seed[0] = label;
  return crypto::Csprng(std::span<const std::uint8_t, 32>(seed));
}

RingParameters parameters(int log_degree, std::size_t q_count, std::size_t p_count, int digits, int q_bits = 40) {
  RingParameters result{.log_degree = log_degree, .q = {}, .p = {}, .digits = digits};
  result.q = field::ntt_primes_below(q_bits, log_degree + 1, q_count).value();
  result.p = field::ntt_primes_below(50, log_degree + 1, p_count).value();
  return result;
}

RingPtr ring(int log_degree = 6, std::size_t q_count = 5, std::size_t p_count = 2, int digits = 3) {
  return Ring::create(parameters(log_degree, q_count, p_count, digits)).value();
}

NttPoly uniform(const RingPtr& r, const Basis& basis, std::uint64_t index) {
  return expand_uniform(r, basis, Seed{1, 2, 3}, index);
}

mpz_class largest(const Integers& a) {
  mpz_class result = 0;
  for (const mpz_class& c : a) result = std::max<mpz_class>(result, abs(c));
  return result;
}

Integers difference(const Integers& a, const Integers& b, const mpz_class& q) {
  Integers result(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) result[i] = a[i] - b[i];
  return centered(std::move(result), q);
}

TEST(Ring, RefusesWhatDoesNotMakeARing) {
  const RingParameters good = parameters(6, 4, 2, 2);
  ASSERT_TRUE(Ring::create(good).ok());
  const auto refused = [&](auto&& change) {
    RingParameters bad = good;
    change(bad);
    const auto made = Ring::create(bad);
    return !made.ok() && made.error().code == base::ErrorCode::kInvalidArgument;
  };
  EXPECT_TRUE(refused([](RingParameters& p) { p.q.clear(); }));
  EXPECT_TRUE(refused([](RingParameters& p) { p.q[1] = p.q[0]; }));
  EXPECT_TRUE(refused([](RingParameters& p) { p.p[0] = p.q[0]; }));
  EXPECT_TRUE(refused([](RingParameters& p) { p.q[2] += 2; }));
  EXPECT_TRUE(refused([](RingParameters& p) { p.q[2] = 65537; p.log_degree = 17; }));
  EXPECT_TRUE(refused([](RingParameters& p) { p.digits = 0; }));
  EXPECT_TRUE(refused([](RingParameters& p) { p.digits = 5; }));
  EXPECT_TRUE(refused([](RingParameters& p) { p.digits = 1; }));  // 160 bits of Q against 100 of P
  EXPECT_TRUE(refused([](RingParameters& p) { p.log_degree = 5; }));
  EXPECT_TRUE(refused([](RingParameters& p) { p.log_degree = 18; }));
}

TEST(Ring, DigitsCoverTheModuli) {
  for (const int digits : {1, 2, 3, 4, 7}) {
    const RingPtr r = Ring::create(parameters(6, 7, 6, digits)).value();
    for (std::size_t q_limbs = 1; q_limbs <= 7; ++q_limbs) {
      std::size_t next = 0;
      for (std::size_t j = 0; j < r->digit_count(q_limbs); ++j) {
        EXPECT_EQ(r->digit_begin(j), next);
        EXPECT_GT(r->digit_end(j, q_limbs), next);
        next = r->digit_end(j, q_limbs);
      }
      EXPECT_EQ(next, q_limbs);
    }
  }
}

TEST(Poly, ProductsAreThoseOfTheRing) {
  const RingPtr r = ring();
  for (const Basis basis : {Basis{5, true}, Basis{3, false}, Basis{1, true}}) {
    const NttPoly a = uniform(r, basis, 1), b = uniform(r, basis, 2), c = uniform(r, basis, 3);
    const mpz_class q = modulus_product(a);
    const Integers x = centered_coefficients(a), y = centered_coefficients(b);
    EXPECT_EQ(centered_coefficients(product(a, b)), centered(negacyclic_product(x, y), q));
    NttPoly sum = c;
    multiply_add(sum, a, b);
    subtract_from(sum, product(a, b));
    EXPECT_EQ(centered_coefficients(sum), centered_coefficients(c));
  }
}

TEST(Poly, TruncationKeepsTheResidues) {
  const RingPtr r = ring();
  const NttPoly a = uniform(r, {5, true}, 4);
  const NttPoly b = truncate(a, {2, true});
  ASSERT_EQ(b.limbs(), 4u);
  const std::size_t sources[] = {0, 1, 5, 6};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(b.modulus(i).value(), a.modulus(sources[i]).value());
    EXPECT_TRUE(std::ranges::equal(b.limb(i), a.limb(sources[i])));
  }
}

TEST(Poly, DivisionsRoundToTheNearest) {
  const RingPtr r = ring();
  for (std::size_t q_limbs = 1; q_limbs <= 5; ++q_limbs) {
    std::vector<const Division*> divisions{&r->drop_p(q_limbs)};
    if (q_limbs >= 2) {
      divisions.push_back(&r->drop_last(q_limbs));
      divisions.push_back(&r->drop_p_and_last(q_limbs));
    }
    for (const Division* division : divisions) {
      const NttPoly a = uniform(r, division->from, 5 + q_limbs);
      mpz_class divisor = 1;
      for (const std::size_t limb : division->dropped) divisor *= to_mpz(a.modulus(limb).value());
      const NttPoly quotient = divide(NttPoly(a), *division);
      const Integers x = centered_coefficients(a), y = centered_coefficients(quotient);
      const mpz_class q = modulus_product(quotient);
      for (std::size_t i = 0; i < x.size(); ++i) {
        mpz_class expected;  // floor((2x + d) / 2d)
        mpz_fdiv_q(expected.get_mpz_t(), mpz_class(2 * x[i] + divisor).get_mpz_t(), mpz_class(2 * divisor).get_mpz_t());
        EXPECT_EQ((expected - y[i]) % q, 0) << "limbs " << q_limbs << " coefficient " << i;
      }
    }
  }
}

TEST(Poly, PermutationsAreAutomorphisms) {
  const RingPtr r = ring();
  const NttPoly a = uniform(r, {2, false}, 11);
  const mpz_class q = modulus_product(a);
  for (const std::size_t g : {std::size_t{1}, std::size_t{3}, std::size_t{5}, std::size_t{77}, conjugation_element(6)}) {
    const NttPoly b = permuted(a, poly::automorphism_permutation(6, g));
    EXPECT_EQ(centered_coefficients(b), centered(automorphism(centered_coefficients(a), g), q)) << g;
  }
}

TEST(Seeds, ALimbDependsOnSeedIndexAndModulusAlone) {
  const RingPtr r = ring();
  const NttPoly all = expand_uniform(r, {5, true}, Seed{7}, 3);
  const NttPoly some = expand_uniform(r, {2, true}, Seed{7}, 3);
  EXPECT_TRUE(std::ranges::equal(some.limb(1), all.limb(1)));
  EXPECT_TRUE(std::ranges::equal(some.limb(2), all.limb(5)));
  EXPECT_FALSE(std::ranges::equal(expand_uniform(r, {1, false}, Seed{7}, 4).limb(0), all.limb(0)));
  EXPECT_FALSE(std::ranges::equal(expand_uniform(r, {1, false}, Seed{8}, 3).limb(0), all.limb(0)));
}

TEST(SecretKeys, ComeBackFromTheirCoefficientsAndFromNothingElse) {
  const RingPtr r = ring();
  crypto::Csprng random = fixed_random(1);
  const SecretKey key = SecretKey::generate(r, random);
  const auto again = SecretKey::from_coefficients(r, key.ternary().clone());
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(centered_coefficients(again->values()), centered_coefficients(key.values()));
  EXPECT_LE(largest(centered_coefficients(key.values())), 1);
  crypto::SecretBytes two = key.ternary().clone();
  two.expose_mutable()[5] = 2;
  EXPECT_FALSE(SecretKey::from_coefficients(r, std::move(two)).ok());
  EXPECT_FALSE(SecretKey::from_coefficients(r, crypto::SecretBytes(63)).ok());
}

TEST(Encryption, OfZeroHasASmallPhase) {
  const RingPtr r = ring(8);
  crypto::Csprng random = fixed_random(2);
  const SecretKey secret = SecretKey::generate(r, random);
  for (const std::uint64_t multiplier : {1u, 65537u}) {
    const PublicKey key = PublicKey::generate(secret, multiplier, random);
    for (const std::size_t q_limbs : {std::size_t{1}, std::size_t{5}}) {
      const Integers by_public = centered_coefficients(phase(encrypt_zero(key, {q_limbs, false}, multiplier, random), secret));
      const SeededParts seeded = encrypt_zero(secret, {q_limbs, false}, multiplier, random);
      const Integers by_secret = centered_coefficients(phase(seeded.parts, secret));
      EXPECT_LE(largest(by_secret), 21 * multiplier);
      EXPECT_LE(largest(by_public).get_d(), 8 * fresh_public_key_noise(*r) * static_cast<double>(multiplier));
      EXPECT_GE(largest(by_public).get_d(), fresh_public_key_noise(*r) * static_cast<double>(multiplier));
      for (const mpz_class& c : by_public) EXPECT_EQ(c % multiplier, 0);
      EXPECT_EQ(centered_coefficients(seeded.parts[1]), centered_coefficients(expand_uniform(r, {q_limbs, false}, seeded.seed, 0)));
    }
  }
}

TEST(KeySwitching, DigitsAreTheCenteredResidues) {
  const RingPtr r = ring(6, 5, 2, 3);
  for (std::size_t q_limbs = 1; q_limbs <= 5; ++q_limbs) {
    const NttPoly c = uniform(r, {q_limbs, false}, 20 + q_limbs);
    const Integers x = centered_coefficients(c);
    const Decomposition digits = decompose(c);
    ASSERT_EQ(digits.digits.size(), r->digit_count(q_limbs));
    for (std::size_t j = 0; j < digits.digits.size(); ++j) {
      mpz_class d = 1;
      for (std::size_t i = r->digit_begin(j); i < r->digit_end(j, q_limbs); ++i) d *= to_mpz(c.modulus(i).value());
      EXPECT_EQ(centered_coefficients(digits.digits[j]), centered(x, d)) << "limbs " << q_limbs << " digit " << j;
    }
  }
}

TEST(KeySwitching, ChangesTheSecretAndAddsWhatIsPredicted) {
  const RingPtr r = ring(9, 6, 2, 3);
  crypto::Csprng random = fixed_random(3);
  const SecretKey from = SecretKey::generate(r, random), to = SecretKey::generate(r, random);
  for (const std::size_t key_limbs : {std::size_t{6}, std::size_t{4}}) {
    const KeySwitchKey key = make_key_switch_key(from.values(), to.values(), key_limbs, 1, random);
    for (std::size_t q_limbs = 1; q_limbs <= key_limbs; ++q_limbs) {
      const NttPoly c = uniform(r, {q_limbs, false}, 30 + q_limbs);
      const Pair switched = key_switch(c, key);
      const Integers expected = centered_coefficients(product(c, truncate(from.values(), c.basis())));
      const Integers actual = centered_coefficients(phase({switched.c0, switched.c1}, to));
      const double error = largest(difference(actual, expected, modulus_product(c))).get_d();
      const double predicted = key_switch_noise(*r, q_limbs);
      EXPECT_LE(error, 7 * predicted) << q_limbs;
      EXPECT_GE(error, predicted) << q_limbs;
    }
  }
}

TEST(KeySwitching, AutomorphismsAndTheirHoistedForms) {
  const RingPtr r = ring(9, 5, 2, 3);
  crypto::Csprng random = fixed_random(4);
  const SecretKey secret = SecretKey::generate(r, random);
  const Basis basis{4, false};
  const Parts c{uniform(r, basis, 40), uniform(r, basis, 41)};
  const Integers before = centered_coefficients(phase(c, secret));
  const Decomposition digits = decompose(c[1]);
  for (const std::size_t g : {std::size_t{5}, rotation_element(9, -7), conjugation_element(9)}) {
    const GaloisKey key = make_galois_key(secret, g, 5, 1, random);
    const Parts rotated = apply_galois(c, key), hoisted = apply_galois(c, digits, key);
    const mpz_class q = modulus_product(c[0]);
    const Integers expected = centered(automorphism(before, g), q);
    EXPECT_LE(largest(difference(centered_coefficients(phase(rotated, secret)), expected, q)).get_d(), 7 * key_switch_noise(*r, 4));
    EXPECT_EQ(centered_coefficients(hoisted[0]), centered_coefficients(rotated[0]));
    EXPECT_EQ(centered_coefficients(hoisted[1]), centered_coefficients(rotated[1]));
  }
}

TEST(Rotations, ComposeAndWrapAround) {
  for (const int log_degree : {6, 13, 17}) {
    const std::size_t order = std::size_t{2} << log_degree;
    EXPECT_EQ(rotation_element(log_degree, 0), 1u);
    EXPECT_EQ(rotation_element(log_degree, 1), 5u);
    EXPECT_EQ(rotation_element(log_degree, 3) * rotation_element(log_degree, -3) % order, 1u);
    EXPECT_EQ(rotation_element(log_degree, static_cast<std::int64_t>(order / 4)), 1u);
  }
}

TEST(GaloisKeys, SayWhichKeyIsMissing) {
  const RingPtr r = ring();
  crypto::Csprng random = fixed_random(5);
  const SecretKey secret = SecretKey::generate(r, random);
  GaloisKeys keys;
  keys.insert(make_galois_key(secret, 5, 3, 1, random));
  EXPECT_TRUE(keys.find(5, 3).ok());
  EXPECT_NE(keys.find(25, 3).error().detail.find("25"), std::string::npos);
  EXPECT_NE(keys.find(5, 4).error().detail.find("4"), std::string::npos);
}

TEST(Multiplication, IsThatOfThePhases) {
  const RingPtr r = ring(7, 5, 2, 3);
  crypto::Csprng random = fixed_random(6);
  const SecretKey secret = SecretKey::generate(r, random);
  const Basis basis{5, false};
  const Parts a{uniform(r, basis, 50), uniform(r, basis, 51)}, b{uniform(r, basis, 52), uniform(r, basis, 53)};
  const mpz_class q = modulus_product(a[0]);
  const Integers expected = centered(
      negacyclic_product(centered_coefficients(phase(a, secret)), centered_coefficients(phase(b, secret))), q);
  const Parts c = multiply(a, b);
  EXPECT_EQ(centered_coefficients(phase(c, secret)), expected);
  const KeySwitchKey key = make_relinearization_key(secret, 5, 1, random);
  const Parts linear = relinearize(c, key);
  ASSERT_EQ(linear.size(), 2u);
  EXPECT_LE(largest(difference(centered_coefficients(phase(linear, secret)), expected, q)).get_d(), 7 * key_switch_noise(*r, 5));
  // One rounding in place of two.
  const Integers twice = centered_coefficients(phase(rescale(relinearize(c, key)), secret));
  const Integers once = centered_coefficients(phase(relinearize_and_rescale(c, key), secret));
  const mpz_class smaller = q / to_mpz(a[0].modulus(4).value());
  EXPECT_LE(largest(difference(twice, once, smaller)).get_d(), 14 * rounding_noise(*r));
}

}  // namespace
}  // namespace blindproof::fhe::rlwe
