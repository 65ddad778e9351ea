// The inner loops of fr_fft.h: one table for each kernel set (field/kernel_set.h).
#pragma once

#include <cstddef>

#include "blindproof/field/fr_vector.h"

namespace blindproof::poly {

using field::Fr;
using field::FrPack;

struct FrFftKernels {
  /// Eight transforms of 2^log_size points at once, one for each lane, in place: from bit-reversed order to the natural one. `roots` has w^j for
  /// j < 2^(log_size-1).
  void (*transform)(FrPack* a, int log_size, const FrPack* roots);
  /// Lane l of pack i times first * (base * step^l)^i.
  void (*multiply_by_powers)(FrPack* a, std::size_t packs, const Fr& first, const Fr& base, const Fr& step);
  /// Lane l of pack i times first * step^(8i + l).
  void (*multiply_along)(FrPack* a, std::size_t packs, const Fr& first, const Fr& step);
  /// Eight packs, `stride` apart, as a matrix of 8 x 8 elements: its rows become columns. Pack i of the result goes to out[i * out_stride].
  void (*transpose)(const FrPack* in, std::size_t stride, FrPack* const out[8]);
  /// a = a b - c.
  void (*multiply_subtract)(FrPack* a, const FrPack* b, const FrPack* c, std::size_t packs);
};

extern const FrFftKernels kFrFftKernelsPortable, kFrFftKernelsAdx, kFrFftKernelsIfma;

}  // namespace blindproof::poly
