#include "blindproof/curve/msm.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <vector>

#include "blindproof/base/check.h"
#include "blindproof/base/thread_pool.h"
#include "blindproof/curve/msm_kernels.h"
#include "blindproof/curve/segment_sums.h"

namespace blindproof::curve {
namespace {

constexpr unsigned kScalarBits = 254;
// At least 4: weighted sums take buckets by eights. At most 15: digits fit 16 bits.
constexpr unsigned kMinWindowBits = 4;
constexpr unsigned kMaxWindowBits = 15;
constexpr std::size_t kFewPoints = 24;

// What differs between the groups. Costs in units of one batch-affine addition, as measured with IFMA: a bucket takes part in two additions without
// shared inversions (which G2 has no kernel for); a window has a fixed cost of some scalar additions.
struct Group1 {
  using Point = G1;
  using Affine = G1Affine;
  using Packed = PackedPoint;
  static constexpr double kBucketCost = 3, kWindowCost = 250;
  static void pack(const Kernels& kernels, const Affine* points, std::size_t count, Packed* out) { kernels.pack(points, count, out); }
  static G1 weighted_sum(const Kernels& kernels, std::span<const PointRef> sums) { return curve::weighted_sum(kernels, sums); }
};
struct Group2 {
  using Point = G2;
  using Affine = G2Affine;
  using Packed = PackedG2;
  static constexpr double kBucketCost = 10, kWindowCost = 150;
  static void pack(const Kernels& kernels, const Affine* points, std::size_t count, Packed* out) { kernels.pack_g2(points, count, out); }
  static G2 weighted_sum(const Kernels& kernels, std::span<const RefTo<PackedG2>> sums) {
    G2 running, total;
    for (std::size_t i = sums.size(); i-- > 0;) {
      if (!sums[i].is_null()) {
        G2Affine point;
        kernels.unpack_g2(sums[i].point(), 1, &point);
        running += sums[i].negative() ? -point : point;
      }
      total += running;
    }
    return total;
  }
};

template <class Group>
double cost(std::size_t points, unsigned windows, unsigned window_bits) {
  return windows * (static_cast<double>(points) +
                    Group::kBucketCost * static_cast<double>(std::size_t{1} << (window_bits - 1)) + Group::kWindowCost);
}

template <class Group, class Windows>
unsigned best_window_bits(std::size_t points, Windows windows) {
  unsigned best = kMinWindowBits;
  for (unsigned bits = kMinWindowBits; bits <= kMaxWindowBits; ++bits) {
    if (cost<Group>(points, windows(bits), bits) < cost<Group>(points, windows(best), best)) best = bits;
  }
  return best;
}

// Signed digits of all scalars, one window after the other:
//   scalar_i = sum_w digits[w*count + i] * 2^(w*window_bits),  |digit| <= 2^(window_bits-1)
struct Digits {
  unsigned window_bits;
  unsigned windows;
  std::size_t count;
  std::unique_ptr<std::int16_t[]> digits;

  Digits(unsigned bits, unsigned window_count, std::size_t scalar_count)
      : window_bits(bits),
        windows(window_count),
        count(scalar_count),
        digits(std::make_unique_for_overwrite<std::int16_t[]>(window_count * scalar_count)) {}

