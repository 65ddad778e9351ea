// Upper bounds on |value| that may be far above 128 bits: exact below 2^64, rounded upwards above.
#pragma once

#include <cstdint>
#include <utility>

#include "blindproof/base/int128.h"

namespace blindproof::model {

class Magnitude {
 public:
  Magnitude() = default;
  explicit Magnitude(base::Uint128 value) : Magnitude(value, 0) {}
  /// |value|.
  static Magnitude of(base::Int128 value) {
    return Magnitude(value < 0 ? -static_cast<base::Uint128>(value) : static_cast<base::Uint128>(value));
  }

  friend Magnitude operator*(Magnitude a, Magnitude b) {
    return {static_cast<base::Uint128>(a.mantissa_) * b.mantissa_, a.exponent_ + b.exponent_};
  }
  friend Magnitude operator+(Magnitude a, Magnitude b) {
    if (a.exponent_ < b.exponent_) std::swap(a, b);
    const int distance = a.exponent_ - b.exponent_;
    std::uint64_t low = b.mantissa_;
    if (distance > 0) {
      const std::uint64_t kept = distance < 64 ? low >> distance : 0;
      const bool lost = distance < 64 ? (kept << distance) != low : low != 0;
      low = kept;
      if (lost) return {static_cast<base::Uint128>(a.mantissa_) + low + 1, a.exponent_};
    }
    return {static_cast<base::Uint128>(a.mantissa_) + low, a.exponent_};
  }
  static Magnitude max(Magnitude a, Magnitude b) { return a < b ? b : a; }
  friend bool operator<(Magnitude a, Magnitude b) {
    return a.exponent_ != b.exponent_ ? a.exponent_ < b.exponent_ : a.mantissa_ < b.mantissa_;
  }

  /// The least n such that |value| < 2^n is known.
  int bits() const { return exponent_ + base::bit_length(mantissa_); }

 private:
  // Far above every limit; keeps exponents from overflowing under repeated squaring.
  static constexpr int kMaxExponent = 1 << 20;

  Magnitude(base::Uint128 mantissa, int exponent) : exponent_(exponent) {
    const int excess = base::bit_length(mantissa) - 64;
    if (excess > 0) {
      const base::Uint128 kept = mantissa >> excess;
      const bool lost = (kept << excess) != mantissa;
      mantissa = kept + (lost ? 1 : 0);
      exponent_ += excess;
      if (mantissa >> 64 != 0) {
        mantissa >>= 1;  // it was rounded up to 2^64
        ++exponent_;
      }
    }
    if (mantissa == 0) exponent_ = 0;
    if (exponent_ > kMaxExponent) exponent_ = kMaxExponent;
    mantissa_ = static_cast<std::uint64_t>(mantissa);
  }

  // A positive exponent implies mantissa_ >= 2^63, so that comparison is by exponent first.
  std::uint64_t mantissa_ = 0;
  int exponent_ = 0;
};

}  // namespace blindproof::model
