// The prover's arithmetic of sum-checks: round polynomials and folding, no transcript, no commitments (proof/sumcheck
// has those). Round polynomials are quadratic: c0 + c1 X + c2 X^2; c1 follows from the claim, so only c0 and c2 are
// computed (QuadraticRound: at_zero and leading).
//
// A prover consumes its tables. Its rounds call round() and then bind(); the results don't depend on the number of
// threads or on the kernel set.
#pragma once

#include <span>

#include "blindproof/poly/multilinear.h"
#include "blindproof/poly/round_tables.h"

namespace blindproof::poly {

/// sum_x f(x) g(x) over {0,1}^n.
///   round():  s(X) = sum_x' f(X,x') g(X,x'), X the top unbound variable
///   bind(r):  sets X = r and halves both tables
/// Requires: f.size() == g.size() == 2^n. After n binds, f_end() and g_end() are f and g at the bound point.
class ProductProver {
 public:
  ProductProver(FrVector f, FrVector g);
  ProductProver(ProductProver&&) noexcept = default;
  ProductProver& operator=(ProductProver&&) noexcept = default;

  QuadraticRound round() { return tables_.round(nullptr); }
  void bind(const Fr& r) { tables_.bind(r); }
  Fr f_end() const { return tables_.end(0); }
  Fr g_end() const { return tables_.end(1); }

 private:
  FrVector f_, g_;
  RoundTables tables_;
};

/// sum_x eq(z,x) f(x) g(x), with the equality polynomial factored out of each round (Gruen, ePrint 2024/108, section 3)
/// and its table split in two halves (Dao-Thaler, ePrint 2024/1210).
///   round():  t(X) = sum_x' eq(z',x') f(X,x') g(X,x'), x' and z' the variables below X: the factors of bound
///             variables and
///             of X itself are left out (the caller keeps prod eq(z_i,r_i), and derives t(0) or t(1) from its claim)
///   bind(r):  as ProductProver
/// Requires: f.size() == g.size() == 2^z.size().
class EqProductProver {
 public:
  EqProductProver(std::span<const Fr> z, FrVector f, FrVector g);
  EqProductProver(EqProductProver&&) noexcept = default;
  EqProductProver& operator=(EqProductProver&&) noexcept = default;

  QuadraticRound round() { return tables_.round(&eq_); }
  void bind(const Fr& r) { tables_.bind(r); }
  Fr f_end() const { return tables_.end(0); }
  Fr g_end() const { return tables_.end(1); }

 private:
  SplitEq eq_;
  FrVector f_, g_;
  RoundTables tables_;
};

}  // namespace blindproof::poly
