#include "blindproof/curve/g2.h"

#include "blindproof/curve/tower.h"

namespace blindproof::curve {
namespace {

// 3/xi.
const Fq2& twist_constant() {
  static const Fq2 b = Fq2{Fq::from_u64(9), Fq::one()}.inverse() * Fq::from_u64(3);
  return b;
}

constexpr field::Limbs kSixXSquared = {0xf83e9682e87cfd46, 0x6f4d8248eeb859fb, 0, 0};

}  // namespace

G2Affine G2Affine::generator() {
  static const G2Affine point{
      {Fq::from_limbs({0x46debd5cd992f6ed, 0x674322d4f75edadd, 0x426a00665e5c4479, 0x1800deef121f1e76}),
       Fq::from_limbs({0x97e485b7aef312c2, 0xf1aa493335a9e712, 0x7260bfb731fb5d25, 0x198e9393920d483a})},
      {Fq::from_limbs({0x4ce6cc0166fa7daa, 0xe3d1e7690c43d37b, 0x4aab71808dcb408f, 0x12c85ea5db8c6deb}),
       Fq::from_limbs({0x55acdadcd122975b, 0xbc4b313370b38ef3, 0xec9e99ad690c3395, 0x090689d0585ff075})}};
  return point;
}

bool G2Affine::is_on_curve() const { return is_identity() || y.squared() == x.squared() * x + twist_constant(); }

bool G2Affine::is_in_group() const {
  if (!is_on_curve()) return false;
  return G2(*this).multiplied(kSixXSquared) == G2(frobenius(*this));
}

G2Affine frobenius(const G2Affine& point) {
  const std::array<Fq2, 6>& factors = frobenius_factors();
  return {point.x.conjugate() * factors[2], point.y.conjugate() * factors[3]};
}

}  // namespace blindproof::curve
