#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "blindproof/model/float_graph.h"

namespace blindproof::model {
namespace {

using namespace float_op;

// Appends nodes that each read the previous one.
struct Chain {
  FloatGraph graph;

  explicit Chain(Shape input) { graph.shapes.push_back(std::move(input)); }
  Chain& then(FloatOp op, Shape shape) {
    const TensorId from = graph.output;
    graph.output = static_cast<TensorId>(graph.shapes.size());
    graph.nodes.push_back({std::move(op), {from}, graph.output, "node"});
    graph.shapes.push_back(std::move(shape));
    return *this;
  }
};

const std::vector<float> kInput = {0.5f, -1, 2, 3, 0.25f, -0.75f, 1, 7};

void expect_same_function(const FloatGraph& a, const FloatGraph& b) {
  ASSERT_TRUE(validate(a).ok()) << validate(a).error().message();
  ASSERT_TRUE(validate(b).ok()) << validate(b).error().message();
  const auto ya = run_float(a, kInput)[a.output], yb = run_float(b, kInput)[b.output];
  ASSERT_EQ(ya.size(), yb.size());
  for (std::size_t i = 0; i < ya.size(); ++i) EXPECT_NEAR(ya[i], yb[i], 1e-5f * (1 + std::fabs(ya[i])));
}

TEST(FoldScaleShift, DisappearsIntoDenseConvAndScaleShift) {
  const Dense dense{2, 8, {1, 2, 3, 4, 5, 6, 7, 8, -1, -2, -3, -4, -5, -6, -7, -8}, {}};
  const Conv2d conv{2, 2, 1, {}, {1, 2, 3, 4}, {0.5f, -0.5f}};
  const FloatGraph chains[] = {
      Chain({8}).then(dense, {2}).then(ScaleShift{0, {2, 3}, {10, 20}}, {2}).graph,
      Chain({2, 2, 2}).then(conv, {2, 2, 2}).then(ScaleShift{0, {2, 3}, {10, 20}}, {2, 2, 2}).graph,
      Chain({2, 2, 2}).then(conv, {2, 2, 2}).then(ScaleShift{2, {3, 3}, {4, 4}}, {2, 2, 2}).graph,
      Chain({2, 4}).then(ScaleShift{0, {2, 3}, {1, 2}}, {2, 4}).then(ScaleShift{0, {5, 7}, {3, 4}}, {2, 4}).graph,
  };
  for (const FloatGraph& graph : chains) {
    const FloatGraph folded = fold_scale_shift(graph);
    EXPECT_EQ(folded.nodes.size(), 1u);
    expect_same_function(graph, folded);
  }
  const FloatGraph long_chain = Chain({8})
                                    .then(dense, {2})
                                    .then(ScaleShift{0, {2, 3}, {10, 20}}, {2})
                                    .then(ScaleShift{0, {4, 4}, {1, 1}}, {2})
                                    .then(Relu{}, {2})
                                    .graph;
  const FloatGraph folded = fold_scale_shift(long_chain);
  EXPECT_EQ(folded.nodes.size(), 2u);
  expect_same_function(long_chain, folded);
}

TEST(FoldScaleShift, StaysWhereItsAxisDiffersOrSomebodyElseReadsTheTensor) {
  const Conv2d conv{2, 2, 1, {}, {1, 2, 3, 4}, {}};
  const FloatGraph other_axis =
      Chain({2, 2, 2}).then(conv, {2, 2, 2}).then(ScaleShift{1, {2, 3}, {10, 20}}, {2, 2, 2}).graph;
  EXPECT_EQ(fold_scale_shift(other_axis).nodes.size(), 2u);

  FloatGraph shared = Chain({2, 2, 2}).then(conv, {2, 2, 2}).then(ScaleShift{0, {2, 3}, {1, 2}}, {2, 2, 2}).graph;
  shared.nodes.push_back({Add{}, {1, 2}, 3, "residual"});
  shared.shapes.push_back({2, 2, 2});
  shared.output = 3;
  EXPECT_EQ(fold_scale_shift(shared).nodes.size(), 3u);
  expect_same_function(shared, fold_scale_shift(shared));
}

TEST(FoldScaleShift, StaysWhereTheProductWouldOverflow) {
  const float huge = std::numeric_limits<float>::max();
  const FloatGraph graph = Chain({8})
                               .then(ScaleShift{0, std::vector<float>(8, huge), std::vector<float>(8, 0)}, {8})
                               .then(ScaleShift{0, std::vector<float>(8, huge), std::vector<float>(8, 0)}, {8})
                               .graph;
  EXPECT_EQ(fold_scale_shift(graph).nodes.size(), 2u);
}

}  // namespace
}  // namespace blindproof::model
