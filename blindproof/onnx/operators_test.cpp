#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "blindproof/onnx/model_maker.h"

namespace blindproof::onnx {
namespace {

using Names = std::vector<std::string>;

Floats mapped(const Floats& x, const std::function<float(float, std::size_t)>& f) {
  Floats out;
  for (std::size_t i = 0; i < x.size(); ++i) out.push_back(f(x[i], i));
  return out;
}

// rows x inner times inner x columns.
Floats product(const Floats& a, const Floats& b, std::size_t rows, std::size_t inner, std::size_t columns) {
  Floats out;
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < columns; ++c) {
      float sum = 0;
      for (std::size_t k = 0; k < inner; ++k) sum += a[r * inner + k] * b[k * columns + c];
      out.push_back(sum);
    }
  }
  return out;
}

TEST(Gemm, ScalesTransposesAndSpreadsItsBias) {
  const Floats x = random_floats(3, 1), w = random_floats(6, 2), wt = {w[0], w[2], w[4], w[1], w[3], w[5]};
  const struct {
    Integers dims;
    Floats values;
  } biases[] = {{{2}, {5, 7}}, {{1, 2}, {5, 7}}, {{1}, {5}}, {{}, {5}}, {{1, 1}, {5}}};
  for (bool transposed : {false, true}) {
    for (const auto& bias : biases) {
      ModelMaker maker({kOpen, 3});
      maker.floats("w", transposed ? Integers{2, 3} : Integers{3, 2}, transposed ? wt : w)
          .floats("b", bias.dims, bias.values);
      maker.node("Gemm", {"x", "w", "b"}, "y").set("alpha", 0.5f).set("beta", 3.0f).set("transB", transposed ? 1 : 0);
      const Floats xw = product(x, w, 1, 3, 2);
      const Ran ran = run(maker, x);
      EXPECT_EQ(ran.shape, (model::Shape{2}));
      expect_near(ran.y, {0.5f * xw[0] + 3 * bias.values.front(), 0.5f * xw[1] + 3 * bias.values.back()});
    }
  }
  ModelMaker bare({kOpen, 3});
  bare.floats("w", {3, 2}, w).node("Gemm", {"x", "w"}, "y");
  expect_near(run(bare, x).y, product(x, w, 1, 3, 2));
}

TEST(MatMul, TakesAConstantOnEitherSide) {
  const Floats x = random_floats(12, 1), w = random_floats(20, 2), v = random_floats(4, 3);
  ModelMaker right({kOpen, 3, 4});
  right.floats("w", {4, 5}, w).node("MatMul", {"x", "w"}, "y");
  EXPECT_EQ(run(right, x).shape, (model::Shape{3, 5}));
  expect_near(run(right, x).y, product(x, w, 3, 4, 5));

  ModelMaker broad({kOpen, 3, 4});
  broad.floats("w", {1, 4, 5}, w).node("MatMul", {"x", "w"}, "y");
  expect_near(run(broad, x).y, product(x, w, 3, 4, 5));

  ModelMaker vector({kOpen, 3, 4});
  vector.floats("w", {4}, v).node("MatMul", {"x", "w"}, "y");
  EXPECT_EQ(run(vector, x).shape, (model::Shape{3}));
  expect_near(run(vector, x).y, product(x, v, 3, 4, 1));

  ModelMaker left({kOpen, 4, 3});
  left.floats("w", {5, 4}, w).node("MatMul", {"w", "x"}, "y");
  EXPECT_EQ(run(left, x).shape, (model::Shape{5, 3}));
  expect_near(run(left, x).y, product(w, x, 5, 4, 3));
}

TEST(MatMul, TheBiasBehindItBecomesItsOwn) {
  ModelMaker maker({kOpen, 3});
  maker.floats("w", {3, 2}, {1, 2, 3, 4, 5, 6}).floats("b", {2}, {10, 20});
  maker.node("MatMul", {"x", "w"}, "t");
  maker.node("Add", {"b", "t"}, "y");
  const Ran ran = run(maker, {1, 1, 1});
  EXPECT_EQ(op_names(ran.graph), Names{"Dense"});
  EXPECT_EQ(ran.y, (Floats{19, 32}));
}

