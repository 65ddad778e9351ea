// Butterflies on one value at a time. What an engine is, for the other two (AVX2, AVX-512 IFMA) are its twins:
//
//   Vector        kLanes lazily reduced values; load() and store() keep them so between passes, whatever their form
//   Constants     a modulus, broadcast
//   Twiddle       constants to multiply by
//   Environment   what the processor must be set to, while it lives
//   load_input    from residues in [0, q); store_output to such
//   load_groups   lane l of vector i becomes element i of group l; a group is 8 consecutive words
//   forward       (a, b) := (a + w b, a - w b)
//   inverse       (a, b) := (a + b, w (b - a))
//   inverse_scaled  (a, b) := (f a + f b, w (b - a)), the last stage
//
// forward takes whether it is the first stage of its pass, and inverse whether the sum must be reduced; an engine whose
// ranges don't need that may ignore it. Ranges here: forward keeps values in [0, 4q), inverse in [0, 2q).
#pragma once

#include <cstddef>
#include <cstdint>

#include "blindproof/base/int128.h"
#include "blindproof/field/prime_field.h"
#include "blindproof/poly/ntt_kernels.h"

namespace blindproof::poly {

template <class Isa>
struct PortableNttLanes {
  static constexpr std::size_t kLanes = 1;
  using Vector = std::uint64_t;

  struct Environment {
    Environment() noexcept {}  // used, as compilers see it
  };

  struct Constants {
    BLINDPROOF_INLINE explicit Constants(const field::Modulus& modulus) : q(modulus.value()) {}
    std::uint64_t q;
  };

  struct Twiddle {
    std::uint64_t value, quotient;  // floor(value 2^64 / q), its last 12 bits missing
  };

  BLINDPROOF_INLINE static Vector load_input(const Constants&, const std::uint64_t* p) { return *p; }
  BLINDPROOF_INLINE static Vector load(const std::uint64_t* p) { return *p; }
  BLINDPROOF_INLINE static void store(std::uint64_t* p, Vector a) { *p = a; }
  /// Domain: [0, 4q).
  BLINDPROOF_INLINE static void store_output(const Constants& k, std::uint64_t* p, Vector a) {
    *p = subtract_if_above(subtract_if_above(a, 2 * k.q), k.q);
  }
  BLINDPROOF_INLINE static void load_input_groups(const Constants&, const std::uint64_t* p, Vector (&v)[8]) {
    for (std::size_t i = 0; i < 8; ++i) v[i] = p[i];
  }
  BLINDPROOF_INLINE static void load_groups(const std::uint64_t* p, Vector (&v)[8]) {
    for (std::size_t i = 0; i < 8; ++i) v[i] = p[i];
  }
  BLINDPROOF_INLINE static void store_groups(std::uint64_t* p, const Vector (&v)[8]) {
    for (std::size_t i = 0; i < 8; ++i) p[i] = v[i];
  }

  BLINDPROOF_INLINE static Twiddle broadcast(const Constants&, std::uint64_t value, std::uint64_t quotient) {
    return {value, quotient << 12};
  }
  BLINDPROOF_INLINE static Twiddle load_twiddle(const Constants&, const std::uint64_t* value,
                                                const std::uint64_t* quotient) {
    return {*value, *quotient << 12};
  }
  BLINDPROOF_INLINE static Twiddle load_reversed_twiddle(const Constants& k, const std::uint64_t* value,
                                                         const std::uint64_t* quotient) {
    return load_twiddle(k, value, quotient);
  }

  template <bool kFirstStage>
  BLINDPROOF_INLINE static void forward(const Constants& k, Vector& a, Vector& b, const Twiddle& w) {
    const Vector x = subtract_if_above(a, 2 * k.q), y = multiply(k, b, w);
    a = x + y;
    b = x + 2 * k.q - y;
  }
  template <bool kReduceSum>
  BLINDPROOF_INLINE static void inverse(const Constants& k, Vector& a, Vector& b, const Twiddle& w) {
    const Vector sum = a + b, difference = b + 2 * k.q - a;
    a = subtract_if_above(sum, 2 * k.q);
    b = multiply(k, difference, w);
  }
  BLINDPROOF_INLINE static void inverse_scaled(const Constants& k, Vector& a, Vector& b, const Twiddle& f,
                                               const Twiddle& w) {
    const Vector sum = a + b, difference = b + 2 * k.q - a;
    a = multiply(k, sum, f);
    b = multiply(k, difference, w);
  }

 private:
  BLINDPROOF_INLINE static Vector subtract_if_above(Vector a, std::uint64_t bound) {
    const Vector difference = a - bound;
    return difference + (bound & -(difference >> 63));
  }
  /// In [0, 2q).   Domain: a < 2^52.
  BLINDPROOF_INLINE static Vector multiply(const Constants& k, Vector a, const Twiddle& w) {
    return a * w.value - static_cast<std::uint64_t>(static_cast<base::Uint128>(a) * w.quotient >> 64) * k.q;
  }
};

}  // namespace blindproof::poly
