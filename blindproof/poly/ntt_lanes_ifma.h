// Eight butterflies at a time with AVX-512 IFMA; ntt_lanes_portable.h says what the functions mean.
//
// A product w b - floor(b w' / 2^52) q lies in [0, 2q) for any b below 2^52, which is why lazy values stay below 4q:
// forward keeps them in [0, 4q), inverse in [0, 2q) before each stage. Multiplications read 52 bits alone, so forward's
// values carry a multiple of 2^52 along until they are reduced. Only sources compiled for AVX-512 IFMA may include
// this.
#pragma once

#include <cstddef>
#include <cstdint>

#include "blindproof/field/intrinsics.h"
#include "blindproof/field/prime_field.h"
#include "blindproof/poly/ntt_kernels.h"

namespace blindproof::poly {

template <class Isa>
struct IfmaNttLanes {
  static constexpr std::size_t kLanes = 8;
  using Vector = __m512i;

  struct Constants {
    BLINDPROOF_INLINE explicit Constants(const field::Modulus& modulus)
        : q(set(modulus.value())),
          q2(set(2 * modulus.value())),
          minus_q(set((0 - modulus.value()) & kLow52)),
          mask(set(kLow52)),
          two(set(2)) {}
    Vector q, q2;
    Vector minus_q;  // modulo 2^52
    Vector mask;
    Vector two;
  };

  struct Twiddle {
    Vector value, quotient;
  };

  /// Standard floating-point control while it lives: subtract_if_above() compares denormal numbers and NaNs.
  class Environment {
   public:
    Environment() : before_(_mm_getcsr()) { _mm_setcsr(kStandard); }
    Environment(const Environment&) = delete;
    Environment& operator=(const Environment&) = delete;
    ~Environment() { _mm_setcsr(before_); }

   private:
    static constexpr unsigned kStandard = 0x1f80;
    unsigned before_;
  };

  BLINDPROOF_INLINE static Vector load(const std::uint64_t* p) { return _mm512_loadu_si512(p); }
  BLINDPROOF_INLINE static void store(std::uint64_t* p, Vector a) { _mm512_storeu_si512(p, a); }
  BLINDPROOF_INLINE static Vector load_input(const Constants&, const std::uint64_t* p) { return load(p); }
  /// Domain: [0, 4q), modulo 2^52.
  BLINDPROOF_INLINE static void store_output(const Constants& k, std::uint64_t* p, Vector a) {
    store(p, subtract_if_above(subtract_if_above(_mm512_and_si512(a, k.mask), k.q2), k.q));
  }
  BLINDPROOF_INLINE static void load_groups(const std::uint64_t* p, Vector (&v)[8]) {
    for (std::size_t i = 0; i < 8; ++i) v[i] = load(p + 8 * i);
    transpose(v);
  }
  BLINDPROOF_INLINE static void store_groups(std::uint64_t* p, Vector (&v)[8]) {
    transpose(v);
    for (std::size_t i = 0; i < 8; ++i) store(p + 8 * i, v[i]);
  }

  BLINDPROOF_INLINE static Twiddle broadcast(const Constants&, std::uint64_t value, std::uint64_t quotient) {
    return {set(value), set(quotient)};
  }
  BLINDPROOF_INLINE static Twiddle load_twiddle(const Constants&, const std::uint64_t* value,
                                                const std::uint64_t* quotient) {
    return {load(value), load(quotient)};
  }
  BLINDPROOF_INLINE static Twiddle load_reversed_twiddle(const Constants&, const std::uint64_t* value,
                                                         const std::uint64_t* quotient) {
    const Vector order = _mm512_set_epi64(0, 1, 2, 3, 4, 5, 6, 7);
    return {_mm512_permutexvar_epi64(order, load(value)), _mm512_permutexvar_epi64(order, load(quotient))};
  }

