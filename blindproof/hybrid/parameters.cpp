#include "blindproof/hybrid/parameters.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdio>

#include "blindproof/base/check.h"

namespace blindproof::hybrid {
namespace {

using base::ErrorCode;
using base::Uint128;
using fhe::frbgv::kDegree;
using fhe::frbgv::kErrorBound;

/// Unsigned integers of 1024 bits; what doesn't fit any more becomes the largest.
class Natural {
 public:
  Natural(std::uint64_t value = 0) { words_[0] = value; }  // numbers mix with constants freely
  static Natural from_u128(Uint128 value) {
    Natural n(static_cast<std::uint64_t>(value));
    n.words_[1] = static_cast<std::uint64_t>(value >> 64);
    return n;
  }
  static Natural power_of_two(std::size_t exponent) {
    Natural n;
    n.words_[exponent / 64] = std::uint64_t{1} << (exponent % 64);
    return n;
  }

  friend Natural operator+(const Natural& a, const Natural& b) {
    Natural r;
    Uint128 carry = 0;
    for (std::size_t i = 0; i < kWords; ++i) {
      carry += static_cast<Uint128>(a.words_[i]) + b.words_[i];
      r.words_[i] = static_cast<std::uint64_t>(carry);
      carry >>= 64;
    }
    return carry != 0 ? largest() : r;
  }
  friend Natural operator*(const Natural& a, const Natural& b) {
    std::array<std::uint64_t, 2 * kWords> wide{};
    for (std::size_t i = 0; i < kWords; ++i) {
      Uint128 carry = 0;
      for (std::size_t j = 0; j < kWords; ++j) {
        carry += static_cast<Uint128>(a.words_[i]) * b.words_[j] + wide[i + j];
        wide[i + j] = static_cast<std::uint64_t>(carry);
        carry >>= 64;
      }
      wide[i + kWords] = static_cast<std::uint64_t>(carry);
    }
    Natural r;
    std::copy_n(wide.begin(), kWords, r.words_.begin());
    return std::any_of(wide.begin() + kWords, wide.end(), [](std::uint64_t w) { return w != 0; }) ? largest() : r;
  }
  /// Rounded up.
  Natural divided_by(std::uint64_t divisor) const {
    Natural r;
    Uint128 rest = 0;
    for (std::size_t i = kWords; i-- > 0;) {
      rest = rest << 64 | words_[i];
      r.words_[i] = static_cast<std::uint64_t>(rest / divisor);
      rest %= divisor;
    }
    return rest != 0 ? r + 1 : r;
  }
  friend bool operator<(const Natural& a, const Natural& b) {
    return std::lexicographical_compare(a.words_.rbegin(), a.words_.rend(), b.words_.rbegin(), b.words_.rend());
  }

  bool fits_u64() const {
    return std::all_of(words_.begin() + 1, words_.end(), [](std::uint64_t w) { return w == 0; });
  }
  std::uint64_t low() const { return words_[0]; }
  std::size_t bit_length() const {
    for (std::size_t i = kWords; i-- > 0;)
      if (words_[i] != 0) return 64 * i + static_cast<std::size_t>(std::bit_width(words_[i]));
    return 0;
  }
  double log2() const {
    double value = 0;
    for (std::size_t i = kWords; i-- > 0;) value = value * 0x1p64 + static_cast<double>(words_[i]);
    return value == 0 ? 0 : std::log2(value);
  }

 private:
  static constexpr std::size_t kWords = 15;  // below the largest double
  static Natural largest() {
    Natural n;
    n.words_.fill(~std::uint64_t{0});
    return n;
  }
  std::array<std::uint64_t, kWords> words_{};
};

Natural half_modulus() {
  Natural r;
  for (std::size_t i = 4; i-- > 0;) r = r * Natural::power_of_two(64) + field::Fr::kModulus[i];
  return (r + 1).divided_by(2);
}

/// Bound of the phase of a network with a square for honest fresh errors, which none of the coefficients of any of the units' squares in
/// any evaluation exceeds, except with probability 2^-64 (docs/spec/hybrid.md, "Re-randomisation and flood", has the argument). Messages
/// are arbitrary.
Natural likely_phase(std::uint64_t t, const Network& network, const Bounds& bounds, std::uint64_t evaluations) {
  const double n = static_cast<double>(kDegree), variance = fhe::rlwe::kErrorVariance;
  const double events = 4 * n * static_cast<double>(network.first.outputs) * static_cast<double>(evaluations);
  const double l = std::log(2.0) * (kHidingBits + std::log2(events));
  const Natural cross(static_cast<std::uint64_t>(std::ceil(2 * std::sqrt(2 * variance * n * l))));
  const Natural quadratic(static_cast<std::uint64_t>(std::ceil(4 * variance * std::sqrt(0.29 * n * l))) + kErrorBound * kErrorBound);
  const Natural message = (Natural(bounds[0].weight_l1) * Natural(t)).divided_by(2) + Natural::from_u128(static_cast<Uint128>(bounds[0].bias));
  const Natural error = Natural(bounds[0].weight_l1) * Natural(t);
  const Natural square = Natural(kDegree) * message * message + cross * message * error + quadratic * error * error;
  if (!network.second) return square;
  return Natural(bounds[1].weight_l1) * square + Natural::from_u128(static_cast<Uint128>(bounds[1].bias));
}

std::string in_bits(double bits) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", bits);
  return text;
}

std::string advice() { return "use fewer bits for weights or inputs, fewer units, or declare fewer evaluations"; }

}  // namespace

