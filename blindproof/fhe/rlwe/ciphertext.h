// Ciphertexts without the meaning of their messages: what all schemes do with them alike.
//
// A ciphertext (c_0, .., c_d) of degree d decrypts by its phase c_0 + c_1 s + .. + c_d s^d. Fresh ones have degree 1, a
// product of two has 2 until it is relinearised.
#pragma once

#include <vector>

#include "blindproof/fhe/rlwe/key_switch.h"

namespace blindproof::fhe::rlwe {

using Parts = std::vector<NttPoly>;

/// An encryption of zero under the public key; errors are multiplied by `error_multiplier`.
Parts encrypt_zero(const PublicKey& key, const Basis& basis, std::uint64_t error_multiplier, crypto::Csprng& random);

/// The same under the secret key: half the work and less noise. The second part is expand_uniform(seed, 0).
struct SeededParts {
  Seed seed;
  Parts parts;
};
SeededParts encrypt_zero(const SecretKey& key, const Basis& basis, std::uint64_t error_multiplier,
                         crypto::Csprng& random);

/// Secret.   Requires: one or more parts.
NttPoly phase(const Parts& parts, const SecretKey& key);

/// Whether all parts but the first are zero: then the message stands in the open.
bool is_transparent(const Parts& a) noexcept;

void add_to(Parts& a, const Parts& b);       // the shorter is padded with zeros
void subtract_from(Parts& a, const Parts& b);
void negate(Parts& a);
void multiply_by(Parts& a, const NttPoly& b);
void scale(Parts& a, std::span<const std::uint64_t> factors);
Parts truncate(const Parts& a, const Basis& target);

/// Degree 2.   Requires: both of degree 1.
Parts multiply(const Parts& a, const Parts& b);
Parts square(const Parts& a);
/// As long as a. b may have more limbs.
Parts multiply(const Parts& a, const NttPoly& b);
/// acc += a b.   Requires: a and b of degree 1, acc of degree 2.
void multiply_add(Parts& acc, const Parts& a, const Parts& b);
/// acc += a b; acc becomes as long as a. b may have more limbs.
void multiply_add(Parts& acc, const Parts& a, const NttPoly& b);

// Divisions below preserve the phase modulo t: 1, or the plaintext modulus where messages sit in the low digits (BGV).

/// Degree 1.   Requires: degree 2.
Parts relinearize(const Parts& a, const KeySwitchKey& key, std::uint64_t t = 1);
/// The same and a division by the last modulus, in one rounding.
Parts relinearize_and_rescale(const Parts& a, const KeySwitchKey& key, std::uint64_t t = 1);
/// a / last modulus.
Parts rescale(Parts&& a, std::uint64_t t = 1);
/// All parts in one pass.
Parts divide(Parts&& a, const Division& division, std::uint64_t t = 1);

/// a(X^g), of degree 1.   Requires: degree 1.
Parts apply_galois(const Parts& a, const GaloisKey& key, std::uint64_t t = 1);
/// The same with c_1's digits given: for many automorphisms of one ciphertext.
Parts apply_galois(const Parts& a, const Decomposition& digits, const GaloisKey& key, std::uint64_t t = 1);

// Standard deviations of what these operations add to a coefficient of the phase (docs/spec/fhe.md, "Noise").
double fresh_public_key_noise(const Ring& ring);
double fresh_secret_key_noise();
/// Requires: at most the key's limbs.
double key_switch_noise(const Ring& ring, std::size_t q_limbs);
double rounding_noise(const Ring& ring);

}  // namespace blindproof::fhe::rlwe
