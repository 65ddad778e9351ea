#include "blindproof/commit/layout.h"

#include <algorithm>
#include <bit>

#include "blindproof/base/check.h"
#include "blindproof/poly/multilinear.h"

namespace blindproof::commit {

TensorLayout::TensorLayout(std::vector<std::size_t> axes) : axes_(std::move(axes)) {
  if (axes_.empty()) axes_.push_back(1);
  axis_bits_.resize(axes_.size());
  axis_shift_.resize(axes_.size());
  for (std::size_t a = axes_.size(); a-- > 0;) {
    BLINDPROOF_CHECK(axes_[a] >= 1, "empty axis");
    axis_bits_[a] = static_cast<unsigned>(std::bit_width(axes_[a] - 1));
    axis_shift_[a] = bits_;
    bits_ += axis_bits_[a];
    cells_ *= axes_[a];
  }
  BLINDPROOF_CHECK(bits_ <= 40, "tensor too large");
  column_bits_ = std::min(bits_, kMaxColumnBits);

  // The straddling axis: the first one whose low end lies inside the columns. Axes before it are rows only.
  straddle_axis_ = 0;
  while (axis_shift_[straddle_axis_] >= column_bits_ && straddle_axis_ + 1 < axes_.size()) ++straddle_axis_;
  const std::size_t a = straddle_axis_;
  straddle_low_ = std::min(axis_bits_[a], column_bits_ - axis_shift_[a]);
  for (std::size_t i = 0; i < a; ++i) hi_rows_ *= axes_[i];
  for (std::size_t i = a + 1; i < axes_.size(); ++i) inner_ *= axes_[i];
  if (straddle_low_ == axis_bits_[a]) {  // wholly inside the columns: one class of rows, cut at the used length
    straddle_chunk_ = axes_[a];
    straddle_full_ = 1;
    straddle_rest_ = 0;
  } else {
    straddle_chunk_ = std::size_t{1} << straddle_low_;
    straddle_full_ = axes_[a] >> straddle_low_;
    straddle_rest_ = axes_[a] & (straddle_chunk_ - 1);
  }
}

std::size_t TensorLayout::row_begin(std::size_t row) const {
  const std::size_t per_group = straddle_full_ + (straddle_rest_ != 0 ? 1 : 0);
  return (row / per_group * axes_[straddle_axis_] + row % per_group * straddle_chunk_) * inner_;
}

std::vector<Fr> TensorLayout::row_weights(std::span<const Fr> z) const {
  BLINDPROOF_CHECK(z.size() == bits_, "point of the wrong length");
  std::vector<Fr> weights = {Fr::one()};
  auto extend = [&](std::span<const Fr> point, std::size_t used) {
    const std::vector<Fr> eq = poly::eq_values(point);
    std::vector<Fr> next;
    next.reserve(weights.size() * used);
    for (const Fr& w : weights)
      for (std::size_t i = 0; i < used; ++i) next.push_back(w * eq[i]);
    weights = std::move(next);
  };
  for (std::size_t a = 0; a < straddle_axis_; ++a) extend(z.subspan(axis_shift_[a], axis_bits_[a]), axes_[a]);
  extend(z.subspan(axis_shift_[straddle_axis_] + straddle_low_, axis_bits_[straddle_axis_] - straddle_low_),
         straddle_full_ + (straddle_rest_ != 0 ? 1 : 0));
  return weights;
}

std::vector<std::uint32_t> TensorLayout::columns(bool partial) const {
  std::vector<std::uint32_t> out = {0};
  auto extend = [&](std::size_t axis, std::size_t used) {
    std::vector<std::uint32_t> next;
    next.reserve(out.size() * used);
    for (std::uint32_t base : out)
      for (std::size_t i = 0; i < used; ++i) next.push_back(base | static_cast<std::uint32_t>(i << axis_shift_[axis]));
    out = std::move(next);
  };
  extend(straddle_axis_, partial ? straddle_rest_ : straddle_chunk_);
  for (std::size_t a = straddle_axis_ + 1; a < axes_.size(); ++a) extend(a, axes_[a]);
  return out;
}

std::size_t TensorLayout::column_of(std::size_t k) const {
  std::size_t column = 0;
  for (std::size_t a = axes_.size(); a-- > straddle_axis_;) {
    const std::size_t length = a == straddle_axis_ ? straddle_chunk_ : axes_[a];
    column |= k % length << axis_shift_[a];
    k /= length;
  }
  return column;
}

Fr TensorLayout::column_weight_at(std::span<const Fr> z, bool partial, std::span<const Fr> x) const {
  BLINDPROOF_CHECK(z.size() == bits_ && x.size() >= column_bits_, "point of the wrong length");
  const std::size_t s = straddle_axis_;
  Fr weight = poly::cut_eq_at(z.subspan(axis_shift_[s], straddle_low_), partial ? straddle_rest_ : straddle_chunk_,
                              x.subspan(axis_shift_[s], straddle_low_));
  for (std::size_t a = s + 1; a < axes_.size(); ++a) {
    weight *= poly::cut_eq_at(z.subspan(axis_shift_[a], axis_bits_[a]), axes_[a], x.subspan(axis_shift_[a], axis_bits_[a]));
  }
  for (std::size_t i = column_bits_; i < x.size(); ++i) weight *= Fr::one() - x[i];
  return weight;
}

Fr TensorLayout::ones_at(std::span<const Fr> z) const {
  BLINDPROOF_CHECK(z.size() == bits_, "point of the wrong length");
  Fr product = Fr::one();
  for (std::size_t a = 0; a < axes_.size(); ++a)
    product *= poly::cut_sum_at(z.subspan(axis_shift_[a], axis_bits_[a]), axes_[a]);
  return product;
}

std::vector<std::uint32_t> TensorLayout::padded_indices() const {
  BLINDPROOF_CHECK(bits_ <= 32, "tensor too large");
  std::vector<std::uint32_t> out = {0};
  for (std::size_t a = 0; a < axes_.size(); ++a) {
    std::vector<std::uint32_t> next;
    next.reserve(out.size() * axes_[a]);
    for (std::uint32_t base : out)
      for (std::size_t i = 0; i < axes_[a]; ++i) next.push_back(base | static_cast<std::uint32_t>(i << axis_shift_[a]));
    out = std::move(next);
  }
  return out;
}

}  // namespace blindproof::commit
