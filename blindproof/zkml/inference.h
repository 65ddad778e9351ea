// The inference protocol: one function, run by prover and verifier. docs/spec/zkml.md, section 7, follows its order.
#pragma once

#include "blindproof/model/integer_graph.h"
#include "blindproof/proof/zk/context.h"
#include "blindproof/zkml/prove.h"

namespace blindproof::zkml {

/// What only the prover has. Tests of soundness alter it.
struct Witness {
  const std::vector<TensorSecret>* parameters = nullptr;       // by position in ModelKey::tensors
  std::variant<model::IntegerTrace<std::int64_t>, model::IntegerTrace<model::Int128>> trace;
  TensorSecret input, output;                                  // of hidden ones

  /// Columns of one Requantize or MaxPool node besides its output, in the order of their commitment.
  struct NodeColumns {
    std::vector<std::vector<std::int32_t>> columns;
  };
  std::vector<NodeColumns> nodes;  // by node

  commit::IntegerSpan tensor(model::TensorId id) const;
};

/// Computes the columns of every node from the trace.
void fill_columns(const ModelKey& key, const model::IntegerGraph& graph, Witness& witness);

/// Absorbs the statement and runs everything but finish(). `witness` for a prover.
/// Errors (verifier): kRejected for statements that can't be true in themselves (values out of range, wrong sizes).
base::Status run_inference(proof::zk::Context& context, const ModelKey& key, const Statement& statement,
                           const Witness* witness);

}  // namespace blindproof::zkml
