#include "blindproof/curve/kernels.h"

#if defined(__x86_64__)

#include "blindproof/curve/kernels_impl.h"
#include "blindproof/field/lanes_ifma.h"

namespace blindproof::curve {
namespace {

struct Ifma {};
using Field = field::IfmaLanes<Fq, Ifma>;

/// k q with 2^56 moved into each limb from the one above: lower limbs stay positive whatever is subtracted here.
constexpr field::ifma::Limbs52 padded_multiple(std::uint64_t k) {
  field::ifma::Limbs52 r = field::ifma::multiple52(Fq::kModulus, k);
  for (std::size_t i = 0; i < 4; ++i) {
    r.limb[i] += std::uint64_t{1} << 56;
    r.limb[i + 1] -= 16;
  }
  return r;
}

// Packed points are the two coordinates of a Value each: x*2^260 below 2^255, in four words of 64 bits.
struct PointLanes : Field {
  using Mask = std::uint8_t;
  using Packed = PackedPoint;
  using Affine = G1Affine;
  using Difference = Lazy<12>;

  static BLINDPROOF_INLINE Value one() { return broadcast(Fq::one()); }

  /// The carries of what is picked come with the masks.
  template <class A, class B>
  static BLINDPROOF_INLINE auto pick(Mask mask, const A& if_set, const B& if_clear) {
    const Vector low = broadcast_word(field::ifma::kLow52);
    const auto& clear = carry(if_clear);
    Lazy<(A::kBound > B::kBound ? A::kBound : B::kBound)> r;
    Vector carried = if_set.limb[0];
    for (int i = 0; i < 4; ++i) {
      r.limb[i] = _mm512_mask_and_epi64(clear.limb[i], mask, carried, low);
      carried = _mm512_add_epi64(if_set.limb[i + 1], _mm512_srai_epi64(carried, 52));
    }
    r.limb[4] = _mm512_mask_mov_epi64(clear.limb[4], mask, carried);
    return r;
  }
  template <int A, class B>
  static BLINDPROOF_INLINE auto pick(Mask mask, const Lazy<A>& if_set, const B& if_clear) {
    const auto& clear = carry(if_clear);
    Lazy<(A > B::kBound ? A : B::kBound)> r;
    for (int i = 0; i < 5; ++i) r.limb[i] = _mm512_mask_blend_epi64(mask, clear.limb[i], if_set.limb[i]);
    return r;
  }
  static BLINDPROOF_INLINE Raw<6> negate_if(Mask mask, const Value& a) {
    constexpr field::ifma::Limbs52 kZero = field::ifma::spread_multiple52(Fq::kModulus, 3);
    Raw<6> r;
    for (int i = 0; i < 5; ++i)
      r.limb[i] = _mm512_mask_sub_epi64(a.limb[i], mask, broadcast_word(kZero.limb[i]), a.limb[i]);
    return r;
  }

  // Sums of points. In units of q, and of U, a little more than q (lanes_ifma.h): a product of operands with bounds A,
  // B in halves is below A B / 338 + 1.
  //
  /// Requires: dx is sub() of two Values, the second of them x; so dx + 2x = 3 q + the sum of two Values, exactly.
  static BLINDPROOF_INLINE Raw<4> chord_x(const Value& slope, const Difference& dx, const Value& x) {
    // slope^2 + 8 q - (dx + 2 x) is in (q, (1.05 + 8 - 3) U).
    return below_two<8>(square(slope), dx, x);
  }
  static BLINDPROOF_INLINE Raw<4> chord_y(const Value& slope, const Value& x, const Value& x_sum, const Value& y) {
    // A product below 1.12, plus 3 q - y: in (0, (1.12 + 3) U). Then at most 3 U, then at most 2 U.
    constexpr field::ifma::Limbs52 kPadding = padded_multiple(3);
    Raw<4> r;
    const auto product = mul(slope, sub(x, x_sum));
    for (int i = 0; i < 5; ++i) {
      r.limb[i] = _mm512_add_epi64(product.limb[i], _mm512_sub_epi64(broadcast_word(kPadding.limb[i]), y.limb[i]));
    }
    subtract_if_above<3>(r.limb);
    subtract_if_above<2>(r.limb);
    return r;
  }
  static BLINDPROOF_INLINE Value sum_x(const Difference& r, const Value& ppp, const Value& q) {
    // r^2 is below 1.43, ppp and q (as products of such) below 1.2: in (q, (1.43 + 5) U).
    return below_two<5>(square(r), ppp, q);
  }

