// BN254's two prime fields: Fr (the curve's order; all proofs are over it) and Fq (the curve's coordinates).
//
// An element is four 64-bit limbs, little-endian, in Montgomery form x*2^256 mod p, always fully reduced. This header
// is the scalar arithmetic, portable and exact: the specification of every fast kernel (lanes_portable.h).
//
// Every member is always inlined. Kernel files are compiled with instruction sets that this CPU may lack; a shared
// out-of-line copy compiled there could end up being called from anywhere.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "blindproof/base/int128.h"

#define BLINDPROOF_INLINE __attribute__((always_inline)) inline

namespace blindproof::field {

using Limbs = std::array<std::uint64_t, 4>;

namespace detail {

using base::Uint128;

constexpr bool less(const Limbs& a, const Limbs& b) {
  for (int i = 3; i >= 0; --i) {
    if (a[static_cast<std::size_t>(i)] != b[static_cast<std::size_t>(i)])
      return a[static_cast<std::size_t>(i)] < b[static_cast<std::size_t>(i)];
  }
  return false;
}

/// 2*a mod p, for constants only.
constexpr Limbs double_mod(const Limbs& a, const Limbs& p) {
  Limbs d{};
  std::uint64_t carry = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    d[i] = a[i] << 1 | carry;
    carry = a[i] >> 63;
  }
  if (!less(d, p)) {
    std::uint64_t borrow = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const Uint128 t = static_cast<Uint128>(d[i]) - p[i] - borrow;
      d[i] = static_cast<std::uint64_t>(t);
      borrow = static_cast<std::uint64_t>(t >> 64) & 1;
    }
  }
  return d;
}

/// 2^n mod p.
constexpr Limbs power_of_two_mod(int n, const Limbs& p) {
  Limbs a{1, 0, 0, 0};
  for (int i = 0; i < n; ++i) a = double_mod(a, p);
  return a;
}

/// -p^-1 mod 2^64, by Newton's iteration.
constexpr std::uint64_t negative_inverse(std::uint64_t p) {
  std::uint64_t x = 1;
  for (int i = 0; i < 6; ++i) x *= 2 - p * x;
  return ~x + 1;
}

}  // namespace detail

struct FrParameters {
  // 21888242871839275222246405745257275088548364400416034343698204186575808495617
  static constexpr Limbs kModulus = {0x43e1f593f0000001, 0x2833e84879b97091, 0xb85045b68181585d, 0x30644e72e131a029};
};

struct FqParameters {
  // 21888242871839275222246405745257275088696311157297823662689037894645226208583
  static constexpr Limbs kModulus = {0x3c208c16d87cfd47, 0x97816a916871ca8d, 0xb85045b68181585d, 0x30644e72e131a029};
};

template <class Parameters>
class PrimeField {
 public:
  static constexpr Limbs kModulus = Parameters::kModulus;
  static constexpr std::uint64_t kNegativeInverse = detail::negative_inverse(kModulus[0]);  // -p^-1 mod 2^64
  static constexpr Limbs kR = detail::power_of_two_mod(256, kModulus);                      // one
  static constexpr Limbs kR2 = detail::power_of_two_mod(512, kModulus);
  static constexpr Limbs kR3 = detail::power_of_two_mod(768, kModulus);
  static constexpr Limbs kTwo63 = detail::power_of_two_mod(256 + 63, kModulus);
  static constexpr Limbs kTwo127 = detail::power_of_two_mod(256 + 127, kModulus);
  static constexpr std::size_t kBytes = 32;

  constexpr PrimeField() = default;  // zero

