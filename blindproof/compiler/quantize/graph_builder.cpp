#include "blindproof/compiler/quantize/graph_builder.h"

#include <algorithm>
#include <cmath>

#include "blindproof/compiler/quantize/rounding.h"

namespace blindproof::compiler {

using model::TensorId;

void GraphBuilder::set_input(const model::Shape& shape, const MagnitudeHistogram& histogram, double bound, int bits,
                             bool power_of_two) {
  model::Architecture& a = architecture();
  a.shapes.push_back(shape);
  a.input = 0;
  const bool is_unsigned = histogram.nonnegative();
  a.input_min = is_unsigned ? 0 : -(std::int64_t{1} << (bits - 1));
  a.input_max = (std::int64_t{1} << (is_unsigned ? bits : bits - 1)) - 1;
  const double range = bound > 0 ? bound : 1, levels = static_cast<double>(a.input_max);
  a.input_scale = power_of_two ? power_of_two_at_least(range / levels) : two_digits_at_least(range) / levels;
}

void GraphBuilder::begin_layer(const model::FloatNode& node, std::string_view op) {
  lowered_.layers.push_back({node.name, std::string(op), 0, 0});
}

TensorId GraphBuilder::append(model::IntegerOp op, std::vector<TensorId> inputs, model::Shape shape) {
  const std::size_t elements = model::element_count(shape);
  if (std::holds_alternative<model::integer_op::Requantize>(op)) lowered_.layers.back().lookups += elements;
  if (const auto* pool = std::get_if<model::integer_op::MaxPool2d>(&op)) {
    lowered_.layers.back().lookups += elements * pool->window.kernel[0] * pool->window.kernel[1];
  }
  model::Architecture& a = architecture();
  a.shapes.push_back(std::move(shape));
  const auto output = static_cast<TensorId>(a.shapes.size() - 1);
  a.nodes.push_back({std::move(op), std::move(inputs), output});
  a.output = output;
  return output;
}

std::string describe(const model::FloatNode& node) {
  return "node '" + node.name + "' (" + std::string(model::op_name(node.op)) + ")";
}

bool averages_unevenly(const model::float_op::AveragePool2d& op, const model::Shape& in, const model::Shape& out) {
  if (op.count_padding) return false;
  const model::Window2d& w = op.window;
  for (std::size_t axis : {0u, 1u}) {
    const std::size_t last = (out[axis + 1] - 1) * w.stride[axis] + (w.kernel[axis] - 1) * w.dilation[axis];
    if (w.pad_begin[axis] > 0 || last >= w.pad_begin[axis] + in[axis + 1]) return true;
  }
  return false;
}

base::Error uneven_average(const model::FloatNode& node) {
  return base::error(
      base::ErrorCode::kUnsupported, describe(node),
      "an average that leaves out the padding divides by different numbers at the border; export the model "
      "with count_include_pad=True or without padding");
}

double weight_scale(std::span<const float> weights, int bits) {
  constexpr int kFewBits = 6;
  const double levels = static_cast<double>((1 << (bits - 1)) - 1);
  double largest = 0;
  for (float weight : weights) largest = std::max(largest, std::fabs(static_cast<double>(weight)));
  if (largest == 0 || bits > kFewBits) return largest / levels;
  double best = largest / levels, best_error = INFINITY;
  for (double share = 1; share > 0.3; share -= 0.05) {
    const double scale = largest * share / levels;
    double error = 0;
    for (float weight : weights) {
      const double value = static_cast<double>(weight);
      const double difference = value - scale * std::clamp(std::round(value / scale), -levels, levels);
      error += difference * difference;
    }
    if (error < best_error) {
      best_error = error;
      best = scale;
    }
  }
  return best;
}

}  // namespace blindproof::compiler
