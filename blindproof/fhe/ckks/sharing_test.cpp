// What decryptions that are shown, and ciphertexts that leave, give away; with the attacks they are to withstand.
#include <gtest/gtest.h>

#include <cmath>

#include "blindproof/fhe/ckks/fixture_test_support.h"
#include "blindproof/fhe/rlwe/big_poly_test_support.h"
#include "blindproof/fhe/rlwe/flooding.h"
#include "blindproof/fhe/rlwe/statistics_test_support.h"

namespace blindproof::fhe::ckks {
namespace {

constexpr double kLongScale = 0x1p85;

// A ciphertext of long scale: room for floods.
Ciphertext long_encrypted(Fixture& f, const Slots& values) {
  return encrypt(*f.public_key, f.encoder.encode(values, f.context->top_level(), kLongScale).value(), f.random);
}

/// The fraction of the secret's coefficients that (phase - c_0) / c_1 gives away.
double fraction_recovered(Fixture& f, const Ciphertext& a, const rlwe::NttPoly& believed_phase) {
  rlwe::NttPoly quotient = believed_phase;
  subtract_from(quotient, a.parts()[0]);
  for (std::size_t i = 0; i < quotient.limbs(); ++i) {
    const field::Modulus& q = quotient.modulus(i);
    for (std::size_t j = 0; j < quotient.degree(); ++j) {
      if (a.parts()[1].limb(i)[j] == 0) return 0;
      quotient.limb(i)[j] = q.multiply(quotient.limb(i)[j], q.inverse(a.parts()[1].limb(i)[j]));
    }
  }
  const std::vector<mpz_class> found = rlwe::centered_coefficients(quotient);
  std::size_t right = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    right += found[i] == static_cast<std::int8_t>(f.secret->ternary().expose()[i]);
  }
  return static_cast<double>(right) / static_cast<double>(found.size());
}

std::vector<double> slot_errors(Fixture& f, const Plaintext& plaintext, const Slots& exact) {
  const Slots slots = f.encoder.decode(plaintext);
  std::vector<double> result;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    result.push_back((slots[i] - exact[i]).real());
    result.push_back((slots[i] - exact[i]).imag());
  }
  return result;
}

TEST(Sharing, PlainDecryptionsGiveTheKeyAwayAndSharedOnesDoNot) {
  Fixture f(small_context());
  std::mt19937_64 random(1);
  const Slots x = random_slots(f.context->slots(), random);
  const Ciphertext a = f.encrypted(x, 2);
  // What an observer makes of published slots: the polynomial that they encode to.
  const auto reencoded = [&](const Plaintext& published) {
    return f.encoder.encode(f.encoder.decode(published), a.level(), a.scale())->poly();
  };
  EXPECT_EQ(fraction_recovered(f, a, reencoded(*decrypt(*f.secret, a))), 1);
  const auto shared = decrypt_to_share(*f.secret, a, {.bits = 8, .queries = 1}, f.random);
  ASSERT_TRUE(shared.ok()) << shared.error().message();
  EXPECT_EQ(fraction_recovered(f, a, reencoded(*shared)), 0);
}

TEST(Sharing, TheFloodIsAsLongAsTheFormulaSays) {
  Fixture f(small_context(9));
  std::mt19937_64 random(2);
  const Slots x = random_slots(f.context->slots(), random);
  const Ciphertext a = long_encrypted(f, x);
  for (const Sharing sharing : {Sharing{50, 1}, Sharing{64, 1}, Sharing{64, 4096}}) {
    const auto shared = decrypt_to_share(*f.secret, a, sharing, f.random);
    ASSERT_TRUE(shared.ok()) << shared.error().message();
    double squares = 0, largest = 0;
    const std::vector<double> errors = slot_errors(f, *shared, x);
    for (const double error : errors) {
      squares += error * error;
      largest = std::max(largest, std::abs(error));
    }
    const double n = static_cast<double>(f.context->ring()->degree());
    const double asked = std::sqrt(12 * sharing.queries) * std::exp2(sharing.bits / 2.0) * a.error_bound() * std::sqrt(n);
    const double measured = std::sqrt(squares / (n / 2));  // of complex slots
    EXPECT_GE(measured, 0.9 * asked);
    EXPECT_LE(measured, 1.2 * asked);
    EXPECT_LE(largest, shared->error_bound());
    EXPECT_GE(largest * 16, shared->error_bound());
  }
}

// Two circuits, one result: their errors differ in length by a factor of 2^10, which plain decryptions show.
TEST(Sharing, HidesWhichCircuitMadeTheResult) {
  Fixture f(small_context(9));
  std::mt19937_64 random(3);
  const Slots x = random_slots(f.context->slots(), random);
  const Ciphertext direct = long_encrypted(f, x);
  Ciphertext longer = direct;
  for (int i = 0; i < 10; ++i) longer = *add(longer, longer);
  for (int i = 0; i < 1023; ++i) longer = *subtract(longer, f.encoder.encode(x, f.context->top_level(), kLongScale).value());
  EXPECT_FALSE(rlwe::look_alike(slot_errors(f, *decrypt(*f.secret, direct), x), slot_errors(f, *decrypt(*f.secret, longer), x)));
  const Ciphertext bounded(f.context, direct.level(), direct.scale(), direct.parts(), longer.prediction());
  const auto shared = [&](const Ciphertext& a) {
    return slot_errors(f, decrypt_to_share(*f.secret, a, {.bits = 40, .queries = 1}, f.random).value(), x);
  };
  EXPECT_TRUE(rlwe::look_alike(shared(bounded), shared(longer)));
  // A prediction that is too low floods too little.
  const Ciphertext dishonest(f.context, longer.level(), longer.scale(), longer.parts(), {1, direct.prediction().noise / 0x1p14});
  const Ciphertext same_prediction(f.context, direct.level(), direct.scale(), direct.parts(), dishonest.prediction());
  const auto barely = [&](const Ciphertext& a) {
    return slot_errors(f, decrypt_to_share(*f.secret, a, {.bits = 1, .queries = 1}, f.random).value(), x);
  };
  EXPECT_FALSE(rlwe::look_alike(barely(same_prediction), barely(dishonest)));
}

