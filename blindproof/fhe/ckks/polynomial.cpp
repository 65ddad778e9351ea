#include "blindproof/fhe/ckks/polynomial.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <numbers>
#include <optional>
#include <string>

#include "blindproof/fhe/ckks/encoder.h"

namespace blindproof::fhe::ckks {
namespace {

base::Error invalid(std::string detail) {
  return base::error(base::ErrorCode::kInvalidArgument, "polynomial", std::move(detail));
}

// Without what is below `least` in size: such coefficients round to nothing at the level's scale.
std::vector<double> trimmed(std::vector<double> coefficients, double least = 0) {
  for (std::size_t i = 1; i < coefficients.size(); ++i) {
    if (std::abs(coefficients[i]) < least) coefficients[i] = 0;
  }
  while (coefficients.size() > 1 && coefficients.back() == 0) coefficients.pop_back();
  return coefficients;
}

bool changes_interval(const Polynomial& p) { return p.basis == PolynomialBasis::kChebyshev && (p.low != -1 || p.high != 1); }

// p = q B_m + r, degree of r below m.   Requires: m <= degree of p < 2m.
struct Split {
  std::vector<double> q, r;
};
Split split(const std::vector<double>& p, std::size_t m, PolynomialBasis basis, double least = 0) {
  Split result{{p.begin() + static_cast<std::ptrdiff_t>(m), p.end()}, {p.begin(), p.begin() + static_cast<std::ptrdiff_t>(m)}};
  if (basis == PolynomialBasis::kChebyshev) {
    // T_i T_m = (T_{m+i} + T_{m-i}) / 2.
    for (std::size_t i = 1; i < result.q.size(); ++i) {
      result.r[m - i] -= result.q[i];
      result.q[i] *= 2;
    }
  }
  return {trimmed(std::move(result.q), least), trimmed(std::move(result.r), least)};
}

// About sqrt(d) baby steps.
std::size_t baby_steps(std::size_t degree) { return std::size_t{1} << std::max(1, (static_cast<int>(std::bit_width(degree)) + 1) / 2); }

int power_depth(std::size_t i) { return static_cast<int>(std::bit_width(i - 1)); }

// Levels that Evaluation::run takes from those of x.
int run_depth(const std::vector<double>& p, std::size_t baby, PolynomialBasis basis) {
  const std::size_t degree = p.size() - 1;
  if (degree < baby) return power_depth(degree) + 1;
  const std::size_t m = std::bit_floor(degree);
  const Split halves = split(p, m, basis);
  int result = power_depth(m);
  if (halves.q.size() > 1) result = std::max(result, run_depth(halves.q, baby, basis));
  if (++result; halves.r.size() > 1) result = std::max(result, run_depth(halves.r, baby, basis));
  return result;
}

// Above half a unit of every level's scale, which is within 2^-9 of 2^scale_bits.
double least_coefficient(const Ciphertext& x) { return std::ldexp(0.51, -x.context()->parameters().scale_bits); }

class Evaluation {
 public:
  Evaluation(const Ciphertext& x, PolynomialBasis basis, const rlwe::KeySwitchKey& key)
      : encoder_(x.context()), basis_(basis), key_(key) {
    powers_.emplace(1, x);
  }

  /// Powers (or Chebyshev polynomials) below `baby`, which is a power of two, and those of two from there up to `degree`.
  base::Status prepare(std::size_t baby, std::size_t degree) {
    baby_ = baby;
    for (std::size_t i = 2; i < baby; ++i) BLINDPROOF_TRY(make(i));
    for (std::size_t i = baby; i <= degree; i *= 2) BLINDPROOF_TRY(make(i));
    return {};
  }

