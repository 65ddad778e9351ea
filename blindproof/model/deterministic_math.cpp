#include "blindproof/model/deterministic_math.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <limits>

namespace blindproof::model {
namespace {

// 2^n for -1022 <= n <= 1023.
double power_of_two(int n) { return std::bit_cast<double>(static_cast<std::uint64_t>(n + 1023) << 52); }

}  // namespace

double deterministic_exp(double x) noexcept {
  if (std::isnan(x)) return x;
  if (x > 709.8) return std::numeric_limits<double>::infinity();
  if (x < -745.2) return 0;
  // x = n*ln2 + r, |r| <= ln2/2. The high part of ln2 has 32 bits, so n*high is exact.
  constexpr double kLog2E = 1.4426950408889634074;
  constexpr double kLn2High = 6.93147180369123816490e-01;
  constexpr double kLn2Low = 1.90821492927058770002e-10;
  const double n = std::floor(x * kLog2E + 0.5);
  const double r = (x - n * kLn2High) - n * kLn2Low;
  // Taylor series to r^13: the next term is below 2^-57.
  double sum = 1.0 / 6227020800.0;
  for (double inverse_factorial : {1.0 / 479001600.0, 1.0 / 39916800.0, 1.0 / 3628800.0, 1.0 / 362880.0, 1.0 / 40320.0,
                                   1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0}) {
    sum = sum * r + inverse_factorial;
  }
  // In two steps: n may be 1024, or so small that the result is subnormal.
  const int half = static_cast<int>(n) / 2;
  return sum * power_of_two(half) * power_of_two(static_cast<int>(n) - half);
}

double deterministic_sigmoid(double x) noexcept {
  if (x >= 0) return 1 / (1 + deterministic_exp(-x));
  const double e = deterministic_exp(x);
  return e / (1 + e);
}

double deterministic_tanh(double x) noexcept {
  const double magnitude = std::fabs(x);
  if (magnitude < 0.5) {
    // Lambert's continued fraction x/(1 + x^2/(3 + x^2/(5 + ...))): no cancellation near 0.
    const double square = x * x;
    double tail = 19;
    for (double odd : {17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0}) tail = odd + square / tail;
    return x / tail;
  }
  const double value = 1 - 2 / (deterministic_exp(2 * magnitude) + 1);
  return x < 0 ? -value : value;
}

double deterministic_erf(double x) noexcept {
  constexpr double kTwoOverRootPi = 1.1283791670955125739;
  const double magnitude = std::fabs(x), square = x * x;
  if (!(magnitude < 6)) return std::isnan(x) ? x : x < 0 ? -1 : 1;  // 1 - erf(6) < 2^-55
  if (magnitude < 2.5) {
    // 2/sqrt(pi) exp(-x^2) sum_n 2^n x^(2n+1) / (1 3 5 .. (2n+1)): all terms of one sign.   Ref: Abramowitz, Stegun, 7.1.6.
    double term = x, sum = x;
    for (int odd = 3; odd < 130; odd += 2) {
      term *= 2 * square / odd;
      sum += term;
    }
    return kTwoOverRootPi * deterministic_exp(-square) * sum;
  }
  // The complement by its continued fraction, exp(-x^2)/sqrt(pi) / (x + 1/2/(x + 1/(x + 3/2/(x + ...)))).   Ref: 7.1.14.
  double tail = magnitude;
  for (int k = 60; k > 0; --k) tail = magnitude + 0.5 * k / tail;
  const double value = 1 - 0.5 * kTwoOverRootPi * deterministic_exp(-square) / tail;
  return x < 0 ? -value : value;
}

}  // namespace blindproof::model
