#include "blindproof/model/deterministic_math.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace blindproof::model {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kEpsilon = std::numeric_limits<double>::epsilon();

void expect_within_ulps(double got, double wanted, double ulps, double at) {
  EXPECT_NEAR(got, wanted, ulps * kEpsilon * std::fabs(wanted)) << "at " << at;
}

TEST(DeterministicMath, ExpIsWithinTwoUnitsOfTheLongDoubleOne) {
  for (double x = -708; x < 709.7; x += 0.0371) {
    expect_within_ulps(deterministic_exp(x), static_cast<double>(std::exp(static_cast<long double>(x))), 2, x);
  }
}

TEST(DeterministicMath, SigmoidAndTanhAreWithinFourUnits) {
  for (double x = -40; x < 40; x += 0.00713) {
    const long double e = std::exp(-static_cast<long double>(x));
    expect_within_ulps(deterministic_sigmoid(x), static_cast<double>(1 / (1 + e)), 4, x);
    expect_within_ulps(deterministic_tanh(x), static_cast<double>(std::tanh(static_cast<long double>(x))), 4, x);
  }
  for (double x : {1e-300, 1e-20, 1e-8, 1e-3, 0.49999, 0.5}) {
    expect_within_ulps(deterministic_tanh(x), static_cast<double>(std::tanh(static_cast<long double>(x))), 4, x);
    EXPECT_EQ(deterministic_tanh(-x), -deterministic_tanh(x));
  }
}

TEST(DeterministicMath, ErfIsWithinEightUnits) {
  for (double x = -7; x < 7; x += 0.00313) {
    expect_within_ulps(deterministic_erf(x), static_cast<double>(std::erf(static_cast<long double>(x))), 8, x);
  }
  for (double x : {1e-300, 1e-20, 1e-8, 1e-3, 2.4999999, 2.5, 5.9999999, 6.0}) {
    expect_within_ulps(deterministic_erf(x), static_cast<double>(std::erf(static_cast<long double>(x))), 8, x);
    EXPECT_EQ(deterministic_erf(-x), -deterministic_erf(x));
  }
}

TEST(DeterministicMath, EdgesSaturate) {
  EXPECT_EQ(deterministic_exp(0), 1);
  EXPECT_EQ(deterministic_exp(-kInfinity), 0);
  EXPECT_EQ(deterministic_exp(-746), 0);
  EXPECT_GT(deterministic_exp(-744), 0);  // subnormal
  EXPECT_EQ(deterministic_exp(kInfinity), kInfinity);
  EXPECT_EQ(deterministic_exp(710), kInfinity);
  EXPECT_LT(deterministic_exp(709.7), kInfinity);
  EXPECT_TRUE(std::isnan(deterministic_exp(std::numeric_limits<double>::quiet_NaN())));
  EXPECT_EQ(deterministic_sigmoid(kInfinity), 1);
  EXPECT_EQ(deterministic_sigmoid(-kInfinity), 0);
  EXPECT_EQ(deterministic_sigmoid(0), 0.5);
  EXPECT_EQ(deterministic_tanh(kInfinity), 1);
  EXPECT_EQ(deterministic_tanh(-kInfinity), -1);
  EXPECT_EQ(deterministic_tanh(0), 0);
  EXPECT_EQ(deterministic_erf(kInfinity), 1);
  EXPECT_EQ(deterministic_erf(-kInfinity), -1);
  EXPECT_EQ(deterministic_erf(0), 0);
  EXPECT_TRUE(std::isnan(deterministic_erf(std::numeric_limits<double>::quiet_NaN())));
}

}  // namespace
}  // namespace blindproof::model
