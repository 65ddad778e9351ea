#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "blindproof/model/deterministic_math.h"
#include "blindproof/model/integer_graph.h"
#include "blindproof/model/integer_graph_samples.h"
#include "blindproof/model/overloaded.h"

namespace blindproof::model {
namespace {

using Tensors = std::vector<std::vector<Int128>>;

// The definitions of integer_graph.h, one coordinate at a time.
class NaiveInterpreter {
 public:
  explicit NaiveInterpreter(const IntegerGraph& graph) : g_(graph), a_(graph.architecture) {}

  Tensors run(const std::vector<std::int64_t>& input) {
    tensors_.assign(a_.shapes.size(), {});
    tensors_[a_.input].assign(input.begin(), input.end());
    for (const IntegerNode& node : a_.nodes) {
      const Shape &in = a_.shapes[node.inputs[0]], &out = a_.shapes[node.output];
      const std::vector<Int128>&x = tensors_[node.inputs[0]], &second = tensors_[node.inputs.back()];
      std::vector<Int128> y(element_count(out));
      for (std::size_t i = 0; i < y.size(); ++i) {
        const std::vector<std::size_t> at = coordinates(i, out);
        y[i] = std::visit(
            Overloaded{[&](const integer_op::Dense& op) {
                         const std::size_t inputs = in.back();
                         Int128 sum = op.bias ? value(*op.bias, at.back()) : 0;
                         for (std::size_t k = 0; k < inputs; ++k) {
                           sum += value(op.weight, at.back() * inputs + k) * x[i / out.back() * inputs + k];
                         }
                         return sum;
                       },
                       [&](const integer_op::Conv2d& op) {
                         const std::size_t per_group = in[0] / op.groups,
                                           first = at[0] / (out[0] / op.groups) * per_group;
                         Int128 sum = op.bias ? value(*op.bias, at[0]) : 0;
                         each_cell(op.window, in, at, [&](std::size_t cell, std::size_t y0, std::size_t x0) {
                           for (std::size_t c = 0; c < per_group; ++c) {
                             const std::size_t kernel = op.window.kernel[0] * op.window.kernel[1];
                             sum += value(op.weight, (at[0] * per_group + c) * kernel + cell) *
                                    x[((first + c) * in[1] + y0) * in[2] + x0];
                           }
                         });
                         return sum;
                       },
                       [&](const integer_op::SumPool2d& op) {
                         Int128 sum = 0;
                         each_cell(op.window, in, at, [&](std::size_t, std::size_t y0, std::size_t x0) {
                           sum += x[(at[0] * in[1] + y0) * in[2] + x0];
                         });
                         return sum;
                       },
                       [&](const integer_op::MaxPool2d& op) {
                         Int128 best = -(Int128{1} << 100);
                         each_cell(op.window, in, at, [&](std::size_t, std::size_t y0, std::size_t x0) {
                           best = std::max(best, x[(at[0] * in[1] + y0) * in[2] + x0]);
                         });
                         return best;
                       },
                       [&](const integer_op::Add& op) { return op.factor[0] * x[i] + op.factor[1] * second[i]; },
                       [&](const integer_op::Multiply&) { return x[i] * second[i]; },
                       [&](const integer_op::Requantize& op) {
                         const Int128 m =
                             op.multiplier ? value(*op.multiplier, at[op.channel_axis]) : Int128{op.factor};
                         const Int128 power = Int128{1} << op.shift;
                         const Int128 t = x[i] * m + (op.shift > 0 ? power / 2 : 0);
                         const Int128 hi = t / power - (t % power < 0 ? 1 : 0);
                         EXPECT_GE(hi, op.hi_min);
                         EXPECT_LE(hi, op.hi_max);
                         if (const auto* id = std::get_if<TableId>(&op.activation)) {
                           return Int128{a_.tables[*id].values[static_cast<std::size_t>(hi - a_.tables[*id].first)]};
                         }
                         const auto& clamp = std::get<integer_op::Requantize::Clamp>(op.activation);
                         return std::min<Int128>(std::max<Int128>(hi, clamp.low), clamp.high);
                       },
                       [&](const integer_op::Reshape&) { return x[i]; },
                       [&](const integer_op::Transpose& op) {
                         std::vector<std::size_t> source(at.size());
                         for (std::size_t axis = 0; axis < at.size(); ++axis) source[op.permutation[axis]] = at[axis];
                         std::size_t index = 0;
                         for (std::size_t axis = 0; axis < at.size(); ++axis) index = index * in[axis] + source[axis];
                         return x[index];
                       }},
            node.op);
      }
      tensors_[node.output] = std::move(y);
    }
    return tensors_;
  }

