// What all schemes ask of operands and results, as errors in words. `operation` names what was tried.
#pragma once

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
/// kMismatch for a key of another ring, kInvalidArgument for one of fewer limbs.
base::Status require_key(std::string_view operation, const Parts& a, const KeySwitchKey& key);
/// kInvalidArgument if the result is transparent.
base::Status require_hiding(std::string_view operation, const Parts& result);

/// a rotated by each number of steps; several share one decomposition. Divisions preserve the phase modulo t.
/// Errors: those of require_degree and require_key, kInvalidArgument for a missing key.
base::Result<std::vector<Parts>> rotations(std::string_view operation, const Parts& a, std::span<const std::int64_t> steps,
                                           const GaloisKeys& keys, std::uint64_t t);
/// The automorphism of 2N - 1.
base::Result<Parts> conjugation(std::string_view operation, const Parts& a, const GaloisKeys& keys, std::uint64_t t);

}  // namespace blindproof::fhe::rlwe
