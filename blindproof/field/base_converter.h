// Conversion of residues from one basis of primes to another.
//
// x mod q_i (i < k) to x mod p_j, where Q = prod q_i. With y_i = x_i * (Q/q_i)^-1 mod q_i,
//   x = sum_i y_i * (Q/q_i) - v * Q,   v = round(sum_i y_i / q_i)   for the representative x in [-Q/2, Q/2).
// v is found in double precision; the result is wrong by Q where the sum lies within about k*2^-50 of a half.
// Ref: Bajard-Eynard-Hasan-Zucca, ePrint 2016/510; Halevi-Polyakov-Shoup, ePrint 2018/117.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "blindproof/field/modulus.h"

namespace blindproof::field {

class BaseConverter {
 public:
  static constexpr std::size_t kMaxFrom = 64;

  /// Requires: `from` and `to` are not empty, primes of `from` are different from each other. At most 64 in `from`.
  BaseConverter(std::vector<Modulus> from, std::vector<Modulus> to);

  const std::vector<Modulus>& from() const noexcept { return from_; }
  const std::vector<Modulus>& to() const noexcept { return to_; }

  // Vectors of n entries; inputs and outputs don't overlap. One thread.
  // Timing: constant in the values.

  /// The residues of the centered representative: in[i] to out[j].
  void convert(std::span<const std::uint64_t* const> in, std::span<std::uint64_t* const> out, std::size_t n) const;

  // convert() in two halves, for callers that can multiply inputs by a constant for nothing, and go on with some moduli
  // at a time. in[i] is x_i times inverse(i).
  /// (Q/q_i)^-1 modulo q_i.
  std::uint64_t inverse(std::size_t i) const noexcept { return inverses_[i].value; }
  void overflow(std::span<const std::uint64_t* const> in, std::uint64_t* v, std::size_t n) const;
  /// The residues modulo to()[first + j] to out[j], given the inputs, then v.
  void finish(std::span<const std::uint64_t* const> in_and_v, std::size_t first, std::span<std::uint64_t* const> out,
              std::size_t n) const;

 private:
  std::vector<Modulus> from_, to_;
  std::vector<FixedFactor> inverses_;   // (Q/q_i)^-1 mod q_i
  std::vector<double> reciprocals_;     // 1 / q_i
  std::vector<std::uint64_t> factors_;  // for each p_j: Q/q_i mod p_j for all i, then -Q mod p_j
};

}  // namespace blindproof::field
