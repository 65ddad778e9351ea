// Keys, encryption and comparison of one context, for tests.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <random>

#include "blindproof/fhe/ckks/encoder.h"
#include "blindproof/fhe/ckks/encryption.h"
#include "blindproof/fhe/ckks/evaluator.h"
#include "blindproof/testing/insecure_parameters.h"

namespace blindproof::fhe::ckks {

using Complex = std::complex<double>;
using Slots = std::vector<Complex>;

inline crypto::Csprng fixed_random(std::uint8_t label) {
  std::array<std::uint8_t, 32> seed{};
  seed[0] = label;
  return crypto::Csprng(std::span<const std::uint8_t, 32>(seed));
}

inline Slots random_slots(std::size_t count, std::mt19937_64& random, double bound = 1) {
  std::uniform_real_distribution<double> uniform(-bound, bound);
  Slots result(count);
  for (Complex& z : result) z = {uniform(random) * 0.7, uniform(random) * 0.7};
  return result;
}

inline double largest_difference(const Slots& a, const Slots& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

struct Fixture {
  explicit Fixture(ContextPtr made, std::vector<std::int64_t> steps = {1, 2, 4, 8, -3, 16}) : context(std::move(made)), encoder(context) {
    crypto::Csprng keys = fixed_random(1);
    secret.emplace(generate_secret_key(*context, keys));
    public_key.emplace(generate_public_key(*secret, keys));
    if (context->top_level() > 0) {
      relinearization.emplace(generate_relinearization_key(*context, *secret, context->top_level(), keys));
      rotations = generate_rotation_keys(*context, *secret, context->top_level(), steps, true, keys);
    }
  }

  Ciphertext encrypted(const Slots& values, int level) {
    auto plaintext = encoder.encode(values, level);
    EXPECT_TRUE(plaintext.ok()) << (plaintext.ok() ? "" : plaintext.error().message());
    return encrypt(*public_key, *plaintext, random);
  }

  Slots decrypted(const Ciphertext& ciphertext) {
    auto plaintext = decrypt(*secret, ciphertext);
    EXPECT_TRUE(plaintext.ok());
    return encoder.decode(*plaintext);
  }

  /// Measured at most the prediction, and not far below it.
  void expect_close(const Ciphertext& ciphertext, const Slots& expected, double loose_bits, const char* what) {
    const double measured = largest_difference(decrypted(ciphertext), expected);
    constexpr double kDoubles = 1e-14;  // what encoding and decoding lose
    EXPECT_LE(measured, ciphertext.error_bound() + kDoubles) << what;
    EXPECT_GE(measured * std::exp2(loose_bits), ciphertext.error_bound()) << what;
  }

  ContextPtr context;
  Encoder encoder;
  crypto::Csprng random = fixed_random(2);
  std::optional<rlwe::SecretKey> secret;
  std::optional<rlwe::PublicKey> public_key;
  std::optional<rlwe::KeySwitchKey> relinearization;
  rlwe::GaloisKeys rotations;
};

inline ContextPtr small_context(int log_degree = 8, int levels = 4, int digits = 2) {
  return testing::InsecureParameters::ckks(
             {.log_degree = log_degree, .scale_bits = 40, .levels = levels, .first_bits = 50, .digits = digits})
      .value();
}

}  // namespace blindproof::fhe::ckks