  void set(unsigned window, std::size_t i, std::int64_t digit) {
    digits[window * count + i] = static_cast<std::int16_t>(digit);
  }
  std::span<const std::int16_t> window(unsigned w) const { return {digits.get() + w * count, count}; }
};

void split_scalar(const Fr& scalar, std::size_t i, Digits& digits) {
  const field::Limbs limbs = scalar.to_limbs();
  const unsigned bits = digits.window_bits;
  const std::int64_t half = std::int64_t{1} << (bits - 1);
  std::int64_t carry = 0;
  for (unsigned w = 0; w < digits.windows; ++w) {
    const unsigned bit = w * bits;
    std::uint64_t word = limbs[bit / 64] >> (bit % 64);
    if (bit % 64 != 0 && bit / 64 + 1 < limbs.size()) word |= limbs[bit / 64 + 1] << (64 - bit % 64);
    std::int64_t digit = static_cast<std::int64_t>(word & ((std::uint64_t{1} << bits) - 1)) + carry;
    carry = digit >= half ? 1 : 0;
    digit -= carry << bits;
    digits.set(w, i, digit);
  }
  BLINDPROOF_DCHECK(carry == 0, "the top window has room for the carry");
}

// Windows that scalars of absolute value at most `bound` need. The lower ones have digits in [-2^(bits-1), 2^(bits-1)).
unsigned small_windows(std::uint64_t bound, unsigned bits) {
  const std::uint64_t half = std::uint64_t{1} << (bits - 1);
  unsigned windows = 1;
  for (; bound > half; ++windows) bound = (bound >> bits) + ((bound & (2 * half - 1)) >= half ? 1 : 0);
  return windows;
}

// Sums over windows first, first+1, ... and a range of points. Windows are taken together so that their buckets, small
// ones too, share inversions.
template <class Group>
void window_sums(const Kernels& kernels, std::span<const typename Group::Packed> points, const Digits& digits, unsigned first,
                 std::size_t first_point, std::span<typename Group::Point> out) {
  using Packed = typename Group::Packed;
  const std::size_t buckets = std::size_t{1} << (digits.window_bits - 1);
  const auto bucket_of = [](std::int16_t digit) { return static_cast<std::size_t>(digit < 0 ? -digit : digit) - 1; };
  const auto window = [&](std::size_t k) {
    return digits.window(first + static_cast<unsigned>(k)).subspan(first_point, points.size());
  };
  std::vector<std::uint32_t> sizes(buckets * out.size()), next(buckets * out.size());
  for (std::size_t k = 0; k < out.size(); ++k) {
    for (const std::int16_t digit : window(k)) {
      if (digit != 0) ++sizes[k * buckets + bucket_of(digit)];
    }
  }
  std::uint32_t used = 0;
  for (std::size_t b = 0; b < sizes.size(); ++b) {
    next[b] = used;
    used += sizes[b];
  }
  std::vector<RefTo<Packed>> sorted(used);
  for (std::size_t k = 0; k < out.size(); ++k) {
    const std::span<const std::int16_t> values = window(k);
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (values[i] != 0) sorted[next[k * buckets + bucket_of(values[i])]++] = RefTo<Packed>(&points[i], values[i] < 0);
    }
  }
  const std::unique_ptr<Packed[]> storage = std::make_unique_for_overwrite<Packed[]>(sizes.size());
  std::vector<RefTo<Packed>> sums(sizes.size());
  SegmentSums<Packed>(kernels).run(sorted, sizes, {storage.get(), sizes.size()}, sums);
  for (std::size_t k = 0; k < out.size(); ++k) {
    out[k] = Group::weighted_sum(kernels, std::span<const RefTo<Packed>>(sums).subspan(k * buckets, buckets));
  }
}

template <class Group>
typename Group::Point sum_windows(const Kernels& kernels, std::span<const typename Group::Packed> points, const Digits& digits) {
  using Point = typename Group::Point;
  // A task is some windows; points are split as well where there are too few windows for all threads.
  constexpr std::size_t kMinPartPoints = 512, kTaskPoints = 8192;
  const std::size_t threads = base::thread_count();
  const std::size_t tasks_wanted = threads == 1 ? 1 : 2 * threads;
  const std::size_t parts = std::clamp<std::size_t>(tasks_wanted / digits.windows, 1,
                                                    std::max<std::size_t>(1, points.size() / kMinPartPoints));
  const std::size_t windows_per_task =
      std::clamp<std::size_t>(kTaskPoints / points.size(), 1, (digits.windows + threads - 1) / threads);
  const std::size_t groups = (digits.windows + windows_per_task - 1) / windows_per_task;
  std::vector<Point> sums(digits.windows * parts);  // part by part
  base::parallel_for(groups * parts, [&](std::size_t task) {
    const std::size_t part = task % parts, first = task / parts * windows_per_task;
    const std::size_t begin = points.size() * part / parts, end = points.size() * (part + 1) / parts;
    window_sums<Group>(
        kernels, points.subspan(begin, end - begin), digits, static_cast<unsigned>(first), begin,
        std::span<Point>(sums).subspan(part * digits.windows + first, std::min(windows_per_task, digits.windows - first)));
  });
  Point total;
  for (std::size_t w = digits.windows; w-- > 0;) {
    for (unsigned i = 0; i < digits.window_bits && !total.is_identity(); ++i) total = total.doubled();
    for (std::size_t part = 0; part < parts; ++part) total += sums[part * digits.windows + w];
  }
  return total;
}

// Points for the kernels. Where the point is the identity its digits become zero: it may not enter a bucket.
template <class Group, class Split>
typename Group::Point sum_split(const Kernels& kernels, std::span<const typename Group::Affine> points, Digits& digits, Split split) {
  using Packed = typename Group::Packed;
  const std::unique_ptr<Packed[]> packed = std::make_unique_for_overwrite<Packed[]>(points.size());
  base::parallel_ranges(points.size(), 1024, [&](std::size_t begin, std::size_t end) {
    Group::pack(kernels, points.data() + begin, end - begin, packed.get() + begin);
    for (std::size_t i = begin; i < end; ++i) split(i, points[i].is_identity());
  });
  return sum_windows<Group>(kernels, {packed.get(), points.size()}, digits);
}

// Straus: one chain of doublings for all points, digits of five bits.
template <class Group>
typename Group::Point msm_few(std::span<const typename Group::Affine> points, std::span<const Fr> scalars) {
  using Point = typename Group::Point;
  constexpr unsigned kBits = 5;
  constexpr unsigned kWindows = kScalarBits / kBits + 1;
  constexpr std::size_t kMultiples = std::size_t{1} << (kBits - 1);
  Digits digits(kBits, kWindows, points.size());
  std::vector<Point> multiples(points.size() * kMultiples);
  for (std::size_t i = 0; i < points.size(); ++i) {
    split_scalar(scalars[i], i, digits);
    multiples[i * kMultiples] = Point(points[i]);
    for (std::size_t k = 1; k < kMultiples; ++k) {
      multiples[i * kMultiples + k] = multiples[i * kMultiples + k - 1] + points[i];
    }
  }
  Point total;
  for (unsigned w = kWindows; w-- > 0;) {
    for (unsigned i = 0; i < kBits && !total.is_identity(); ++i) total = total.doubled();
    for (std::size_t i = 0; i < points.size(); ++i) {
      const int digit = digits.window(w)[i];
      if (digit == 0) continue;
      const Point& multiple = multiples[i * kMultiples + static_cast<std::size_t>(digit < 0 ? -digit : digit) - 1];
      if (digit > 0) {
        total += multiple;
      } else {
        total -= multiple;
      }
    }
  }
  return total;
}

template <class Group>
typename Group::Point msm_of(const Kernels& kernels, std::span<const typename Group::Affine> points, std::span<const Fr> scalars) {
  BLINDPROOF_CHECK(points.size() == scalars.size(), "one scalar for each point");
  if (points.size() <= kFewPoints) return msm_few<Group>(points, scalars);
  const auto windows = [](unsigned bits) { return kScalarBits / bits + 1; };
  const unsigned bits = best_window_bits<Group>(points.size(), windows);
  Digits digits(bits, windows(bits), points.size());
  return sum_split<Group>(kernels, points, digits,
                   [&](std::size_t i, bool identity) { split_scalar(identity ? Fr::zero() : scalars[i], i, digits); });
}

}  // namespace

