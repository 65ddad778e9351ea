// Commitments to many rows of small integers with the same generators:  start_row + sum_j matrix[row][j] * G_j.
//
// The table holds 1, 2, ..., 128 times each generator, so that an 8-bit digit costs one affine addition; wider integers
// are several signed 8-bit digits whose sums are joined by doublings. Many rows advance together, column by column: the
// rows share inversions and the multiples of one generator (8 KiB) stay in the cache. A few rows are summed pair by
// pair.
// Timing: variable in the integers.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "blindproof/curve/g1.h"
#include "blindproof/field/fr_vector.h"

namespace blindproof::curve {

struct Kernels;
struct PackedPoint;

class SmallScalarTable {
 public:
  /// Cost: 8 KiB and some 5 us (IFMA, one core) for each generator; on all threads.
  explicit SmallScalarTable(std::span<const G1Affine> generators);
  /// With a given kernel set, which then does all the work. For tests and benchmarks.
  SmallScalarTable(const Kernels& kernels, std::span<const G1Affine> generators);
  ~SmallScalarTable();
  SmallScalarTable(SmallScalarTable&&) noexcept;
  SmallScalarTable& operator=(SmallScalarTable&&) noexcept;

  std::size_t generators() const { return identity_.size(); }

  /// out_row = starts_row + sum_j matrix[row][j] * G_j, on all threads. Any points will do as starts, also the
  /// identity.
  /// Requires: matrix.columns <= generators(); starts.size() == out.size() == matrix.rows.
  /// Cost: for each 8-bit digit some 30 ns (from 512 rows on) to 50 ns (fewer); IFMA, one core.
  template <class Int>
  void commit_rows(const field::MatrixView<Int>& matrix, std::span<const G1Affine> starts,
                   std::span<G1Affine> out) const;

  /// The same with generator columns_j for the j-th column.
  /// Requires: columns.size() == matrix.columns; every entry below generators().
  template <class Int>
  void commit_rows(const field::MatrixView<Int>& matrix, std::span<const std::uint32_t> columns,
                   std::span<const G1Affine> starts, std::span<G1Affine> out) const;

 private:
  struct Free {
    void operator()(PackedPoint* points) const noexcept;
  };

  const PackedPoint* multiples(std::size_t generator) const;
  template <class Int>
  void commit_few(const field::MatrixView<Int>& matrix, std::span<const std::uint32_t> columns, unsigned digits,
                  std::span<const G1Affine> starts, std::span<G1Affine> out) const;
  template <class Int>
  void commit_many(const field::MatrixView<Int>& matrix, std::span<const std::uint32_t> columns, unsigned digits,
                   std::span<const G1Affine> starts, std::span<G1Affine> out) const;

  const Kernels* kernels_;
  std::vector<bool> identity_;
  std::unique_ptr<PackedPoint[], Free> multiples_;
};

// Defined for std::int8_t, std::int16_t, std::int32_t and std::int64_t.

}  // namespace blindproof::curve
