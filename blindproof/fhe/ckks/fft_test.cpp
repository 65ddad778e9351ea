#include "blindproof/fhe/ckks/fft.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <random>

namespace blindproof::fhe::ckks {
namespace {

using Complex = std::complex<double>;

std::vector<double> random_coefficients(std::size_t count, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::vector<double> result(count);
  for (double& c : result) c = uniform(random);
  return result;
}

TEST(Embedding, SlotsAreTheValuesAtPowersOfFive) {
  for (const int log_degree : {6, 7, 9}) {
    const std::size_t degree = std::size_t{1} << log_degree, slots = degree / 2;
    const Embedding embedding(log_degree);
    const std::vector<double> m = random_coefficients(degree, 1);
    std::vector<Complex> values(slots);
    embedding.to_slots(m, values);
    std::size_t power = 1;
    for (std::size_t j = 0; j < slots; ++j, power = power * 5 % (2 * degree)) {
      Complex expected = 0;
      for (std::size_t t = 0; t < degree; ++t) {
        const double angle = std::numbers::pi * static_cast<double>(power * t % (2 * degree)) / static_cast<double>(degree);
        expected += m[t] * Complex(std::cos(angle), std::sin(angle));
      }
      EXPECT_LT(std::abs(values[j] - expected), 1e-10) << "slot " << j;
    }
  }
}

TEST(Embedding, CoefficientsComeBack) {
  for (int log_degree = 6; log_degree <= 16; ++log_degree) {
    const std::size_t degree = std::size_t{1} << log_degree;
    const Embedding embedding(log_degree);
    const std::vector<double> m = random_coefficients(degree, 2);
    std::vector<Complex> values(degree / 2);
    std::vector<double> back(degree);
    embedding.to_slots(m, values);
    embedding.to_coefficients(values, back);
    for (std::size_t t = 0; t < degree; ++t) ASSERT_NEAR(back[t], m[t], 1e-11) << "degree " << degree;
  }
}

TEST(Embedding, ConstantsAreConstantPolynomials) {
  const Embedding embedding(8);
  const std::vector<Complex> values(128, Complex(2.5, 0));
  std::vector<double> m(256);
  embedding.to_coefficients(values, m);
  EXPECT_NEAR(m[0], 2.5, 1e-14);
  for (std::size_t t = 1; t < m.size(); ++t) EXPECT_NEAR(m[t], 0, 1e-14);
}

}  // namespace
}  // namespace blindproof::fhe::ckks
