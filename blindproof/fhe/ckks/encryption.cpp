#include "blindproof/fhe/ckks/encryption.h"

#include <cmath>

namespace blindproof::fhe::ckks {
namespace {

Ciphertext with_message(const Plaintext& plaintext, rlwe::Parts parts, double coefficient_noise) {
  rlwe::add_to(parts[0], plaintext.poly());
  const double degree = static_cast<double>(plaintext.context()->ring()->degree());
  const double noise = std::hypot(plaintext.prediction().noise, std::sqrt(degree) * coefficient_noise);
  return {plaintext.context(), plaintext.level(), plaintext.scale(), std::move(parts),
          {plaintext.prediction().magnitude, noise}};
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
  return with_message(plaintext, rlwe::encrypt_zero(key, plaintext.poly().basis(), 1, random).parts,
                      rlwe::fresh_secret_key_noise());
}

base::Result<Plaintext> decrypt(const rlwe::SecretKey& key, const Ciphertext& ciphertext) {
  if (key.ring() != ciphertext.context()->ring()) {
    return base::error(base::ErrorCode::kMismatch, "decryption", "the secret key is of another ring than the ciphertext");
  }
  return Plaintext(ciphertext.context(), ciphertext.level(), ciphertext.scale(), rlwe::phase(ciphertext.parts(), key),
                   ciphertext.prediction());
}

}  // namespace blindproof::fhe::ckks
