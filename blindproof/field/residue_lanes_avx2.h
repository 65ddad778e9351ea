// Four residues at a time with AVX2; residue_lanes_portable.h says what the functions mean. Only sources compiled for
// it and FMA may include this.
//
// Products are exact pairs of doubles: h = round(a b) and l = a b - h, which a fused multiplication gives. With
// c = round(h / q), a b - c q = (h - c q) + l, where both terms are integers below 2^53 and hence exact. For a, b below
// 2^50 and b below q, h times the rounded reciprocal is off by at most 3 2^-53 2^50 = 3/8, so |a b - c q| < 7/8 q.
#pragma once

#include <cstddef>
#include <cstdint>

#include "blindproof/field/intrinsics.h"
#include "blindproof/field/modulus.h"
#include "blindproof/field/prime_field.h"

namespace blindproof::field {

template <class Isa>
struct Avx2ResidueLanes {
  static constexpr std::size_t kLanes = 4;
  static constexpr std::size_t kTermsBetweenFolds = 8;  // 8 * 7/8 q and a folded sum of q/2 are below 8q, or 2^53
  static constexpr std::size_t kConversionPacks = 4;
  static constexpr bool kPermutesBlocks = false;
  using Word = __m256i;
  using Operand = __m256d;
  using Double = __m256d;

  struct Constants {
    BLINDPROOF_INLINE explicit Constants(const Modulus& modulus)
        : q(set(modulus.value())),
          q_double(_mm256_set1_pd(static_cast<double>(modulus.value()))),
          reciprocal(_mm256_set1_pd(1.0 / static_cast<double>(modulus.value()))) {}
    Word q;
    Double q_double, reciprocal;
  };

  using Factor = Operand;

  BLINDPROOF_INLINE static Word load(const std::uint64_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  BLINDPROOF_INLINE static void store(std::uint64_t* p, Word a) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a);
  }
  /// Domain: a < 2^52.
  BLINDPROOF_INLINE static Operand operand(Word a) {
    const Double two_52 = _mm256_set1_pd(0x1p52);
    return _mm256_sub_pd(_mm256_castsi256_pd(_mm256_or_si256(a, _mm256_castpd_si256(two_52))), two_52);
  }
  BLINDPROOF_INLINE static Operand broadcast(std::uint64_t a) { return _mm256_set1_pd(static_cast<double>(a)); }
  BLINDPROOF_INLINE static Factor factor(const Constants&, const FixedFactor& c) { return broadcast(c.value); }

  BLINDPROOF_INLINE static Word add(const Constants& k, Word a, Word b) {
    return add_if_negative(k, _mm256_sub_epi64(_mm256_add_epi64(a, b), k.q));
  }
  BLINDPROOF_INLINE static Word subtract(const Constants& k, Word a, Word b) {
    return add_if_negative(k, _mm256_sub_epi64(a, b));
  }
  BLINDPROOF_INLINE static Word negate(const Constants& k, Word a) { return subtract(k, _mm256_setzero_si256(), a); }
  BLINDPROOF_INLINE static Word multiply(const Constants& k, Operand a, Operand b) {
    return to_word(k, lazy_product(k, a, b));
  }
  BLINDPROOF_INLINE static Word scale(const Constants& k, Word a, const Factor& c) {
    return multiply(k, operand(a), c);
  }
  BLINDPROOF_INLINE static Word reduce(const Constants& k, Word a) { return to_word(k, lazy_reduce(k, operand(a))); }
  /// Domain: (-2^62, 2^62).
  BLINDPROOF_INLINE static Word reduce_signed(const Constants& k, Word a) {
    const Word shifted = _mm256_add_epi64(a, set(std::uint64_t{1} << 62));
    const Double low = operand(_mm256_and_si256(shifted, set(0xffffffff)));
    const Double high = _mm256_sub_pd(operand(_mm256_srli_epi64(shifted, 32)), _mm256_set1_pd(0x1p30));
    // For a small q the quotient exceeds 53 bits; what is left then is below 2^12 + q, if not q.
    const Double rest = lazy_reduce(k, _mm256_mul_pd(high, _mm256_set1_pd(0x1p32)));
    return to_word(k, lazy_reduce(k, _mm256_add_pd(rest, low)));
  }
  BLINDPROOF_INLINE static Word add_if_above(Word a, std::uint64_t bound, std::uint64_t increment) {
    return _mm256_add_epi64(a, _mm256_and_si256(_mm256_cmpgt_epi64(a, set(bound)), set(increment)));
  }

  struct Sum {
    Double total = _mm256_setzero_pd();

    BLINDPROOF_INLINE void add_product(const Constants& k, Operand a, Operand b) {
      total = _mm256_add_pd(total, lazy_product(k, a, b));
    }
    BLINDPROOF_INLINE void fold(const Constants& k) { total = lazy_reduce(k, total); }
    BLINDPROOF_INLINE Word value(const Constants& k) const { return to_word(k, lazy_reduce(k, total)); }
  };

  BLINDPROOF_INLINE static Double zero() { return _mm256_setzero_pd(); }
  BLINDPROOF_INLINE static Double add_scaled(Double sum, Word y, double reciprocal) {
    return _mm256_add_pd(sum, _mm256_mul_pd(operand(y), _mm256_set1_pd(reciprocal)));
  }
  BLINDPROOF_INLINE static Word round(Double sum) {
    const Double two_52 = _mm256_set1_pd(0x1p52);
    return _mm256_sub_epi64(_mm256_castpd_si256(_mm256_add_pd(sum, two_52)), _mm256_castpd_si256(two_52));
  }

 private:
  BLINDPROOF_INLINE static Word set(std::uint64_t a) { return _mm256_set1_epi64x(static_cast<long long>(a)); }
  BLINDPROOF_INLINE static Double nearest(Double a) {
    return _mm256_round_pd(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  /// a or a + q, by the sign.
  BLINDPROOF_INLINE static Word add_if_negative(const Constants& k, Word a) {
    const Double sum = _mm256_castsi256_pd(_mm256_add_epi64(a, k.q)), same = _mm256_castsi256_pd(a);
    return _mm256_castpd_si256(_mm256_blendv_pd(same, sum, same));
  }
  /// In [0, q).   Domain: integers in (-q, q).
  BLINDPROOF_INLINE static Word to_word(const Constants& k, Double a) {
    const Double shift = _mm256_set1_pd(0x1.8p52);
    return add_if_negative(k,
                           _mm256_sub_epi64(_mm256_castpd_si256(_mm256_add_pd(a, shift)), _mm256_castpd_si256(shift)));
  }
  /// In (-7/8 q, 7/8 q).
  BLINDPROOF_INLINE static Double lazy_product(const Constants& k, Double a, Double b) {
    const Double high = _mm256_mul_pd(a, b), low = _mm256_fmsub_pd(a, b, high);
    const Double quotient = nearest(_mm256_mul_pd(high, k.reciprocal));
    return _mm256_add_pd(_mm256_fnmadd_pd(quotient, k.q_double, high), low);
  }
  /// |result| <= q/2 + 1.   Domain: integers up to 2^53.
  BLINDPROOF_INLINE static Double lazy_reduce(const Constants& k, Double a) {
    return _mm256_fnmadd_pd(nearest(_mm256_mul_pd(a, k.reciprocal)), k.q_double, a);
  }
};

}  // namespace blindproof::field
