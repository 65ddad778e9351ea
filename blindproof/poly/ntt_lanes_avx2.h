// Four butterflies at a time with AVX2 and FMA; ntt_lanes_portable.h says what the functions mean. Only sources
// compiled for both may include this.
//
// Values are signed integers in doubles, between passes too. A product by w, |w| < q/2, is exact but for the multiple
// of q that is taken off: with |b| <= B q, w/q times b is off by at most 3 2^-53 B q/2 < 3/16 B, so that the product is
// at most (1/2 + 3/16 B) q. Everything must stay below 2^53, or 8q:
//   forward   A pass starts by reducing what it doesn't multiply to q/2. From values up to 3.41 q, its stages give at
//             most 1.15 q + q/2, then 2.5 q, then 3.41 q.
//   inverse   From values up to 1.3 q, sums and products of the first stage are at most 2.6 q and 0.99 q, those of the
//             second 5.2 q and 1.48 q, of which the sums of sums are reduced; the third takes differences of at most
//             3.96 q, so that products are at most 1.25 q, and reduces its sums, but for that of two reduced ones.
#pragma once

#include <cstddef>
#include <cstdint>

#include "blindproof/field/intrinsics.h"
#include "blindproof/field/prime_field.h"
#include "blindproof/poly/ntt_kernels.h"

namespace blindproof::poly {

template <class Isa>
struct Avx2NttLanes {
  static constexpr std::size_t kLanes = 4;
  using Vector = __m256d;

  struct Environment {
    Environment() noexcept {}  // used, as compilers see it
  };

  struct Constants {
    BLINDPROOF_INLINE explicit Constants(const field::Modulus& modulus)
        : q(_mm256_set1_pd(static_cast<double>(modulus.value()))),
          half(_mm256_set1_pd(static_cast<double>(modulus.value() / 2))),
          reciprocal(_mm256_set1_pd(1.0 / static_cast<double>(modulus.value()))),
          q_word(_mm256_set1_epi64x(static_cast<long long>(modulus.value()))) {}
    Vector q, half, reciprocal;
    __m256i q_word;
  };

  struct Twiddle {
    Vector value, ratio;  // in (-q/2, q/2), and over q
  };

  BLINDPROOF_INLINE static Vector load(const std::uint64_t* p) {
    return _mm256_loadu_pd(reinterpret_cast<const double*>(p));
  }
  BLINDPROOF_INLINE static void store(std::uint64_t* p, Vector a) { _mm256_storeu_pd(reinterpret_cast<double*>(p), a); }
  BLINDPROOF_INLINE static Vector load_input(const Constants&, const std::uint64_t* p) { return to_double(words(p)); }
  BLINDPROOF_INLINE static void store_output(const Constants& k, std::uint64_t* p, Vector a) {
    const Vector shift = _mm256_set1_pd(0x1.8p52);
    const __m256i word =
        _mm256_sub_epi64(_mm256_castpd_si256(_mm256_add_pd(reduce(k, a), shift)), _mm256_castpd_si256(shift));
    const Vector same = _mm256_castsi256_pd(word), sum = _mm256_castsi256_pd(_mm256_add_epi64(word, k.q_word));
    store(p, _mm256_blendv_pd(same, sum, same));
  }
  BLINDPROOF_INLINE static void load_groups(const std::uint64_t* p, Vector (&v)[8]) {
    for (std::size_t half = 0; half < 8; half += 4) {
      Vector part[4];
      for (std::size_t l = 0; l < 4; ++l) part[l] = load(p + 8 * l + half);
      transpose(part);
      for (std::size_t i = 0; i < 4; ++i) v[half + i] = part[i];
    }
  }
  BLINDPROOF_INLINE static void store_groups(std::uint64_t* p, const Vector (&v)[8]) {
    for (std::size_t half = 0; half < 8; half += 4) {
      Vector part[4];
      for (std::size_t i = 0; i < 4; ++i) part[i] = v[half + i];
      transpose(part);
      for (std::size_t l = 0; l < 4; ++l) store(p + 8 * l + half, part[l]);
    }
  }

