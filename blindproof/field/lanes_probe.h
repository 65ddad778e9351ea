// Test access to the lane engines: one operation on packs in memory. The engines themselves can only be instantiated in
// sources with the right compiler flags, which GoogleTest's templates must stay out of.
#pragma once

#include <cstddef>
#include <cstdint>

namespace blindproof::field {

struct alignas(64) ProbePack {
  std::uint64_t words[40];
};

enum class LaneOperation {
  kMul,                // a b
  kMulOfDifferences,   // (a - b)(c - d)
  kMulAdd,             // a b + c d
  kMulAddDifferences,  // (a - b)(c - d) + (c - b)(a - d)
  kSquare,             // a^2
  kSquareDifference,   // (a - b)^2
  kFold,               // a + (b - a) c
  kSum,                // a + b + c + d + a + b + c + d + a
  kAddSub,             // a - b - c
  kSelect,             // a in even lanes, b in odd ones
  kBroadcastLane,      // lane 5 of a
  kStoreLoadFields,    // through ordinary elements
  kAccumulate,         // n (a b)
  kAccumulateDifferences,  // n (a - b)(c - d) + c
};
inline constexpr int kLaneOperations = 14;

struct LaneProbe {
  /// out = operation on in[0..3], as Value. `count` is n of the accumulations.
  void (*apply)(LaneOperation operation, const ProbePack* in, std::size_t count, ProbePack& out);
  /// Montgomery limbs of the sum of a's lanes, and of lane i.
  void (*sum_lanes)(const ProbePack& a, std::uint64_t* limbs);
  void (*get)(const ProbePack& a, std::size_t lane, std::uint64_t* limbs);
  void (*set)(ProbePack& a, std::size_t lane, const std::uint64_t* limbs);
  unsigned (*zero_lanes)(const ProbePack& a);
};

extern const LaneProbe kFrProbePortable, kFqProbePortable, kFrProbeIfma, kFqProbeIfma;

/// The IFMA engine's reduction of integers of seven 52-bit limbs (56 words, one limb of eight lanes after another).
void reduce_integer_ifma(const std::uint64_t* words, bool fq, ProbePack& out);

}  // namespace blindproof::field