 private:
  Int128 value(ParameterId id, std::size_t index) const { return value_at(g_.values[id], index); }

  static std::vector<std::size_t> coordinates(std::size_t index, const Shape& shape) {
    std::vector<std::size_t> at(shape.size());
    for (std::size_t axis = shape.size(); axis-- > 0; index /= shape[axis]) at[axis] = index % shape[axis];
    return at;
  }

  template <class Visit>
  static void each_cell(const Window2d& w, const Shape& in, const std::vector<std::size_t>& at, Visit visit) {
    for (std::size_t ky = 0; ky < w.kernel[0]; ++ky) {
      for (std::size_t kx = 0; kx < w.kernel[1]; ++kx) {
        const auto y = static_cast<std::int64_t>(at[1] * w.stride[0] + ky * w.dilation[0]) -
                       static_cast<std::int64_t>(w.pad_begin[0]);
        const auto x = static_cast<std::int64_t>(at[2] * w.stride[1] + kx * w.dilation[1]) -
                       static_cast<std::int64_t>(w.pad_begin[1]);
        if (y < 0 || x < 0 || y >= static_cast<std::int64_t>(in[1]) || x >= static_cast<std::int64_t>(in[2])) continue;
        visit(ky * w.kernel[1] + kx, static_cast<std::size_t>(y), static_cast<std::size_t>(x));
      }
    }
  }

  const IntegerGraph& g_;
  const Architecture& a_;
  Tensors tensors_;
};

template <class Value>
Tensors widened(const IntegerTrace<Value>& trace) {
  Tensors out;
  for (const auto& tensor : trace.tensors) out.emplace_back(tensor.begin(), tensor.end());
  return out;
}

TEST(IntegerRun, RescaledGraphsFollowTheDefinitions) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SampleGraph sample = random_sample(seed, Arithmetic::kRescaled);
    const IntegerGraph graph = sample.finish(sample.a().nodes.back().output);
    ASSERT_TRUE(validate(graph).ok()) << seed << " " << validate(graph).error().message();
    const std::vector<std::int64_t> input = sample.random_input();
    const Tensors naive = NaiveInterpreter(graph).run(input);
    ASSERT_EQ(widened(run_rescaled(graph, input)), naive) << "seed " << seed;
    EXPECT_EQ(run_integer(graph, input), naive[graph.architecture.output]);
  }
}

TEST(IntegerRun, ExactGraphsFollowTheDefinitions) {
  int compared = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SampleGraph sample = random_sample(seed, Arithmetic::kExact);
    const IntegerGraph graph = sample.finish(sample.a().nodes.back().output);
    if (const base::Status valid = validate(graph); !valid.ok()) {
      ASSERT_EQ(valid.error().code, base::ErrorCode::kLimit) << valid.error().message();
      continue;
    }
    const std::vector<std::int64_t> input = sample.random_input();
    const Tensors naive = NaiveInterpreter(graph).run(input);
    ASSERT_EQ(widened(run_exact(graph, input)), naive) << "seed " << seed;
    EXPECT_EQ(run_integer(graph, input), naive[graph.architecture.output]);
    ++compared;
  }
  EXPECT_GT(compared, 200);
}

TEST(IntegerRun, EveryWidthOfWeightsAndInputsGivesTheSameSums) {
  // Around the borders between 16-bit, 64-bit and wider dot products, with all terms at their extremes.
  for (std::size_t terms : {1u, 15u, 16u, 17u, 63u, 64u, 65u, 1000u, 70000u}) {
    for (int weight_bits : {1, 2, 8, 9, 16}) {
      for (std::int64_t high : {1, 127, 255, 32767, 32768, 65535}) {
        SampleGraph sample(terms, Arithmetic::kExact, weight_bits);
        const TensorId x = sample.input({terms, 1, 1}, 0, high);
        const TensorId flat = sample.add_node(integer_op::Reshape{}, {x}, {terms});
        const TensorId dense = sample.dense(flat, 2);
        IntegerGraph graph = sample.finish(dense);
        std::visit(
            [&](auto& weight) {
              using Weight = typename std::decay_t<decltype(weight)>::value_type;
              std::fill(weight.begin(), weight.end(), static_cast<Weight>(-(1 << (weight_bits - 1))));
            },
            graph.values[0]);
        ASSERT_TRUE(validate(graph).ok());
        const std::vector<std::int64_t> input(terms, high);
        ASSERT_EQ(widened(run_exact(graph, input)), NaiveInterpreter(graph).run(input))
            << terms << " " << weight_bits << " " << high;
        ASSERT_EQ(widened(run_rescaled(graph, input)), NaiveInterpreter(graph).run(input));
      }
    }
  }
}

