#include "blindproof/testing/graphs.h"

#include <bit>
#include <cstdio>
#include <cstdlib>

namespace blindproof::testing {

namespace op = model::integer_op;
using model::Int128;
using model::ParameterRole;
using model::Shape;

model::Window2d window(std::size_t kernel, std::size_t stride, std::size_t pad, std::size_t dilation) {
  model::Window2d w;
  for (int a : {0, 1}) {
    w.kernel[a] = kernel;
    w.stride[a] = stride;
    w.dilation[a] = dilation;
    w.pad_begin[a] = w.pad_end[a] = pad;
  }
  return w;
}

TensorId GraphBuilder::tensor(Shape shape) {
  graph_.architecture.shapes.push_back(std::move(shape));
  return static_cast<TensorId>(graph_.architecture.shapes.size() - 1);
}

model::ParameterId GraphBuilder::parameter(ParameterRole role, Shape shape, int bits) {
  const model::ParameterInfo info{role, shape, bits};
  model::ParameterValues values = model::zero_values(info);
  std::visit(
      [&](auto& v) {
        using Int = std::remove_cvref_t<decltype(v[0])>;
        const auto span = static_cast<base::Uint128>(info.max() - info.min()) + 1;
        for (auto& x : v) {
          const auto wide = static_cast<base::Uint128>(random_()) << 64 | random_();
          x = static_cast<Int>(info.min() + static_cast<Int128>(wide % span));
          if (role == ParameterRole::kMultiplier && x == 0) x = 1;
        }
        // Both ends of the range occur.
        if (v.size() > 2) {
          v[0] = static_cast<Int>(info.min());
          v[1] = static_cast<Int>(info.max());
        }
      },
      values);
  graph_.architecture.parameters.push_back(info);
  graph_.values.push_back(std::move(values));
  return static_cast<model::ParameterId>(graph_.values.size() - 1);
}

TensorId GraphBuilder::node(model::IntegerOp op, std::vector<TensorId> inputs, Shape shape) {
  const TensorId out = tensor(std::move(shape));
  graph_.architecture.nodes.push_back({std::move(op), std::move(inputs), out});
  return out;
}

TensorId GraphBuilder::input(Shape shape, std::int64_t min, std::int64_t max) {
  graph_.architecture.input = tensor(std::move(shape));
  graph_.architecture.input_min = min;
  graph_.architecture.input_max = max;
  return graph_.architecture.input;
}

TensorId GraphBuilder::dense(TensorId x, std::size_t outputs, int weight_bits, int bias_bits) {
  Shape shape = graph_.architecture.shapes[x];
  op::Dense dense;
  dense.weight = parameter(ParameterRole::kWeight, {outputs, shape.back()}, weight_bits);
  if (bias_bits > 0) dense.bias = parameter(ParameterRole::kBias, {outputs}, bias_bits);
  shape.back() = outputs;
  return node(dense, {x}, shape);
}

Shape GraphBuilder::pooled(TensorId x, const model::Window2d& w, std::size_t channels) const {
  const Shape& in = graph_.architecture.shapes[x];
  return {channels, w.output_size(0, in[1]), w.output_size(1, in[2])};
}

TensorId GraphBuilder::conv(TensorId x, std::size_t outputs, model::Window2d w, std::size_t groups, int weight_bits, int bias_bits) {
  const std::size_t channels = graph_.architecture.shapes[x][0];
  op::Conv2d conv;
  conv.weight = parameter(ParameterRole::kWeight, {outputs, channels / groups, w.kernel[0], w.kernel[1]}, weight_bits);
  if (bias_bits > 0) conv.bias = parameter(ParameterRole::kBias, {outputs}, bias_bits);
  conv.window = w;
  conv.groups = groups;
  return node(conv, {x}, pooled(x, w, outputs));
}

TensorId GraphBuilder::sum_pool(TensorId x, model::Window2d w) {
  return node(op::SumPool2d{w}, {x}, pooled(x, w, graph_.architecture.shapes[x][0]));
}

TensorId GraphBuilder::max_pool(TensorId x, model::Window2d w) {
  return node(op::MaxPool2d{w}, {x}, pooled(x, w, graph_.architecture.shapes[x][0]));
}

TensorId GraphBuilder::add(TensorId a, TensorId b, std::int64_t factor_a, std::int64_t factor_b) {
  return node(op::Add{{factor_a, factor_b}}, {a, b}, graph_.architecture.shapes[a]);
}

TensorId GraphBuilder::multiply(TensorId a, TensorId b) { return node(op::Multiply{}, {a, b}, graph_.architecture.shapes[a]); }

TensorId GraphBuilder::requantize(TensorId x, std::uint32_t shift, std::int64_t low, std::int64_t high, int multiplier_bits,
                                  std::int64_t factor) {
  const Shape& shape = graph_.architecture.shapes[x];
  op::Requantize r{std::nullopt, 0, factor, shift, op::Requantize::Clamp{low, high}, -(std::int64_t{1} << 40), std::int64_t{1} << 40};
  if (multiplier_bits > 0) {
    r.channel_axis = shape.size() == 3 ? 0 : static_cast<std::uint32_t>(shape.size() - 1);
    r.multiplier = parameter(ParameterRole::kMultiplier, {shape[r.channel_axis]}, multiplier_bits);
    r.factor = 1;
  }
  return node(r, {x}, shape);
}

TensorId GraphBuilder::table(TensorId x, std::uint32_t shift, int bits, std::int32_t low, std::int32_t high) {
  const std::int64_t half = std::int64_t{1} << (bits - 1);
  model::Table table{-half, {}};
  for (std::int64_t i = -half; i < half; ++i)
    table.values.push_back(low + static_cast<std::int32_t>(random_() % static_cast<std::uint64_t>(high - low + 1)));
  graph_.architecture.tables.push_back(std::move(table));
  const op::Requantize r{std::nullopt, 0, 1, shift, static_cast<model::TableId>(graph_.architecture.tables.size() - 1), -half, half - 1};
  return node(r, {x}, graph_.architecture.shapes[x]);
}

TensorId GraphBuilder::reshape(TensorId x, Shape shape) { return node(op::Reshape{}, {x}, std::move(shape)); }

TensorId GraphBuilder::transpose(TensorId x, std::vector<std::size_t> permutation) {
  Shape shape;
  for (std::size_t axis : permutation) shape.push_back(graph_.architecture.shapes[x][axis]);
  return node(op::Transpose{std::move(permutation)}, {x}, shape);
}

model::IntegerGraph GraphBuilder::finish(TensorId output) {
  graph_.architecture.output = output;
  auto fail = [](const base::Error& error) {
    std::fprintf(stderr, "GraphBuilder: %s\n", error.message().c_str());
    std::abort();
  };
  const auto ranges = model::requantized_ranges(graph_);
  if (!ranges.ok()) fail(ranges.error());
  for (std::size_t i = 0; i < graph_.architecture.nodes.size(); ++i) {
    auto* r = std::get_if<op::Requantize>(&graph_.architecture.nodes[i].op);
    if (r == nullptr || !std::holds_alternative<op::Requantize::Clamp>(r->activation)) continue;
    const auto magnitude = static_cast<std::uint64_t>(std::max<Int128>(1, std::max<Int128>(-(*ranges)[i].min, (*ranges)[i].max + 1)));
    r->hi_max = static_cast<std::int64_t>(std::bit_ceil(magnitude)) - 1;
    r->hi_min = -r->hi_max - 1;
  }
  const base::Status status = model::validate(graph_);
  if (!status.ok()) fail(status.error());
  return graph_;
}

std::vector<std::int64_t> GraphBuilder::random_input(const model::IntegerGraph& graph) {
  const model::Architecture& arch = graph.architecture;
  std::vector<std::int64_t> values(model::element_count(arch.shapes[arch.input]));
  for (auto& v : values)
    v = arch.input_min + static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(arch.input_max - arch.input_min + 1));
  return values;
}

}  // namespace blindproof::testing
