#include "blindproof/fhe/ckks/evaluator.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "blindproof/fhe/rlwe/requirements.h"

namespace blindproof::fhe::ckks {
namespace {

using rlwe::invalid;
using rlwe::mismatch;

constexpr int kMaxConstantBits = 110;  // scaled

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

double last_modulus(const Ciphertext& a) { return a.context()->level_modulus(a.level()); }

// The level's moduli, one after the other: roundings but for the last are divided by what follows.
rlwe::Parts divided(const Context& context, rlwe::Parts&& parts, std::size_t done = 0) {
  for (; done < context.limbs_per_level(); ++done) parts = rlwe::rescale(std::move(parts));
  return std::move(parts);
}

// An integer that is held by a double, of any length.
std::vector<std::uint64_t> residues_of(const rlwe::NttPoly& poly, double integer) {
  int exponent = 0;
  std::frexp(integer, &exponent);
  const int shift = std::max(0, exponent - 62);
  const auto head = static_cast<std::int64_t>(std::ldexp(integer, -shift));
  std::vector<std::uint64_t> residues;
  for (std::size_t i = 0; i < poly.limbs(); ++i) {
    const field::Modulus& q = poly.modulus(i);
    residues.push_back(q.multiply(q.reduce_signed(head), q.power(2, static_cast<std::uint64_t>(shift))));
  }
  return residues;
}

template <class A, class B>
Prediction product_prediction(const A& a, const B& b) {
  const Prediction& x = a.prediction();
  const Prediction& y = b.prediction();
  const double size_x = x.magnitude * a.scale(), size_y = y.magnitude * b.scale();
  return {x.magnitude * y.magnitude, size_x * y.noise + size_y * x.noise + x.noise * y.noise,
          size_x * y.joint + size_y * x.joint + x.noise * y.joint};
}

Prediction sum(const Prediction& a, const Prediction& b) { return {a.magnitude + b.magnitude, a.noise + b.noise, a.joint + b.joint}; }

rlwe::Parts parts_of(const Plaintext& a) { return {a.poly()}; }

// Division by the level's modulus changes the level's scale to the next one's without a rounding of its own: S_{l-1} is S_l^2 / q_l as
// computed here.
double rescaled(const Ciphertext& a) { return a.scale() / last_modulus(a); }

Outcome hiding(const char* operation, Ciphertext&& a) {
  BLINDPROOF_TRY(rlwe::require_hiding(operation, a.parts()));
  return std::move(a);
}

// The same message after a key switch.
Ciphertext after_switch(const Ciphertext& a, rlwe::Parts&& parts) {
  return {a.context(), a.level(), a.scale(), std::move(parts),
          a.prediction().plus(key_switch_noise(a))};
}

}  // namespace

Outcome add(const Ciphertext& a, const Ciphertext& b) {
  BLINDPROOF_TRY(same_level_and_scale("addition", a, b));
  rlwe::Parts parts = a.parts();
  rlwe::add_to(parts, b.parts());
  return hiding("addition", Ciphertext(a.context(), a.level(), a.scale(), std::move(parts), sum(a.prediction(), b.prediction())));
}

Outcome subtract(const Ciphertext& a, const Ciphertext& b) {
  BLINDPROOF_TRY(same_level_and_scale("subtraction", a, b));
  rlwe::Parts parts = a.parts();
  rlwe::subtract_from(parts, b.parts());
  return hiding("subtraction", Ciphertext(a.context(), a.level(), a.scale(), std::move(parts), sum(a.prediction(), b.prediction())));
}

Outcome add(const Ciphertext& a, const Plaintext& b) {
  BLINDPROOF_TRY(same_level_and_scale("addition", a, b));
  rlwe::Parts parts = a.parts();
  rlwe::add_to(parts, parts_of(b));
  return Ciphertext(a.context(), a.level(), a.scale(), std::move(parts), sum(a.prediction(), b.prediction()));
}

Outcome subtract(const Ciphertext& a, const Plaintext& b) {
  BLINDPROOF_TRY(same_level_and_scale("subtraction", a, b));
  rlwe::Parts parts = a.parts();
  rlwe::subtract_from(parts, parts_of(b));
  return Ciphertext(a.context(), a.level(), a.scale(), std::move(parts), sum(a.prediction(), b.prediction()));
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
  if (!(std::abs(scaled) < std::ldexp(1.0, kMaxConstantBits))) {
    return invalid("multiplication", "the constant is too large for the level's scale");
  }
  rlwe::Parts parts = a.parts();
  rlwe::scale(parts, residues_of(parts[0], scaled));
  // The constant's rounding errs alike in all slots.
  const double rounding = 0.5 * a.prediction().magnitude * a.scale() / kTail;
  const Prediction exact = a.prediction().times(std::abs(scaled));
  return hiding("multiplication", Ciphertext(a.context(), a.level(), a.scale() * scale, std::move(parts),
                                             {exact.magnitude * std::abs(constant), exact.noise + rounding,
                                              exact.joint + rounding * std::sqrt(static_cast<double>(a.context()->slots()))}));
}

Outcome multiply_integer(const Ciphertext& a, std::int64_t integer) {
  std::vector<std::uint64_t> factors;
  for (std::size_t i = 0; i < a.parts()[0].limbs(); ++i) factors.push_back(a.parts()[0].modulus(i).reduce_signed(integer));
  rlwe::Parts parts = a.parts();
  rlwe::scale(parts, factors);
  const double size = std::abs(static_cast<double>(integer));
  return hiding("multiplication", Ciphertext(a.context(), a.level(), a.scale(), std::move(parts),
                                             {a.prediction().magnitude * size, a.prediction().noise * size, a.prediction().joint * size}));
}

Outcome relinearize(const Ciphertext& a, const rlwe::KeySwitchKey& key) {
  BLINDPROOF_TRY(rlwe::require_degree("relinearisation", a.parts(), 2));
  BLINDPROOF_TRY(rlwe::require_key("relinearisation", a.parts(), key));
  return after_switch(a, rlwe::relinearize(a.parts(), key));
}

Outcome rescale(const Ciphertext& a) {
  BLINDPROOF_TRY(has_level_below("rescaling", a));
  const double rounding = slot_noise(a, rlwe::rounding_noise(*a.context()->ring()));
  return Ciphertext(a.context(), a.level() - 1, rescaled(a), divided(*a.context(), rlwe::Parts(a.parts())),
                    a.prediction().times(1 / last_modulus(a)).plus(rounding));
}

Outcome relinearize_and_rescale(const Ciphertext& a, const rlwe::KeySwitchKey& key) {
  BLINDPROOF_TRY(rlwe::require_degree("relinearisation", a.parts(), 2));
  BLINDPROOF_TRY(rlwe::require_key("relinearisation", a.parts(), key));
  BLINDPROOF_TRY(has_level_below("rescaling", a));
  const double rounding = slot_noise(a, rlwe::rounding_noise(*a.context()->ring()));
  return Ciphertext(a.context(), a.level() - 1, rescaled(a),
                    divided(*a.context(), rlwe::relinearize_and_rescale(a.parts(), key), 1),
                    a.prediction().plus(key_switch_noise(a)).times(1 / last_modulus(a)).plus(rounding));
}

Outcome multiply(const Ciphertext& a, const Ciphertext& b, const rlwe::KeySwitchKey& key) {
  BLINDPROOF_ASSIGN(const Ciphertext product, multiply(a, b));
  return relinearize_and_rescale(product, key);
}

Ciphertext bounded(const Ciphertext& a, double magnitude) {
  Prediction prediction = a.prediction();
  prediction.magnitude = std::min(magnitude, prediction.magnitude);
  return {a.context(), a.level(), a.scale(), a.parts(), prediction, a.seed()};
}

Outcome inner_product(std::span<const Ciphertext> a, std::span<const Ciphertext> b, const rlwe::KeySwitchKey& key) {
  constexpr const char* kOperation = "inner product";
  BLINDPROOF_TRY(rlwe::require_pairs(kOperation, a.size(), b.size()));
  BLINDPROOF_ASSIGN(const Ciphertext first, multiply(a[0], b[0]));
  rlwe::Parts parts = first.parts();
  Prediction prediction = first.prediction();
  for (std::size_t i = 1; i < a.size(); ++i) {
    BLINDPROOF_TRY(same_level_and_scale(kOperation, a[0], a[i]));
    BLINDPROOF_TRY(same_level_and_scale(kOperation, b[0], b[i]));
    BLINDPROOF_TRY(rlwe::require_degree(kOperation, a[i].parts(), 1));
    BLINDPROOF_TRY(rlwe::require_degree(kOperation, b[i].parts(), 1));
    rlwe::multiply_add(parts, a[i].parts(), b[i].parts());
    prediction = sum(prediction, product_prediction(a[i], b[i]));
  }
  return relinearize_and_rescale(Ciphertext(first.context(), first.level(), first.scale(), std::move(parts), prediction), key);
}

Outcome inner_product(std::span<const Ciphertext> a, std::span<const Plaintext> b) {
  constexpr const char* kOperation = "inner product";
  BLINDPROOF_TRY(rlwe::require_pairs(kOperation, a.size(), b.size()));
  BLINDPROOF_TRY(same_level(kOperation, a[0], b[0]));
  rlwe::Parts parts;
  Prediction prediction{0, 0, 0};
  for (std::size_t i = 0; i < a.size(); ++i) {
    BLINDPROOF_TRY(same_level_and_scale(kOperation, a[0], a[i]));
    BLINDPROOF_TRY(same_level_and_scale(kOperation, b[0], b[i]));
    rlwe::multiply_add(parts, a[i].parts(), b[i].poly());
    prediction = sum(prediction, product_prediction(a[i], b[i]));
  }
  return hiding(kOperation, Ciphertext(a[0].context(), a[0].level(), a[0].scale() * b[0].scale(), std::move(parts), prediction));
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
  const double q = context.level_modulus(level + 1);
  const double exact = context.scale(level) * q / a.scale();
  const double rounded = std::nearbyint(exact);
  rlwe::scale(parts, residues_of(parts[0], rounded));
  const double rounding = slot_noise(a, rlwe::rounding_noise(*context.ring()));
  const Prediction prediction = a.prediction().times(rounded / q).plus(rounding);
  const double drift = a.prediction().magnitude * context.scale(level) * std::abs(rounded - exact) / exact / kTail;
  return Ciphertext(a.context(), level, context.scale(level), divided(context, std::move(parts)),
                    {prediction.magnitude, prediction.noise + drift,
                     prediction.joint + drift * std::sqrt(static_cast<double>(context.slots()))});
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
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const bool stays = rlwe::rotation_element(a.context()->ring()->log_degree(), steps[i]) == 1;
    if (stays) {
      results.push_back(a);
    } else {
      results.push_back(after_switch(a, std::move(rotated[i])));
    }
  }
  return results;
}

Outcome sum_slots(const Ciphertext& a, std::size_t count, const rlwe::GaloisKeys& keys, std::size_t stride) {
  BLINDPROOF_TRY(rlwe::require_window("sum of slots", count, a.context()->slots() / std::max<std::size_t>(stride, 1)));
  BLINDPROOF_ASSIGN(const Ciphertext sum, rlwe::sum_of_rotations(
      a, count, [](const Ciphertext& x, const Ciphertext& y) { return add(x, y); },
      [&](const Ciphertext& x, std::int64_t steps) { return rotate(x, steps * static_cast<std::int64_t>(stride), keys); }));
  // A window's errors add with weights of norm sqrt(count); those of the key switches are independent.
  const double size = static_cast<double>(count), switching = count > 1 ? key_switch_noise(a) : 0;
  const double joint = a.prediction().joint_noise(a.context()->slots());
  const double noise = std::min(std::sqrt(size) * joint, size * a.prediction().noise);
  return Ciphertext(sum.context(), sum.level(), sum.scale(), sum.parts(),
                    {sum.prediction().magnitude, std::hypot(noise, std::sqrt(size) * switching), size * std::hypot(joint, switching)});
}

}  // namespace blindproof::fhe::ckks
