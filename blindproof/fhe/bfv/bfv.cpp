#include "blindproof/fhe/bfv/bfv.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "blindproof/base/check.h"
#include "blindproof/base/thread_pool.h"
#include "blindproof/fhe/rlwe/requirements.h"
#include "blindproof/field/residues.h"

namespace blindproof::fhe::bfv {
namespace {

using rlwe::invalid;
using rlwe::mismatch;
using rlwe::NttPoly;

Outcome usable(const char* operation, Ciphertext&& a) {
  BLINDPROOF_TRY(rlwe::require_hiding(operation, a.parts()));
  if (a.predicted_budget_bits() > 0) return std::move(a);
  return invalid(operation, "the result might not decrypt, its error is predicted " +
                                std::to_string(static_cast<int>(std::ceil(-a.predicted_budget_bits()))) +
                                " bits too long: choose parameters with more limbs, or a smaller plaintext modulus");
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

double rounding_of_products(const rlwe::Ring& ring) {
  const double h = 2.0 / 3.0 * static_cast<double>(ring.degree());
  return std::sqrt((1 + h + h * h) / 12);
}

double product_noise(const Ciphertext& a, const Ciphertext& b) {
  const Context& context = *a.context();
  const rlwe::Ring& ring = *context.ring();
  const double t = static_cast<double>(context.parameters().t), root = std::sqrt(static_cast<double>(ring.degree()));
  const double overflow = rlwe::rounding_noise(ring);  // of phase / Q beyond the message
  const double shared = std::sqrt(1.0 + std::max(a.secret_power(), b.secret_power()));
  const double crossed = t * root * (0.5 + overflow * shared) * (a.noise() + b.noise());
  const double both = std::exp2(std::log2(t) + std::log2(a.noise()) + std::log2(b.noise()) -
                                ring.log2_modulus(context.basis())) * root * shared;
  const double switching = t * root * overflow * overflow * std::sqrt(2.0);
  return std::hypot(crossed + both, switching, rounding_of_products(ring));
}

// The same message after a key switch.
Outcome after_switch(const char* operation, const Ciphertext& a, rlwe::Parts&& parts) {
  const double added = rlwe::key_switch_noise(*a.context()->ring(), a.context()->ring()->q_count());
  return usable(operation, Ciphertext(a.context(), std::move(parts), std::hypot(a.noise(), added), a.secret_power()));
}

Ciphertext encrypted(const Plaintext& plaintext, rlwe::Parts&& parts, double noise) {
  rlwe::add_to(parts[0], scaled_poly(plaintext));
  return {plaintext.context(), std::move(parts), std::hypot(noise, std::sqrt(1.0 / 12)), 1};
}

template <class Combine>
Outcome combine(const char* operation, const Ciphertext& a, const Ciphertext& b, Combine&& combine_parts) {
  BLINDPROOF_TRY(rlwe::require_same_context(operation, a, b));
  rlwe::Parts parts = a.parts();
  combine_parts(parts, b.parts());
  return usable(operation, Ciphertext(a.context(), std::move(parts), a.noise() + b.noise(),
                                           std::max(a.secret_power(), b.secret_power())));
}

template <class Combine>
Outcome combine(const char* operation, const Ciphertext& a, const Plaintext& b, Combine&& combine_poly) {
  BLINDPROOF_TRY(rlwe::require_same_context(operation, a, b));
  rlwe::Parts parts = a.parts();
  combine_poly(parts[0], scaled_poly(b));
  return usable(operation, Ciphertext(a.context(), std::move(parts), a.noise() + std::sqrt(1.0 / 12), a.secret_power()));
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
  return encrypted(plaintext, rlwe::encrypt_zero(key, plaintext.context()->basis(), 1, random).parts,
                   rlwe::fresh_secret_key_noise());
}

// x = Q m / t + e, so t x = Q m + [t x]_Q and m = -[t x]_Q / Q modulo t.
base::Result<Plaintext> decrypt(const rlwe::SecretKey& key, const Ciphertext& ciphertext) {
  const Context& context = *ciphertext.context();
  if (key.ring() != context.ring()) {
    return mismatch("decryption", "the secret key is of another ring than the ciphertext");
  }
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
  rlwe::Parts parts = a.parts();
  rlwe::multiply_by(parts, rlwe::centered_product(a.context()->ring(), a.context()->basis(), a.context()->t(),
                                                  b.coefficients(), 1));
  return usable("multiplication", Ciphertext(a.context(), std::move(parts), a.noise() * rlwe::centered_norm(a.context()->t(), b.coefficients()), a.secret_power()));
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

Outcome multiply(const Ciphertext& a, const Ciphertext& b) {
  BLINDPROOF_TRY(rlwe::require_same_context("multiplication", a, b));
  BLINDPROOF_TRY(rlwe::require_degree("multiplication", a.parts(), 1));
  BLINDPROOF_TRY(rlwe::require_degree("multiplication", b.parts(), 1));
  const Context& context = *a.context();
  rlwe::Parts x, y;
  for (const NttPoly& part : a.parts()) x.push_back(extended(context, part));
  for (const NttPoly& part : b.parts()) y.push_back(switched(context, part));
  rlwe::Parts product = rlwe::multiply(x, y), result;
  for (NttPoly& part : product) {
    NttPoly divided = divide(std::move(part), context.product_ring()->drop_p(context.ring()->q_count()));
    result.push_back(NttPoly::adopt(context.ring(), context.basis(), std::move(divided).release()));
  }
  return usable("multiplication", Ciphertext(a.context(), std::move(result), product_noise(a, b),
                                                  std::max(a.secret_power(), b.secret_power()) + 1));
}

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
  for (rlwe::Parts& parts : rotated) {
    BLINDPROOF_ASSIGN(Ciphertext result, after_switch("rotation", a, std::move(parts)));
    results.push_back(std::move(result));
  }
  return results;
}

}  // namespace blindproof::fhe::bfv
