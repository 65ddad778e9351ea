#include "blindproof/compiler/lower_fhe/approximation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
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

OddMinimax minimax_sign(double low, std::size_t degree) {
  using Real = long double;
  constexpr std::size_t kGrid = 4000;
  constexpr int kMaxRounds = 60;
  const std::size_t unknowns = (degree + 1) / 2;  // T_1, T_3, .., and the distance besides
  // Dense where the polynomial turns fastest: at the lower end.
  std::vector<Real> grid(kGrid + 1);
  for (std::size_t i = 0; i <= kGrid; ++i) {
    const Real t = (1 - std::cos(std::numbers::pi_v<Real> * static_cast<Real>(i) / kGrid)) / 2;
    grid[i] = static_cast<Real>(low) * std::pow(1 / static_cast<Real>(low), t);
  }
  const auto terms = [&](Real x) {
    std::vector<Real> result;
    Real before = 1, now = x;  // T_0, T_1
    for (std::size_t i = 1; i <= degree; ++i) {
      if (i % 2 == 1) result.push_back(now);
      const Real next = 2 * x * now - before;
      before = now;
      now = next;
    }
    return result;
  };
  std::vector<Real> points(unknowns + 1);
  for (std::size_t i = 0; i <= unknowns; ++i) {
    const Real angle = std::numbers::pi_v<Real> * static_cast<Real>(i) / static_cast<Real>(unknowns), center = (1 + static_cast<Real>(low)) / 2;
    points[i] = center - (1 - center) * std::cos(angle);
  }
  std::vector<Real> solution;
  for (int round = 0; round < kMaxRounds; ++round) {
    // p(x_i) + (-1)^i e = 1
    std::vector<std::vector<Real>> rows;
    for (std::size_t i = 0; i <= unknowns; ++i) {
      rows.push_back(terms(points[i]));
      rows.back().push_back(i % 2 == 0 ? 1 : -1);
      rows.back().push_back(1);
    }
    for (std::size_t i = 0; i <= unknowns; ++i) {
      std::size_t pivot = i;
      for (std::size_t j = i + 1; j <= unknowns; ++j) {
        if (std::abs(rows[j][i]) > std::abs(rows[pivot][i])) pivot = j;
      }
      std::swap(rows[i], rows[pivot]);
      for (std::size_t j = 0; j <= unknowns; ++j) {
        if (j == i) continue;
        const Real factor = rows[j][i] / rows[i][i];
        for (std::size_t k = i; k <= unknowns + 1; ++k) rows[j][k] -= factor * rows[i][k];
      }
    }
    solution.resize(unknowns + 1);
    for (std::size_t i = 0; i <= unknowns; ++i) solution[i] = rows[i][unknowns + 1] / rows[i][i];
    // The extrema, one for each run of equal signs; where there are too many, the smaller of the ends' go.
    std::vector<Real> extrema, sizes;
    for (const Real x : grid) {
      const std::vector<Real> t = terms(x);
      Real difference = -1;
      for (std::size_t k = 0; k < unknowns; ++k) difference += solution[k] * t[k];
      if (extrema.empty() || (difference > 0) != (sizes.back() > 0)) {
        extrema.push_back(x);
        sizes.push_back(difference);
      } else if (std::abs(difference) > std::abs(sizes.back())) {
        extrema.back() = x;
        sizes.back() = difference;
      }
    }
    while (extrema.size() > unknowns + 1) {
      const bool front = std::abs(sizes.front()) < std::abs(sizes.back());
      extrema.erase(front ? extrema.begin() : extrema.end() - 1);
      sizes.erase(front ? sizes.begin() : sizes.end() - 1);
    }
    if (extrema.size() < unknowns + 1) break;  // as near as these numbers tell
    points = extrema;
    Real largest = 0;
    for (const Real size : sizes) largest = std::max(largest, std::abs(size));
    if (largest <= std::abs(solution[unknowns]) * (1 + 1e-9L)) break;
  }
  OddMinimax result;
  result.polynomial.basis = fhe::ckks::PolynomialBasis::kChebyshev;
  result.polynomial.coefficients.resize(degree + 1);
  for (std::size_t k = 0; k < unknowns; ++k) result.polynomial.coefficients[2 * k + 1] = static_cast<double>(solution[k]);
  result.error = 0;
  for (const Real x : grid) {
    result.error = std::max(result.error, std::abs(fhe::ckks::evaluate(result.polynomial, static_cast<double>(x)) - 1));
  }
  for (std::size_t i = 0; i < kGrid; ++i) {  // where rounding spoils the exchange, it shows here too
    const double x = low * static_cast<double>(i) / kGrid;
    result.error = std::max(result.error, std::abs(fhe::ckks::evaluate(result.polynomial, x)) - 1);
  }
  return result;
}

std::vector<fhe::ckks::Polynomial> composite_sign(int bits) {
  constexpr std::array<std::size_t, 4> kDegrees = {3, 7, 15, 31};
  constexpr std::size_t kMaxStages = 5;
  const double target = std::ldexp(1.0, -bits);
  struct Best {
    int depth = std::numeric_limits<int>::max();
    std::size_t degrees = 0;  // their sum
    std::vector<fhe::ckks::Polynomial> stages;
  } best;
  const std::function<void(double, int, std::size_t, std::vector<fhe::ckks::Polynomial>&)> extend =
      [&](double low, int depth, std::size_t degrees, std::vector<fhe::ckks::Polynomial>& stages) {
        if (stages.size() == kMaxStages) return;
        for (const std::size_t degree : kDegrees) {
          if (!stages.empty() && degree < stages.back().coefficients.size() - 1) continue;  // steeper ones come last
          OddMinimax next = minimax_sign(low, degree);
          const int total = depth + fhe::ckks::depth(next.polynomial);
          if (total > best.depth || (total == best.depth && degrees + degree >= best.degrees)) continue;
          if (!(next.error < 1)) continue;
          const bool enough = next.error * 1.0001 <= target;
          const double error = next.error * 1.0001, reach = 1 + error;  // back to [-1, 1]; between the points that it was measured at it is a little larger
          if (!enough) {
            for (double& c : next.polynomial.coefficients) c /= reach;
          }
          stages.push_back(std::move(next.polynomial));
          if (enough) {
            best = {total, degrees + degree, stages};
          } else {
            extend((1 - error) / reach, total, degrees + degree, stages);
          }
          stages.pop_back();
        }
      };
  std::vector<fhe::ckks::Polynomial> stages;
  extend(target, 0, 0, stages);
  return best.stages;
}

double largest_error(const fhe::ckks::Polynomial& polynomial, const std::function<double(double)>& function) {
  double largest = 0;
  for (std::size_t i = 0; i < kNodes; ++i) {
    largest = std::max(largest, std::abs(fhe::ckks::evaluate(polynomial, node(i)) - function(node(i))));
  }
  return largest;
}

}  // namespace blindproof::compiler
