#include "blindproof/curve/kernels_impl.h"
#include "blindproof/field/lanes_portable.h"

namespace blindproof::curve {
namespace {

struct Portable {};
using Field = field::PortableLanes<Fq, Portable>;

// Packed points are the affine coordinates as they are.
struct PointLanes : Field {
  using Mask = std::uint8_t;
  using Packed = PackedPoint;
  using Affine = G1Affine;
  using Difference = Value;

  static BLINDPROOF_INLINE Value one() { return broadcast(Fq::one()); }
  static BLINDPROOF_INLINE Value pick(Mask mask, const Value& if_set, const Value& if_clear) {
    return select(mask, if_clear, if_set);
  }
  static BLINDPROOF_INLINE Value negate_if(Mask mask, const Value& a) { return pick(mask, sub(zero(), a), a); }
  static BLINDPROOF_INLINE Mask is_zero(const Value& a) { return zero_lanes(a); }
  static BLINDPROOF_INLINE Value mul_sub_mul(const Value& a, const Value& b, const Value& c, const Value& d) {
    return sub(mul(a, b), mul(c, d));
  }

  /// slope^2 - dx - 2x: the third point of a line through (x, y), whose second point is at x + dx.
  static BLINDPROOF_INLINE Value chord_x(const Value& slope, const Value& dx, const Value& x) {
    return sub(sub(square(slope), dx), add(x, x));
  }
  /// slope*(x - x_sum) - y: of that point, negated.
  static BLINDPROOF_INLINE Value chord_y(const Value& slope, const Value& x, const Value& x_sum, const Value& y) {
    return sub(mul(slope, sub(x, x_sum)), y);
  }
  /// r^2 - ppp - 2q (see G1).
  static BLINDPROOF_INLINE Value sum_x(const Value& r, const Value& ppp, const Value& q) { return chord_x(r, ppp, q); }

  template <int kCount>
  static BLINDPROOF_INLINE Value rotated(const Value& a) {
    Value r;
    for (std::size_t k = 0; k < kLanes; ++k) r.lane[k] = a.lane[(k + kCount) % kLanes];
    return r;
  }
  static BLINDPROOF_INLINE bool invert(Value& a) {
    Value prefix;
    Fq product = Fq::one();
    for (std::size_t k = 0; k < kLanes; ++k) {
      prefix.lane[k] = product;
      product *= a.lane[k];
    }
    if (product.is_zero()) return false;
    Fq inverse = product.inverse();
    for (std::size_t k = kLanes; k-- > 0;) {
      const Fq original = a.lane[k];
      a.lane[k] = inverse * prefix.lane[k];
      inverse *= original;
    }
    return true;
  }

  static BLINDPROOF_INLINE void gather(const PackedPoint* const points[kLanes], Value& x, Value& y) {
    for (std::size_t k = 0; k < kLanes; ++k) {
      const std::uint64_t* w = points[k]->words;
      x.lane[k] = Fq::from_montgomery({w[0], w[1], w[2], w[3]});
      y.lane[k] = Fq::from_montgomery({w[4], w[5], w[6], w[7]});
    }
  }
  static BLINDPROOF_INLINE void load_points(const G1Affine* points, Value& x, Value& y) {
    for (std::size_t k = 0; k < kLanes; ++k) {
      x.lane[k] = points[k].x;
      y.lane[k] = points[k].y;
    }
  }
  static BLINDPROOF_INLINE void scatter(PackedPoint* const points[kLanes], const Value& x, const Value& y) {
    for (std::size_t k = 0; k < kLanes; ++k) {
      for (std::size_t i = 0; i < 4; ++i) {
        points[k]->words[i] = x.lane[k].montgomery()[i];
        points[k]->words[4 + i] = y.lane[k].montgomery()[i];
      }
    }
  }
  static BLINDPROOF_INLINE void gather_multiples(const PackedPoint* multiples, const std::int16_t* digits, Value& x,
                                                 Value& y, Mask& nonzero, Mask& negative) {
    const PackedPoint* points[kLanes];
    unsigned nonzeros = 0, negatives = 0;
    for (std::size_t k = 0; k < kLanes; ++k) {
      const int digit = digits[k];
      points[k] = multiples + (static_cast<unsigned>((digit < 0 ? -digit : digit) - 1) & 127);  // any, for zero
      nonzeros |= (digit != 0 ? 1u : 0u) << k;
      negatives |= (digit < 0 ? 1u : 0u) << k;
    }
    gather(points, x, y);
    nonzero = static_cast<Mask>(nonzeros);
    negative = static_cast<Mask>(negatives);
  }
};

}  // namespace

const Kernels& portable_kernels() {
  static constexpr Kernels kernels = KernelSet<PointLanes>::table("portable");
  return kernels;
}

}  // namespace blindproof::curve
