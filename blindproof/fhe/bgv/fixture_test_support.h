// Keys, encryption and comparison of one context, for tests.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>

#include "blindproof/fhe/bgv/bgv.h"
#include "blindproof/fhe/rlwe/big_poly_test_support.h"
#include "blindproof/testing/insecure_parameters.h"

namespace blindproof::fhe::bgv {

using Slots = std::vector<std::int64_t>;

inline crypto::Csprng fixed_random(std::uint8_t label) {
  std::array<std::uint8_t, 32> seed{};
  seed[0] = label;
  return crypto::Csprng(std::span<const std::uint8_t, 32>(seed));
}

struct Fixture {
  explicit Fixture(ContextPtr made, const std::vector<std::int64_t>& steps = {1, 2, 4, 8, -3})
      : context(std::move(made)) {
    crypto::Csprng keys = fixed_random(1);
    const int top = context->top_level();
    secret.emplace(generate_secret_key(*context, keys));
    public_key.emplace(generate_public_key(*context, *secret, keys));
    relinearization.emplace(generate_relinearization_key(*context, *secret, top, keys));
    rotations = generate_rotation_keys(*context, *secret, top, steps, true, keys);
  }

  std::int64_t t() const { return static_cast<std::int64_t>(context->parameters().t); }
  std::int64_t reduced(std::int64_t value) const { return context->t().centered(context->t().reduce_signed(value)); }
  std::int64_t product(std::int64_t u, std::int64_t v) const {
    const field::Modulus& modulus = context->t();
    return modulus.centered(modulus.multiply(modulus.reduce_signed(u), modulus.reduce_signed(v)));
  }

  Slots random_slots(std::mt19937_64& source) const {
    std::uniform_int_distribution<std::int64_t> uniform(-(t() / 2), t() / 2);
    Slots result(context->slots().slots());
    for (std::int64_t& value : result) value = uniform(source);
    return result;
  }

  Ciphertext encrypted(const Slots& values) { return encrypt(*public_key, encode(context, values).value(), random); }

  std::vector<double> phase(const Ciphertext& ciphertext) const {
    std::vector<double> result;
    for (const mpz_class& c : rlwe::centered_coefficients(rlwe::phase(ciphertext.parts(), *secret))) result.push_back(c.get_d());
    return result;
  }

  void expect_exact(const base::Result<Ciphertext>& ciphertext, const Slots& expected, double loose_bits, const char* what) {
    ASSERT_TRUE(ciphertext.ok()) << what << ": " << ciphertext.error().message();
    const auto plaintext = decrypt(*secret, *ciphertext);
    ASSERT_TRUE(plaintext.ok());
    EXPECT_EQ(decode(*plaintext), expected) << what;
    double measured = 0;
    for (const double c : phase(*ciphertext)) measured = std::max(measured, std::abs(c));
    const double bound = kTail * ciphertext->deviation();
    EXPECT_LE(measured, bound) << what;
    EXPECT_GE(measured * std::exp2(loose_bits), bound) << what;
  }

  ContextPtr context;
  crypto::Csprng random = fixed_random(2);
  std::optional<rlwe::SecretKey> secret;
  std::optional<rlwe::PublicKey> public_key;
  std::optional<rlwe::KeySwitchKey> relinearization;
  rlwe::GaloisKeys rotations;
};

inline ContextPtr small_context(int levels = 4, std::uint64_t t = 65537) {
  return testing::InsecureParameters::bgv({.log_degree = 9, .t = t, .levels = levels, .digits = 2}).value();
}

}  // namespace blindproof::fhe::bgv