// The plain formula, for one image.
Floats convolved(const Floats& x, std::size_t channels, std::size_t size, const Floats& w, std::size_t outputs,
                 std::size_t kernel, std::size_t groups, std::size_t stride, std::size_t dilation, std::size_t pad,
                 std::size_t out_size) {
  const std::size_t per_group = channels / groups;
  Floats out;
  for (std::size_t n = 0; n < outputs; ++n) {
    for (std::size_t oy = 0; oy < out_size; ++oy) {
      for (std::size_t ox = 0; ox < out_size; ++ox) {
        float sum = 0;
        for (std::size_t i = 0; i < per_group; ++i) {
          for (std::size_t ky = 0; ky < kernel; ++ky) {
            for (std::size_t kx = 0; kx < kernel; ++kx) {
              const std::size_t iy = oy * stride + ky * dilation - pad,
                                ix = ox * stride + kx * dilation - pad;  // wraps below 0
              if (iy >= size || ix >= size) continue;
              const std::size_t c = n / (outputs / groups) * per_group + i;
              sum += w[((n * per_group + i) * kernel + ky) * kernel + kx] * x[(c * size + iy) * size + ix];
            }
          }
        }
        out.push_back(sum);
      }
    }
  }
  return out;
}

TEST(Conv, ReadsStridesPadsDilationsAndGroups) {
  const Floats x = random_floats(4 * 7 * 7, 1);
  for (std::int64_t groups : {1, 2, 4}) {
    for (std::int64_t stride : {1, 2}) {
      for (std::int64_t dilation : {1, 2}) {
        for (std::int64_t pad : {0, 1, 2}) {
          const Integers dims = {4, 4 / groups, 3, 3};
          const Floats w = random_floats(static_cast<std::size_t>(4 * 4 / groups * 9), 2);
          ModelMaker maker({kOpen, 4, 7, 7});
          maker.floats("w", dims, w).floats("b", {4}, {1, 2, 3, 4});
          maker.node("Conv", {"x", "w", "b"}, "y")
              .set("strides", Integers{stride, stride})
              .set("pads", Integers{pad, pad, pad, pad})
              .set("dilations", Integers{dilation, dilation})
              .set("group", groups)
              .set("kernel_shape", Integers{3, 3});
          const auto out = static_cast<std::size_t>((7 + 2 * pad - 2 * dilation - 1) / stride + 1);
          Floats wanted =
              convolved(x, 4, 7, w, 4, 3, static_cast<std::size_t>(groups), static_cast<std::size_t>(stride),
                        static_cast<std::size_t>(dilation), static_cast<std::size_t>(pad), out);
          for (std::size_t i = 0; i < wanted.size(); ++i) wanted[i] += static_cast<float>(i / (out * out) + 1);
          const Ran ran = run(maker, x);
          EXPECT_EQ(ran.shape, (model::Shape{4, out, out}));
          expect_near(ran.y, wanted);
        }
      }
    }
  }
}

TEST(Conv, AutomaticPaddingPutsTheOddCellWhereItSays) {
  // Size 5, kernel 2, stride 1: one cell of padding.
  const Floats x = random_floats(25, 1), w = random_floats(4, 2);
  for (const char* mode : {"SAME_UPPER", "SAME_LOWER", "VALID"}) {
    ModelMaker automatic({kOpen, 1, 5, 5}), explicit_pads({kOpen, 1, 5, 5});
    automatic.floats("w", {1, 1, 2, 2}, w).node("Conv", {"x", "w"}, "y").set("auto_pad", mode);
    const bool upper = std::string(mode) == "SAME_UPPER", lower = std::string(mode) == "SAME_LOWER";
    explicit_pads.floats("w", {1, 1, 2, 2}, w)
        .node("Conv", {"x", "w"}, "y")
        .set("pads", Integers{lower, lower, upper, upper})
        .set("auto_pad", "NOTSET");
    EXPECT_EQ(run(automatic, x).y, run(explicit_pads, x).y) << mode;
    EXPECT_EQ(run(automatic, x).y.size(), upper || lower ? 25u : 16u);
  }
  // Size 5, kernel 3, stride 2: three outputs.
  ModelMaker strided({kOpen, 1, 5, 5});
  strided.floats("w", {1, 1, 3, 3}, random_floats(9, 3))
      .node("Conv", {"x", "w"}, "y")
      .set("auto_pad", "SAME_UPPER")
      .set("strides", Integers{2, 2});
  expect_near(run(strided, x).y, convolved(x, 1, 5, random_floats(9, 3), 1, 3, 1, 2, 1, 1, 3));
}

