// Messages of CKKS: vectors of N/2 complex or real numbers ("slots"), approximately.
//
// A plaintext is a polynomial whose slots are the message times `scale`; a ciphertext encrypts one. Both carry what is
// predicted of them:
//   magnitude   bound of |slot|, whatever the slot
//   noise       standard deviation of the error of a slot, times scale; measured errors stay below error_bound()
//   joint       standard deviation of the worst sum of the slots' errors with weights of Euclidean norm 1, times scale: as large
//               as noise where slots err independently, up to sqrt(N/2) times as large where they err alike
// Neither is trusted when it comes from a file: readers recompute or set it (docs/spec/fhe.md, "Noise").
#pragma once

#include <cmath>
#include <optional>

#include "blindproof/fhe/ckks/context.h"
#include "blindproof/fhe/rlwe/ciphertext.h"

namespace blindproof::fhe::ckks {

/// A slot's error exceeds this many standard deviations with probability below 2^-30: errors are products of Gaussian
/// variables with the slots of ternary polynomials, whose tails are exponential.
inline constexpr double kTail = 12;

struct Prediction {
  double magnitude = 0;
  double noise = 0;
  double joint = INFINITY;

  /// joint, but where it isn't known that of equal errors.
  double joint_noise(std::size_t slots) const noexcept {
    const double equal = noise * std::sqrt(static_cast<double>(slots));
    return joint < equal ? joint : equal;
  }
  /// With a further error that is independent, of this one and in each slot.
  Prediction plus(double independent) const noexcept {
    return {magnitude, std::hypot(noise, independent), std::hypot(joint, independent)};
  }
  /// Errors times this.
  Prediction times(double factor) const noexcept { return {magnitude, noise * factor, joint * factor}; }
};

class Plaintext {
 public:
  Plaintext(ContextPtr context, int level, double scale, rlwe::NttPoly poly, Prediction prediction)
      : context_(std::move(context)), level_(level), scale_(scale), poly_(std::move(poly)), prediction_(prediction) {}

  const ContextPtr& context() const noexcept { return context_; }
  int level() const noexcept { return level_; }
  double scale() const noexcept { return scale_; }
  const rlwe::NttPoly& poly() const noexcept { return poly_; }
  const Prediction& prediction() const noexcept { return prediction_; }
  /// Bound of the error of each slot, in the message's units.
  double error_bound() const noexcept { return kTail * prediction_.noise / scale_; }

 private:
  ContextPtr context_;
  int level_;
  double scale_;
  rlwe::NttPoly poly_;
  Prediction prediction_;
};

class Ciphertext {
 public:
  Ciphertext(ContextPtr context, int level, double scale, rlwe::Parts parts, Prediction prediction,
             std::optional<rlwe::Seed> seed = {})
      : context_(std::move(context)),
        level_(level),
        scale_(scale),
        parts_(std::move(parts)),
        prediction_(prediction),
        seed_(seed) {}

  const ContextPtr& context() const noexcept { return context_; }
  int level() const noexcept { return level_; }
  double scale() const noexcept { return scale_; }
  const rlwe::Parts& parts() const& noexcept { return parts_; }
  rlwe::Parts parts() && noexcept { return std::move(parts_); }
  /// Of the second part, where it is expand_uniform(seed, 0): of fresh encryptions under the secret key.
  const std::optional<rlwe::Seed>& seed() const noexcept { return seed_; }
  const Prediction& prediction() const noexcept { return prediction_; }
  double error_bound() const noexcept { return kTail * prediction_.noise / scale_; }

 private:
  ContextPtr context_;
  int level_;
  double scale_;
  rlwe::Parts parts_;
  Prediction prediction_;
  std::optional<rlwe::Seed> seed_;
};

}  // namespace blindproof::fhe::ckks
