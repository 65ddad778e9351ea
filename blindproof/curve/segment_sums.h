// Internal to this module: sums of many lists of points, pair by pair, all lists together so that inversions are
// shared.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "blindproof/curve/kernels.h"

namespace blindproof::curve {

class SegmentSums {
 public:
  explicit SegmentSums(const Kernels& kernels) : kernels_(kernels) {}

  /// sums_s = the sum of the s-th list; null if that is the identity. The lists lie one after the other in `points`,
  /// which is overwritten. Sums of two or more points are stored at storage_s; the others refer to the given point.
  /// Requires: no null and no identity among the points; the sizes add up to points.size().
  void run(std::span<PointRef> points, std::span<const std::uint32_t> sizes, std::span<PackedPoint> storage,
           std::span<PointRef> sums);

 private:
  // What stays in the caches: the results of one level are the operands of the next.
  static constexpr std::size_t kGroupPoints = 8192;

  void run_group(std::span<PointRef> points, std::span<std::uint32_t> sizes, std::span<PackedPoint> storage,
                 std::span<PointRef> sums);

  const Kernels& kernels_;
  std::unique_ptr<PackedPoint[]> pool_;
  std::size_t pool_size_ = 0;
  std::vector<PairJob> jobs_;
  std::vector<std::uint32_t> sizes_;
};

}  // namespace blindproof::curve
