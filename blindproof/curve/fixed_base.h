// Scalars times a base that is used again and again, by a table of its multiples.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "blindproof/curve/g1.h"
#include "blindproof/curve/g2.h"

namespace blindproof::curve {

struct Kernels;
struct PackedPoint;

/// The multiples 1..2^(window_bits-1) of 2^(window_bits*w) * base, for every window w of a scalar.
/// Timing: variable in the scalar.
class FixedBaseTable {
 public:
  /// Requires: 2 <= window_bits <= 14.
  /// Cost: 64 * 2^(window_bits-1) * (254/window_bits + 1) bytes. With IFMA, on one core:
  ///   window_bits   size      build     four bases in multiply_sum(), with to_affine()
  ///        8        256 KiB   0.3 ms    11 us
  ///       10        832 KiB   0.6 ms    10 us
  ///       12        2.8 MiB   1.7 ms     9 us
  explicit FixedBaseTable(const G1Affine& base, int window_bits = 8);
  /// With a given kernel set. For tests and benchmarks.
  FixedBaseTable(const Kernels& kernels, const G1Affine& base, int window_bits);
  ~FixedBaseTable();
  FixedBaseTable(FixedBaseTable&&) noexcept;
  FixedBaseTable& operator=(FixedBaseTable&&) noexcept;

  /// scalar * base.
  G1 multiply(const Fr& scalar) const;

 private:
  friend G1 multiply_sum(std::span<const FixedBaseTable* const> tables, std::span<const Fr> scalars);

  const Kernels* kernels_;
  unsigned window_bits_;
  unsigned windows_;
  bool identity_;
  std::vector<PackedPoint> multiples_;
};

/// sum_i scalars_i * base_i: faster than adding products.  Requires: equal sizes, tables of the same kernel set.
G1 multiply_sum(std::span<const FixedBaseTable* const> tables, std::span<const Fr> scalars);

/// scalars_i * base for every i, on all threads: for bases that serve once, with many scalars.
/// Cost: with IFMA on one core, for many scalars, about 1.3 us each in G1 and 4 us in G2.
std::vector<G1Affine> multiply_each(const G1Affine& base, std::span<const Fr> scalars);
std::vector<G2Affine> multiply_each(const G2Affine& base, std::span<const Fr> scalars);

}  // namespace blindproof::curve
