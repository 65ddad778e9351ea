// A binary tree that adds fractions p/q: the prover's tables of the GKR protocol for fractional sums
// (Papini-Haboeck, ePrint 2023/1284).
//
// Level n (the leaves) has 2^n fractions, level 0 one. Node i of level k is the sum of nodes i and i + 2^k of level
// k+1:
//   p = p0*q1 + p1*q0,   q = q0*q1
// so the top index bit selects the child, and a claim at (z, mu) on level k+1 has mu as its top variable.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "blindproof/poly/sumcheck_prover.h"

namespace blindproof::poly {

struct FractionLeaves {
  FrVector denominators;  // 2^n
  FrVector numerators;    // 2^n, or empty: all one (cheaper: q0 + q1 + lambda q0 q1 is one product, up to constants)
};

/// What a layer's sum-check ends with: both children at the bound point.
struct FractionEnds {
  Fr p0, q0, p1, q1;
};

class FractionTree {
 public:
  /// Builds all levels, on all threads.
  explicit FractionTree(FractionLeaves leaves);
  std::size_t log_leaves() const { return levels_.size() - 1; }
  Fr root_numerator() const { return root_numerator_; }
  Fr root_denominator() const { return root_denominator_; }

  /// The sum-check that reduces a claim p_k(z) + lambda q_k(z) on level k (z has k variables) to level k+1:
  ///   sum_x eq(z,x) (p0 q1 + p1 q0 + lambda q0 q1)(x)
  ///   round(), bind(): as EqProductProver: t(X) without the equality factors of X and of bound variables
  class Layer {
   public:
    Layer(Layer&&) noexcept = default;
    Layer& operator=(Layer&&) noexcept = default;

    QuadraticRound round();
    void bind(const Fr& r) { tables_.bind(r); }
    FractionEnds ends() const;  // after k binds

   private:
    friend class FractionTree;
    Layer(FractionLeaves level, std::span<const Fr> z, const Fr& lambda);

    // With general numerators, p0 q1 + p1 q0 + lambda q0 q1 = p0 q1 + (p1 + lambda q1) q0. With ones and lambda != 0,
    // q0 + q1 + lambda q0 q1 = lambda (q0 + 1/lambda) (q1 + 1/lambda) - 1/lambda.
    FractionLeaves level_;
    Fr lambda_, inverse_lambda_;
    bool ones_ = false;
    SplitEq eq_;
    RoundTables tables_;
  };

  /// Layers are proven from the root down; a layer takes the tables of level k+1 out of the tree, so each layer can be
  /// proven once.  Requires: k < log_leaves(), z.size() == k, and layer k not taken before.
  Layer layer(std::size_t k, std::span<const Fr> z, const Fr& lambda);

 private:
  std::vector<FractionLeaves> levels_;
  Fr root_numerator_, root_denominator_;
};

}  // namespace blindproof::poly
