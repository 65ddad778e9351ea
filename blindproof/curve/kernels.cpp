#include "blindproof/curve/kernels.h"

#include <memory>
#include <vector>

#include "blindproof/base/check.h"

namespace blindproof::curve {
namespace {

// Running sums start here, so that the first additions of a weighted sum don't double a point. The generator times a
// number of no structure; should a sum meet it all the same, the slow path is taken.
const G1Affine& arbitrary_start() {
  static const G1Affine point = (G1::generator() * Fr::from_montgomery({0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9,
                                                                        0x94d049bb133111eb, 0x1b873593cc9e2d51}))
                                    .to_affine();
  return point;
}

G1Affine unpack_one(const Kernels& kernels, PointRef ref) {
  G1Affine point;
  kernels.unpack(ref.point(), 1, &point);
  return ref.negative() ? -point : point;
}

G1 lane(const LaneSums& sums, std::size_t k) { return G1::from_xyzz(sums.x[k], sums.y[k], sums.zz[k], sums.zzz[k]); }

}  // namespace

const Kernels& active_kernels() {
  static const Kernels& kernels =
      base::simd_level() == base::Simd::kIfma && ifma_kernels() != nullptr ? *ifma_kernels() : portable_kernels();
  return kernels;
}

KernelScratch& thread_scratch() {
  thread_local const std::unique_ptr<KernelScratch> scratch = std::make_unique<KernelScratch>();
  return *scratch;
}

G1 sum_points(const Kernels& kernels, std::span<const PointRef> points) {
  BLINDPROOF_DCHECK(points.size() % kLanes == 0, "whole blocks only");
  LaneSums sums;
  if (kernels.sum(points.data(), points.size(), &sums)) return lane(sums, 0);
  G1 total;
  for (const PointRef point : points) {
    if (!point.is_null()) total += unpack_one(kernels, point);
  }
  return total;
}

G1 weighted_sum(const Kernels& kernels, std::span<const PointRef> points) {
  BLINDPROOF_DCHECK(points.size() % kLanes == 0, "whole blocks only");
  PackedPoint start;
  kernels.pack(&arbitrary_start(), 1, &start);
  LaneSums sums, weighted;
  if (kernels.weighted_sums(points.data(), points.size(), &start, &sums, &weighted)) {
    // Eighth k has offset k * length: total = sum_k weighted_k + length * sum_k k * sum_k.
    G1 running, offsets, total;
    for (std::size_t k = kLanes; k-- > 0;) {
      total += lane(weighted, k) - arbitrary_start();
      offsets += running;
      running += lane(sums, k);
    }
    for (std::size_t bits = points.size() / kLanes; bits != 0; bits >>= 1) {
      if ((bits & 1) != 0) total += offsets;
      offsets = offsets.doubled();
    }
    return total;
  }
  G1 running, total;
  for (std::size_t i = points.size(); i-- > 0;) {
    if (!points[i].is_null()) running += unpack_one(kernels, points[i]);
    total += running;
  }
  return total;
}

}  // namespace blindproof::curve
