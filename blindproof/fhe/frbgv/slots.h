// Plaintexts: N integers modulo a prime t in slots, as the polynomial that takes them at the primitive 2N-th roots of unity modulo t.
// Slot i is the value at psi_t^(2 bitrev(i) + 1), psi_t being the smallest power g^((t - 1) / 2N), g = 2, 3, .., that is primitive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "blindproof/base/result.h"
#include "blindproof/fhe/rlwe/secret_vector.h"

namespace blindproof::fhe::frbgv {

inline constexpr int kMaxPlaintextBits = 62;

using SecretIntegers = rlwe::SecretVector<std::int64_t>;

/// The smallest prime above `bound` that is 1 modulo 2N.   Errors: kUnsupported if that takes more than kMaxPlaintextBits bits.
base::Result<std::uint64_t> plaintext_prime(std::uint64_t bound, std::size_t degree);

class SlotEncoder {
 public:
  /// Errors: kInvalidArgument unless t is a prime below 2^62 and 1 modulo 2N.
  static base::Result<SlotEncoder> create(std::size_t degree, std::uint64_t t);

  std::size_t degree() const noexcept { return degree_; }
  std::uint64_t t() const noexcept { return t_; }

  /// Coefficients in (-t/2, t/2) of the polynomial with these slots, the last ones 0.
  /// Domain: at most N values in (-t/2, t/2).   Timing: constant in the values.
  SecretIntegers encode(std::span<const std::int64_t> slots) const;
  /// Slots in (-t/2, t/2).   Requires: N coefficients in [0, t).   Timing: constant in the values.
  SecretIntegers decode(std::span<const std::uint64_t> coefficients) const;

  /// Of integers of four limbs, little-endian, modulo t.   Timing: constant.
  std::uint64_t reduce(const std::uint64_t* limbs) const noexcept;
  std::uint64_t subtract(std::uint64_t a, std::uint64_t b) const noexcept;

 private:
  SlotEncoder(std::size_t degree, std::uint64_t t);
  std::uint64_t multiply(std::uint64_t a, std::uint64_t b) const noexcept;  // a b / 2^64
  std::uint64_t add(std::uint64_t a, std::uint64_t b) const noexcept;
  std::uint64_t power(std::uint64_t a, std::uint64_t exponent) const noexcept;
  std::int64_t centered(std::uint64_t a) const noexcept;

  std::size_t degree_;
  std::uint64_t t_, negative_inverse_, one_, two_64_;  // one: 2^64 mod t; two_64: 2^128 mod t
  std::uint64_t scale_ = 0;                            // 2^64 / N mod t
  std::vector<std::uint64_t> roots_, inverse_roots_;   // times 2^64 mod t; entry m + b is block b's in the pass with m blocks
};

}  // namespace blindproof::fhe::frbgv
