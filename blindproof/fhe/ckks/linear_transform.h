// Matrices times encrypted vectors of slots.
//
// Of N/2 rows and columns, given by its diagonals: diagonal d is M[i][(i + d) mod N/2]. How: rlwe/linear_transform.h.
#pragma once

#include <complex>
#include <functional>
#include <vector>

#include "blindproof/fhe/ckks/encoder.h"
#include "blindproof/fhe/ckks/evaluator.h"
#include "blindproof/fhe/rlwe/linear_transform.h"

namespace blindproof::fhe::ckks {

/// By number, in [0, N/2); those that are missing are zero.
using Diagonals = rlwe::Diagonals<std::complex<double>>;

/// Those of a real matrix with at most N/2 rows and columns, filled up with zeros.   Requires: rows of equal length.
Diagonals diagonals_of(const std::vector<std::vector<double>>& matrix, std::size_t slots);

/// How diagonals are kept: ready for products with all moduli, or in the memory of a single one, to be transformed each time.
enum class Storage { kTransformed, kCompact };

class LinearTransform {
 public:
  /// Encodes the diagonals for ciphertexts of `level`. `baby_steps` 0 chooses those with the fewest
  /// key switches.
  /// Errors: kInvalidArgument for a level without one below, no diagonals, diagonals of another length than N/2 or numbered
  /// beyond it, or values that don't fit (encoder.h).
  static base::Result<LinearTransform> create(const Encoder& encoder, const Diagonals& diagonals, int level,
                                              std::size_t baby_steps = 0);
  /// The same where diagonals are made one after the other: each number once, `diagonal` may run on several threads.
  static base::Result<LinearTransform> create(const Encoder& encoder, const std::vector<std::size_t>& numbers,
                                              const std::function<std::vector<std::complex<double>>(std::size_t)>& diagonal,
                                              int level, std::size_t baby_steps = 0, Storage storage = Storage::kTransformed);

  int level() const noexcept { return level_; }
  std::size_t baby_steps() const noexcept { return matrix_.baby_steps(); }
  /// The rotations that keys are needed for.
  std::vector<std::int64_t> rotations() const { return matrix_.rotations(); }
  /// Of the encoded diagonals.
  std::size_t bytes() const noexcept { return bytes_of(*context_, level_, matrix_.size(), storage_); }
  static std::size_t bytes_of(const Context& context, int level, std::size_t diagonals, Storage storage) noexcept;

  /// At the next level and its scale.
  /// Errors: kMismatch unless a is of degree 1, at the transform's level and its scale; kInvalidArgument for missing keys.
  Outcome apply(const Ciphertext& a, const rlwe::GaloisKeys& keys) const;

 private:
  LinearTransform(ContextPtr context, int level, Storage storage, rlwe::DiagonalMatrix matrix)
      : context_(std::move(context)), level_(level), storage_(storage), matrix_(std::move(matrix)) {}

  ContextPtr context_;
  int level_;
  Storage storage_;
  rlwe::DiagonalMatrix matrix_;
  double row_sum_ = 0;  // largest sum of |entries| in a row
  double squares_ = 0;  // sum over diagonals of the largest |entry| squared
  double norm_ = 0;     // bound of the matrix's norm: root of the largest sums in a row and a column
};

}  // namespace blindproof::fhe::ckks
