// Bounds of a model's dense layers, proven once: what excludes overflow of plaintexts and decryption failures for every input.
// Specification: docs/spec/hybrid.md, "Registration: bounds".
//
// The proof is about a model id and travels in the model key (ModelKey::bounds); the id doesn't know of it.
#pragma once

#include <memory>
#include <vector>

#include "blindproof/base/result.h"
#include "blindproof/proof/zk/context.h"
#include "blindproof/zkml/model_key.h"

namespace blindproof::hybrid {

using commit::Generators;
using model::Int128;

inline constexpr std::string_view kBoundsProtocol = "blindproof v1 bounds registration";

/// Of one dense layer, for every row i:  sum_k |W(i,k)| <= weight_l1,  |b(i)| <= bias.
struct LayerBounds {
  std::uint64_t weight_l1 = 0;  // at most 2^56
  Int128 bias = 0;              // at most 2^112; 0 without biases
  bool operator==(const LayerBounds&) const = default;
};

/// By dense node, in the graph's order.
using Bounds = std::vector<LayerBounds>;

/// The largest rows' norms, rounded up to five significant bits.
Bounds find_bounds(const model::IntegerGraph& graph);

/// As it lies in ModelKey::bounds: docs/spec/hybrid.md, "Files of proofs".
struct BoundsProof {
  zkml::ModelId model{};
  Bounds bounds;
  base::Bytes proof;
};
base::Bytes write_bounds_proof(const BoundsProof& proof);
/// Errors: kMalformed, kUnsupported (version), kLimit. The proof's own elements are not looked at.
base::Result<BoundsProof> parse_bounds_proof(base::ByteSpan bytes);

/// Errors: kUnsupported for a model without dense layers.
base::Result<BoundsProof> prove_bounds(const zkml::CommittedModel& model, const Generators& generators = Generators::standard());

/// A registered model whose bounds were verified too.
class BoundedModel {
 public:
  /// Errors: kMismatch (another model); kRejected at place "bounds..." or kMalformed: the bounds are not shown.
  static base::Result<BoundedModel> check(zkml::RegisteredModel model, const BoundsProof& proof,
                                          const Generators& generators = Generators::standard());
  /// The same with the bounds that the model key carries.   Errors: also kMismatch if it has none, those of parse_bounds_proof.
  static base::Result<BoundedModel> check(zkml::RegisteredModel model, const Generators& generators = Generators::standard());
  const zkml::ModelKey& key() const { return model_.key(); }
  const Bounds& bounds() const { return bounds_; }

 private:
  BoundedModel(zkml::RegisteredModel model, Bounds bounds) : model_(std::move(model)), bounds_(std::move(bounds)) {}
  zkml::RegisteredModel model_;
  Bounds bounds_;
};

/// The protocol for both sides. `secrets` for a prover, by position in key.tensors.
/// Requires: one entry of `bounds` for each dense node, inside the limits.
void run_bounds(proof::zk::Context& context, const zkml::ModelKey& key, const Bounds& bounds,
                const std::vector<commit::TensorSecret>* secrets);

}  // namespace blindproof::hybrid
