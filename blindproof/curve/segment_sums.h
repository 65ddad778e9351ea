// Internal to this module: sums of many lists of points, pair by pair, all lists together so that inversions are
// shared.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "blindproof/curve/kernels.h"

namespace blindproof::curve {

/// Of points of G1 or G2, as they are packed.
template <class Packed>
class SegmentSums {
 public:
  explicit SegmentSums(const Kernels& kernels) : kernels_(kernels) {}

  /// sums_s = the sum of the s-th list; null if that is the identity. The lists lie one after the other in `points`,
  /// which is overwritten. Sums of two or more points are stored at storage_s; the others refer to the given point.
  /// Requires: no null and no identity among the points; the sizes add up to points.size().
  void run(std::span<RefTo<Packed>> points, std::span<const std::uint32_t> sizes, std::span<Packed> storage,
           std::span<RefTo<Packed>> sums);

 private:
  // What stays in the caches: the results of one level are the operands of the next.
  static constexpr std::size_t kGroupPoints = 8192;

  void run_group(std::span<RefTo<Packed>> points, std::span<std::uint32_t> sizes, std::span<Packed> storage,
                 std::span<RefTo<Packed>> sums);

  const Kernels& kernels_;
  std::unique_ptr<Packed[]> pool_;
  std::size_t pool_size_ = 0;
  std::vector<Addition<Packed>> jobs_;
  std::vector<std::uint32_t> sizes_;
};

}  // namespace blindproof::curve
