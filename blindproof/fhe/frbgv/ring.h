// Fr[X]/(X^N + 1): ciphertexts live here, as their values at the N primitive 2N-th roots of unity.
//
// Value i of a transformed polynomial a is a(psi^(2 bitrev(i) + 1)), bitrev reversing log2 N bits and
// psi = 5^((r - 1) / 2N) (docs/spec/hybrid.md, "Scheme").
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "blindproof/field/fr_vector.h"

namespace blindproof::fhe::frbgv {

using field::Fr;
using field::FrVector;

/// Of all ciphertexts in files. Tests use smaller rings, which are insecure.
inline constexpr int kLogDegree = 14;
inline constexpr std::size_t kDegree = std::size_t{1} << kLogDegree;

class Ring;
using RingPtr = std::shared_ptr<const Ring>;

class Ring {
 public:
  /// Requires: 6 <= log_degree <= 16. The kernel set must stay what it is while the ring is used.
  static RingPtr create(int log_degree = kLogDegree);

  std::size_t degree() const noexcept { return degree_; }

  /// Coefficients to values, and back, in place, on one thread.   Timing: constant in the values.
  /// Requires: a.size() == degree().
  void forward(FrVector& a) const;
  void inverse(FrVector& a) const;
  /// The vector v with sum_j v_j c_j = sum_i w_i (forward(c))_i for all c: the transform's transpose, of w in place.
  void transpose_forward(FrVector& w) const;

 private:
  struct Tables {
    FrVector roots, tail;
  };
  explicit Ring(int log_degree);
  static Tables make_tables(int log_degree, const Fr& psi);

  std::size_t degree_;
  Tables forward_, inverse_;
  Fr scale_;
};

// Of whole vectors, on one thread.   Requires: equal sizes.
void multiply(FrVector& a, const FrVector& b);
void multiply_add(FrVector& acc, const FrVector& a, const FrVector& b);
void add(FrVector& acc, const FrVector& a);
void subtract(FrVector& acc, const FrVector& a);
void scale(FrVector& a, const Fr& factor);

}  // namespace blindproof::fhe::frbgv
