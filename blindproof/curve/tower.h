// Internal to this module: Fq6 = Fq2[v]/(v^3 - xi) and Fq12 = Fq6[w]/(w^2 - v) with xi = 9 + u, where pairings lie.
//
// Ref: Beuchat et al., ePrint 2010/354; Granger-Scott, ePrint 2009/565 (squares in the cyclotomic subgroup).
#pragma once

#include <array>

#include "blindproof/curve/fq2.h"

namespace blindproof::curve {

/// 9 + u times a.
inline Fq2 times_xi(const Fq2& a) {
  const Fq2 nine = a.doubled().doubled().doubled() + a;
  return {nine.c0 - a.c1, nine.c1 + a.c0};
}

/// xi^(i (q - 1)/6), 0 <= i < 6: what the Frobenius multiplies the coefficient of w^i by.
const std::array<Fq2, 6>& frobenius_factors();

/// c0 + c1 v + c2 v^2.
struct Fq6 {
  Fq2 c0, c1, c2;

  static Fq6 one() { return {Fq2::one(), {}, {}}; }

  friend bool operator==(const Fq6& a, const Fq6& b) { return a.c0 == b.c0 && a.c1 == b.c1 && a.c2 == b.c2; }
  friend Fq6 operator+(const Fq6& a, const Fq6& b) { return {a.c0 + b.c0, a.c1 + b.c1, a.c2 + b.c2}; }
  friend Fq6 operator-(const Fq6& a, const Fq6& b) { return {a.c0 - b.c0, a.c1 - b.c1, a.c2 - b.c2}; }
  Fq6 operator-() const { return {-c0, -c1, -c2}; }
  friend Fq6 operator*(const Fq6& a, const Fq6& b) {
    const Fq2 t0 = a.c0 * b.c0, t1 = a.c1 * b.c1, t2 = a.c2 * b.c2;
    return {t0 + times_xi((a.c1 + a.c2) * (b.c1 + b.c2) - t1 - t2), (a.c0 + a.c1) * (b.c0 + b.c1) - t0 - t1 + times_xi(t2),
            (a.c0 + a.c2) * (b.c0 + b.c2) - t0 - t2 + t1};
  }
  /// By b0 + b1 v.
  Fq6 times_sparse(const Fq2& b0, const Fq2& b1) const {
    const Fq2 t0 = c0 * b0, t1 = c1 * b1;
    return {t0 + times_xi((c1 + c2) * b1 - t1), (c0 + c1) * (b0 + b1) - t0 - t1, (c0 + c2) * b0 - t0 + t1};
  }
  Fq6 times_v() const { return {times_xi(c2), c0, c1}; }
  Fq6 inverse() const {
    const Fq2 t0 = c0.squared() - times_xi(c1 * c2), t1 = times_xi(c2.squared()) - c0 * c1, t2 = c1.squared() - c0 * c2;
    const Fq2 factor = (c0 * t0 + times_xi(c2 * t1 + c1 * t2)).inverse();
    return {t0 * factor, t1 * factor, t2 * factor};
  }
};

/// c0 + c1 w.
struct Fq12 {
  Fq6 c0, c1;

  static Fq12 one() { return {Fq6::one(), {}}; }

  friend bool operator==(const Fq12& a, const Fq12& b) { return a.c0 == b.c0 && a.c1 == b.c1; }
  friend Fq12 operator*(const Fq12& a, const Fq12& b) {
    const Fq6 t0 = a.c0 * b.c0, t1 = a.c1 * b.c1;
    return {t0 + t1.times_v(), (a.c0 + a.c1) * (b.c0 + b.c1) - t0 - t1};
  }
  Fq12 squared() const {
    const Fq6 t = c0 * c1;
    return {(c0 + c1) * (c0 + c1.times_v()) - t - t.times_v(), t + t};
  }
  /// By l0 + (l1 + l2 v) w: a line.
  Fq12 times_line(const Fq2& l0, const Fq2& l1, const Fq2& l2) const {
    const Fq6 t0{c0.c0 * l0, c0.c1 * l0, c0.c2 * l0}, t1 = c1.times_sparse(l1, l2);
    return {t0 + t1.times_v(), (c0 + c1).times_sparse(l0 + l1, l2) - t0 - t1};
  }
  Fq12 inverse() const {
    const Fq6 factor = (c0 * c0 - (c1 * c1).times_v()).inverse();
    return {c0 * factor, -(c1 * factor)};
  }
  /// The q^6-th power; in the cyclotomic subgroup the inverse.
  Fq12 conjugate() const { return {c0, -c1}; }
  /// The q-th power.
  Fq12 frobenius() const {
    const std::array<Fq2, 6>& g = frobenius_factors();
    return {{c0.c0.conjugate(), c0.c1.conjugate() * g[2], c0.c2.conjugate() * g[4]},
            {c1.c0.conjugate() * g[1], c1.c1.conjugate() * g[3], c1.c2.conjugate() * g[5]}};
  }
  /// Requires: in the cyclotomic subgroup, whose order divides q^4 - q^2 + 1.
  Fq12 cyclotomic_squared() const {
    // Squares in Fq4 = Fq2[s]/(s^2 - xi): (a + b s)^2 = (a^2 + xi b^2) + 2ab s.
    const auto square = [](const Fq2& a, const Fq2& b, Fq2& low, Fq2& high) {
      const Fq2 product = a * b;
      low = (a + b) * (a + times_xi(b)) - product - times_xi(product);
      high = product.doubled();
    };
    Fq2 a0, a1, b0, b1, d0, d1;
    square(c0.c0, c1.c1, a0, a1);
    square(c1.c0, c0.c2, b0, b1);
    square(c0.c1, c1.c2, d0, d1);
    const auto minus = [](const Fq2& t, const Fq2& z) { return (t - z).doubled() + t; };  // 3t - 2z
    const auto plus = [](const Fq2& t, const Fq2& z) { return (t + z).doubled() + t; };   // 3t + 2z
    return {{minus(a0, c0.c0), minus(b0, c0.c1), minus(d0, c0.c2)},
            {plus(times_xi(d1), c1.c0), plus(a1, c1.c1), plus(b1, c1.c2)}};
  }
};

}  // namespace blindproof::curve