  BLINDPROOF_INLINE static Twiddle broadcast(const Constants& k, std::uint64_t value, std::uint64_t) {
    return twiddle(k, _mm256_set1_epi64x(static_cast<long long>(value)));
  }
  BLINDPROOF_INLINE static Twiddle load_twiddle(const Constants& k, const std::uint64_t* value, const std::uint64_t*) {
    return twiddle(k, words(value));
  }
  BLINDPROOF_INLINE static Twiddle load_reversed_twiddle(const Constants& k, const std::uint64_t* value,
                                                         const std::uint64_t*) {
    return twiddle(k, _mm256_permute4x64_epi64(words(value), 0x1b));
  }

  template <bool kFirstStage>
  BLINDPROOF_INLINE static void forward(const Constants& k, Vector& a, Vector& b, const Twiddle& w) {
    const Vector x = kFirstStage ? reduce(k, a) : a, y = multiply(k, b, w);
    a = _mm256_add_pd(x, y);
    b = _mm256_sub_pd(x, y);
  }
  template <bool kReduceSum>
  BLINDPROOF_INLINE static void inverse(const Constants& k, Vector& a, Vector& b, const Twiddle& w) {
    const Vector sum = _mm256_add_pd(a, b), difference = _mm256_sub_pd(b, a);
    a = kReduceSum ? reduce(k, sum) : sum;
    b = multiply(k, difference, w);
  }
  BLINDPROOF_INLINE static void inverse_scaled(const Constants& k, Vector& a, Vector& b, const Twiddle& f,
                                               const Twiddle& w) {
    const Vector sum = _mm256_add_pd(a, b), difference = _mm256_sub_pd(b, a);
    a = multiply(k, sum, f);
    b = multiply(k, difference, w);
  }

 private:
  BLINDPROOF_INLINE static __m256i words(const std::uint64_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  /// Domain: a < 2^52.
  BLINDPROOF_INLINE static Vector to_double(__m256i a) {
    const Vector two_52 = _mm256_set1_pd(0x1p52);
    return _mm256_sub_pd(_mm256_castsi256_pd(_mm256_or_si256(a, _mm256_castpd_si256(two_52))), two_52);
  }
  BLINDPROOF_INLINE static Vector nearest(Vector a) {
    return _mm256_round_pd(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  BLINDPROOF_INLINE static Twiddle twiddle(const Constants& k, __m256i value) {
    const Vector w = to_double(value);
    const Vector centered = _mm256_sub_pd(w, _mm256_and_pd(_mm256_cmp_pd(w, k.half, _CMP_GT_OQ), k.q));
    return {centered, _mm256_mul_pd(centered, k.reciprocal)};
  }
  /// At most q/2, but for the last bits of the quotient's rounding.
  BLINDPROOF_INLINE static Vector reduce(const Constants& k, Vector a) {
    return _mm256_fnmadd_pd(nearest(_mm256_mul_pd(a, k.reciprocal)), k.q, a);
  }
  BLINDPROOF_INLINE static Vector multiply(const Constants& k, Vector a, const Twiddle& w) {
    const Vector high = _mm256_mul_pd(a, w.value), low = _mm256_fmsub_pd(a, w.value, high);
    return _mm256_add_pd(_mm256_fnmadd_pd(nearest(_mm256_mul_pd(a, w.ratio)), k.q, high), low);
  }
  BLINDPROOF_INLINE static void transpose(Vector (&v)[4]) {
    const Vector a = _mm256_unpacklo_pd(v[0], v[1]), b = _mm256_unpackhi_pd(v[0], v[1]);
    const Vector c = _mm256_unpacklo_pd(v[2], v[3]), d = _mm256_unpackhi_pd(v[2], v[3]);
    v[0] = _mm256_permute2f128_pd(a, c, 0x20);
    v[1] = _mm256_permute2f128_pd(b, d, 0x20);
    v[2] = _mm256_permute2f128_pd(a, c, 0x31);
    v[3] = _mm256_permute2f128_pd(b, d, 0x31);
  }
};

}  // namespace blindproof::poly