TEST(Conv, OfASignalIsThatOfAnImageOfHeightOne) {
  const Floats x = random_floats(2 * 9, 1), w = random_floats(3 * 2 * 3, 2);
  ModelMaker signal({kOpen, 2, 9}), image({kOpen, 2, 1, 9});
  signal.floats("w", {3, 2, 3}, w)
      .node("Conv", {"x", "w"}, "y")
      .set("strides", Integers{2})
      .set("pads", Integers{1, 2})
      .set("dilations", Integers{2});
  image.floats("w", {3, 2, 1, 3}, w)
      .node("Conv", {"x", "w"}, "y")
      .set("strides", Integers{1, 2})
      .set("pads", Integers{0, 1, 0, 2})
      .set("dilations", Integers{1, 2});
  EXPECT_EQ(run(signal, x).shape, (model::Shape{3, 4}));
  EXPECT_EQ(run(signal, x).y, run(image, x).y);
}

TEST(BatchNormalization, FoldsIntoTheConvolutionBeforeIt) {
  const Floats x = random_floats(9, 1);
  const Floats scale = {2, -1}, bias = {0.5f, 3}, mean = {0.25f, -0.5f}, variance = {4, 0.3f};
  auto add_parameters = [&](ModelMaker& maker) {
    maker.floats("s", {2}, scale).floats("b", {2}, bias).floats("m", {2}, mean).floats("v", {2}, variance);
  };
  auto normalised = [&](float value, std::size_t c) {
    return (value - mean[c]) / std::sqrt(variance[c] + 1e-3f) * scale[c] + bias[c];
  };
  ModelMaker with_conv({kOpen, 1, 3, 3});
  add_parameters(with_conv);
  with_conv.floats("w", {2, 1, 1, 1}, {3, -2});
  with_conv.node("Conv", {"x", "w"}, "t");
  with_conv.node("BatchNormalization", {"t", "s", "b", "m", "v"}, "y").set("epsilon", 1e-3f).set("momentum", 0.9f);
  Floats wanted;
  for (std::size_t c = 0; c < 2; ++c) {
    for (float value : x) wanted.push_back(normalised(value * (c == 0 ? 3.f : -2.f), c));
  }
  const Ran ran = run(with_conv, x);
  EXPECT_EQ(op_names(ran.graph), Names{"Conv2d"});
  expect_near(ran.y, wanted);

  ModelMaker alone({kOpen, 2, 2, 2}, 15);
  add_parameters(alone);
  alone.node("BatchNormalization", {"x", "s", "b", "m", "v"}, "y").set("epsilon", 1e-3f).set("training_mode", 0);
  const Floats x8 = random_floats(8, 2);
  EXPECT_EQ(op_names(run(alone, x8).graph), Names{"ScaleShift"});
  expect_near(run(alone, x8).y, mapped(x8, [&](float v, std::size_t i) { return normalised(v, i / 4); }));
}

struct Arithmetic {
  const char* op;
  float (*f)(float, float);
};
const Arithmetic kArithmetic[] = {{"Add", [](float a, float b) { return a + b; }},
                                  {"Sub", [](float a, float b) { return a - b; }},
                                  {"Mul", [](float a, float b) { return a * b; }},
                                  {"Div", [](float a, float b) { return a / b; }}};

