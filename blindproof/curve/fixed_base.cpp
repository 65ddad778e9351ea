#include "blindproof/curve/fixed_base.h"

#include <algorithm>

#include "blindproof/base/check.h"
#include "blindproof/base/thread_pool.h"
#include "blindproof/curve/kernels.h"
#include "blindproof/curve/segment_sums.h"

namespace blindproof::curve {
namespace {

constexpr unsigned kScalarBits = 254;

// What differs between the groups.
void pack(const Kernels& kernels, std::span<const G1Affine> points, PackedPoint* out) { kernels.pack(points.data(), points.size(), out); }
void pack(const Kernels& kernels, std::span<const G2Affine> points, PackedG2* out) { kernels.pack_g2(points.data(), points.size(), out); }
void unpack(const Kernels& kernels, const PackedPoint& point, G1Affine* out) { kernels.unpack(&point, 1, out); }
void unpack(const Kernels& kernels, const PackedG2& point, G2Affine* out) { kernels.unpack_g2(&point, 1, out); }

// Signed digits of a scalar, in [-2^(bits-1), 2^(bits-1)]: use(window, digit).
template <class Use>
void for_digits(const Fr& scalar, unsigned bits, unsigned windows, Use&& use) {
  const field::Limbs limbs = scalar.to_limbs();
  const std::int64_t half = std::int64_t{1} << (bits - 1);
  std::int64_t carry = 0;
  for (unsigned window = 0; window < windows; ++window) {
    const unsigned bit = window * bits;
    std::uint64_t word = limbs[bit / 64] >> (bit % 64);
    if (bit % 64 != 0 && bit / 64 + 1 < limbs.size()) word |= limbs[bit / 64 + 1] << (64 - bit % 64);
    std::int64_t digit = static_cast<std::int64_t>(word & (2 * static_cast<std::uint64_t>(half) - 1)) + carry;
    carry = digit > half ? 1 : 0;
    digit -= carry * 2 * half;
    if (digit != 0) use(window, digit);
  }
}

template <class Packed, class Affine>
std::vector<Affine> multiply_each(const Kernels& kernels, const Affine& base, std::span<const Fr> scalars) {
  using Point = Xyzz<Affine>;
  std::vector<Affine> result(scalars.size());
  if (base.is_identity()) return result;
  // A table entry costs some sums by itself.
  unsigned bits = 4;
  while (bits < 13 && scalars.size() >> (bits + 2) != 0) ++bits;
  const unsigned windows = kScalarBits / bits + 1;
  const std::size_t per_window = std::size_t{1} << (bits - 1);
  std::vector<Point> powers(windows);
  powers[0] = Point(base);
  for (std::size_t w = 1; w < windows; ++w) {
    powers[w] = powers[w - 1];
    for (unsigned i = 0; i < bits; ++i) powers[w] = powers[w].doubled();
  }
  std::vector<Packed> table(windows * per_window);
  base::parallel_for(windows, [&](std::size_t w) {
    std::vector<Point> multiples(per_window);
    multiples[0] = powers[w];
    for (std::size_t k = 1; k < per_window; ++k) multiples[k] = multiples[k - 1] + powers[w];
    std::vector<Affine> affine(per_window);
    batch_to_affine(multiples, affine);
    pack(kernels, affine, &table[w * per_window]);
  });

  constexpr std::size_t kScalarsPerTask = 1024;
  base::parallel_for((scalars.size() + kScalarsPerTask - 1) / kScalarsPerTask, [&](std::size_t task) {
    const std::size_t begin = task * kScalarsPerTask, count = std::min(kScalarsPerTask, scalars.size() - begin);
    std::vector<RefTo<Packed>> terms, sums(count);
    std::vector<std::uint32_t> sizes(count);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t before = terms.size();
      for_digits(scalars[begin + i], bits, windows, [&](unsigned window, std::int64_t digit) {
        terms.emplace_back(&table[window * per_window + static_cast<std::size_t>(digit < 0 ? -digit : digit) - 1], digit < 0);
      });
      sizes[i] = static_cast<std::uint32_t>(terms.size() - before);
    }
    std::vector<Packed> storage(count);
    SegmentSums<Packed>(kernels).run(terms, sizes, storage, sums);
    for (std::size_t i = 0; i < count; ++i) {
      if (sums[i].is_null()) continue;
      Affine& out = result[begin + i];
      unpack(kernels, *sums[i].point(), &out);
      if (sums[i].negative()) out = -out;
    }
  });
  return result;
}

}  // namespace

