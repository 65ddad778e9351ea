// Encryption and arithmetic of BFV.
//
// Errors of the operations: kMismatch for other contexts or keys, kInvalidArgument where a key is missing, a degree doesn't
// fit, or the result might not decrypt.
#pragma once

#include "blindproof/fhe/bfv/ciphertext.h"

namespace blindproof::fhe::bfv {

using Outcome = base::Result<Ciphertext>;

base::Result<Plaintext> encode(const ContextPtr& context, std::span<const std::int64_t> slots);
/// N slots in (-t/2, t/2).
std::vector<std::int64_t> decode(const Plaintext& plaintext);

rlwe::SecretKey generate_secret_key(const Context& context, crypto::Csprng& random);
rlwe::PublicKey generate_public_key(const rlwe::SecretKey& secret, crypto::Csprng& random);
rlwe::KeySwitchKey generate_relinearization_key(const Context& context, const rlwe::SecretKey& secret,
                                                crypto::Csprng& random);
/// For rotations of both rows by these numbers of slots (to the left), and the exchange of rows if asked for.
rlwe::GaloisKeys generate_rotation_keys(const Context& context, const rlwe::SecretKey& secret,
                                        std::span<const std::int64_t> steps, bool exchange, crypto::Csprng& random);

Ciphertext encrypt(const rlwe::PublicKey& key, const Plaintext& plaintext, crypto::Csprng& random);
Ciphertext encrypt(const rlwe::SecretKey& key, const Plaintext& plaintext, crypto::Csprng& random);
/// What encrypt() predicts of the noise under the public key, which is the greater one.
double fresh_noise(const Context& context);
base::Result<Plaintext> decrypt(const rlwe::SecretKey& key, const Ciphertext& ciphertext);

Outcome add(const Ciphertext& a, const Ciphertext& b);
Outcome subtract(const Ciphertext& a, const Ciphertext& b);
Outcome add(const Ciphertext& a, const Plaintext& b);
Outcome subtract(const Ciphertext& a, const Plaintext& b);
Ciphertext negate(const Ciphertext& a);
Outcome multiply(const Ciphertext& a, const Plaintext& b);
Outcome multiply(const Ciphertext& a, std::int64_t constant);

/// Degree 2, not yet relinearised: sums of such products may be relinearised once.   Requires: degree 1.
Outcome multiply(const Ciphertext& a, const Ciphertext& b);
Outcome square(const Ciphertext& a);
Outcome relinearize(const Ciphertext& a, const rlwe::KeySwitchKey& key);
Outcome multiply(const Ciphertext& a, const Ciphertext& b, const rlwe::KeySwitchKey& key);

/// sum_i a_i b_i, relinearised once.   Errors: also kInvalidArgument for no pairs, or lists of different lengths.
Outcome inner_product(std::span<const Ciphertext> a, std::span<const Ciphertext> b, const rlwe::KeySwitchKey& key);
Outcome inner_product(std::span<const Ciphertext> a, std::span<const Plaintext> b);

/// In both rows, slot i becomes what slot i + steps was.
Outcome rotate(const Ciphertext& a, std::int64_t steps, const rlwe::GaloisKeys& keys);
Outcome exchange_rows(const Ciphertext& a, const rlwe::GaloisKeys& keys);
base::Result<std::vector<Ciphertext>> rotate_hoisted(const Ciphertext& a, std::span<const std::int64_t> steps,
                                                     const rlwe::GaloisKeys& keys);
/// In both rows, slot i becomes the sum of slots i, i+1, .., i+count-1.
/// Requires: count is a power of two, at most N/2; keys for all powers below.
Outcome sum_slots(const Ciphertext& a, std::size_t count, const rlwe::GaloisKeys& keys);

/// The same message in a ciphertext that tells nothing else of where it comes from, not even to the holder of the secret key,
/// but with statistical distance 2^-hiding_bits for each of the N coefficients. For results that leave the machine of a
/// secret circuit. The error becomes that much longer. Spec: docs/spec/fhe.md, "Flooding", with what is assumed.
/// Errors: also kInvalidArgument where the flood would be too long to decrypt.
Outcome sanitize(const Ciphertext& a, const rlwe::PublicKey& key, int hiding_bits, crypto::Csprng& random);

}  // namespace blindproof::fhe::bfv
