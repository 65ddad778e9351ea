#include "blindproof/proof/layers/elementwise.h"

#include <string>

#include "blindproof/proof/sumcheck/sumcheck.h"

namespace blindproof::proof::layers {

ProductClaims reduce_product(Context& context, std::string_view label_view, const PointClaim& y, bool square,
                             poly::EqProductProver* prover) {
  const std::string label(label_view);
  sumcheck::Reduced reduced = sumcheck::prove_eq_product(context, label, y.value, y.z, prover);
  std::vector<Fr> values;
  if (prover != nullptr) {
    values = {prover->f_end()};
    if (!square) values.push_back(prover->g_end());
  }
  const std::vector<Scalar> ends = context.commit(label + " ends", square ? 1 : 2, values);
  context.require_zero(label, -reduced.claim, {{ends.front(), ends.back()}});
  return {std::move(reduced.point), ends.front(), ends.back()};
}

}  // namespace blindproof::proof::layers
