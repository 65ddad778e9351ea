#include "blindproof/fhe/bfv/bfv.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "blindproof/base/check.h"
#include "blindproof/base/thread_pool.h"
#include "blindproof/fhe/bfv/prediction.h"
#include "blindproof/fhe/rlwe/flooding.h"
#include "blindproof/fhe/rlwe/requirements.h"
#include "blindproof/field/residues.h"

namespace blindproof::fhe::bfv {
namespace {

using rlwe::NttPoly;

Outcome usable(const char* operation, Ciphertext&& a) {
  return rlwe::usable(operation, std::move(a), "choose parameters with more limbs, or a smaller plaintext modulus");
}

// round(Q m / t) = (Q m - [Q m]_t) / t = -[Q m]_t / t modulo Q.
NttPoly scaled_poly(const Plaintext& a) {
  const Context& context = *a.context();
  NttPoly result = rlwe::centered_product(context.ring(), context.basis(), context.t(), a.coefficients(),
                                          context.constants().q_mod_t);
  rlwe::scale(result, context.constants().minus_inverse_t_mod_q);
  return result;
}

// One converter over all columns.
void convert(const field::BaseConverter& converter, std::span<const std::uint64_t* const> in,
             std::span<std::uint64_t* const> out, std::size_t n) {
  base::parallel_ranges(n, 2048, [&](std::size_t begin, std::size_t end) {
    std::vector<const std::uint64_t*> from(in.begin(), in.end());
    std::vector<std::uint64_t*> to(out.begin(), out.end());
    for (const std::uint64_t*& p : from) p += begin;
    for (std::uint64_t*& p : to) p += begin;
    converter.convert(from, to, end - begin);
  });
}

struct Halves {
  std::vector<std::uint64_t*> q, b;
};

Halves limbs_of(NttPoly& a, std::size_t q_count) {
  Halves result;
  for (std::size_t i = 0; i < a.limbs(); ++i) (i < q_count ? result.q : result.b).push_back(a.limb(i).data());
  return result;
}

// t a modulo Q B.
NttPoly extended(const Context& context, const NttPoly& a) {
  const std::size_t q_count = a.limbs();
  const rlwe::RingPtr& ring = context.product_ring();
  NttPoly result(ring, {q_count, true});
  const rlwe::CoeffPoly coefficients = to_coefficients(NttPoly(a));
  std::vector<const std::uint64_t*> in;
  for (std::size_t i = 0; i < q_count; ++i) in.push_back(coefficients.limb(i).data());
  convert(ring->digit_converter(q_count, 0), in, limbs_of(result, q_count).b, a.degree());
  base::parallel_for(result.limbs(), [&](std::size_t i) {
    if (i >= q_count) poly::ntt_forward(result.tables(i), result.limb(i));
    const std::span<const std::uint64_t> source = i < q_count ? a.limb(i) : std::as_const(result).limb(i);
    field::scale(result.modulus(i), source, context.constants().t_mod_qb[i], result.limb(i));
  });
  return result;
}

// round(a B / Q) modulo Q B: (B a - [B a]_Q) / Q modulo B, then to all moduli.
NttPoly switched(const Context& context, const NttPoly& a) {
  const std::size_t q_count = a.limbs(), n = a.degree();
  const rlwe::RingPtr& ring = context.product_ring();
  NttPoly result(ring, {q_count, true});
  NttPoly scaled(a);
  base::parallel_for(q_count, [&](std::size_t i) {
    poly::ntt_inverse_scaled(scaled.tables(i), context.constants().b_mod_q[i], scaled.limb(i));
  });
  const Halves scaled_limbs = limbs_of(scaled, q_count), limbs = limbs_of(result, q_count);
  const std::vector<const std::uint64_t*> in(scaled_limbs.q.begin(), scaled_limbs.q.end());
  convert(ring->digit_converter(q_count, 0), in, limbs.b, n);
  for (std::size_t i = q_count; i < result.limbs(); ++i) {
    field::scale(result.modulus(i), result.limb(i), context.constants().minus_inverse_q_mod_b[i - q_count], result.limb(i));
  }
  convert(context.b_to_q(), std::vector<const std::uint64_t*>(limbs.b.begin(), limbs.b.end()), limbs.q, n);
  base::parallel_for(result.limbs(), [&](std::size_t i) { poly::ntt_forward(result.tables(i), result.limb(i)); });
  return result;
}

// Products are added modulo Q B, and divided by B once. Not relinearised.
Outcome sum_of_products(const char* operation, std::span<const Ciphertext> a, std::span<const Ciphertext> b) {
  BLINDPROOF_TRY(rlwe::require_pairs(operation, a.size(), b.size()));
  const Context& context = *a[0].context();
  rlwe::Parts sum;
  double noise = 0;
  int power = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    BLINDPROOF_TRY(rlwe::require_same_context(operation, a[0], a[i]));
    BLINDPROOF_TRY(rlwe::require_same_context(operation, a[0], b[i]));
    BLINDPROOF_TRY(rlwe::require_degree(operation, a[i].parts(), 1));
    BLINDPROOF_TRY(rlwe::require_degree(operation, b[i].parts(), 1));
    rlwe::Parts x, y;
    for (const NttPoly& part : a[i].parts()) x.push_back(extended(context, part));
    for (const NttPoly& part : b[i].parts()) y.push_back(switched(context, part));
    if (i == 0) {
      sum = rlwe::multiply(x, y);
    } else {
      rlwe::multiply_add(sum, x, y);
    }
    const Prediction product = predict_product(context, prediction_of(a[i]), prediction_of(b[i]));
    noise += product.noise;
    power = std::max(power, product.secret_power);
  }
  rlwe::Parts result;
  for (NttPoly& part : rlwe::divide(std::move(sum), context.product_ring()->drop_p(context.ring()->q_count()))) {
    result.push_back(NttPoly::adopt(context.ring(), context.basis(), std::move(part).release()));
  }
  return usable(operation, Ciphertext(a[0].context(), std::move(result), noise, power));
}

// The same message after a key switch.
Outcome after_switch(const char* operation, const Ciphertext& a, rlwe::Parts&& parts) {
  const Prediction predicted = predict_switch(*a.context(), prediction_of(a));
  return usable(operation, Ciphertext(a.context(), std::move(parts), predicted.noise, predicted.secret_power));
}

double with_rounding(double noise) { return std::hypot(noise, std::sqrt(1.0 / 12)); }

Ciphertext encrypted(const Plaintext& plaintext, rlwe::Parts&& parts, double noise, std::optional<rlwe::Seed> seed = {}) {
  rlwe::add_to(parts[0], scaled_poly(plaintext));
  return {plaintext.context(), std::move(parts), with_rounding(noise), 1, seed};
}

template <class Combine>
Outcome combine(const char* operation, const Ciphertext& a, const Ciphertext& b, Combine&& combine_parts) {
  BLINDPROOF_TRY(rlwe::require_same_context(operation, a, b));
  rlwe::Parts parts = a.parts();
  combine_parts(parts, b.parts());
  const Prediction predicted = predict_sum(prediction_of(a), prediction_of(b));
  return usable(operation, Ciphertext(a.context(), std::move(parts), predicted.noise, predicted.secret_power));
}

template <class Combine>
Outcome combine(const char* operation, const Ciphertext& a, const Plaintext& b, Combine&& combine_poly) {
  BLINDPROOF_TRY(rlwe::require_same_context(operation, a, b));
  rlwe::Parts parts = a.parts();
  combine_poly(parts[0], scaled_poly(b));
  return usable(operation, Ciphertext(a.context(), std::move(parts), predict_sum(prediction_of(a)).noise, a.secret_power()));
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

rlwe::PublicKey generate_public_key(const rlwe::SecretKey& secret, crypto::Csprng& random) {
  return rlwe::PublicKey::generate(secret, 1, random);
}

rlwe::KeySwitchKey generate_relinearization_key(const Context& context, const rlwe::SecretKey& secret,
                                                crypto::Csprng& random) {
  return rlwe::make_relinearization_key(secret, context.ring()->q_count(), 1, random);
}

rlwe::GaloisKeys generate_rotation_keys(const Context& context, const rlwe::SecretKey& secret,
                                        std::span<const std::int64_t> steps, bool exchange, crypto::Csprng& random) {
  return rlwe::make_rotation_keys(secret, steps, exchange, context.ring()->q_count(), 1, random);
}

Ciphertext encrypt(const rlwe::PublicKey& key, const Plaintext& plaintext, crypto::Csprng& random) {
  const Context& context = *plaintext.context();
  return encrypted(plaintext, rlwe::encrypt_zero(key, context.basis(), 1, random),
                   rlwe::fresh_public_key_noise(*context.ring()));
}

Ciphertext encrypt(const rlwe::SecretKey& key, const Plaintext& plaintext, crypto::Csprng& random) {
  rlwe::SeededParts zero = rlwe::encrypt_zero(key, plaintext.context()->basis(), 1, random);
  return encrypted(plaintext, std::move(zero.parts), rlwe::fresh_secret_key_noise(), zero.seed);
}

double fresh_noise(const Context& context) { return predict_fresh(context).noise; }

// x = Q m / t + e, so t x = Q m + [t x]_Q and m = -[t x]_Q / Q modulo t.
base::Result<Plaintext> decrypt(const rlwe::SecretKey& key, const Ciphertext& ciphertext) {
  const Context& context = *ciphertext.context();
  BLINDPROOF_TRY(rlwe::require_ring("decryption", ciphertext.parts(), key.ring()));
  NttPoly phase = rlwe::phase(ciphertext.parts(), key);
  base::parallel_for(phase.limbs(), [&](std::size_t i) {
    poly::ntt_inverse_scaled(phase.tables(i), context.constants().t_mod_q[i], phase.limb(i));
  });
  std::vector<const std::uint64_t*> in;
  for (std::size_t i = 0; i < phase.limbs(); ++i) in.push_back(std::as_const(phase).limb(i).data());
  std::vector<std::uint64_t> coefficients(phase.degree());
  const std::vector<std::uint64_t*> out{coefficients.data()};
  convert(context.q_to_t(), in, out, phase.degree());
  field::scale(context.t(), coefficients, context.constants().minus_inverse_q_mod_t, coefficients);
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
  return {a.context(), std::move(parts), a.noise(), a.secret_power()};
}

Outcome multiply(const Ciphertext& a, const Plaintext& b) {
  BLINDPROOF_TRY(rlwe::require_same_context("multiplication", a, b));
  const std::shared_ptr<const rlwe::PlainFactor> factor = b.factor();
  return usable("multiplication", Ciphertext(a.context(), rlwe::multiply(a.parts(), factor->values), a.noise() * factor->norm,
                                             a.secret_power()));
}

Outcome multiply(const Ciphertext& a, std::int64_t constant) {
  const std::int64_t centered = a.context()->t().centered(a.context()->t().reduce_signed(constant));
  std::vector<std::uint64_t> factors;
  for (std::size_t i = 0; i < a.parts()[0].limbs(); ++i) factors.push_back(a.parts()[0].modulus(i).reduce_signed(centered));
  rlwe::Parts parts = a.parts();
  rlwe::scale(parts, factors);
  return usable("multiplication", Ciphertext(a.context(), std::move(parts),
                                                  a.noise() * std::abs(static_cast<double>(centered)), a.secret_power()));
}

Outcome multiply(const Ciphertext& a, const Ciphertext& b) { return sum_of_products("multiplication", {&a, 1}, {&b, 1}); }

Outcome square(const Ciphertext& a) { return multiply(a, a); }

Outcome relinearize(const Ciphertext& a, const rlwe::KeySwitchKey& key) {
  BLINDPROOF_TRY(rlwe::require_degree("relinearisation", a.parts(), 2));
  BLINDPROOF_TRY(rlwe::require_key("relinearisation", a.parts(), key));
  return after_switch("relinearisation", a, rlwe::relinearize(a.parts(), key));
}

Outcome multiply(const Ciphertext& a, const Ciphertext& b, const rlwe::KeySwitchKey& key) {
  BLINDPROOF_ASSIGN(const Ciphertext product, multiply(a, b));
  return relinearize(product, key);
}

Outcome inner_product(std::span<const Ciphertext> a, std::span<const Ciphertext> b, const rlwe::KeySwitchKey& key) {
  BLINDPROOF_ASSIGN(const Ciphertext product, sum_of_products("inner product", a, b));
  return relinearize(product, key);
}

Outcome inner_product(std::span<const Ciphertext> a, std::span<const Plaintext> b) {
  constexpr const char* kOperation = "inner product";
  BLINDPROOF_TRY(rlwe::require_pairs(kOperation, a.size(), b.size()));
  rlwe::Parts parts;
  double noise = 0;
  int power = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    BLINDPROOF_TRY(rlwe::require_same_context(kOperation, a[0], a[i]));
    BLINDPROOF_TRY(rlwe::require_same_context(kOperation, a[0], b[i]));
    const std::shared_ptr<const rlwe::PlainFactor> factor = b[i].factor();
    rlwe::multiply_add(parts, a[i].parts(), factor->values);
    noise += a[i].noise() * factor->norm;
    power = std::max(power, a[i].secret_power());
  }
  return usable(kOperation, Ciphertext(a[0].context(), std::move(parts), noise, power));
}

Outcome rotate(const Ciphertext& a, std::int64_t steps, const rlwe::GaloisKeys& keys) {
  BLINDPROOF_ASSIGN(std::vector<Ciphertext> results, rotate_hoisted(a, {&steps, 1}, keys));
  return std::move(results[0]);
}

Outcome exchange_rows(const Ciphertext& a, const rlwe::GaloisKeys& keys) {
  BLINDPROOF_ASSIGN(rlwe::Parts parts, rlwe::conjugation("exchange of rows", a.parts(), keys, 1));
  return after_switch("exchange of rows", a, std::move(parts));
}

base::Result<std::vector<Ciphertext>> rotate_hoisted(const Ciphertext& a, std::span<const std::int64_t> steps,
                                                     const rlwe::GaloisKeys& keys) {
  BLINDPROOF_ASSIGN(std::vector<rlwe::Parts> rotated, rlwe::rotations("rotation", a.parts(), steps, keys, 1));
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
  const double noise = std::hypot(a.noise(), rlwe::fresh_public_key_noise(*context.ring()));
  BLINDPROOF_ASSIGN(const rlwe::Flood flood, rlwe::uniform_flood(kOperation, kTail * noise, hiding_bits));
  rlwe::Parts parts = rlwe::encrypt_flooded_zero(key, context.basis(), flood, 1, random);
  rlwe::add_to(parts, a.parts());
  return usable(kOperation, Ciphertext(a.context(), std::move(parts), std::hypot(noise, flood.deviation()), a.secret_power()));
}

}  // namespace blindproof::fhe::bfv
