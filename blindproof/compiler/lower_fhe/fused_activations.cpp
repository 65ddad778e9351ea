#include "blindproof/compiler/lower_fhe/fused_activations.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "blindproof/compiler/lower_fhe/curves.h"

namespace blindproof::compiler {
namespace {

using model::FloatNode;
using model::TensorId;
namespace float_op = model::float_op;
using Function = std::function<double(double)>;

// A tensor as a function of another one.
struct Elementwise {
  TensorId source;
  Function function;
  bool curved = false;
  std::vector<std::size_t> nodes;  // from the source on, ascending
};

bool is_uniform(const std::vector<float>& values) { return std::ranges::all_of(values, [&](float v) { return v == values[0]; }); }

template <class Op>
Elementwise combined(const Elementwise& a, const Elementwise& b, const Op& op) {
  Elementwise result{a.source, [f = a.function, g = b.function, op](double x) { return op(f(x), g(x)); }, a.curved || b.curved, {}};
  std::ranges::set_union(a.nodes, b.nodes, std::back_inserter(result.nodes));
  return result;
}

}  // namespace

FusedActivations fuse_activations(const model::FloatGraph& graph, bool with_relu) {
  std::vector<Elementwise> of_tensor(graph.shapes.size());
  std::vector<std::vector<std::size_t>> readers(graph.shapes.size());
  for (TensorId id = 0; id < of_tensor.size(); ++id) of_tensor[id] = {id, [](double x) { return x; }, false, {}};
  const auto is_combination = [](const FloatNode& node) {
    return std::holds_alternative<float_op::Add>(node.op) || std::holds_alternative<float_op::Subtract>(node.op) ||
           std::holds_alternative<float_op::Multiply>(node.op);
  };
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const FloatNode& node = graph.nodes[i];
    for (const TensorId id : node.inputs) readers[id].push_back(i);
    const Elementwise& first = of_tensor[node.inputs[0]];
    Elementwise& result = of_tensor[node.output];
    if (is_combination(node)) {
      const Elementwise& second = of_tensor[node.inputs[1]];
      if (first.source != second.source) continue;
      if (std::holds_alternative<float_op::Add>(node.op)) result = combined(first, second, std::plus<double>());
      if (std::holds_alternative<float_op::Subtract>(node.op)) result = combined(first, second, std::minus<double>());
      if (std::holds_alternative<float_op::Multiply>(node.op)) result = combined(first, second, std::multiplies<double>());
    } else if (const auto* affine = std::get_if<float_op::ScaleShift>(&node.op)) {
      if (!is_uniform(affine->scale) || !is_uniform(affine->shift)) continue;
      const double scale = static_cast<double>(affine->scale[0]), shift = static_cast<double>(affine->shift[0]);
      result = {first.source, [f = first.function, scale, shift](double x) { return scale * f(x) + shift; }, first.curved, first.nodes};
    } else if (const Function curve = curve_of(node.op); curve && (with_relu || !std::holds_alternative<float_op::Relu>(node.op))) {
      result = {first.source, [f = first.function, curve](double x) { return curve(f(x)); }, true, first.nodes};
    } else {
      continue;
    }
    result.nodes.push_back(i);
  }

  FusedActivations fused{{}, std::vector<bool>(graph.nodes.size())};
  for (std::size_t i = graph.nodes.size(); i-- > 0;) {  // the largest first
    const FloatNode& node = graph.nodes[i];
    const Elementwise& candidate = of_tensor[node.output];
    if (!is_combination(node) || !candidate.curved || fused.inner[i]) continue;
    const bool closed = std::ranges::all_of(candidate.nodes, [&](std::size_t inner) {
      const TensorId written = graph.nodes[inner].output;
      return inner == i || (written != graph.output && std::ranges::all_of(readers[written], [&](std::size_t reader) {
                              return std::ranges::binary_search(candidate.nodes, reader);
                            }));
    });
    if (!closed) continue;
    for (const std::size_t inner : candidate.nodes) fused.inner[inner] = inner != i;
    fused.by_node.emplace(i, FusedActivation{candidate.source, candidate.function});
  }
  return fused;
}

}  // namespace blindproof::compiler
