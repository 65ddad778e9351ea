// Residues one at a time. What an engine is, for the other two (AVX2, AVX-512 IFMA) are its twins:
//
//   Word           kLanes values below 2^64 as they lie in memory
//   Operand        a residue in the form that the multiplier reads
//   Constants      a modulus, broadcast
//   Factor         a constant to multiply by
//   permute_block  whether 64 indices have the same upper bits: then out[i] = in[permutation[i] % 64]; where
//                  kPermutesBlocks
//   Sum            a sum of products, reduced at the end; after kTermsBetweenFolds products it must be folded, after
//                  which kTermsBetweenFolds more fit. Operands below 2^50, not necessarily below q.
//
// Functions take and give fully reduced residues unless they say otherwise. All are always inlined: a copy that the
// linker could share would carry its instruction set into other files.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "blindproof/field/modulus.h"
#include "blindproof/field/prime_field.h"

namespace blindproof::field {

template <class Isa>
struct PortableResidueLanes {
  static constexpr std::size_t kLanes = 1;
  static constexpr std::size_t kTermsBetweenFolds = 128;
  static constexpr std::size_t kConversionPacks = 4;
  static constexpr bool kPermutesBlocks = false;
  using Word = std::uint64_t;
  using Operand = std::uint64_t;
  using Double = double;

  struct Constants {
    BLINDPROOF_INLINE explicit Constants(const Modulus& modulus) : q(modulus) {}
    const Modulus& q;
  };
  using Factor = FixedFactor;

  BLINDPROOF_INLINE static Word load(const std::uint64_t* p) { return *p; }
  BLINDPROOF_INLINE static void store(std::uint64_t* p, Word a) { *p = a; }
  BLINDPROOF_INLINE static Operand operand(Word a) { return a; }
  BLINDPROOF_INLINE static Operand broadcast(std::uint64_t a) { return a; }
  BLINDPROOF_INLINE static Factor factor(const Constants&, const FixedFactor& c) { return c; }

  BLINDPROOF_INLINE static Word add(const Constants& k, Word a, Word b) { return k.q.add(a, b); }
  BLINDPROOF_INLINE static Word subtract(const Constants& k, Word a, Word b) { return k.q.subtract(a, b); }
  BLINDPROOF_INLINE static Word negate(const Constants& k, Word a) { return k.q.negate(a); }
  BLINDPROOF_INLINE static Word multiply(const Constants& k, Operand a, Operand b) { return k.q.multiply(a, b); }
  BLINDPROOF_INLINE static Word scale(const Constants& k, Word a, const Factor& c) { return k.q.multiply(a, c); }
  /// Domain: a < 2^52.
  BLINDPROOF_INLINE static Word reduce(const Constants& k, Word a) { return k.q.reduce(a); }
  /// Domain: any signed value of less than 63 bits.
  BLINDPROOF_INLINE static Word reduce_signed(const Constants& k, Word a) {
    return k.q.reduce_signed(static_cast<std::int64_t>(a));
  }
  /// a, or a + increment if a > bound.
  BLINDPROOF_INLINE static Word add_if_above(Word a, std::uint64_t bound, std::uint64_t increment) {
    return a + (increment & -((bound - a) >> 63));
  }

  struct Sum {
    base::Uint128 total = 0;
    BLINDPROOF_INLINE void add_product(const Constants&, Operand a, Operand b) {
      total += static_cast<base::Uint128>(a) * b;
    }
    BLINDPROOF_INLINE void fold(const Constants&) {}
    BLINDPROOF_INLINE Word value(const Constants& k) const {
      // The upper half is below 2^43, as a fixed factor wants less than 2^52.
      return k.q.add(k.q.multiply(static_cast<std::uint64_t>(total >> 64), k.q.reciprocals().two_64),
                     k.q.reduce(static_cast<std::uint64_t>(total)));
    }
  };

  // sum_i y_i / q_i, in the same order of roundings everywhere.
  BLINDPROOF_INLINE static Double zero() { return 0; }
  BLINDPROOF_INLINE static Double add_scaled(Double sum, Word y, double reciprocal) {
    return sum + static_cast<double>(y) * reciprocal;
  }
  /// The nearest integer, ties to even.   Domain: [0, 2^50).
  BLINDPROOF_INLINE static Word round(Double sum) {
    return std::bit_cast<std::uint64_t>(sum + 0x1p52) - std::bit_cast<std::uint64_t>(0x1p52);
  }
};

}  // namespace blindproof::field
