// What all schemes ask of operands and results, as errors in words. `operation` names what was tried.
#pragma once

#include <cmath>
#include <span>
#include <string>
#include <string_view>

#include "blindproof/fhe/rlwe/ciphertext.h"

namespace blindproof::fhe::rlwe {

base::Error mismatch(std::string_view operation, std::string detail);
base::Error invalid(std::string_view operation, std::string detail);

/// kMismatch.
template <class A, class B>
base::Status require_same_context(std::string_view operation, const A& a, const B& b) {
  if (a.context() == b.context()) return {};
  return mismatch(operation, "the operands belong to different contexts");
}
/// kInvalidArgument unless a has degree 1 or 2, as asked.
base::Status require_degree(std::string_view operation, const Parts& a, std::size_t degree);
/// kMismatch for a secret or public key of another ring.
base::Status require_ring(std::string_view operation, const Parts& a, const RingPtr& ring_of_key);
/// kMismatch for a key of another ring, kInvalidArgument for one of fewer limbs.
base::Status require_key(std::string_view operation, const Parts& a, const KeySwitchKey& key);
/// kInvalidArgument if the result is transparent.
base::Status require_hiding(std::string_view operation, const Parts& result);
/// kInvalidArgument unless there are as many factors on both sides, and one at least.
base::Status require_pairs(std::string_view operation, std::size_t left, std::size_t right);
/// kInvalidArgument unless count is a power of two, at most the slots of a row.
base::Status require_window(std::string_view operation, std::size_t count, std::size_t row);

/// The result, if it hides its message and will decrypt as predicted (BFV, BGV).   Errors: kInvalidArgument.
template <class Ciphertext>
base::Result<Ciphertext> usable(std::string_view operation, Ciphertext result, std::string_view remedy) {
  BLINDPROOF_TRY(require_hiding(operation, result.parts()));
  const double budget = result.predicted_budget_bits();
  if (budget > 0) return std::move(result);
  return budget > -1e6 ? invalid(operation, "the result might not decrypt, its error is predicted " +
                                                std::to_string(static_cast<int>(std::ceil(-budget))) + " bits too long: " +
                                                std::string(remedy))
                       : invalid(operation, "nothing is known of an operand's error: state a bound of it");
}

/// Slot i becomes the sum of slots i, i+1, .., i+count-1 of its row, by rotations by powers of two.
template <class Ciphertext, class Add, class Rotate>
base::Result<Ciphertext> sum_of_rotations(const Ciphertext& a, std::size_t count, Add&& add, Rotate&& rotate) {
  Ciphertext sum = a;
  for (std::size_t step = 1; step < count; step *= 2) {
    BLINDPROOF_ASSIGN(const Ciphertext rotated, rotate(sum, static_cast<std::int64_t>(step)));
    BLINDPROOF_ASSIGN(sum, add(sum, rotated));
  }
  return sum;
}

/// a rotated by each number of steps; several share one decomposition. Divisions preserve the phase modulo t.
/// Errors: those of require_degree and require_key, kInvalidArgument for a missing key.
base::Result<std::vector<Parts>> rotations(std::string_view operation, const Parts& a, std::span<const std::int64_t> steps,
                                           const GaloisKeys& keys, std::uint64_t t);
/// The automorphism of 2N - 1.
base::Result<Parts> conjugation(std::string_view operation, const Parts& a, const GaloisKeys& keys, std::uint64_t t);

}  // namespace blindproof::fhe::rlwe
