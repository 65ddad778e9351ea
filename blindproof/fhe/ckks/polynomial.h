// Polynomials of encrypted slots.
//
// A polynomial of degree d in the Chebyshev basis on [low, high] (or in powers) is evaluated by baby steps and giant steps: with m a power
// of two, p = q T_m + r splits it in halves until degrees are below the number of baby steps (Paterson-Stockmeyer). That takes
// about 2 sqrt(d) products of ciphertexts and at most ceil(log2(d + 1)) + 1 levels, and one more for an interval other than [-1, 1].
//
// Ref: Paterson-Stockmeyer 1973; Chen-Chillotti-Song, ePrint 2018/1043 (in the Chebyshev basis).
#pragma once

#include <functional>
#include <vector>

#include "blindproof/fhe/ckks/evaluator.h"

namespace blindproof::fhe::ckks {

enum class PolynomialBasis { kPowers, kChebyshev };

struct Polynomial {
  std::vector<double> coefficients;  // of 1, x, x^2, .. or of T_0, T_1, T_2, ..
  PolynomialBasis basis = PolynomialBasis::kPowers;
  double low = -1, high = 1;         // interval of the Chebyshev basis; powers don't look at it
};

/// The polynomial of that degree through `function` at the Chebyshev nodes of [low, high].   Requires: low < high.
Polynomial chebyshev_interpolation(const std::function<double(double)>& function, double low, double high,
                                   std::size_t degree);

/// In plain numbers.
double evaluate(const Polynomial& polynomial, double x);

/// Levels that evaluate() takes, or less if coefficients are too small for the scale.
int depth(const Polynomial& polynomial);

/// Of every slot. In the Chebyshev basis slots must lie in the interval, and nobody checks: outside it the values grow without
/// bounds.
/// Errors: kInvalidArgument for degree 0, coefficients that aren't finite, or too few levels (the detail says how many);
/// kMismatch unless a has degree 1 and its level's scale.
Outcome evaluate(const Polynomial& polynomial, const Ciphertext& a, const rlwe::KeySwitchKey& relinearization);

}  // namespace blindproof::fhe::ckks