TEST(Arithmetic, ConstantsSpreadOverTheSample) {
  const Floats x = random_floats(2 * 3 * 4, 1);
  struct Case {
    Integers dims;
    std::function<std::size_t(std::size_t)> index;  // of the constant for an element of x
  };
  const Case cases[] = {{{}, [](std::size_t) { return 0u; }},
                        {{1}, [](std::size_t) { return 0u; }},
                        {{1, 1, 1, 1}, [](std::size_t) { return 0u; }},
                        {{2, 1, 1}, [](std::size_t i) { return i / 12; }},
                        {{1, 2, 1, 1}, [](std::size_t i) { return i / 12; }},
                        {{3, 1}, [](std::size_t i) { return i / 4 % 3; }},
                        {{4}, [](std::size_t i) { return i % 4; }},
                        {{3, 4}, [](std::size_t i) { return i % 12; }},
                        {{2, 1, 4}, [](std::size_t i) { return i / 12 * 4 + i % 4; }},
                        {{1, 2, 3, 4}, [](std::size_t i) { return i; }}};
  for (const Case& c : cases) {
    std::size_t count = 1;
    for (std::int64_t dim : c.dims) count *= static_cast<std::size_t>(dim);
    Floats constant = random_floats(count, 2);
    for (float& value : constant) value += value < 0 ? -0.5f : 0.5f;
    for (const Arithmetic& arithmetic : kArithmetic) {
      for (bool constant_first : {false, true}) {
        if (constant_first && std::string(arithmetic.op) == "Div") continue;
        ModelMaker maker({kOpen, 2, 3, 4});
        maker.floats("c", c.dims, constant);
        maker.node(arithmetic.op, constant_first ? Names{"c", "x"} : Names{"x", "c"}, "y");
        const Ran ran = run(maker, x);
        EXPECT_EQ(ran.shape, (model::Shape{2, 3, 4}));
        expect_near(ran.y, mapped(x, [&](float v, std::size_t i) {
                      const float k = constant[c.index(i)];
                      return constant_first ? arithmetic.f(k, v) : arithmetic.f(v, k);
                    }));
      }
    }
  }
}

TEST(Arithmetic, TwoComputedTensorsOfOneShapeCombine) {
  const Floats x = random_floats(6, 1);
  for (const Arithmetic& arithmetic : kArithmetic) {
    if (std::string(arithmetic.op) == "Div") continue;
    ModelMaker maker({kOpen, 6});
    maker.node("Tanh", {"x"}, "t");
    maker.node(arithmetic.op, {"x", "t"}, "y");
    expect_near(run(maker, x).y, mapped(x, [&](float v, std::size_t) { return arithmetic.f(v, std::tanh(v)); }));
  }
}

TEST(Arithmetic, SquaresComeFromPowAndMul) {
  const Floats x = random_floats(6, 1), squares = mapped(x, [](float v, std::size_t) { return v * v; });
  ModelMaker mul({kOpen, 6}), pow({kOpen, 6}), integer_pow({kOpen, 6}), first({kOpen, 6});
  mul.node("Mul", {"x", "x"}, "y");
  pow.floats("two", {}, {2}).node("Pow", {"x", "two"}, "y");
  integer_pow.integers("two", {1}, {2}).node("Pow", {"x", "two"}, "y");
  for (const ModelMaker* maker : {&mul, &pow, &integer_pow}) {
    EXPECT_EQ(op_names(run(*maker, x).graph), Names{"Multiply"});
    expect_near(run(*maker, x).y, squares);
  }
  first.floats("one", {}, {1}).node("Pow", {"x", "one"}, "t");
  first.node("Neg", {"t"}, "y");
  expect_near(run(first, x).y, mapped(x, [](float v, std::size_t) { return -v; }));
}

TEST(Activations, FollowTheirFormulas) {
  const Floats x = random_floats(9, 1);
  const std::pair<const char*, float (*)(float)> cases[] = {{"Relu", [](float v) { return std::max(v, 0.f); }},
                                                            {"Sigmoid", [](float v) { return 1 / (1 + std::exp(-v)); }},
                                                            {"Tanh", [](float v) { return std::tanh(v); }},
                                                            {"Erf", [](float v) { return std::erf(v); }},
                                                            {"Gelu", [](float v) { return v * (1 + std::erf(v / std::sqrt(2.f))) / 2; }}};
  for (const auto& [name, f] : cases) {
    ModelMaker maker({kOpen, 9});
    maker.node(name, {"x"}, "y");
    expect_near(run(maker, x).y, mapped(x, [function = f](float v, std::size_t) { return function(v); }));
  }
}

