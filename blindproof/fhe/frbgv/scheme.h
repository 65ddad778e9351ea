// BGV modulo BN254's scalar prime r. Specification: docs/spec/hybrid.md, "Scheme".
//
//   secret key   s, uniform ternary
//   public key   (p_0, p_1),  p_0 = -p_1 s + t e,  p_1 expanded from a public seed
//   ciphertext   (c_0, .., c_d), d = 1 or 2: its phase c_0 + c_1 s + c_2 s^2, taken in (-r/2, r/2), is the message modulo t
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "blindproof/base/result.h"
#include "blindproof/crypto/random.h"
#include "blindproof/crypto/secret.h"
#include "blindproof/fhe/frbgv/ring.h"
#include "blindproof/fhe/frbgv/slots.h"
#include "blindproof/fhe/rlwe/sampling.h"
#include "blindproof/fhe/rlwe/security.h"

namespace blindproof::fhe::frbgv {

using Seed = std::array<std::uint8_t, 32>;

/// Of one coefficient of a fresh error; the distribution is rlwe::sample_error's.
inline constexpr int kErrorBound = rlwe::kErrorBound;

// An integer of 32 bytes, little-endian.
field::Limbs load_limbs(const std::uint8_t* bytes) noexcept;
void store_limbs(const field::Limbs& limbs, std::uint8_t* bytes) noexcept;
/// Timing: constant.
bool is_below_modulus(const field::Limbs& x) noexcept;

/// What r and N reach by the table of rlwe/security.h.   Errors: kInvalidArgument below 128 bits.
base::Result<rlwe::SecurityLevel> security(int log_degree);

/// A vector that is wiped when it goes.
class SecretFrVector {
 public:
  explicit SecretFrVector(FrVector values) noexcept : values_(std::move(values)) {}
  SecretFrVector(SecretFrVector&& other) noexcept = default;
  SecretFrVector& operator=(SecretFrVector&& other) noexcept;
  ~SecretFrVector() { clear(); }

  const FrVector& expose() const noexcept { return values_; }
  FrVector& expose_mutable() noexcept { return values_; }

 private:
  void clear() noexcept;
  FrVector values_;
};

/// Values of the polynomial with these small coefficients, times `factor`.   Timing: constant.
SecretFrVector values_of(const Ring& ring, std::span<const std::int8_t> coefficients, const Fr& factor);
SecretFrVector values_of(const Ring& ring, std::span<const std::int64_t> coefficients, const Fr& factor);

/// N uniform values as a function of seed and index: draws of 32 bytes, little-endian without their two top bits, from the stream of
/// SHAKE256("blindproof frbgv uniform v1" | seed | index); those that aren't below r are thrown away.
FrVector expand_uniform(const Ring& ring, const Seed& seed, std::uint64_t index);

class SecretKey {
 public:
  static SecretKey generate(RingPtr ring, crypto::Csprng& random);
  /// Errors: kMalformed unless there are N coefficients in {-1, 0, 1}, as bytes 255, 0, 1.
  static base::Result<SecretKey> from_coefficients(RingPtr ring, crypto::SecretBytes ternary);

  const RingPtr& ring() const noexcept { return ring_; }
  const crypto::SecretBytes& ternary() const noexcept { return ternary_; }
  const FrVector& values() const noexcept { return values_.expose(); }

 private:
  SecretKey(RingPtr ring, crypto::SecretBytes ternary, SecretFrVector values)
      : ring_(std::move(ring)), ternary_(std::move(ternary)), values_(std::move(values)) {}
  RingPtr ring_;
  crypto::SecretBytes ternary_;
  SecretFrVector values_;
};

struct PublicKey {
  Seed seed{};
  std::array<FrVector, 2> components;  // p_0, p_1

  /// For plaintext modulus t.
  static PublicKey generate(const SecretKey& secret, std::uint64_t t, crypto::Csprng& random);
};

/// Values of 2 components, or 3 after a square.
using Ciphertext = std::vector<FrVector>;

/// c_0 = m + t e - c_1 s with c_1 = expand_uniform(seed, index).   Timing: constant in the slots.
/// Domain: slots as SlotEncoder::encode.   Requires: no other ciphertext of this key has the same seed and index.
Ciphertext encrypt(const SecretKey& secret, const SlotEncoder& encoder, std::span<const std::int64_t> slots, const Seed& seed,
                   std::uint64_t index, crypto::Csprng& random);

struct Decryption {
  SecretIntegers slots;  // in (-t/2, t/2)
  int phase_bits = 0;    // of the largest coefficient of the phase; must stay below 253
};
/// Requires: 2 or 3 components of the ring.   Timing: constant but for phase_bits, which is revealed.
Decryption decrypt(const SecretKey& secret, const SlotEncoder& encoder, const Ciphertext& ciphertext);

/// (a_0^2, 2 a_0 a_1, a_1^2).   Requires: 2 components.
Ciphertext square(const Ciphertext& a);

/// out_i = sum_k W(i,k) in_k for each component: all threads.
/// Domain:   rows * columns weights in [-2^15, 2^15), row-major.   Requires: inputs of one number of components and one size; columns > 0.
std::vector<Ciphertext> combine(std::span<const std::int32_t> weights, std::size_t rows, std::span<const Ciphertext> in);

/// c_0 += value in every slot.
void add_constant(Ciphertext& a, const Fr& value);

}  // namespace blindproof::fhe::frbgv
