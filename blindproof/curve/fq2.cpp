#include "blindproof/curve/fq2.h"

namespace blindproof::curve {

// The norm c0^2 + c1^2 of a square is a square n^2. Then one of (c0 + n)/2 and (c0 - n)/2 is the square of the root's c0.
std::optional<Fq2> Fq2::square_root() const {
  if (c1.is_zero()) {
    if (const std::optional<Fq> root = c0.square_root()) return Fq2{*root, Fq::zero()};
    const std::optional<Fq> root = (-c0).square_root();  // -1 is no square
    return Fq2{Fq::zero(), *root};
  }
  const std::optional<Fq> norm = (c0.squared() + c1.squared()).square_root();
  if (!norm) return std::nullopt;
  const Fq half = Fq::from_u64(2).inverse();
  std::optional<Fq> real = ((c0 + *norm) * half).square_root();
  if (!real) real = ((c0 - *norm) * half).square_root();
  if (!real) return std::nullopt;
  const Fq2 root{*real, c1 * half * real->inverse()};
  if (!(root.squared() == *this)) return std::nullopt;
  return root;
}

}  // namespace blindproof::curve
