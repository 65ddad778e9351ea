// The group G2 of BN254: the points of order r on y^2 = x^3 + 3/(9 + u) over Fq2, the twist that pairings (pairing.h) take as their second argument. Unlike
// in G1, most points on the curve are not in the group.
//
// The generator and the order of coordinates are those of EIP-197. What g1.h says of completeness and timing holds here as well.
#pragma once

#include <span>

#include "blindproof/curve/fq2.h"
#include "blindproof/curve/xyzz.h"

namespace blindproof::curve {

/// A point by its coordinates. The identity has x = y = 0, which is not on the curve.
struct G2Affine {
  Fq2 x, y;

  static G2Affine identity() { return {}; }
  static G2Affine generator();

  bool is_identity() const { return x.is_zero() && y.is_zero(); }
  /// Whether y^2 = x^3 + 3/(9 + u), or the point is the identity.
  bool is_on_curve() const;
  /// Whether it is on the curve and of order r (or the identity).
  /// Ref: El Housni-Guillevic-Piellard, ePrint 2022/352, Prop. 3: psi(P) = (t - 1) P, t - 1 = 6 x^2.
  bool is_in_group() const;

  friend bool operator==(const G2Affine& a, const G2Affine& b) { return a.x == b.x && a.y == b.y; }
  friend G2Affine operator-(const G2Affine& a) { return {a.x, -a.y}; }
};

using G2 = Xyzz<G2Affine>;

inline G2 operator*(const G2Affine& a, const field::Fr& scalar) { return G2(a) * scalar; }
inline G2 operator*(const field::Fr& scalar, const G2Affine& a) { return G2(a) * scalar; }

/// out_i = points_i with one inversion for all.  Requires: equal sizes.
inline void batch_to_affine(std::span<const G2> points, std::span<G2Affine> out) { G2::to_affine(points, out); }

/// The q-power Frobenius, through the twist: multiplication by q on G2.
G2Affine frobenius(const G2Affine& point);

}  // namespace blindproof::curve
