// Random integer graphs for tests: every operator, windows with stride, padding, dilation and groups.
#pragma once

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

#include "blindproof/model/integer_graph.h"

namespace blindproof::model {

class SampleGraph {
 public:
  SampleGraph(std::uint64_t seed, Arithmetic arithmetic, int weight_bits = 8)
      : random_(seed), weight_bits_(weight_bits) {
    graph_.architecture.arithmetic = arithmetic;
  }

  std::int64_t uniform(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
  }

  TensorId input(Shape shape, std::int64_t min, std::int64_t max) {
    a().input_min = min;
    a().input_max = max;
    a().input = tensor(std::move(shape));
    return a().input;
  }

  ParameterId parameter(ParameterRole role, Shape shape, int bits) {
    const ParameterInfo info{role, std::move(shape), bits};
    ParameterValues values = zero_values(info);
    std::visit(
        [&](auto& v) {
          using Value = typename std::decay_t<decltype(v)>::value_type;
          const Int128 cap = Int128{1} << 62;
          const auto low = static_cast<std::int64_t>(std::max(info.min(), -cap));
          const auto high = static_cast<std::int64_t>(std::min(info.max(), cap));
          for (Value& value : v) value = static_cast<Value>(uniform(low, high));
        },
        values);
    a().parameters.push_back(info);
    graph_.values.push_back(std::move(values));
    return static_cast<ParameterId>(a().parameters.size() - 1);
  }

  TensorId add_node(IntegerOp op, std::vector<TensorId> inputs, Shape shape) {
    const TensorId output = tensor(std::move(shape));
    a().nodes.push_back({std::move(op), std::move(inputs), output});
    return output;
  }

  std::optional<ParameterId> maybe_bias(std::size_t outputs) {
    constexpr int kBits[] = {1, 7, 16, 32};
    if (uniform(0, 2) == 0) return std::nullopt;
    return parameter(ParameterRole::kBias, {outputs}, kBits[uniform(0, 3)]);
  }

  TensorId dense(TensorId x, std::size_t outputs) {
    Shape shape = a().shapes[x];
    const ParameterId weight = parameter(ParameterRole::kWeight, {outputs, shape.back()}, weight_bits_);
    const std::optional<ParameterId> bias = maybe_bias(outputs);
    shape.back() = outputs;
    return add_node(integer_op::Dense{weight, bias}, {x}, shape);
  }

  TensorId conv(TensorId x, std::size_t outputs_per_group, std::size_t groups, const Window2d& window) {
    const Shape in = a().shapes[x];
    const std::size_t outputs = outputs_per_group * groups;
    const Shape weight_shape = {outputs, in[0] / groups, window.kernel[0], window.kernel[1]};
    const ParameterId weight = parameter(ParameterRole::kWeight, weight_shape, weight_bits_);
    const std::optional<ParameterId> bias = maybe_bias(outputs);
    return add_node(integer_op::Conv2d{weight, bias, window, groups}, {x}, windowed(in, outputs, window));
  }

  template <class Pool>
  TensorId pool(TensorId x, const Window2d& window) {
    const Shape in = a().shapes[x];
    return add_node(Pool{window}, {x}, windowed(in, in[0], window));
  }

  /// Back to 8 bits: a clamp with a multiplier for each channel, or a public factor.
  TensorId requantize(TensorId x) {
    const Shape shape = a().shapes[x];
    integer_op::Requantize op{};
    op.factor = 1;
    op.shift = static_cast<std::uint32_t>(uniform(0, 20));
    op.activation = integer_op::Requantize::Clamp{uniform(-128, 0), uniform(1, 255)};
    if (uniform(0, 1) == 0) {
      op.channel_axis = static_cast<std::uint32_t>(uniform(0, static_cast<std::int64_t>(shape.size()) - 1));
      op.multiplier = parameter(ParameterRole::kMultiplier, {shape[op.channel_axis]}, 8);
    } else {
      op.factor = uniform(-7, 7);
    }
    op.hi_min = -(std::int64_t{1} << 61);
    op.hi_max = std::int64_t{1} << 61;
    return add_node(op, {x}, shape);
  }

  /// Requires: values of x between -128 and 255.
  TensorId table(TensorId x) {
    Table table{-128, {}};
    for (int i = 0; i < 384; ++i) table.values.push_back(static_cast<std::int32_t>(uniform(-128, 255)));
    a().tables.push_back(std::move(table));
    return add_node(integer_op::Requantize{std::nullopt, 0, 1, 0, TableId(a().tables.size() - 1), -128, 255}, {x},
                    a().shapes[x]);
  }