TEST(Activations, GeluMayBeItsApproximationByTanh) {
  const Floats x = random_floats(9, 2);
  ModelMaker maker({kOpen, 9}, 20), strange({kOpen, 9}, 20);
  maker.node("Gelu", {"x"}, "y").set("approximate", "tanh");
  expect_near(run(maker, x).y, mapped(x, [](float v, std::size_t) {
                return v * (1 + std::tanh(0.7978845608f * (v + 0.044715f * v * v * v))) / 2;
              }));
  strange.node("Gelu", {"x"}, "y").set("approximate", "no");
  EXPECT_NE(strange.import().error().message().find("approximate"), std::string::npos);
}

TEST(Clip, BoundsAreAttributesOrInputs) {
  const Floats x = {-3, -0.5f, 0, 0.7f, 5, 9};
  const Floats relu6 = mapped(x, [](float v, std::size_t) { return std::min(std::max(v, 0.f), 6.f); });
  ModelMaker attributes({kOpen, 6}, 7), inputs({kOpen, 6}, 11), constants({kOpen, 6}, 13);
  attributes.node("Clip", {"x"}, "y").set("min", 0.f).set("max", 6.f);
  inputs.floats("low", {}, {0}).floats("high", {}, {6}).node("Clip", {"x", "low", "high"}, "y");
  fill(constants.node("Constant", {}, "high").tensor("value"), {}, Floats{6});
  fill(constants.node("Constant", {}, "low").tensor("value"), {}, Floats{0});
  constants.node("Clip", {"x", "low", "high"}, "y");
  for (const ModelMaker* maker : {&attributes, &inputs, &constants}) {
    EXPECT_EQ(op_names(run(*maker, x).graph), Names{"Clip"});
    EXPECT_EQ(run(*maker, x).y, relu6);
  }
  ModelMaker only_high({kOpen, 6}, 12), relu({kOpen, 6}, 12), old_relu({kOpen, 6}, 10);
  only_high.floats("high", {}, {1}).node("Clip", {"x", "", "high"}, "y");
  EXPECT_EQ(run(only_high, x).y, mapped(x, [](float v, std::size_t) { return std::min(v, 1.f); }));
  relu.floats("low", {}, {0}).node("Clip", {"x", "low"}, "y");
  old_relu.node("Clip", {"x"}, "y").set("min", 0.f).set("max", std::numeric_limits<float>::max());
  EXPECT_EQ(op_names(run(relu, x).graph), Names{"Relu"});
  EXPECT_EQ(op_names(run(old_relu, x).graph), Names{"Relu"});
}

TEST(Pools, ReadTheirWindows) {
  const Floats x = {1, 2, 3, 4, 5, 6, 7, 8, 9};  // 3x3
  auto pooled = [&](const char* op, const std::function<void(NodeMaker&)>& configure) {
    ModelMaker maker({kOpen, 1, 3, 3}, 19);
    NodeMaker node = maker.node(op, {"x"}, "y");
    node.set("kernel_shape", Integers{2, 2});
    configure(node);
    return run(maker, x).y;
  };
  EXPECT_EQ(pooled("MaxPool", [](NodeMaker&) {}), (Floats{5, 6, 8, 9}));
  EXPECT_EQ(pooled("MaxPool", [](NodeMaker& n) { n.set("strides", Integers{2, 2}); }), (Floats{5}));
  EXPECT_EQ(pooled("MaxPool", [](NodeMaker& n) { n.set("dilations", Integers{2, 2}); }), (Floats{9}));
  EXPECT_EQ(pooled("MaxPool",
                   [](NodeMaker& n) {
                     n.set("pads", Integers{1, 0, 0, 0}).set("strides", Integers{2, 1});
                   }),
            (Floats{2, 3, 8, 9}));
  EXPECT_EQ(pooled("MaxPool", [](NodeMaker& n) { n.set("ceil_mode", 1).set("storage_order", 0); }),
            (Floats{5, 6, 8, 9}));
  EXPECT_EQ(pooled("MaxPool", [](NodeMaker& n) { n.set("auto_pad", "SAME_UPPER"); }),
            (Floats{5, 6, 6, 8, 9, 9, 8, 9, 9}));
  EXPECT_EQ(pooled("MaxPool", [](NodeMaker& n) { n.set("auto_pad", "SAME_LOWER"); }),
            (Floats{1, 2, 3, 4, 5, 6, 7, 8, 9}));
  EXPECT_EQ(pooled("AveragePool", [](NodeMaker&) {}), (Floats{3, 4, 6, 7}));
  auto padded = [](NodeMaker& n) { n.set("pads", Integers{1, 1, 0, 0}).set("strides", Integers{2, 2}); };
  EXPECT_EQ(pooled("AveragePool", padded), (Floats{1, 2.5f, 5.5f, 7}));
  EXPECT_EQ(pooled("AveragePool", [&](NodeMaker& n) { padded(n), n.set("count_include_pad", 1); }),
            (Floats{0.25f, 1.25f, 2.75f, 7}));
}

