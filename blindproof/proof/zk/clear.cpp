#include "blindproof/proof/zk/context.h"

namespace blindproof::proof::zk {

ClearContext::ClearContext(const Generators& generators, std::string_view protocol)
    : ProverContext(generators, protocol, {}, {}) {}

std::vector<std::string> ClearContext::finish_clear() {
  prove_openings();
  return violated();
}

G1Affine ClearContext::commit_values(std::span<const Fr>, const Fr&) { return G1Affine::identity(); }

std::vector<G1Affine> ClearContext::commit_rows(const TensorLayout& layout, const IntegerSpan&, std::span<const Fr>) {
  return std::vector<G1Affine>(layout.rows());
}

Fr ClearContext::blind_for(std::string_view, std::span<const Fr>) { return Fr::zero(); }

commit::BlindSource::Mask ClearContext::mask_for(std::string_view, std::span<const Fr> values, const Fr&) {
  return {std::vector<Fr>(values.size()), Fr::zero()};
}

}  // namespace blindproof::proof::zk
