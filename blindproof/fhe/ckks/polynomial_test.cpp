#include "blindproof/fhe/ckks/polynomial.h"

#include "blindproof/fhe/ckks/fixture_test_support.h"

namespace blindproof::fhe::ckks {
namespace {

Slots real_slots(std::size_t count, double low, double high, std::mt19937_64& random) {
  std::uniform_real_distribution<double> uniform(low, high);
  Slots result(count);
  for (Complex& z : result) z = uniform(random);
  return result;
}

TEST(Interpolation, ApproximatesSmoothFunctions) {
  const auto sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
  const Polynomial p = chebyshev_interpolation(sigmoid, -8, 8, 31);
  for (double x = -8; x <= 8; x += 0.01) EXPECT_NEAR(evaluate(p, x), sigmoid(x), 1e-5);
  const Polynomial q = chebyshev_interpolation([](double x) { return 3 * x * x * x - x + 2; }, 1, 4, 3);
  for (double x = 1; x <= 4; x += 0.1) EXPECT_NEAR(evaluate(q, x), 3 * x * x * x - x + 2, 1e-10);
}

TEST(PolynomialEvaluation, MatchesPlainNumbersInBothBases) {
  const ContextPtr context = small_context(8, 9, 3);
  Fixture f(context, {});
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> uniform(-1, 1);
  for (const PolynomialBasis basis : {PolynomialBasis::kPowers, PolynomialBasis::kChebyshev}) {
    for (const std::size_t degree : {1u, 2u, 3u, 4u, 5u, 7u, 8u, 12u, 15u, 16u, 31u, 50u, 63u}) {
      Polynomial p{{}, basis, -1, 1};
      for (std::size_t i = 0; i <= degree; ++i) p.coefficients.push_back(uniform(random) / static_cast<double>(degree));
      const Slots x = real_slots(context->slots(), -1, 1, random);
      const auto y = evaluate(p, f.encrypted(x, context->top_level()), *f.relinearization);
      ASSERT_TRUE(y.ok()) << degree << ": " << y.error().message();
      EXPECT_EQ(context->top_level() - y->level(), depth(p)) << degree;
      EXPECT_EQ(y->scale(), context->scale(y->level()));
      Slots expected(x.size());
      for (std::size_t i = 0; i < x.size(); ++i) expected[i] = evaluate(p, x[i].real());
      const double measured = largest_difference(f.decrypted(*y), expected);
      EXPECT_LE(measured, y->error_bound()) << degree;
      EXPECT_LE(measured, 1e-4) << degree;
    }
  }
}

TEST(PolynomialEvaluation, OfASigmoidOnItsInterval) {
  const ContextPtr context = small_context(8, 8, 3);
  Fixture f(context, {});
  std::mt19937_64 random(2);
  const auto sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
  const Polynomial p = chebyshev_interpolation(sigmoid, -6, 10, 47);
  const Slots x = real_slots(context->slots(), -6, 10, random);
  const auto y = evaluate(p, f.encrypted(x, 8), *f.relinearization);
  ASSERT_TRUE(y.ok()) << y.error().message();
  Slots expected(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) expected[i] = sigmoid(x[i].real());
  EXPECT_LE(largest_difference(f.decrypted(*y), expected), 1e-5);
  EXPECT_EQ(8 - y->level(), depth(p));
}

TEST(PolynomialEvaluation, CoefficientsBelowTheScaleAreLeftOut) {
  const ContextPtr context = small_context(8, 6, 3);
  Fixture f(context, {});
  std::mt19937_64 random(4);
  const Slots x = real_slots(context->slots(), -1, 1, random);
  const Ciphertext a = f.encrypted(x, 6);
  for (const std::size_t degree : {5u, 7u, 9u, 13u}) {  // an even function: every other coefficient is noise
    const Polynomial p = chebyshev_interpolation([](double v) { return std::cos(2 * v); }, -1, 1, degree);
    const auto y = evaluate(p, a, *f.relinearization);
    ASSERT_TRUE(y.ok()) << degree << ": " << y.error().message();
    Slots expected(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) expected[i] = evaluate(p, x[i].real());
    EXPECT_LE(largest_difference(f.decrypted(*y), expected), 1e-6) << degree;
  }
  EXPECT_FALSE(evaluate({{1, 1e-15, 1e-15}}, a, *f.relinearization).ok());
}

TEST(PolynomialEvaluation, SaysWhatDoesNotFit) {
  Fixture f(small_context(8, 2), {});
  std::mt19937_64 random(3);
  const Ciphertext a = f.encrypted(real_slots(f.context->slots(), -1, 1, random), 2);
  const auto detail = [](const auto& result) { return result.ok() ? std::string() : result.error().detail; };
  EXPECT_NE(detail(evaluate({{1}}, a, *f.relinearization)).find("degree 0"), std::string::npos);
  EXPECT_NE(detail(evaluate({{1, 0, 0}}, a, *f.relinearization)).find("degree 0"), std::string::npos);
  EXPECT_NE(detail(evaluate({{1, NAN}}, a, *f.relinearization)).find("finite"), std::string::npos);
  EXPECT_NE(detail(evaluate({std::vector<double>(8, 1.0)}, a, *f.relinearization)).find("4 levels"), std::string::npos);
  EXPECT_NE(detail(evaluate({{1, 2}}, *multiply(a, 1.0), *f.relinearization)).find("rescale it first"), std::string::npos);
  EXPECT_NE(detail(evaluate({{1, 2}, PolynomialBasis::kChebyshev, 1, 1}, a, *f.relinearization)).find("interval"), std::string::npos);
}

}  // namespace
}  // namespace blindproof::fhe::ckks
