#include "blindproof/curve/kernels.h"

#if defined(__x86_64__)

#include "blindproof/curve/kernels_impl.h"
#include "blindproof/field/lanes_ifma.h"

namespace blindproof::curve {
namespace {

struct Ifma {};
using Field = field::IfmaLanes<Fq, Ifma>;

// Packed points are the two coordinates of a Value each: x*2^260 below 2^255, in four words of 64 bits.
struct PointLanes : Field {
  using Mask = std::uint8_t;
  using Difference = Lazy<10>;

  static BLINDPROOF_INLINE Value one() { return broadcast(Fq::one()); }

  template <class A, class B>
  static BLINDPROOF_INLINE auto pick(Mask mask, const A& if_set, const B& if_clear) {
    Lazy<(A::kBound > B::kBound ? A::kBound : B::kBound)> r;
    const auto& set = carry(if_set);
    const auto& clear = carry(if_clear);
    for (int i = 0; i < 5; ++i) r.limb[i] = _mm512_mask_blend_epi64(mask, clear.limb[i], set.limb[i]);
    return r;
  }
  static BLINDPROOF_INLINE Value negate_if(Mask mask, const Value& a) { return reduce(pick(mask, sub(zero_operand(), a), a)); }
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
    transpose(w);
    x = from_packed(w);
    y = from_packed(w + 4);
  }
  static BLINDPROOF_INLINE void scatter(PackedPoint* const points[kLanes], const Value& x, const Value& y) {
    Vector w[8];
    to_packed(x, w);
    to_packed(y, w + 4);
    transpose(w);
    for (std::size_t k = 0; k < kLanes; ++k) _mm512_store_si512(points[k], w[k]);
  }
  static BLINDPROOF_INLINE void digit_masks(const std::int16_t* digits, Mask& nonzero, Mask& negative) {
    const Vector d = _mm512_cvtepi16_epi64(_mm_loadu_si128(reinterpret_cast<const __m128i*>(digits)));
    nonzero = _mm512_test_epi64_mask(d, d);
    negative = _mm512_movepi64_mask(d);
  }

 private:
  static BLINDPROOF_INLINE Lazy<1> zero_operand() {
    Lazy<1> r;
    for (int i = 0; i < 5; ++i) r.limb[i] = _mm512_setzero_si512();
    return r;
  }

  static BLINDPROOF_INLINE void transpose(Vector* r) {
    const Vector a0 = _mm512_unpacklo_epi64(r[0], r[1]), a1 = _mm512_unpackhi_epi64(r[0], r[1]);
    const Vector a2 = _mm512_unpacklo_epi64(r[2], r[3]), a3 = _mm512_unpackhi_epi64(r[2], r[3]);
    const Vector a4 = _mm512_unpacklo_epi64(r[4], r[5]), a5 = _mm512_unpackhi_epi64(r[4], r[5]);
    const Vector a6 = _mm512_unpacklo_epi64(r[6], r[7]), a7 = _mm512_unpackhi_epi64(r[6], r[7]);
    const Vector b0 = _mm512_shuffle_i64x2(a0, a2, 0x88), b2 = _mm512_shuffle_i64x2(a0, a2, 0xdd);
    const Vector b1 = _mm512_shuffle_i64x2(a1, a3, 0x88), b3 = _mm512_shuffle_i64x2(a1, a3, 0xdd);
    const Vector b4 = _mm512_shuffle_i64x2(a4, a6, 0x88), b6 = _mm512_shuffle_i64x2(a4, a6, 0xdd);
    const Vector b5 = _mm512_shuffle_i64x2(a5, a7, 0x88), b7 = _mm512_shuffle_i64x2(a5, a7, 0xdd);
    r[0] = _mm512_shuffle_i64x2(b0, b4, 0x88);
    r[4] = _mm512_shuffle_i64x2(b0, b4, 0xdd);
    r[1] = _mm512_shuffle_i64x2(b1, b5, 0x88);
    r[5] = _mm512_shuffle_i64x2(b1, b5, 0xdd);
    r[2] = _mm512_shuffle_i64x2(b2, b6, 0x88);
    r[6] = _mm512_shuffle_i64x2(b2, b6, 0xdd);
    r[3] = _mm512_shuffle_i64x2(b3, b7, 0x88);
    r[7] = _mm512_shuffle_i64x2(b3, b7, 0xdd);
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
