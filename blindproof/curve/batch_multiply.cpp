#include "blindproof/curve/batch_multiply.h"

#include <algorithm>
#include <bit>
#include <memory>
#include <numeric>

#include "blindproof/base/check.h"
#include "blindproof/base/thread_pool.h"
#include "blindproof/crypto/secret.h"
#include "blindproof/curve/kernels.h"
#include "blindproof/curve/msm.h"
#include "blindproof/curve/segment_sums.h"

namespace blindproof::curve {
namespace {

template <class Affine>
struct PackedOf;
template <>
struct PackedOf<G1Affine> {
  using Type = PackedPoint;
};
template <>
struct PackedOf<G2Affine> {
  using Type = PackedG2;
};
template <class Affine>
using Packed = typename PackedOf<Affine>::Type;

void pack(const Kernels& kernels, std::span<const G1Affine> points, PackedPoint* out) { kernels.pack(points.data(), points.size(), out); }
void pack(const Kernels& kernels, std::span<const G2Affine> points, PackedG2* out) { kernels.pack_g2(points.data(), points.size(), out); }
void unpack(const Kernels& kernels, std::span<const PackedPoint> points, G1Affine* out) { kernels.unpack(points.data(), points.size(), out); }
void unpack(const Kernels& kernels, std::span<const PackedG2> points, G2Affine* out) { kernels.unpack_g2(points.data(), points.size(), out); }
bool add(const Kernels& kernels, std::span<const PairJob> jobs, bool doublings) {
  return kernels.add_pairs(jobs.data(), jobs.size(), doublings, &thread_scratch());
}
bool add(const Kernels& kernels, std::span<const Addition<PackedG2>> jobs, bool doublings) {
  return kernels.add_pairs_g2(jobs.data(), jobs.size(), doublings, &thread_scratch());
}

constexpr std::size_t kPointsAtOnce = 1024;  // enough to share inversions; what they need stays within a core's cache

// A scalar or its negative, whichever is shorter.
struct Magnitude {
  field::Limbs limbs;
  bool negative;

  explicit Magnitude(const Fr& scalar) : limbs(scalar.to_limbs()), negative(false) {
    const field::Limbs opposite = (-scalar).to_limbs();
    if (!field::detail::less(opposite, limbs)) return;
    limbs = opposite;
    negative = true;
  }
  unsigned bits() const {
    for (std::size_t i = limbs.size(); i-- > 0;) {
      if (limbs[i] != 0) return static_cast<unsigned>(64 * i) + static_cast<unsigned>(std::bit_width(limbs[i]));
    }
    return 0;
  }
};

// Odd digits in (-2^(width-1), 2^(width-1)), any two nonzero ones `width` positions apart: sum digits_i 2^i is the number.
void signed_digits(field::Limbs value, unsigned width, std::span<std::int16_t> digits) {
  const std::uint64_t modulus = std::uint64_t{1} << width;
  for (std::int16_t& digit : digits) {
    digit = 0;
    if ((value[0] & 1) != 0) {
      std::int64_t odd = static_cast<std::int64_t>(value[0] & (modulus - 1));
      if (odd >= static_cast<std::int64_t>(modulus / 2)) odd -= static_cast<std::int64_t>(modulus);
      digit = static_cast<std::int16_t>(odd);
      // value -= odd; below 2^255 and odd: no borrow beyond, a carry fits
      if (odd > 0) {
        value[0] -= static_cast<std::uint64_t>(odd);
      } else {
        std::uint64_t carry = static_cast<std::uint64_t>(-odd);
        for (std::size_t i = 0; i < value.size() && carry != 0; ++i) {
          value[i] += carry;
          carry = value[i] < carry ? 1 : 0;
        }
      }
    }
    for (std::size_t i = 0; i + 1 < value.size(); ++i) value[i] = value[i] >> 1 | value[i + 1] << 63;
    value.back() >>= 1;
  }
}

// Products of up to kPointsAtOnce points, one block at a time.
template <class Affine>
class BlockMultiplier {
 public:
  explicit BlockMultiplier(const Kernels& kernels) : kernels_(kernels) {}
  BlockMultiplier(const BlockMultiplier&) = delete;
  BlockMultiplier& operator=(const BlockMultiplier&) = delete;
  // Scalars may be what a contributor to a ceremony has to forget.
  ~BlockMultiplier() {
    crypto::wipe({reinterpret_cast<std::uint8_t*>(magnitudes_.data()), magnitudes_.size() * sizeof(Magnitude)});
    crypto::wipe({reinterpret_cast<std::uint8_t*>(digits_.data()), digits_.size() * sizeof(digits_[0])});
  }

