// All wires of a circuit from its inputs, without the circuit's program: each step takes a constraint that leaves no
// choice.
//
//   value  the constraint is linear in its one unknown wire, with a constant coefficient
//   bits   sum 2^e_j b_j = known, with distinct e_j from a span of 253 and wires b_j that other constraints make bits;
//          or 254 bits of one element, where the canonical ones are taken (circuits compare them with r - 1)
//   Also L * (L - v) = 0, where L = sum 2^e_j b_j + known and v is one of the powers: L / v is one more bit.
// Which step comes when depends on the constraints alone and is planned once. A circuit for which the plan reaches
// every wire has at most one witness for given inputs, but for the aliases of 254 bits. circom's --O1 keeps what the
// steps need; --O2 doesn't.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "blindproof/base/result.h"
#include "blindproof/groth16/r1cs.h"

namespace blindproof::circuits {

using field::Fr;

class WitnessSolver {
 public:
  /// Keeps a reference to `r1cs`.
  /// Errors: kUnsupported if the steps don't reach some wire; kMalformed if there are fewer wires than inputs and
  /// outputs.
  static base::Result<WitnessSolver> make(const groth16::R1cs& r1cs);

  /// Public inputs, then private ones: as declared in the circuit's main component.
  std::size_t input_count() const;

  /// Values of all wires, in the order of circom's own generator and with its values.
  /// Requires: input_count() inputs.   Errors: kInvalidArgument if they violate a constraint.
  base::Result<std::vector<Fr>> solve(std::span<const Fr> inputs) const;

  /// How many elements are taken apart into 254 bits: the places where uniqueness rests on the circuit's comparison
  /// with r - 1.
  std::size_t strict_decompositions() const { return strict_; }

 private:
  struct Bit {
    std::uint32_t wire;
    std::uint32_t exponent;
  };
  enum class Kind : std::uint8_t { kValue, kBits, kBitsOrOneMore };
  struct Step {
    std::uint32_t constraint;
    std::uint32_t wire;  // kValue
    Fr factor;           // kValue: the wire is factor * (A B - C); bits: their sum is factor * (A B - C), or factor * A
    std::uint64_t bits = 0;  // index of the first
    std::uint32_t bit_count = 0;
    Kind kind;
  };
  class Planner;

  explicit WitnessSolver(const groth16::R1cs& r1cs) : r1cs_(&r1cs) {}

  const groth16::R1cs* r1cs_;
  std::vector<Step> steps_;
  std::vector<Bit> bits_;
  std::size_t strict_ = 0;
};

}  // namespace blindproof::circuits
