// Fq2 = Fq[u] / (u^2 + 1): the coordinates of G2.
//
// Timing: variable in the values only where it says so.
#pragma once

#include <optional>

#include "blindproof/field/prime_field.h"

namespace blindproof::curve {

using field::Fq;

/// c0 + c1 u.
struct Fq2 {
  Fq c0, c1;

  static Fq2 zero() { return {}; }
  static Fq2 one() { return {Fq::one(), Fq::zero()}; }

  bool is_zero() const { return c0.is_zero() && c1.is_zero(); }
  friend bool operator==(const Fq2& a, const Fq2& b) { return a.c0 == b.c0 && a.c1 == b.c1; }

  friend Fq2 operator+(const Fq2& a, const Fq2& b) { return {a.c0 + b.c0, a.c1 + b.c1}; }
  friend Fq2 operator-(const Fq2& a, const Fq2& b) { return {a.c0 - b.c0, a.c1 - b.c1}; }
  Fq2 operator-() const { return {-c0, -c1}; }
  friend Fq2 operator*(const Fq2& a, const Fq2& b) {  // Karatsuba
    const Fq low = a.c0 * b.c0, high = a.c1 * b.c1;
    return {low - high, (a.c0 + a.c1) * (b.c0 + b.c1) - low - high};
  }
  friend Fq2 operator*(const Fq2& a, const Fq& b) { return {a.c0 * b, a.c1 * b}; }
  Fq2& operator+=(const Fq2& b) { return *this = *this + b; }
  Fq2& operator-=(const Fq2& b) { return *this = *this - b; }
  Fq2& operator*=(const Fq2& b) { return *this = *this * b; }

  Fq2 squared() const { return {(c0 + c1) * (c0 - c1), (c0 * c1).doubled()}; }
  Fq2 doubled() const { return {c0.doubled(), c1.doubled()}; }
  /// c0 - c1 u, which is also the q-th power.
  Fq2 conjugate() const { return {c0, -c1}; }
  /// 1/this; zero for zero.
  Fq2 inverse() const {
    const Fq factor = (c0.squared() + c1.squared()).inverse();
    return {c0 * factor, -(c1 * factor)};
  }
  /// A square root, if there is one.  Timing: variable.
  std::optional<Fq2> square_root() const;
};

}  // namespace blindproof::curve
