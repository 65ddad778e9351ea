#include "blindproof/model/float_graph.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <random>

#include "blindproof/base/thread_pool.h"

namespace blindproof::model {
namespace {

using base::ErrorCode;

std::mt19937 random_engine(20240607);

std::vector<float> random_values(std::size_t count) {
  std::uniform_real_distribution<float> distribution(-2, 2);
  std::vector<float> values(count);
  for (float& value : values) value = distribution(random_engine);
  return values;
}

FloatGraph one_node(Shape in, FloatOp op, Shape out) {
  FloatGraph graph;
  graph.shapes = {std::move(in), std::move(out)};
  graph.nodes.push_back({std::move(op), {0}, 1, "layer"});
  graph.output = 1;
  return graph;
}

float_op::Dense random_dense(std::size_t inputs, std::size_t outputs, bool with_bias = true) {
  return {outputs, inputs, random_values(outputs * inputs), random_values(with_bias ? outputs : 0)};
}

float_op::Conv2d random_conv(std::size_t inputs, std::size_t outputs, std::size_t groups, Window2d window) {
  const std::size_t weights = outputs * inputs / groups * window.kernel[0] * window.kernel[1];
  return {outputs, inputs, groups, window, random_values(weights), random_values(outputs)};
}

// Runs a graph that must be valid and returns its output.
std::vector<float> output_of(const FloatGraph& graph, const std::vector<float>& x) {
  const base::Status status = validate(graph);
  EXPECT_TRUE(status.ok()) << status.error().message();
  return run_float(graph, x)[graph.output];
}

void expect_near(const std::vector<float>& got, const std::vector<double>& wanted) {
  ASSERT_EQ(got.size(), wanted.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(got[i]), wanted[i], 1e-6 * (1 + std::fabs(wanted[i]))) << "at " << i;
  }
}

// A small network with every operator that has two inputs or fields.
FloatGraph branching_network() {
  FloatGraph graph;
  Window2d same;
  same.kernel[0] = same.kernel[1] = 3;
  same.pad_begin[0] = same.pad_begin[1] = same.pad_end[0] = same.pad_end[1] = 1;
  Window2d pool;
  pool.kernel[0] = pool.kernel[1] = pool.stride[0] = pool.stride[1] = 2;
  graph.shapes = {{2, 6, 6}, {4, 6, 6}, {4, 6, 6}, {4, 6, 6}, {4, 6, 6}, {4, 6, 6}, {4, 6, 6},
                  {4, 6, 6}, {4, 3, 3}, {4, 1, 1}, {1, 4, 1}, {4},       {3},       {3}};
  Window2d whole;
  whole.kernel[0] = whole.kernel[1] = 3;
  auto add = [&](FloatOp op, std::vector<TensorId> inputs) {
    const auto id = static_cast<TensorId>(graph.nodes.size() + 1);
    graph.nodes.push_back({std::move(op), std::move(inputs), id, std::string("n").append(std::to_string(id))});
  };
  add(random_conv(2, 4, 2, same), {0});
  add(float_op::ScaleShift{0, random_values(4), random_values(4)}, {1});
  add(float_op::Clip{-1, std::numeric_limits<float>::infinity()}, {2});
  add(float_op::Sigmoid{}, {2});
  add(float_op::Multiply{}, {3, 4});
  add(float_op::Subtract{}, {5, 1});
  add(float_op::Add{}, {6, 6});
  add(float_op::MaxPool2d{pool}, {7});
  add(float_op::AveragePool2d{whole, true}, {8});
  add(float_op::Transpose{{1, 0, 2}}, {9});
  add(float_op::Reshape{}, {10});
  add(random_dense(4, 3), {11});
  add(float_op::Softmax{}, {12});
  graph.output = 13;
  return graph;
}

TEST(FloatGraph, DenseIsTheMatrixProduct) {
  for (std::size_t inputs : {1u, 2u, 17u}) {
    for (std::size_t outputs : {1u, 3u, 4u, 5u, 9u}) {
      for (std::size_t rows : {1u, 3u}) {
        for (bool with_bias : {false, true}) {
          const float_op::Dense dense = random_dense(inputs, outputs, with_bias);
          const std::vector<float> x = random_values(rows * inputs);
          std::vector<double> wanted;
          for (std::size_t r = 0; r < rows; ++r) {
            for (std::size_t n = 0; n < outputs; ++n) {
              double sum = with_bias ? dense.bias[n] : 0;
              for (std::size_t k = 0; k < inputs; ++k)
                sum += double{dense.weight[n * inputs + k]} * double{x[r * inputs + k]};
              wanted.push_back(sum);
            }
          }
          expect_near(output_of(one_node({rows, inputs}, dense, {rows, outputs}), x), wanted);
        }
      }
    }
  }
}

// The value at (c, y, x), or nothing if that lies in the padding.
std::optional<double> cell(const std::vector<float>& values, const Shape& shape, std::size_t c, std::ptrdiff_t y,
                           std::ptrdiff_t x) {
  if (y < 0 || x < 0 || y >= std::ptrdiff_t(shape[1]) || x >= std::ptrdiff_t(shape[2])) return std::nullopt;
  return double{values[(c * shape[1] + std::size_t(y)) * shape[2] + std::size_t(x)]};
}

std::vector<Window2d> windows() {
  std::vector<Window2d> out;
  for (std::size_t kernel : {1u, 2u, 3u}) {
    for (std::size_t stride : {1u, 2u, 3u}) {
      for (std::size_t dilation : {1u, 2u}) {
        for (std::size_t pad : {0u, 1u}) {
          Window2d window;
          window.kernel[0] = kernel;
          window.kernel[1] = kernel + 1;
          window.stride[0] = stride;
          window.stride[1] = 1 + stride % 2;
          window.dilation[0] = dilation;
          window.dilation[1] = 3 - dilation;
          window.pad_begin[0] = std::min(pad, kernel - 1);
          window.pad_begin[1] = pad;
          window.pad_end[1] = 1;
          out.push_back(window);
        }
      }
    }
  }
  return out;
}

// fold(values of the window's cells, in order; nothing for padding) for every position.
std::vector<double> slide(const Shape& in, const std::vector<float>& x, const Window2d& window,
                          const std::function<double(std::size_t c, const std::vector<std::optional<double>>&)>& fold) {
  std::vector<double> out;
  for (std::size_t c = 0; c < in[0]; ++c) {
    for (std::size_t oy = 0; oy < window.output_size(0, in[1]); ++oy) {
      for (std::size_t ox = 0; ox < window.output_size(1, in[2]); ++ox) {
        std::vector<std::optional<double>> cells;
        for (std::size_t ky = 0; ky < window.kernel[0]; ++ky) {
          for (std::size_t kx = 0; kx < window.kernel[1]; ++kx) {
            cells.push_back(cell(
                x, in, c,
                std::ptrdiff_t(oy * window.stride[0] + ky * window.dilation[0]) - std::ptrdiff_t(window.pad_begin[0]),
                std::ptrdiff_t(ox * window.stride[1] + kx * window.dilation[1]) - std::ptrdiff_t(window.pad_begin[1])));
          }
        }
        out.push_back(fold(c, cells));
      }
    }
  }
  return out;
}

TEST(FloatGraph, ConvolutionIsTheSumOverTheWindowAndTheGroup) {
  for (const Window2d& window : windows()) {
    for (std::size_t groups : {1u, 2u, 4u}) {
      const Shape in = {4, 8, 9};
      const std::size_t outputs = 8, per_group = 4 / groups, cells = window.kernel[0] * window.kernel[1];
      const float_op::Conv2d conv = random_conv(4, outputs, groups, window);
      const std::vector<float> x = random_values(element_count(in));
      const Shape out = {outputs, window.output_size(0, 8), window.output_size(1, 9)};
      const std::size_t plane = out[1] * out[2];
      std::vector<double> wanted(outputs * plane);
      for (std::size_t n = 0; n < outputs; ++n) {
        const std::vector<double> partial = slide(in, x, window, [&](std::size_t c, const auto& values) {
          if (c / per_group != n / (outputs / groups)) return 0.0;
          double sum = 0;
          for (std::size_t i = 0; i < cells; ++i) {
            sum += double{conv.weight[(n * per_group + c % per_group) * cells + i]} * values[i].value_or(0);
          }
          return sum;
        });
        for (std::size_t i = 0; i < plane; ++i) {
          wanted[n * plane + i] = double{conv.bias[n]};
          for (std::size_t c = 0; c < 4; ++c) wanted[n * plane + i] += partial[c * plane + i];
        }
      }
      expect_near(output_of(one_node(in, conv, out), x), wanted);
    }
  }
}

TEST(FloatGraph, PoolsTakeTheMaximumOrMeanOfTheWindow) {
  for (const Window2d& window : windows()) {
    const Shape in = {3, 8, 9};
    const std::vector<float> x = random_values(element_count(in));
    const Shape out = {3, window.output_size(0, 8), window.output_size(1, 9)};
    expect_near(output_of(one_node(in, float_op::MaxPool2d{window}, out), x),
                slide(in, x, window, [](std::size_t, const auto& values) {
                  double best = -std::numeric_limits<double>::infinity();
                  for (const auto& value : values) best = std::max(best, value.value_or(best));
                  return best;
                }));
    for (bool count_padding : {false, true}) {
      expect_near(output_of(one_node(in, float_op::AveragePool2d{window, count_padding}, out), x),
                  slide(in, x, window, [&](std::size_t, const auto& values) {
                    double sum = 0, count = 0;
                    for (const auto& value : values) {
                      sum += value.value_or(0);
                      count += value || count_padding ? 1 : 0;
                    }
                    return sum / count;
                  }));
    }
  }
}

TEST(FloatGraph, ElementwiseOperatorsFollowTheirFormulas) {
  const Shape shape = {2, 3, 2};
  const std::vector<float> x = random_values(12);
  auto expect = [&](FloatOp op, const std::function<double(double, std::size_t)>& formula) {
    std::vector<double> wanted;
    for (std::size_t i = 0; i < x.size(); ++i) wanted.push_back(formula(double{x[i]}, i));
    expect_near(output_of(one_node(shape, std::move(op), shape), x), wanted);
  };
  const float_op::ScaleShift middle = {1, random_values(3), random_values(3)};
  expect(middle, [&](double v, std::size_t i) {
    return v * double{middle.scale[i / 2 % 3]} + double{middle.shift[i / 2 % 3]};
  });
  expect(float_op::Relu{}, [](double v, std::size_t) { return std::max(v, 0.0); });
  expect(float_op::Clip{-0.5f, 1}, [](double v, std::size_t) { return std::min(std::max(v, -0.5), 1.0); });
  expect(float_op::Sigmoid{}, [](double v, std::size_t) { return 1 / (1 + std::exp(-v)); });
  expect(float_op::Tanh{}, [](double v, std::size_t) { return std::tanh(v); });
}

TEST(FloatGraph, BinaryOperatorsTakeTheirInputsInOrder) {
  FloatGraph graph;
  graph.shapes = {{3}, {3}, {3}};
  graph.nodes.push_back({float_op::ScaleShift{0, {2, 2, 2}, {1, 1, 1}}, {0}, 1, "twice plus one"});
  graph.nodes.push_back({float_op::Add{}, {0, 1}, 2, "join"});
  graph.output = 2;
  const std::vector<float> x = {1, -2, 0.5f};
  EXPECT_EQ(output_of(graph, x), (std::vector<float>{4, -5, 2.5f}));
  graph.nodes[1].op = float_op::Subtract{};
  EXPECT_EQ(output_of(graph, x), (std::vector<float>{-2, 1, -1.5f}));
  graph.nodes[1].op = float_op::Multiply{};
  EXPECT_EQ(output_of(graph, x), (std::vector<float>{3, 6, 1}));
  graph.nodes[1].inputs = {0, 0};
  graph.nodes[1].op = float_op::Multiply{};
  EXPECT_EQ(output_of(graph, x), (std::vector<float>{1, 4, 0.25f}));
}

TEST(FloatGraph, TransposeMovesAxes) {
  const Shape in = {2, 3, 4};
  const std::vector<float> x = random_values(24);
  for (const std::vector<std::size_t>& p :
       std::vector<std::vector<std::size_t>>{{0, 1, 2}, {2, 0, 1}, {1, 2, 0}, {2, 1, 0}}) {
    const Shape out = {in[p[0]], in[p[1]], in[p[2]]};
    std::vector<double> wanted(24);
    std::size_t index[3];
    for (index[0] = 0; index[0] < 2; ++index[0]) {
      for (index[1] = 0; index[1] < 3; ++index[1]) {
        for (index[2] = 0; index[2] < 4; ++index[2]) {
          wanted[(index[p[0]] * out[1] + index[p[1]]) * out[2] + index[p[2]]] =
              double{x[(index[0] * 3 + index[1]) * 4 + index[2]]};
        }
      }
    }
    expect_near(output_of(one_node(in, float_op::Transpose{p}, out), x), wanted);
  }
}

TEST(FloatGraph, SoftmaxAndArgMaxWorkOnEachRow) {
  const std::vector<float> x = {1, 3, 3, 1000, 998, -1000};
  const double e2 = std::exp(-2.0);
  expect_near(output_of(one_node({2, 3}, float_op::Softmax{}, {2, 3}), x),
              {e2 / (2 + e2), 1 / (2 + e2), 1 / (2 + e2), 1 / (1 + e2), e2 / (1 + e2), 0});
  EXPECT_EQ(output_of(one_node({2, 3}, float_op::ArgMax{}, {2}), x), (std::vector<float>{1, 0}));
  EXPECT_EQ(output_of(one_node({2, 3}, float_op::ArgMax{}, {2, 1}), x), (std::vector<float>{1, 0}));
}

TEST(FloatGraph, ResultsDoNotDependOnTheNumberOfThreads) {
  const float_op::Dense dense = random_dense(700, 301);
  const FloatGraph wide = one_node({700}, dense, {301});
  const FloatGraph branching = branching_network();
  const std::vector<float> x = random_values(700), image = random_values(72);
  base::set_thread_count(1);
  const auto wide_alone = run_float(wide, x), branching_alone = run_float(branching, image);
  base::set_thread_count(3);
  EXPECT_EQ(run_float(wide, x), wide_alone);
  EXPECT_EQ(run_float(branching, image), branching_alone);
}

struct Flaw {
  const char* what;
  ErrorCode code;
  std::function<void(FloatGraph&)> apply;
};

template <class Op>
Op& as(FloatGraph& graph, std::size_t node) {
  return std::get<Op>(graph.nodes[node].op);
}

TEST(FloatGraph, ValidateNamesEveryFlaw) {
  const std::size_t huge = std::numeric_limits<std::size_t>::max();
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  using namespace float_op;
  const Flaw flaws[] = {
      {"no nodes", ErrorCode::kMalformed, [](FloatGraph& g) { g.nodes.clear(); }},
      {"input id", ErrorCode::kMalformed, [](FloatGraph& g) { g.input = 99; }},
      {"output id", ErrorCode::kMalformed, [](FloatGraph& g) { g.output = 3; }},
      {"output out of range", ErrorCode::kMalformed, [](FloatGraph& g) { g.output = 99; }},
      {"empty dimension", ErrorCode::kMalformed,
       [](FloatGraph& g) {
         g.shapes[0] = {2, 0, 6};
       }},
      {"wrapping shape", ErrorCode::kMalformed,
       [&](FloatGraph& g) {
         g.shapes[0] = {huge, huge};
       }},
      {"too many dimensions", ErrorCode::kLimit, [](FloatGraph& g) { g.shapes[0] = Shape(7, 1); }},
      {"too many tensors", ErrorCode::kLimit, [](FloatGraph& g) { g.shapes.resize(kMaxTensors + 1, {1}); }},
      {"too many elements", ErrorCode::kLimit, [](FloatGraph& g) { g.shapes.resize(20, {kMaxElements}); }},
      {"unwritten tensor", ErrorCode::kMalformed, [](FloatGraph& g) { g.shapes.push_back({1}); }},
      {"written twice", ErrorCode::kMalformed, [](FloatGraph& g) { g.nodes[2].output = 1; }},
      {"read early", ErrorCode::kMalformed, [](FloatGraph& g) { g.nodes[2].inputs = {8}; }},
      {"reads itself", ErrorCode::kMalformed, [](FloatGraph& g) { g.nodes[2].inputs = {3}; }},
      {"no input", ErrorCode::kMalformed, [](FloatGraph& g) { g.nodes[2].inputs.clear(); }},
      {"one of two inputs", ErrorCode::kMalformed, [](FloatGraph& g) { g.nodes[4].inputs = {3}; }},
      {"output nowhere", ErrorCode::kMalformed, [](FloatGraph& g) { g.nodes[2].output = 99; }},
      {"long name", ErrorCode::kLimit, [](FloatGraph& g) { g.nodes[2].name = std::string(kMaxNameSize + 1, 'x'); }},
      {"groups zero", ErrorCode::kMalformed, [](FloatGraph& g) { as<Conv2d>(g, 0).groups = 0; }},
      {"groups", ErrorCode::kMalformed, [](FloatGraph& g) { as<Conv2d>(g, 0).groups = 3; }},
      {"conv inputs", ErrorCode::kMalformed, [](FloatGraph& g) { as<Conv2d>(g, 0).inputs = 4; }},
      {"stride zero", ErrorCode::kMalformed, [](FloatGraph& g) { as<Conv2d>(g, 0).window.stride[1] = 0; }},
      {"kernel zero", ErrorCode::kMalformed, [](FloatGraph& g) { as<Conv2d>(g, 0).window.kernel[1] = 0; }},
      {"padding", ErrorCode::kMalformed, [&](FloatGraph& g) { as<Conv2d>(g, 0).window.pad_end[1] = huge; }},
      {"dilation", ErrorCode::kMalformed, [&](FloatGraph& g) { as<Conv2d>(g, 0).window.dilation[0] = huge; }},
      {"conv output", ErrorCode::kMalformed, [](FloatGraph& g) { as<Conv2d>(g, 0).window.pad_end[1] = 0; }},
      {"missing weight", ErrorCode::kMalformed, [](FloatGraph& g) { as<Conv2d>(g, 0).weight.pop_back(); }},
      {"NaN weight", ErrorCode::kMalformed, [&](FloatGraph& g) { as<Conv2d>(g, 0).weight[3] = nan; }},
      {"infinite bias", ErrorCode::kMalformed, [&](FloatGraph& g) { as<Conv2d>(g, 0).bias[1] = infinity; }},
      {"bias size", ErrorCode::kMalformed, [](FloatGraph& g) { as<Conv2d>(g, 0).bias.pop_back(); }},
      {"scale axis", ErrorCode::kMalformed, [](FloatGraph& g) { as<ScaleShift>(g, 1).axis = 3; }},
      {"scale size", ErrorCode::kMalformed, [](FloatGraph& g) { as<ScaleShift>(g, 1).axis = 1; }},
      {"shift size", ErrorCode::kMalformed, [](FloatGraph& g) { as<ScaleShift>(g, 1).shift.clear(); }},
      {"infinite shift", ErrorCode::kMalformed, [&](FloatGraph& g) { as<ScaleShift>(g, 1).shift[0] = infinity; }},
      {"NaN scale", ErrorCode::kMalformed, [&](FloatGraph& g) { as<ScaleShift>(g, 1).scale[0] = nan; }},
      {"NaN bound", ErrorCode::kMalformed, [&](FloatGraph& g) { as<Clip>(g, 2).high = nan; }},
      {"crossed bounds", ErrorCode::kMalformed, [](FloatGraph& g) { as<Clip>(g, 2).high = -2; }},
      {"unequal shapes", ErrorCode::kMalformed, [](FloatGraph& g) { g.nodes[6].inputs[1] = 0; }},
      {"pool output", ErrorCode::kMalformed, [](FloatGraph& g) { as<MaxPool2d>(g, 7).window.stride[0] = 1; }},
      {"window in the padding", ErrorCode::kMalformed,
       [](FloatGraph& g) {
         // Positions -3 and 3 of an input of three rows: outside on both sides.
         Window2d& window = as<AveragePool2d>(g, 8).window;
         window.kernel[0] = 2;
         window.dilation[0] = 6;
         window.pad_begin[0] = 3;
         window.pad_end[0] = 1;
       }},
      {"reshape count", ErrorCode::kMalformed, [](FloatGraph& g) { g.shapes[11] = {5}; }},
      {"permutation length", ErrorCode::kMalformed,
       [](FloatGraph& g) {
         as<Transpose>(g, 9).permutation = {0, 1};
       }},
      {"permutation repeats", ErrorCode::kMalformed,
       [](FloatGraph& g) {
         as<Transpose>(g, 9).permutation = {0, 0, 2};
       }},
      {"permutation range", ErrorCode::kMalformed,
       [](FloatGraph& g) {
         as<Transpose>(g, 9).permutation = {1, 0, 3};
       }},
      {"permuted shape", ErrorCode::kMalformed,
       [](FloatGraph& g) {
         as<Transpose>(g, 9).permutation = {0, 1, 2};
       }},
      {"dense inputs", ErrorCode::kMalformed, [](FloatGraph& g) { as<Dense>(g, 11).inputs = 5; }},
      {"dense outputs", ErrorCode::kMalformed, [](FloatGraph& g) { as<Dense>(g, 11).outputs = 4; }},
      {"softmax inside", ErrorCode::kMalformed, [](FloatGraph& g) { g.nodes[2].op = Softmax{}; }},
      {"argmax shape", ErrorCode::kMalformed, [](FloatGraph& g) { g.nodes[12].op = ArgMax{}; }},
  };
  const FloatGraph good = branching_network();
  ASSERT_TRUE(validate(good).ok()) << validate(good).error().message();
  for (const Flaw& flaw : flaws) {
    FloatGraph bad = good;
    flaw.apply(bad);
    const base::Status status = validate(bad);
    ASSERT_FALSE(status.ok()) << flaw.what;
    EXPECT_EQ(status.error().code, flaw.code) << flaw.what << ": " << status.error().message();
  }
}

TEST(FloatGraph, EncodingRoundTripsAndIsCanonical) {
  const FloatGraph graph = branching_network();
  const auto bytes = write_float_graph(graph);
  const auto parsed = parse_float_graph(bytes);
  ASSERT_TRUE(parsed.ok()) << parsed.error().message();
  EXPECT_EQ(write_float_graph(*parsed), bytes);
  EXPECT_EQ(parsed->shapes, graph.shapes);
  const std::vector<float> x = random_values(72);
  EXPECT_EQ(run_float(*parsed, x), run_float(graph, x));
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    EXPECT_EQ(parsed->nodes[i].name, graph.nodes[i].name);
    EXPECT_EQ(op_name(parsed->nodes[i].op), op_name(graph.nodes[i].op));
  }
}

