// Eight field elements at a time with AVX-512 IFMA: five limbs of 52 bits, one register for each limb.
//
// Elements are x 2^260 mod p here (PrimeField has 2^256), and they are lazily reduced: a type says how far. With
// U = p + 2^230, a little more than p,
//
//   Raw<H>   limbs in [0, H 2^56), value below H/2 U, H at most 64: what sums and products come out as
//   Lazy<H>  the same value carried: limbs 0 to 3 below 2^52, which is all that the multiplier reads
//   Value    Lazy<4>, below 2 U < 2^255: what packs in memory hold
//
// Operands may be either; each function carries what it needs to (a repeated carry is the compiler's to remove) and
// refuses by static_assert operands whose bounds it can't take. H is in halves because the bounds that matter are: a
// product is below (AB/4 U^2 + 2^260 p) / 2^260, which is below 3/2 U if A B <= 169 and below 2 U if A B <= 338, as
// 84.6 U < 2^260.
//
// U exceeds p so that a value can be compared with k p by its top limb alone, before it is carried:
//   limb 4 > (k p) >> 208   then the value is above k p, since the limbs below it are not negative;
//   otherwise               it is below ((k p >> 208) + 1 + 2^11) 2^208 <= k p + 2^220 < k U.
//
// See lanes_portable.h for what the functions mean. Only sources compiled for AVX-512 IFMA may include this.
#pragma once

#include <cstddef>
#include <cstdint>

#include "blindproof/field/intrinsics.h"
#include "blindproof/field/prime_field.h"

namespace blindproof::field {

namespace ifma {

inline constexpr std::uint64_t kLow52 = (std::uint64_t{1} << 52) - 1;

struct Limbs52 {
  std::uint64_t limb[5];
};

constexpr Limbs52 to_limbs52(const Limbs& a) {
  return {{a[0] & kLow52, (a[0] >> 52 | a[1] << 12) & kLow52, (a[1] >> 40 | a[2] << 24) & kLow52,
           (a[2] >> 28 | a[3] << 36) & kLow52, a[3] >> 16}};
}

/// k p.  Domain: k < 64.
constexpr Limbs52 multiple52(const Limbs& p, std::uint64_t k) {
  Limbs52 r = to_limbs52(p);
  std::uint64_t carry = 0;
  for (std::size_t i = 0; i < 5; ++i) {
    const std::uint64_t t = r.limb[i] * k + carry;
    r.limb[i] = i < 4 ? t & kLow52 : t;
    carry = t >> 52;
  }
  return r;
}

/// k p, with each limb but the top one at least 2^53 - 2, so that carried limbs can be subtracted from it one by one.
constexpr Limbs52 spread_multiple52(const Limbs& p, std::uint64_t k) {
  Limbs52 r = multiple52(p, k);
  r.limb[0] += std::uint64_t{1} << 53;
  for (std::size_t i = 1; i < 4; ++i) r.limb[i] += (std::uint64_t{1} << 53) - 2;
  r.limb[4] -= 2;
  return r;
}

}  // namespace ifma

template <class FieldType, class Isa>
struct IfmaLanes {
  using Field = FieldType;
  using Vector = __m512i;
  static constexpr std::size_t kLanes = 8;
  static constexpr int kMostWeight = 338;  // A B of a product below 2 U

  template <int kHalves>
  struct Raw {
    static_assert(kHalves >= 1 && kHalves <= 64);
    static constexpr int kBound = kHalves;
    Vector limb[5];
  };

  template <int kHalves>
  struct Lazy {
    static_assert(kHalves >= 1 && kHalves <= 64);
    static constexpr int kBound = kHalves;
    Vector limb[5];

    BLINDPROOF_INLINE Lazy() = default;
    /// A smaller bound implies a larger one; sums and products are carried.
    template <int kOther>
    BLINDPROOF_INLINE Lazy(const Lazy<kOther>& other) {
      static_assert(kOther <= kHalves, "reduce() first");
      for (int i = 0; i < 5; ++i) limb[i] = other.limb[i];
    }
    template <int kOther>
    BLINDPROOF_INLINE Lazy(const Raw<kOther>& other) : Lazy(carry(other)) {}
  };