// The way that docs/spec/fhe.md recommends: inputs at a double scale, one product with plaintext weights, no division.
TEST(Sharing, ALinearModelOnAShippedSetKeepsItsPrecision) {
  Fixture f(Context::create("ckks-8192-3").value(), {1, 2, 4, 8});
  std::mt19937_64 random(6);
  const Slots x = random_slots(f.context->slots(), random), w = random_slots(f.context->slots(), random);
  const int top = f.context->top_level();
  const Ciphertext a = encrypt(*f.public_key, *f.encoder.encode(x, top, 0x1p80), f.random);
  const Ciphertext scores = *sum_slots(*multiply(a, *f.encoder.encode(w, top, 0x1p60)), 16, f.rotations);
  Slots expected(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    for (std::size_t j = 0; j < 16; ++j) expected[i] += x[(i + j) % x.size()] * w[(i + j) % x.size()];
  }
  const Ciphertext sanitized = *sanitize(scores, *f.public_key, 30, f.random);
  const Plaintext shared = *decrypt_to_share(*f.secret, scores, {.bits = 40, .queries = 1000}, f.random);
  EXPECT_LE(largest_difference(f.encoder.decode(shared), expected), shared.error_bound());
  EXPECT_LE(shared.error_bound(), 2e-4);
  EXPECT_LE(largest_difference(f.decrypted(sanitized), expected), sanitized.error_bound());
  EXPECT_LE(sanitized.error_bound(), 2e-3);
}

TEST(Sharing, RefusesWhatTellsNothingOrDoesNotFit) {
  Fixture f(small_context()), other(small_context(7));
  std::mt19937_64 random(4);
  const Slots x = random_slots(f.context->slots(), random);
  const Ciphertext a = f.encrypted(x, 4);
  const auto detail = [](const auto& result) { return result.ok() ? std::string() : result.error().detail; };
  const auto share = [&](const Ciphertext& ciphertext, int bits, double queries) {
    return detail(decrypt_to_share(*f.secret, ciphertext, {bits, queries}, f.random));
  };
  EXPECT_NE(share(a, 64, 1).find("longer scale"), std::string::npos);
  EXPECT_NE(share(a, 8, 0x1p60).find("longer scale"), std::string::npos);
  EXPECT_NE(share(a, 1900, 1).find("at most 960"), std::string::npos);
  EXPECT_NE(share(a, 0, 1).find("at least one bit"), std::string::npos);
  EXPECT_NE(share(a, 20, 0).find("one query"), std::string::npos);
  EXPECT_NE(share(a, 20, NAN).find("one query"), std::string::npos);
  EXPECT_NE(detail(decrypt_to_share(*other.secret, a, {}, f.random)).find("another ring"), std::string::npos);
  const Ciphertext unknown(f.context, a.level(), a.scale(), a.parts(), {1, INFINITY});
  EXPECT_NE(share(unknown, 20, 1).find("state a bound"), std::string::npos);
  const Ciphertext large(f.context, 0, f.context->scale(0), f.encrypted(x, 0).parts(), {0x1p12, a.prediction().noise});
  EXPECT_NE(share(large, 8, 1).find("doesn't fit"), std::string::npos);
}

TEST(CkksSanitizing, LeavesNothingButTheMessage) {
  Fixture f(small_context(9));
  std::mt19937_64 random(5);
  const Slots x = random_slots(f.context->slots(), random);
  const Ciphertext direct = long_encrypted(f, x);
  Ciphertext longer = direct;
  for (int i = 0; i < 10; ++i) longer = *add(longer, longer);
  for (int i = 0; i < 1023; ++i) longer = *subtract(longer, f.encoder.encode(x, f.context->top_level(), kLongScale).value());
  const Ciphertext bounded(f.context, direct.level(), direct.scale(), direct.parts(), longer.prediction());
  const auto sanitized = [&](const Ciphertext& a, int bits) { return sanitize(a, *f.public_key, bits, f.random).value(); };
  const auto errors = [&](const Ciphertext& a) { return slot_errors(f, *decrypt(*f.secret, a), x); };
  EXPECT_FALSE(rlwe::look_alike(errors(bounded), errors(longer)));
  const Ciphertext a = sanitized(bounded, 30), b = sanitized(longer, 30);
  EXPECT_TRUE(rlwe::look_alike(errors(a), errors(b)));
  f.expect_close(a, x, 6, "sanitised");
  f.expect_close(b, x, 6, "sanitised");
  for (const std::size_t part : {0u, 1u}) {
    EXPECT_NE(rlwe::centered_coefficients(a.parts()[part]), rlwe::centered_coefficients(direct.parts()[part]));
    EXPECT_NE(rlwe::centered_coefficients(sanitized(bounded, 30).parts()[part]), rlwe::centered_coefficients(a.parts()[part]));
  }
  const auto detail = [](const auto& result) { return result.ok() ? std::string() : result.error().detail; };
  EXPECT_NE(detail(sanitize(f.encrypted(x, 4), *f.public_key, 40, f.random)).find("longer scale"), std::string::npos);
}

}  // namespace
}  // namespace blindproof::fhe::ckks
