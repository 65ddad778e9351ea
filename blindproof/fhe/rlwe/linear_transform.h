// Matrices that act on rotated slots, by their diagonals: what linear transformations of all schemes share.
//
// With diagonal d of a matrix M on rows of n slots being M[i][(i + d) mod n],
//   M x = sum_d diagonal_d * rotate(x, d) = sum_g rotate(sum_b rotate(diagonal_{g + b}, -g) * rotate(x, b), g)
// with baby steps b below some number and giant steps g that are multiples of it. The decomposition of x serves all baby
// steps, their sums are taken before the division by the special moduli, and so is the sum over giant steps: two divisions at
// the end, and one for each giant step.
//
// Ref: Halevi-Shoup, ePrint 2018/244; Bossuat-Mouchet-Troncoso-Pastoriza-Hubaux, ePrint 2020/1203 (double hoisting).
#pragma once

#include <functional>
#include <map>
#include <string_view>
#include <variant>
#include <vector>

#include "blindproof/base/check.h"
#include "blindproof/fhe/rlwe/ciphertext.h"
#include "blindproof/fhe/rlwe/slots.h"

namespace blindproof::fhe::rlwe {

/// By number, in [0, n); those that are missing are zero.
template <class Number>
using Diagonals = std::map<std::size_t, std::vector<Number>>;

/// Those of a matrix with at most `row` rows and columns, filled up with zeros, for `rows` rows of slots that it acts on alike.
/// Requires: rows of equal length.
template <class Number, class Entry>
Diagonals<Number> diagonals_of(const std::vector<std::vector<Entry>>& matrix, std::size_t row, std::size_t rows) {
  Diagonals<Number> result;
  for (std::size_t i = 0; i < matrix.size(); ++i) {
    BLINDPROOF_CHECK(matrix.size() <= row && matrix[i].size() <= row && matrix[i].size() == matrix[0].size(),
                     "at most as many rows and columns as slots, rows of equal length");
    for (std::size_t j = 0; j < matrix[i].size(); ++j) {
      if (matrix[i][j] == Entry{}) continue;
      std::vector<Number>& diagonal = result[(j + row - i) % row];
      diagonal.resize(row * rows);
      for (std::size_t k = 0; k < rows; ++k) diagonal[k * row + i] = matrix[i][j];
    }
  }
  return result;
}

/// Every row of slots by `steps` to the right.
template <class Number>
std::vector<Number> rotated_right(const std::vector<Number>& slots, std::size_t row, std::size_t steps) {
  std::vector<Number> result(slots.size());
  for (std::size_t i = 0; i < slots.size(); ++i) result[i / row * row + (i + steps) % row] = slots[i];
  return result;
}

/// Encoded diagonals, in baby and giant steps.
class DiagonalMatrix {
 public:
  /// Without its diagonals yet. `baby_steps` 0 chooses the number with the cheapest key switches.
  /// Errors: kInvalidArgument for no diagonals, numbers or baby steps beyond the row.
  static base::Result<DiagonalMatrix> create(const std::vector<std::size_t>& numbers, std::size_t row, std::size_t baby_steps);
  /// For these diagonals.   Errors: also kInvalidArgument for vectors that don't have `slots` entries.
  template <class Number>
  static base::Result<DiagonalMatrix> create(const Diagonals<Number>& diagonals, std::size_t row, std::size_t slots,
                                             std::size_t baby_steps) {
    std::vector<std::size_t> numbers;
    for (const auto& [number, values] : diagonals) {
      if (values.size() != slots) return wrong_size(slots);
      numbers.push_back(number);
    }
    return create(numbers, row, baby_steps);
  }

  std::size_t baby_steps() const noexcept { return baby_steps_; }
  std::size_t giant_steps() const noexcept { return giants_.size(); }
  std::size_t size() const noexcept;
  std::size_t giant_of(std::size_t diagonal) const noexcept { return diagonal - diagonal % baby_steps_; }
  /// The diagonal rotated by giant_of() to the right: over all limbs of a level and the special moduli, or a single one that apply() transforms each time,
  /// which takes about twice as long and a fraction of the memory.   Requires: all of a matrix in one form.
  void insert(std::size_t diagonal, NttPoly poly);
  void insert(std::size_t diagonal, CompactPoly poly);

  /// The rotations that keys are needed for.
  std::vector<std::int64_t> rotations() const;

  /// P times M x, over Q and P. Divisions preserve the phase modulo t.
  /// Errors: kInvalidArgument for missing keys, or a ciphertext that isn't of degree 1.
  base::Result<Parts> apply(const Parts& a, const GaloisKeys& keys, std::uint64_t t) const;

 private:
  explicit DiagonalMatrix(std::size_t baby_steps) : baby_steps_(baby_steps) {}
  static base::Error wrong_size(std::size_t slots);

  std::size_t baby_steps_;
  std::map<std::size_t, std::map<std::size_t, std::variant<NttPoly, CompactPoly>>> giants_;  // by giant step, then baby step
};

/// Of this number, with an entry for each of the N slots.
using MakeDiagonal = std::function<std::vector<std::int64_t>(std::size_t)>;

/// sum_g rotate(inner_g, g), where inner sums are P times those of the baby steps, over Q and P.   Requires: at least one.
/// Errors: kInvalidArgument for missing keys.
base::Result<Parts> join_giant_steps(std::map<std::size_t, Pair>&& inner, const GaloisKeys& keys, std::uint64_t t);

/// Diagonals of integers modulo t, in two rows of slots.
struct IntegerMatrix {
  DiagonalMatrix diagonals;
  double norm;  // sum of the polynomials' norms: how much the product with the matrix raises a deviation
};

/// `factor` times the diagonals, for ciphertexts of q_limbs limbs.
/// Errors: those of DiagonalMatrix::create and of the encoder.
base::Result<IntegerMatrix> encode_matrix(const RingPtr& ring, std::size_t q_limbs, const SlotEncoder& encoder,
                                          const Diagonals<std::int64_t>& diagonals, std::uint64_t factor,
                                          std::size_t baby_steps);
/// The same where diagonals are made one after the other: each number once, `diagonal` may run on several threads.
base::Result<IntegerMatrix> encode_matrix(const RingPtr& ring, std::size_t q_limbs, const SlotEncoder& encoder,
                                          const std::vector<std::size_t>& numbers, const MakeDiagonal& diagonal,
                                          std::uint64_t factor, std::size_t baby_steps);

}  // namespace blindproof::fhe::rlwe
