#include "blindproof/curve/pairing.h"

#include <vector>

#include "blindproof/curve/tower.h"

namespace blindproof::curve {
namespace {

// The curve's parameter.
constexpr std::uint64_t kX = 0x44e992b44a6909f1;

// 6x + 2 by signed digits, the most significant first, without the leading 1.
constexpr std::array<int, 65> kLoop = [] {
  std::array<int, 66> digits{};
  base::Uint128 rest = static_cast<base::Uint128>(kX) * 6 + 2;
  for (int& digit : digits) {
    if ((rest & 1) != 0) {
      digit = (rest & 3) == 1 ? 1 : -1;
      rest = digit > 0 ? rest - 1 : rest + 1;
    }
    rest >>= 1;
  }
  std::array<int, 65> result{};
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = digits[64 - i];
  return result;
}();

// l0 + (l1 + l2 v) w at a point of G1 is l0 y + (l1 x + l2 v) w.
struct Line {
  Fq2 l0, l1, l2;
};

// A multiple of q in homogeneous coordinates (x/z, y/z), and the lines through it.
class Walk {
 public:
  explicit Walk(const G2Affine& q) : x_(q.x), y_(q.y), z_(Fq2::one()) {}

  Line double_step() {
    static const Fq half = Fq::from_u64(2).inverse();
    static const Fq2 three_b = Fq2{Fq::from_u64(9), Fq::one()}.inverse() * Fq::from_u64(9);
    const Fq2 a = x_ * y_ * half, b = y_.squared(), c = z_.squared(), e = three_b * c, f = e.doubled() + e, g = (b + f) * half;
    const Fq2 h = (y_ + z_).squared() - b - c, e_squared = e.squared(), x_squared = x_.squared();
    const Line line{-h, x_squared.doubled() + x_squared, e - b};
    x_ = a * (b - f);
    y_ = g.squared() - e_squared.doubled() - e_squared;
    z_ = b * h;
    return line;
  }

  // Requires: not plus or minus the multiple.
  Line add_step(const G2Affine& q) {
    const Fq2 theta = y_ - q.y * z_, lambda = x_ - q.x * z_, d = lambda.squared(), e = lambda * d, g = x_ * d;
    const Fq2 h = e + z_ * theta.squared() - g.doubled();
    const Line line{lambda, -theta, theta * q.x - lambda * q.y};
    x_ = lambda * h;
    y_ = theta * (g - h) - e * y_;
    z_ = z_ * e;
    return line;
  }

 private:
  Fq2 x_, y_, z_;
};

void multiply_by_line(Fq12& f, const Line& line, const G1Affine& p) { f = f.times_line(line.l0 * p.y, line.l1 * p.x, line.l2); }

Fq12 miller_loop(std::span<const PairingTerm> all) {
  std::vector<PairingTerm> terms;
  for (const PairingTerm& term : all) {
    if (!term.p.is_identity() && !term.q.is_identity()) terms.push_back(term);
  }
  std::vector<Walk> walks;
  for (const PairingTerm& term : terms) walks.emplace_back(term.q);
  Fq12 f = Fq12::one();
  for (std::size_t step = 0; step < kLoop.size(); ++step) {
    if (step > 0) f = f.squared();
    for (std::size_t i = 0; i < terms.size(); ++i) {
      multiply_by_line(f, walks[i].double_step(), terms[i].p);
      if (kLoop[step] != 0) multiply_by_line(f, walks[i].add_step(kLoop[step] > 0 ? terms[i].q : -terms[i].q), terms[i].p);
    }
  }
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const G2Affine q1 = frobenius(terms[i].q), q2 = frobenius(q1);
    multiply_by_line(f, walks[i].add_step(q1), terms[i].p);
    multiply_by_line(f, walks[i].add_step(-q2), terms[i].p);
  }
  return f;
}

// a^x.   Requires: a in the cyclotomic subgroup.
Fq12 power_x(const Fq12& a) {
  Fq12 result = a;
  for (int bit = 61; bit >= 0; --bit) {
    result = result.cyclotomic_squared();
    if ((kX >> bit & 1) != 0) result = result * a;
  }
  return result;
}

Fq12 final_power(const Fq12& f) {
  // f^((q^6 - 1)(q^2 + 1))
  const Fq12 first = f.conjugate() * f.inverse();
  const Fq12 r = first.frobenius().frobenius() * first;
  // The rest, up to the factor 2x (6x^2 + 3x + 1).
  const Fq12 y0 = power_x(r).conjugate(), y1 = y0.cyclotomic_squared(), y2 = y1.cyclotomic_squared(), y3 = y2 * y1;
  const Fq12 y4 = power_x(y3).conjugate(), y5 = y4.cyclotomic_squared(), y6 = power_x(y5).conjugate();
  const Fq12 y8 = y6.conjugate() * y4 * y3.conjugate(), y9 = y8 * y1;
  const Fq12 y11 = y8 * y4 * r;
  const Fq12 y13 = y9.frobenius() * y11;
  const Fq12 y14 = y8.frobenius().frobenius() * y13;
  const Fq12 y15 = r.conjugate() * y9;
  return y15.frobenius().frobenius().frobenius() * y14;
}

std::array<Fq2, 6> coefficients_of(const Fq12& a) { return {a.c0.c0, a.c0.c1, a.c0.c2, a.c1.c0, a.c1.c1, a.c1.c2}; }
Fq12 of_coefficients(const std::array<Fq2, 6>& a) { return {{a[0], a[1], a[2]}, {a[3], a[4], a[5]}}; }

Fq2 power(const Fq2& a, const field::Limbs& exponent) {
  Fq2 result = Fq2::one();
  for (std::size_t bit = 256; bit-- > 0;) {
    result = result.squared();
    if ((exponent[bit / 64] >> (bit % 64) & 1) != 0) result *= a;
  }
  return result;
}

}  // namespace

const std::array<Fq2, 6>& frobenius_factors() {
  static const std::array<Fq2, 6> factors = [] {
    constexpr field::Limbs kExponent = {0x34b017592414d4e1, 0xee9591c2e6bda1c2, 0xf40d60f3c0403964, 0x0810b7bdd032f006};  // (q - 1)/6
    const Fq2 base = power({Fq::from_u64(9), Fq::one()}, kExponent);
    std::array<Fq2, 6> result{Fq2::one()};
    for (std::size_t i = 1; i < result.size(); ++i) result[i] = result[i - 1] * base;
    return result;
  }();
  return factors;
}

Gt::Gt() : coefficients_(coefficients_of(Fq12::one())) {}

Gt operator*(const Gt& a, const Gt& b) {
  Gt result;
  result.coefficients_ = coefficients_of(of_coefficients(a.coefficients_) * of_coefficients(b.coefficients_));
  return result;
}

Gt Gt::power(const field::Fr& exponent) const {
  const field::Limbs bits = exponent.to_limbs();
  const Fq12 base = of_coefficients(coefficients_);
  Fq12 result = Fq12::one();
  for (std::size_t bit = 254; bit-- > 0;) {
    result = result.cyclotomic_squared();
    if ((bits[bit / 64] >> (bit % 64) & 1) != 0) result = result * base;
  }
  Gt value;
  value.coefficients_ = coefficients_of(result);
  return value;
}

Gt pairing_product(std::span<const PairingTerm> terms) {
  Gt result;
  result.coefficients_ = coefficients_of(final_power(miller_loop(terms)));
  return result;
}

}  // namespace blindproof::curve