TEST(Pools, SignalsAndWholeImages) {
  const Floats x = random_floats(2 * 6, 1);
  ModelMaker signal({kOpen, 2, 6});
  signal.node("MaxPool", {"x"}, "y").set("kernel_shape", Integers{3}).set("strides", Integers{3});
  const Ran ran = run(signal, x);
  EXPECT_EQ(ran.shape, (model::Shape{2, 2}));
  expect_near(ran.y, {std::max({x[0], x[1], x[2]}), std::max({x[3], x[4], x[5]}), std::max({x[6], x[7], x[8]}),
                      std::max({x[9], x[10], x[11]})});

  const Floats means = {(x[0] + x[1] + x[2] + x[3] + x[4] + x[5]) / 6, (x[6] + x[7] + x[8] + x[9] + x[10] + x[11]) / 6};
  ModelMaker average({kOpen, 2, 2, 3}), maximum({kOpen, 2, 2, 3}), average_signal({kOpen, 2, 6});
  average.node("GlobalAveragePool", {"x"}, "y");
  maximum.node("GlobalMaxPool", {"x"}, "y");
  average_signal.node("GlobalAveragePool", {"x"}, "y");
  EXPECT_EQ(run(average, x).shape, (model::Shape{2, 1, 1}));
  expect_near(run(average, x).y, means);
  EXPECT_EQ(run(average_signal, x).shape, (model::Shape{2, 1}));
  expect_near(run(average_signal, x).y, means);
  expect_near(run(maximum, x).y,
              {*std::max_element(x.begin(), x.begin() + 6), *std::max_element(x.begin() + 6, x.end())});

  for (std::int64_t opset : {13, 18}) {
    ModelMaker mean({kOpen, 2, 2, 3}, opset);
    mean.axes_node("ReduceMean", {-1, 2}, 18);
    EXPECT_EQ(run(mean, x).shape, (model::Shape{2, 1, 1}));
    expect_near(run(mean, x).y, means);
    NodeMaker(*mean.model.mutable_graph()->mutable_node(0)).set("keepdims", 0);
    EXPECT_EQ(run(mean, x).shape, (model::Shape{2}));
    expect_near(run(mean, x).y, means);
  }
}

