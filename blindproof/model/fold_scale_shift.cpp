#include <algorithm>
#include <cmath>
#include <limits>

#include "blindproof/model/float_graph.h"

namespace blindproof::model {
namespace {

bool all_finite(const std::vector<float>& values) {
  return std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
}

// weight[c][...] *= scale[c], bias[c] = scale[c]*bias[c] + shift[c]. False (and no change) if a result leaves the
// floats.
bool scale_rows(std::vector<float>& weight, std::vector<float>& bias, const float_op::ScaleShift& next) {
  const std::size_t rows = next.scale.size(), row_size = weight.size() / rows;
  std::vector<float> new_weight(weight.size()), new_bias(rows);
  for (std::size_t c = 0; c < rows; ++c) {
    const double scale = next.scale[c], old_bias = bias.empty() ? 0.0 : static_cast<double>(bias[c]);
    new_bias[c] = static_cast<float>(scale * old_bias + static_cast<double>(next.shift[c]));
    for (std::size_t i = c * row_size; i < (c + 1) * row_size; ++i) {
      new_weight[i] = static_cast<float>(scale * static_cast<double>(weight[i]));
    }
  }
  if (!all_finite(new_weight) || !all_finite(new_bias)) return false;
  weight = std::move(new_weight);
  bias = std::move(new_bias);
  return true;
}

bool is_uniform(const std::vector<float>& values) {
  return std::all_of(values.begin(), values.end(), [&](float value) { return value == values.front(); });
}

bool merge(FloatOp& before, const Shape& shape, float_op::ScaleShift next) {
  const bool uniform = is_uniform(next.scale) && is_uniform(next.shift);
  // A uniform one may be seen as belonging to any axis.
  auto matches = [&](std::size_t axis) {
    if (next.axis == axis) return true;
    if (!uniform) return false;
    next.scale.assign(shape[axis], next.scale.front());
    next.shift.assign(shape[axis], next.shift.front());
    return true;
  };
  if (auto* dense = std::get_if<float_op::Dense>(&before)) {
    return matches(shape.size() - 1) && scale_rows(dense->weight, dense->bias, next);
  }
  if (auto* conv = std::get_if<float_op::Conv2d>(&before)) {
    return matches(0) && scale_rows(conv->weight, conv->bias, next);
  }
  if (auto* first = std::get_if<float_op::ScaleShift>(&before)) {
    return matches(first->axis) && scale_rows(first->scale, first->shift, next);
  }
  return false;
}

}  // namespace

FloatGraph fold_scale_shift(FloatGraph graph) {
  constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();
  std::vector<std::size_t> readers(graph.shapes.size(), 0), writer(graph.shapes.size(), kNone);
  for (const FloatNode& node : graph.nodes) {
    for (TensorId id : node.inputs) ++readers[id];
  }
  FloatGraph folded;
  for (FloatNode& node : graph.nodes) {
    if (const auto* next = std::get_if<float_op::ScaleShift>(&node.op)) {
      const TensorId from = node.inputs[0];
      if (readers[from] == 1 && writer[from] != kNone &&
          merge(folded.nodes[writer[from]].op, graph.shapes[from], *next)) {
        folded.nodes[writer[from]].output = node.output;
        writer[node.output] = writer[from];
        continue;
      }
    }
    writer[node.output] = folded.nodes.size();
    folded.nodes.push_back(std::move(node));
  }

  std::vector<TensorId> renumbered(graph.shapes.size(), 0);
  auto keep = [&](TensorId old) {
    renumbered[old] = static_cast<TensorId>(folded.shapes.size());
    folded.shapes.push_back(std::move(graph.shapes[old]));
  };
  keep(graph.input);
  for (FloatNode& node : folded.nodes) {
    for (TensorId& id : node.inputs) id = renumbered[id];
    keep(node.output);
    node.output = renumbered[node.output];
  }
  folded.input = renumbered[graph.input];
  folded.output = renumbered[graph.output];
  return folded;
}

}  // namespace blindproof::model
