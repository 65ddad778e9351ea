// Float graph to integer graph: the step that decides a model's meaning. docs/spec/quantisation.md has the rules.
//
// Deterministic: the same graph, samples and options give the same integers on every CPU and with any number of
// threads.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "blindproof/base/progress.h"
#include "blindproof/base/result.h"
#include "blindproof/model/float_graph.h"
#include "blindproof/model/integer_graph.h"

namespace blindproof::compiler {

struct QuantizeOptions {
  model::Arithmetic arithmetic = model::Arithmetic::kRescaled;
  int weight_bits = 8;      // 2 to 16
  int activation_bits = 8;  // 4 to 16
  bool per_channel =
      true;  // a secret scale for each output channel; exact arithmetic has one for each layer whatever this says
  double max_accuracy_loss = 0.5;  // percentage points on the calibration samples
  /// The right class of each sample (of each row, if the output has several). Empty: the float model's answer counts as
  /// right.
  std::vector<std::uint32_t> labels = {};
  base::Progress progress = {};
};

/// What became of one node of the float graph.
struct LayerSummary {
  std::string name;  // as the ONNX file calls it
  std::string op;
  std::size_t parameters = 0;  // secret integers: weights, biases, multipliers
  std::size_t lookups = 0;     // values requantised, cells compared by a maximum
};

struct QuantizeOutcome {
  model::IntegerGraph graph;
  bool labelled = false;
  double float_accuracy = 0;    // percent; 100 without labels
  double integer_accuracy = 0;  // percent; without labels the share of samples with the float model's answer
  double agreement = 0;         // percent of samples with the float model's answer
  double output_error = 0;      // root mean square of the outputs' differences over that of the outputs
  std::string clipping;         // how the ranges of activations were chosen: "maximum", "99.99%", ...
  std::vector<LayerSummary> layers;
};

/// The class of an output row is the index of its largest value; of a row of one value, whether it is above 0 (above
/// 1/2 if the graph ends in a sigmoid). Requires: a validated graph. Errors: kInvalidArgument for wrong options,
/// samples or labels; kUnsupported, naming the node, for what the arithmetic can't do; kLimit for values that don't fit
/// or too much accuracy lost, with advice.
base::Result<QuantizeOutcome> quantize(const model::FloatGraph& graph, std::span<const std::vector<float>> samples,
                                       const QuantizeOptions& options = {});

}  // namespace blindproof::compiler
