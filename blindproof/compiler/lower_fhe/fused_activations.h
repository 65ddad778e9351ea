// Activations that a file spells as several nodes: GELU = x (1 + erf(x/sqrt(2))) / 2, SiLU = x sigmoid(x), and their kin.
#pragma once

#include <functional>
#include <map>
#include <vector>

#include "blindproof/model/float_graph.h"

namespace blindproof::compiler {

/// Nodes that together are one function of one tensor, element by element, so that one polynomial does for all of them.
struct FusedActivation {
  model::TensorId source;
  std::function<double(double)> function;
};

struct FusedActivations {
  std::map<std::size_t, FusedActivation> by_node;  // by the index of the last of the nodes, a sum or product
  std::vector<bool> inner;                         // by the index of a node: one of the others, whose results nobody else reads
};

/// Every sum or product of two functions of one tensor with a curve (Sigmoid, Tanh, Erf, Clip; Relu where asked for) among them, as large as possible.
FusedActivations fuse_activations(const model::FloatGraph& graph, bool with_relu);

}  // namespace blindproof::compiler