  // Requires: points.size() == scalars.size() <= kPointsAtOnce.
  void run(std::span<Affine> points, std::span<const Fr> scalars) {
    live_.clear();
    magnitudes_.clear();
    magnitudes_.reserve(kPointsAtOnce);  // no copies are left behind by growing
    unsigned bits = 0;
    for (std::size_t i = 0; i < points.size(); ++i) {
      if (points[i].is_identity()) continue;
      if (scalars[i].is_zero()) {
        points[i] = Affine::identity();
        continue;
      }
      live_.push_back(points[i]);
      magnitudes_.emplace_back(scalars[i]);
      bits = std::max(bits, magnitudes_.back().bits());
    }
    if (live_.empty()) return;
    if (!multiply(bits)) {
      // A multiple was the identity: not a point of the group.
      for (std::size_t i = 0; i < points.size(); ++i) points[i] = (points[i] * scalars[i]).to_affine();
      return;
    }
    std::size_t next = 0;
    for (std::size_t i = 0; i < points.size(); ++i) {
      if (points[i].is_identity()) continue;
      points[i] = magnitudes_[next].negative ? -live_[next] : live_[next];
      ++next;
    }
  }

 private:
  using PackedType = Packed<Affine>;

  // live_i times magnitudes_i. False, and nothing done, if some sum on the way is the identity.
  bool multiply(unsigned bits) {
    const std::size_t n = live_.size();
    const unsigned width = bits <= 8 ? 2 : bits <= 32 ? 3 : bits <= 96 ? 4 : 5;
    const std::size_t odd = std::size_t{1} << (width - 2);  // 1, 3, .., 2^(width-1) - 1
    const unsigned positions = bits + 1;
    digits_.resize(std::max(digits_.size(), n * positions));
    for (std::size_t i = 0; i < n; ++i) signed_digits(magnitudes_[i].limbs, width, std::span(digits_).subspan(i * positions, positions));

    reserve(n * (odd + 2));
    PackedType* const table = storage_.get();            // table[k n + i]: (2k + 1) times point i
    PackedType* const sums = table + odd * n;
    PackedType* const doubles = sums + n;
    pack(kernels_, live_, table);
    if (odd > 1) {
      jobs_.clear();
      for (std::size_t i = 0; i < n; ++i) jobs_.push_back({table + i, {table + i, false}, doubles + i});
      if (add(kernels_, jobs_, true)) return false;
      for (std::size_t k = 1; k < odd; ++k) {
        jobs_.clear();
        for (std::size_t i = 0; i < n; ++i) jobs_.push_back({table + (k - 1) * n + i, {doubles + i, false}, table + k * n + i});
        if (add(kernels_, jobs_, false)) return false;
      }
    }

    started_.assign(n, 0);
    for (unsigned position = positions; position-- > 0;) {
      jobs_.clear();
      for (std::size_t i = 0; i < n; ++i) {
        if (started_[i]) jobs_.push_back({sums + i, {sums + i, false}, sums + i});
      }
      if (add(kernels_, jobs_, true)) return false;
      jobs_.clear();
      for (std::size_t i = 0; i < n; ++i) {
        const int digit = digits_[i * positions + position];
        if (digit == 0) continue;
        const PackedType* const multiple = table + static_cast<std::size_t>(std::abs(digit) / 2) * n + i;
        if (started_[i]) {
          jobs_.push_back({sums + i, {multiple, digit < 0}, sums + i});
        } else {
          sums[i] = *multiple;  // the first digit of a positive number is positive
          started_[i] = 1;
        }
      }
      if (add(kernels_, jobs_, false)) return false;
    }
    unpack(kernels_, {sums, n}, live_.data());
    return true;
  }

  void reserve(std::size_t points) {
    if (capacity_ >= points) return;
    storage_ = std::make_unique_for_overwrite<PackedType[]>(points);
    capacity_ = points;
  }

