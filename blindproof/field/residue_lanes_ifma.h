// Eight residues at a time with AVX-512 IFMA; residue_lanes_portable.h says what the functions mean. Only sources
// compiled for it may include this.
#pragma once

#include <cstddef>
#include <cstdint>

#include "blindproof/field/intrinsics.h"
#include "blindproof/field/modulus.h"
#include "blindproof/field/prime_field.h"

namespace blindproof::field {

template <class Isa>
struct IfmaResidueLanes {
  static constexpr std::size_t kLanes = 8;
  // Upper halves of products are below 2^48, and 15 of them with what the lower halves carry below 2^52.
  static constexpr std::size_t kTermsBetweenFolds = 15;
  static constexpr std::size_t kConversionPacks = 3;
  static constexpr bool kPermutesBlocks = true;
  using Word = __m512i;
  using Operand = __m512i;
  using Double = __m512d;

  struct Constants {
    BLINDPROOF_INLINE explicit Constants(const Modulus& modulus)
        : q(set(modulus.value())),
          q2(set(2 * modulus.value())),
          minus_q(set((0 - modulus.value()) & kLow52)),
          mask(set(kLow52)),
          barrett(set(modulus.reciprocals().barrett >> 12)),
          of_two_52(set(modulus.reciprocals().of_two_64 >> 12)),
          two_52(set(modulus.reciprocals().two_52.value)),
          two_52_quotient(set(modulus.reciprocals().two_52.quotient)),
          shift(_mm_cvtsi32_si128(52 - modulus.bits())) {}
    Word q, q2;
    Word minus_q;  // modulo 2^52
    Word mask;
    Word barrett;    // floor(2^(bits + 51) / q)
    Word of_two_52;  // floor(2^52 / q)
    Word two_52, two_52_quotient;
    __m128i shift;
  };

  struct Factor {
    Word value, quotient;
  };

  BLINDPROOF_INLINE static Word load(const std::uint64_t* p) { return _mm512_loadu_si512(p); }
  BLINDPROOF_INLINE static void store(std::uint64_t* p, Word a) { _mm512_storeu_si512(p, a); }
  BLINDPROOF_INLINE static Operand operand(Word a) { return a; }
  BLINDPROOF_INLINE static Operand broadcast(std::uint64_t a) { return set(a); }
  BLINDPROOF_INLINE static Factor factor(const Constants&, const FixedFactor& c) {
    return {set(c.value), set(c.quotient)};
  }

  BLINDPROOF_INLINE static Word add(const Constants& k, Word a, Word b) {
    return subtract_if_above(_mm512_add_epi64(a, b), k.q);
  }
  BLINDPROOF_INLINE static Word subtract(const Constants& k, Word a, Word b) {
    const Word difference = _mm512_sub_epi64(a, b);
    return _mm512_min_epu64(difference, _mm512_add_epi64(difference, k.q));
  }
  BLINDPROOF_INLINE static Word negate(const Constants& k, Word a) {
    return subtract_if_above(_mm512_sub_epi64(k.q, a), k.q);
  }
  BLINDPROOF_INLINE static Word multiply(const Constants& k, Operand a, Operand b) {
    // floor(2ab / 2^bits) is short by less than 1, the reciprocal's part by less than 1/2, the quotient's floor by 1.
    const Word high = high_half(_mm512_add_epi64(a, a), _mm512_sll_epi64(b, k.shift));
    const Word quotient = high_half(high, k.barrett);
    const Word r = low_difference(k, _mm512_madd52lo_epu64(_mm512_setzero_si512(), a, b), quotient);
    return subtract_if_above(subtract_if_above(r, k.q2), k.q);
  }
  BLINDPROOF_INLINE static Word scale(const Constants& k, Word a, const Factor& c) {
    const Word product = _mm512_madd52lo_epu64(_mm512_setzero_si512(), a, c.value);
    return subtract_if_above(low_difference(k, product, high_half(a, c.quotient)), k.q);
  }
  BLINDPROOF_INLINE static Word reduce(const Constants& k, Word a) {
    return subtract_if_above(low_difference(k, a, high_half(a, k.of_two_52)), k.q);
  }
  BLINDPROOF_INLINE static Word reduce_signed(const Constants& k, Word a) {
    const Word magnitude = _mm512_abs_epi64(a);
    const Word r = Sum{_mm512_and_si512(magnitude, k.mask), _mm512_srli_epi64(magnitude, 52)}.value(k);
    return subtract_if_above(_mm512_mask_sub_epi64(r, _mm512_movepi64_mask(a), k.q, r), k.q);
  }
  BLINDPROOF_INLINE static Word add_if_above(Word a, std::uint64_t bound, std::uint64_t increment) {
    return _mm512_mask_add_epi64(a, _mm512_cmpgt_epu64_mask(a, set(bound)), a, set(increment));
  }

