#include "blindproof/model/float_graph.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "blindproof/model/overloaded.h"

namespace blindproof::model {
namespace {

using base::ErrorCode;
using base::Status;

class Validator {
 public:
  explicit Validator(const FloatGraph& graph) : graph_(graph) {}

  Status run() {
    BLINDPROOF_TRY(check_tensors());
    std::vector<char> written(graph_.shapes.size(), 0);
    written[graph_.input] = 1;
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      node_ = &graph_.nodes[i];
      place_ =
          "float graph: node " + std::to_string(i) + " '" + node_->name + "' (" + std::string(op_name(node_->op)) + ")";
      BLINDPROOF_TRY(check_wiring(written));
      BLINDPROOF_TRY(std::visit([&](const auto& op) { return check(op); }, node_->op));
      const bool finishing =
          std::holds_alternative<float_op::Softmax>(node_->op) || std::holds_alternative<float_op::ArgMax>(node_->op);
      if (finishing && i + 1 != graph_.nodes.size()) return wrong("is allowed only as the last node");
    }
    place_ = "float graph";
    for (std::size_t id = 0; id < written.size(); ++id) {
      if (!written[id]) return wrong("tensor " + std::to_string(id) + " is written by no node");
    }
    if (graph_.nodes.back().output != graph_.output) return wrong("the output is not what the last node writes");
    return {};
  }

 private:
  Status check_tensors() {
    if (graph_.nodes.empty()) return wrong("has no nodes");
    if (graph_.shapes.size() > kMaxTensors) return too_large(std::to_string(graph_.shapes.size()) + " tensors");
    if (graph_.input >= graph_.shapes.size()) return wrong("the input's tensor id is out of range");
    std::size_t total = 0;
    for (std::size_t id = 0; id < graph_.shapes.size(); ++id) {
      const Shape& shape = graph_.shapes[id];
      const std::string tensor = "tensor " + std::to_string(id);
      if (shape.size() > kMaxDimensions)
        return too_large(tensor + " has " + std::to_string(shape.size()) + " dimensions");
      const std::size_t count = element_count(shape);
      if (count == 0) return wrong(tensor + " is empty or too large: " + to_string(shape));
      total += count;
      if (total > kMaxTotalElements) return too_large("the tensors together have too many elements");
    }
    return {};
  }

  Status check_wiring(std::vector<char>& written) {
    if (node_->name.size() > kMaxNameSize) return too_large("the name's length");
    const bool binary = std::holds_alternative<float_op::Add>(node_->op) ||
                        std::holds_alternative<float_op::Subtract>(node_->op) ||
                        std::holds_alternative<float_op::Multiply>(node_->op);
    const std::size_t wanted = binary ? 2 : 1;
    if (node_->inputs.size() != wanted) {
      return wrong("has " + std::to_string(node_->inputs.size()) + " inputs instead of " + std::to_string(wanted));
    }
    for (TensorId id : node_->inputs) {
      if (id >= written.size() || !written[id])
        return wrong("reads tensor " + std::to_string(id) + " before it is written");
    }
    if (node_->output >= written.size()) return wrong("writes a tensor that doesn't exist");
    if (written[node_->output]) return wrong("writes tensor " + std::to_string(node_->output) + " a second time");
    written[node_->output] = 1;
    return {};
  }

  const Shape& in() const { return graph_.shapes[node_->inputs[0]]; }
  const Shape& out() const { return graph_.shapes[node_->output]; }

  Status check(const float_op::Dense& op) {
    if (in().empty() || in().back() != op.inputs)
      return wrong_shape("the last dimension is not the layer's number of inputs");
    Shape expected = in();
    expected.back() = op.outputs;
    BLINDPROOF_TRY(expect_output(expected));
    BLINDPROOF_TRY(check_weights(op.weight, {op.outputs, op.inputs}, op.bias, op.outputs));
    return count_products(element_count(out()), op.inputs);
  }