  using Value = Lazy<4>;

  /// An unreduced product, or a sum of a few.
  struct Wide {
    Vector limb[10];
  };

  static BLINDPROOF_INLINE Value zero() {
    Value v;
    for (int i = 0; i < 5; ++i) v.limb[i] = _mm512_setzero_si512();
    return v;
  }
  static BLINDPROOF_INLINE Value load(const std::uint64_t* words) {
    Value v;
    for (int i = 0; i < 5; ++i) v.limb[i] = _mm512_load_si512(words + 8 * i);
    return v;
  }
  static BLINDPROOF_INLINE void store(std::uint64_t* words, const Value& v) {
    for (int i = 0; i < 5; ++i) _mm512_store_si512(words + 8 * i, v.limb[i]);
  }

  static BLINDPROOF_INLINE Value load_fields(const Field* in) {
    const auto* from = reinterpret_cast<const char*>(in);
    const Vector z0 = _mm512_loadu_si512(from), z1 = _mm512_loadu_si512(from + 64);
    const Vector z2 = _mm512_loadu_si512(from + 128), z3 = _mm512_loadu_si512(from + 192);
    const Vector even = interleave_even(), odd = interleave_odd();
    const Vector a = _mm512_permutex2var_epi64(z0, even, z1), b = _mm512_permutex2var_epi64(z2, even, z3);
    const Vector c = _mm512_permutex2var_epi64(z0, odd, z1), d = _mm512_permutex2var_epi64(z2, odd, z3);
    const Vector w0 = _mm512_shuffle_i64x2(a, b, 0x44), w1 = _mm512_shuffle_i64x2(a, b, 0xee);
    const Vector w2 = _mm512_shuffle_i64x2(c, d, 0x44), w3 = _mm512_shuffle_i64x2(c, d, 0xee);
    const Vector low = broadcast_word(ifma::kLow52);
    Lazy<2> x;
    x.limb[0] = _mm512_and_si512(w0, low);
    x.limb[1] = _mm512_and_si512(_mm512_or_si512(_mm512_srli_epi64(w0, 52), _mm512_slli_epi64(w1, 12)), low);
    x.limb[2] = _mm512_and_si512(_mm512_or_si512(_mm512_srli_epi64(w1, 40), _mm512_slli_epi64(w2, 24)), low);
    x.limb[3] = _mm512_and_si512(_mm512_or_si512(_mm512_srli_epi64(w2, 28), _mm512_slli_epi64(w3, 36)), low);
    x.limb[4] = _mm512_srli_epi64(w3, 16);
    return mul(x, constant<2>(kTo260));
  }
  static BLINDPROOF_INLINE void store_fields(Field* out, const Value& v) {
    // The product by 2^256 < p is below 1.03 p.
    const Lazy<4> x = below_modulus(carry(mul(v, constant<2>(kFrom260))));
    const Vector w0 = _mm512_or_si512(x.limb[0], _mm512_slli_epi64(x.limb[1], 52));
    const Vector w1 = _mm512_or_si512(_mm512_srli_epi64(x.limb[1], 12), _mm512_slli_epi64(x.limb[2], 40));
    const Vector w2 = _mm512_or_si512(_mm512_srli_epi64(x.limb[2], 24), _mm512_slli_epi64(x.limb[3], 28));
    const Vector w3 = _mm512_or_si512(_mm512_srli_epi64(x.limb[3], 36), _mm512_slli_epi64(x.limb[4], 16));
    const Vector even = interleave_even(), odd = interleave_odd();
    const Vector a = _mm512_shuffle_i64x2(w0, w1, 0x44), b = _mm512_shuffle_i64x2(w2, w3, 0x44);
    const Vector c = _mm512_shuffle_i64x2(w0, w1, 0xee), d = _mm512_shuffle_i64x2(w2, w3, 0xee);
    auto* to = reinterpret_cast<char*>(out);
    _mm512_storeu_si512(to, _mm512_permutex2var_epi64(a, even, b));
    _mm512_storeu_si512(to + 64, _mm512_permutex2var_epi64(a, odd, b));
    _mm512_storeu_si512(to + 128, _mm512_permutex2var_epi64(c, even, d));
    _mm512_storeu_si512(to + 192, _mm512_permutex2var_epi64(c, odd, d));
  }