  Outcome run(const std::vector<double>& p) {
    const std::size_t degree = p.size() - 1;
    if (degree < baby_) return combination(p);
    const std::size_t m = std::bit_floor(degree);
    const Split halves = split(p, m, basis_, least_coefficient(powers_.at(1)));
    const Ciphertext& power = powers_.at(m);
    std::optional<Ciphertext> product;
    if (halves.q.size() == 1) {
      BLINDPROOF_ASSIGN(const Ciphertext scaled, multiply(power, halves.q[0]));
      BLINDPROOF_ASSIGN(product, rescale(scaled));
    } else {
      BLINDPROOF_ASSIGN(const Ciphertext q, run(halves.q));
      const int level = std::min(q.level(), power.level());
      BLINDPROOF_ASSIGN(const Ciphertext a, lower_to(q, level));
      BLINDPROOF_ASSIGN(const Ciphertext b, lower_to(power, level));
      BLINDPROOF_ASSIGN(product, multiply(a, b, key_));
    }
    if (halves.r.size() == 1) return add_constant(*product, halves.r[0]);
    BLINDPROOF_ASSIGN(const Ciphertext r, run(halves.r));
    const int level = std::min(r.level(), product->level());
    BLINDPROOF_ASSIGN(const Ciphertext a, lower_to(*product, level));
    BLINDPROOF_ASSIGN(const Ciphertext b, lower_to(r, level));
    return add(a, b);
  }

 private:
  Outcome add_constant(const Ciphertext& a, double constant) {
    if (constant == 0) return a;
    const std::vector<double> slots(a.context()->slots(), constant);
    BLINDPROOF_ASSIGN(const Plaintext plaintext, encoder_.encode(slots, a.level(), a.scale()));
    return add(a, plaintext);
  }

  // Sum of multiples of baby steps, all at the level of the lowest of them.
  Outcome combination(const std::vector<double>& p) {
    int level = powers_.at(1).level();
    for (std::size_t i = 1; i < p.size(); ++i) {
      if (p[i] != 0) level = std::min(level, powers_.at(i).level());
    }
    std::optional<Ciphertext> sum;
    for (std::size_t i = 1; i < p.size(); ++i) {
      if (p[i] == 0) continue;
      BLINDPROOF_ASSIGN(const Ciphertext power, lower_to(powers_.at(i), level));
      BLINDPROOF_ASSIGN(const Ciphertext term, multiply(power, p[i]));
      if (sum) {
        BLINDPROOF_ASSIGN(sum, add(*sum, term));
      } else {
        sum = term;
      }
    }
    BLINDPROOF_CHECK(sum.has_value(), "the leading coefficient is not zero");
    BLINDPROOF_ASSIGN(const Ciphertext rescaled, rescale(*sum));
    return add_constant(rescaled, p[0]);
  }

  base::Status make(std::size_t i) {
    const std::size_t a = std::bit_ceil(i) / 2, b = i - a;
    const int level = std::min(powers_.at(a).level(), powers_.at(b).level());
    BLINDPROOF_ASSIGN(const Ciphertext x, lower_to(powers_.at(a), level));
    BLINDPROOF_ASSIGN(const Ciphertext y, lower_to(powers_.at(b), level));
    BLINDPROOF_ASSIGN(Ciphertext product, multiply(x, y, key_));
    if (basis_ == PolynomialBasis::kChebyshev) {
      // T_{a+b} = 2 T_a T_b - T_{a-b}.
      BLINDPROOF_ASSIGN(product, add(product, product));
      if (a == b) {
        BLINDPROOF_ASSIGN(product, add_constant(product, -1));
      } else {
        BLINDPROOF_ASSIGN(const Ciphertext difference, lower_to(powers_.at(a - b), product.level()));
        BLINDPROOF_ASSIGN(product, subtract(product, difference));
      }
      // Within the interval |T_i| is at most 1.
      const double magnitude = std::min(product.prediction().magnitude, std::max(1.0, powers_.at(1).prediction().magnitude));
      product = Ciphertext(product.context(), product.level(), product.scale(), product.parts(),
                           {magnitude, product.prediction().noise, product.prediction().joint});
    }
    powers_.emplace(i, std::move(product));
    return {};
  }