  Status check(const float_op::Conv2d& op) {
    BLINDPROOF_TRY(check_window(op.window));
    if (in().size() != 3 || in()[0] != op.inputs) return wrong_shape("an input of [channels,height,width] is needed");
    if (op.groups == 0 || op.groups > op.inputs || op.inputs % op.groups != 0 || op.outputs % op.groups != 0) {
      return wrong("the groups don't divide the channels");
    }
    BLINDPROOF_TRY(expect_output(windowed(op.outputs, op.window)));
    const Shape weight_shape = {op.outputs, op.inputs / op.groups, op.window.kernel[0], op.window.kernel[1]};
    BLINDPROOF_TRY(check_weights(op.weight, weight_shape, op.bias, op.outputs));
    return count_products(element_count(out()), op.weight.size() / op.outputs);
  }

  Status check(const float_op::ScaleShift& op) {
    if (op.axis >= in().size()) return wrong("the axis is out of range");
    if (op.scale.size() != in()[op.axis] || op.shift.size() != in()[op.axis]) {
      return wrong("scale or shift doesn't have one value for each index of the axis");
    }
    BLINDPROOF_TRY(check_finite(op.scale));
    BLINDPROOF_TRY(check_finite(op.shift));
    return expect_output(in());
  }

  Status check(const float_op::Clip& op) {
    if (std::isnan(op.low) || std::isnan(op.high) || op.low > op.high) return wrong("the bounds are not ordered");
    return expect_output(in());
  }

  Status check(const float_op::Relu&) { return expect_output(in()); }
  Status check(const float_op::Sigmoid&) { return expect_output(in()); }
  Status check(const float_op::Tanh&) { return expect_output(in()); }
  Status check(const float_op::Erf&) { return expect_output(in()); }
  Status check(const float_op::Add&) { return check_binary(); }
  Status check(const float_op::Subtract&) { return check_binary(); }
  Status check(const float_op::Multiply&) { return check_binary(); }
  Status check(const float_op::MaxPool2d& op) { return check_pool(op.window); }
  Status check(const float_op::AveragePool2d& op) { return check_pool(op.window); }

  Status check(const float_op::Reshape&) {
    if (element_count(in()) != element_count(out())) return wrong_shape("the number of elements changes");
    return {};
  }

  Status check(const float_op::Transpose& op) {
    if (op.permutation.size() != in().size()) return wrong("the permutation has the wrong length");
    std::vector<char> used(in().size(), 0);
    Shape expected;
    for (std::size_t axis : op.permutation) {
      if (axis >= in().size() || used[axis]) return wrong("not a permutation");
      used[axis] = 1;
      expected.push_back(in()[axis]);
    }
    return expect_output(expected);
  }

  Status check(const float_op::Softmax&) {
    if (in().empty()) return wrong_shape("there is no last axis");
    return expect_output(in());
  }

  Status check(const float_op::ArgMax&) {
    if (in().empty()) return wrong_shape("there is no last axis");
    Shape removed = in(), kept = in();
    removed.pop_back();
    kept.back() = 1;
    if (out() != removed && out() != kept) return wrong_shape("the last axis must be gone, or 1");
    return {};
  }

  Status check_binary() {
    if (in() != graph_.shapes[node_->inputs[1]]) {
      return wrong("the inputs' shapes differ: " + to_string(in()) + " and " +
                   to_string(graph_.shapes[node_->inputs[1]]));
    }
    return expect_output(in());
  }

  Status check_window(const Window2d& window) {
    for (std::size_t axis : {0u, 1u}) {
      for (std::size_t value : {window.kernel[axis], window.stride[axis], window.dilation[axis]}) {
        if (value == 0 || value > kMaxWindow) return wrong("a kernel size, stride or dilation is out of range");
      }
      for (std::size_t value : {window.pad_begin[axis], window.pad_end[axis]}) {
        if (value > kMaxWindow) return wrong("a padding is out of range");
      }
    }
    return {};
  }

