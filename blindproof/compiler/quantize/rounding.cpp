#include "blindproof/compiler/quantize/rounding.h"

#include <algorithm>
#include <cmath>

#include "blindproof/model/integer_graph.h"

namespace blindproof::compiler {
namespace {

Ratio reduced(Ratio ratio) {
  while (ratio.shift > 0 && ratio.factor % 2 == 0) ratio = {ratio.factor / 2, ratio.shift - 1};
  return ratio;
}

// The shift that brings x into [4, 8), or 0 if x is above; at most the limit.
std::uint32_t coarse_shift(double x) {
  int exponent = 0;
  std::frexp(x, &exponent);  // x = f * 2^exponent, 1/2 <= f < 1
  return static_cast<std::uint32_t>(std::clamp(3 - exponent, 0, static_cast<int>(model::kMaxShift)));
}

}  // namespace

double power_of_two_at_least(double x) {
  int exponent = 0;
  const double fraction = std::frexp(x, &exponent);
  return std::ldexp(1.0, fraction == 0.5 ? exponent - 1 : exponent);
}

double coarse_at_least(double x) {
  int exponent = 0;
  const double fraction = std::frexp(x, &exponent);
  return std::ldexp(std::ceil(fraction * 8), exponent - 3);
}

double two_digits_at_least(double x) {
  double unit = 1;
  while (x > 99 * unit) unit *= 10;
  while (x < 9.9 * unit) unit /= 10;
  const double digits = std::ceil(x / unit - 1e-9);
  return unit < 1 ? digits / std::round(1 / unit) : digits * unit;
}

double Ratio::value() const { return std::ldexp(static_cast<double>(factor), -static_cast<int>(shift)); }

Ratio ratio_at_least(double x) {
  const std::uint32_t shift = coarse_shift(x);
  return reduced(
      {std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(std::ldexp(x, static_cast<int>(shift))))), shift});
}

Ratio ratio_at_most_one(double x) {
  if (x >= 1) return {1, 0};
  const std::uint32_t shift = coarse_shift(x);
  return reduced(
      {std::max<std::int64_t>(1, static_cast<std::int64_t>(std::floor(std::ldexp(x, static_cast<int>(shift))))),
       shift});
}

FactorPair integer_factors(double ratio, int bits) {
  if (ratio < 1) {
    const FactorPair swapped = integer_factors(1 / ratio, bits);
    return {swapped.right, swapped.left};
  }
  constexpr double kLargest = 1 << 20;
  for (std::int64_t right = 1; right <= 64; ++right) {
    const double left = ratio * static_cast<double>(right), rounded = std::round(left);
    if (rounded > kLargest) break;
    if (std::fabs(left - rounded) <= 1e-9 * left) return {static_cast<std::int64_t>(rounded), right};
  }
  const double left = std::ldexp(1.0, bits);
  return {static_cast<std::int64_t>(left),
          std::max<std::int64_t>(1, static_cast<std::int64_t>(std::round(left / ratio)))};
}

}  // namespace blindproof::compiler
