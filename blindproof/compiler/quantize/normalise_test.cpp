#include "blindproof/compiler/quantize/normalise.h"

#include <gtest/gtest.h>

#include "blindproof/compiler/quantize/float_graph_samples.h"

namespace blindproof::compiler {
namespace {

namespace op = model::float_op;

std::vector<std::string> ops(const model::FloatGraph& graph) {
  std::vector<std::string> names;
  for (const model::FloatNode& node : graph.nodes) names.emplace_back(model::op_name(node.op));
  return names;
}

using Names = std::vector<std::string>;

void expect_same_function(FloatSample& sample, const NormalisedGraph& normalised) {
  ASSERT_TRUE(model::validate(normalised.graph).ok()) << model::validate(normalised.graph).error().message();
  for (const auto& x : sample.samples(5, -1, 1)) {
    const auto expected = model::run_float(sample.graph, x)[normalised.scores];
    const auto got = model::run_float(normalised.graph, x)[normalised.graph.output];
    ASSERT_EQ(got.size(), expected.size());
    for (std::size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], expected[i], 2e-4 * (1 + std::fabs(expected[i])));
  }
}

TEST(Normalise, RandomGraphsKeepTheirFunction) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    FloatSample sample = random_float_sample(seed);
    ASSERT_TRUE(model::validate(sample.graph).ok()) << model::validate(sample.graph).error().message();
    const auto normalised = normalise(sample.graph);
    ASSERT_TRUE(normalised.ok());
    SCOPED_TRACE(seed);
    expect_same_function(sample, *normalised);
  }
}

TEST(Normalise, SoftmaxAndArgMaxBecomeTheFinish) {
  FloatSample softmax(1, {4});
  softmax.dense(3).apply(op::Softmax{});
  const auto a = normalise(softmax.graph);
  ASSERT_TRUE(a.ok());
  EXPECT_EQ(a->finish, model::Finish::kSoftmax);
  EXPECT_EQ(ops(a->graph), Names{"Dense"});
  FloatSample arg_max(1, {4});
  arg_max.dense(3).append(op::ArgMax{}, {arg_max.at}, {});
  const auto b = normalise(arg_max.graph);
  ASSERT_TRUE(b.ok());
  EXPECT_EQ(b->finish, model::Finish::kArgMax);
  FloatSample nothing(1, {4});
  nothing.apply(op::Softmax{});
  ASSERT_FALSE(normalise(nothing.graph).ok());
  EXPECT_EQ(normalise(nothing.graph).error().code, base::ErrorCode::kUnsupported);
}

TEST(Normalise, ScalesMergeIntoTheLayersAround) {
  FloatSample sample(2, {2, 6, 6});
  sample.scale_shift(0)
      .conv(4, 2, FloatSample::window(3))
      .scale_shift(0)
      .apply(op::Relu{})
      .scale_shift(0)
      .flatten()
      .dense(3);
  const auto normalised = normalise(sample.graph);
  ASSERT_TRUE(normalised.ok());
  EXPECT_EQ(ops(normalised->graph), (Names{"Conv2d", "Relu", "Reshape", "Dense"}));
  expect_same_function(sample, *normalised);
}

TEST(Normalise, AShiftBeforePaddingStaysALayerOfItsOwn) {
  FloatSample sample(3, {2, 6, 6});
  sample.scale_shift(0).conv(4, 1, FloatSample::window(3, 1, 1));
  const auto normalised = normalise(sample.graph);
  ASSERT_TRUE(normalised.ok());
  EXPECT_EQ(ops(normalised->graph), (Names{"Conv2d", "Conv2d"}));
  expect_same_function(sample, *normalised);
}

TEST(Normalise, ScalesOfAnyAxisBecomeDepthwiseConvolutions) {
  for (const model::Shape& shape : {model::Shape{5}, {3, 4}, {2, 3, 4}, {2, 3, 2, 2}, {1, 5}, {5, 1, 1}}) {
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
      FloatSample sample(4, shape);
      sample.apply(op::Relu{}).scale_shift(axis).apply(op::Tanh{});
      const auto normalised = normalise(sample.graph);
      ASSERT_TRUE(normalised.ok());
      expect_same_function(sample, *normalised);
      for (const std::string& name : ops(normalised->graph)) EXPECT_NE(name, "ScaleShift");
    }
  }
}

TEST(Normalise, ActivationsMoveUpToTheirLayer) {
  FloatSample sample(5, {1, 8, 8});
  sample.conv(3, 1, FloatSample::window(3))
      .max_pool(FloatSample::window(2, 2))
      .transpose({2, 0, 1})
      .flatten()
      .apply(op::Relu{})
      .dense(2);
  const auto normalised = normalise(sample.graph);
  ASSERT_TRUE(normalised.ok());
  EXPECT_EQ(ops(normalised->graph), (Names{"Conv2d", "Relu", "MaxPool2d", "Transpose", "Reshape", "Dense"}));
  expect_same_function(sample, *normalised);
}

TEST(Normalise, WhatNothingNeedsVanishes) {
  FloatSample sample(6, {4});
  sample.dense(3);
  const model::TensorId kept = sample.at;
  sample.dense(7).apply(op::Relu{});
  sample.append(op::Tanh{}, {kept}, {3});
  const auto normalised = normalise(sample.graph);
  ASSERT_TRUE(normalised.ok());
  EXPECT_EQ(ops(normalised->graph), (Names{"Dense", "Tanh"}));
  expect_same_function(sample, *normalised);
}

}  // namespace
}  // namespace blindproof::compiler
