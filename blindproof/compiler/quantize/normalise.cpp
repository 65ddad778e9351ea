#include "blindproof/compiler/quantize/normalise.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

namespace blindproof::compiler {
namespace {

using model::FloatGraph;
using model::FloatNode;
using model::FloatOp;
using model::Shape;
using model::TensorId;
namespace op = model::float_op;

constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

template <class Op>
bool is(const FloatOp& node) {
  return std::holds_alternative<Op>(node);
}

bool all_finite(const std::vector<float>& values) {
  return std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
}

bool is_uniform(const std::vector<float>& values) {
  return std::all_of(values.begin(), values.end(), [&](float value) { return value == values.front(); });
}

bool is_zero(const std::vector<float>& values) {
  return std::all_of(values.begin(), values.end(), [](float value) { return value == 0; });
}

class Normaliser {
 public:
  explicit Normaliser(FloatGraph graph) : g_(std::move(graph)) {}

  base::Result<NormalisedGraph> run() {
    NormalisedGraph result;
    FloatNode& last = g_.nodes.back();
    if (is<op::Softmax>(last.op) || is<op::ArgMax>(last.op)) {
      result.finish = is<op::Softmax>(last.op) ? model::Finish::kSoftmax : model::Finish::kArgMax;
      g_.output = last.inputs[0];
      g_.nodes.pop_back();
    }
    result.scores = g_.output;
    drop_unused();
    if (g_.nodes.empty()) {
      return base::error(base::ErrorCode::kUnsupported, "quantize", "the model computes nothing before its last node");
    }
    g_ = model::fold_scale_shift(std::move(g_));
    while (fold_forward()) {
    }
    realise_scale_shifts();
    while (hoist_activation()) {
    }
    renumber();
    result.graph = std::move(g_);
    return result;
  }

 private:
  void drop_unused() {
    std::vector<char> needed(g_.shapes.size(), 0);
    needed[g_.output] = 1;
    std::vector<FloatNode> kept;
    for (std::size_t i = g_.nodes.size(); i-- > 0;) {
      if (!needed[g_.nodes[i].output]) continue;
      for (TensorId id : g_.nodes[i].inputs) needed[id] = 1;
      kept.push_back(std::move(g_.nodes[i]));
    }
    std::reverse(kept.begin(), kept.end());
    g_.nodes = std::move(kept);
    renumber();
  }

  // The input first, then the nodes' outputs in order.
  void renumber() {
    std::vector<TensorId> renumbered(g_.shapes.size(), 0);
    std::vector<Shape> shapes;
    const auto keep = [&](TensorId old) {
      renumbered[old] = static_cast<TensorId>(shapes.size());
      shapes.push_back(g_.shapes[old]);
    };
    keep(g_.input);
    for (FloatNode& node : g_.nodes) {
      for (TensorId& id : node.inputs) id = renumbered[id];
      keep(node.output);
      node.output = renumbered[node.output];
    }
    g_.input = renumbered[g_.input];
    g_.output = renumbered[g_.output];
    g_.shapes = std::move(shapes);
  }

  std::vector<std::size_t> writers() const {
    std::vector<std::size_t> writer(g_.shapes.size(), kNone);
    for (std::size_t i = 0; i < g_.nodes.size(); ++i) writer[g_.nodes[i].output] = i;
    return writer;
  }

  std::size_t only_reader(TensorId id, const std::vector<std::size_t>& readers) const {
    if (readers[id] != 1 || id == g_.output) return kNone;
    for (std::size_t i = 0; i < g_.nodes.size(); ++i) {
      if (std::count(g_.nodes[i].inputs.begin(), g_.nodes[i].inputs.end(), id) != 0) return i;
    }
    return kNone;
  }

  // Merges one ScaleShift into the only Dense or Conv2d that reads it, also through a Reshape.
  bool fold_forward() {
    const std::vector<std::size_t> readers = count_readers(g_);
    for (std::size_t i = 0; i < g_.nodes.size(); ++i) {
      if (!is<op::ScaleShift>(g_.nodes[i].op)) continue;
      std::size_t reader = only_reader(g_.nodes[i].output, readers);
      if (reader == kNone) continue;
      FloatNode* first = &g_.nodes[reader];
      FloatNode* linear = first;
      if (is<op::Reshape>(first->op)) {
        reader = only_reader(first->output, readers);
        if (reader == kNone || !is<op::Dense>(g_.nodes[reader].op)) continue;
        linear = &g_.nodes[reader];
      }
      const auto& scale_shift = std::get<op::ScaleShift>(g_.nodes[i].op);
      const Shape& shape = g_.shapes[g_.nodes[i].output];
      bool merged = false;
      if (auto* dense = std::get_if<op::Dense>(&linear->op)) merged = merge(scale_shift, shape, *dense);
      if (auto* conv = std::get_if<op::Conv2d>(&linear->op)) merged = merge(scale_shift, *conv);
      if (!merged) continue;
      first->inputs[0] = g_.nodes[i].inputs[0];
      g_.nodes.erase(g_.nodes.begin() + static_cast<std::ptrdiff_t>(i));
      return true;
    }
    return false;
  }

