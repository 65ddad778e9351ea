// A proof of an encrypted inference, or of a model's bounds, from anywhere, against one small model.
#include <algorithm>

#include "hybrid_model.h"

using namespace blindproof;

namespace {

struct Verifier {
  fuzz::HybridEvaluation evaluation = fuzz::hybrid_evaluation();
  zkml::RegisteredModel registered = [this] {
    auto model = zkml::RegisteredModel::check(evaluation.model->shared_key());
    FUZZ_EXPECT(model.ok());
    return *std::move(model);
  }();
  hybrid::BoundedModel bounded = [this] {
    auto model = hybrid::BoundedModel::check(registered, *hybrid::prove_bounds(*evaluation.model));
    FUZZ_EXPECT(model.ok());
    return *std::move(model);
  }();
};

const Verifier& verifier() {
  static const Verifier instance;
  return instance;
}

void expect_same(const base::Bytes& bytes, base::ByteSpan data) { FUZZ_EXPECT(std::equal(bytes.begin(), bytes.end(), data.begin(), data.end())); }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const base::ByteSpan input(data, size);
  const fuzz::HybridEvaluation& e = verifier().evaluation;
  if (auto proof = hybrid::parse_hybrid_proof(input); proof.ok()) {
    FUZZ_EXPECT(hybrid::is_hybrid_proof(input));
    expect_same(hybrid::write_hybrid_proof(*proof), input);
    (void)hybrid::verify_evaluation(verifier().bounded, *proof, e.expected(), *e.ring, e.values());
    // Seeds are good proofs of this statement but for their context: with another one nothing may be accepted.
    proof->statement = e.statement;
    proof->statement.context = {'f', 'u', 'z', 'z'};
    FUZZ_EXPECT(!hybrid::verify_evaluation(verifier().bounded, *proof, e.expected(), *e.ring, e.values()).ok());
  }
  if (auto proof = hybrid::parse_bounds_proof(input); proof.ok()) {
    expect_same(hybrid::write_bounds_proof(*proof), input);
    proof->model = e.model->key().id;
    if (hybrid::BoundedModel::check(verifier().registered, *proof).ok()) {
      // Whatever is accepted holds.
      const hybrid::Bounds tight = {{1, 3}, {2, 1}};
      for (std::size_t layer = 0; layer < tight.size(); ++layer)
        FUZZ_EXPECT(proof->bounds[layer].weight_l1 >= tight[layer].weight_l1 && proof->bounds[layer].bias >= tight[layer].bias);
    }
  }
  return 0;
}
