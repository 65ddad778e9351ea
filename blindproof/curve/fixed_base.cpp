#include "blindproof/curve/fixed_base.h"

#include "blindproof/base/check.h"
#include "blindproof/curve/kernels.h"

namespace blindproof::curve {
namespace {

constexpr unsigned kScalarBits = 254;

}  // namespace

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
    const field::Limbs limbs = scalars[i].to_limbs();
    const unsigned bits = table.window_bits_;
    const std::int64_t half = std::int64_t{1} << (bits - 1);
    const PackedPoint* multiples = table.multiples_.data();
    std::int64_t carry = 0;
    for (unsigned bit = 0; bit < bits * table.windows_; bit += bits, multiples += half) {
      std::uint64_t word = limbs[bit / 64] >> (bit % 64);
      if (bit % 64 != 0 && bit / 64 + 1 < limbs.size()) word |= limbs[bit / 64 + 1] << (64 - bit % 64);
      std::int64_t digit = static_cast<std::int64_t>(word & (2 * static_cast<std::uint64_t>(half) - 1)) + carry;
      carry = digit > half ? 1 : 0;
      digit -= carry * 2 * half;
      if (digit != 0) points.emplace_back(multiples + (digit < 0 ? -digit : digit) - 1, digit < 0);
    }
  }
  points.resize((points.size() + kLanes - 1) / kLanes * kLanes);
  return sum_points(*tables[0]->kernels_, points);
}

}  // namespace blindproof::curve
