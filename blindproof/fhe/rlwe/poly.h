// Polynomials of a ring by their residues, in one contiguous piece of memory.
//
// The form is part of the type: CoeffPoly holds coefficients, NttPoly the values of the transform (poly/ntt.h), where
// products are products of values. Limb i holds N residues modulo ring.modulus(basis, i).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "blindproof/fhe/rlwe/ring.h"
#include "blindproof/fhe/rlwe/secret_vector.h"

namespace blindproof::fhe::rlwe {

enum class Secrecy { kPublic, kSecret };

/// Memory of limbs: 64-byte aligned, taken from and given back to a pool, or part of a mapped file. Secret ones are wiped first.
class LimbBuffer {
 public:
  LimbBuffer() noexcept = default;
  LimbBuffer(std::size_t words, Secrecy secrecy);
  /// Public words within memory of `owner`, which may be written to.   Requires: aligned to 64 bytes.
  static LimbBuffer borrowed(std::span<std::uint64_t> words, std::shared_ptr<void> owner);
  LimbBuffer(const LimbBuffer& other);
  LimbBuffer& operator=(const LimbBuffer& other);
  LimbBuffer(LimbBuffer&& other) noexcept { swap(other); }
  LimbBuffer& operator=(LimbBuffer&& other) noexcept {
    swap(other);
    return *this;
  }
  ~LimbBuffer();

  std::span<std::uint64_t> words() noexcept { return {data_, words_}; }
  std::span<const std::uint64_t> words() const noexcept { return {data_, words_}; }
  Secrecy secrecy() const noexcept { return secrecy_; }
  /// What it holds now may be known to everybody.
  void declassify() noexcept { secrecy_ = Secrecy::kPublic; }
  void swap(LimbBuffer& other) noexcept;

 private:
  std::uint64_t* data_ = nullptr;
  std::size_t words_ = 0;
  std::size_t bytes_ = 0;  // as the pool gave them
  Secrecy secrecy_ = Secrecy::kPublic;
  std::shared_ptr<void> owner_;  // of borrowed words
};

enum class Form { kCoefficients, kValues };

template <Form F>
class RnsPoly {
 public:
  /// Contents are unspecified: the maker writes every limb.
  RnsPoly(RingPtr ring, const Basis& basis, Secrecy secrecy = Secrecy::kPublic)
      : ring_(std::move(ring)), basis_(basis), buffer_(ring_->limbs(basis) * ring_->degree(), secrecy) {}

  static RnsPoly zero(RingPtr ring, const Basis& basis, Secrecy secrecy = Secrecy::kPublic) {
    RnsPoly result(std::move(ring), basis, secrecy);
    std::ranges::fill(result.buffer_.words(), 0);
    return result;
  }

  const Ring& ring() const noexcept { return *ring_; }
  const RingPtr& ring_ptr() const noexcept { return ring_; }
  const Basis& basis() const noexcept { return basis_; }
  std::size_t degree() const noexcept { return ring_->degree(); }
  std::size_t limbs() const noexcept { return ring_->limbs(basis_); }
  Secrecy secrecy() const noexcept { return buffer_.secrecy(); }
  void declassify() noexcept { buffer_.declassify(); }

  std::span<std::uint64_t> limb(std::size_t i) noexcept { return buffer_.words().subspan(i * degree(), degree()); }
  std::span<const std::uint64_t> limb(std::size_t i) const noexcept {
    return buffer_.words().subspan(i * degree(), degree());
  }
  const field::Modulus& modulus(std::size_t i) const noexcept { return ring_->modulus(basis_, i); }
  const poly::NttTables& tables(std::size_t i) const noexcept { return ring_->tables(basis_, i); }

  /// The same limbs under the other form's name, after they were transformed.
  static RnsPoly adopt(RingPtr ring, const Basis& basis, LimbBuffer buffer) {
    RnsPoly result;
    result.ring_ = std::move(ring);
    result.basis_ = basis;
    result.buffer_ = std::move(buffer);
    return result;
  }
  LimbBuffer release() && noexcept { return std::move(buffer_); }

 private:
  RnsPoly() = default;

