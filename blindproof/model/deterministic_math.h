// exp, sigmoid, tanh and erf from additions, multiplications and divisions of IEEE doubles alone.
//
// A libm picks its kernels by the CPU and by its version, and its last bits change with them. Look-up tables that are
// part of a model's digest, and the float interpreter, must not: these functions give the same bits everywhere, within
// a few units in the last place of the true value.
#pragma once

namespace blindproof::model {

/// exp(x): 0 below about -745.1, infinity above about 709.8, NaN for NaN.
double deterministic_exp(double x) noexcept;
/// 1 / (1 + exp(-x)).
double deterministic_sigmoid(double x) noexcept;
double deterministic_tanh(double x) noexcept;
/// 2/sqrt(pi) times the integral of exp(-t^2) from 0 to x.
double deterministic_erf(double x) noexcept;

}  // namespace blindproof::model
