// Polynomials in place of functions that ciphertexts can't compute.
#pragma once

#include <functional>
#include <vector>

#include "blindproof/fhe/ckks/polynomial.h"

namespace blindproof::compiler {

/// The polynomial of that degree on [-1, 1], in the Chebyshev basis, that is nearest to `function` in the mean of squares, values near 0 counting more:
/// what networks feed to their activations is mostly far from the ends of its range.   Requires: degree >= 1.
fhe::ckks::Polynomial fit(const std::function<double(double)>& function, std::size_t degree);

/// The odd polynomial of that degree whose largest distance from 1 on [low, 1] is least (so it is from the sign on [-1, -low] too), in the Chebyshev
/// basis, and that distance; or how far it exceeds 1 on [0, low], if that is more.   Requires: 0 < low < 1, odd degree.
/// Ref: Remez 1934.
struct OddMinimax {
  fhe::ckks::Polynomial polynomial;
  double error;
};
OddMinimax minimax_sign(double low, std::size_t degree);

/// Polynomials that, one after the other, come within 2^-bits of the sign of all x with 2^-bits <= |x| <= 1: those with the least depth, and among them the
/// fewest products. Values in between stay within [-1, 1].   Requires: 1 <= bits <= kMaxSignBits.
/// Ref: Lee-Lee-No-Kim, ePrint 2020/834 (minimax composite polynomials).
inline constexpr int kMaxSignBits = 16;
std::vector<fhe::ckks::Polynomial> composite_sign(int bits);

/// Largest difference on [-1, 1].
double largest_error(const fhe::ckks::Polynomial& polynomial, const std::function<double(double)>& function);

}  // namespace blindproof::compiler