base::Result<Parameters> compute_parameters(const model::Architecture& architecture, const Network& network, const Bounds& bounds,
                                            std::uint64_t evaluations) {
  BLINDPROOF_CHECK(bounds.size() == (network.second ? 2u : 1u), "a bound for each dense layer");
  if (evaluations == 0 || evaluations > kMaxEvaluations)
    return base::error(ErrorCode::kInvalidArgument, "evaluations", "declare 1 to 2^40 of them");
  const auto magnitude = [](std::int64_t v) { return v < 0 ? ~static_cast<std::uint64_t>(v) + 1 : static_cast<std::uint64_t>(v); };
  const Natural n(kDegree);
  const std::uint64_t input = std::max(magnitude(architecture.input_min), magnitude(architecture.input_max));
  const auto affine = [&](std::size_t layer, const Natural& x) {
    return Natural(bounds[layer].weight_l1) * x + Natural::from_u128(static_cast<Uint128>(bounds[layer].bias));
  };

  // Plaintexts: every value in a used slot, also between layers, is below t/2; so the integers are those modulo t.
  Natural value = affine(0, input);
  Natural plaintext = value;
  if (network.square) value = value * value;
  plaintext = std::max(plaintext, value);
  if (network.second) value = affine(1, value);
  plaintext = std::max({plaintext, value, Natural(input)});
  Parameters parameters;
  parameters.evaluations = evaluations;
  parameters.plaintext_bits = plaintext.log2();
  const Natural doubled = plaintext + plaintext;
  const auto t = doubled.fits_u64() ? fhe::frbgv::plaintext_prime(doubled.low(), kDegree)
                                    : fhe::frbgv::plaintext_prime(~std::uint64_t{0}, kDegree);
  if (!t.ok())
    return base::error(ErrorCode::kUnsupported, "plaintext modulus",
                       "the network's values may take " + in_bits(parameters.plaintext_bits) + " bits and a sign, at most " +
                           std::to_string(fhe::frbgv::kMaxPlaintextBits) + " are there: " + advice());
  parameters.t = *t;

  // Phases of the evaluation. A product of two polynomials has coefficients of N products.
  const Natural fresh = Natural(*t) * (2 * kErrorBound + 1);  // twice t/2 + 21 t
  Natural phase = affine(0, fresh.divided_by(2));
  if (network.square) phase = n * phase * phase;
  if (network.second) phase = affine(1, phase);
  parameters.noise_worst_bits = phase.log2();

  // What is added to it, in units of t: (e u + s f_1) + s (e u' + f'_0 + s f'_1), and f_0; and Z h.
  const Natural errors = n * (2 * kErrorBound);
  const Natural masked = network.square ? errors + n * (errors + kErrorBound) : errors;
  const std::size_t hiding_limbs = (static_cast<std::size_t>(std::bit_width(*t)) + kLimbBits - 1) / kLimbBits;
  const Natural honest_hiding = n * Natural(*t / 2) * Natural(*t);
  const Natural proven_hiding = n * Natural(*t / 2) * Natural::power_of_two(kLimbBits * hiding_limbs);

  // F: N outputs evaluations K 2^-F <= 2^-64, where K bounds what the flood hides, except with probability 2^-64 over the fresh errors.
  const Natural likely = network.square ? likely_phase(*t, network, bounds, evaluations) : phase;
  const Natural hidden = masked + (likely + honest_hiding + *t / 2).divided_by(*t);
  const Natural coefficients = n * Natural(network.outputs()) * Natural(evaluations);
  const std::size_t flood = (coefficients * hidden).bit_length() + kHidingBits;
  parameters.flood_bits = static_cast<std::uint32_t>((flood + kLimbBits - 1) / kLimbBits * kLimbBits);

  const Natural total = phase + Natural(*t) * (masked + Natural::power_of_two(std::min<std::size_t>(parameters.flood_bits, 600) - 1)) + proven_hiding;
  const Natural limit = half_modulus();
  parameters.phase_bits = total.log2();
  parameters.room_bits = limit.log2() - total.log2();
  if (parameters.flood_bits > kMaxFloodBits || !(total < limit))
    return base::error(ErrorCode::kUnsupported, "noise",
                       "the evaluation's phase may take " + in_bits(parameters.noise_worst_bits) + " bits (plaintext modulus " +
                           in_bits(std::log2(static_cast<double>(*t))) + ") and the flood that hides it " + std::to_string(parameters.flood_bits) +
                           " above the plaintext modulus, together " + in_bits(parameters.phase_bits) + "; " + in_bits(limit.log2()) +
                           " are there: " + advice());

  const double deviation = std::log2(static_cast<double>(*t)) + 0.5 * std::log2(1.0 / 12 + fhe::rlwe::kErrorVariance);
  const auto sum_of_independent = [&](std::size_t layer, std::size_t terms) {
    return std::log2(std::max(1.0, static_cast<double>(bounds[layer].weight_l1))) - 0.5 * std::log2(static_cast<double>(terms));
  };
  double typical = deviation + sum_of_independent(0, network.inputs());
  if (network.square) typical = 2 * typical + 0.5 * std::log2(static_cast<double>(kDegree));
  if (network.second) typical += sum_of_independent(1, network.second->inputs);
  parameters.noise_typical_bits = typical;
  return parameters;
}

fhe::frbgv::RerandomizerShape rerandomizer_shape(const Network& network, const Parameters& parameters) {
  return {network.outputs(), network.components(), parameters.flood_bits / kLimbBits,
          (static_cast<std::size_t>(std::bit_width(parameters.t)) + kLimbBits - 1) / kLimbBits};
}

}  // namespace blindproof::hybrid