  template <class A>
  static BLINDPROOF_INLINE Mask is_zero(const A& a) {
    return zero_lanes(reduce(a));
  }
  template <class A, class B, class C, class D>
  static BLINDPROOF_INLINE Value mul_sub_mul(const A& a, const B& b, const C& c, const D& d) {
    return mul_add(a, b, sub(zero_operand(), c), d);
  }

  template <int kCount>
  static BLINDPROOF_INLINE Value rotated(const Value& a) {
    Value r;
    for (int i = 0; i < 5; ++i) r.limb[i] = _mm512_alignr_epi64(a.limb[i], a.limb[i], kCount);
    return r;
  }
  static BLINDPROOF_INLINE bool invert(Value& a) {
    const Value pairs = mul(a, rotated<4>(a));
    const Value fours = mul(pairs, rotated<2>(pairs));
    const Value eights = mul(fours, rotated<1>(fours));  // the product of all lanes, in each lane
    alignas(64) std::uint64_t words[40];
    store(words, eights);
    const Fq product = get(words, 0);
    if (product.is_zero()) return false;
    const Value others = mul(mul(rotated<4>(a), rotated<2>(pairs)), rotated<1>(fours));
    a = mul(others, broadcast(product.inverse()));
    return true;
  }

  static BLINDPROOF_INLINE void gather(const PackedPoint* const points[kLanes], Value& x, Value& y) {
    Vector w[8];
    for (std::size_t k = 0; k < kLanes; ++k) w[k] = _mm512_load_si512(points[k]);
    transpose_words(w);
    x = from_packed(w);
    y = from_packed(w + 4);
  }
  static BLINDPROOF_INLINE void load_points(const G1Affine* points, Value& x, Value& y) {
    static_assert(sizeof(G1Affine) == 64);
    Vector w[8];
    for (std::size_t k = 0; k < kLanes; ++k) w[k] = _mm512_loadu_si512(points + k);
    transpose_words(w);
    // x*2^256 in 52-bit limbs, times 2^264, over 2^260
    constexpr Fq kSixteen = Fq::power_of_two(4);
    const auto factor = broadcast(kSixteen);
    x = mul(from_packed(w), factor);
    y = mul(from_packed(w + 4), factor);
  }
  static BLINDPROOF_INLINE void scatter(PackedPoint* const points[kLanes], const Value& x, const Value& y) {
    Vector w[8];
    to_packed(x, w);
    to_packed(y, w + 4);
    transpose_words(w);
    for (std::size_t k = 0; k < kLanes; ++k) _mm512_store_si512(points[k], w[k]);
  }
  static BLINDPROOF_INLINE void gather_multiples(const PackedPoint* multiples, const std::int16_t* digits, Value& x,
                                                 Value& y, Mask& nonzero, Mask& negative) {
    const Vector digit = _mm512_cvtepi16_epi64(_mm_loadu_si128(reinterpret_cast<const __m128i*>(digits)));
    nonzero = _mm512_test_epi64_mask(digit, digit);
    negative = _mm512_movepi64_mask(digit);
    const Vector index =
        _mm512_and_si512(_mm512_sub_epi64(_mm512_abs_epi64(digit), broadcast_word(1)), broadcast_word(127));
    alignas(64) const PackedPoint* points[kLanes];
    _mm512_store_si512(points, _mm512_add_epi64(broadcast_word(reinterpret_cast<std::uintptr_t>(multiples)),
                                                _mm512_slli_epi64(index, 6)));
    static_assert(sizeof(PackedPoint) == 64);
    __asm__("" : "+m"(points));  // through memory: taking the lanes apart would use the ports that the products need
    gather(points, x, y);
  }