TEST(Shapes, TheBatchStaysInFront) {
  const Floats x = random_floats(12, 1);
  struct Case {
    const char* what;
    std::function<void(ModelMaker&)> build;
    model::Shape shape;
  };
  auto reshape = [](Integers target) {
    return [target](ModelMaker& m) {
      m.integers("s", {static_cast<std::int64_t>(target.size())}, target).node("Reshape", {"x", "s"}, "t");
    };
  };
  auto axes = [](const char* op, Integers values) {
    return [=](ModelMaker& m) {
      m.integers("a", {static_cast<std::int64_t>(values.size())}, values).node(op, {"x", "a"}, "t");
    };
  };
  const Case cases[] = {
      {"flatten", [](ModelMaker& m) { m.node("Flatten", {"x"}, "t"); }, {12}},
      {"flatten from the end", [](ModelMaker& m) { m.node("Flatten", {"x"}, "t").set("axis", -3); }, {12}},
      {"flatten at 2", [](ModelMaker& m) { m.node("Flatten", {"x"}, "t").set("axis", 2); }, {12}},
      {"reshape -1", reshape({-1, 12}), {12}},
      {"reshape 0", reshape({0, -1}), {12}},
      {"reshape zeros copy", reshape({0, 0, -1, 2}), {1, 6, 2}},
      {"reshape 1", reshape({1, 4, 3}), {4, 3}},
      {"unsqueeze", axes("Unsqueeze", {-1, 1}), {1, 1, 3, 4, 1}},
      {"squeeze", axes("Squeeze", {1}), {3, 4}},
      {"squeeze from the end", axes("Squeeze", {-3}), {3, 4}},
      {"transpose",
       [](ModelMaker& m) {
         m.node("Transpose", {"x"}, "t").set("perm", Integers{0, 1, 3, 2});
       },
       {1, 4, 3}},
      {"identities",
       [](ModelMaker& m) {
         m.node("Identity", {"x"}, "i");
         m.node("Dropout", {"i"}, "d");
         m.node("Cast", {"d"}, "t").set("to", int{proto::TensorProto::FLOAT});
       },
       {1, 3, 4}},
      {"torch's view(x.size(0), -1)",
       [](ModelMaker& m) {
         m.node("Shape", {"x"}, "shape");
         m.integers("zero", {}, {0}).integers("minus_one", {1}, {-1}).integers("axis", {1}, {0});
         m.node("Gather", {"shape", "zero"}, "n").set("axis", 0);
         m.node("Unsqueeze", {"n", "axis"}, "n1");
         m.node("Concat", {"n1", "minus_one"}, "s").set("axis", 0);
         m.node("Reshape", {"x", "s"}, "t");
       },
       {12}},
      {"torch's flatten of a dynamic batch",
       [](ModelMaker& m) {
         m.node("Shape", {"x"}, "shape");
         m.integers("from", {1}, {0}).integers("to", {1}, {1}).integers("minus_one", {1}, {-1});
         m.node("Slice", {"shape", "from", "to"}, "n");
         m.node("Concat", {"n", "minus_one"}, "s").set("axis", 0);
         m.node("Reshape", {"x", "s"}, "t");
       },
       {12}},
  };
  for (const Case& c : cases) {
    for (std::int64_t batch : {kOpen, std::int64_t{1}, std::int64_t{5}}) {
      if (batch == 5 && std::string(c.what) == "reshape 1") continue;
      ModelMaker maker({batch, 1, 3, 4});
      c.build(maker);
      maker.node("Relu", {"t"}, "y");
      const Ran ran = run(maker, x);
      EXPECT_EQ(ran.shape, c.shape) << c.what << ", batch " << batch;
      Floats wanted = mapped(x, [](float v, std::size_t) { return std::max(v, 0.f); });
      if (std::string(c.what) == "transpose") {
        for (std::size_t i = 0; i < 12; ++i) wanted[i] = std::max(x[i % 3 * 4 + i / 3], 0.f);
      }
      EXPECT_EQ(ran.y, wanted) << c.what;
    }
  }
}

TEST(Shapes, AxesWereAttributesBeforeOperatorSet13) {
  ModelMaker squeeze({kOpen, 1, 4}, 11), unsqueeze({kOpen, 4}, 11);
  squeeze.axes_node("Squeeze", {1}, 13).node("Relu", {"y"}, "z");
  squeeze.model.mutable_graph()->mutable_output(0)->set_name("z");
  EXPECT_EQ(run(squeeze, random_floats(4, 1)).shape, (model::Shape{4}));
  unsqueeze.axes_node("Unsqueeze", {1}, 13).node("Relu", {"y"}, "z");
  unsqueeze.model.mutable_graph()->mutable_output(0)->set_name("z");
  EXPECT_EQ(run(unsqueeze, random_floats(4, 1)).shape, (model::Shape{1, 4}));
}

TEST(Shapes, AVectorOfFixedSizeHasNoBatch) {
  ModelMaker maker({4});
  maker.floats("w", {4, 2}, {1, 2, 3, 4, 5, 6, 7, 8}).floats("b", {2}, {1, -1});
  maker.node("MatMul", {"x", "w"}, "t");
  maker.node("Add", {"t", "b"}, "y");
  const Ran ran = run(maker, {1, 1, 1, 1});
  EXPECT_EQ(ran.shape, (model::Shape{2}));
  EXPECT_EQ(ran.y, (Floats{17, 19}));
}

