// Parameters of a CKKS instance, and what follows from them.
//
// Level l has l+1 ciphertext moduli (or twice as many). Fresh ciphertexts are at the top level; each product costs one level. Every level has
// one scale, S_l: S_top = 2^scale_bits, S_{l-1} = S_l^2 / q_l, so that the product of two ciphertexts of one level, rescaled,
// has the scale of the next. The moduli are chosen from the top down, each the prime nearest to S_l^2 / 2^scale_bits, so that
// all scales stay within the distance of two primes of 2^scale_bits. Scales longer than a modulus take two moduli for each level.
//
// Ref: Cheon-Kim-Kim-Song, ePrint 2016/421; Kim-Papadimitriou-Polyakov, ePrint 2020/1118 (a scale for each level).
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "blindproof/base/result.h"
#include "blindproof/fhe/rlwe/named.h"
#include "blindproof/fhe/rlwe/ring.h"
#include "blindproof/fhe/rlwe/security.h"

namespace blindproof::testing {
struct InsecureParameters;
}

namespace blindproof::fhe::ckks {

struct Parameters {
  int log_degree = 0;
  int scale_bits = 40;      // 20 .. 49, or 50 .. 98 with two moduli for each level
  int levels = 0;           // products in sequence
  int first_bits = 50;      // of what remains at level 0; at least scale_bits, at most 50 for each modulus
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
  /// secure at this degree; the detail says by how much and what to change.
  static base::Result<ContextPtr> create(const Parameters& parameters);
  /// Those of named_parameters().   Errors: kInvalidArgument for another name, listing them.
  static base::Result<ContextPtr> create(std::string_view name);

  /// With all choices made: no zeros that stand for "choose".
  const Parameters& parameters() const noexcept { return parameters_; }
  const rlwe::RingPtr& ring() const noexcept { return ring_; }
  std::size_t slots() const noexcept { return ring_->degree() / 2; }
  int top_level() const noexcept { return parameters_.levels; }
  /// S_level.
  double scale(int level) const noexcept { return scales_[static_cast<std::size_t>(level)]; }
  std::size_t limbs_per_level() const noexcept { return limbs_per_level(parameters_); }
  static std::size_t limbs_per_level(const Parameters& parameters) noexcept { return parameters.scale_bits < field::Modulus::kMaxBits ? 1 : 2; }
  std::size_t q_limbs(int level) const noexcept { return limbs_per_level() * (static_cast<std::size_t>(level) + 1); }
  /// q_level: of its moduli that go in a rescale, the product.
  double level_modulus(int level) const noexcept;
  rlwe::Basis basis(int level) const noexcept { return {q_limbs(level), false}; }

 private:
  friend struct blindproof::testing::InsecureParameters;

  Context(const Parameters& parameters, rlwe::RingPtr ring, std::vector<double> scales)
      : parameters_(parameters), ring_(std::move(ring)), scales_(std::move(scales)) {}
  static base::Result<ContextPtr> make(const Parameters& parameters, bool check_security);

  Parameters parameters_;
  rlwe::RingPtr ring_;
  std::vector<double> scales_;  // by level
};

using NamedParameters = rlwe::NamedParameters<Parameters>;
/// The sets that are shipped.
std::span<const NamedParameters> named_parameters() noexcept;

}  // namespace blindproof::fhe::ckks
