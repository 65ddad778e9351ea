#include "blindproof/fhe/bfv/context.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "blindproof/fhe/bfv/ciphertext.h"
#include "blindproof/fhe/rlwe/ciphertext.h"

namespace blindproof::fhe::bfv {
namespace {

using enum rlwe::SecurityLevel;

constexpr std::array<NamedParameters, 10> kNamed{{
    {"bfv-8192", "20-bit integers, 2 products in sequence and a flood",
     {.log_degree = 13, .t = 1032193, .limbs = 3, .limb_bits = 50, .digits = 3}},
    {"bfv-16384", "20-bit integers, 6 products in sequence and a flood",
     {.log_degree = 14, .t = 786433, .limbs = 6, .limb_bits = 50, .digits = 3}},
    {"bfv-32768", "20-bit integers, 14 products in sequence and a flood",
     {.log_degree = 15, .t = 786433, .limbs = 12, .limb_bits = 50, .digits = 3}},
    {"bfv-8192-t30", "30-bit integers, 1 product in sequence and a flood",
     {.log_degree = 13, .t = 1073692673, .limbs = 3, .limb_bits = 50, .digits = 3}},
    {"bfv-16384-t30", "30-bit integers, 4 products in sequence and a flood",
     {.log_degree = 14, .t = 1073643521, .limbs = 6, .limb_bits = 50, .digits = 3}},
    {"bfv-32768-t30", "30-bit integers, 10 products in sequence and a flood",
     {.log_degree = 15, .t = 1073479681, .limbs = 12, .limb_bits = 50, .digits = 3}},
    {"bfv-16384-192", "20-bit integers, 4 products in sequence and a flood, 192 bits of security",
     {.log_degree = 14, .t = 786433, .limbs = 5, .limb_bits = 49, .digits = 5, .security = k192}},
    {"bfv-32768-192", "20-bit integers, 11 products in sequence and a flood, 192 bits of security",
     {.log_degree = 15, .t = 786433, .limbs = 10, .limb_bits = 49, .digits = 5, .security = k192}},
    {"bfv-16384-256", "20-bit integers, 2 products in sequence and a flood, 256 bits of security",
     {.log_degree = 14, .t = 786433, .limbs = 4, .limb_bits = 45, .digits = 4, .security = k256}},
    {"bfv-32768-256", "20-bit integers, 7 products in sequence and a flood, 256 bits of security",
     {.log_degree = 15, .t = 786433, .limbs = 7, .limb_bits = 50, .digits = 4, .security = k256}},
}};

constexpr std::uint64_t kMaxT = std::uint64_t{1} << 40;

base::Error invalid(std::string detail) {
  return base::error(base::ErrorCode::kInvalidArgument, "BFV parameters", std::move(detail));
}

std::vector<field::Modulus> moduli(const rlwe::Ring& ring, const rlwe::Basis& basis, std::size_t begin, std::size_t end) {
  std::vector<field::Modulus> result;
  for (std::size_t i = begin; i < end; ++i) result.push_back(ring.modulus(basis, i));
  return result;
}

std::uint64_t product_modulo(const field::Modulus& modulus, const std::vector<std::uint64_t>& factors) {
  std::uint64_t product = 1;
  for (const std::uint64_t factor : factors) product = modulus.multiply(product, modulus.reduce(factor));
  return product;
}

}  // namespace

std::span<const NamedParameters> named_parameters() noexcept { return kNamed; }

base::Result<ContextPtr> Context::create(std::string_view name) {
  BLINDPROOF_ASSIGN(const Parameters parameters, rlwe::find_parameters(named_parameters(), name));
  return create(parameters);
}

base::Result<ContextPtr> Context::create(const Parameters& parameters) { return make(parameters, true); }

base::Result<ContextPtr> Context::make(const Parameters& parameters, bool check_security) {
  if (parameters.log_degree < 6 || parameters.log_degree > 17) return invalid("log_degree must lie between 6 and 17");
  if (parameters.limbs < 1 || parameters.limbs > 15) return invalid("limbs must lie between 1 and 15");
  if (parameters.limb_bits < 30 || parameters.limb_bits > 50) return invalid("limb_bits must lie between 30 and 50");
  if (parameters.t >= kMaxT) return invalid("the plaintext modulus must lie below 2^40");
  BLINDPROOF_ASSIGN(rlwe::SlotEncoder slots, rlwe::SlotEncoder::create(parameters.t, parameters.log_degree));
  const std::size_t limbs = static_cast<std::size_t>(parameters.limbs);
  const bool switches = parameters.digits > 0;
  if (parameters.digits < 0 || (!switches && parameters.special_limbs > 0)) return invalid("special moduli are for one digit or more");
  const std::size_t digits = switches ? std::min(static_cast<std::size_t>(parameters.digits), limbs) : 1;
  const int step = parameters.log_degree + 1;
  std::vector<std::uint64_t> used{parameters.t};
  const auto take = [&](int bits, std::size_t count) -> base::Result<std::vector<std::uint64_t>> {
    BLINDPROOF_ASSIGN(std::vector<std::uint64_t> primes, field::ntt_primes_below(bits, step, count, used));
    used.insert(used.end(), primes.begin(), primes.end());
    return primes;
  };
  // The largest serve as special moduli and as B, so that both are at least what they must be.
  const std::size_t longest = (limbs + digits - 1) / digits;
  const std::size_t special = parameters.special_limbs > 0 || !switches
                                  ? static_cast<std::size_t>(parameters.special_limbs)
                                  : (longest * static_cast<std::size_t>(parameters.limb_bits) + 49) / 50;
  const std::size_t b_limbs = (limbs * static_cast<std::size_t>(parameters.limb_bits) + 49) / 50;
  BLINDPROOF_ASSIGN(const std::vector<std::uint64_t> p, take(50, special));
  BLINDPROOF_ASSIGN(const std::vector<std::uint64_t> b, take(50, b_limbs));
  BLINDPROOF_ASSIGN(const std::vector<std::uint64_t> q, take(parameters.limb_bits, limbs));
  if (check_security) {
    std::vector<std::uint64_t> all = q;
    all.insert(all.end(), p.begin(), p.end());
    BLINDPROOF_TRY(rlwe::check_security(parameters.log_degree, all, parameters.security));
  }
  BLINDPROOF_ASSIGN(rlwe::RingPtr ring, rlwe::Ring::create({.log_degree = parameters.log_degree, .q = q, .p = p,
                                                            .digits = static_cast<int>(digits)}));
  BLINDPROOF_ASSIGN(rlwe::RingPtr product_ring,
                    rlwe::Ring::create({.log_degree = parameters.log_degree, .q = q, .p = b, .digits = 1}));
  Parameters chosen = parameters;
  chosen.digits = switches ? static_cast<int>(digits) : 0;
  chosen.special_limbs = static_cast<int>(special);
  return make(chosen, std::move(ring), std::move(product_ring), std::move(slots));
}

base::Result<ContextPtr> Context::create(const ContextPtr& like, std::uint64_t t) {
  if (t >= kMaxT) return invalid("the plaintext modulus must lie below 2^40");
  for (const rlwe::RingPtr& ring : {like->ring_, like->product_ring_}) {
    for (const std::vector<std::uint64_t>& moduli : {ring->parameters().q, ring->parameters().p}) {
      if (std::ranges::find(moduli, t) != moduli.end()) return invalid("the plaintext modulus is one of the ciphertexts' moduli");
    }
  }
  BLINDPROOF_ASSIGN(rlwe::SlotEncoder slots, rlwe::SlotEncoder::create(t, like->parameters_.log_degree));
  Parameters chosen = like->parameters_;
  chosen.t = t;
  return make(chosen, like->ring_, like->product_ring_, std::move(slots));
}

base::Result<ContextPtr> Context::make(const Parameters& chosen, rlwe::RingPtr ring, rlwe::RingPtr product_ring, rlwe::SlotEncoder slots) {
  ContextPtr context(new Context(chosen, std::move(ring), std::move(product_ring), std::move(slots)));
  if (std::log2(kTail * rlwe::fresh_public_key_noise(*context->ring_)) >= context->log2_room_) {
    return invalid("fresh ciphertexts would not decrypt: use more limbs or a smaller plaintext modulus");
  }
  return context;
}

Context::Context(const Parameters& parameters, rlwe::RingPtr ring, rlwe::RingPtr product_ring, rlwe::SlotEncoder slots)
    : parameters_(parameters),
      ring_(std::move(ring)),
      product_ring_(std::move(product_ring)),
      slots_(std::move(slots)),
      b_to_q_(moduli(*product_ring_, {ring_->q_count(), true}, ring_->q_count(),
                     ring_->q_count() + product_ring_->p_count()),
              moduli(*ring_, {ring_->q_count(), false}, 0, ring_->q_count())),
      q_to_t_(moduli(*ring_, {ring_->q_count(), false}, 0, ring_->q_count()), {slots_.t()}),
      log2_room_(ring_->log2_modulus({ring_->q_count(), false}) - 1 - std::log2(static_cast<double>(parameters.t))) {
  const std::vector<std::uint64_t>& q = ring_->parameters().q;
  const std::vector<std::uint64_t>& b = product_ring_->parameters().p;
  for (std::size_t i = 0; i < q.size(); ++i) {
    const field::Modulus& modulus = ring_->modulus(basis(), i);
    const std::uint64_t t_mod = modulus.reduce(parameters.t);
    constants_.t_mod_q.push_back(t_mod);
    constants_.b_mod_q.push_back(product_modulo(modulus, b));
    constants_.minus_inverse_t_mod_q.push_back(modulus.negate(modulus.inverse(t_mod)));
  }
  constants_.t_mod_qb = constants_.t_mod_q;
  for (std::size_t i = 0; i < b.size(); ++i) {
    const field::Modulus& modulus = product_ring_->modulus({q.size(), true}, q.size() + i);
    constants_.minus_inverse_q_mod_b.push_back(modulus.negate(modulus.inverse(product_modulo(modulus, q))));
    constants_.t_mod_qb.push_back(modulus.reduce(parameters.t));
  }
  constants_.q_mod_t = product_modulo(t(), q);
  constants_.minus_inverse_q_mod_t = t().negate(t().inverse(constants_.q_mod_t));
}

}  // namespace blindproof::fhe::bfv
