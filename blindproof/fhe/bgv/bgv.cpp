#include "blindproof/fhe/bgv/bgv.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "blindproof/base/thread_pool.h"
#include "blindproof/fhe/bgv/prediction.h"
#include "blindproof/fhe/rlwe/flooding.h"
#include "blindproof/fhe/rlwe/requirements.h"
#include "blindproof/field/residues.h"

namespace blindproof::fhe::bgv {
namespace {

using rlwe::invalid;
using rlwe::mismatch;
using rlwe::NttPoly;

base::Status same_level(const char* operation, const Ciphertext& a, const Ciphertext& b) {
  BLINDPROOF_TRY(rlwe::require_same_context(operation, a, b));
  if (a.level() == b.level()) return {};
  return mismatch(operation, "the operands have levels " + std::to_string(a.level()) + " and " + std::to_string(b.level()) +
                                 ": bring the higher one down with lower_to()");
}

base::Status same_factor(const char* operation, const Ciphertext& a, const Ciphertext& b) {
  BLINDPROOF_TRY(same_level(operation, a, b));
  if (a.factor() == b.factor()) return {};
  return mismatch(operation, "the operands have different factors: rescale products, and use lower_to()");
}

base::Status has_level_below(const char* operation, const Ciphertext& a) {
  if (a.level() > 0) return {};
  return invalid(operation, "no level is left: choose parameters with more levels");
}

Outcome usable(const char* operation, Ciphertext&& a) {
  return rlwe::usable(operation, std::move(a), "rescale products earlier, or choose a smaller plaintext modulus");
}

double t_of(const Ciphertext& a) { return static_cast<double>(a.context()->parameters().t); }

// factor times the message, with coefficients in (-t/2, t/2].
NttPoly centered_poly(const Plaintext& a, int level, std::uint64_t factor) {
  const Context& context = *a.context();
  return rlwe::centered_product(context.ring(), context.basis(level), context.t(), a.coefficients(), factor);
}

rlwe::Parts scaled(const Ciphertext& a, std::int64_t constant) {
  std::vector<std::uint64_t> factors;
  for (std::size_t i = 0; i < a.parts()[0].limbs(); ++i) factors.push_back(a.parts()[0].modulus(i).reduce_signed(constant));
  rlwe::Parts parts = a.parts();
  rlwe::scale(parts, factors);
  return parts;
}

// The division of a ciphertext by its level's modulus, `predicted` being of what is divided.
Ciphertext divided(const Ciphertext& a, rlwe::Parts&& parts, const Prediction& predicted) {
  const Context& context = *a.context();
  const Prediction after = predict_rescale(context, predicted, parts.size() - 1);
  return {a.context(), after.level, context.t().multiply(a.factor(), context.inverse_modulus(a.level())), std::move(parts),
          after.deviation, after.secret_power};
}

template <class Combine>
Outcome combine(const char* operation, const Ciphertext& a, const Ciphertext& b, Combine&& combine_parts) {
  BLINDPROOF_TRY(same_factor(operation, a, b));
  rlwe::Parts parts = a.parts();
  combine_parts(parts, b.parts());
  const Prediction predicted = predict_sum(prediction_of(a), prediction_of(b));
  return usable(operation, Ciphertext(a.context(), a.level(), a.factor(), std::move(parts), predicted.deviation, predicted.secret_power));
}

template <class Combine>
Outcome combine(const char* operation, const Ciphertext& a, const Plaintext& b, Combine&& combine_poly) {
  BLINDPROOF_TRY(rlwe::require_same_context(operation, a, b));
  rlwe::Parts parts = a.parts();
  combine_poly(parts[0], centered_poly(b, a.level(), a.factor()));
  const Prediction predicted = predict_sum(*a.context(), prediction_of(a));
  return usable(operation, Ciphertext(a.context(), a.level(), a.factor(), std::move(parts), predicted.deviation, predicted.secret_power));
}

// The same message after a key switch.
Outcome after_switch(const char* operation, const Ciphertext& a, rlwe::Parts&& parts) {
  const Prediction predicted = predict_switch(*a.context(), prediction_of(a));
  return usable(operation, Ciphertext(a.context(), a.level(), a.factor(), std::move(parts), predicted.deviation, predicted.secret_power));
}

double with_message(const Context& context, double noise) {
  return static_cast<double>(context.parameters().t) * std::hypot(noise, 0.5);
}

// Neither relinearised nor divided.
Outcome sum_of_products(const char* operation, std::span<const Ciphertext> a, std::span<const Ciphertext> b) {
  BLINDPROOF_TRY(rlwe::require_pairs(operation, a.size(), b.size()));
  BLINDPROOF_TRY(same_level(operation, a[0], b[0]));
  rlwe::Parts parts;
  double deviation = 0;
  int power = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    BLINDPROOF_TRY(same_factor(operation, a[0], a[i]));
    BLINDPROOF_TRY(same_factor(operation, b[0], b[i]));
    BLINDPROOF_TRY(rlwe::require_degree(operation, a[i].parts(), 1));
    BLINDPROOF_TRY(rlwe::require_degree(operation, b[i].parts(), 1));
    if (i == 0) {
      parts = rlwe::multiply(a[i].parts(), b[i].parts());
    } else {
      rlwe::multiply_add(parts, a[i].parts(), b[i].parts());
    }
    const Prediction product = predict_product(*a[i].context(), prediction_of(a[i]), prediction_of(b[i]));
    deviation += product.deviation;
    power = std::max(power, product.secret_power);
  }
  return usable(operation, Ciphertext(a[0].context(), a[0].level(), a[0].context()->t().multiply(a[0].factor(), b[0].factor()),
                                      std::move(parts), deviation, power));
}

Ciphertext encrypted(const Plaintext& plaintext, rlwe::Parts&& parts, double noise, std::optional<rlwe::Seed> seed = {}) {
  const Context& context = *plaintext.context();
  rlwe::add_to(parts[0], centered_poly(plaintext, context.top_level(), 1));
  return {plaintext.context(), context.top_level(), 1, std::move(parts), with_message(context, noise), 1, seed};
}

}  // namespace