  // The factor and summand of each of the layer's inputs, if they are the same in each row of `inputs` elements.
  static bool merge(const op::ScaleShift& before, const Shape& shape, op::Dense& dense) {
    std::size_t inner = 1;
    for (std::size_t axis = before.axis + 1; axis < shape.size(); ++axis) inner *= shape[axis];
    const auto channel = [&](std::size_t element) { return element / inner % shape[before.axis]; };
    const std::size_t count = model::element_count(shape);
    for (std::size_t e = dense.inputs; e < count; ++e) {
      const std::size_t here = channel(e), above = channel(e % dense.inputs);
      if (before.scale[here] != before.scale[above] || before.shift[here] != before.shift[above]) return false;
    }
    return merge_columns(dense.weight, dense.bias, dense.outputs, [&](std::size_t, std::size_t column) {
      return std::pair{before.scale[channel(column)], before.shift[channel(column)]};
    });
  }

  bool merge(const op::ScaleShift& before, op::Conv2d& conv) const {
    const op::ScaleShift* source = &before;
    op::ScaleShift by_channel;
    if (before.axis != 0) {
      if (!is_uniform(before.scale) || !is_uniform(before.shift)) return false;
      by_channel = {0, std::vector<float>(conv.inputs, before.scale[0]),
                    std::vector<float>(conv.inputs, before.shift[0])};
      source = &by_channel;
    }
    const model::Window2d& w = conv.window;
    const bool padded = w.pad_begin[0] + w.pad_begin[1] + w.pad_end[0] + w.pad_end[1] != 0;
    if (padded && !is_zero(source->shift)) return false;  // padding is 0 after the shift, not before it
    const std::size_t kernel = w.kernel[0] * w.kernel[1];
    const std::size_t group_inputs = conv.inputs / conv.groups, group_outputs = conv.outputs / conv.groups;
    return merge_columns(conv.weight, conv.bias, conv.outputs, [&](std::size_t row, std::size_t column) {
      const std::size_t channel = row / group_outputs * group_inputs + column / kernel;
      return std::pair{source->scale[channel], source->shift[channel]};
    });
  }

  template <class ScaleAndShift>
  static bool merge_columns(std::vector<float>& weight, std::vector<float>& bias, std::size_t rows, ScaleAndShift of) {
    const std::size_t columns = weight.size() / rows;
    std::vector<float> new_weight(weight.size()), new_bias(rows);
    for (std::size_t row = 0; row < rows; ++row) {
      double sum = bias.empty() ? 0.0 : static_cast<double>(bias[row]);
      for (std::size_t column = 0; column < columns; ++column) {
        const auto [scale, shift] = of(row, column);
        const double value = static_cast<double>(weight[row * columns + column]);
        new_weight[row * columns + column] = static_cast<float>(value * static_cast<double>(scale));
        sum += value * static_cast<double>(shift);
      }
      new_bias[row] = static_cast<float>(sum);
    }
    if (!all_finite(new_weight) || !all_finite(new_bias)) return false;
    weight = std::move(new_weight);
    if (!bias.empty() || !is_zero(new_bias)) bias = std::move(new_bias);
    return true;
  }

  TensorId add_tensor(Shape shape) {
    g_.shapes.push_back(std::move(shape));
    return static_cast<TensorId>(g_.shapes.size() - 1);
  }

  void realise_scale_shifts() {
    std::vector<FloatNode> nodes;
    for (FloatNode& node : g_.nodes) {
      const auto* scale_shift = std::get_if<op::ScaleShift>(&node.op);
      const bool factor = scale_shift != nullptr && is_uniform(scale_shift->scale) && scale_shift->scale[0] > 0 &&
                          is_zero(scale_shift->shift);
      if (scale_shift == nullptr || factor) {
        nodes.push_back(std::move(node));
      } else {
        append_depthwise(nodes, node, *scale_shift);
      }
    }
    g_.nodes = std::move(nodes);
  }

