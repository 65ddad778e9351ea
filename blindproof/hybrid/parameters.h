// Plaintext modulus and flood of a model, and whether everything fits: worst case over all weights inside the registered bounds, all
// inputs in the declared range, all keys, errors and re-randomisers in their ranges. docs/spec/hybrid.md, "Parameters and noise".
#pragma once

#include <cstdint>

#include "blindproof/fhe/frbgv/rerandomizer.h"
#include "blindproof/hybrid/bounds.h"
#include "blindproof/hybrid/proof_protocol.h"

namespace blindproof::hybrid {

/// Answers that a client may get from one model, unless the owner declares another number.
inline constexpr std::uint64_t kDefaultEvaluations = 1000;
inline constexpr std::uint64_t kMaxEvaluations = std::uint64_t{1} << 40;
/// Statistical distance 2^-64 of all these answers together from ones that depend on the model's outputs alone.
inline constexpr int kHidingBits = 64;

struct Parameters {
  std::uint64_t t = 0;             // the smallest prime = 1 modulo 2N above twice the plaintexts' bound
  std::uint32_t flood_bits = 0;    // F, a multiple of 16
  std::uint64_t evaluations = 0;

  // For people; logarithms of magnitudes to base 2.
  double plaintext_bits = 0;       // bound of all values in used slots
  double noise_typical_bits = 0;   // of the evaluation's phase, if weights and messages behave like random ones
  double noise_worst_bits = 0;     // of the same, at most
  double phase_bits = 0;           // with re-randomiser and flood, at most
  double room_bits = 0;            // from there to r/2

  friend bool operator==(const Parameters&, const Parameters&) = default;
};

/// Errors: kInvalidArgument for 0 or too many evaluations; kUnsupported, with the figures, if plaintexts or noise don't fit.
/// Requires: the network of the architecture, and one entry of `bounds` for each of its layers.
base::Result<Parameters> compute_parameters(const model::Architecture& architecture, const Network& network, const Bounds& bounds,
                                            std::uint64_t evaluations);

fhe::frbgv::RerandomizerShape rerandomizer_shape(const Network& network, const Parameters& parameters);

}  // namespace blindproof::hybrid