base::Result<Plaintext> encode(const ContextPtr& context, std::span<const std::int64_t> slots) {
  BLINDPROOF_ASSIGN(std::vector<std::uint64_t> coefficients, context->slots().encode(slots));
  return Plaintext(context, std::move(coefficients));
}

std::vector<std::int64_t> decode(const Plaintext& plaintext) {
  return plaintext.context()->slots().decode_signed(plaintext.coefficients());
}

rlwe::SecretKey generate_secret_key(const Context& context, crypto::Csprng& random) {
  return rlwe::SecretKey::generate(context.ring(), random);
}

rlwe::PublicKey generate_public_key(const Context& context, const rlwe::SecretKey& secret, crypto::Csprng& random) {
  return rlwe::PublicKey::generate(secret, context.parameters().t, random);
}

rlwe::KeySwitchKey generate_relinearization_key(const Context& context, const rlwe::SecretKey& secret, int level,
                                                crypto::Csprng& random) {
  return rlwe::make_relinearization_key(secret, context.q_limbs(level), context.parameters().t, random);
}

rlwe::GaloisKeys generate_rotation_keys(const Context& context, const rlwe::SecretKey& secret, int level,
                                        std::span<const std::int64_t> steps, bool exchange, crypto::Csprng& random) {
  return rlwe::make_rotation_keys(secret, steps, exchange, context.q_limbs(level), context.parameters().t, random);
}

Ciphertext encrypt(const rlwe::PublicKey& key, const Plaintext& plaintext, crypto::Csprng& random) {
  const Context& context = *plaintext.context();
  return encrypted(plaintext, rlwe::encrypt_zero(key, context.basis(context.top_level()), context.parameters().t, random),
                   rlwe::fresh_public_key_noise(*context.ring()));
}

Ciphertext encrypt(const rlwe::SecretKey& key, const Plaintext& plaintext, crypto::Csprng& random) {
  const Context& context = *plaintext.context();
  rlwe::SeededParts zero = rlwe::encrypt_zero(key, context.basis(context.top_level()), context.parameters().t, random);
  return encrypted(plaintext, std::move(zero.parts), rlwe::fresh_secret_key_noise(), zero.seed);
}

double fresh_deviation(const Context& context) {
  return predict_fresh(context).deviation;
}

base::Result<Plaintext> decrypt(const rlwe::SecretKey& key, const Ciphertext& ciphertext) {
  const Context& context = *ciphertext.context();
  BLINDPROOF_TRY(rlwe::require_ring("decryption", ciphertext.parts(), key.ring()));
  const rlwe::CoeffPoly phase = to_coefficients(rlwe::phase(ciphertext.parts(), key));
  std::vector<std::uint64_t> coefficients(phase.degree());
  base::parallel_ranges(phase.degree(), 2048, [&](std::size_t begin, std::size_t end) {
    std::vector<const std::uint64_t*> in;
    for (std::size_t i = 0; i < phase.limbs(); ++i) in.push_back(phase.limb(i).data() + begin);
    const std::vector<std::uint64_t*> out{coefficients.data() + begin};
    context.to_t(ciphertext.level()).convert(in, out, end - begin);
  });
  field::scale(context.t(), coefficients, context.t().inverse(ciphertext.factor()), coefficients);
  return Plaintext(ciphertext.context(), std::move(coefficients));
}