  // Brings the axis to the front, folds the others into one, and back after the convolution.
  void append_depthwise(std::vector<FloatNode>& nodes, const FloatNode& node, const op::ScaleShift& scale_shift) {
    const Shape shape = g_.shapes[node.output];
    const std::size_t channels = shape[scale_shift.axis];
    TensorId at = node.inputs[0];
    const auto append = [&](FloatOp what, Shape out) {
      const TensorId next = add_tensor(std::move(out));
      nodes.push_back({std::move(what), {at}, next, node.name});
      at = next;
    };
    op::Transpose there, back;
    there.permutation.push_back(scale_shift.axis);
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
      if (axis != scale_shift.axis) there.permutation.push_back(axis);
    }
    back.permutation.resize(shape.size());
    Shape moved;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      back.permutation[there.permutation[i]] = i;
      moved.push_back(shape[there.permutation[i]]);
    }
    const bool direct = shape.size() == 3 && scale_shift.axis == 0;
    const bool transposed = scale_shift.axis != 0 && channels != model::element_count(shape);
    const Shape image = direct ? shape : Shape{channels, model::element_count(shape) / channels, 1};
    if (transposed) append(there, moved);
    if (!direct) append(op::Reshape{}, image);
    append(op::Conv2d{channels, channels, channels, model::Window2d{}, scale_shift.scale, scale_shift.shift}, image);
    if (transposed) append(op::Reshape{}, moved);
    if (transposed) {
      append(back, shape);
    } else if (!direct) {
      append(op::Reshape{}, shape);
    }
    nodes.back().output = node.output;
  }

  // Moves one activation up to the linear node behind the Reshape, Transpose or MaxPool2d nodes before it: all of them
  // commute, because activations are element by element and none of them decreases.
  bool hoist_activation() {
    const std::vector<std::size_t> readers = count_readers(g_), writer = writers();
    for (std::size_t i = 0; i < g_.nodes.size(); ++i) {
      if (!is_activation(g_.nodes[i].op)) continue;
      std::size_t top = kNone;  // the first node of the chain that moves below the activation
      TensorId id = g_.nodes[i].inputs[0];
      bool linear = false;
      while (readers[id] == 1 && writer[id] != kNone && !linear) {
        const FloatNode& before = g_.nodes[writer[id]];
        if (is_linear(before.op)) {
          linear = true;
        } else if (is<op::Reshape>(before.op) || is<op::Transpose>(before.op) || is<op::MaxPool2d>(before.op)) {
          top = writer[id];
          id = before.inputs[0];
        } else {
          break;
        }
      }
      if (!linear || top == kNone) continue;
      // a -> [top ... bottom] -> activation -> z   becomes   a -> activation -> [top ... bottom] -> z
      FloatNode activation = std::move(g_.nodes[i]);
      const TensorId z = activation.output;
      g_.nodes[writer[activation.inputs[0]]].output = z;
      activation.inputs[0] = id;
      activation.output = add_tensor(g_.shapes[id]);
      g_.nodes[top].inputs[0] = activation.output;
      g_.nodes.erase(g_.nodes.begin() + static_cast<std::ptrdiff_t>(i));
      g_.nodes.insert(g_.nodes.begin() + static_cast<std::ptrdiff_t>(top), std::move(activation));
      return true;
    }
    return false;
  }

  FloatGraph g_;
};

}  // namespace

bool is_activation(const FloatOp& node) {
  return is<op::Relu>(node) || is<op::Clip>(node) || is<op::Sigmoid>(node) || is<op::Tanh>(node) ||
         is<op::Erf>(node);
}

bool is_linear(const FloatOp& node) {
  return is<op::Dense>(node) || is<op::Conv2d>(node) || is<op::AveragePool2d>(node) || is<op::Add>(node) ||
         is<op::Subtract>(node) || is<op::Multiply>(node);
}

std::vector<std::size_t> count_readers(const FloatGraph& graph) {
  std::vector<std::size_t> readers(graph.shapes.size(), 0);
  ++readers[graph.output];
  for (const FloatNode& node : graph.nodes) {
    for (TensorId id : node.inputs) ++readers[id];
  }
  return readers;
}

base::Result<NormalisedGraph> normalise(const FloatGraph& graph) { return Normaliser(graph).run(); }

}  // namespace blindproof::compiler
