// The negacyclic number-theoretic transform: Z_q[X]/(X^N + 1) to N values, modulo a prime q < 2^50 with q = 1 mod 2N.
//
// Order of values. Value i of the transform is the polynomial at psi^ntt_exponent(i), where psi is the 2N-th root of
// unity that the tables hold. ntt_exponent(i) = 2 r + 1, r being the bit reversal of i' in log2(N) bits, i' being i
// with its lowest two groups of three bits exchanged. (Vector kernels transpose blocks of 8 x 8 once, not twice.)
// Nobody but automorphisms and slot encoders need to know.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "blindproof/base/result.h"
#include "blindproof/field/modulus.h"

namespace blindproof::poly {

/// The powers of psi that transforms of one degree modulo one prime multiply by. Immutable; 16 N bytes, which copies
/// share.
///
/// With w[k] = psi^bitrev(k) in log2(N) bits, the transform's stage with m groups multiplies in group g by w[m+g], and
/// the inverse by -w[2m-1-g], which is w[m+g]^-1. Entries below N/8 lie in their order. The last three stages work on
/// groups of 8, 8 groups at a time: block b, for groups g = 8b + l with l < 8, has 7 rows of 8 entries from N/8 + 56 b
/// on, lane l of which holds w[m+g], w[2m+2g], w[2m+2g+1], w[4m+4g], .., w[4m+4g+3] with m = N/8.
class NttTables {
 public:
  static constexpr int kMinLogDegree = 6, kMaxLogDegree = 17;

  /// Errors: kInvalidArgument unless 6 <= log_degree <= 17 and q = 1 mod 2N.
  static base::Result<NttTables> create(const field::Modulus& modulus, int log_degree);

  int log_degree() const noexcept { return log_degree_; }
  std::size_t degree() const noexcept { return std::size_t{1} << log_degree_; }
  const field::Modulus& modulus() const noexcept { return modulus_; }
  /// psi: the smallest primitive 2N-th root of unity, so that files don't depend on how it was found.
  std::uint64_t root() const noexcept { return root_; }

  // For the kernels. Aligned to 64 bytes; entry 0 is not used.
  const std::uint64_t* values() const noexcept { return words_.get(); }
  const std::uint64_t* quotients() const noexcept { return words_.get() + degree(); }
  /// 1/N.
  const field::FixedFactor& inverse_of_degree() const noexcept { return inverse_of_degree_; }

 private:
  NttTables(const field::Modulus& modulus, int log_degree);

  field::Modulus modulus_;
  int log_degree_;
  std::uint64_t root_;
  field::FixedFactor inverse_of_degree_;
  std::shared_ptr<const std::uint64_t[]> words_;  // values, then quotients
};

// In place. a has N entries in [0, q); so has the result.
// Timing: constant in the values.   Cost: N/2*log2(N) butterflies, no allocation.   Ref: Harvey, arXiv:1205.2926.

void ntt_forward(const NttTables& tables, std::span<std::uint64_t> a) noexcept;
void ntt_inverse(const NttTables& tables, std::span<std::uint64_t> a) noexcept;
/// c times the inverse, at no further cost.   Requires: c in [0, q).
void ntt_inverse_scaled(const NttTables& tables, std::uint64_t c, std::span<std::uint64_t> a) noexcept;

/// e where value i is the polynomial at psi^e: odd, in [1, 2N).
std::size_t ntt_exponent(int log_degree, std::size_t i) noexcept;
/// The value's index: ntt_exponent's inverse.   Requires: odd e; only e modulo 2N matters.
std::size_t ntt_index(int log_degree, std::size_t exponent) noexcept;

/// The permutation p with ntt(a(X^g))[i] = ntt(a)[p[i]].   Requires: odd g.
std::vector<std::uint32_t> automorphism_permutation(int log_degree, std::size_t galois_element);

}  // namespace blindproof::poly