Outcome add(const Ciphertext& a, const Ciphertext& b) {
  return combine("addition", a, b, [](rlwe::Parts& x, const rlwe::Parts& y) { rlwe::add_to(x, y); });
}

Outcome subtract(const Ciphertext& a, const Ciphertext& b) {
  return combine("subtraction", a, b, [](rlwe::Parts& x, const rlwe::Parts& y) { rlwe::subtract_from(x, y); });
}

Outcome add(const Ciphertext& a, const Plaintext& b) {
  return combine("addition", a, b, [](NttPoly& x, const NttPoly& y) { rlwe::add_to(x, y); });
}

Outcome subtract(const Ciphertext& a, const Plaintext& b) {
  return combine("subtraction", a, b, [](NttPoly& x, const NttPoly& y) { rlwe::subtract_from(x, y); });
}

Ciphertext negate(const Ciphertext& a) {
  rlwe::Parts parts = a.parts();
  rlwe::negate(parts);
  return {a.context(), a.level(), a.factor(), std::move(parts), a.deviation(), a.secret_power()};
}

Outcome multiply(const Ciphertext& a, const Plaintext& b) {
  BLINDPROOF_TRY(rlwe::require_same_context("multiplication", a, b));
  const std::shared_ptr<const rlwe::PlainFactor> factor = b.factor();
  return usable("multiplication", Ciphertext(a.context(), a.level(), a.factor(), rlwe::multiply(a.parts(), factor->values),
                                             a.deviation() * factor->norm, a.secret_power()));
}

Outcome multiply(const Ciphertext& a, std::int64_t constant) {
  const field::Modulus& t = a.context()->t();
  const std::int64_t centered = t.centered(t.reduce_signed(constant));
  return usable("multiplication", Ciphertext(a.context(), a.level(), a.factor(), scaled(a, centered),
                                             a.deviation() * std::abs(static_cast<double>(centered)), a.secret_power()));
}

Outcome multiply(const Ciphertext& a, const Ciphertext& b) { return sum_of_products("multiplication", {&a, 1}, {&b, 1}); }

Outcome square(const Ciphertext& a) { return multiply(a, a); }

Outcome relinearize(const Ciphertext& a, const rlwe::KeySwitchKey& key) {
  BLINDPROOF_TRY(rlwe::require_degree("relinearisation", a.parts(), 2));
  BLINDPROOF_TRY(rlwe::require_key("relinearisation", a.parts(), key));
  return after_switch("relinearisation", a, rlwe::relinearize(a.parts(), key, a.context()->parameters().t));
}

Outcome rescale(const Ciphertext& a) {
  BLINDPROOF_TRY(has_level_below("rescaling", a));
  return usable("rescaling", divided(a, rlwe::rescale(rlwe::Parts(a.parts()), a.context()->parameters().t), prediction_of(a)));
}

Outcome relinearize_and_rescale(const Ciphertext& a, const rlwe::KeySwitchKey& key) {
  BLINDPROOF_TRY(rlwe::require_degree("relinearisation", a.parts(), 2));
  BLINDPROOF_TRY(rlwe::require_key("relinearisation", a.parts(), key));
  BLINDPROOF_TRY(has_level_below("rescaling", a));
  return usable("rescaling",
                divided(a, rlwe::relinearize_and_rescale(a.parts(), key, a.context()->parameters().t),
                        predict_switch(*a.context(), prediction_of(a))));
}

Outcome multiply(const Ciphertext& a, const Ciphertext& b, const rlwe::KeySwitchKey& key) {
  BLINDPROOF_TRY(has_level_below("multiplication", a));
  BLINDPROOF_ASSIGN(const Ciphertext product, multiply(a, b));
  return relinearize_and_rescale(product, key);
}

Outcome lower_to(const Ciphertext& a, int level) {
  const Context& context = *a.context();
  const field::Modulus& t = context.t();
  if (level < 0 || level > a.level()) {
    return invalid("lowering", "level " + std::to_string(level) + " is not between 0 and the ciphertext's, " +
                                   std::to_string(a.level()));
  }
  const bool stays = level == a.level();
  if (stays && a.factor() == context.factor(level)) return a;
  // c a.factor() / q = factor(level) modulo t; without a division, q = 1.
  std::uint64_t c = t.multiply(context.factor(level), t.inverse(a.factor()));
  if (!stays) c = t.multiply(c, t.reduce(context.ring()->parameters().q[context.q_limbs(level)]));
  const std::int64_t centered = t.centered(c);
  const int kept = stays ? level : level + 1;
  const Ciphertext multiplied(a.context(), kept, t.multiply(a.factor(), c),
                              rlwe::truncate(scaled(a, centered), context.basis(kept)),
                              a.deviation() * std::abs(static_cast<double>(centered)), a.secret_power());
  if (multiplied.predicted_budget_bits() <= 0) {
    return invalid("lowering", "the ciphertext's error is too long for level " + std::to_string(kept) + ": rescale it first");
  }
  if (stays) return multiplied;
  return rescale(multiplied);
}

