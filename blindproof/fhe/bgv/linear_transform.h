// Matrices of integers modulo t times encrypted slots.
//
// Of N/2 rows and columns, acting on each of the two rows of slots: diagonal d has N entries, entry i of row r being
// M_r[i][(i + d) mod N/2]. How: rlwe/linear_transform.h.
#pragma once

#include "blindproof/fhe/bgv/bgv.h"
#include "blindproof/fhe/rlwe/linear_transform.h"

namespace blindproof::fhe::bgv {

/// Entries in (-t/2, t/2).
using Diagonals = rlwe::Diagonals<std::int64_t>;

/// Those of a matrix with at most N/2 rows and columns, filled up with zeros, for both rows of N/2 slots.
/// Requires: rows of equal length.
Diagonals diagonals_of(const std::vector<std::vector<std::int64_t>>& matrix, std::size_t slots);

class LinearTransform {
 public:
  /// Encodes the diagonals for ciphertexts of `level`. `baby_steps` 0 chooses those with the cheapest key
  /// switches.
  /// Errors: kInvalidArgument for a level without one below, no diagonals, numbers from N/2 on, vectors of another length than N, or entries out of range.
  static base::Result<LinearTransform> create(const ContextPtr& context, const Diagonals& diagonals, int level,
                                              std::size_t baby_steps = 0);
  /// The same where diagonals are made one after the other: each number once, `diagonal` may run on several threads.
  static base::Result<LinearTransform> create(const ContextPtr& context, const std::vector<std::size_t>& numbers,
                                              const rlwe::MakeDiagonal& diagonal, int level, std::size_t baby_steps = 0);

  int level() const noexcept { return level_; }
  std::size_t baby_steps() const noexcept { return matrix_.diagonals.baby_steps(); }
  /// The rotations that keys are needed for.
  std::vector<std::int64_t> rotations() const { return matrix_.diagonals.rotations(); }
  /// Of the encoded diagonals.
  std::size_t bytes() const noexcept;

  /// At the next level and its factor.
  /// Errors: kMismatch unless a is at the matrix's level and has its factor; kInvalidArgument for missing keys, another degree
  /// than 1, or a result that might not decrypt.
  Outcome apply(const Ciphertext& a, const rlwe::GaloisKeys& keys) const;

 private:
  LinearTransform(ContextPtr context, int level, rlwe::IntegerMatrix matrix)
      : context_(std::move(context)), level_(level), matrix_(std::move(matrix)) {}

  ContextPtr context_;
  int level_;
  rlwe::IntegerMatrix matrix_;
};

}  // namespace blindproof::fhe::bgv
