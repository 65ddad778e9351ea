#include "blindproof/fhe/ckks/evaluator.h"

#include <bit>
#include <cmath>
#include <string>

#include "blindproof/fhe/rlwe/requirements.h"

namespace blindproof::fhe::ckks {
namespace {

using rlwe::invalid;
using rlwe::mismatch;

std::string in_bits(double scale) {
  char text[32];
  std::snprintf(text, sizeof text, "2^%.6f", std::log2(scale));
  return text;
}

template <class A, class B>
base::Status same_level(const char* operation, const A& a, const B& b) {
  BLINDPROOF_TRY(rlwe::require_same_context(operation, a, b));
  if (a.level() != b.level()) {
    return mismatch(operation, "the operands have levels " + std::to_string(a.level()) + " and " +
                                   std::to_string(b.level()) + ": bring the higher one down with lower_to()");
  }
  return {};
}

template <class A, class B>
base::Status same_level_and_scale(const char* operation, const A& a, const B& b) {
  BLINDPROOF_TRY(same_level(operation, a, b));
  if (a.scale() != b.scale()) {
    return mismatch(operation, "the operands have scales " + in_bits(a.scale()) + " and " + in_bits(b.scale()) +
                                   ": rescale products, or encode the plaintext at the ciphertext's scale");
  }
  return {};
}

base::Status has_level_below(const char* operation, const Ciphertext& a) {
  if (a.level() > 0) return {};
  return invalid(operation, "no level is left: choose parameters with more levels");
}

// A standard deviation of coefficients as one of slots.
double slot_noise(const Ciphertext& a, double coefficient_noise) {
  return std::sqrt(static_cast<double>(a.context()->ring()->degree())) * coefficient_noise;
}

double key_switch_noise(const Ciphertext& a) {
  return slot_noise(a, rlwe::key_switch_noise(*a.context()->ring(), a.context()->q_limbs(a.level())));
}

double last_modulus(const Ciphertext& a) {
  return static_cast<double>(a.parts()[0].modulus(a.context()->q_limbs(a.level()) - 1).value());
}

template <class A, class B>
Prediction product_prediction(const A& a, const B& b) {
  const double noise_a = a.prediction().noise, noise_b = b.prediction().noise;
  return {a.prediction().magnitude * b.prediction().magnitude,
          a.prediction().magnitude * a.scale() * noise_b + b.prediction().magnitude * b.scale() * noise_a +
              noise_a * noise_b};
}

template <class A, class B>
Prediction sum_prediction(const A& a, const B& b) {
  return {a.prediction().magnitude + b.prediction().magnitude, a.prediction().noise + b.prediction().noise};
}

rlwe::Parts parts_of(const Plaintext& a) { return {a.poly()}; }

// Division by a prime changes the level's scale to the next one's without a rounding of its own: S_{l-1} is S_l^2 / q_l as
// computed here.
double rescaled(const Ciphertext& a) { return a.scale() / last_modulus(a); }

Outcome hiding(const char* operation, Ciphertext&& a) {
  BLINDPROOF_TRY(rlwe::require_hiding(operation, a.parts()));
  return std::move(a);
}

// The same message after a key switch.
Ciphertext after_switch(const Ciphertext& a, rlwe::Parts&& parts) {
  return {a.context(), a.level(), a.scale(), std::move(parts),
          {a.prediction().magnitude, std::hypot(a.prediction().noise, key_switch_noise(a))}};
}

}  // namespace

Outcome add(const Ciphertext& a, const Ciphertext& b) {
  BLINDPROOF_TRY(same_level_and_scale("addition", a, b));
  rlwe::Parts parts = a.parts();
  rlwe::add_to(parts, b.parts());
  return hiding("addition", Ciphertext(a.context(), a.level(), a.scale(), std::move(parts), sum_prediction(a, b)));
}

Outcome subtract(const Ciphertext& a, const Ciphertext& b) {
  BLINDPROOF_TRY(same_level_and_scale("subtraction", a, b));
  rlwe::Parts parts = a.parts();
  rlwe::subtract_from(parts, b.parts());
  return hiding("subtraction", Ciphertext(a.context(), a.level(), a.scale(), std::move(parts), sum_prediction(a, b)));
}

Outcome add(const Ciphertext& a, const Plaintext& b) {
  BLINDPROOF_TRY(same_level_and_scale("addition", a, b));
  rlwe::Parts parts = a.parts();
  rlwe::add_to(parts, parts_of(b));
  return Ciphertext(a.context(), a.level(), a.scale(), std::move(parts), sum_prediction(a, b));
}

Outcome subtract(const Ciphertext& a, const Plaintext& b) {
  BLINDPROOF_TRY(same_level_and_scale("subtraction", a, b));
  rlwe::Parts parts = a.parts();
  rlwe::subtract_from(parts, parts_of(b));
  return Ciphertext(a.context(), a.level(), a.scale(), std::move(parts), sum_prediction(a, b));
}

Ciphertext negate(const Ciphertext& a) {
  rlwe::Parts parts = a.parts();
  rlwe::negate(parts);
  return {a.context(), a.level(), a.scale(), std::move(parts), a.prediction()};
}

Outcome multiply(const Ciphertext& a, const Ciphertext& b) {
  BLINDPROOF_TRY(same_level("multiplication", a, b));
  BLINDPROOF_TRY(rlwe::require_degree("multiplication", a.parts(), 1));
  BLINDPROOF_TRY(rlwe::require_degree("multiplication", b.parts(), 1));
  return Ciphertext(a.context(), a.level(), a.scale() * b.scale(), rlwe::multiply(a.parts(), b.parts()),
                    product_prediction(a, b));
}

Outcome square(const Ciphertext& a) { return multiply(a, a); }

Outcome multiply(const Ciphertext& a, const Plaintext& b) {
  BLINDPROOF_TRY(same_level("multiplication", a, b));
  rlwe::Parts parts = a.parts();
  rlwe::multiply_by(parts, b.poly());
  return hiding("multiplication", Ciphertext(a.context(), a.level(), a.scale() * b.scale(), std::move(parts),
                                             product_prediction(a, b)));
}

Outcome multiply(const Ciphertext& a, double constant) {
  const double scale = a.context()->scale(a.level());
  const double scaled = std::nearbyint(constant * scale);
  if (!(std::abs(scaled) < std::ldexp(1.0, 62))) {
    return invalid("multiplication", "the constant is too large for the level's scale");
  }
  const std::int64_t integer = static_cast<std::int64_t>(scaled);
  std::vector<std::uint64_t> factors;
  for (std::size_t i = 0; i < a.parts()[0].limbs(); ++i) factors.push_back(a.parts()[0].modulus(i).reduce_signed(integer));
  rlwe::Parts parts = a.parts();
  rlwe::scale(parts, factors);
  const double rounding = 0.5 * a.prediction().magnitude * a.scale();
  return hiding("multiplication", Ciphertext(a.context(), a.level(), a.scale() * scale, std::move(parts),
                                             {a.prediction().magnitude * std::abs(constant),
                                              a.prediction().noise * std::abs(scaled) + rounding / kTail}));
}

Outcome relinearize(const Ciphertext& a, const rlwe::KeySwitchKey& key) {
  BLINDPROOF_TRY(rlwe::require_degree("relinearisation", a.parts(), 2));
  BLINDPROOF_TRY(rlwe::require_key("relinearisation", a.parts(), key));
  return after_switch(a, rlwe::relinearize(a.parts(), key));
}

Outcome rescale(const Ciphertext& a) {
  BLINDPROOF_TRY(has_level_below("rescaling", a));
  const double rounding = slot_noise(a, rlwe::rounding_noise(*a.context()->ring()));
  return Ciphertext(a.context(), a.level() - 1, rescaled(a), rlwe::rescale(rlwe::Parts(a.parts())),
                    {a.prediction().magnitude, std::hypot(a.prediction().noise / last_modulus(a), rounding)});
}

Outcome relinearize_and_rescale(const Ciphertext& a, const rlwe::KeySwitchKey& key) {
  BLINDPROOF_TRY(rlwe::require_degree("relinearisation", a.parts(), 2));
  BLINDPROOF_TRY(rlwe::require_key("relinearisation", a.parts(), key));
  BLINDPROOF_TRY(has_level_below("rescaling", a));
  const double rounding = slot_noise(a, rlwe::rounding_noise(*a.context()->ring()));
  return Ciphertext(a.context(), a.level() - 1, rescaled(a), rlwe::relinearize_and_rescale(a.parts(), key),
                    {a.prediction().magnitude,
                     std::hypot(std::hypot(a.prediction().noise, key_switch_noise(a)) / last_modulus(a), rounding)});
}

Outcome multiply(const Ciphertext& a, const Ciphertext& b, const rlwe::KeySwitchKey& key) {
  BLINDPROOF_ASSIGN(const Ciphertext product, multiply(a, b));
  return relinearize_and_rescale(product, key);
}

Outcome lower_to(const Ciphertext& a, int level) {
  const Context& context = *a.context();
  if (level < 0 || level > a.level()) {
    return invalid("lowering", "level " + std::to_string(level) + " is not between 0 and the ciphertext's, " +
                                   std::to_string(a.level()));
  }
  if (a.scale() != context.scale(a.level())) {
    return mismatch("lowering", "the ciphertext has scale " + in_bits(a.scale()) + ", its level " +
                                    in_bits(context.scale(a.level())) + ": rescale it first");
  }
  if (level == a.level()) return a;
  // c / a.scale() * q / ... : with the integer c next to S_level q / S_a, the rescaled message has scale S_level but for c's rounding.
  rlwe::Parts parts = rlwe::truncate(a.parts(), context.basis(level + 1));
  const double q = static_cast<double>(parts[0].modulus(context.q_limbs(level)).value());
  const double exact = context.scale(level) * q / a.scale();
  const double rounded = std::nearbyint(exact);
  std::vector<std::uint64_t> factors;
  for (std::size_t i = 0; i < parts[0].limbs(); ++i) {
    factors.push_back(parts[0].modulus(i).reduce(static_cast<std::uint64_t>(rounded)));
  }
  rlwe::scale(parts, factors);
  const double rounding = slot_noise(a, rlwe::rounding_noise(*context.ring()));
  const double drift = a.prediction().magnitude * context.scale(level) * std::abs(rounded - exact) / exact / kTail;
  return Ciphertext(a.context(), level, context.scale(level), rlwe::rescale(std::move(parts)),
                    {a.prediction().magnitude, std::hypot(a.prediction().noise * rounded / q, rounding) + drift});
}

Outcome rotate(const Ciphertext& a, std::int64_t steps, const rlwe::GaloisKeys& keys) {
  BLINDPROOF_ASSIGN(std::vector<Ciphertext> results, rotate_hoisted(a, {&steps, 1}, keys));
  return std::move(results[0]);
}

Outcome conjugate(const Ciphertext& a, const rlwe::GaloisKeys& keys) {
  BLINDPROOF_ASSIGN(rlwe::Parts parts, rlwe::conjugation("conjugation", a.parts(), keys, 1));
  return after_switch(a, std::move(parts));
}

base::Result<std::vector<Ciphertext>> rotate_hoisted(const Ciphertext& a, std::span<const std::int64_t> steps,
                                                     const rlwe::GaloisKeys& keys) {
  BLINDPROOF_ASSIGN(std::vector<rlwe::Parts> rotated, rlwe::rotations("rotation", a.parts(), steps, keys, 1));
  std::vector<Ciphertext> results;
  for (rlwe::Parts& parts : rotated) results.push_back(after_switch(a, std::move(parts)));
  return results;
}

Outcome sum_slots(const Ciphertext& a, std::size_t count, const rlwe::GaloisKeys& keys) {
  if (!std::has_single_bit(count) || count > a.context()->slots()) {
    return invalid("sum of slots", "the count must be a power of two, at most " + std::to_string(a.context()->slots()));
  }
  Ciphertext sum = a;
  for (std::size_t step = 1; step < count; step *= 2) {
    BLINDPROOF_ASSIGN(const Ciphertext rotated, rotate(sum, static_cast<std::int64_t>(step), keys));
    BLINDPROOF_ASSIGN(sum, add(sum, rotated));
  }
  return sum;
}

}  // namespace blindproof::fhe::ckks
