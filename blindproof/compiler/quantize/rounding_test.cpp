#include "blindproof/compiler/quantize/rounding.h"

#include <gtest/gtest.h>

#include <cmath>

namespace blindproof::compiler {
namespace {

constexpr double kValues[] = {1e-12, 0.001,  0.0099, 0.0124999, 0.25, 0.3, 0.999, 1,    1.0001, 1.75, 1.76,
                              2,     2.8215, 3,      6.9,       7,    7.1, 99,    99.5, 1000,   1e9};

TEST(Rounding, UpwardsAndNotMuch) {
  for (double x : kValues) {
    EXPECT_GE(power_of_two_at_least(x), x);
    EXPECT_LT(power_of_two_at_least(x), 2 * x);
    EXPECT_GE(coarse_at_least(x), x);
    EXPECT_LE(coarse_at_least(x), 1.25 * x);
    EXPECT_GE(two_digits_at_least(x), x * (1 - 1e-9));
    EXPECT_LE(two_digits_at_least(x), 1.11 * x);
    EXPECT_GE(ratio_at_least(x).value(), x);
    EXPECT_LE(ratio_at_least(x).value(), x < 7 ? 1.25 * x : x + 1);
    EXPECT_EQ(power_of_two_at_least(power_of_two_at_least(x)), power_of_two_at_least(x));
    EXPECT_EQ(coarse_at_least(coarse_at_least(x)), coarse_at_least(x));
  }
  EXPECT_EQ(two_digits_at_least(1.0), 1.0);
  EXPECT_EQ(two_digits_at_least(255), 260);
}

TEST(Rounding, RatiosBelowOneRoundDown) {
  for (double x : kValues) {
    const Ratio ratio = ratio_at_most_one(x);
    EXPECT_LE(ratio.value(), std::min(x, 1.0));
    EXPECT_GE(ratio.value(), 0.8 * std::min(x, 1.0));
    EXPECT_LT(ratio.factor, 8);
  }
}

TEST(Rounding, SimpleRatiosOfScalesAreExact) {
  for (const auto& [left, right] : {std::pair{1, 1}, {3, 2}, {7, 64}, {5, 4096}, {1 << 20, 1}, {7, 5}}) {
    const FactorPair factors = integer_factors(static_cast<double>(left) / right, 12);
    EXPECT_EQ(factors.left * right, factors.right * left);
  }
  for (double ratio : {M_PI, 1 / M_PI, 123.456, 1e-3 * M_E}) {
    const FactorPair factors = integer_factors(ratio, 12);
    EXPECT_NEAR(static_cast<double>(factors.left) / static_cast<double>(factors.right), ratio, 0.02 * ratio);
  }
  const FactorPair extreme = integer_factors(1e9 * M_PI, 12);
  EXPECT_EQ(extreme.right, 1);
}

}  // namespace
}  // namespace blindproof::compiler
