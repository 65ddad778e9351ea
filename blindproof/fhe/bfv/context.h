// Parameters of a BFV instance, and what follows from them.
//
// Messages are polynomials modulo a prime t, or N integers modulo t in slots (rlwe/slots.h). A ciphertext's phase is
// Q m / t + e. All ciphertexts have all moduli. Products are computed modulo Q B, B a second product of primes, at least Q.
//
// Ref: Fan-Vercauteren, ePrint 2012/144; Kim-Polyakov-Zucca, ePrint 2021/204 (products of a modulo Q and round(b B/Q) modulo
// B, without an intermediate larger than Q B).
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "blindproof/base/result.h"
#include "blindproof/fhe/rlwe/named.h"
#include "blindproof/fhe/rlwe/ring.h"
#include "blindproof/fhe/rlwe/security.h"
#include "blindproof/fhe/rlwe/slots.h"

namespace blindproof::testing {
struct InsecureParameters;
}

namespace blindproof::fhe::bfv {

struct Parameters {
  int log_degree = 0;
  std::uint64_t t = 0;      // plaintext modulus: a prime that is 1 mod 2N, below 2^40
  int limbs = 0;            // ciphertext moduli
  int limb_bits = 50;
  int digits = 3;           // of key switching; 0: none, without special moduli: neither rotations nor relinearisation
  int special_limbs = 0;    // 0: as few as the digits need
  rlwe::SecurityLevel security = rlwe::SecurityLevel::k128;

  friend bool operator==(const Parameters&, const Parameters&) = default;
};

class Context;
using ContextPtr = std::shared_ptr<const Context>;

class Context {
 public:
  /// Errors: kInvalidArgument if parameters are out of range, there are too few primes, fresh ciphertexts would not decrypt,
  /// or the modulus is too long to be secure at this degree.
  static base::Result<ContextPtr> create(const Parameters& parameters);
  /// Those of named_parameters().   Errors: kInvalidArgument for another name, listing them.
  static base::Result<ContextPtr> create(std::string_view name);
  /// The same moduli for another plaintext modulus: keys of either serve both, and parts of ciphertexts are in one ring.
  /// Errors: kInvalidArgument for a t that is out of range, one of the moduli, or too large for fresh ciphertexts to decrypt.
  static base::Result<ContextPtr> create(const ContextPtr& like, std::uint64_t t);

  /// With all choices made: no zeros that stand for "choose".
  const Parameters& parameters() const noexcept { return parameters_; }
  const rlwe::RingPtr& ring() const noexcept { return ring_; }
  const rlwe::SlotEncoder& slots() const noexcept { return slots_; }
  const field::Modulus& t() const noexcept { return slots_.t(); }
  rlwe::Basis basis() const noexcept { return {ring_->q_count(), false}; }
  /// Largest error that decrypts: Q/(2t), as a logarithm.
  double log2_room() const noexcept { return log2_room_; }

  // For products and decryption.
  /// Z[X]/(X^N + 1) modulo Q B: B's primes are the "special" ones.
  const rlwe::RingPtr& product_ring() const noexcept { return product_ring_; }
  const field::BaseConverter& b_to_q() const noexcept { return b_to_q_; }
  const field::BaseConverter& q_to_t() const noexcept { return q_to_t_; }
  /// Modulo q_i: t, B, -t^-1. Modulo B's primes: -Q^-1, t. Modulo t: Q, -Q^-1.
  struct Constants {
    std::vector<std::uint64_t> t_mod_q, b_mod_q, minus_inverse_t_mod_q, minus_inverse_q_mod_b, t_mod_qb;
    std::uint64_t q_mod_t, minus_inverse_q_mod_t;
  };
  const Constants& constants() const noexcept { return constants_; }

 private:
  friend struct blindproof::testing::InsecureParameters;

  Context(const Parameters& parameters, rlwe::RingPtr ring, rlwe::RingPtr product_ring, rlwe::SlotEncoder slots);
  static base::Result<ContextPtr> make(const Parameters& parameters, bool check_security);
  static base::Result<ContextPtr> make(const Parameters& chosen, rlwe::RingPtr ring, rlwe::RingPtr product_ring, rlwe::SlotEncoder slots);

  Parameters parameters_;
  rlwe::RingPtr ring_, product_ring_;
  rlwe::SlotEncoder slots_;
  field::BaseConverter b_to_q_, q_to_t_;
  Constants constants_;
  double log2_room_;
};

using NamedParameters = rlwe::NamedParameters<Parameters>;
/// The sets that are shipped.
std::span<const NamedParameters> named_parameters() noexcept;

}  // namespace blindproof::fhe::bfv
