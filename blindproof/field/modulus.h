// Arithmetic modulo a prime chosen at run time: the moduli of ciphertexts and of batched plaintexts.
//
// Every modulus lies below 2^50. That is the one format which the 52-bit integer multipliers of AVX-512 IFMA and the
// double-precision multipliers of AVX2 both serve, with two bits left for lazily reduced sums.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "blindproof/base/int128.h"
#include "blindproof/base/result.h"

namespace blindproof::field {

/// A constant c in [0, q) with floor(c * 2^52 / q): a product by it needs no division.   Ref: Harvey, arXiv:1205.2926.
struct FixedFactor {
  std::uint64_t value;
  std::uint64_t quotient;
};

/// An odd prime q with 2 < q < 2^50.
class Modulus {
 public:
  static constexpr int kMaxBits = 50;

  /// What kernels multiply by instead of dividing by q.
  struct Reciprocals {
    std::uint64_t barrett;    // floor(2^(bits + 63) / q)
    std::uint64_t of_two_64;  // floor(2^64 / q)
    FixedFactor two_52;       // 2^52 mod q
    FixedFactor two_64;       // 2^64 mod q
  };

  /// Errors: kInvalidArgument unless `value` is such a prime.
  static base::Result<Modulus> create(std::uint64_t value);

  std::uint64_t value() const noexcept { return value_; }
  /// ceil(log2(value)).
  int bits() const noexcept { return bits_; }
  const Reciprocals& reciprocals() const noexcept { return reciprocals_; }

  // Requires: operands in [0, q).   Timing: constant in the operands.
  std::uint64_t add(std::uint64_t a, std::uint64_t b) const noexcept { return subtract_once(a + b); }
  std::uint64_t subtract(std::uint64_t a, std::uint64_t b) const noexcept { return add_if_negative(a - b); }
  std::uint64_t negate(std::uint64_t a) const noexcept { return subtract_once(value_ - a); }
  std::uint64_t multiply(std::uint64_t a, std::uint64_t b) const noexcept {
    // floor(2ab / 2^bits) and the reciprocal each lose less than a unit, so the quotient is short by 2 at most.
    const std::uint64_t high = high_half(a << (64 - bits_), b << 1);
    const std::uint64_t r = a * b - high_half(high, reciprocals_.barrett) * value_;
    return subtract_once(subtract_once(r));
  }
  /// Requires: a < 2^52 is enough.
  std::uint64_t multiply(std::uint64_t a, const FixedFactor& factor) const noexcept {
    return subtract_once(a * factor.value - high_half(a, factor.quotient << 12) * value_);
  }
  FixedFactor fixed_factor(std::uint64_t c) const noexcept {
    const std::uint64_t quotient = high_half(c << (64 - bits_), reciprocals_.barrett) >> 11;  // short by 1 at most
    const std::uint64_t rest = (c << 52) - quotient * value_;
    return {c, quotient + 1 - ((rest - value_) >> 63)};
  }
  /// Any 64-bit value to [0, q).
  std::uint64_t reduce(std::uint64_t a) const noexcept {
    return subtract_once(a - high_half(a, reciprocals_.of_two_64) * value_);
  }
  /// The residue of a signed integer.
  std::uint64_t reduce_signed(std::int64_t a) const noexcept {
    const auto word = static_cast<std::uint64_t>(a);
    const std::uint64_t sign = -(word >> 63);
    const std::uint64_t magnitude = reduce((word ^ sign) - sign);
    return add_if_negative((magnitude ^ sign) - sign);
  }
  /// The representative in (-q/2, q/2).
  std::int64_t centered(std::uint64_t a) const noexcept {
    const std::uint64_t above = -((value_ / 2 - a) >> 63);
    return static_cast<std::int64_t>(a - (value_ & above));
  }

  /// Timing: depends on the exponent.
  std::uint64_t power(std::uint64_t a, std::uint64_t exponent) const noexcept;
  /// Requires: a != 0.
  std::uint64_t inverse(std::uint64_t a) const noexcept;

  friend bool operator==(const Modulus& a, const Modulus& b) noexcept { return a.value_ == b.value_; }

 private:
  explicit Modulus(std::uint64_t value) noexcept;

  static std::uint64_t high_half(std::uint64_t a, std::uint64_t b) noexcept {
    return static_cast<std::uint64_t>(static_cast<base::Uint128>(a) * b >> 64);
  }
  // Both for values of less than 63 bits, with the sign in the top bit.
  std::uint64_t add_if_negative(std::uint64_t a) const noexcept { return a + (value_ & -(a >> 63)); }
  std::uint64_t subtract_once(std::uint64_t a) const noexcept { return add_if_negative(a - value_); }

  std::uint64_t value_;
  int bits_;
  Reciprocals reciprocals_;
};

/// Deterministic for all 64-bit values.   Ref: Sinclair's seven bases for Miller-Rabin.
bool is_prime(std::uint64_t n) noexcept;

/// The `count` primes that are 1 modulo 2^log_step, nearest to 2^bits (above and below, by |q - 2^bits|, ties below
/// first), leaving out those in `excluded`; for bits = 50 from below only. For CKKS, whose scale drifts by q/2^bits.
/// Errors: kInvalidArgument if there aren't that many within a factor of two.
base::Result<std::vector<std::uint64_t>> ntt_primes_near(int bits, int log_step, std::size_t count,
                                                         const std::vector<std::uint64_t>& excluded = {});
/// The `count` largest below 2^bits.
base::Result<std::vector<std::uint64_t>> ntt_primes_below(int bits, int log_step, std::size_t count,
                                                          const std::vector<std::uint64_t>& excluded = {});

}  // namespace blindproof::field