TEST(FloatGraph, NegativeZeroIsWrittenAsZeroAndRefusedWhenRead) {
  auto graph_with = [](float shift) { return one_node({1}, float_op::ScaleShift{0, {1}, {shift}}, {1}); };
  auto bytes = write_float_graph(graph_with(-0.0f));
  EXPECT_EQ(bytes, write_float_graph(graph_with(0.0f)));
  ASSERT_EQ(bytes.back(), 0);
  bytes.back() = 0x80;
  EXPECT_EQ(parse_float_graph(bytes).error().code, ErrorCode::kMalformed);
}

TEST(FloatGraph, ParserRejectsEveryTruncationAndTrailingBytes) {
  auto bytes = write_float_graph(branching_network());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    ASSERT_FALSE(parse_float_graph(std::span(bytes).first(size)).ok()) << size;
  }
  bytes.push_back(0);
  EXPECT_EQ(parse_float_graph(bytes).error().code, ErrorCode::kMalformed);
}

TEST(FloatGraph, FlippedBitsNeverCrashTheParserAndStayCanonical) {
  const auto good = write_float_graph(branching_network());
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    auto bytes = good;
    bytes[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    const auto parsed = parse_float_graph(bytes);
    if (!parsed.ok()) continue;
    ASSERT_EQ(write_float_graph(*parsed), bytes) << bit;
  }
}

}  // namespace
}  // namespace blindproof::model