  static BLINDPROOF_INLINE Field get(const std::uint64_t* words, std::size_t lane) {
    const std::uint64_t l0 = words[lane], l1 = words[lane + 8], l2 = words[lane + 16], l3 = words[lane + 24],
                        l4 = words[lane + 32];
    // A Montgomery product takes any four limbs as its first factor: x 2^260 2^252 / 2^256.
    return Field::from_montgomery({l0 | l1 << 52, l1 >> 12 | l2 << 40, l2 >> 24 | l3 << 28, l3 >> 36 | l4 << 16}) *
           Field::from_montgomery(kScalarFrom260);
  }
  static BLINDPROOF_INLINE void set(std::uint64_t* words, std::size_t lane, const Field& x) {
    const ifma::Limbs52 limbs = to_260(x);
    for (std::size_t i = 0; i < 5; ++i) words[8 * i + lane] = limbs.limb[i];
  }
  static BLINDPROOF_INLINE Lazy<2> broadcast(const Field& x) { return constant<2>(to_260(x)); }
  static BLINDPROOF_INLINE Value broadcast_lane(const std::uint64_t* words, std::size_t lane) {
    Value v;
    for (std::size_t i = 0; i < 5; ++i) v.limb[i] = broadcast_word(words[8 * i + lane]);
    return v;
  }

  // ---- carries and bounds

  /// Domain: limbs in [0, 2^62).
  template <int A>
  static BLINDPROOF_INLINE Lazy<A> carry(const Raw<A>& a) {
    Lazy<A> r;
    carry_limbs(a.limb, r.limb);
    return r;
  }
  template <int A>
  static BLINDPROOF_INLINE const Lazy<A>& carry(const Lazy<A>& a) {
    return a;
  }

  /// The same residue below 2 U: k p is subtracted where the value exceeds it, which leaves less than k U, or at most
  /// A/2 U - k p < (A/2 - k) U + k 2^230. One step if A <= 7, two if A <= 15.
  template <class Operand>
  static BLINDPROOF_INLINE Value reduce(const Operand& a) {
    constexpr int kBound = Operand::kBound;
    if constexpr (kBound <= 4) {
      return carry(a);
    } else {
      constexpr int kMultiple = (kBound + 4) / 4;
      constexpr int kLeft = kBound - 2 * kMultiple + 1;
      Lazy<(kLeft > 2 * kMultiple ? kLeft : 2 * kMultiple)> r;
      constexpr ifma::Limbs52 kp = ifma::multiple52(Field::kModulus, kMultiple);
      const __mmask8 above = _mm512_cmpgt_epi64_mask(a.limb[4], broadcast_word(kp.limb[4]));
      Vector limb[5];
      for (int i = 0; i < 5; ++i) {
        limb[i] = _mm512_mask_sub_epi64(a.limb[i], above, a.limb[i], broadcast_word(kp.limb[i]));
      }
      carry_limbs(limb, r.limb);
      return reduce(r);
    }
  }

  // ---- arithmetic

  template <class A, class B>
  static BLINDPROOF_INLINE Raw<A::kBound + B::kBound> add(const A& a, const B& b) {
    Raw<A::kBound + B::kBound> r;
    for (int i = 0; i < 5; ++i) r.limb[i] = _mm512_add_epi64(a.limb[i], b.limb[i]);
    return r;
  }

  /// a - b + k p with the least k for which k p >= B/2 U.
  template <class A, class B>
  static BLINDPROOF_INLINE Raw<A::kBound + 2 * (B::kBound / 2 + 1)> sub(const A& a, const B& b) {
    constexpr int kMultiple = B::kBound / 2 + 1;
    constexpr ifma::Limbs52 offset = ifma::spread_multiple52(Field::kModulus, kMultiple);
    const auto& subtracted = carry(b);
    Raw<A::kBound + 2 * kMultiple> r;
    for (int i = 0; i < 5; ++i) {
      r.limb[i] = _mm512_add_epi64(a.limb[i], _mm512_sub_epi64(broadcast_word(offset.limb[i]), subtracted.limb[i]));
    }
    return r;
  }