  static BLINDPROOF_INLINE constexpr PrimeField zero() { return PrimeField(); }
  static BLINDPROOF_INLINE constexpr PrimeField one() { return from_montgomery(kR); }
  static BLINDPROOF_INLINE PrimeField from_u64(std::uint64_t value) { return from_limbs({value, 0, 0, 0}); }
  // Timing of both: constant.
  static BLINDPROOF_INLINE PrimeField from_i64(std::int64_t value) {
    constexpr std::uint64_t kTop = std::uint64_t{1} << 63;
    return from_u64(static_cast<std::uint64_t>(value) ^ kTop) - from_montgomery(kTwo63);  // value + 2^63 isn't negative
  }
  static BLINDPROOF_INLINE PrimeField from_i128(base::Int128 value) {
    constexpr std::uint64_t kTop = std::uint64_t{1} << 63;
    const auto bits = static_cast<base::Uint128>(value);
    return from_limbs({static_cast<std::uint64_t>(bits), static_cast<std::uint64_t>(bits >> 64) ^ kTop, 0, 0}) - from_montgomery(kTwo127);
  }
  /// 2^exponent.  Domain: 0 <= exponent < 2^16.
  static constexpr PrimeField power_of_two(int exponent) {
    return from_montgomery(detail::power_of_two_mod(256 + exponent, kModulus));
  }
  /// Requires: value < p (an ordinary integer, not in Montgomery form).
  static BLINDPROOF_INLINE PrimeField from_limbs(const Limbs& value) {
    return from_montgomery(value) * from_montgomery(kR2);
  }
  /// Requires: value < p, already multiplied by 2^256.
  static BLINDPROOF_INLINE constexpr PrimeField from_montgomery(const Limbs& value) {
    PrimeField result;
    result.limbs_ = value;
    return result;
  }
  /// The one canonical encoding: 32 bytes, little-endian, below p. Nothing otherwise.
  static std::optional<PrimeField> from_bytes(std::span<const std::uint8_t, 32> bytes);
  /// 64 bytes, little-endian, reduced mod p: within 2^-256 of uniform if the bytes are uniform.
  static PrimeField from_wide_bytes(std::span<const std::uint8_t, 64> bytes);

  std::array<std::uint8_t, 32> to_bytes() const;
  /// The ordinary integer in [0, p).
  BLINDPROOF_INLINE Limbs to_limbs() const { return (*this * from_montgomery(Limbs{1, 0, 0, 0})).limbs_; }
  BLINDPROOF_INLINE constexpr const Limbs& montgomery() const { return limbs_; }

  BLINDPROOF_INLINE bool is_zero() const { return (limbs_[0] | limbs_[1] | limbs_[2] | limbs_[3]) == 0; }
  friend BLINDPROOF_INLINE bool operator==(const PrimeField& a, const PrimeField& b) {
    return ((a.limbs_[0] ^ b.limbs_[0]) | (a.limbs_[1] ^ b.limbs_[1]) | (a.limbs_[2] ^ b.limbs_[2]) |
            (a.limbs_[3] ^ b.limbs_[3])) == 0;
  }

