// Points of y^2 = x^3 + b by four coordinates: what G1 and G2 share.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "blindproof/base/check.h"
#include "blindproof/field/prime_field.h"

namespace blindproof::curve {

/// A point as (x, y, zz, zzz) with affine coordinates (x/zz, y/zzz) and zz^3 = zzz^2; zz = 0 for the identity. Every operation is complete, on groups
/// without a point of order two.
/// Ref: Explicit-Formulas Database, short Weierstrass, "xyzz".
template <class AffinePoint>
class Xyzz {
 public:
  using Affine = AffinePoint;
  using Field = decltype(Affine::x);

  Xyzz() = default;  // identity
  explicit Xyzz(const Affine& point) {
    if (point.is_identity()) return;
    x_ = point.x;
    y_ = point.y;
    zz_ = zzz_ = Field::one();
  }
  /// Requires: coordinates as described at the class.
  static Xyzz from_xyzz(const Field& x, const Field& y, const Field& zz, const Field& zzz) {
    Xyzz point;
    point.x_ = x;
    point.y_ = y;
    point.zz_ = zz;
    point.zzz_ = zzz;
    return point;
  }

  static Xyzz identity() { return Xyzz(); }
  static Xyzz generator() { return Xyzz(Affine::generator()); }

  bool is_identity() const { return zz_.is_zero(); }
  /// Costs one inversion.
  Affine to_affine() const {
    if (is_identity()) return {};
    return to_affine(zzz_.inverse());
  }

  Xyzz doubled() const {  // dbl-2008-s-1 with a = 0
    Xyzz r;
    const Field u = y_.doubled();
    const Field v = u.squared();
    const Field w = u * v;
    const Field s = x_ * v;
    const Field x_squared = x_.squared();
    const Field m = x_squared.doubled() + x_squared;
    r.x_ = m.squared() - s.doubled();
    r.y_ = m * (s - r.x_) - w * y_;
    r.zz_ = v * zz_;
    r.zzz_ = w * zzz_;
    return r;
  }

  Xyzz& operator+=(const Xyzz& other) {  // add-2008-s
    if (other.is_identity()) return *this;
    if (is_identity()) return *this = other;
    const Field u1 = x_ * other.zz_;
    const Field s1 = y_ * other.zzz_;
    const Field p = other.x_ * zz_ - u1;
    const Field r = other.y_ * zzz_ - s1;
    if (p.is_zero()) return *this = r.is_zero() ? doubled() : identity();
    const Field pp = p.squared();
    const Field ppp = p * pp;
    const Field q = u1 * pp;
    x_ = r.squared() - ppp - q.doubled();
    y_ = r * (q - x_) - s1 * ppp;
    zz_ = zz_ * other.zz_ * pp;
    zzz_ = zzz_ * other.zzz_ * ppp;
    return *this;
  }

  Xyzz& operator+=(const Affine& other) {  // madd-2008-s
    if (other.is_identity()) return *this;
    if (is_identity()) return *this = Xyzz(other);
    const Field p = other.x * zz_ - x_;
    const Field r = other.y * zzz_ - y_;
    if (p.is_zero()) return *this = r.is_zero() ? doubled() : identity();
    const Field pp = p.squared();
    const Field ppp = p * pp;
    const Field q = x_ * pp;
    x_ = r.squared() - ppp - q.doubled();
    y_ = r * (q - x_) - y_ * ppp;
    zz_ *= pp;
    zzz_ *= ppp;
    return *this;
  }

  Xyzz& operator-=(const Xyzz& other) { return *this += -other; }
  Xyzz& operator-=(const Affine& other) { return *this += -other; }

  friend Xyzz operator+(Xyzz a, const Xyzz& b) { return a += b; }
  friend Xyzz operator+(Xyzz a, const Affine& b) { return a += b; }
  friend Xyzz operator-(Xyzz a, const Xyzz& b) { return a -= b; }
  friend Xyzz operator-(Xyzz a, const Affine& b) { return a -= b; }
  friend Xyzz operator-(const Xyzz& a) {
    Xyzz r = a;
    r.y_ = -r.y_;
    return r;
  }
  friend bool operator==(const Xyzz& a, const Xyzz& b) {
    if (a.is_identity() || b.is_identity()) return a.is_identity() && b.is_identity();
    return a.x_ * b.zz_ == b.x_ * a.zz_ && a.y_ * b.zzz_ == b.y_ * a.zzz_;
  }
  friend Xyzz operator*(const Xyzz& a, const field::Fr& scalar) { return a.multiplied(scalar.to_limbs()); }
  friend Xyzz operator*(const field::Fr& scalar, const Xyzz& a) { return a * scalar; }

  /// By an integer below 2^254, which needn't be below the group's order.
  Xyzz multiplied(const field::Limbs& scalar) const {
    // Signed windows of five bits: digits in [-16, 16).
    constexpr std::size_t kWindowBits = 5;
    constexpr std::size_t kWindows = 51;  // 255 bits: the top digit absorbs the last carry
    std::array<int, kWindows> digits;
    int carry = 0;
    for (std::size_t i = 0; i < kWindows; ++i) {
      const std::size_t bit = i * kWindowBits;
      std::uint64_t bits = scalar[bit / 64] >> (bit % 64);
      if (bit % 64 > 64 - kWindowBits && bit / 64 + 1 < scalar.size()) bits |= scalar[bit / 64 + 1] << (64 - bit % 64);
      digits[i] = static_cast<int>(bits & 31) + carry;
      carry = digits[i] >= 16 ? 1 : 0;
      digits[i] -= 32 * carry;
    }

    std::array<Xyzz, 16> multiples;
    multiples[0] = *this;
    for (std::size_t i = 1; i < multiples.size(); ++i) multiples[i] = multiples[i - 1] + *this;

    Xyzz sum;
    for (std::size_t i = kWindows; i-- > 0;) {
      if (!sum.is_identity()) {
        for (std::size_t k = 0; k < kWindowBits; ++k) sum = sum.doubled();
      }
      if (digits[i] > 0) sum += multiples[static_cast<std::size_t>(digits[i] - 1)];
      if (digits[i] < 0) sum -= multiples[static_cast<std::size_t>(-digits[i] - 1)];
    }
    return sum;
  }

  /// out_i = points_i with one inversion for all.  Requires: equal sizes.
  static void to_affine(std::span<const Xyzz> points, std::span<Affine> out) {
    BLINDPROOF_CHECK(points.size() == out.size(), "one output for each point");
    std::vector<Field> before(points.size());  // products of what comes before; the identity is left out
    Field product = Field::one();
    for (std::size_t i = 0; i < points.size(); ++i) {
      before[i] = product;
      if (!points[i].is_identity()) product *= points[i].zzz_;
    }
    Field inverse = product.inverse();
    for (std::size_t i = points.size(); i-- > 0;) {
      if (points[i].is_identity()) {
        out[i] = {};
        continue;
      }
      const Xyzz point = points[i];
      out[i] = point.to_affine(inverse * before[i]);
      inverse *= point.zzz_;
    }
  }

 private:
  Affine to_affine(const Field& inverse_zzz) const {
    // zzz/zz = z, so 1/zz = (zz/zzz)^2.
    const Field inverse_z = zz_ * inverse_zzz;
    return {x_ * inverse_z.squared(), y_ * inverse_zzz};
  }

  Field x_, y_, zz_, zzz_;
};

}  // namespace blindproof::curve