 private:
  /// Subtracts kMultiple q where the top limb says that the value is above it: see lanes_ifma.h.
  template <std::uint64_t kMultiple>
  static BLINDPROOF_INLINE void subtract_if_above(Vector* limb) {
    constexpr field::ifma::Limbs52 kAmount = field::ifma::multiple52(Fq::kModulus, kMultiple);
    const __mmask8 above = _mm512_cmpgt_epi64_mask(limb[4], broadcast_word(kAmount.limb[4]));
    for (int i = 0; i < 5; ++i)
      limb[i] = _mm512_mask_sub_epi64(limb[i], above, limb[i], broadcast_word(kAmount.limb[i]));
  }

  /// square + kOffset q - a - 2 b, reduced.  Requires: that is in [0, 6.5 U]; a and b are carried.
  template <std::uint64_t kOffset, class Square, class A>
  static BLINDPROOF_INLINE Raw<4> below_two(const Square& square, const A& a, const Value& b) {
    constexpr field::ifma::Limbs52 kPadding = padded_multiple(kOffset);
    Raw<4> r;
    for (int i = 0; i < 5; ++i) {
      r.limb[i] = _mm512_sub_epi64(
          _mm512_sub_epi64(_mm512_add_epi64(square.limb[i], broadcast_word(kPadding.limb[i])), a.limb[i]),
          _mm512_add_epi64(b.limb[i], b.limb[i]));
    }
    subtract_if_above<3>(r.limb);  // at most max(3, 6.5 - 3) U
    subtract_if_above<2>(r.limb);  // at most max(2, 3.5 - 2) U
    return r;
  }

  static BLINDPROOF_INLINE Lazy<1> zero_operand() {
    Lazy<1> r;
    for (int i = 0; i < 5; ++i) r.limb[i] = _mm512_setzero_si512();
    return r;
  }

  template <unsigned kRight>
  static BLINDPROOF_INLINE Vector limb_across(Vector low, Vector high) {
    return _mm512_and_si512(_mm512_or_si512(_mm512_srli_epi64(low, kRight), _mm512_slli_epi64(high, 64 - kRight)),
                            broadcast_word(field::ifma::kLow52));
  }
  static BLINDPROOF_INLINE Value from_packed(const Vector* w) {
    Value r;
    r.limb[0] = _mm512_and_si512(w[0], broadcast_word(field::ifma::kLow52));
    r.limb[1] = limb_across<52>(w[0], w[1]);
    r.limb[2] = limb_across<40>(w[1], w[2]);
    r.limb[3] = limb_across<28>(w[2], w[3]);
    r.limb[4] = _mm512_srli_epi64(w[3], 16);
    return r;
  }
  static BLINDPROOF_INLINE void to_packed(const Value& a, Vector* w) {
    w[0] = _mm512_or_si512(a.limb[0], _mm512_slli_epi64(a.limb[1], 52));
    w[1] = _mm512_or_si512(_mm512_srli_epi64(a.limb[1], 12), _mm512_slli_epi64(a.limb[2], 40));
    w[2] = _mm512_or_si512(_mm512_srli_epi64(a.limb[2], 24), _mm512_slli_epi64(a.limb[3], 28));
    w[3] = _mm512_or_si512(_mm512_srli_epi64(a.limb[3], 36), _mm512_slli_epi64(a.limb[4], 16));
  }
};

constexpr Kernels kKernels = KernelSet<PointLanes>::table("ifma");

}  // namespace

const Kernels* ifma_kernels() { return base::simd_available(base::Simd::kIfma) ? &kKernels : nullptr; }

}  // namespace blindproof::curve

#else

namespace blindproof::curve {

const Kernels* ifma_kernels() { return nullptr; }

}  // namespace blindproof::curve

#endif
