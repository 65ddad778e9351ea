// Scales of two moduli: the same operations, with errors below what doubles can show.
#include <gtest/gtest.h>

#include "blindproof/fhe/ckks/fixture_test_support.h"
#include "blindproof/fhe/ckks/linear_transform.h"
#include "blindproof/fhe/ckks/polynomial.h"

namespace blindproof::fhe::ckks {
namespace {

constexpr double kDoubles = 1e-12;  // what encoding and decoding lose

ContextPtr long_context(int scale_bits = 76, int first_bits = 96) {
  return testing::InsecureParameters::ckks(
             {.log_degree = 8, .scale_bits = scale_bits, .levels = 4, .first_bits = first_bits, .digits = 3})
      .value();
}

TEST(LongScales, HaveTwoModuliForEachLevelAndScalesThatBarelyMove) {
  for (const int bits : {50, 61, 76, 98}) {
    const ContextPtr context = long_context(bits, std::max(bits, 96));
    EXPECT_EQ(context->limbs_per_level(), 2u);
    EXPECT_EQ(context->ring()->q_count(), 10u);
    for (int level = 0; level <= 4; ++level) {
      EXPECT_EQ(context->q_limbs(level), 2u * (static_cast<std::size_t>(level) + 1));
      EXPECT_NEAR(context->scale(level) / std::exp2(bits), 1, 0.01);
      if (level > 0) {
        EXPECT_NEAR(std::log2(context->level_modulus(level)), bits, 0.02);
      }
    }
  }
  EXPECT_FALSE(testing::InsecureParameters::ckks({.log_degree = 8, .scale_bits = 99, .levels = 1, .first_bits = 100}).ok());
  EXPECT_FALSE(testing::InsecureParameters::ckks({.log_degree = 8, .scale_bits = 76, .levels = 1, .first_bits = 101}).ok());
  EXPECT_FALSE(testing::InsecureParameters::ckks({.log_degree = 8, .scale_bits = 76, .levels = 32, .first_bits = 96}).ok());
}

TEST(LongScales, EveryOperationIsExactToDoubles) {
  Fixture f(long_context(), {1, 2, 4, 8, 16, 32, 64});
  std::mt19937_64 random(1);
  const std::size_t slots = f.context->slots();
  const Slots x = random_slots(slots, random), y = random_slots(slots, random);
  const Ciphertext a = f.encrypted(x, 4), b = f.encrypted(y, 4);
  const auto expect = [&](const Outcome& result, const auto& at, const char* what) {
    ASSERT_TRUE(result.ok()) << what << ": " << result.error().message();
    EXPECT_EQ(result->scale(), f.context->scale(result->level())) << what;
    EXPECT_LT(result->error_bound(), 1e-13) << what;
    Slots expected(slots);
    for (std::size_t i = 0; i < slots; ++i) expected[i] = at(i);
    EXPECT_LT(largest_difference(f.decrypted(*result), expected), kDoubles) << what;
  };
  expect(add(a, b), [&](std::size_t i) { return x[i] + y[i]; }, "sum");
  expect(multiply(a, b, *f.relinearization), [&](std::size_t i) { return x[i] * y[i]; }, "product");
  expect(rescale(multiply(a, -0.37).value()), [&](std::size_t i) { return -0.37 * x[i]; }, "constant");
  expect(rescale(multiply(a, f.encoder.encode(y, 4).value()).value()), [&](std::size_t i) { return x[i] * y[i]; }, "plaintext");
  for (int level = 0; level <= 4; ++level) expect(lower_to(a, level), [&](std::size_t i) { return x[i]; }, "lower_to");
  expect(rotate(a, 4, f.rotations), [&](std::size_t i) { return x[(i + 4) % slots]; }, "rotation");
  expect(conjugate(a, f.rotations), [&](std::size_t i) { return std::conj(x[i]); }, "conjugation");
  expect(sum_slots(a, 4, f.rotations, 2), [&](std::size_t i) {
    return x[i] + x[(i + 2) % slots] + x[(i + 4) % slots] + x[(i + 6) % slots];
  }, "sum of slots");

  const Polynomial cubic{{0.1, 0.5, -0.25, 0.2}, PolynomialBasis::kPowers, -1, 1};
  expect(evaluate(cubic, a, *f.relinearization), [&](std::size_t i) { return 0.1 + x[i] * (0.5 + x[i] * (-0.25 + 0.2 * x[i])); }, "polynomial");

  const Diagonals diagonals{{0, Slots(slots, 0.5)}, {1, y}, {2, x}};
  const auto transform = LinearTransform::create(f.encoder, diagonals, 3).value();
  expect(transform.apply(lower_to(a, 3).value(), f.rotations), [&](std::size_t i) {
    return 0.5 * x[i] + y[i] * x[(i + 1) % slots] + x[i] * x[(i + 2) % slots];
  }, "matrix");
}

// What long scales are for.
TEST(LongScales, LeaveRoomForFloods) {
  const ContextPtr context = Context::create("ckks-32768-5-long").value();
  crypto::Csprng random = fixed_random(3);
  const auto secret = generate_secret_key(*context, random);
  const auto key = generate_public_key(secret, random);
  const auto relinearization = generate_relinearization_key(*context, secret, context->top_level(), random);
  const Encoder encoder(context);
  const Slots values{1, -0.97, 0.9};
  Ciphertext a = encrypt(key, encoder.encode(values, context->top_level()).value(), random);
  while (a.level() > 0) a = multiply(a, a, relinearization).value();
  Slots expected = values;
  for (Complex& z : expected) z = std::pow(z, 32);
  const auto flood = sanitize(a, key, 40, random);
  ASSERT_TRUE(flood.ok()) << flood.error().message() << " " << a.error_bound() << " " << a.prediction().magnitude;
  const Ciphertext& flooded = *flood;
  EXPECT_LT(flooded.error_bound(), 0.02);
  const Slots result = encoder.decode(decrypt(secret, flooded).value());
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_LT(std::abs(result[i] - expected[i]), flooded.error_bound());
  const auto shared = decrypt_to_share(secret, a, {.bits = 40, .queries = 1000}, random);
  ASSERT_TRUE(shared.ok()) << shared.error().message();
  EXPECT_LT(shared->error_bound(), 1e-3);
}

}  // namespace
}  // namespace blindproof::fhe::ckks
