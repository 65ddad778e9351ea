// The optimal ate pairing e: G1 x G2 -> GT on BN254.
//
// Timing: variable in the points.
// Ref: Vercauteren, ePrint 2008/096; lines: Costello-Lange-Naehrig, ePrint 2009/615; last power: Fuentes-Castaneda-Knapp-Rodriguez, SAC 2011, which gives a
// fixed power of the pairing, 2x (6x^2 + 3x + 1), that is a pairing as well and the one that libff and snarkjs compute.
#pragma once

#include <array>
#include <span>

#include "blindproof/curve/g1.h"
#include "blindproof/curve/g2.h"

namespace blindproof::curve {

struct PairingTerm {
  G1Affine p;
  G2Affine q;
};

/// A value of the pairing: an element of order r of Fq12.
class Gt {
 public:
  Gt();  // one
  static Gt one() { return Gt(); }

  friend Gt operator*(const Gt& a, const Gt& b);
  friend bool operator==(const Gt& a, const Gt& b) = default;
  Gt power(const field::Fr& exponent) const;

  /// Coefficients of 1, v, v^2, w, wv, wv^2 over Fq2, where v^3 = 9 + u and w^2 = v: snarkjs's order.
  const std::array<Fq2, 6>& coefficients() const { return coefficients_; }

 private:
  friend Gt pairing_product(std::span<const PairingTerm> terms);
  std::array<Fq2, 6> coefficients_;
};

/// prod e(p_i, q_i).  Requires: points of the groups (G2Affine::is_in_group()); the identity is one of them.
Gt pairing_product(std::span<const PairingTerm> terms);
inline Gt pairing(const G1Affine& p, const G2Affine& q) {
  const PairingTerm term{p, q};
  return pairing_product({&term, 1});
}
inline bool pairing_product_is_one(std::span<const PairingTerm> terms) { return pairing_product(terms) == Gt::one(); }

}  // namespace blindproof::curve