  Encoder encoder_;
  PolynomialBasis basis_;
  const rlwe::KeySwitchKey& key_;
  std::size_t baby_ = 2;
  std::map<std::size_t, Ciphertext> powers_;
};

}  // namespace

Polynomial chebyshev_interpolation(const std::function<double(double)>& function, double low, double high,
                                   std::size_t degree) {
  BLINDPROOF_CHECK(low < high, "an interval");
  const std::size_t n = degree + 1;
  std::vector<double> values(n);
  for (std::size_t k = 0; k < n; ++k) {
    const double node = std::cos(std::numbers::pi * (static_cast<double>(k) + 0.5) / static_cast<double>(n));
    values[k] = function((high - low) / 2 * node + (high + low) / 2);
  }
  Polynomial result{{}, PolynomialBasis::kChebyshev, low, high};
  for (std::size_t i = 0; i < n; ++i) {
    double sum = 0;
    for (std::size_t k = 0; k < n; ++k) {
      sum += values[k] * std::cos(std::numbers::pi * static_cast<double>(i) * (static_cast<double>(k) + 0.5) / static_cast<double>(n));
    }
    result.coefficients.push_back(sum * (i == 0 ? 1 : 2) / static_cast<double>(n));
  }
  return result;
}

double evaluate(const Polynomial& polynomial, double x) {
  if (polynomial.basis == PolynomialBasis::kPowers) {
    double result = 0;
    for (std::size_t i = polynomial.coefficients.size(); i-- > 0;) result = result * x + polynomial.coefficients[i];
    return result;
  }
  const double u = (2 * x - polynomial.low - polynomial.high) / (polynomial.high - polynomial.low);
  double next = 0, after = 0;  // Clenshaw
  for (std::size_t i = polynomial.coefficients.size(); i-- > 1;) {
    const double current = 2 * u * next - after + polynomial.coefficients[i];
    after = next;
    next = current;
  }
  return u * next - after + (polynomial.coefficients.empty() ? 0 : polynomial.coefficients[0]);
}

int depth(const Polynomial& polynomial) {
  const std::vector<double> coefficients = trimmed(polynomial.coefficients);
  if (coefficients.size() < 2) return 0;
  return run_depth(coefficients, baby_steps(coefficients.size() - 1), polynomial.basis) + (changes_interval(polynomial) ? 1 : 0);
}

Outcome evaluate(const Polynomial& polynomial, const Ciphertext& a, const rlwe::KeySwitchKey& relinearization) {
  const std::vector<double> coefficients = trimmed(polynomial.coefficients, least_coefficient(a));
  if (coefficients.size() < 2) return invalid("has degree 0 within the precision of the scale: its value doesn't depend on the ciphertext");
  if (!std::ranges::all_of(coefficients, [](double c) { return std::isfinite(c); })) return invalid("has coefficients that aren't finite");
  if (polynomial.basis == PolynomialBasis::kChebyshev && !(polynomial.low < polynomial.high)) return invalid("has an empty interval");
  if (a.level() < depth(polynomial)) {
    return invalid("takes " + std::to_string(depth(polynomial)) + " levels, the ciphertext has " + std::to_string(a.level()));
  }
  BLINDPROOF_ASSIGN(Ciphertext x, lower_to(a, a.level()));
  if (changes_interval(polynomial)) {
    const double width = polynomial.high - polynomial.low;
    BLINDPROOF_ASSIGN(const Ciphertext scaled, multiply(x, 2 / width));
    BLINDPROOF_ASSIGN(x, rescale(scaled));
    const std::vector<double> center(x.context()->slots(), (polynomial.low + polynomial.high) / width);
    if (center[0] != 0) {
      BLINDPROOF_ASSIGN(const Plaintext plaintext, Encoder(x.context()).encode(center, x.level(), x.scale()));
      BLINDPROOF_ASSIGN(x, subtract(x, plaintext));
    }
    x = Ciphertext(x.context(), x.level(), x.scale(), x.parts(), {1, x.prediction().noise, x.prediction().joint});
  }
  const std::size_t degree = coefficients.size() - 1;
  Evaluation evaluation(x, polynomial.basis, relinearization);
  BLINDPROOF_TRY(evaluation.prepare(baby_steps(degree), degree));
  return evaluation.run(coefficients);
}

}  // namespace blindproof::fhe::ckks
