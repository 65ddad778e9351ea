// The inner loops of this module: one table for each kernel set (field/kernel_set.h). They work on whole packs, on
// ranges, on one thread; their callers treat short tables and spread the work.
#pragma once

#include <cstddef>

#include "blindproof/field/fr_vector.h"

namespace blindproof::poly {

using field::Fr;
using field::FrPack;

/// A quadratic polynomial without its middle coefficient.
struct QuadraticRound {
  Fr at_zero;
  Fr leading;
};

/// eq(z,x) over x in {0,1}^m as low(x mod 2^l) * high(x / 2^l).
struct EqFactors {
  const FrPack* low;      // 8 * low_packs elements
  std::size_t low_packs;
  const FrPack* high;     // one element for each block of low_packs packs
};

/// What happens to the tables before a round polynomial is computed from them, in the same pass.
enum class Step {
  kNone,
  kFold,   // both halves are folded: t(constant, x) = t(0,x) + constant (t(1,x) - t(0,x))
  kShift,  // t0 += constant, t1 += constant (one term), or t2 += constant * t1 (two terms)
};
inline constexpr std::size_t kSteps = 3;

/// sum_x w(x) (t0 t1 + t2 t3)(X, x).
struct RoundArguments {
  FrPack* tables[4];     // the last two belong to the second term
  std::size_t half;      // packs in one half of a table, after the step
  Fr constant;           // of the step
  EqFactors eq;          // w; without it w = 1
};

using RoundKernel = QuadraticRound (*)(const RoundArguments& arguments, std::size_t begin, std::size_t end);

struct PolyKernels {
  /// out[h * low_packs + l] = high_h * low_l for blocks h in [begin, end).
  void (*outer_product)(const EqFactors& factors, std::size_t begin, std::size_t end, FrPack* out);
  /// The table of eq((z, variable), .) from that of eq(z, .) in `packs` packs.
  void (*extend_eq)(const FrPack* in, std::size_t packs, const Fr& variable, FrPack* out);
  /// sum of values * low * high over blocks [begin, end).
  Fr (*weighted_sum)(const EqFactors& factors, const FrPack* values, std::size_t begin, std::size_t end);
  /// table_i += r (table_{i+half} - table_i) for packs i in [begin, end).
  void (*fold)(FrPack* table, std::size_t half, const Fr& r, std::size_t begin, std::size_t end);

  /// Round polynomials, indexed by Step. Ranges are packs of a half (w = 1), or blocks of eq.low_packs packs.
  RoundKernel product[kSteps];
  RoundKernel product_sum[kSteps];
  RoundKernel eq_product[kSteps];
  RoundKernel eq_product_sum[kSteps];

  /// q_out = q0 q1 and p_out = p0 q1 + p1 q0 (or q0 + q1 if p is null) for packs [begin, end) of the `half` packs of
  /// a child.
  void (*add_fractions)(const FrPack* p, const FrPack* q, std::size_t half, std::size_t begin, std::size_t end,
                        FrPack* p_out, FrPack* q_out);
};

extern const PolyKernels kPolyKernelsPortable, kPolyKernelsAdx, kPolyKernelsIfma;

/// The table of field::kernel_set().
const PolyKernels& poly_kernels() noexcept;

}  // namespace blindproof::poly
