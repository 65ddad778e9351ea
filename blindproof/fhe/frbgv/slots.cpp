#include "blindproof/fhe/frbgv/slots.h"

#include <bit>
#include <string>

#include "blindproof/base/check.h"
#include "blindproof/base/int128.h"
#include "blindproof/field/modulus.h"
#include "blindproof/field/prime_field.h"

namespace blindproof::fhe::frbgv {
namespace {

using base::ErrorCode;
using base::Uint128;

std::uint64_t power_plain(std::uint64_t a, std::uint64_t exponent, std::uint64_t t) {
  std::uint64_t result = 1;
  for (; exponent != 0; exponent >>= 1) {
    if ((exponent & 1) != 0) result = static_cast<std::uint64_t>(static_cast<Uint128>(result) * a % t);
    a = static_cast<std::uint64_t>(static_cast<Uint128>(a) * a % t);
  }
  return result;
}

}  // namespace

base::Result<std::uint64_t> plaintext_prime(std::uint64_t bound, std::size_t degree) {
  const std::uint64_t step = 2 * static_cast<std::uint64_t>(degree), limit = std::uint64_t{1} << kMaxPlaintextBits;
  if (bound < limit) {
    for (std::uint64_t t = (bound / step + 1) * step + 1; t < limit; t += step) {
      if (field::is_prime(t)) return t;
    }
  }
  return base::error(ErrorCode::kUnsupported, "plaintext modulus",
                     "values need more than " + std::to_string(kMaxPlaintextBits) + " bits: use fewer bits for weights or inputs");
}

base::Result<SlotEncoder> SlotEncoder::create(std::size_t degree, std::uint64_t t) {
  if (!std::has_single_bit(degree) || degree < 2 || t >= std::uint64_t{1} << kMaxPlaintextBits || t % (2 * degree) != 1 || !field::is_prime(t))
    return base::error(ErrorCode::kInvalidArgument, "plaintext modulus", std::to_string(t) + " is no prime below 2^62 that is 1 modulo 2N");
  return SlotEncoder(degree, t);
}

SlotEncoder::SlotEncoder(std::size_t degree, std::uint64_t t)
    : degree_(degree),
      t_(t),
      negative_inverse_(field::detail::negative_inverse(t)),
      one_(static_cast<std::uint64_t>((static_cast<Uint128>(1) << 64) % t)),
      two_64_(static_cast<std::uint64_t>(static_cast<Uint128>(one_) * one_ % t)) {
  std::uint64_t psi = 0;
  for (std::uint64_t g = 2; psi == 0; ++g) {
    const std::uint64_t candidate = power_plain(g, (t - 1) / (2 * degree), t);
    if (power_plain(candidate, degree, t) == t - 1) psi = candidate;
  }
  const std::uint64_t inverse = power_plain(psi, 2 * degree - 1, t);
  roots_.resize(degree);
  inverse_roots_.resize(degree);
  const int bits = std::countr_zero(degree);
  const std::uint64_t step = multiply(psi, two_64_), inverse_step = multiply(inverse, two_64_);
  std::uint64_t a = one_, b = one_;
  for (std::size_t i = 0; i < degree; ++i) {
    std::size_t reversed = 0;
    for (int k = 0; k < bits; ++k) reversed |= (i >> k & 1) << (bits - 1 - k);
    roots_[reversed] = a;
    inverse_roots_[reversed] = b;
    a = multiply(a, step);
    b = multiply(b, inverse_step);
  }
  scale_ = multiply(power_plain(degree % t, t - 2, t), two_64_);
}

std::uint64_t SlotEncoder::add(std::uint64_t a, std::uint64_t b) const noexcept {
  const std::uint64_t r = a + b - t_;
  return r + (t_ & -(r >> 63));
}
std::uint64_t SlotEncoder::subtract(std::uint64_t a, std::uint64_t b) const noexcept {
  const std::uint64_t r = a - b;
  return r + (t_ & -(r >> 63));
}
std::uint64_t SlotEncoder::multiply(std::uint64_t a, std::uint64_t b) const noexcept {
  const Uint128 product = static_cast<Uint128>(a) * b;
  const std::uint64_t m = static_cast<std::uint64_t>(product) * negative_inverse_;
  const std::uint64_t r = static_cast<std::uint64_t>((product + static_cast<Uint128>(m) * t_) >> 64) - t_;
  return r + (t_ & -(r >> 63));
}
std::int64_t SlotEncoder::centered(std::uint64_t a) const noexcept {
  const std::uint64_t above = -((t_ / 2 - a) >> 63);
  return static_cast<std::int64_t>(a - (t_ & above));
}

std::uint64_t SlotEncoder::reduce(const std::uint64_t* limbs) const noexcept {
  // x mod t of a word: x (2^128 mod t) / 2^64 / 2^64 * .. one product by 1 in the transformed form.
  std::uint64_t result = 0;
  for (std::size_t i = 4; i-- > 0;) {
    const std::uint64_t word = multiply(limbs[i], one_);  // below t: limb * t < 2^64 t
    result = add(multiply(result, two_64_), word);
  }
  return result;
}

SecretIntegers SlotEncoder::encode(std::span<const std::int64_t> slots) const {
  BLINDPROOF_CHECK(slots.size() <= degree_, "at most as many values as slots");
  rlwe::SecretVector<std::uint64_t> a(degree_, 0);
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const auto word = static_cast<std::uint64_t>(slots[i]);
    a[i] = word + (t_ & -(word >> 63));
  }
  for (std::size_t n = 1, blocks = degree_ / 2; blocks > 0; n *= 2, blocks /= 2) {
    for (std::size_t b = 0; b < blocks; ++b) {
      const std::uint64_t w = inverse_roots_[blocks + b];
      std::uint64_t* low = a.data() + 2 * n * b;
      for (std::size_t i = 0; i < n; ++i) {
        const std::uint64_t x = low[i], y = low[i + n];
        low[i] = add(x, y);
        low[i + n] = multiply(w, subtract(x, y));
      }
    }
  }
  SecretIntegers out(degree_);
  for (std::size_t i = 0; i < degree_; ++i) out[i] = centered(multiply(a[i], scale_));
  return out;
}

SecretIntegers SlotEncoder::decode(std::span<const std::uint64_t> coefficients) const {
  BLINDPROOF_CHECK(coefficients.size() == degree_, "a polynomial of the ring");
  rlwe::SecretVector<std::uint64_t> a(coefficients.begin(), coefficients.end());
  for (std::size_t n = degree_ / 2, blocks = 1; n > 0; n /= 2, blocks *= 2) {
    for (std::size_t b = 0; b < blocks; ++b) {
      const std::uint64_t w = roots_[blocks + b];
      std::uint64_t* low = a.data() + 2 * n * b;
      for (std::size_t i = 0; i < n; ++i) {
        const std::uint64_t x = low[i], y = multiply(w, low[i + n]);
        low[i] = add(x, y);
        low[i + n] = subtract(x, y);
      }
    }
  }
  SecretIntegers out(degree_);
  for (std::size_t i = 0; i < degree_; ++i) out[i] = centered(a[i]);
  return out;
}

}  // namespace blindproof::fhe::frbgv
