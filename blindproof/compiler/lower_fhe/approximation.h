// Polynomials in place of functions that ciphertexts can't compute.
#pragma once

#include <functional>

#include "blindproof/fhe/ckks/polynomial.h"

namespace blindproof::compiler {

/// The polynomial of that degree on [-1, 1], in the Chebyshev basis, that is nearest to `function` in the mean of squares, values near 0 counting more:
/// what networks feed to their activations is mostly far from the ends of its range.   Requires: degree >= 1.
fhe::ckks::Polynomial fit(const std::function<double(double)>& function, std::size_t degree);

/// Largest difference on [-1, 1].
double largest_error(const fhe::ckks::Polynomial& polynomial, const std::function<double(double)>& function);

}  // namespace blindproof::compiler
