// Keys: secret, public, and those that switch ciphertexts from one secret to another.
//
//   secret key        s, uniform ternary
//   public key        (b, a),  b = -a s + e                             modulo Q
//   key-switch key    (b_j, a_j) for each digit j,  b_j = -a_j s'' + e_j + P g_j s'   modulo Q P
//                     g_j = 1 modulo the primes of digit j and 0 modulo Q's others
// The last one turns a product with s' into one with s''. From s^2 to s it relinearises; from s to s(X^(1/g)) it serves the
// automorphism X -> X^g (which is applied after the switch, so that one decomposition serves many rotations).
//
// The uniform halves a are expanded from a public seed (docs/spec/fhe.md) and never travel.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "blindproof/base/result.h"
#include "blindproof/crypto/random.h"
#include "blindproof/crypto/secret.h"
#include "blindproof/fhe/rlwe/poly.h"

namespace blindproof::fhe::rlwe {

using Seed = std::array<std::uint8_t, 32>;

/// Uniform values for `index`, as a function of the seed and the moduli. A limb doesn't depend on the other limbs.
NttPoly expand_uniform(const RingPtr& ring, const Basis& basis, const Seed& seed, std::uint64_t index);

/// An error polynomial times `multiplier`, secret.
NttPoly sample_error_poly(const RingPtr& ring, const Basis& basis, std::uint64_t multiplier, crypto::Csprng& random);

/// A uniform ternary polynomial, secret.
NttPoly sample_ternary_poly(const RingPtr& ring, const Basis& basis, crypto::Csprng& random);

class SecretKey {
 public:
  static SecretKey generate(RingPtr ring, crypto::Csprng& random);
  /// Errors: kMalformed unless there are N coefficients in {-1, 0, 1}.
  static base::Result<SecretKey> from_coefficients(RingPtr ring, crypto::SecretBytes ternary);

  const RingPtr& ring() const noexcept { return values_.ring_ptr(); }
  /// Over all moduli.
  const NttPoly& values() const noexcept { return values_; }
  /// N bytes: 0, 1 or 255 for -1.
  const crypto::SecretBytes& ternary() const noexcept { return ternary_; }

 private:
  SecretKey(crypto::SecretBytes ternary, NttPoly values) : ternary_(std::move(ternary)), values_(std::move(values)) {}

  crypto::SecretBytes ternary_;
  NttPoly values_;
};

/// -a s + e: with a, an encryption of zero under s = `secret` (over at least a's moduli).
/// Requires: a is uniform and used only here.
NttPoly masked_error(const NttPoly& a, const NttPoly& secret, std::uint64_t error_multiplier, crypto::Csprng& random);

struct PublicKey {
  Seed seed;
  NttPoly b, a;

  /// `error_multiplier` is 1, or the plaintext modulus where messages sit in the low digits (BGV).
  static PublicKey generate(const SecretKey& secret, std::uint64_t error_multiplier, crypto::Csprng& random);
};

struct KeySwitchKey {
  Seed seed;
  std::vector<NttPoly> b, a;  // by digit, over {q_limbs, with_p}

  std::size_t q_limbs() const noexcept { return b.front().basis().q_limbs; }
  std::size_t bytes() const noexcept;  // in memory
};

/// A key for ciphertexts of at most `q_limbs` limbs, from s' = `from` to s'' = `to` (over at least {q_limbs, with_p}).
/// Requires: the ring has special moduli.
KeySwitchKey make_key_switch_key(const NttPoly& from, const NttPoly& to, std::size_t q_limbs,
                                 std::uint64_t error_multiplier, crypto::Csprng& random);

KeySwitchKey make_relinearization_key(const SecretKey& secret, std::size_t q_limbs, std::uint64_t error_multiplier,
                                      crypto::Csprng& random);

struct GaloisKey {
  std::size_t element;  // odd, below 2N
  std::vector<std::uint32_t> permutation;
  KeySwitchKey key;
};

GaloisKey make_galois_key(const SecretKey& secret, std::size_t element, std::size_t q_limbs,
                          std::uint64_t error_multiplier, crypto::Csprng& random);

/// 5^steps modulo 2N: rotates each row of slots by `steps` to the left (negative: to the right).
std::size_t rotation_element(int log_degree, std::int64_t steps) noexcept;
/// 2N - 1: complex conjugation of CKKS slots, exchange of the two rows of BFV and BGV slots.
std::size_t conjugation_element(int log_degree) noexcept;

/// Galois keys by element.
class GaloisKeys {
 public:
  void insert(GaloisKey key);
  /// Errors: kInvalidArgument, naming the element, if there is no such key or it is for fewer than q_limbs limbs.
  base::Result<const GaloisKey*> find(std::size_t element, std::size_t q_limbs) const;
  const std::map<std::size_t, GaloisKey>& by_element() const noexcept { return keys_; }

 private:
  std::map<std::size_t, GaloisKey> keys_;
};

/// Keys for rotations by these steps (a step of 0 needs none), and the conjugation if asked for.
GaloisKeys make_rotation_keys(const SecretKey& secret, std::span<const std::int64_t> steps, bool conjugation,
                              std::size_t q_limbs, std::uint64_t error_multiplier, crypto::Csprng& random);

}  // namespace blindproof::fhe::rlwe
