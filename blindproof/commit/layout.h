// Where the cells of a tensor sit in its committed matrix.
//
// A tensor has axes of any length, row-major, first axis slowest. Each axis is padded to a power of two; a cell's index is
// the concatenation of its axis indices' bits, last axis lowest. The low `column_bits` (at most 11) of the index are the
// column, the rest is the row. Rows without used cells don't exist.
//
//   axes [4000, 60]:  12 + 6 bits; columns = 6 bits of the last axis and the low 5 of the first; 125 rows
//
// At most one axis is split between rows and columns ("straddles"); if its length isn't a multiple of the part inside
// the columns, its last rows are only partly used. So there are two classes of rows, full and partial, and inside a class the
// used columns are the same box for every row. Padding cells never count: the polynomial of a tensor is, by definition,
//   f(z) = sum over used cells of eq(z, cell) * value
// and a claim f(z) = v is a statement about rows u_class = sum_{rows of class} eq(z_row, row) * row:
//   v = sum_class sum_{used columns j of class} eq(z_column, j) u_class[j]
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "blindproof/field/fr_vector.h"

namespace blindproof::commit {

using field::Fr;
using field::FrVector;

inline constexpr unsigned kMaxColumnBits = 11;

class TensorLayout {
 public:
  TensorLayout() = default;
  /// Requires: every length >= 1, at most 2^40 padded cells.
  explicit TensorLayout(std::vector<std::size_t> axes);

  const std::vector<std::size_t>& axes() const { return axes_; }
  /// log2 of the padded length of an axis.
  unsigned axis_bits(std::size_t axis) const { return axis_bits_[axis]; }
  /// Position of the lowest bit of an axis inside the index.
  unsigned axis_shift(std::size_t axis) const { return axis_shift_[axis]; }
  unsigned bits() const { return bits_; }                // of the whole index
  unsigned column_bits() const { return column_bits_; }  // min(bits, 11)
  std::size_t cells() const { return cells_; }           // used ones
  std::size_t rows() const { return hi_rows_ * (straddle_full_ + (straddle_rest_ != 0 ? 1 : 0)); }

  /// Used cells of each row of a class, in logical order: contiguous in the logical (dense, row-major) array.
  std::size_t row_cells(bool partial) const { return (partial ? straddle_rest_ : straddle_chunk_) * inner_; }
  bool is_partial(std::size_t row) const { return straddle_rest_ != 0 && row % (straddle_full_ + 1) == straddle_full_; }
  bool has_partial() const { return straddle_rest_ != 0; }
  bool has_full() const { return straddle_full_ != 0; }
  /// Rows r, r + row_period(), r + 2*row_period(), ... of one class lie at one distance in the logical array.
  std::size_t row_period() const { return hi_rows_ == 1 ? 1 : straddle_full_ + (straddle_rest_ != 0 ? 1 : 0); }
  /// First logical cell of a row.
  std::size_t row_begin(std::size_t row) const;
  /// eq(z_row bits, row) for every row.  Requires: z.size() == bits().
  std::vector<Fr> row_weights(std::span<const Fr> z) const;
  /// Column of the k-th used cell of a row.
  std::size_t column_of(std::size_t k) const;
  /// For k in [0, row_cells(false)) (or the partial count): column_of(k), as a table.
  std::vector<std::uint32_t> columns(bool partial) const;
  /// sum over the used columns j of the class of eq(z_column, j) eq(x, j), z's missing high bits taken as 0 for tensors with
  /// fewer column bits than x has: what a verifier evaluates.  Requires: z.size() == bits(), x.size() >= column_bits().
  Fr column_weight_at(std::span<const Fr> z, bool partial, std::span<const Fr> x) const;
  /// eq(z, cell) summed over all used cells: the polynomial of the all-one tensor.
  Fr ones_at(std::span<const Fr> z) const;
  /// Padded index of each used cell, in logical order.
  std::vector<std::uint32_t> padded_indices() const;

  bool operator==(const TensorLayout& other) const { return axes_ == other.axes_; }

 private:
  std::vector<std::size_t> axes_;
  std::vector<unsigned> axis_bits_, axis_shift_;
  unsigned bits_ = 0, column_bits_ = 0;
  std::size_t cells_ = 1;
  std::size_t straddle_axis_ = 0;   // the axis of which some bits are columns and all earlier axes are rows
  unsigned straddle_low_ = 0;       // its bits inside the columns
  std::size_t straddle_chunk_ = 1;  // used values of it inside a full row
  std::size_t straddle_full_ = 1;   // full rows per combination of earlier axes
  std::size_t straddle_rest_ = 0;   // used values inside the partial row, 0 if there is none
  std::size_t inner_ = 1;           // used cells below it
  std::size_t hi_rows_ = 1;         // combinations of earlier axes
};

}  // namespace blindproof::commit
