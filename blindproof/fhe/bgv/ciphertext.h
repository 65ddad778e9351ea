// Messages of BGV.
//
// A ciphertext carries the predicted standard deviation of a coefficient of its phase, and the highest power of the secret in it
// (docs/spec/fhe.md, "Noise"). An evaluation whose predicted result might not decrypt fails with an error that says so.
#pragma once

#include <cmath>
#include <optional>

#include "blindproof/fhe/bgv/context.h"
#include "blindproof/fhe/rlwe/ciphertext.h"

namespace blindproof::fhe::bgv {

/// A Gaussian variable exceeds this many standard deviations with probability below 2^-146: below 2^-128 for the largest of
/// 2^17 coefficients.
inline constexpr double kTail = 14;

using Plaintext = rlwe::IntegerPlaintext<Context>;

class Ciphertext {
 public:
  Ciphertext(ContextPtr context, int level, std::uint64_t factor, rlwe::Parts parts, double deviation, int secret_power,
             std::optional<rlwe::Seed> seed = {})
      : context_(std::move(context)),
        level_(level),
        factor_(factor),
        parts_(std::move(parts)),
        deviation_(deviation),
        secret_power_(secret_power),
        seed_(seed) {}

  const ContextPtr& context() const noexcept { return context_; }
  int level() const noexcept { return level_; }
  std::uint64_t factor() const noexcept { return factor_; }
  const rlwe::Parts& parts() const& noexcept { return parts_; }
  rlwe::Parts parts() && noexcept { return std::move(parts_); }
  double deviation() const noexcept { return deviation_; }
  int secret_power() const noexcept { return secret_power_; }
  /// Of the second part, where it is expand_uniform(seed, 0): of fresh encryptions under the secret key.
  const std::optional<rlwe::Seed>& seed() const noexcept { return seed_; }
  /// Bits between the predicted bound of the phase and what decrypts. From public data alone.
  double predicted_budget_bits() const noexcept { return context_->log2_room(level_) - std::log2(kTail * deviation_); }

 private:
  ContextPtr context_;
  int level_;
  std::uint64_t factor_;
  rlwe::Parts parts_;
  double deviation_;
  int secret_power_;
  std::optional<rlwe::Seed> seed_;
};

}  // namespace blindproof::fhe::bgv
