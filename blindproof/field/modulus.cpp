#include "blindproof/field/modulus.h"

#include <algorithm>
#include <string>

namespace blindproof::field {
namespace {

using base::Uint128;

base::Error invalid(std::string place, std::string detail) {
  return base::error(base::ErrorCode::kInvalidArgument, std::move(place), std::move(detail));
}

std::uint64_t multiply_modulo(std::uint64_t a, std::uint64_t b, std::uint64_t n) noexcept {
  return static_cast<std::uint64_t>(static_cast<Uint128>(a) * b % n);
}

std::uint64_t power_modulo(std::uint64_t a, std::uint64_t exponent, std::uint64_t n) noexcept {
  std::uint64_t result = 1 % n;
  for (; exponent != 0; exponent >>= 1) {
    if (exponent & 1) result = multiply_modulo(result, a, n);
    a = multiply_modulo(a, a, n);
  }
  return result;
}

bool is_good_modulus(std::uint64_t value, const std::vector<std::uint64_t>& excluded) {
  return value > 2 && value % 2 == 1 && value >> Modulus::kMaxBits == 0 &&
         std::ranges::find(excluded, value) == excluded.end() && is_prime(value);
}

/// The primes of a walk downwards from 2^bits and, if `both_ways`, upwards.
base::Result<std::vector<std::uint64_t>> ntt_primes(int bits, int log_step, std::size_t count, bool both_ways,
                                                    const std::vector<std::uint64_t>& excluded) {
  if (bits < 2 || bits > Modulus::kMaxBits) {
    return invalid("prime search", "bits must be 2 to " + std::to_string(Modulus::kMaxBits));
  }
  if (log_step < 0 || log_step > Modulus::kMaxBits) {
    return invalid("prime search", "the logarithm of the step must be 0 to " + std::to_string(Modulus::kMaxBits));
  }
  const std::uint64_t center = std::uint64_t{1} << bits, step = std::uint64_t{1} << log_step;
  const std::uint64_t least = center / 2;
  const std::uint64_t limit = std::min(2 * center, std::uint64_t{1} << Modulus::kMaxBits);
  std::uint64_t below = (center - 1) / step * step + 1;  // the largest candidate up to the center
  std::uint64_t above = below + step;
  std::vector<std::uint64_t> primes;
  while (primes.size() < count) {
    const bool has_below = below > least && below <= center, has_above = both_ways && above < limit;
    if (!has_below && !has_above) {
      return invalid("prime search", "there are only " + std::to_string(primes.size()) + " of " +
                                         std::to_string(count) + " primes near 2^" + std::to_string(bits) +
                                         " that are 1 modulo 2^" + std::to_string(log_step));
    }
    const bool take_below = has_below && (!has_above || center - below <= above - center);
    const std::uint64_t candidate = take_below ? below : above;
    (take_below ? below : above) += take_below ? -step : step;
    if (is_good_modulus(candidate, excluded)) primes.push_back(candidate);
  }
  return primes;
}

}  // namespace

bool is_prime(std::uint64_t n) noexcept {
  if (n < 2) return false;
  for (std::uint64_t p : {2u, 3u, 5u, 7u, 11u, 13u, 17u, 19u, 23u, 29u, 31u, 37u}) {
    if (n % p == 0) return n == p;
  }
  const int twos = std::countr_zero(n - 1);
  const std::uint64_t odd = (n - 1) >> twos;
  for (std::uint64_t witness : {2u, 325u, 9375u, 28178u, 450775u, 9780504u, 1795265022u}) {
    std::uint64_t x = witness % n;
    if (x == 0) continue;
    x = power_modulo(x, odd, n);
    bool passes = x == 1 || x == n - 1;
    for (int i = 1; i < twos && !passes; ++i) {
      x = multiply_modulo(x, x, n);
      passes = x == n - 1;
    }
    if (!passes) return false;
  }
  return true;
}

Modulus::Modulus(std::uint64_t value) noexcept : value_(value), bits_(static_cast<int>(std::bit_width(value))) {
  const auto power_over = [&](int exponent) {
    // 2^exponent may have 128 bits: divide 2^exponent - 1, the same since q is odd.
    const Uint128 power_minus_one = ~Uint128{0} >> (128 - exponent);
    return static_cast<std::uint64_t>(power_minus_one / value_);
  };
  reciprocals_.barrett = power_over(bits_ + 63);
  reciprocals_.of_two_64 = power_over(64);
  reciprocals_.two_52 = fixed_factor(reduce(std::uint64_t{1} << 52));
  reciprocals_.two_64 = fixed_factor(subtract_once(0 - reciprocals_.of_two_64 * value_));
}

base::Result<Modulus> Modulus::create(std::uint64_t value) {
  if (!is_good_modulus(value, {})) {
    return invalid("modulus " + std::to_string(value),
                   "must be an odd prime below 2^" + std::to_string(Modulus::kMaxBits));
  }
  return Modulus(value);
}

std::uint64_t Modulus::power(std::uint64_t a, std::uint64_t exponent) const noexcept {
  std::uint64_t result = 1;
  for (; exponent != 0; exponent >>= 1) {
    if (exponent & 1) result = multiply(result, a);
    a = multiply(a, a);
  }
  return result;
}

std::uint64_t Modulus::inverse(std::uint64_t a) const noexcept { return power(a, value_ - 2); }

base::Result<std::vector<std::uint64_t>> ntt_primes_near(int bits, int log_step, std::size_t count,
                                                         const std::vector<std::uint64_t>& excluded) {
  return ntt_primes(bits, log_step, count, true, excluded);
}

base::Result<std::vector<std::uint64_t>> ntt_primes_below(int bits, int log_step, std::size_t count,
                                                          const std::vector<std::uint64_t>& excluded) {
  return ntt_primes(bits, log_step, count, false, excluded);
}

}  // namespace blindproof::field
