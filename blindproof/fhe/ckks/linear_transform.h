// Matrices times encrypted vectors of slots.
//
// A matrix M of N/2 rows and columns acts by its diagonals, diagonal d being M[i][(i + d) mod N/2]:
//   M x = sum_d diagonal_d * rotate(x, d) = sum_g rotate(sum_b rotate(diagonal_{g n1 + b}, -g n1) * rotate(x, b), g n1)
// with baby steps b < n1 and giant steps g. The decomposition of x serves all baby steps, their sums are taken before the
// division by the special moduli, and so is the sum over giant steps: two divisions at the end, and one for each giant step.
//
// Ref: Halevi-Shoup, ePrint 2018/244; Bossuat-Mouchet-Troncoso-Pastoriza-Hubaux, ePrint 2020/1203 (double hoisting).
#pragma once

#include <complex>
#include <map>
#include <vector>

#include "blindproof/fhe/ckks/encoder.h"
#include "blindproof/fhe/ckks/evaluator.h"

namespace blindproof::fhe::ckks {

/// By number, in [0, N/2); those that are missing are zero.
using Diagonals = std::map<std::size_t, std::vector<std::complex<double>>>;

/// Those of a real matrix with at most N/2 rows and columns, filled up with zeros.   Requires: rows of equal length.
Diagonals diagonals_of(const std::vector<std::vector<double>>& matrix, std::size_t slots);

class LinearTransform {
 public:
  /// Encodes the diagonals for ciphertexts of `level`. `baby_steps` is a power of two; 0 chooses the one with the fewest
  /// key switches.
  /// Errors: kInvalidArgument for a level without one below, no diagonals, diagonals of another length than N/2 or numbered
  /// beyond it, or values that don't fit (encoder.h).
  static base::Result<LinearTransform> create(const Encoder& encoder, const Diagonals& diagonals, int level,
                                              std::size_t baby_steps = 0);

  int level() const noexcept { return level_; }
  std::size_t baby_steps() const noexcept { return baby_steps_; }
  /// The rotations that keys are needed for.
  std::vector<std::int64_t> rotations() const;

  /// At the next level and its scale.
  /// Errors: kMismatch unless a is of degree 1, at the transform's level and its scale; kInvalidArgument for missing keys.
  Outcome apply(const Ciphertext& a, const rlwe::GaloisKeys& keys) const;

 private:
  LinearTransform(ContextPtr context, int level, std::size_t baby_steps)
      : context_(std::move(context)), level_(level), baby_steps_(baby_steps) {}

  ContextPtr context_;
  int level_;
  std::size_t baby_steps_;
  std::map<std::size_t, std::map<std::size_t, rlwe::NttPoly>> giants_;  // by giant step, then baby step; over Q and P
  double row_sum_ = 0;      // largest sum of |entries| in a row
  double squares_ = 0;      // sum over diagonals of the largest |entry| squared
};

}  // namespace blindproof::fhe::ckks
