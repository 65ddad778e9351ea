// The float graph as the lowerings want it.
#pragma once

#include <vector>

#include "blindproof/base/result.h"
#include "blindproof/model/float_graph.h"
#include "blindproof/model/integer_graph.h"

namespace blindproof::compiler {

struct NormalisedGraph {
  model::FloatGraph graph;  // the same function up to float rounding, without Softmax and ArgMax
  model::Finish finish = model::Finish::kNone;
  model::TensorId scores = 0;  // of the original graph: what the normalised graph's output stands for
};

/// - Softmax or ArgMax at the end becomes the finish; nodes that nothing needs vanish.
/// - ScaleShift is merged into the linear layer before or after it. What can't be merged becomes a depthwise 1x1
/// Conv2d, unless
///   it is one positive factor for the whole tensor.
/// - Relu, Clip, Sigmoid, Tanh and Erf move up to the linear layer that they follow through Reshape, Transpose and
/// MaxPool2d. Requires: a validated graph.  Errors: kUnsupported if nothing is left to compute.
base::Result<NormalisedGraph> normalise(const model::FloatGraph& graph);

bool is_activation(const model::FloatOp& op);
/// Dense, Conv2d, AveragePool2d, Add, Subtract, Multiply: what is computed before a requantisation.
bool is_linear(const model::FloatOp& op);

/// How many nodes read each tensor; the graph's output counts as one more reader of its tensor.
std::vector<std::size_t> count_readers(const model::FloatGraph& graph);

}  // namespace blindproof::compiler