  /// Limbs of a result are below 2^57: at most 27 half products and a carry, and the same goes for square and mul_add.
  template <class A, class B>
  static BLINDPROOF_INLINE auto mul(const A& a, const B& b) {
    constexpr int kWeight = A::kBound * B::kBound;
    static_assert(kWeight <= kMostWeight, "the product would exceed 2 U: reduce() an operand");
    Raw<kWeight <= kMostWeight / 2 ? 3 : 4> r;
    montgomery_product(carry(a).limb, carry(b).limb, r.limb);
    return r;
  }
  template <class A>
  static BLINDPROOF_INLINE auto square(const A& a) {
    constexpr int kWeight = A::kBound * A::kBound;
    static_assert(kWeight <= kMostWeight, "the square would exceed 2 U: reduce() the operand");
    const auto& x = carry(a);
    // Cross products once, doubled: limbs below 2 * 8 * 2^52 + 2 * 2^52.
    Wide wide = {};
    for (int i = 0; i < 5; ++i) {
      for (int j = i + 1; j < 5; ++j) {
        wide.limb[i + j] = multiply_low(wide.limb[i + j], x.limb[i], x.limb[j]);
        wide.limb[i + j + 1] = multiply_high(wide.limb[i + j + 1], x.limb[i], x.limb[j]);
      }
    }
    for (int i = 1; i < 9; ++i) wide.limb[i] = _mm512_add_epi64(wide.limb[i], wide.limb[i]);
    for (int i = 0; i < 5; ++i) {
      wide.limb[2 * i] = multiply_low(wide.limb[2 * i], x.limb[i], x.limb[i]);
      wide.limb[2 * i + 1] = multiply_high(wide.limb[2 * i + 1], x.limb[i], x.limb[i]);
    }
    Raw<kWeight <= kMostWeight / 2 ? 3 : 4> r;
    montgomery_reduce(wide, r.limb);
    return r;
  }
  template <class A, class B, class C, class D>
  static BLINDPROOF_INLINE auto mul_add(const A& a, const B& b, const C& c, const D& d) {
    constexpr int kWeight = A::kBound * B::kBound + C::kBound * D::kBound;
    static_assert(kWeight <= kMostWeight, "the sum of products would exceed 2 U: reduce() an operand");
    Raw<kWeight <= kMostWeight / 2 ? 3 : 4> r;
    Wide wide = {};
    accumulate(wide, carry(a).limb, carry(b).limb);
    accumulate(wide, carry(c).limb, carry(d).limb);
    montgomery_reduce(wide, r.limb);
    return r;
  }
  template <class A, class B, class C>
  static BLINDPROOF_INLINE Value fold(const A& low, const B& high, const C& r) {
    return reduce(add(low, mul(r, sub(high, low))));
  }

  static BLINDPROOF_INLINE Field sum_lanes(const Value& a) {
    // Below 16 U < 2^258. x 2^260 in 256 and two more bits; 2^252 and 2^508 take it to x 2^256.
    std::uint64_t l[5];
    std::uint64_t carried = 0;
    for (int i = 0; i < 5; ++i) {
      const std::uint64_t t = static_cast<std::uint64_t>(_mm512_reduce_add_epi64(a.limb[i])) + carried;
      l[i] = i < 4 ? t & ifma::kLow52 : t;
      carried = t >> 52;
    }
    const Field low = Field::from_montgomery({l[0] | l[1] << 52, l[1] >> 12 | l[2] << 40, l[2] >> 24 | l[3] << 28,
                                              l[3] >> 36 | l[4] << 16});
    return low * Field::from_montgomery(kScalarFrom260) +
           Field::from_montgomery({l[4] >> 48, 0, 0, 0}) * Field::from_montgomery(kScalarHighFrom260);
  }

