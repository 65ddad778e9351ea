// Rank-1 constraints A_i(w) B_i(w) = C_i(w) over the wires w, w_0 = 1: circom's .r1cs files.
// Ref: https://github.com/iden3/r1csfile/blob/master/doc/r1cs_bin_format.md
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "blindproof/base/bytes.h"
#include "blindproof/base/result.h"
#include "blindproof/field/prime_field.h"

namespace blindproof::groth16 {

using field::Fr;

/// Linear combinations of wires, one after the other.
struct Combinations {
  std::vector<std::uint64_t> begins{0};  // of each, and the end of the last
  std::vector<std::uint32_t> wires;
  std::vector<Fr> factors;

  std::size_t size() const { return begins.size() - 1; }
  void add_term(std::uint32_t wire, const Fr& factor) {
    wires.push_back(wire);
    factors.push_back(factor);
  }
  void end_combination() { begins.push_back(wires.size()); }
  Fr value(std::size_t i, std::span<const Fr> w) const {
    Fr sum;
    for (std::uint64_t k = begins[i]; k < begins[i + 1]; ++k) sum += factors[k] * w[wires[k]];
    return sum;
  }
};

/// Wires in this order: 1, public outputs, public inputs, the others.
struct R1cs {
  std::uint32_t wires = 1, outputs = 0, inputs = 0, private_inputs = 0;
  Combinations a, b, c;

  std::size_t constraints() const { return a.size(); }
  std::uint32_t public_wires() const { return outputs + inputs; }
};

inline constexpr std::uint32_t kMostConstraints = 1 << 24;

/// Errors: kIo; kMalformed; kUnsupported for other fields and for custom gates; kLimit beyond 2^24 constraints or wires.
base::Result<R1cs> read_r1cs(const std::filesystem::path& path);
base::Result<R1cs> parse_r1cs(base::ByteSpan bytes, std::string name);
base::Bytes write_r1cs(const R1cs& r1cs);

/// The first constraint that w doesn't satisfy; constraints() if none.   Requires: w.size() == wires.
std::size_t first_violation(const R1cs& r1cs, std::span<const Fr> w);

}  // namespace blindproof::groth16
