// Verification of Groth16 proofs. Groth, ePrint 2016/260; what each check is for: docs/spec/groth16.md.
#pragma once

#include <span>
#include <vector>

#include "blindproof/base/result.h"
#include "blindproof/curve/pairing.h"

namespace blindproof::groth16 {

using curve::G1Affine;
using curve::G2Affine;
using field::Fq;
using field::Fr;

struct VerificationKey {
  G1Affine alpha;
  G2Affine beta, gamma, delta;
  std::vector<G1Affine> ic;  // one more than public values

  friend bool operator==(const VerificationKey&, const VerificationKey&) = default;
};

struct Proof {
  G1Affine a;
  G2Affine b;
  G1Affine c;

  friend bool operator==(const Proof&, const Proof&) = default;
};

/// Errors: kRejected, naming the check, for points outside their groups, the identity where proofs could be forged with it, gamma = delta (up to sign), and
/// delta = the generator (up to sign): a setup that nobody contributed to.
base::Status check_key(const VerificationKey& key);

/// Errors: kRejected, naming the check; those of check_key().
base::Status verify(const VerificationKey& key, std::span<const Fr> public_values, const Proof& proof);

}  // namespace blindproof::groth16
