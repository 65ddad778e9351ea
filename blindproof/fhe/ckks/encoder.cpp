#include "blindproof/fhe/ckks/encoder.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "blindproof/base/check.h"
#include "blindproof/base/thread_pool.h"
#include "blindproof/fhe/rlwe/timing.h"
#include "blindproof/field/residues.h"

namespace blindproof::fhe::ckks {
namespace {

using rlwe::Secrecy;

base::Error invalid(std::string detail) {
  return base::error(base::ErrorCode::kInvalidArgument, "CKKS encoding", std::move(detail));
}

// Coefficients up to 2^62 are rounded to one integer; longer ones are 2^shift times an integer, for doubles have 53 bits.
rlwe::CompactPoly round_to_integers(std::span<const double> scaled, double largest) {
  rlwe::CompactPoly result{rlwe::SecretVector<std::int64_t>(scaled.size()), std::max(0, largest > 0 ? std::ilogb(largest) - 60 : 0)};
  const double factor = std::ldexp(1.0, -result.shift);
  for (std::size_t i = 0; i < scaled.size(); ++i) result.integers[i] = std::llrint(scaled[i] * factor);
  return result;
}

// Balanced mixed radix: x = d_0 + q_0 (d_1 + q_1 (d_2 + ..)) with |d_i| < q_i/2. Small integers have zeros at the top, so
// that few moduli tell them, and one more tells that they were enough.
std::vector<double> to_doubles(const rlwe::NttPoly& poly) {
  const std::size_t n = poly.degree();
  std::vector<rlwe::LimbBuffer> digits;
  bool complete = false;
  for (std::size_t k = 0; k < poly.limbs() && !complete; ++k) {
    const field::Modulus& q = poly.modulus(k);
    rlwe::LimbBuffer& digit = digits.emplace_back(n, Secrecy::kSecret);
    rlwe::LimbBuffer reduced(n, Secrecy::kSecret);
    std::ranges::copy(poly.limb(k), digit.words().begin());
    poly::ntt_inverse(poly.tables(k), digit.words());
    for (std::size_t j = 0; j < k; ++j) {
      const field::Modulus& from = poly.modulus(j);
      field::reduce_from(q, from, digits[j].words(), reduced.words());
      field::subtract_scale(q, digit.words(), reduced.words(), q.inverse(q.reduce(from.value())), digit.words());
    }
    std::uint64_t ones = 0;
    for (const std::uint64_t d : std::as_const(digit).words()) ones |= d;
    complete = k > 0 && ones == 0;
    rlwe::reveal(complete);  // how many moduli the largest coefficient is long
  }
  std::vector<double> result(n, 0.0);
  for (std::size_t k = digits.size(); k-- > 0;) {
    const field::Modulus& q = poly.modulus(k);
    const double radix = static_cast<double>(q.value());
    const std::span<const std::uint64_t> digit = std::as_const(digits[k]).words();
    for (std::size_t i = 0; i < n; ++i) result[i] = result[i] * radix + static_cast<double>(q.centered(digit[i]));
  }
  return result;
}

}  // namespace

Encoder::Encoder(ContextPtr context) : context_(std::move(context)), embedding_(context_->ring()->log_degree()) {}

base::Result<Plaintext> Encoder::encode(std::span<const std::complex<double>> values, int level) const {
  if (level < 0 || level > context_->top_level()) {
    return invalid("level " + std::to_string(level) + " doesn't exist: levels are 0 to " +
                   std::to_string(context_->top_level()));
  }
  return encode(values, level, context_->scale(level));
}

base::Result<Encoder::Scaled> Encoder::scaled(std::span<const std::complex<double>> values, int level, double scale) const {
  if (level < 0 || level > context_->top_level()) {
    return invalid("level " + std::to_string(level) + " doesn't exist: levels are 0 to " +
                   std::to_string(context_->top_level()));
  }
  if (values.size() > embedding_.slots()) {
    return invalid(std::to_string(values.size()) + " values are more than the " + std::to_string(embedding_.slots()) +
                   " slots");
  }
  if (!(scale >= 1) || !std::isfinite(scale)) return invalid("the scale must be a finite number, at least 1");
  double largest_square = 0;
  rlwe::SecretVector<std::complex<double>> slots(embedding_.slots());
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i].real()) || !std::isfinite(values[i].imag())) {
      return invalid("value " + std::to_string(i) + " is not finite");
    }
    largest_square = std::max(largest_square, std::norm(values[i]));
    slots[i] = values[i];
  }
  double magnitude = std::sqrt(largest_square);
  if (!std::isnormal(largest_square)) {  // squares that are too large or too small for a double
    magnitude = 0;
    for (const std::complex<double>& value : values) magnitude = std::max(magnitude, std::abs(value));
  }
  rlwe::SecretVector<double> coefficients(2 * embedding_.slots());
  embedding_.to_coefficients(slots, coefficients);
  double largest = 0;
  for (double& c : coefficients) {
    c *= scale;
    largest = std::max(largest, std::abs(c));
  }
  const double room = context_->ring()->log2_modulus(context_->basis(level)) - 1;
  if (largest > 0 && std::log2(largest) >= room) {
    return invalid("the scaled values need " + std::to_string(std::ilogb(largest) + 2) + " bits, level " +
                   std::to_string(level) + " has " + std::to_string(static_cast<int>(room) + 1));
  }
  return Scaled{std::move(coefficients), largest, magnitude};
}

