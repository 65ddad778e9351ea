// Internal to this module: what the fast point arithmetic is made of, once for each instruction set.
//
// A kernel set works on eight points at a time ("lanes") in its own Montgomery domain. All sets give the same points,
// so that affine results are bit-identical; the portable one is the specification.
//
// Sums of affine points with one shared inversion ("batch-affine") are wrong where a denominator vanishes: P + P, P -
// P. One such pair would spoil its whole batch. Kernels notice (the product of all denominators is zero) and redo the
// batch with masks for those cases, so callers need not care, except for identities where a kernel says so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "blindproof/base/cpu.h"
#include "blindproof/curve/g1.h"
#include "blindproof/curve/g2.h"

namespace blindproof::curve {

inline constexpr std::size_t kLanes = 8;

/// An affine point of G1 in a kernel set's own domain: one cache line. All zeros for the identity.
struct alignas(64) PackedPoint {
  std::uint64_t words[8];
};
/// The same of G2.
struct alignas(64) PackedG2 {
  std::uint64_t words[16];
};

/// A pointer to a packed point and a sign, or null.
template <class Packed>
class RefTo {
 public:
  RefTo() = default;
  BLINDPROOF_INLINE RefTo(const Packed* point, bool negative)
      : bits_(reinterpret_cast<std::uintptr_t>(point) | static_cast<std::uintptr_t>(negative)) {}

  BLINDPROOF_INLINE bool is_null() const { return bits_ == 0; }
  BLINDPROOF_INLINE const Packed* point() const { return reinterpret_cast<const Packed*>(bits_ & ~std::uintptr_t{1}); }
  BLINDPROOF_INLINE bool negative() const { return (bits_ & 1) != 0; }

 private:
  std::uintptr_t bits_ = 0;
};
using PointRef = RefTo<PackedPoint>;

/// out = a + b, where b has a sign and a has none.
template <class Packed>
struct Addition {
  const Packed* a;
  RefTo<Packed> b;  // not null
  Packed* out;      // may be where a or b of the same job lie
};
using PairJob = Addition<PackedPoint>;

/// Eight running sums in lane order. A bit of `identities`, kept beside it, says that a lane is the identity.
struct alignas(64) PointBlock {
  std::byte bytes[640];
};

/// Memory for intermediate values of one call at a time.
struct alignas(64) KernelScratch {
  static constexpr std::size_t kBlocks = 256;  // of eight additions that share an inversion
  std::byte blocks[kBlocks][5 * 320 + 64];
};

/// Eight sums as x, y, zz, zzz (see G1).
struct LaneSums {
  Fq x[kLanes], y[kLanes], zz[kLanes], zzz[kLanes];
};

struct Kernels {
  const char* name;

  void (*pack)(const G1Affine* points, std::size_t count, PackedPoint* out);
  void (*unpack)(const PackedPoint* points, std::size_t count, G1Affine* out);

  /// Does every job. Returns whether some result is the identity. With `doublings` the batch goes the careful way
  /// at once: for callers who know that some a equals its b.
  /// Requires: no operand is the identity.
  bool (*add_pairs)(const PairJob* jobs, std::size_t count, bool doublings, KernelScratch* scratch);

  /// For each lane i < 8*blocks: sum_i += digit_i * base, given 1, 2, ..., 128 times the base.
  /// Requires: |digit| <= 128; blocks <= KernelScratch::kBlocks; the base is not the identity.
  void (*add_multiples)(PointBlock* sums, std::uint8_t* identities, std::size_t blocks, const PackedPoint* multiples,
                        const std::int16_t* digits, KernelScratch* scratch);
  void (*load_blocks)(const PackedPoint* points, std::size_t blocks, PointBlock* sums, std::uint8_t* identities);
  void (*store_blocks)(const PointBlock* sums, const std::uint8_t* identities, std::size_t blocks, PackedPoint* points);

  /// In lane 0 of `out`: the sum of all points; null references count as the identity. False if partial sums met
  /// their own negative or double: then `out` is meaningless.
  /// Requires: count is a multiple of 8; no other operand is the identity.
  bool (*sum)(const PointRef* points, std::size_t count, LaneSums* out);
  /// For the k-th eighth of the points: lane k of `sums` is their sum, of `weighted` the sum of (i+1) * point_i, i
  /// counting from the beginning of the eighth, plus `start`. False, requirements and nulls as above.
  bool (*weighted_sums)(const PointRef* points, std::size_t count, const PackedPoint* start, LaneSums* sums,
                        LaneSums* weighted);

  /// roots_i = values_i^((q+1)/4): a square root of each value that has one.
  void (*square_roots)(const Fq* values, std::size_t count, Fq* roots);

  // The same for G2.
  void (*pack_g2)(const G2Affine* points, std::size_t count, PackedG2* out);
  void (*unpack_g2)(const PackedG2* points, std::size_t count, G2Affine* out);
  bool (*add_pairs_g2)(const Addition<PackedG2>* jobs, std::size_t count, bool doublings, KernelScratch* scratch);
};

const Kernels& portable_kernels();
/// Null where this build or this CPU lacks them.
const Kernels* ifma_kernels();
/// The set for base::simd_level().
const Kernels& active_kernels();

/// Scratch of the calling thread.
KernelScratch& thread_scratch();

/// The sum of all points; null references count as the identity. No inversion.
/// Requires: points.size() is a multiple of 8; no other operand is the identity.
G1 sum_points(const Kernels& kernels, std::span<const PointRef> points);
/// sum_i (i+1) * points_i, otherwise the same.
G1 weighted_sum(const Kernels& kernels, std::span<const PointRef> points);

}  // namespace blindproof::curve