  template <bool kFirstStage>
  BLINDPROOF_INLINE static void forward(const Constants& k, Vector& a, Vector& b, const Twiddle& w) {
    const Vector x = subtract_if_above(_mm512_and_si512(a, k.mask), k.q2);
    a = add_product(k, x, b, w);
    b = _mm512_sub_epi64(_mm512_madd52lo_epu64(k.q2, x, k.two), a);
  }
  template <bool kReduceSum>
  BLINDPROOF_INLINE static void inverse(const Constants& k, Vector& a, Vector& b, const Twiddle& w) {
    const Vector sum = _mm512_add_epi64(a, b), difference = _mm512_sub_epi64(_mm512_add_epi64(b, k.q2), a);
    a = subtract_if_above(sum, k.q2);
    b = _mm512_and_si512(product(k, difference, w), k.mask);
  }
  BLINDPROOF_INLINE static void inverse_scaled(const Constants& k, Vector& a, Vector& b, const Twiddle& f,
                                               const Twiddle& w) {
    const Vector sum = _mm512_add_epi64(a, b), difference = _mm512_sub_epi64(_mm512_add_epi64(b, k.q2), a);
    a = product(k, sum, f);
    b = product(k, difference, w);
  }

 private:
  static constexpr std::uint64_t kLow52 = (std::uint64_t{1} << 52) - 1;

  BLINDPROOF_INLINE static Vector set(std::uint64_t a) { return _mm512_set1_epi64(static_cast<long long>(a)); }
  /// The minimum of two doubles, for it leaves the multipliers free where that of two integers takes their turns. As
  /// doubles, integers of 52 bits keep their order, and a negative one is no number: then the second operand results.
  BLINDPROOF_INLINE static Vector subtract_if_above(Vector a, Vector bound) {
    return _mm512_castpd_si512(
        _mm512_min_pd(_mm512_castsi512_pd(_mm512_sub_epi64(a, bound)), _mm512_castsi512_pd(a)));
  }
  /// sum + w a, with w a in [0, 2q), and a multiple of 2^52.   Domain: a < 2^52, or that modulo 2^52.
  BLINDPROOF_INLINE static Vector add_product(const Constants& k, Vector sum, Vector a, const Twiddle& w) {
    const Vector quotient = _mm512_madd52hi_epu64(_mm512_setzero_si512(), a, w.quotient);
    return _mm512_madd52lo_epu64(_mm512_madd52lo_epu64(sum, a, w.value), quotient, k.minus_q);
  }
  BLINDPROOF_INLINE static Vector product(const Constants& k, Vector a, const Twiddle& w) {
    return add_product(k, _mm512_setzero_si512(), a, w);
  }

  BLINDPROOF_INLINE static void transpose(Vector (&v)[8]) {
    Vector pairs[8], quads[8];
    for (std::size_t i = 0; i < 8; i += 2) {
      pairs[i] = _mm512_unpacklo_epi64(v[i], v[i + 1]);
      pairs[i + 1] = _mm512_unpackhi_epi64(v[i], v[i + 1]);
    }
    // quads[4h + 2e + i]: 128-bit blocks e, e + 2 of rows 4h .. 4h + 3, their words i.
    for (std::size_t h = 0; h < 8; h += 4) {
      for (std::size_t i = 0; i < 2; ++i) {
        quads[h + i] = _mm512_shuffle_i64x2(pairs[h + i], pairs[h + 2 + i], 0x88);
        quads[h + 2 + i] = _mm512_shuffle_i64x2(pairs[h + i], pairs[h + 2 + i], 0xdd);
      }
    }
    for (std::size_t i = 0; i < 2; ++i) {
      // Blocks 0, 2 of two rows, then of the other two: elements i, 4 + i; and 2 + i, 6 + i from blocks 1, 3.
      v[i] = _mm512_shuffle_i64x2(quads[i], quads[4 + i], 0x88);
      v[4 + i] = _mm512_shuffle_i64x2(quads[i], quads[4 + i], 0xdd);
      v[2 + i] = _mm512_shuffle_i64x2(quads[2 + i], quads[6 + i], 0x88);
      v[6 + i] = _mm512_shuffle_i64x2(quads[2 + i], quads[6 + i], 0xdd);
    }
  }
};

}  // namespace blindproof::poly
