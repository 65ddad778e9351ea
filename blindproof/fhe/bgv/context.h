// Parameters of a BGV instance, and what follows from them.
//
// Messages are polynomials modulo a prime t, or N integers modulo t in slots (rlwe/slots.h). At level l a ciphertext has l+1
// moduli and its phase is f m + t e, f a factor modulo t. Fresh ciphertexts are at the top with f = 1; a product costs one level,
// whose modulus divides the error. Every level has one factor, f_{l-1} = f_l^2 / q_l modulo t, which is that of a product of two
// ciphertexts of level l after the division.
//
// Ref: Brakerski-Gentry-Vaikuntanathan, ePrint 2011/277; Kim-Polyakov-Zucca, ePrint 2021/204.
#pragma once

#include <memory>
#include <span>
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

namespace blindproof::fhe::bgv {

struct Parameters {
  int log_degree = 0;
  std::uint64_t t = 0;      // plaintext modulus: a prime that is 1 mod 2N, below 2^30
  int levels = 0;           // products in sequence
  int limb_bits = 0;        // 0: as many as keep the error of products in sequence from growing
  int digits = 3;           // of key switching
  int special_limbs = 0;    // 0: as few as the digits need
  rlwe::SecurityLevel security = rlwe::SecurityLevel::k128;

  friend bool operator==(const Parameters&, const Parameters&) = default;
};

class Context;
using ContextPtr = std::shared_ptr<const Context>;

class Context {
 public:
  /// Errors: kInvalidArgument if parameters are out of range, there are too few primes, or the modulus is too long to be
  /// secure at this degree.
  static base::Result<ContextPtr> create(const Parameters& parameters);
  /// Those of named_parameters().   Errors: kInvalidArgument for another name, listing them.
  static base::Result<ContextPtr> create(std::string_view name);

  /// With all choices made: no zeros that stand for "choose".
  const Parameters& parameters() const noexcept { return parameters_; }
  const rlwe::RingPtr& ring() const noexcept { return ring_; }
  const rlwe::SlotEncoder& slots() const noexcept { return slots_; }
  const field::Modulus& t() const noexcept { return slots_.t(); }
  int top_level() const noexcept { return parameters_.levels; }
  std::size_t q_limbs(int level) const noexcept { return static_cast<std::size_t>(level) + 1; }
  rlwe::Basis basis(int level) const noexcept { return {q_limbs(level), false}; }
  /// f_level.
  std::uint64_t factor(int level) const noexcept { return factors_[static_cast<std::size_t>(level)]; }
  /// 1/q modulo t, q the last modulus of the level.
  std::uint64_t inverse_modulus(int level) const noexcept { return inverses_[static_cast<std::size_t>(level)]; }
  /// Largest phase that decrypts: Q_level / 2, as a logarithm.
  double log2_room(int level) const noexcept { return ring_->log2_modulus(basis(level)) - 1; }
  /// From the moduli of a level to t.
  const field::BaseConverter& to_t(int level) const noexcept { return to_t_[static_cast<std::size_t>(level)]; }

 private:
  friend struct blindproof::testing::InsecureParameters;

  Context(const Parameters& parameters, rlwe::RingPtr ring, rlwe::SlotEncoder slots);
  static base::Result<ContextPtr> make(const Parameters& parameters, bool check_security);

  Parameters parameters_;
  rlwe::RingPtr ring_;
  rlwe::SlotEncoder slots_;
  std::vector<std::uint64_t> factors_, inverses_;
  std::vector<field::BaseConverter> to_t_;
};

using NamedParameters = rlwe::NamedParameters<Parameters>;
/// The sets that are shipped.
std::span<const NamedParameters> named_parameters() noexcept;

}  // namespace blindproof::fhe::bgv