  static BLINDPROOF_INLINE std::uint8_t zero_lanes(const Value& a) {
    return static_cast<std::uint8_t>(equal_lanes(a, 0) | equal_lanes(a, 1) | equal_lanes(a, 2));
  }
  static BLINDPROOF_INLINE Value select(std::uint8_t mask, const Value& a, const Value& b) {
    Value r;
    for (int i = 0; i < 5; ++i) r.limb[i] = _mm512_mask_blend_epi64(mask, a.limb[i], b.limb[i]);
    return r;
  }

  /// Of a block of eight: lane j of value i goes to lane i of value j.
  static BLINDPROOF_INLINE void transpose(Value* block) {
    for (int i = 0; i < 5; ++i) {
      Vector words[8];
      for (std::size_t k = 0; k < kLanes; ++k) words[k] = block[k].limb[i];
      transpose_words(words);
      for (std::size_t k = 0; k < kLanes; ++k) block[k].limb[i] = words[k];
    }
  }

  /// Products are summed unreduced as long as the reduction of their sum stays below 8 U and no limb reaches 2^64: a
  /// product adds at most 10 * 2^52 to a limb, and 2366 / 8 = 295 of them 2^63.6.
  class Accumulator {
   public:
    BLINDPROOF_INLINE Accumulator() : total_(zero()) {
      for (Vector& limb : wide_.limb) limb = _mm512_setzero_si512();
    }
    template <class A, class B>
    BLINDPROOF_INLINE void add_product(const A& a, const B& b) {
      constexpr int kWeight = A::kBound * B::kBound;
      constexpr int kCost = kWeight < 8 ? 8 : kWeight;
      static_assert(kCost <= kBudget);
      if (spent_ > kBudget - kCost) flush();
      spent_ += kCost;
      accumulate(wide_, carry(a).limb, carry(b).limb);
    }
    BLINDPROOF_INLINE void add(const Value& a) { total_ = reduce(IfmaLanes::add(total_, a)); }
    /// Good enough for one more product, and cheaper than value().
    BLINDPROOF_INLINE Lazy<20> lazy_value() const { return IfmaLanes::add(total_, reduced_products()); }
    BLINDPROOF_INLINE Value value() const { return reduce(lazy_value()); }

   private:
    static constexpr int kBudget = 7 * kMostWeight;

    BLINDPROOF_INLINE Raw<16> reduced_products() const {
      const Vector low = broadcast_word(ifma::kLow52);
      Wide carried = wide_;
      for (int i = 0; i < 9; ++i) {
        carried.limb[i + 1] = _mm512_add_epi64(carried.limb[i + 1], _mm512_srli_epi64(carried.limb[i], 52));
        carried.limb[i] = _mm512_and_si512(carried.limb[i], low);
      }
      Raw<16> sum;
      montgomery_reduce(carried, sum.limb);
      return sum;
    }

    BLINDPROOF_INLINE void flush() {
      total_ = value();
      for (Vector& limb : wide_.limb) limb = _mm512_setzero_si512();
      spent_ = 0;
    }

    Wide wide_;
    Value total_;
    int spent_ = 0;
  };

  // ---- for kernels of their own

  /// An integer of 7 limbs below 2^364, not in Montgomery form, mod p.  Domain: limbs 0 to 4 below 2^52, 5 and 6 too.
  static BLINDPROOF_INLINE Value reduce_integer(const Vector* limb) {
    // low * 2^260 + high * 2^520, over 2^260. The low five limbs may reach 2^260: the sum is below
    // (2^260 p + 2^104 p) / 2^260 + p < 2 p + 2^98 < 2 U.
    const Lazy<2> one = constant<2>(kOne260), one_high = constant<2>(kOne520);
    Vector high[5] = {limb[5], limb[6], _mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()};
    Wide wide = {};
    accumulate(wide, limb, one.limb);
    accumulate(wide, high, one_high.limb);
    Raw<4> r;
    montgomery_reduce(wide, r.limb);
    return r;
  }

  /// x as an element, for integers x = low + 2^52 high, both below 2^52.
  static BLINDPROOF_INLINE Raw<3> from_words(Vector low, Vector high) {
    Lazy<2> x = zero_lazy();
    x.limb[0] = low;
    x.limb[1] = high;
    return mul(x, constant<2>(kOne520));
  }