  RingPtr ring_;
  Basis basis_;
  LimbBuffer buffer_;
};

using CoeffPoly = RnsPoly<Form::kCoefficients>;
using NttPoly = RnsPoly<Form::kValues>;

/// Transforms in place; the argument is used up.
NttPoly to_values(CoeffPoly&& a);
CoeffPoly to_coefficients(NttPoly&& a);

// Arithmetic on values.   Requires: one ring and basis.   Timing: constant in the residues.
void add_to(NttPoly& a, const NttPoly& b);
void subtract_from(NttPoly& a, const NttPoly& b);
void negate(NttPoly& a);
void multiply_by(NttPoly& a, const NttPoly& b);
// Here b may have more limbs than a, whose basis counts.   Requires: both over Q, if it has.
/// acc += a * b
void multiply_add(NttPoly& acc, const NttPoly& a, const NttPoly& b);
NttPoly product(const NttPoly& a, const NttPoly& b);
/// factors[i] belongs to limb i.
void scale(NttPoly& a, std::span<const std::uint64_t> factors);

/// The first limbs of a: the same polynomial modulo fewer primes.   Requires: target.q_limbs <= a's, and with_p only if a has it.
NttPoly truncate(const NttPoly& a, const Basis& target);

/// a(X^g) by the permutation of poly::automorphism_permutation.
NttPoly permuted(const NttPoly& a, std::span<const std::uint32_t> permutation);

/// (a - d) / D for the d nearest to 0 with d = a mod D and d = 0 mod t, D being the product of the dropped moduli. With t = 1
/// that is a / D rounded to the nearest; for other t (prime to D) the result is a D^-1 modulo t, off by at most t/2 from a / D.
/// (Where a / D lies within about 2^-45 of a tie, it may be rounded either way.)
NttPoly divide(NttPoly&& a, const Division& division, std::uint64_t t = 1);

/// Limb i of quotient k, while it is in the cache: to be put where it belongs. Called on several threads.
using LimbSink = std::function<void(std::size_t k, std::size_t i, std::span<std::uint64_t> limb)>;

/// Polynomials of one basis that exist limb by limb only.
struct LimbSource {
  std::size_t count;
  Secrecy secrecy;
  /// Writes limb i of polynomial k to limbs[k], or points limbs[k] at where it may be overwritten. Called once for each i, on
  /// several threads.
  std::function<void(std::size_t i, std::span<std::span<std::uint64_t>> limbs)> limbs;
};

/// The same for several polynomials of one basis, limb by limb, so that tables are read once. The second form uses them up.
void divide_each(const Ring& ring, const LimbSource& source, const Division& division, std::uint64_t t,
                 const LimbSink& finish);
void divide_each(std::span<NttPoly*> polynomials, const Division& division, std::uint64_t t, const LimbSink& finish);

/// A base conversion of whole polynomials whose results are made for a group of moduli at a time, just before the transform.
class PreparedConversion {
 public:
  /// Requires: in[i] is a vector of n residues modulo the converter's i-th prime times converter.inverse(i), which lives as long.
  PreparedConversion(const field::BaseConverter& converter, std::vector<const std::uint64_t*> in, std::size_t n,
                     Secrecy secrecy);

  /// The residues modulo the converter's targets from `first` on.
  void finish(std::size_t first, std::span<std::uint64_t* const> out) const;

 private:
  const field::BaseConverter& converter_;
  LimbBuffer overflow_;
  std::vector<const std::uint64_t*> vectors_;
};

/// Calls body(first, last) for ranges of limbs, on several threads: as many limbs as conversions should make at a time.
void for_limb_groups(const Ring& ring, std::size_t limbs, const std::function<void(std::size_t, std::size_t)>& body);

/// Small integers as a polynomial.   Requires: degree values, each |value| < 2^62.
CoeffPoly from_signed(const RingPtr& ring, const Basis& basis, std::span<const std::int64_t> coefficients,
                      Secrecy secrecy);
/// Its values, each limb transformed while it is in the cache.
NttPoly values_of_signed(const RingPtr& ring, const Basis& basis, std::span<const std::int64_t> coefficients,
                         Secrecy secrecy);

/// A polynomial with coefficients 2^shift times small integers: the memory of one limb, whatever the basis. Secret.
struct CompactPoly {
  SecretVector<std::int64_t> integers;  // |value| < 2^62
  int shift = 0;
};
/// Its values modulo one prime.   Requires: as many words as integers.
void compact_values(const poly::NttTables& tables, const CompactPoly& compact, std::span<std::uint64_t> out);
NttPoly compact_values(const RingPtr& ring, const Basis& basis, const CompactPoly& compact);

}  // namespace blindproof::fhe::rlwe
