// Keys, encryption and comparison of one context, for tests.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>

#include "blindproof/fhe/bfv/bfv.h"
#include "blindproof/fhe/rlwe/big_poly_test_support.h"
#include "blindproof/testing/insecure_parameters.h"

namespace blindproof::fhe::bfv {

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
    secret.emplace(generate_secret_key(*context, keys));
    public_key.emplace(generate_public_key(*secret, keys));
    relinearization.emplace(generate_relinearization_key(*context, *secret, keys));
    rotations = generate_rotation_keys(*context, *secret, steps, true, keys);
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

  /// The phase less Q/t times the message.
  std::vector<double> errors(const Ciphertext& ciphertext, const Plaintext& message) {
    const rlwe::NttPoly phase = rlwe::phase(ciphertext.parts(), *secret);
    const mpz_class q = rlwe::modulus_product(phase), modulus = rlwe::to_mpz(context->parameters().t);
    const std::vector<mpz_class> x = rlwe::centered_coefficients(phase);
    std::vector<double> result;
    for (std::size_t i = 0; i < x.size(); ++i) {
      // t e = t x - Q m, up to multiples of t Q.
      mpz_class scaled = (modulus * x[i] - q * rlwe::to_mpz(message.coefficients()[i])) % (modulus * q);
      if (2 * scaled > modulus * q) scaled -= modulus * q;
      if (2 * scaled < -modulus * q) scaled += modulus * q;
      result.push_back(mpf_class(mpf_class(scaled) / mpf_class(modulus)).get_d());
    }
    return result;
  }

  double measured_error(const Ciphertext& ciphertext, const Plaintext& message) {
    double largest = 0;
    for (const double error : errors(ciphertext, message)) largest = std::max(largest, std::abs(error));
    return largest;
  }

  void expect_exact(const base::Result<Ciphertext>& ciphertext, const Slots& expected, double loose_bits, const char* what) {
    ASSERT_TRUE(ciphertext.ok()) << what << ": " << ciphertext.error().message();
    const auto plaintext = decrypt(*secret, *ciphertext);
    ASSERT_TRUE(plaintext.ok());
    EXPECT_EQ(decode(*plaintext), expected) << what;
    const double measured = measured_error(*ciphertext, *plaintext), bound = kTail * ciphertext->noise();
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

inline ContextPtr small_context(int limbs = 4, int limb_bits = 50, std::uint64_t t = 65537) {
  return testing::InsecureParameters::bfv(
             {.log_degree = 9, .t = t, .limbs = limbs, .limb_bits = limb_bits, .digits = 2})
      .value();
}

}  // namespace blindproof::fhe::bfv