  friend BLINDPROOF_INLINE PrimeField operator+(const PrimeField& a, const PrimeField& b) {
    PrimeField r;
    unsigned char carry = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const detail::Uint128 t = static_cast<detail::Uint128>(a.limbs_[i]) + b.limbs_[i] + carry;
      r.limbs_[i] = static_cast<std::uint64_t>(t);
      carry = static_cast<unsigned char>(t >> 64);
    }
    r.subtract_modulus_once();  // both below 2^254: no carry out of the top limb
    return r;
  }
  friend BLINDPROOF_INLINE PrimeField operator-(const PrimeField& a, const PrimeField& b) {
    PrimeField r;
    std::uint64_t borrow = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const detail::Uint128 t = static_cast<detail::Uint128>(a.limbs_[i]) - b.limbs_[i] - borrow;
      r.limbs_[i] = static_cast<std::uint64_t>(t);
      borrow = static_cast<std::uint64_t>(t >> 64) & 1;
    }
    const std::uint64_t mask = ~borrow + 1;
    std::uint64_t carry = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const detail::Uint128 t = static_cast<detail::Uint128>(r.limbs_[i]) + (kModulus[i] & mask) + carry;
      r.limbs_[i] = static_cast<std::uint64_t>(t);
      carry = static_cast<std::uint64_t>(t >> 64);
    }
    return r;
  }
  BLINDPROOF_INLINE PrimeField operator-() const { return zero() - *this; }

  // Montgomery product, operand scanning; the modulus has two spare bits, so intermediate values fit four limbs.
  // Ref: Acar's CIOS with the no-carry optimisation (modulus < 2^254).
  friend BLINDPROOF_INLINE PrimeField operator*(const PrimeField& a, const PrimeField& b) {
    using detail::Uint128;
    std::uint64_t t0 = 0, t1 = 0, t2 = 0, t3 = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const std::uint64_t y = b.limbs_[i];
      Uint128 p = static_cast<Uint128>(a.limbs_[0]) * y + t0;
      const std::uint64_t low = static_cast<std::uint64_t>(p);
      const std::uint64_t m = low * kNegativeInverse;
      Uint128 q = static_cast<Uint128>(m) * kModulus[0] + low;
      p = static_cast<Uint128>(a.limbs_[1]) * y + t1 + static_cast<std::uint64_t>(p >> 64);
      q = static_cast<Uint128>(m) * kModulus[1] + static_cast<std::uint64_t>(p) + static_cast<std::uint64_t>(q >> 64);
      t0 = static_cast<std::uint64_t>(q);
      p = static_cast<Uint128>(a.limbs_[2]) * y + t2 + static_cast<std::uint64_t>(p >> 64);
      q = static_cast<Uint128>(m) * kModulus[2] + static_cast<std::uint64_t>(p) + static_cast<std::uint64_t>(q >> 64);
      t1 = static_cast<std::uint64_t>(q);
      p = static_cast<Uint128>(a.limbs_[3]) * y + t3 + static_cast<std::uint64_t>(p >> 64);
      q = static_cast<Uint128>(m) * kModulus[3] + static_cast<std::uint64_t>(p) + static_cast<std::uint64_t>(q >> 64);
      t2 = static_cast<std::uint64_t>(q);
      t3 = static_cast<std::uint64_t>(p >> 64) + static_cast<std::uint64_t>(q >> 64);
    }
    PrimeField r;
    r.limbs_ = {t0, t1, t2, t3};
    r.subtract_modulus_once();
    return r;
  }

  BLINDPROOF_INLINE PrimeField& operator+=(const PrimeField& b) { return *this = *this + b; }
  BLINDPROOF_INLINE PrimeField& operator-=(const PrimeField& b) { return *this = *this - b; }
  BLINDPROOF_INLINE PrimeField& operator*=(const PrimeField& b) { return *this = *this * b; }
  BLINDPROOF_INLINE PrimeField squared() const { return *this * *this; }
  BLINDPROOF_INLINE PrimeField doubled() const { return *this + *this; }

  /// this^exponent, exponent an ordinary 256-bit integer. Timing: depends on the exponent only.
  PrimeField power(const Limbs& exponent) const;
  /// 1/this; zero for zero.  Timing: constant.
  PrimeField inverse() const;
  /// A square root, if there is one. Defined for Fq only (p = 3 mod 4).
  std::optional<PrimeField> square_root() const
    requires(Parameters::kModulus[0] % 4 == 3);

 private:
  /// From [0, 2p) to [0, p), without a branch.
  BLINDPROOF_INLINE void subtract_modulus_once() {
    Limbs d;
    std::uint64_t borrow = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const detail::Uint128 t = static_cast<detail::Uint128>(limbs_[i]) - kModulus[i] - borrow;
      d[i] = static_cast<std::uint64_t>(t);
      borrow = static_cast<std::uint64_t>(t >> 64) & 1;
    }
    const std::uint64_t keep = ~borrow + 1;  // all ones if the value was below p
    for (std::size_t i = 0; i < 4; ++i) limbs_[i] = (limbs_[i] & keep) | (d[i] & ~keep);
  }

  Limbs limbs_{};
};

using Fr = PrimeField<FrParameters>;
using Fq = PrimeField<FqParameters>;

extern template class PrimeField<FrParameters>;
extern template class PrimeField<FqParameters>;

/// Replaces each element by its inverse with one inversion in all; zeros stay zero.
template <class Field>
void batch_invert(std::span<Field> values);

}  // namespace blindproof::field
