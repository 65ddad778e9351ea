// The functions behind residues.h and BaseConverter: one table for each kernel set. Pointers are to n entries.
#pragma once

#include <cstddef>
#include <cstdint>

#include "blindproof/field/modulus.h"

namespace blindproof::field {

struct ResidueKernels {
  using Words = const std::uint64_t*;
  using Out = std::uint64_t*;

  void (*add)(const Modulus& q, Words a, Words b, Out out, std::size_t n);
  void (*subtract)(const Modulus& q, Words a, Words b, Out out, std::size_t n);
  void (*negate)(const Modulus& q, Words a, Out out, std::size_t n);
  void (*multiply)(const Modulus& q, Words a, Words b, Out out, std::size_t n);
  void (*multiply_add)(const Modulus& q, Words a, Words b, Out acc, std::size_t n);
  void (*scale)(const Modulus& q, Words a, FixedFactor c, Out out, std::size_t n);
  void (*scale_add)(const Modulus& q, Words a, FixedFactor c, Out acc, std::size_t n);
  void (*subtract_scale)(const Modulus& q, Words a, Words b, FixedFactor c, Out out, std::size_t n);
  void (*reduce_from)(const Modulus& to, const Modulus& from, Words a, Out out, std::size_t n);
  void (*from_signed)(const Modulus& q, const std::int64_t* a, Out out, std::size_t n);
  /// a = {a0, a1}, b = {b0, b1}, c = {c0, c1, c2}.
  void (*tensor)(const Modulus& q, const Words* a, const Words* b, const Out* c, std::size_t n);
  void (*inner_products)(const Modulus& q, const Words* a, const Words* b0, const Words* b1, std::size_t terms,
                         Out out0, Out out1, std::size_t n);
  void (*permute)(const std::uint32_t* permutation, Words in, Out out, std::size_t n);
  /// out = round(sum of a[t] * reciprocals[t] for t below `terms`)
  void (*overflow)(const double* reciprocals, std::size_t terms, const Words* a, Out out, std::size_t n);
  /// out = sum of prepared[t] * factors[t] for t below `terms`, modulo `to`.
  void (*finish)(const Modulus& to, const std::uint64_t* factors, std::size_t terms, const Words* prepared, Out out,
                 std::size_t n);
};

extern const ResidueKernels kResidueKernelsPortable, kResidueKernelsAvx2, kResidueKernelsIfma;

/// The table of kernel_set().
const ResidueKernels& residue_kernels() noexcept;

}  // namespace blindproof::field
