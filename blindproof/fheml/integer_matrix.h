// Matrices of integers between tensors, and how they act on slots of integers modulo a prime: what affine.h has for reals, without any
// rounding.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "blindproof/base/int128.h"
#include "blindproof/base/result.h"
#include "blindproof/field/modulus.h"
#include "blindproof/fheml/affine.h"

namespace blindproof::fheml {

/// Compressed rows. Columns of a row ascend; no entry is 0.
struct IntegerMatrix {
  std::size_t rows = 0, columns = 0;
  std::vector<std::uint64_t> begins{0};  // of rows, and the end
  std::vector<std::uint32_t> column;
  std::vector<std::int64_t> value;

  static IntegerMatrix identity(std::size_t size);

  std::size_t entries() const noexcept { return value.size(); }
  /// Entries of the rows in order.   Requires: columns ascend within a row.
  void append_row(std::span<const std::pair<std::uint32_t, std::int64_t>> entries);

  friend bool operator==(const IntegerMatrix&, const IntegerMatrix&) = default;
};

/// a * b.   Requires: a.columns == b.rows.   Errors: kLimit for an entry beyond 63 bits.
base::Result<IntegerMatrix> product(const IntegerMatrix& a, const IntegerMatrix& b);
/// factor_a a + factor_b b.   Requires: one shape.   Errors: kLimit for an entry beyond 63 bits.
base::Result<IntegerMatrix> sum(const IntegerMatrix& a, std::int64_t factor_a, const IntegerMatrix& b, std::int64_t factor_b);
/// a x + y.   Requires: sizes that fit.   Errors: kLimit where an entry or a sum on the way exceeds 127 bits.
base::Result<std::vector<base::Int128>> multiply_add(const IntegerMatrix& a, std::span<const base::Int128> x,
                                                     std::span<const base::Int128> y);

/// Ones where the entries are: where costs and layouts are concerned, the numbers don't matter.
SparseMatrix pattern_of(const IntegerMatrix& matrix);

void write_matrix(base::ByteWriter& writer, const IntegerMatrix& matrix);
/// Fails (reader.status()) for anything but the canonical bytes of a matrix with so many rows and columns.
IntegerMatrix read_integer_matrix(base::ByteReader& reader, std::size_t rows, std::size_t columns);

/// How a matrix acts on slots: see SlotMatrix.
class IntegerSlotMatrix {
 public:
  /// Requires: SlotMatrix::fits.
  IntegerSlotMatrix(const IntegerMatrix& matrix, const Layout& in, const Layout& out, std::size_t slots);

  const std::vector<std::size_t>& numbers() const noexcept { return numbers_; }
  /// Modulo t, in (-t/2, t/2).
  std::vector<std::int64_t> diagonal(std::size_t number, const field::Modulus& t) const;
  /// Slots after which every diagonal repeats.
  std::size_t period() const noexcept { return period_; }
  const std::vector<std::int64_t>& folds() const noexcept { return folds_; }

 private:
  struct Entry {
    std::uint32_t slot;  // and at each multiple of period_ from there
    std::int64_t value;
  };

  std::size_t slots_, period_;
  std::vector<std::size_t> numbers_;
  std::vector<std::int64_t> folds_;
  std::vector<std::vector<Entry>> entries_;  // by diagonal
};

}  // namespace blindproof::fheml
