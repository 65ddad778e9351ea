// What there is to say about a model without its weights.
#pragma once

#include <string>
#include <vector>

#include "blindproof/engine/files.h"
#include "blindproof/model/integer_graph.h"

namespace blindproof::engine {

struct NodeSummary {
  std::string op;
  model::Shape shape;          // of the output
  std::size_t parameters = 0;  // secret integers
  std::size_t lookups = 0;     // tuples that a proof looks up
};

struct ModelSummary {
  std::string arithmetic;  // "rescaled", "exact"
  model::Shape input_shape, output_shape;
  std::int64_t input_min = 0, input_max = 0;
  double input_scale = 1, output_scale = 1;
  std::string finish;           // "none", "softmax", "argmax"
  std::size_t parameters = 0;   // weights + biases + multipliers
  std::size_t weights = 0, biases = 0, multipliers = 0;
  std::size_t activations = 0;  // values between layers: outputs of all nodes, sums that are rescaled not counted twice
  std::size_t lookups = 0;
  std::size_t tables = 0, table_entries = 0;
  std::vector<NodeSummary> nodes;
};

/// Requires: a validated architecture.  Errors: those of lowering to a proof, naming the node.
base::Result<ModelSummary> summarize(const model::Architecture& architecture);

/// A `.bpm` or a `.bpk` file.
struct Inspection {
  ModelSummary summary;
  std::size_t file_bytes = 0;
  bool has_float_graph = false;            // .bpm
  std::optional<zkml::ModelId> model;      // .bpk
  std::size_t committed_rows = 0;          // .bpk
  std::size_t registration_bytes = 0;      // .bpk
};
base::Result<Inspection> inspect(const Path& path);

}  // namespace blindproof::engine