  Status check_pool(const Window2d& window) {
    BLINDPROOF_TRY(check_window(window));
    if (in().size() != 3) return wrong_shape("an input of [channels,height,width] is needed");
    BLINDPROOF_TRY(expect_output(windowed(in()[0], window)));
    for (std::size_t axis : {0u, 1u}) {
      const std::size_t size = in()[axis + 1];
      for (std::size_t o = 0; o < out()[axis + 1]; ++o) {
        // The first cell of the window that isn't in the leading padding must lie inside.
        const std::size_t begin = o * window.stride[axis];
        const std::size_t skipped =
            begin >= window.pad_begin[axis]
                ? 0
                : (window.pad_begin[axis] - begin + window.dilation[axis] - 1) / window.dilation[axis];
        const std::size_t first = begin + skipped * window.dilation[axis];
        if (skipped >= window.kernel[axis] || first >= window.pad_begin[axis] + size) {
          return wrong("a window lies entirely in the padding");
        }
      }
    }
    return count_products(element_count(out()), window.kernel[0] * window.kernel[1]);
  }

  Shape windowed(std::size_t channels, const Window2d& window) const {
    return {channels, window.output_size(0, in()[1]), window.output_size(1, in()[2])};
  }

  Status expect_output(const Shape& expected) {
    if (out() != expected) return wrong_shape("the output should be " + to_string(expected));
    return {};
  }

  Status check_weights(const std::vector<float>& weight, const Shape& shape, const std::vector<float>& bias,
                       std::size_t outputs) {
    if (weight.empty() || weight.size() != element_count(shape)) {
      return wrong("there are " + std::to_string(weight.size()) + " weights for " + to_string(shape));
    }
    if (!bias.empty() && bias.size() != outputs) return wrong("there isn't one bias for each output");
    BLINDPROOF_TRY(check_finite(weight));
    return check_finite(bias);
  }

  Status check_finite(const std::vector<float>& values) {
    if (std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); })) return {};
    return wrong("a parameter is NaN or infinite");
  }

  Status count_products(std::uint64_t outputs, std::uint64_t per_output) {
    if (per_output > kMaxProducts / outputs || products_ + outputs * per_output > kMaxProducts) {
      return too_large("the number of multiplications for one sample");
    }
    products_ += outputs * per_output;
    return {};
  }

  Status wrong(std::string detail) const { return base::error(ErrorCode::kMalformed, place_, std::move(detail)); }
  Status wrong_shape(const std::string& detail) const {
    return wrong(detail + "; the node maps " + to_string(in()) + " to " + to_string(out()));
  }
  Status too_large(const std::string& what) const {
    return base::error(ErrorCode::kLimit, place_, what + " is above the limit");
  }

  const FloatGraph& graph_;
  const FloatNode* node_ = nullptr;
  std::string place_ = "float graph";
  std::uint64_t products_ = 0;
};

}  // namespace

std::string_view op_name(const FloatOp& op) {
  return std::visit(
      Overloaded{
          [](const float_op::Dense&) { return "Dense"; }, [](const float_op::Conv2d&) { return "Conv2d"; },
          [](const float_op::ScaleShift&) { return "ScaleShift"; }, [](const float_op::Relu&) { return "Relu"; },
          [](const float_op::Clip&) { return "Clip"; }, [](const float_op::Sigmoid&) { return "Sigmoid"; },
          [](const float_op::Tanh&) { return "Tanh"; }, [](const float_op::Add&) { return "Add"; },
          [](const float_op::Subtract&) { return "Subtract"; }, [](const float_op::Multiply&) { return "Multiply"; },
          [](const float_op::MaxPool2d&) { return "MaxPool2d"; },
          [](const float_op::AveragePool2d&) { return "AveragePool2d"; },
          [](const float_op::Reshape&) { return "Reshape"; }, [](const float_op::Transpose&) { return "Transpose"; },
          [](const float_op::Softmax&) { return "Softmax"; }, [](const float_op::ArgMax&) { return "ArgMax"; },
          [](const float_op::Erf&) { return "Erf"; }},
      op);
}

base::Status validate(const FloatGraph& graph) { return Validator(graph).run(); }

}  // namespace blindproof::model
