// The functions behind FrVector: one table for each kernel set. They work on whole packs and on one thread;
// fr_vector.cpp treats incomplete packs and spreads the work.
#pragma once

#include <cstddef>
#include <cstdint>

#include "blindproof/field/fr_vector.h"

namespace blindproof::field {

/// Words of a prepared row weight, whatever the kernel set.
inline constexpr std::size_t kPreparedWords = 8;

template <class Int>
struct IntegerKernels {
  void (*from_integers)(const Int* in, std::size_t packs, FrPack* out);
  Fr (*dot)(const FrPack* a, const Int* b, std::size_t packs);
  /// The weights of combine_rows in the form that its inner loop reads: kPreparedWords for each.
  void (*prepare_weights)(const Fr* weights, std::size_t count, std::uint64_t* prepared);
  /// out_j = sum_i weights_i matrix[i][j] for all columns; lanes beyond the last column become zero.
  void (*combine_rows)(const MatrixView<Int>& matrix, const Fr* weights, const std::uint64_t* prepared, FrPack* out);
};

struct FrKernels {
  /// Lanes beyond `count` become zero.
  void (*from_fields)(const Fr* in, std::size_t count, FrPack* out);
  void (*to_fields)(const FrPack* in, std::size_t count, Fr* out);
  Fr (*get)(const FrPack& pack, std::size_t lane);
  void (*set)(FrPack& pack, std::size_t lane, const Fr& value);
  Fr (*dot)(const FrPack* a, const FrPack* b, std::size_t packs);
  void (*add_scaled)(FrPack* acc, const Fr& factor, const FrPack* a, std::size_t packs);
  void (*add)(FrPack* acc, const FrPack* a, std::size_t packs);
  IntegerKernels<std::int8_t> int8;
  IntegerKernels<std::int16_t> int16;
  IntegerKernels<std::int32_t> int32;
  IntegerKernels<std::int64_t> int64;

  template <class Int>
  const IntegerKernels<Int>& integers() const {
    if constexpr (sizeof(Int) == 1) {
      return int8;
    } else if constexpr (sizeof(Int) == 2) {
      return int16;
    } else if constexpr (sizeof(Int) == 4) {
      return int32;
    } else {
      return int64;
    }
  }
};

extern const FrKernels kFrKernelsPortable, kFrKernelsAdx, kFrKernelsIfma;

/// The table of kernel_set().
const FrKernels& fr_kernels() noexcept;

}  // namespace blindproof::field