base::Result<Plaintext> Encoder::encode(std::span<const std::complex<double>> values, int level, double scale) const {
  BLINDPROOF_ASSIGN(const Scaled numbers, scaled(values, level, scale));
  const double degree = static_cast<double>(context_->ring()->degree());
  return Plaintext(context_, level, scale,
                   rlwe::compact_values(context_->ring(), context_->basis(level), round_to_integers(numbers.coefficients, numbers.largest)),
                   {numbers.magnitude, std::sqrt(degree / 12), std::sqrt(degree / 12)});
}

base::Result<rlwe::NttPoly> Encoder::encode_extended(std::span<const std::complex<double>> values, int level,
                                                     double scale) const {
  BLINDPROOF_ASSIGN(const rlwe::CompactPoly compact, encode_compact(values, level, scale));
  return rlwe::compact_values(context_->ring(), {context_->q_limbs(level), true}, compact);
}

base::Result<rlwe::CompactPoly> Encoder::encode_compact(std::span<const std::complex<double>> values, int level, double scale) const {
  BLINDPROOF_ASSIGN(const Scaled numbers, scaled(values, level, scale));
  return round_to_integers(numbers.coefficients, numbers.largest);
}

base::Result<Plaintext> Encoder::encode(std::span<const double> values, int level) const {
  const std::vector<std::complex<double>> complex(values.begin(), values.end());
  return encode(std::span<const std::complex<double>>(complex), level);
}

base::Result<Plaintext> Encoder::encode(std::span<const double> values, int level, double scale) const {
  const std::vector<std::complex<double>> complex(values.begin(), values.end());
  return encode(std::span<const std::complex<double>>(complex), level, scale);
}

std::vector<std::complex<double>> Encoder::decode(const Plaintext& plaintext) const {
  BLINDPROOF_CHECK(plaintext.context() == context_, "a plaintext of another context");
  std::vector<double> coefficients = to_doubles(plaintext.poly());
  const double factor = 1 / plaintext.scale();
  for (double& c : coefficients) c *= factor;
  std::vector<std::complex<double>> slots(embedding_.slots());
  embedding_.to_slots(coefficients, slots);
  return slots;
}

std::vector<double> Encoder::decode_real(const Plaintext& plaintext) const {
  const std::vector<std::complex<double>> slots = decode(plaintext);
  std::vector<double> result(slots.size());
  for (std::size_t i = 0; i < slots.size(); ++i) result[i] = slots[i].real();
  return result;
}

}  // namespace blindproof::fhe::ckks
