// The ring of a lattice scheme, Z_QP[X]/(X^N + 1), and its tables.
//
//   Q = q_0 q_1 ... q_{L-1}   moduli of ciphertexts; one at level l uses the first l of them, and loses the last in a rescale
//   P = p_0 ... p_{k-1}       special moduli, used inside key switching alone
//
// Polynomials are held by residues ("limbs") modulo each prime (poly.h). For key switching Q's primes are grouped into
// digits: digit j has the primes [floor(j L / digits), floor((j+1) L / digits)), and P is at least every digit's product,
// or half of it.
//
// Ref: Cheon-Han-Kim-Kim-Song, ePrint 2018/931 (full RNS); Han-Ki, ePrint 2019/688 (digits and special moduli).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "blindproof/base/result.h"
#include "blindproof/field/base_converter.h"
#include "blindproof/field/modulus.h"
#include "blindproof/poly/ntt.h"

namespace blindproof::fhe::rlwe {

struct RingParameters {
  int log_degree = 0;
  std::vector<std::uint64_t> q;
  std::vector<std::uint64_t> p;
  int digits = 1;

  friend bool operator==(const RingParameters&, const RingParameters&) = default;
};

/// The moduli of one polynomial: q_0 .. q_{q_limbs-1}, then all of P if `with_p`.
struct Basis {
  std::size_t q_limbs = 0;
  bool with_p = false;

  friend bool operator==(const Basis&, const Basis&) = default;
};

class Ring;
using RingPtr = std::shared_ptr<const Ring>;

/// Division by a product D of moduli, rounded to the nearest: the tables of rescaling and of the end of a key switch.
struct Division {
  Basis from;
  Basis to;                               // `from` without the moduli whose product is D
  std::vector<std::size_t> dropped;       // limbs of `from`
  field::BaseConverter converter;         // dropped limbs to those of `to`
  std::vector<std::uint64_t> inverses;    // D^-1 modulo the moduli of `to`
};

class Ring {
 public:
  /// Errors: kInvalidArgument unless the moduli are distinct primes below 2^50 that are 1 mod 2N, 6 <= log_degree <= 17,
  /// 1 <= L <= 64, 0 <= k <= 16, 1 <= digits <= L, and P (if any) is at least half the product of each digit's primes.
  /// Says nothing about security: see security.h.
  static base::Result<RingPtr> create(const RingParameters& parameters);

  const RingParameters& parameters() const noexcept { return parameters_; }
  int log_degree() const noexcept { return parameters_.log_degree; }
  std::size_t degree() const noexcept { return std::size_t{1} << parameters_.log_degree; }
  std::size_t q_count() const noexcept { return parameters_.q.size(); }
  std::size_t p_count() const noexcept { return parameters_.p.size(); }

  std::size_t limbs(const Basis& basis) const noexcept { return basis.q_limbs + (basis.with_p ? p_count() : 0); }
  const poly::NttTables& tables(const Basis& basis, std::size_t limb) const noexcept {
    return tables_[limb < basis.q_limbs ? limb : q_count() + limb - basis.q_limbs];
  }
  const field::Modulus& modulus(const Basis& basis, std::size_t limb) const noexcept {
    return tables(basis, limb).modulus();
  }

  /// Digits that a polynomial of q_limbs limbs has.
  std::size_t digit_count(std::size_t q_limbs) const noexcept;
  std::size_t digit_begin(std::size_t digit) const noexcept {
    return digit * q_count() / static_cast<std::size_t>(parameters_.digits);
  }
  std::size_t digit_end(std::size_t digit, std::size_t q_limbs) const noexcept {
    return std::min(digit_begin(digit + 1), q_limbs);
  }

  /// From the limbs of a digit to all other limbs of {q_limbs, with_p}, in their order.
  const field::BaseConverter& digit_converter(std::size_t q_limbs, std::size_t digit) const noexcept {
    return digit_converters_[q_limbs - 1][digit];
  }

  /// Division by P.   Requires: k > 0.
  const Division& drop_p(std::size_t q_limbs) const noexcept { return drop_p_[q_limbs - 1]; }
  /// Division by the last modulus of q_limbs.   Requires: q_limbs >= 2.
  const Division& drop_last(std::size_t q_limbs) const noexcept { return drop_last_[q_limbs - 2]; }
  /// Both at once.   Requires: q_limbs >= 2, k > 0.
  const Division& drop_p_and_last(std::size_t q_limbs) const noexcept { return drop_p_and_last_[q_limbs - 2]; }

  /// P modulo q_limb.
  std::uint64_t p_modulo(std::size_t q_limb) const noexcept { return p_modulo_[q_limb]; }
  /// log2 of the product of the basis' moduli.
  double log2_modulus(const Basis& basis) const noexcept;

 private:
  explicit Ring(const RingParameters& parameters, std::vector<poly::NttTables> tables);
  Division make_division(const Basis& from, bool drop_last, bool drop_p) const;

  RingParameters parameters_;
  std::vector<poly::NttTables> tables_;  // Q's moduli, then P's
  std::vector<std::vector<field::BaseConverter>> digit_converters_;
  std::vector<Division> drop_p_, drop_last_, drop_p_and_last_;
  std::vector<std::uint64_t> p_modulo_;
};

}  // namespace blindproof::fhe::rlwe
