#include "blindproof/fhe/rlwe/keys.h"

#include <string>

#include "blindproof/base/bytes.h"
#include "blindproof/base/check.h"
#include "blindproof/base/thread_pool.h"
#include "blindproof/crypto/keccak.h"
#include "blindproof/fhe/rlwe/sampling.h"
#include "blindproof/field/residues.h"

namespace blindproof::fhe::rlwe {
namespace {

std::span<std::int8_t> as_signed(std::span<std::uint8_t> bytes) {
  return {reinterpret_cast<std::int8_t*>(bytes.data()), bytes.size()};
}

NttPoly from_small(const RingPtr& ring, const Basis& basis, std::span<const std::uint8_t> bytes,
                   std::int64_t multiplier) {
  crypto::SecretBytes wide(bytes.size() * sizeof(std::int64_t));
  const std::span<std::int64_t> coefficients(reinterpret_cast<std::int64_t*>(wide.expose_mutable().data()), bytes.size());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    coefficients[i] = static_cast<std::int8_t>(bytes[i]) * multiplier;
  }
  return values_of_signed(ring, basis, coefficients, Secrecy::kSecret);
}

}  // namespace

NttPoly expand_uniform(const RingPtr& ring, const Basis& basis, const Seed& seed, std::uint64_t index) {
  NttPoly result(ring, basis);
  base::parallel_for(result.limbs(), [&](std::size_t i) {
    const std::uint64_t q = result.modulus(i).value();
    base::ByteWriter input;
    input.raw(base::as_bytes("blindproof rlwe uniform v1"));
    input.raw(seed);
    input.u64(index);
    input.u64(q);
    Seed limb_seed;
    crypto::shake256(input.bytes(), limb_seed);
    crypto::Csprng stream(std::span<const std::uint8_t, 32>{limb_seed});
    sample_uniform(stream, q, result.limb(i));
  });
  return result;
}

NttPoly sample_error_poly(const RingPtr& ring, const Basis& basis, std::uint64_t multiplier, crypto::Csprng& random) {
  crypto::SecretBytes errors(ring->degree());
  sample_error(random, as_signed(errors.expose_mutable()));
  return from_small(ring, basis, errors.expose(), static_cast<std::int64_t>(multiplier));
}

NttPoly masked_error(const NttPoly& a, const NttPoly& secret, std::uint64_t error_multiplier, crypto::Csprng& random) {
  NttPoly result = product(a, truncate(secret, a.basis()));
  negate(result);
  add_to(result, sample_error_poly(a.ring_ptr(), a.basis(), error_multiplier, random));
  result.declassify();
  return result;
}

NttPoly sample_ternary_poly(const RingPtr& ring, const Basis& basis, crypto::Csprng& random) {
  crypto::SecretBytes ternary(ring->degree());
  sample_ternary(random, as_signed(ternary.expose_mutable()));
  return from_small(ring, basis, ternary.expose(), 1);
}

SecretKey SecretKey::generate(RingPtr ring, crypto::Csprng& random) {
  crypto::SecretBytes ternary(ring->degree());
  sample_ternary(random, as_signed(ternary.expose_mutable()));
  NttPoly values = from_small(ring, {ring->q_count(), ring->p_count() > 0}, ternary.expose(), 1);
  return {std::move(ternary), std::move(values)};
}

base::Result<SecretKey> SecretKey::from_coefficients(RingPtr ring, crypto::SecretBytes ternary) {
  bool good = ternary.size() == ring->degree();
  for (const std::uint8_t byte : ternary.expose()) good &= static_cast<std::uint8_t>(byte + 1) <= 2;
  if (!good) {
    return base::error(base::ErrorCode::kMalformed, "secret key",
                       "must have " + std::to_string(ring->degree()) + " coefficients that are -1, 0 or 1");
  }
  NttPoly values = from_small(ring, {ring->q_count(), ring->p_count() > 0}, ternary.expose(), 1);
  return SecretKey(std::move(ternary), std::move(values));
}

PublicKey PublicKey::generate(const SecretKey& secret, std::uint64_t error_multiplier, crypto::Csprng& random) {
  Seed seed;
  random.fill(seed);
  NttPoly a = expand_uniform(secret.ring(), {secret.ring()->q_count(), false}, seed, 0);
  NttPoly b = masked_error(a, secret.values(), error_multiplier, random);
  return {seed, std::move(b), std::move(a)};
}

std::size_t KeySwitchKey::bytes() const noexcept {
  return 2 * b.size() * b.front().limbs() * b.front().degree() * sizeof(std::uint64_t);
}

