// Sum-checks with hidden rounds (Lund-Fortnow-Karloff-Nisan; hiding by committed rounds as in Wahby et al., ePrint 2017/1132).
//
// Rounds bind the top variable first; the returned point lists variable 0 first. Each round commits two coefficients of a
// quadratic round polynomial; the third is a linear combination of those and of the claim, hence correct by construction.
#pragma once

#include <string_view>

#include "blindproof/poly/fraction_tree.h"
#include "blindproof/poly/sumcheck_prover.h"
#include "blindproof/proof/zk/context.h"

namespace blindproof::proof::sumcheck {

using field::Fr;
using zk::Context;
using zk::Point;
using zk::Scalar;

/// What is left to check after the last round.
struct [[nodiscard]] Reduced {
  Point point;
  Scalar claim;
};

/// claim = sum_x f(x) g(x) over `variables` variables.
/// Caller must: show that result.claim = f(point) g(point). `prover` is null for a verifier.
Reduced prove_product(Context& context, std::string_view label, Scalar claim, std::size_t variables,
                      poly::ProductProver* prover);

/// claim = sum_x eq(z,x) f(x) g(x).
/// Caller must: show that result.claim = f(point) g(point): the factor eq(z, point) is divided out already.
Reduced prove_eq_product(Context& context, std::string_view label, Scalar claim, std::span<const Fr> z,
                         poly::EqProductProver* prover);

/// The same rounds for one layer of a tree of fractions:  claim = sum_x eq(z,x) (p0 q1 + p1 q0 + lambda q0 q1)(x).
/// Caller must: show that result.claim is that expression at the point, without eq(z, point).
Reduced prove_fraction_layer(Context& context, std::string_view label, Scalar claim, std::span<const Fr> z,
                             poly::FractionTree::Layer* prover);

}  // namespace blindproof::proof::sumcheck
