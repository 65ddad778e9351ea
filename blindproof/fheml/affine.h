// Matrices between tensors, and how they act on slots.
//
// A matrix from a layout to another becomes diagonals of slots, and sums of rotations after them:
//   out = fold(sum_d diagonal_d * rotate(in, d))        fold(v) = sum_j rotate(v, j * period_out)
// Let P and D be the periods of `in` and `out`. An element of the result needs one product for each column of its row. Where
// D < P the product for position p of `in` is taken at the slot p - d, d = (p - position_out) mod D, whose rotations by multiples of D
// the fold adds up: so a matrix of n rows needs no more diagonals than the power of two above n, whatever the layout of its columns. Where
// the copies of `in` are turned, block k takes the diagonals from k*shift on: fewer diagonals, and one more sum. To turn copies is a matrix too,
// whose result takes each copy from the column that is due there: as many diagonals as blocks, and no sum.
#pragma once

#include <cstdint>
#include <vector>

#include "blindproof/base/bytes.h"
#include "blindproof/fheml/layout.h"

namespace blindproof::fheml {

/// Compressed rows. Columns of a row ascend.
struct SparseMatrix {
  std::size_t rows = 0, columns = 0;
  std::vector<std::uint64_t> begins{0};  // of rows, and the end
  std::vector<std::uint32_t> column;
  std::vector<float> value;

  static SparseMatrix identity(std::size_t size);
  static SparseMatrix dense(std::size_t rows, std::size_t columns, std::span<const float> values);  // zeros are left out

  std::size_t entries() const noexcept { return value.size(); }
  /// Entries of the rows in order.   Requires: columns ascend within a row.
  void append_row(std::span<const std::pair<std::uint32_t, float>> entries);
};

/// a * b.   Requires: a.columns == b.rows.
SparseMatrix product(const SparseMatrix& a, const SparseMatrix& b);
SparseMatrix sum(const SparseMatrix& a, const SparseMatrix& b);
std::vector<double> multiply(const SparseMatrix& a, std::span<const double> x);

void write_matrix(base::ByteWriter& writer, const SparseMatrix& matrix);
/// Fails (reader.status()) for anything but the canonical bytes of a matrix with so many rows and columns, of finite entries.
SparseMatrix read_matrix(base::ByteReader& reader, std::size_t rows, std::size_t columns);

/// How a matrix acts on slots.
class SlotMatrix {
 public:
  /// Requires: layouts of the matrix' columns and rows for which fits().
  SlotMatrix(const SparseMatrix& matrix, const Layout& in, const Layout& out, std::size_t slots);

  /// Either has turned copies, not both: `in` where in.block is max(period_in, period_out) and in.shift is min(period_in, period_out) * in.block / slots;
  /// `out` where both have one period.
  static bool fits(const Layout& in, const Layout& out, std::size_t slots) noexcept;

  /// Numbers of the diagonals that aren't zero.
  std::vector<std::size_t> numbers() const;
  /// The same without making them.   Requires: fits().
  static std::vector<std::size_t> numbers_of(const SparseMatrix& matrix, const Layout& in, const Layout& out, std::size_t slots);
  std::vector<double> diagonal(std::size_t number) const;
  /// An entry: where its product is taken (of copies that repeat, in the first), and from how far right the column comes.
  struct Placement {
    std::uint32_t row;
    std::uint32_t diagonal, slot;
    float value;
  };
  /// Requires: fits().
  static std::vector<Placement> placements_of(const SparseMatrix& matrix, const Layout& in, const Layout& out, std::size_t slots);
  /// Rotations whose sums end the product: after each, the result is added to itself.
  std::vector<std::int64_t> folds() const { return folds_; }
  /// Requires: fits().
  static std::vector<std::int64_t> folds_of(const Layout& in, const Layout& out, std::size_t slots);

 private:
  struct Entry {
    std::uint32_t slot;  // where the product is taken; and at each multiple of repeat_ from there
    float value;
  };

  std::size_t slots_, repeat_;
  std::vector<std::int64_t> folds_;
  std::vector<std::vector<Entry>> entries_;  // by diagonal
};

}  // namespace blindproof::fheml
