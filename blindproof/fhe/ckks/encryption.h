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

/// What encrypt() predicts under the public key, which is the greater one, of slots up to `magnitude`.
Prediction predict_fresh(const Context& context, double magnitude);

/// For the holder of the key alone: what it decodes to reveals the error, and with it the key, to whoever knows the ciphertext.
/// Errors: kMismatch if the key is of another ring.
/// Ref: Li-Micciancio, ePrint 2020/1533.
base::Result<Plaintext> decrypt(const rlwe::SecretKey& key, const Ciphertext& ciphertext);

/// How much decryptions that are shown may reveal.
struct Sharing {
  int bits = 64;       // all that were shown differ from what the exact results tell by at most 2^(-bits/2) / 6
  double queries = 1;  // decryptions under this key that will ever be shown
};

/// A decryption that may be shown to those who made or saw the ciphertext: flooded with an error that hides the ciphertext's
/// own as far as its prediction is right. The result's error_bound() includes the flood: about log2(12 queries N) / 2 +
/// bits / 2 + 3.6 bits more.
/// Caller must: know the ciphertext's error from the program, not from whoever sent it.
/// Errors: kMismatch if the key is of another ring; kInvalidArgument for an error without a bound, or if less than a bit of the
/// result would remain, or it would not fit the modulus.
/// Ref: Li-Micciancio-Schultz-Sorrell, ePrint 2022/816, Section 4; docs/spec/fhe.md, "Flooding".
base::Result<Plaintext> decrypt_to_share(const rlwe::SecretKey& key, const Ciphertext& ciphertext, const Sharing& sharing,
                                         crypto::Csprng& random);

/// The same message in a ciphertext that tells nothing else of where it comes from, not even to the holder of the secret key,
/// but with statistical distance 2^-hiding_bits for each of the N coefficients. For results that leave the machine of a
/// secret circuit. The error becomes that much longer. Spec: docs/spec/fhe.md, "Flooding", with what is assumed.
/// Errors: also kInvalidArgument where less than a bit of the result would remain, or it would not fit the modulus.
base::Result<Ciphertext> sanitize(const Ciphertext& a, const rlwe::PublicKey& key, int hiding_bits, crypto::Csprng& random);

/// What it will predict for such a ciphertext.
base::Result<Prediction> predict_sanitized(const Context& context, const Prediction& a, int hiding_bits);

}  // namespace blindproof::fhe::ckks
