// Keys, encryption and decryption.
#pragma once

#include "blindproof/fhe/ckks/ciphertext.h"

namespace blindproof::fhe::ckks {

rlwe::SecretKey generate_secret_key(const Context& context, crypto::Csprng& random);
rlwe::PublicKey generate_public_key(const rlwe::SecretKey& secret, crypto::Csprng& random);
/// For ciphertexts up to `level`.
rlwe::KeySwitchKey generate_relinearization_key(const Context& context, const rlwe::SecretKey& secret, int level,
                                                crypto::Csprng& random);
/// For rotations by these numbers of slots (to the left), and complex conjugation if asked for.
rlwe::GaloisKeys generate_rotation_keys(const Context& context, const rlwe::SecretKey& secret, int level,
                                        std::span<const std::int64_t> steps, bool conjugation, crypto::Csprng& random);

Ciphertext encrypt(const rlwe::PublicKey& key, const Plaintext& plaintext, crypto::Csprng& random);
/// Half the work, less noise, and half the size where it is stored.
Ciphertext encrypt(const rlwe::SecretKey& key, const Plaintext& plaintext, crypto::Csprng& random);

/// Errors: kMismatch if the key is of another ring.
base::Result<Plaintext> decrypt(const rlwe::SecretKey& key, const Ciphertext& ciphertext);

}  // namespace blindproof::fhe::ckks