  const Kernels& kernels_;
  std::vector<Affine> live_;
  std::vector<Magnitude> magnitudes_;
  std::vector<std::int16_t> digits_;
  std::vector<std::uint8_t> started_;
  std::vector<Addition<PackedType>> jobs_;
  std::unique_ptr<PackedType[]> storage_;
  std::size_t capacity_ = 0;
};

template <class Affine>
void multiply_all(std::span<Affine> points, std::span<const Fr> scalars) {
  BLINDPROOF_CHECK(points.size() == scalars.size(), "one scalar for each point");
  const std::size_t blocks = (points.size() + kPointsAtOnce - 1) / kPointsAtOnce;
  base::parallel_for(blocks, [&](std::size_t block) {
    const std::size_t begin = block * kPointsAtOnce, count = std::min(kPointsAtOnce, points.size() - begin);
    BlockMultiplier<Affine>(active_kernels()).run(points.subspan(begin, count), scalars.subspan(begin, count));
  });
}

// sums_i = a_i + b_i and, unless empty, differences_i = a_i - b_i, which may be where a and b lie.
template <class Affine>
void add_all(std::span<const Affine> a, std::span<const Affine> b, std::span<Affine> sums, std::span<Affine> differences) {
  using PackedType = Packed<Affine>;
  const Kernels& kernels = active_kernels();
  const std::size_t n = a.size();
  const auto packed = std::make_unique_for_overwrite<PackedType[]>(4 * n);
  PackedType *const left = packed.get(), *const right = left + n, *const total = right + n, *const rest = total + n;
  pack(kernels, a, left);
  pack(kernels, b, right);
  std::vector<Addition<PackedType>> jobs;
  bool doublings = false;
  for (std::size_t i = 0; i < n; ++i) {
    if (a[i].is_identity() || b[i].is_identity()) continue;
    doublings = doublings || a[i].x == b[i].x;
    jobs.push_back({left + i, {right + i, false}, total + i});
    if (!differences.empty()) jobs.push_back({left + i, {right + i, true}, rest + i});
  }
  add(kernels, jobs, doublings);
  for (std::size_t i = 0; i < n; ++i) {
    if (a[i].is_identity() || b[i].is_identity()) {
      const Affine x = a[i], y = b[i];
      sums[i] = x.is_identity() ? y : x;
      if (!differences.empty()) differences[i] = x.is_identity() ? -y : x;
      continue;
    }
    unpack(kernels, {total + i, 1}, &sums[i]);
    if (!differences.empty()) unpack(kernels, {rest + i, 1}, &differences[i]);
  }
}

template <class Affine>
void double_all(std::span<Affine> points) {
  base::parallel_ranges(points.size(), kPointsAtOnce, [&](std::size_t begin, std::size_t end) {
    for (std::size_t at = begin; at < end; at += kPointsAtOnce) {
      const std::span<Affine> block = points.subspan(at, std::min(kPointsAtOnce, end - at));
      add_all<Affine>(block, block, block, {});
    }
  });
}

template <class Affine>
void transform_all(std::span<Affine> points, const Fr& root) {
  const std::size_t n = points.size();
  BLINDPROOF_CHECK(std::has_single_bit(n), "a power of two of points");
  const int log_n = std::countr_zero(n);
  for (std::size_t i = 0; i < n; ++i) {
    std::size_t reversed = 0;
    for (int bit = 0; bit < log_n; ++bit) reversed |= (i >> bit & 1) << (log_n - 1 - bit);
    if (i < reversed) std::swap(points[i], points[reversed]);
  }
  std::vector<Fr> powers(std::max<std::size_t>(n / 2, 1));
  powers[0] = Fr::one();
  for (std::size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * root;

  for (std::size_t half = 1; half < n; half *= 2) {
    // Butterfly k is of points (k / half) 2 half + j and half further, j = k mod half, with root^(j n / (2 half)).
    const std::size_t blocks = (n / 2 + kPointsAtOnce - 1) / kPointsAtOnce;
    base::parallel_for(blocks, [&](std::size_t block) {
      const std::size_t begin = block * kPointsAtOnce, count = std::min(kPointsAtOnce, n / 2 - begin);
      std::vector<Affine> a(count), b(count), turned;
      std::vector<Fr> factors;
      const auto place = [&](std::size_t i) { return (begin + i) / half * 2 * half + (begin + i) % half; };
      for (std::size_t i = 0; i < count; ++i) {
        a[i] = points[place(i)];
        b[i] = points[place(i) + half];
        const std::size_t j = (begin + i) % half;
        if (j == 0) continue;
        turned.push_back(b[i]);
        factors.push_back(powers[j * (n / 2 / half)]);
      }
      BlockMultiplier<Affine>(active_kernels()).run(turned, factors);
      std::size_t next = 0;
      for (std::size_t i = 0; i < count; ++i) {
        if ((begin + i) % half != 0) b[i] = turned[next++];
      }
      add_all<Affine>(a, b, a, b);
      for (std::size_t i = 0; i < count; ++i) {
        points[place(i)] = a[i];
        points[place(i) + half] = b[i];
      }
    });
  }
}

constexpr std::uint64_t kTermsAtOnce = 4096;

// Sums first, .., last - 1, of kTermsAtOnce terms or so.
template <class Affine>
void add_sums(std::span<const Affine> points, const SparseSums& sums, std::size_t first, std::size_t last, std::vector<Affine>& result) {
  using PackedType = Packed<Affine>;
  const Kernels& kernels = active_kernels();
  const std::uint64_t begin = sums.begins[first], end = sums.begins[last];
  static const Fr minus_one = -Fr::one();

  // Products first, short factors apart from long ones, so that nobody waits for the longest.
  std::vector<Affine> values(end - begin);
  std::vector<std::uint32_t> order;
  std::vector<unsigned> bits(end - begin);
  for (std::uint64_t k = begin; k < end; ++k) {
    const Affine& point = points[sums.points[k]];
    const Fr& factor = sums.factors[k];
    values[k - begin] = factor == minus_one ? -point : point;
    if (factor == Fr::one() || factor == minus_one) continue;
    bits[k - begin] = Magnitude(factor).bits();
    order.push_back(static_cast<std::uint32_t>(k - begin));
  }
  std::ranges::sort(order, {}, [&](std::uint32_t k) { return bits[k]; });
  BlockMultiplier<Affine> multiplier(kernels);
  std::vector<Affine> block;
  std::vector<Fr> factors;
  for (std::size_t at = 0; at < order.size();) {
    block.clear();
    factors.clear();
    const std::size_t from = at;
    // Lengths of one block differ by a factor of two at most.
    while (at < order.size() && block.size() < kPointsAtOnce && bits[order[at]] <= 2 * bits[order[from]] + 8) {
      block.push_back(values[order[at]]);
      factors.push_back(sums.factors[begin + order[at]]);
      ++at;
    }
    multiplier.run(block, factors);
    for (std::size_t i = 0; i < block.size(); ++i) values[order[from + i]] = block[i];
  }

  std::vector<RefTo<PackedType>> terms;
  std::vector<std::uint32_t> sizes(last - first);
  const auto packed = std::make_unique_for_overwrite<PackedType[]>(values.size());
  pack(kernels, values, packed.get());
  for (std::size_t i = first; i < last; ++i) {
    const std::size_t before = terms.size();
    for (std::uint64_t k = sums.begins[i]; k < sums.begins[i + 1]; ++k) {
      if (!values[k - begin].is_identity()) terms.emplace_back(&packed[k - begin], false);
    }
    sizes[i - first] = static_cast<std::uint32_t>(terms.size() - before);
  }
  std::vector<PackedType> storage(sizes.size());
  std::vector<RefTo<PackedType>> references(sizes.size());
  SegmentSums<PackedType>(kernels).run(terms, sizes, storage, references);
  for (std::size_t i = first; i < last; ++i) {
    const RefTo<PackedType>& sum = references[i - first];
    if (sum.is_null()) continue;
    unpack(kernels, {sum.point(), 1}, &result[i]);
    if (sum.negative()) result[i] = -result[i];
  }
}

template <class Affine>
std::vector<Affine> sparse_sums_of(std::span<const Affine> points, const SparseSums& sums) {
  BLINDPROOF_CHECK(sums.points.size() == sums.factors.size() && sums.begins.back() == sums.points.size(), "a factor for each term");
  std::vector<Affine> result(sums.size());
  std::vector<std::size_t> cuts{0}, large;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const std::uint64_t size = sums.begins[i + 1] - sums.begins[i];
    if (size > 2 * kTermsAtOnce) {
      large.push_back(i);
      if (cuts.back() != i) cuts.push_back(i);
      cuts.push_back(i + 1);
    } else if (sums.begins[i + 1] - sums.begins[cuts.back()] >= kTermsAtOnce) {
      cuts.push_back(i + 1);
    }
  }
  if (cuts.back() != sums.size()) cuts.push_back(sums.size());
  base::parallel_for(cuts.size() - 1, [&](std::size_t part) {
    const std::size_t first = cuts[part], last = cuts[part + 1];
    if (sums.begins[last] - sums.begins[first] > 2 * kTermsAtOnce) return;  // one of the large ones
    add_sums(points, sums, first, last, result);
  });
  for (const std::size_t i : large) {
    const std::uint64_t begin = sums.begins[i], count = sums.begins[i + 1] - begin;
    std::vector<Affine> terms(count);
    for (std::uint64_t k = 0; k < count; ++k) terms[k] = points[sums.points[begin + k]];
    result[i] = msm(std::span<const Affine>(terms), std::span(sums.factors).subspan(begin, count)).to_affine();
  }
  return result;
}

}  // namespace

void multiply_each(std::span<G1Affine> points, std::span<const Fr> scalars) { multiply_all(points, scalars); }
void multiply_each(std::span<G2Affine> points, std::span<const Fr> scalars) { multiply_all(points, scalars); }
void double_each(std::span<G1Affine> points) { double_all(points); }
void double_each(std::span<G2Affine> points) { double_all(points); }
void transform(std::span<G1Affine> points, const Fr& root) { transform_all(points, root); }
void transform(std::span<G2Affine> points, const Fr& root) { transform_all(points, root); }
std::vector<G1Affine> sparse_sums(std::span<const G1Affine> points, const SparseSums& sums) { return sparse_sums_of(points, sums); }
std::vector<G2Affine> sparse_sums(std::span<const G2Affine> points, const SparseSums& sums) { return sparse_sums_of(points, sums); }

}  // namespace blindproof::curve
