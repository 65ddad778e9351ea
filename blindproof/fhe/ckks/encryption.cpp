#include "blindproof/fhe/ckks/encryption.h"

#include <cmath>
#include <string>

#include "blindproof/fhe/rlwe/flooding.h"
#include "blindproof/fhe/rlwe/requirements.h"

namespace blindproof::fhe::ckks {
namespace {

constexpr const char* kSanitizing = "sanitising";

double slot_noise(const Context& context, double coefficient_noise) {
  return std::sqrt(static_cast<double>(context.ring()->degree())) * coefficient_noise;
}

Ciphertext with_message(const Plaintext& plaintext, rlwe::Parts&& parts, double coefficient_noise,
                        std::optional<rlwe::Seed> seed = {}) {
  rlwe::add_to(parts[0], plaintext.poly());
  return {plaintext.context(), plaintext.level(), plaintext.scale(), std::move(parts),
          plaintext.prediction().plus(slot_noise(*plaintext.context(), coefficient_noise)), seed};
}

struct Sanitized {
  rlwe::Flood flood;
  Prediction prediction;
};

base::Result<Sanitized> predict_flood(const Context& context, const Prediction& a, int hiding_bits) {
  const Prediction prediction = a.plus(slot_noise(context, rlwe::fresh_public_key_noise(*context.ring())));
  // A coefficient of the error is (2/N) times a sum of its N/2 slots times roots of unity: weights of norm sqrt(2/N).
  const double coefficient = prediction.joint_noise(context.slots()) / std::sqrt(static_cast<double>(context.slots()));
  BLINDPROOF_ASSIGN(const rlwe::Flood flood, rlwe::uniform_flood(kSanitizing, kTail * coefficient, hiding_bits));
  return Sanitized{flood, prediction.plus(slot_noise(context, flood.deviation()))};
}

// What a flood leaves must fit the modulus, and tell something.
template <class Message>
base::Result<Message> useful(const char* operation, Message&& message) {
  const double magnitude = message.prediction().magnitude, error = message.error_bound();
  if (!(error < magnitude / 2)) {
    return rlwe::invalid(operation, "the flooded result would be off by up to " + std::to_string(error) +
                                        ", its values are at most " + std::to_string(magnitude) +
                                        ": compute with a longer scale, or hide less");
  }
  const double room = message.context()->ring()->log2_modulus(message.context()->basis(message.level())) - 1;
  if (std::log2(message.scale()) + std::log2(magnitude + error) >= room) {
    return rlwe::invalid(operation, "the flooded result doesn't fit the moduli of level " + std::to_string(message.level()) +
                                        ": do it at a higher level, or hide less");
  }
  return std::move(message);
}

}  // namespace

rlwe::SecretKey generate_secret_key(const Context& context, crypto::Csprng& random) {
  return rlwe::SecretKey::generate(context.ring(), random);
}

rlwe::PublicKey generate_public_key(const rlwe::SecretKey& secret, crypto::Csprng& random) {
  return rlwe::PublicKey::generate(secret, 1, random);
}

rlwe::KeySwitchKey generate_relinearization_key(const Context& context, const rlwe::SecretKey& secret, int level,
                                                crypto::Csprng& random) {
  return rlwe::make_relinearization_key(secret, context.q_limbs(level), 1, random);
}

rlwe::GaloisKeys generate_rotation_keys(const Context& context, const rlwe::SecretKey& secret, int level,
                                        std::span<const std::int64_t> steps, bool conjugation, crypto::Csprng& random) {
  return rlwe::make_rotation_keys(secret, steps, conjugation, context.q_limbs(level), 1, random);
}

Ciphertext encrypt(const rlwe::PublicKey& key, const Plaintext& plaintext, crypto::Csprng& random) {
  return with_message(plaintext, rlwe::encrypt_zero(key, plaintext.poly().basis(), 1, random),
                      rlwe::fresh_public_key_noise(*plaintext.context()->ring()));
}

Ciphertext encrypt(const rlwe::SecretKey& key, const Plaintext& plaintext, crypto::Csprng& random) {
  rlwe::SeededParts zero = rlwe::encrypt_zero(key, plaintext.poly().basis(), 1, random);
  return with_message(plaintext, std::move(zero.parts), rlwe::fresh_secret_key_noise(), zero.seed);
}

Prediction predict_fresh(const Context& context, double magnitude) {
  const double noise = slot_noise(context, std::hypot(std::sqrt(1.0 / 12), rlwe::fresh_public_key_noise(*context.ring())));
  return {magnitude, noise, noise};
}

base::Result<Plaintext> decrypt(const rlwe::SecretKey& key, const Ciphertext& ciphertext) {
  BLINDPROOF_TRY(rlwe::require_ring("decryption", ciphertext.parts(), key.ring()));
  return Plaintext(ciphertext.context(), ciphertext.level(), ciphertext.scale(), rlwe::phase(ciphertext.parts(), key),
                   ciphertext.prediction());
}

base::Result<Plaintext> decrypt_to_share(const rlwe::SecretKey& key, const Ciphertext& ciphertext, const Sharing& sharing,
                                         crypto::Csprng& random) {
  constexpr const char* kOperation = "decryption to be shared";
  if (sharing.bits < 1 || !(sharing.queries >= 1)) return rlwe::invalid(kOperation, "there are at least one bit and one query");
  BLINDPROOF_ASSIGN(const Plaintext exact, decrypt(key, ciphertext));
  const Context& context = *ciphertext.context();
  const double norm = kTail * ciphertext.prediction().noise;
  BLINDPROOF_ASSIGN(const rlwe::Flood flood,
                    rlwe::bell_flood(kOperation, std::sqrt(12 * sharing.queries) * std::exp2(sharing.bits / 2.0) * norm));
  rlwe::NttPoly poly = exact.poly();
  rlwe::add_to(poly, rlwe::sample_flood_poly(context.ring(), poly.basis(), flood, 1, random));
  return useful(kOperation, Plaintext(exact.context(), exact.level(), exact.scale(), std::move(poly),
                                      exact.prediction().plus(slot_noise(context, flood.deviation()))));
}

base::Result<Prediction> predict_sanitized(const Context& context, const Prediction& a, int hiding_bits) {
  BLINDPROOF_ASSIGN(const Sanitized sanitized, predict_flood(context, a, hiding_bits));
  return sanitized.prediction;
}

base::Result<Ciphertext> sanitize(const Ciphertext& a, const rlwe::PublicKey& key, int hiding_bits, crypto::Csprng& random) {
  BLINDPROOF_TRY(rlwe::require_degree(kSanitizing, a.parts(), 1));
  BLINDPROOF_TRY(rlwe::require_ring(kSanitizing, a.parts(), key.b.ring_ptr()));
  const Context& context = *a.context();
  BLINDPROOF_ASSIGN(const Sanitized after, predict_flood(context, a.prediction(), hiding_bits));
  rlwe::Parts parts = rlwe::encrypt_flooded_zero(key, context.basis(a.level()), after.flood, 1, random);
  rlwe::add_to(parts, a.parts());
  return useful(kSanitizing, Ciphertext(a.context(), a.level(), a.scale(), std::move(parts), after.prediction));
}

}  // namespace blindproof::fhe::ckks
