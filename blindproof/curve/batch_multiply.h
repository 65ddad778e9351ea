// Many points times scalars of their own, and what stands on it: transforms of points, sparse sums of points.
//
// Points are added and doubled in batches that share an inversion. Everything runs on all threads and is right for every point of the curve, the identity and
// repeated points included; points outside the group cost more.
// Timing: variable in points and scalars.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "blindproof/curve/g1.h"
#include "blindproof/curve/g2.h"

namespace blindproof::curve {

/// points_i *= scalars_i.  Requires: equal sizes.
/// Cost: a doubling for each bit of the longest scalar (or of its negative, if that is shorter), and a sum for every sixth.
void multiply_each(std::span<G1Affine> points, std::span<const Fr> scalars);
void multiply_each(std::span<G2Affine> points, std::span<const Fr> scalars);

/// points_i = 2 points_i.
void double_each(std::span<G1Affine> points);
void double_each(std::span<G2Affine> points);

/// a_i becomes sum_j root^(ij) a_j.  Requires: a power of two of points, of which `root` is a primitive root of unity.
/// Cost: half a product for each point and each bit of their number.
void transform(std::span<G1Affine> points, const Fr& root);
void transform(std::span<G2Affine> points, const Fr& root);

/// Sums of few points each: the i-th has terms begins[i], .., begins[i + 1] - 1, each a factor times a point.
struct SparseSums {
  std::vector<std::uint64_t> begins{0};
  std::vector<std::uint32_t> points;  // indices
  std::vector<Fr> factors;

  std::size_t size() const { return begins.size() - 1; }
};

/// Requires: indices within `points`.
/// Cost: factors of 1 and -1 cost a sum, small ones little more; others a product.
std::vector<G1Affine> sparse_sums(std::span<const G1Affine> points, const SparseSums& sums);
std::vector<G2Affine> sparse_sums(std::span<const G2Affine> points, const SparseSums& sums);

}  // namespace blindproof::curve
