// The discrete Fourier transform over Fr: polynomials of 2^k coefficients to their values at the powers of a 2^k-th root of unity, and back.
//
// Roots are those of the tools around Groth16: root(28) = 5^((r-1)/2^28), root(k) = root(k+1)^2.
// Bailey's four steps: columns, factors, rows, each within a core's cache, eight at a time in the lanes.
// Ref: Bailey, J. Supercomputing 4 (1990).
#pragma once

#include <cstddef>
#include <vector>

#include "blindproof/base/result.h"
#include "blindproof/field/fr_vector.h"

namespace blindproof::poly {

class FrFft {
 public:
  static constexpr int kMaxLogSize = 28;

  /// Errors: kInvalidArgument unless 0 <= log_size <= 28.
  static base::Result<FrFft> create(int log_size);
  /// A primitive 2^log_size-th root of unity.   Requires: 0 <= log_size <= 28.
  static field::Fr root(int log_size);

  std::size_t size() const noexcept { return std::size_t{1} << log_size_; }

  // On all threads; twice the vector's memory while they run.   Requires: a.size() == size().
  /// a_i becomes sum_j a_j w^(ij), w = root(log_size).
  void forward(field::FrVector& a) const;
  /// The inverse of forward().
  void inverse(field::FrVector& a) const;

 private:
  // For one direction: the powers that transforms of rows and columns multiply by, and w, and what all values are multiplied by.
  struct Direction {
    field::FrVector row_roots, column_roots;
    field::Fr root, factor;
  };

  explicit FrFft(int log_size);
  void run(const Direction& direction, field::FrVector& a) const;

  int log_size_;
  Direction forward_, inverse_;
};

/// a_i *= base^i.
void multiply_by_powers(field::FrVector& a, const field::Fr& base);
/// a_i = a_i b_i - c_i: of Groth16's quotient.   Requires: equal sizes.
void multiply_subtract(field::FrVector& a, const field::FrVector& b, const field::FrVector& c);

}  // namespace blindproof::poly