  Window2d window(const Shape& in, bool padding) {
    Window2d w;
    do {
      for (std::size_t axis : {0u, 1u}) {
        w.kernel[axis] = static_cast<std::size_t>(uniform(1, 4));
        w.stride[axis] = static_cast<std::size_t>(uniform(1, 3));
        w.dilation[axis] = static_cast<std::size_t>(uniform(1, 2));
        w.pad_begin[axis] = padding ? static_cast<std::size_t>(uniform(0, 2)) : 0;
        w.pad_end[axis] = padding ? static_cast<std::size_t>(uniform(0, 2)) : 0;
      }
    } while (w.output_size(0, in[1]) == 0 || w.output_size(1, in[2]) == 0);
    return w;
  }

  /// Declares the output and fits hi_min and hi_max to what can happen.
  IntegerGraph finish(TensorId output) {
    a().output = output;
    if (auto ranges = requantized_ranges(graph_); ranges.ok()) {
      for (std::size_t i = 0; i < a().nodes.size(); ++i) {
        auto* op = std::get_if<integer_op::Requantize>(&a().nodes[i].op);
        if (op == nullptr || std::holds_alternative<TableId>(op->activation)) continue;
        op->hi_min = static_cast<std::int64_t>((*ranges)[i].min);
        op->hi_max = static_cast<std::int64_t>((*ranges)[i].max);
      }
    }
    return graph_;
  }

  Architecture& a() { return graph_.architecture; }

  std::vector<std::int64_t> random_input() {
    std::vector<std::int64_t> x(element_count(a().shapes[a().input]));
    for (std::int64_t& value : x) value = uniform(a().input_min, a().input_max);
    return x;
  }

 private:
  static Shape windowed(const Shape& in, std::size_t channels, const Window2d& window) {
    return {channels, window.output_size(0, in[1]), window.output_size(1, in[2])};
  }

  TensorId tensor(Shape shape) {
    a().shapes.push_back(std::move(shape));
    return static_cast<TensorId>(a().shapes.size() - 1);
  }

  std::mt19937_64 random_;
  int weight_bits_;
  IntegerGraph graph_;
};

/// A chain of random operators with branches that join again.
inline SampleGraph random_sample(std::uint64_t seed, Arithmetic arithmetic) {
  SampleGraph g(seed, arithmetic, seed % 3 == 0 ? 16 : 8);
  const bool rescaled = arithmetic == Arithmetic::kRescaled;
  const auto settle = [&](TensorId t) { return rescaled ? g.requantize(t) : t; };
  const auto size = [&](std::int64_t low, std::int64_t high) { return static_cast<std::size_t>(g.uniform(low, high)); };
  TensorId t = g.input({size(1, 4), size(3, 9), size(3, 9)}, g.uniform(-128, 0), g.uniform(1, 255));
  for (std::int64_t steps = g.uniform(1, 4); steps > 0; --steps) {
    const Shape shape = g.a().shapes[t];
    switch (g.uniform(0, rescaled ? 8 : 6)) {
      case 0:
      case 1: {
        const std::size_t groups = g.uniform(0, 1) == 0 ? 1 : shape[0];
        t = settle(g.conv(t, size(1, 3), groups, g.window(shape, true)));
        break;
      }
      case 2:
        t = settle(g.pool<integer_op::SumPool2d>(t, g.window(shape, false)));
        break;
      case 3: {  // a residual branch
        const TensorId branch = settle(g.conv(t, shape[0], 1, Window2d{}));
        t = settle(g.add_node(integer_op::Add{{g.uniform(-9, 9), g.uniform(-9, 9)}}, {t, branch}, shape));
        break;
      }
      case 4:
        t = settle(g.add_node(integer_op::Multiply{}, {t, t}, shape));
        break;
      case 5: {
        const TensorId branch = settle(g.conv(t, shape[0], 1, Window2d{}));
        t = settle(g.add_node(integer_op::Multiply{}, {branch, t}, shape));
        break;
      }
      case 6: {
        std::vector<std::size_t> order = {0, 1, 2};
        for (std::size_t i : {2u, 1u}) std::swap(order[i], order[size(0, static_cast<std::int64_t>(i))]);
        t = g.add_node(integer_op::Transpose{order}, {t}, {shape[order[0]], shape[order[1]], shape[order[2]]});
        break;
      }
      case 7:
        t = g.pool<integer_op::MaxPool2d>(t, g.window(shape, false));
        break;
      default:
        t = g.table(t);
    }
  }
  const std::size_t flat = element_count(g.a().shapes[t]);
  t = g.add_node(integer_op::Reshape{}, {t}, flat % 2 == 0 ? Shape{2, flat / 2} : Shape{flat});
  t = settle(g.dense(t, size(1, 5)));
  g.finish(t);
  return g;
}

}  // namespace blindproof::model
