#include "blindproof/compiler/lower_fhe/approximation.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace blindproof::compiler {
namespace {

constexpr std::size_t kNodes = 1024;
constexpr double kSpread = 0.4;      // of the bell-shaped weight
constexpr double kFloor = 0.02;      // weight that every point has

std::vector<double> chebyshev(double x, std::size_t degree) {
  std::vector<double> t(degree + 1, 1);
  if (degree > 0) t[1] = x;
  for (std::size_t i = 2; i <= degree; ++i) t[i] = 2 * x * t[i - 1] - t[i - 2];
  return t;
}

// Cholesky: the matrix of scalar products is positive definite.
std::vector<double> solve(std::vector<std::vector<double>> a, std::vector<double> b) {
  const std::size_t n = b.size();
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = a[i][j];
      for (std::size_t k = 0; k < j; ++k) sum -= a[i][k] * a[j][k];
      a[i][j] = i == j ? std::sqrt(sum) : sum / a[j][j];
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < i; ++k) b[i] -= a[i][k] * b[k];
    b[i] /= a[i][i];
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t k = i + 1; k < n; ++k) b[i] -= a[k][i] * b[k];
    b[i] /= a[i][i];
  }
  return b;
}

double node(std::size_t i) { return std::cos(std::numbers::pi * (static_cast<double>(i) + 0.5) / static_cast<double>(kNodes)); }

}  // namespace

fhe::ckks::Polynomial fit(const std::function<double(double)>& function, std::size_t degree) {
  std::vector<std::vector<double>> products(degree + 1, std::vector<double>(degree + 1));
  std::vector<double> right(degree + 1);
  for (std::size_t i = 0; i < kNodes; ++i) {
    const double x = node(i);
    const double weight = kFloor + std::exp(-x * x / (2 * kSpread * kSpread));
    const std::vector<double> t = chebyshev(x, degree);
    for (std::size_t a = 0; a <= degree; ++a) {
      for (std::size_t b = 0; b <= a; ++b) products[a][b] += weight * t[a] * t[b];
      right[a] += weight * t[a] * function(x);
    }
  }
  fhe::ckks::Polynomial result;
  result.coefficients = solve(std::move(products), std::move(right));
  result.basis = fhe::ckks::PolynomialBasis::kChebyshev;
  return result;
}

double largest_error(const fhe::ckks::Polynomial& polynomial, const std::function<double(double)>& function) {
  double largest = 0;
  for (std::size_t i = 0; i < kNodes; ++i) {
    largest = std::max(largest, std::abs(fhe::ckks::evaluate(polynomial, node(i)) - function(node(i))));
  }
  return largest;
}

}  // namespace blindproof::compiler