KeySwitchKey make_key_switch_key(const NttPoly& from, const NttPoly& to, std::size_t q_limbs,
                                 std::uint64_t error_multiplier, crypto::Csprng& random) {
  const RingPtr& ring = from.ring_ptr();
  BLINDPROOF_CHECK(ring->p_count() > 0, "key switching needs special moduli");
  const Basis basis{q_limbs, true};
  KeySwitchKey key;
  random.fill(key.seed);
  for (std::size_t digit = 0; digit < ring->digit_count(q_limbs); ++digit) {
    key.a.push_back(expand_uniform(ring, basis, key.seed, digit));
    NttPoly b = masked_error(key.a.back(), to, error_multiplier, random);
    for (std::size_t i = ring->digit_begin(digit); i < ring->digit_end(digit, q_limbs); ++i) {
      field::scale_add(b.modulus(i), from.limb(i), ring->p_modulo(i), b.limb(i));
    }
    key.b.push_back(std::move(b));
  }
  return key;
}

KeySwitchKey make_relinearization_key(const SecretKey& secret, std::size_t q_limbs, std::uint64_t error_multiplier,
                                      crypto::Csprng& random) {
  return make_key_switch_key(product(secret.values(), secret.values()), secret.values(), q_limbs, error_multiplier, random);
}

GaloisKey make_galois_key(const SecretKey& secret, std::size_t element, std::size_t q_limbs,
                          std::uint64_t error_multiplier, crypto::Csprng& random) {
  const int log_degree = secret.ring()->log_degree();
  const std::size_t order = std::size_t{2} << log_degree;
  BLINDPROOF_CHECK(element % 2 == 1 && element < order, "a Galois element is odd and below 2N");
  // Odd numbers modulo a power of two: each Newton step doubles the correct bits, of which 1 starts with three.
  std::size_t inverse = element;
  for (int step = 0; step < 5; ++step) inverse *= 2 - element * inverse;
  inverse %= order;
  const NttPoly target = permuted(secret.values(), poly::automorphism_permutation(log_degree, inverse));
  return {element, poly::automorphism_permutation(log_degree, element),
          make_key_switch_key(secret.values(), target, q_limbs, error_multiplier, random)};
}

std::size_t rotation_element(int log_degree, std::int64_t steps) noexcept {
  const std::size_t order = std::size_t{2} << log_degree, slots = order / 4;
  const std::int64_t count = static_cast<std::int64_t>(slots);
  std::size_t exponent = static_cast<std::size_t>((steps % count + count) % count);
  std::size_t result = 1;
  for (std::size_t power = 5; exponent > 0; exponent >>= 1, power = power * power % order) {
    if (exponent & 1) result = result * power % order;
  }
  return result;
}

std::size_t conjugation_element(int log_degree) noexcept { return (std::size_t{2} << log_degree) - 1; }

void GaloisKeys::insert(GaloisKey key) {
  const std::size_t element = key.element;
  keys_.insert_or_assign(element, std::move(key));
}

base::Result<const GaloisKey*> GaloisKeys::find(std::size_t element, std::size_t q_limbs) const {
  const auto found = keys_.find(element);
  if (found == keys_.end()) {
    return base::error(base::ErrorCode::kInvalidArgument, "Galois keys",
                       "there is no key for element " + std::to_string(element) + ": generate it for this rotation");
  }
  if (found->second.key.q_limbs() < q_limbs) {
    return base::error(base::ErrorCode::kInvalidArgument, "Galois keys",
                       "the key for element " + std::to_string(element) + " is for " +
                           std::to_string(found->second.key.q_limbs()) + " limbs, the ciphertext has " +
                           std::to_string(q_limbs));
  }
  return &found->second;
}

GaloisKeys make_rotation_keys(const SecretKey& secret, std::span<const std::int64_t> steps, bool conjugation,
                              std::size_t q_limbs, std::uint64_t error_multiplier, crypto::Csprng& random) {
  const int log_degree = secret.ring()->log_degree();
  GaloisKeys keys;
  for (const std::int64_t step : steps) {
    const std::size_t element = rotation_element(log_degree, step);
    if (element == 1 || keys.by_element().contains(element)) continue;
    keys.insert(make_galois_key(secret, element, q_limbs, error_multiplier, random));
  }
  if (conjugation) {
    keys.insert(make_galois_key(secret, conjugation_element(log_degree), q_limbs, error_multiplier, random));
  }
  return keys;
}

}  // namespace blindproof::fhe::rlwe