  BLINDPROOF_INLINE static bool permute_block(const std::uint32_t* permutation, const std::uint64_t* in,
                                              std::uint64_t* out) {
    Word indices[8], rows[8], different = _mm512_setzero_si512();
    for (std::size_t i = 0; i < 8; ++i) {
      indices[i] = _mm512_cvtepu32_epi64(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(permutation + 8 * i)));
      different = _mm512_or_si512(different, _mm512_xor_si512(indices[i], indices[0]));
    }
    if (_mm512_cmpgt_epu64_mask(different, set(63)) != 0) return false;
    for (std::size_t i = 0; i < 8; ++i) rows[i] = load(in + 8 * i);
    for (std::size_t i = 0; i < 8; ++i) {
      const __mmask8 odd_pair = _mm512_test_epi64_mask(indices[i], set(16));
      const __mmask8 upper_half = _mm512_test_epi64_mask(indices[i], set(32));
      Word pairs[4];
      for (std::size_t j = 0; j < 4; ++j) {
        pairs[j] = _mm512_permutex2var_epi64(rows[2 * j], indices[i], rows[2 * j + 1]);
      }
      const Word low = _mm512_mask_blend_epi64(odd_pair, pairs[0], pairs[1]);
      const Word high = _mm512_mask_blend_epi64(odd_pair, pairs[2], pairs[3]);
      store(out + 8 * i, _mm512_mask_blend_epi64(upper_half, low, high));
    }
    return true;
  }

  struct Sum {
    Word low = _mm512_setzero_si512(), high = _mm512_setzero_si512();

    BLINDPROOF_INLINE void add_product(const Constants&, Operand a, Operand b) {
      low = _mm512_madd52lo_epu64(low, a, b);
      high = _mm512_madd52hi_epu64(high, a, b);
    }
    BLINDPROOF_INLINE void fold(const Constants& k) {
      low = lazy_value(k);
      high = _mm512_setzero_si512();
    }
    BLINDPROOF_INLINE Word value(const Constants& k) const {
      return subtract_if_above(subtract_if_above(lazy_value(k), k.q2), k.q);
    }

   private:
    /// In [0, 4q): both quotients are short by less than 2.
    BLINDPROOF_INLINE Word lazy_value(const Constants& k) const {
      const Word top = _mm512_add_epi64(high, _mm512_srli_epi64(low, 52)), bottom = _mm512_and_si512(low, k.mask);
      const Word quotient = _mm512_madd52hi_epu64(high_half(top, k.two_52_quotient), bottom, k.of_two_52);
      return low_difference(k, _mm512_madd52lo_epu64(bottom, top, k.two_52), quotient);
    }
  };

  BLINDPROOF_INLINE static Double zero() { return _mm512_setzero_pd(); }
  BLINDPROOF_INLINE static Double add_scaled(Double sum, Word y, double reciprocal) {
    return _mm512_add_pd(sum, _mm512_mul_pd(_mm512_cvtepu64_pd(y), _mm512_set1_pd(reciprocal)));
  }
  BLINDPROOF_INLINE static Word round(Double sum) {
    const Double two_52 = _mm512_set1_pd(0x1p52);
    return _mm512_sub_epi64(_mm512_castpd_si512(_mm512_add_pd(sum, two_52)), _mm512_castpd_si512(two_52));
  }

 private:
  static constexpr std::uint64_t kLow52 = (std::uint64_t{1} << 52) - 1;

  BLINDPROOF_INLINE static Word set(std::uint64_t a) { return _mm512_set1_epi64(static_cast<long long>(a)); }
  BLINDPROOF_INLINE static Word subtract_if_above(Word a, Word bound) {
    return _mm512_min_epu64(a, _mm512_sub_epi64(a, bound));
  }
  BLINDPROOF_INLINE static Word high_half(Word a, Word b) {
    return _mm512_madd52hi_epu64(_mm512_setzero_si512(), a, b);
  }
  /// a - quotient * q modulo 2^52.
  BLINDPROOF_INLINE static Word low_difference(const Constants& k, Word a, Word quotient) {
    return _mm512_and_si512(_mm512_madd52lo_epu64(a, quotient, k.minus_q), k.mask);
  }
};

}  // namespace blindproof::field