  /// Of 8 x 8 words.
  static BLINDPROOF_INLINE void transpose_words(Vector* r) {
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

  static BLINDPROOF_INLINE Vector broadcast_word(std::uint64_t x) {
    return _mm512_set1_epi64(static_cast<long long>(x));
  }
  /// acc plus the low (high) 52 bits of the product of the low 52 bits of a and b.
  static BLINDPROOF_INLINE Vector multiply_low(Vector acc, Vector a, Vector b) {
    return _mm512_madd52lo_epu64(acc, a, b);
  }
  static BLINDPROOF_INLINE Vector multiply_high(Vector acc, Vector a, Vector b) {
    return _mm512_madd52hi_epu64(acc, a, b);
  }

 private:
  static constexpr ifma::Limbs52 kP = ifma::multiple52(Field::kModulus, 1);
  static constexpr std::uint64_t kNegativeInverse52 = Field::kNegativeInverse & ifma::kLow52;
  static constexpr Limbs kScalarTo260 = detail::power_of_two_mod(260, Field::kModulus);
  static constexpr Limbs kScalarFrom260 = detail::power_of_two_mod(252, Field::kModulus);
  static constexpr Limbs kScalarHighFrom260 = detail::power_of_two_mod(508, Field::kModulus);
  static constexpr ifma::Limbs52 kTo260 = ifma::to_limbs52(detail::power_of_two_mod(264, Field::kModulus));
  static constexpr ifma::Limbs52 kFrom260 = ifma::to_limbs52(detail::power_of_two_mod(256, Field::kModulus));
  static constexpr ifma::Limbs52 kOne260 = ifma::to_limbs52(detail::power_of_two_mod(260, Field::kModulus));
  static constexpr ifma::Limbs52 kOne520 = ifma::to_limbs52(detail::power_of_two_mod(520, Field::kModulus));

  static BLINDPROOF_INLINE Vector interleave_even() { return _mm512_setr_epi64(0, 4, 8, 12, 1, 5, 9, 13); }
  static BLINDPROOF_INLINE Vector interleave_odd() { return _mm512_setr_epi64(2, 6, 10, 14, 3, 7, 11, 15); }

  static BLINDPROOF_INLINE ifma::Limbs52 to_260(const Field& x) {
    const Limbs a = (x * Field::from_montgomery(kScalarTo260)).montgomery();
    return {{a[0] & ifma::kLow52, (a[0] >> 52 | a[1] << 12) & ifma::kLow52, (a[1] >> 40 | a[2] << 24) & ifma::kLow52,
             (a[2] >> 28 | a[3] << 36) & ifma::kLow52, a[3] >> 16}};
  }

  template <int kHalves>
  static BLINDPROOF_INLINE Lazy<kHalves> constant(const ifma::Limbs52& limbs) {
    Lazy<kHalves> v;
    for (int i = 0; i < 5; ++i) v.limb[i] = broadcast_word(limbs.limb[i]);
    return v;
  }
  static BLINDPROOF_INLINE Lazy<2> zero_lazy() { return constant<2>(ifma::Limbs52{}); }

  // Signed, so that limbs after a subtraction carry as well.
  static BLINDPROOF_INLINE void carry_limbs(const Vector* in, Vector* out) {
    const Vector low = broadcast_word(ifma::kLow52);
    Vector carried = in[0];
    for (int i = 0; i < 4; ++i) {
      out[i] = _mm512_and_si512(carried, low);
      carried = _mm512_add_epi64(in[i + 1], _mm512_srai_epi64(carried, 52));
    }
    out[4] = carried;
  }

  /// The residue below p.  Requires: a < 2 p.
  template <int A>
  static BLINDPROOF_INLINE Lazy<A> below_modulus(const Lazy<A>& a) {
    Vector difference[5];
    for (int i = 0; i < 5; ++i) difference[i] = _mm512_sub_epi64(a.limb[i], broadcast_word(kP.limb[i]));
    Lazy<A> r;
    carry_limbs(difference, r.limb);
    const __mmask8 negative = _mm512_movepi64_mask(r.limb[4]);
    for (int i = 0; i < 5; ++i) r.limb[i] = _mm512_mask_blend_epi64(negative, r.limb[i], a.limb[i]);
    return r;
  }

  static BLINDPROOF_INLINE unsigned equal_lanes(const Value& a, std::uint64_t multiple) {
    const ifma::Limbs52 kp = ifma::multiple52(Field::kModulus, multiple);
    __mmask8 equal = 0xff;
    for (int i = 0; i < 5; ++i) equal = _mm512_mask_cmpeq_epi64_mask(equal, a.limb[i], broadcast_word(kp.limb[i]));
    return equal;
  }

  // Operand scanning; limbs of a and b are below 2^52 but for the top ones, which are too by their bounds.
  static BLINDPROOF_INLINE void montgomery_product(const Vector* a, const Vector* b, Vector* out) {
    const Vector zeros = _mm512_setzero_si512();
    Vector t[5] = {zeros, zeros, zeros, zeros, zeros};
    const Vector inverse = broadcast_word(kNegativeInverse52);
    const Vector p[5] = {broadcast_word(kP.limb[0]), broadcast_word(kP.limb[1]), broadcast_word(kP.limb[2]),
                         broadcast_word(kP.limb[3]), broadcast_word(kP.limb[4])};
    for (int i = 0; i < 5; ++i) {
      const Vector y = b[i];
      t[0] = multiply_low(t[0], a[0], y);
      const Vector q = multiply_low(zeros, t[0], inverse);
      Vector next[5] = {multiply_high(t[1], a[0], y), multiply_high(t[2], a[1], y), multiply_high(t[3], a[2], y),
                        multiply_high(t[4], a[3], y), multiply_high(zeros, a[4], y)};
      for (int j = 0; j < 4; ++j) next[j] = multiply_low(next[j], a[j + 1], y);
      t[0] = multiply_low(t[0], q, p[0]);
      for (int j = 0; j < 5; ++j) next[j] = multiply_high(next[j], q, p[j]);
      for (int j = 0; j < 4; ++j) next[j] = multiply_low(next[j], q, p[j + 1]);
      t[0] = _mm512_add_epi64(next[0], _mm512_srli_epi64(t[0], 52));  // its low 52 bits are zero
      for (int j = 1; j < 5; ++j) t[j] = next[j];
    }
    for (int i = 0; i < 5; ++i) out[i] = t[i];
  }

  /// wide += a b: at most 10 * 2^52 more in each limb.
  static BLINDPROOF_INLINE void accumulate(Wide& wide, const Vector* a, const Vector* b) {
    for (int i = 0; i < 5; ++i) {
      for (int j = 0; j < 5; ++j) wide.limb[i + j] = multiply_low(wide.limb[i + j], a[j], b[i]);
      for (int j = 0; j < 5; ++j) wide.limb[i + j + 1] = multiply_high(wide.limb[i + j + 1], a[j], b[i]);
    }
  }

  /// out = (wide + q p) / 2^260 with q < 2^260.  Domain: limbs of wide below 2^61, of the result below 2^62.
  static BLINDPROOF_INLINE void montgomery_reduce(const Wide& in, Vector* out) {
    Wide wide = in;
    const Vector zeros = _mm512_setzero_si512(), inverse = broadcast_word(kNegativeInverse52);
    for (int i = 0; i < 5; ++i) {
      const Vector q = multiply_low(zeros, wide.limb[i], inverse);
      for (int j = 0; j < 5; ++j) wide.limb[i + j] = multiply_low(wide.limb[i + j], q, broadcast_word(kP.limb[j]));
      for (int j = 0; j < 5; ++j) {
        wide.limb[i + j + 1] = multiply_high(wide.limb[i + j + 1], q, broadcast_word(kP.limb[j]));
      }
      wide.limb[i + 1] = _mm512_add_epi64(wide.limb[i + 1], _mm512_srli_epi64(wide.limb[i], 52));
    }
    for (int i = 0; i < 5; ++i) out[i] = wide.limb[5 + i];
  }
};

}  // namespace blindproof::field
