#include "blindproof/proof/sumcheck/sumcheck.h"

#include <string>

#include "blindproof/base/check.h"

namespace blindproof::proof::sumcheck {
namespace {

std::string round_label(std::string_view label, std::string_view what, std::size_t round) {
  return std::string(label) + " " + std::string(what) + std::to_string(round);
}

// Rounds with the equality polynomial factored out: with t_i the round polynomial without the factors of bound variables and
// without its own,
//   claim_i = (1 - z) t(0) + z t(1),    claim_{i+1} = t(r)
// c1 and c2 are committed; c0 = claim - z (c1 + c2).
template <class RoundProver>
Reduced eq_rounds(Context& context, std::string_view label, Scalar claim, std::span<const Fr> z, RoundProver* prover) {
  const std::size_t variables = z.size();
  BLINDPROOF_CHECK(context.proving() == (prover != nullptr), "a prover has the tables");
  std::vector<Fr> inverse(z.begin(), z.end());
  if (context.proving()) field::batch_invert(std::span<Fr>(inverse));
  Point point(variables);
  for (std::size_t round = 0; round < variables; ++round) {
    const std::size_t variable = variables - 1 - round;
    std::vector<Fr> coefficients;
    if (context.proving()) {
      const poly::QuadraticRound t = prover->round();
      // z is random, so it is zero with probability 2^-254; then c1 below would be wrong and the proof would fail.
      const Fr c1 = (claim.value() - t.at_zero) * inverse[variable] - t.leading;
      coefficients = {c1, t.leading};
    }
    const std::vector<Scalar> c = context.commit(round_label(label, "round ", round), 2, coefficients);
    const Fr r = context.challenge(round_label(label, "r", round));
    claim = (claim - (c[0] + c[1]) * z[variable]) + c[0] * r + c[1] * r.squared();
    point[variable] = r;
    if (context.proving()) prover->bind(r);
  }
  return {std::move(point), std::move(claim)};
}

}  // namespace

Reduced prove_product(Context& context, std::string_view label, Scalar claim, std::size_t variables,
                      poly::ProductProver* prover) {
  BLINDPROOF_CHECK(context.proving() == (prover != nullptr), "a prover has the tables");
  Point point(variables);
  for (std::size_t round = 0; round < variables; ++round) {
    std::vector<Fr> coefficients;
    if (context.proving()) {
      const poly::QuadraticRound s = prover->round();
      coefficients = {s.at_zero, s.leading};
    }
    const std::vector<Scalar> c = context.commit(round_label(label, "round ", round), 2, coefficients);
    const Fr r = context.challenge(round_label(label, "r", round));
    // c1 = claim - 2 c0 - c2
    claim = c[0] + (claim - c[0] * Fr::from_u64(2) - c[1]) * r + c[1] * r.squared();
    point[variables - 1 - round] = r;
    if (context.proving()) prover->bind(r);
  }
  return {std::move(point), std::move(claim)};
}

Reduced prove_eq_product(Context& context, std::string_view label, Scalar claim, std::span<const Fr> z,
                         poly::EqProductProver* prover) {
  return eq_rounds(context, label, std::move(claim), z, prover);
}

Reduced prove_fraction_layer(Context& context, std::string_view label, Scalar claim, std::span<const Fr> z,
                             poly::FractionTree::Layer* prover) {
  return eq_rounds(context, label, std::move(claim), z, prover);
}

}  // namespace blindproof::proof::sumcheck
