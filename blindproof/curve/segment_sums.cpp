#include "blindproof/curve/segment_sums.h"

#include "blindproof/base/check.h"

namespace blindproof::curve {
namespace {

template <class Packed>
bool is_identity(const Packed& point) {
  std::uint64_t any = 0;
  for (const std::uint64_t word : point.words) any |= word;
  return any == 0;
}

bool add_pairs(const Kernels& kernels, std::span<const Addition<PackedPoint>> jobs) {
  return kernels.add_pairs(jobs.data(), jobs.size(), false, &thread_scratch());
}
bool add_pairs(const Kernels& kernels, std::span<const Addition<PackedG2>> jobs) {
  return kernels.add_pairs_g2(jobs.data(), jobs.size(), false, &thread_scratch());
}

}  // namespace

template <class Packed>
void SegmentSums<Packed>::run(std::span<RefTo<Packed>> points, std::span<const std::uint32_t> sizes, std::span<Packed> storage,
                      std::span<RefTo<Packed>> sums) {
  BLINDPROOF_CHECK(storage.size() >= sizes.size() && sums.size() >= sizes.size(), "a place for each sum");
  sizes_.assign(sizes.begin(), sizes.end());
  std::size_t point = 0;
  for (std::size_t segment = 0; segment < sizes.size();) {
    const std::size_t first = segment;
    std::size_t count = sizes[segment++];
    while (segment < sizes.size() && count + sizes[segment] <= kGroupPoints) count += sizes[segment++];
    run_group(points.subspan(point, count), std::span(sizes_).subspan(first, segment - first),
              storage.subspan(first, segment - first), sums.subspan(first, segment - first));
    point += count;
  }
}

template <class Packed>
void SegmentSums<Packed>::run_group(std::span<RefTo<Packed>> points, std::span<std::uint32_t> sizes, std::span<Packed> storage,
                            std::span<RefTo<Packed>> sums) {
  if (pool_size_ < points.size() / 2) {
    pool_size_ = points.size() / 2;
    pool_ = std::make_unique_for_overwrite<Packed[]>(pool_size_);
  }
  const Packed* const pool_begin = pool_.get();
  const Packed* const pool_end = pool_begin + pool_size_;
  std::size_t pool_used = 0;
  const auto in_pool = [&](RefTo<Packed> ref) { return ref.point() >= pool_begin && ref.point() < pool_end; };

  for (;;) {
    jobs_.clear();
    std::size_t read = 0, write = 0;
    for (std::size_t s = 0; s < sizes.size(); ++s) {
      const std::size_t size = sizes[s];
      for (std::size_t k = 0; k + 1 < size; k += 2) {
        const RefTo<Packed> a = points[read + k], b = points[read + k + 1];
        Packed* out;
        if (size == 2) {
          out = &storage[s];
        } else if (in_pool(a)) {
          out = &pool_[static_cast<std::size_t>(a.point() - pool_begin)];
        } else if (in_pool(b)) {
          out = &pool_[static_cast<std::size_t>(b.point() - pool_begin)];
        } else {
          out = &pool_[pool_used++];
        }
        // a + b, up to the sign of a, which the result inherits
        jobs_.push_back({a.point(), RefTo<Packed>(b.point(), a.negative() != b.negative()), out});
        points[write++] = RefTo<Packed>(out, a.negative());
      }
      if (size % 2 != 0) points[write++] = points[read + size - 1];
      read += size;
      sizes[s] = static_cast<std::uint32_t>((size + 1) / 2);
    }
    if (jobs_.empty()) break;
    if (!add_pairs(kernels_, std::span<const Addition<Packed>>(jobs_))) continue;

    // Some pairs cancelled: drop them from their lists.
    read = write = 0;
    for (std::uint32_t& size : sizes) {
      const std::size_t end = read + size;
      size = 0;
      for (; read < end; ++read) {
        if (is_identity(*points[read].point())) continue;
        points[write++] = points[read];
        ++size;
      }
    }
  }

  std::size_t read = 0;
  for (std::size_t s = 0; s < sizes.size(); ++s) {
    sums[s] = sizes[s] != 0 ? points[read++] : RefTo<Packed>();
    if (sizes[s] == 0 || !in_pool(sums[s])) continue;
    storage[s] = *sums[s].point();  // the other sums of this list cancelled
    sums[s] = RefTo<Packed>(&storage[s], sums[s].negative());
  }
}

template class SegmentSums<PackedPoint>;
template class SegmentSums<PackedG2>;

}  // namespace blindproof::curve