Outcome inner_product(std::span<const Ciphertext> a, std::span<const Ciphertext> b, const rlwe::KeySwitchKey& key) {
  BLINDPROOF_ASSIGN(const Ciphertext product, sum_of_products("inner product", a, b));
  return relinearize_and_rescale(product, key);
}

Outcome inner_product(std::span<const Ciphertext> a, std::span<const Plaintext> b) {
  constexpr const char* kOperation = "inner product";
  BLINDPROOF_TRY(rlwe::require_pairs(kOperation, a.size(), b.size()));
  rlwe::Parts parts;
  double deviation = 0;
  int power = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    BLINDPROOF_TRY(same_factor(kOperation, a[0], a[i]));
    BLINDPROOF_TRY(rlwe::require_same_context(kOperation, a[0], b[i]));
    const std::shared_ptr<const rlwe::PlainFactor> factor = b[i].factor();
    rlwe::multiply_add(parts, a[i].parts(), factor->values);
    deviation += a[i].deviation() * factor->norm;
    power = std::max(power, a[i].secret_power());
  }
  return usable(kOperation, Ciphertext(a[0].context(), a[0].level(), a[0].factor(), std::move(parts), deviation, power));
}

Outcome rotate(const Ciphertext& a, std::int64_t steps, const rlwe::GaloisKeys& keys) {
  BLINDPROOF_ASSIGN(std::vector<Ciphertext> results, rotate_hoisted(a, {&steps, 1}, keys));
  return std::move(results[0]);
}

Outcome exchange_rows(const Ciphertext& a, const rlwe::GaloisKeys& keys) {
  BLINDPROOF_ASSIGN(rlwe::Parts parts, rlwe::conjugation("exchange of rows", a.parts(), keys, a.context()->parameters().t));
  return after_switch("exchange of rows", a, std::move(parts));
}

base::Result<std::vector<Ciphertext>> rotate_hoisted(const Ciphertext& a, std::span<const std::int64_t> steps,
                                                     const rlwe::GaloisKeys& keys) {
  BLINDPROOF_ASSIGN(std::vector<rlwe::Parts> rotated,
                    rlwe::rotations("rotation", a.parts(), steps, keys, a.context()->parameters().t));
  std::vector<Ciphertext> results;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (rlwe::rotation_element(a.context()->ring()->log_degree(), steps[i]) == 1) {
      results.push_back(a);
      continue;
    }
    BLINDPROOF_ASSIGN(Ciphertext result, after_switch("rotation", a, std::move(rotated[i])));
    results.push_back(std::move(result));
  }
  return results;
}

Outcome sum_slots(const Ciphertext& a, std::size_t count, const rlwe::GaloisKeys& keys) {
  BLINDPROOF_TRY(rlwe::require_window("sum of slots", count, a.context()->slots().slots() / 2));
  return rlwe::sum_of_rotations(a, count, [](const Ciphertext& x, const Ciphertext& y) { return add(x, y); },
                                [&](const Ciphertext& x, std::int64_t steps) { return rotate(x, steps, keys); });
}

Outcome sanitize(const Ciphertext& a, const rlwe::PublicKey& key, int hiding_bits, crypto::Csprng& random) {
  constexpr const char* kOperation = "sanitising";
  BLINDPROOF_TRY(rlwe::require_degree(kOperation, a.parts(), 1));
  BLINDPROOF_TRY(rlwe::require_ring(kOperation, a.parts(), key.b.ring_ptr()));
  const Context& context = *a.context();
  // In units of t, of which the message takes up to a half: the phase is f m + t e.
  const double noise = std::hypot(a.deviation() / t_of(a), rlwe::fresh_public_key_noise(*context.ring()));
  BLINDPROOF_ASSIGN(const rlwe::Flood flood, rlwe::uniform_flood(kOperation, kTail * noise + 0.5, hiding_bits));
  rlwe::Parts parts =
      rlwe::encrypt_flooded_zero(key, context.basis(a.level()), flood, context.parameters().t, random);
  rlwe::add_to(parts, a.parts());
  return usable(kOperation, Ciphertext(a.context(), a.level(), a.factor(), std::move(parts),
                                       t_of(a) * std::hypot(noise, flood.deviation()), a.secret_power()));
}

}  // namespace blindproof::fhe::bgv
