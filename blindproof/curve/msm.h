// Multi-scalar multiplication: sums of points times scalars. Points may repeat, be opposite or be the identity.
//
// Pippenger's bucket method with signed digits; buckets are filled by batch-affine additions. Runs on all threads.
// Timing: variable in points and scalars.
#pragma once

#include <cstdint>
#include <span>

#include "blindproof/curve/g1.h"
#include "blindproof/curve/g2.h"

namespace blindproof::curve {

/// sum_i scalars_i * points_i.  Requires: equal sizes.
/// Cost: per point about 1 us (65536 points), 1.5 us (2048), 4 us (256), 20 us (16); IFMA, one core.
G1 msm(std::span<const G1Affine> points, std::span<const Fr> scalars);
G2 msm(std::span<const G2Affine> points, std::span<const Fr> scalars);

/// The same for small integers: costs what the longest of them needs, about 60 ns for each 8 to 12 bits (2048 points).
G1 msm_small(std::span<const G1Affine> points, std::span<const std::int8_t> scalars);
G1 msm_small(std::span<const G1Affine> points, std::span<const std::int16_t> scalars);
G1 msm_small(std::span<const G1Affine> points, std::span<const std::int32_t> scalars);
G1 msm_small(std::span<const G1Affine> points, std::span<const std::int64_t> scalars);

}  // namespace blindproof::curve