TEST(Softmax, AxisDefaultsByOperatorSet) {
  const Floats x = random_floats(6, 1);
  Floats wanted;
  for (float v : x) wanted.push_back(std::exp(v));
  const float sum = wanted[0] + wanted[1] + wanted[2] + wanted[3] + wanted[4] + wanted[5];
  for (float& v : wanted) v /= sum;
  ModelMaker old_default({kOpen, 6}, 9), new_default({kOpen, 6}, 13), named({kOpen, 6}, 13),
      channels({kOpen, 6, 1, 1}, 13);
  old_default.node("Softmax", {"x"}, "y");
  new_default.node("Softmax", {"x"}, "y");
  named.node("Softmax", {"x"}, "y").set("axis", 1);
  channels.node("Softmax", {"x"}, "y").set("axis", 1);
  for (const ModelMaker* maker : {&old_default, &new_default, &named, &channels}) expect_near(run(*maker, x).y, wanted);
}

TEST(ArgMax, NeedsNoSoftmaxBeforeIt) {
  ModelMaker maker({kOpen, 2, 3});
  maker.node("Softmax", {"x"}, "p").set("axis", 2);
  maker.node("ArgMax", {"p"}, "i").set("axis", -1).set("keepdims", 0);
  maker.node("Cast", {"i"}, "y").set("to", int{proto::TensorProto::INT32});
  const Ran ran = run(maker, {1, 5, 5, -1, -2, -3});
  EXPECT_EQ(op_names(ran.graph), Names{"ArgMax"});
  EXPECT_EQ(ran.shape, (model::Shape{2}));
  EXPECT_EQ(ran.y, (Floats{1, 0}));
  ModelMaker kept({kOpen, 3});
  kept.node("ArgMax", {"x"}, "y").set("axis", 1);
  EXPECT_EQ(run(kept, {1, 2, 3}).shape, (model::Shape{1}));
}

TEST(Constants, MayBeComputedWhileImporting) {
  // w = transpose(reshape(v)) * 2 - 1, given as nodes.
  ModelMaker maker({kOpen, 3});
  maker.floats("v", {6}, {1, 2, 3, 4, 5, 6}).integers("shape", {2}, {2, -1}).floats("two", {}, {2});
  maker.node("Reshape", {"v", "shape"}, "v2");
  maker.node("Transpose", {"v2"}, "vt");
  maker.node("Mul", {"vt", "two"}, "vm");
  maker.node("Constant", {}, "one").set("value_float", 1.f);
  maker.node("Sub", {"vm", "one"}, "w");
  maker.node("MatMul", {"x", "w"}, "y");
  expect_near(run(maker, {1, 10, 100}).y, {1 + 30 + 500, 7 + 90 + 1100});

  ModelMaker zeros({kOpen, 3});
  zeros.integers("shape", {1}, {3});
  fill(zeros.node("ConstantOfShape", {"shape"}, "c").tensor("value"), {1}, Floats{4});
  zeros.node("Add", {"x", "c"}, "y");
  EXPECT_EQ(run(zeros, {1, 2, 3}).y, (Floats{5, 6, 7}));

  ModelMaker lists({kOpen, 4}, 9);  // Slice with attributes
  lists.node("Constant", {}, "list").set("value_ints", Integers{9, 2, 2, 9});
  lists.node("Slice", {"list"}, "middle").set("starts", Integers{1}).set("ends", Integers{-1});
  lists.node("Constant", {}, "batch").set("value_ints", Integers{-1});
  lists.node("Concat", {"batch", "middle"}, "shape").set("axis", 0);
  lists.node("Reshape", {"x", "shape"}, "t");
  lists.node("Relu", {"t"}, "y");
  EXPECT_EQ(run(lists, {1, 2, 3, 4}).shape, (model::Shape{2, 2}));
}

TEST(Cast, IntegerInputsMayBeCastToFloat) {
  ModelMaker maker({kOpen, 3});
  maker.model.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->set_elem_type(
      proto::TensorProto::UINT8);
  maker.node("Cast", {"x"}, "f").set("to", int{proto::TensorProto::FLOAT});
  maker.floats("c", {}, {255}).node("Div", {"f", "c"}, "y");
  expect_near(run(maker, {0, 51, 255}).y, {0, 0.2f, 1});
}

}  // namespace
}  // namespace blindproof::onnx
