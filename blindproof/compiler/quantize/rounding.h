// Scales and the small numbers that stand for ratios of scales. Only operations that every CPU rounds alike.
#pragma once

#include <cstdint>

namespace blindproof::compiler {

/// The least power of two that is at least x.   Requires: x > 0, normal.
double power_of_two_at_least(double x);

/// The least g * 2^k that is at least x, with g from 4 to 7: a scale that tells less than three bits beyond its size.
double coarse_at_least(double x);

/// The least number of two significant decimal digits that is at least x.   Requires: x > 0.
double two_digits_at_least(double x);

/// factor / 2^shift
struct Ratio {
  std::int64_t factor;
  std::uint32_t shift;
  double value() const;
};

/// The least ratio >= x with a factor below 8, or, for x above 7, an integer.   Requires: x > 0.
Ratio ratio_at_least(double x);
/// The greatest such ratio <= x, at most 1.   Requires: x > 0.
Ratio ratio_at_most_one(double x);

/// Integers with factor[0] / factor[1] = ratio: exactly if two below 2^20 with one of them at most 64 do, else with
/// `bits` bits.
struct FactorPair {
  std::int64_t left, right;
};
FactorPair integer_factors(double ratio, int bits);

}  // namespace blindproof::compiler
