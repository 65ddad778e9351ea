#include "blindproof/groth16/verify.h"

#include <array>
#include <string>

#include "blindproof/curve/msm.h"

namespace blindproof::groth16 {
namespace {

base::Error rejected(std::string check, std::string detail) { return base::error(base::ErrorCode::kRejected, std::move(check), std::move(detail)); }

base::Status check_point(const G1Affine& point, const char* name) {
  if (!point.is_on_curve()) return rejected(name, "isn't on the curve");
  return {};
}
base::Status check_point(const G2Affine& point, const char* name) {
  if (!point.is_in_group()) return rejected(name, "isn't a point of G2");
  return {};
}

}  // namespace

base::Status check_key(const VerificationKey& key) {
  BLINDPROOF_TRY(check_point(key.alpha, "key.alpha"));
  BLINDPROOF_TRY(check_point(key.beta, "key.beta"));
  BLINDPROOF_TRY(check_point(key.gamma, "key.gamma"));
  BLINDPROOF_TRY(check_point(key.delta, "key.delta"));
  for (const G1Affine& point : key.ic) BLINDPROOF_TRY(check_point(point, "key.ic"));
  if (key.ic.empty()) return rejected("key.ic", "is empty");
  if (key.alpha.is_identity() || key.beta.is_identity() || key.gamma.is_identity() || key.delta.is_identity()) {
    return rejected("key.identity", "one of alpha, beta, gamma, delta is the identity: anybody could forge proofs");
  }
  if (key.gamma == key.delta || key.gamma == -key.delta) return rejected("key.gamma", "gamma equals delta: anybody could forge proofs");
  if (key.delta == G2Affine::generator() || key.delta == -G2Affine::generator()) {
    return rejected("key.delta", "delta is the generator: nobody has contributed to the setup, so anybody could forge proofs");
  }
  return {};
}

base::Status verify(const VerificationKey& key, std::span<const Fr> public_values, const Proof& proof) {
  BLINDPROOF_TRY(check_key(key));
  if (public_values.size() + 1 != key.ic.size()) {
    return rejected("public values", "are " + std::to_string(public_values.size()) + "; the key is for " + std::to_string(key.ic.size() - 1));
  }
  BLINDPROOF_TRY(check_point(proof.a, "proof.a"));
  BLINDPROOF_TRY(check_point(proof.b, "proof.b"));
  BLINDPROOF_TRY(check_point(proof.c, "proof.c"));
  const curve::G1 statement = curve::msm(std::span(key.ic).subspan(1), public_values) + key.ic[0];
  const std::array<curve::PairingTerm, 4> terms{
      {{-proof.a, proof.b}, {key.alpha, key.beta}, {statement.to_affine(), key.gamma}, {proof.c, key.delta}}};
  if (!curve::pairing_product_is_one(terms)) return rejected("pairing", "the proof isn't one of these public values under this key");
  return {};
}

}  // namespace blindproof::groth16