TEST(IntegerRun, ExactGraphsReachBeyond64Bits) {
  SampleGraph sample(5, Arithmetic::kExact, 16);
  TensorId t = sample.input({3}, -32768, 32767);
  for (int i = 0; i < 2; ++i) {
    t = sample.dense(t, 3);
    t = sample.add_node(integer_op::Multiply{}, {t, t}, {3});
  }
  const IntegerGraph graph = sample.finish(sample.dense(t, 2));
  ASSERT_FALSE(validate(graph).ok());  // 2^15 -> 2^32 -> 2^64 -> 2^81 -> 2^162
  SampleGraph smaller(6, Arithmetic::kExact, 8);
  t = smaller.input({3}, -128, 127);
  for (int i = 0; i < 2; ++i) {
    t = smaller.dense(t, 3);
    t = smaller.add_node(integer_op::Multiply{}, {t, t}, {3});
  }
  const IntegerGraph good = smaller.finish(smaller.dense(t, 2));
  ASSERT_TRUE(validate(good).ok()) << validate(good).error().message();
  const std::vector<std::int64_t> input = {-128, 127, -128};
  const std::vector<Int128> output = run_integer(good, input);
  EXPECT_EQ(output, NaiveInterpreter(good).run(input)[good.architecture.output]);
  EXPECT_GT(base::bit_length(static_cast<base::Uint128>(output[0] < 0 ? -output[0] : output[0])), 63);
}

TEST(IntegerRun, HalvesRoundTowardsPlusInfinity) {
  SampleGraph sample(1, Arithmetic::kRescaled);
  const TensorId x = sample.input({8}, -128, 127);
  integer_op::Requantize op{std::nullopt, 0, 1, 1, integer_op::Requantize::Clamp{-3, 2}, -64, 64};
  const IntegerGraph graph = sample.finish(sample.add_node(op, {x}, {8}));
  const std::vector<std::int64_t> input = {-8, -6, -5, -1, 0, 1, 3, 5};
  EXPECT_EQ(run_integer(graph, input), (std::vector<Int128>{-3, -3, -2, 0, 0, 1, 2, 2}));
}

IntegerGraph output_graph(Finish finish, Shape shape, double input_scale, double output_scale) {
  SampleGraph sample(1, Arithmetic::kRescaled);
  const TensorId x = sample.input(shape, -128, 127);
  const integer_op::Requantize op{std::nullopt, 0, 1, 0, integer_op::Requantize::Clamp{-128, 127}, -128, 127};
  sample.a().finish = finish;
  sample.a().input_scale = input_scale;
  sample.a().output_scale = output_scale;
  return sample.finish(sample.add_node(op, {x}, shape));
}

TEST(QuantizeInput, RoundsHalvesAwayFromZeroAndClips) {
  const Architecture a = output_graph(Finish::kNone, {6}, 0.5, 1).architecture;
  const auto values = quantize_input(a, std::vector<float>{0.25f, -0.25f, 0.24f, 1000, -1000, 0.75f});
  ASSERT_TRUE(values.ok());
  EXPECT_EQ(*values, (std::vector<std::int64_t>{1, -1, 0, 127, -128, 2}));
}

TEST(QuantizeInput, RejectsWhatIsNoInput) {
  const Architecture a = output_graph(Finish::kNone, {2}, 0.5, 1).architecture;
  const float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  for (const std::vector<float>& bad : {std::vector<float>{1}, {1, 2, 3}, {1, infinity}, {nan, 1}}) {
    const auto values = quantize_input(a, bad);
    ASSERT_FALSE(values.ok());
    EXPECT_EQ(values.error().code, base::ErrorCode::kInvalidArgument);
  }
}

TEST(DequantizeOutput, ScalesAndFinishes) {
  const std::vector<Int128> output = {1, 5, 5, -3, 0, -7};
  EXPECT_EQ(dequantize_output(output_graph(Finish::kNone, {6}, 1, 0.25).architecture, output),
            (std::vector<double>{0.25, 1.25, 1.25, -0.75, 0, -1.75}));
  EXPECT_EQ(dequantize_output(output_graph(Finish::kArgMax, {2, 3}, 1, 0.25).architecture, output),
            (std::vector<double>{1, 1}));
  const auto softmax = dequantize_output(output_graph(Finish::kSoftmax, {2, 3}, 1, 0.25).architecture, output);
  const double e = deterministic_exp(-1.0);
  EXPECT_NEAR(softmax[0], e / (e + 2), 1e-15);
  EXPECT_NEAR(softmax[3] + softmax[4] + softmax[5], 1, 1e-15);
}

}  // namespace
}  // namespace blindproof::model
