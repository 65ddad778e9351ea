// Element-wise products.
#pragma once

#include "blindproof/poly/sumcheck_prover.h"
#include "blindproof/proof/layers/claims.h"

namespace blindproof::proof::layers {

struct ProductClaims {
  Point z;
  Scalar a, b;
};

/// y = a * b cell by cell, from the claim y~(z) = value: claims a~(z') and b~(z') at a new point; for a square they are one.
/// `prover` is made from the padded tables of a and b, zero outside the used cells of at least one; null for a verifier.
ProductClaims reduce_product(Context& context, std::string_view label, const PointClaim& y, bool square,
                             poly::EqProductProver* prover);

}  // namespace blindproof::proof::layers
