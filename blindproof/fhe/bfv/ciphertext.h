// Messages of BFV.
//
// A ciphertext carries the predicted standard deviation of an error coefficient, and the highest power of the secret in it: a
// product of errors that share factors s varies more than one of independent errors (docs/spec/fhe.md, "Noise"). An evaluation whose predicted error might
// not decrypt fails with an error that says so: wrong results and decryption failures, which leak the key (Cheon et al.,
// ePrint 2024/116), don't occur but with probability below 2^-128 if the predictions are right.
#pragma once

#include <cmath>
#include <optional>

#include "blindproof/fhe/bfv/context.h"
#include "blindproof/fhe/rlwe/ciphertext.h"

namespace blindproof::fhe::bfv {

/// A Gaussian variable exceeds this many standard deviations with probability below 2^-146: below 2^-128 for the largest of
/// 2^17 coefficients.
inline constexpr double kTail = 14;

using Plaintext = rlwe::IntegerPlaintext<Context>;

class Ciphertext {
 public:
  Ciphertext(ContextPtr context, rlwe::Parts parts, double noise, int secret_power, std::optional<rlwe::Seed> seed = {})
      : context_(std::move(context)), parts_(std::move(parts)), noise_(noise), secret_power_(secret_power), seed_(seed) {}

  const ContextPtr& context() const noexcept { return context_; }
  const rlwe::Parts& parts() const& noexcept { return parts_; }
  rlwe::Parts parts() && noexcept { return std::move(parts_); }
  double noise() const noexcept { return noise_; }
  int secret_power() const noexcept { return secret_power_; }
  /// Of the second part, where it is expand_uniform(seed, 0): of fresh encryptions under the secret key.
  const std::optional<rlwe::Seed>& seed() const noexcept { return seed_; }
  /// Bits between the predicted bound of the error and what decrypts. From public data alone.
  double predicted_budget_bits() const noexcept { return context_->log2_room() - std::log2(kTail * noise_); }

 private:
  ContextPtr context_;
  rlwe::Parts parts_;
  double noise_;
  int secret_power_;
  std::optional<rlwe::Seed> seed_;
};

}  // namespace blindproof::fhe::bfv