std::vector<G1Affine> multiply_each(const G1Affine& base, std::span<const Fr> scalars) {
  return multiply_each<PackedPoint>(active_kernels(), base, scalars);
}
std::vector<G2Affine> multiply_each(const G2Affine& base, std::span<const Fr> scalars) {
  return multiply_each<PackedG2>(active_kernels(), base, scalars);
}

FixedBaseTable::~FixedBaseTable() = default;
FixedBaseTable::FixedBaseTable(FixedBaseTable&&) noexcept = default;
FixedBaseTable& FixedBaseTable::operator=(FixedBaseTable&&) noexcept = default;

FixedBaseTable::FixedBaseTable(const G1Affine& base, int window_bits)
    : FixedBaseTable(active_kernels(), base, window_bits) {}

FixedBaseTable::FixedBaseTable(const Kernels& kernels, const G1Affine& base, int window_bits)
    : kernels_(&kernels),
      window_bits_(static_cast<unsigned>(window_bits)),
      windows_(kScalarBits / static_cast<unsigned>(window_bits) + 1),
      identity_(base.is_identity()) {
  BLINDPROOF_CHECK(window_bits >= 2 && window_bits <= 14, "window_bits out of range");
  if (identity_) return;
  const std::size_t per_window = std::size_t{1} << (window_bits_ - 1);
  multiples_.resize(windows_ * per_window);

  // All powers of two times the base come from one chain of doublings; every other multiple is the sum of a power of
  // two and a smaller multiple, in batches without doublings.
  std::vector<G1> powers(windows_ * window_bits_);
  powers[0] = G1(base);
  for (std::size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1].doubled();
  std::vector<G1Affine> affine(powers.size());
  batch_to_affine(powers, affine);
  for (std::size_t w = 0; w < windows_; ++w) {
    for (std::size_t i = 0; i < window_bits_; ++i) {
      kernels.pack(&affine[w * window_bits_ + i], 1, &multiples_[w * per_window + (std::size_t{1} << i) - 1]);
    }
  }
  std::vector<PairJob> sums;
  for (std::size_t m = 2; m < per_window; m *= 2) {
    sums.clear();
    for (std::size_t w = 0; w < windows_; ++w) {
      PackedPoint* const first = &multiples_[w * per_window];  // first[k-1] is k times the window's base
      const PointRef power(first + m - 1, false);
      for (std::size_t k = 1; k < m; ++k) sums.push_back({first + k - 1, power, first + m + k - 1});
    }
    kernels.add_pairs(sums.data(), sums.size(), false, &thread_scratch());
  }
}

G1 FixedBaseTable::multiply(const Fr& scalar) const {
  const FixedBaseTable* const table = this;
  return multiply_sum({&table, 1}, {&scalar, 1});
}

G1 multiply_sum(std::span<const FixedBaseTable* const> tables, std::span<const Fr> scalars) {
  BLINDPROOF_CHECK(tables.size() == scalars.size(), "one scalar for each base");
  if (tables.empty()) return G1::identity();
  std::size_t windows = 0;
  for (const FixedBaseTable* table : tables) {
    BLINDPROOF_CHECK(table->kernels_ == tables[0]->kernels_, "tables of different kernel sets");
    windows += table->windows_;
  }
  std::vector<PointRef> points;
  points.reserve(windows + kLanes);
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const FixedBaseTable& table = *tables[i];
    if (table.identity_) continue;
    const std::size_t per_window = std::size_t{1} << (table.window_bits_ - 1);
    for_digits(scalars[i], table.window_bits_, table.windows_, [&](unsigned window, std::int64_t digit) {
      const PackedPoint* const multiples = table.multiples_.data() + window * per_window;
      points.emplace_back(multiples + (digit < 0 ? -digit : digit) - 1, digit < 0);
    });
  }
  points.resize((points.size() + kLanes - 1) / kLanes * kLanes);
  return sum_points(*tables[0]->kernels_, points);
}

}  // namespace blindproof::curve