G1 msm(const Kernels& kernels, std::span<const G1Affine> points, std::span<const Fr> scalars) { return msm_of<Group1>(kernels, points, scalars); }
G2 msm(const Kernels& kernels, std::span<const G2Affine> points, std::span<const Fr> scalars) { return msm_of<Group2>(kernels, points, scalars); }

template <class Int>
G1 msm_small(const Kernels& kernels, std::span<const G1Affine> points, std::span<const Int> scalars) {
  BLINDPROOF_CHECK(points.size() == scalars.size(), "one scalar for each point");
  // Bounds as unsigned numbers: the smallest integer has no negative.
  Int lowest = 0, highest = 0;
  for (const Int scalar : scalars) {
    lowest = std::min(lowest, scalar);
    highest = std::max(highest, scalar);
  }
  const std::uint64_t bound =
      std::max(static_cast<std::uint64_t>(highest), ~static_cast<std::uint64_t>(static_cast<std::int64_t>(lowest)) + 1);
  if (bound == 0) return G1::identity();
  const auto windows = [&](unsigned bits) { return small_windows(bound, bits); };
  const unsigned bits = best_window_bits<Group1>(points.size(), windows);
  Digits digits(bits, windows(bits), points.size());
  return sum_split<Group1>(kernels, points, digits, [&](std::size_t i, bool identity) {
    const std::int64_t half = std::int64_t{1} << (bits - 1);
    std::int64_t rest = identity ? 0 : static_cast<std::int64_t>(scalars[i]);
    for (unsigned w = 0; w + 1 < digits.windows; ++w) {
      const std::int64_t low = rest & (2 * half - 1);
      const std::int64_t digit = low >= half ? low - 2 * half : low;
      digits.set(w, i, digit);
      rest = (rest >> bits) + (low >= half ? 1 : 0);
    }
    digits.set(digits.windows - 1, i, rest);
  });
}

template G1 msm_small(const Kernels&, std::span<const G1Affine>, std::span<const std::int8_t>);
template G1 msm_small(const Kernels&, std::span<const G1Affine>, std::span<const std::int16_t>);
template G1 msm_small(const Kernels&, std::span<const G1Affine>, std::span<const std::int32_t>);
template G1 msm_small(const Kernels&, std::span<const G1Affine>, std::span<const std::int64_t>);

G1 msm(std::span<const G1Affine> points, std::span<const Fr> scalars) { return msm(active_kernels(), points, scalars); }
G2 msm(std::span<const G2Affine> points, std::span<const Fr> scalars) { return msm(active_kernels(), points, scalars); }
G1 msm_small(std::span<const G1Affine> points, std::span<const std::int8_t> scalars) {
  return msm_small(active_kernels(), points, scalars);
}
G1 msm_small(std::span<const G1Affine> points, std::span<const std::int16_t> scalars) {
  return msm_small(active_kernels(), points, scalars);
}
G1 msm_small(std::span<const G1Affine> points, std::span<const std::int32_t> scalars) {
  return msm_small(active_kernels(), points, scalars);
}
G1 msm_small(std::span<const G1Affine> points, std::span<const std::int64_t> scalars) {
  return msm_small(active_kernels(), points, scalars);
}

}  // namespace blindproof::curve
