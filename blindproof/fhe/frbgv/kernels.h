// The inner loops of this module: one table for each kernel set (field/kernel_set.h). They work on whole packs, on one thread.
#pragma once

#include <cstddef>
#include <cstdint>

#include "blindproof/field/fr_vector.h"

namespace blindproof::fhe::frbgv {

using field::Fr;
using field::FrPack;

/// Roots of unity as the passes of a transform read them.
struct TransformTables {
  std::size_t packs = 0;            // N/8, a power of two of at least 8
  const FrPack* roots = nullptr;    // N/8 elements: entry m + b is the factor of block b in the pass with m blocks, m < N/8
  const FrPack* tail = nullptr;     // of the last three passes: for each eight blocks 1 + 2 + 4 packs
  Fr scale;                         // 1/N; read by inverse
};

/// Rows of small integers, to be multiplied by rows of elements.
struct WeightRows {
  const std::uint32_t* weights = nullptr;  // rows * columns, row-major: each plus kWeightOffset
  std::size_t rows = 0, columns = 0;
};
inline constexpr std::int32_t kWeightOffset = 1 << 15;
/// Of one call: sums of so many products of 52 and 17 bits stay below 2^63.
inline constexpr std::size_t kMaxColumns = 1024;

struct FrBgvKernels {
  void (*forward)(const TransformTables& tables, FrPack* a);
  void (*inverse)(const TransformTables& tables, FrPack* a);
  /// out = a b;  out may be a or b.
  void (*multiply)(const FrPack* a, const FrPack* b, std::size_t packs, FrPack* out);
  /// acc += a b.
  void (*multiply_add)(FrPack* acc, const FrPack* a, const FrPack* b, std::size_t packs);
  void (*subtract)(FrPack* acc, const FrPack* a, std::size_t packs);
  /// a *= factor.
  void (*scale)(FrPack* a, const Fr& factor, std::size_t packs);
  /// s0 = z0^2, s1 = 2 z0 z1, s2 = z1^2.
  void (*square)(const FrPack* z0, const FrPack* z1, std::size_t packs, FrPack* const* s);
  /// out[i][p] += sum_k W(i,k) in[k][p] for packs p in [begin, end).   Requires: at most kMaxColumns columns.
  void (*combine)(const WeightRows& rows, const FrPack* const* in, std::size_t begin, std::size_t end, FrPack* const* out);
};

extern const FrBgvKernels kFrBgvKernelsPortable, kFrBgvKernelsAdx, kFrBgvKernelsIfma;

/// The table of field::kernel_set().
const FrBgvKernels& kernels() noexcept;

}  // namespace blindproof::fhe::frbgv
