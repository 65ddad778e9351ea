#include "blindproof/engine/fhe_exact.h"

#include <gtest/gtest.h>

#include <random>

#include "blindproof/engine/compile_model.h"
#include "blindproof/engine/run_model.h"
#include "blindproof/engine/samples.h"
#include "blindproof/engine/temporary_folder_test.h"
#include "blindproof/testing/graphs.h"

namespace blindproof::engine {
namespace {

using fheml::ExactScheme;
using fheml::Packing;
using model::IntegerGraph;
using testing::GraphBuilder;
using testing::TensorId;

class ExactInference : public TemporaryFolderTest {};

std::vector<std::vector<float>> random_inputs(const IntegerGraph& graph, std::size_t count) {
  std::mt19937_64 random(count);
  const model::Architecture& a = graph.architecture;
  std::uniform_int_distribution<std::int64_t> uniform(a.input_min, a.input_max);
  std::vector<std::vector<float>> result(count, std::vector<float>(model::element_count(a.shapes[a.input])));
  for (auto& sample : result) {
    for (float& value : sample) value = static_cast<float>(uniform(random));
  }
  return result;
}

IntegerGraph logistic(std::size_t features) {
  GraphBuilder b(model::Arithmetic::kExact, features);
  return b.finish(b.dense(b.input({features}, -128, 127), 1, 8, 16));
}

// A convolution with padding, a residual sum, a square, pooling, and a row of zeros at the end.
IntegerGraph convolutional() {
  GraphBuilder b(model::Arithmetic::kExact, 5);
  const TensorId x = b.input({2, 6, 6}, 0, 15);
  TensorId y = b.conv(x, 2, testing::window(3, 1, 1), 1, 4, 16);
  y = b.add(b.multiply(y, y), x, 1, -3);
  y = b.reshape(b.sum_pool(y, testing::window(2, 2)), {18});
  IntegerGraph graph = b.finish(b.dense(y, 4, 4));
  auto& weights = std::get<std::vector<std::int8_t>>(graph.values[graph.values.size() - 2]);
  std::fill(weights.begin(), weights.begin() + 18, std::int8_t{0});
  return graph;
}

void expect_equal(const IntegerGraph& graph, std::size_t inputs, const compiler::LowerExactOptions& options) {
  const auto outcome = run_exact_inference({&graph, random_inputs(graph, inputs), options});
  ASSERT_TRUE(outcome.ok()) << outcome.error().message();
  EXPECT_EQ(outcome->equal, inputs);
  EXPECT_EQ(outcome->outputs.size(), inputs);
}

TEST_F(ExactInference, GivesTheInterpretersIntegers) {
  for (const int hiding_bits : {0, 40}) {
    for (const Packing packing : {Packing::kSingle, Packing::kBatch}) {
      expect_equal(convolutional(), 3, {.hiding_bits = hiding_bits, .packing = packing});
      expect_equal(logistic(30), 3, {.hiding_bits = hiding_bits, .packing = packing});
    }
    expect_equal(logistic(30), 3, {.scheme = ExactScheme::kBgv, .hiding_bits = hiding_bits});
  }
}

TEST_F(ExactInference, TakesAsManyRowsOfATableAsThereAreSlots) {
  const IntegerGraph graph = logistic(13);
  expect_equal(graph, 4096, {.packing = Packing::kBatch});
  const auto outcome = run_exact_inference({&graph, random_inputs(graph, (1 << 16) + 1), {.packing = Packing::kBatch}});
  EXPECT_EQ(outcome.error().code, base::ErrorCode::kLimit);
}

// Two networks that were trained with squares, on real digits.
TEST_F(ExactInference, GivesTheIntegersOfRealNetworks) {
  const Path models = Path(BLINDPROOF_SOURCE_DIR) / "models" / "mnist";
  const Path compiled = folder() / "net.bpm";
  CompileOptions options;
  options.arithmetic = model::Arithmetic::kExact;
  ASSERT_TRUE(compile_model(models / "mlp_square.onnx", models / "mnist_calibration.npz", compiled, options).ok());
  const IntegerGraph graph = read_model(compiled)->graph;
  Samples samples = read_samples(models / "mnist_test.npz", graph.architecture.shapes[graph.architecture.input]).value();
  samples.x.resize(3);
  const auto outcome = run_exact_inference({&graph, samples.x, {}});
  ASSERT_TRUE(outcome.ok()) << outcome.error().message();
  EXPECT_EQ(outcome->equal, 3u);
  EXPECT_GT(outcome->exact.primes.size(), 1u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(top_class({10}, outcome->outputs[i]), samples.labels[i]);
    EXPECT_EQ(outcome->reals[i], model::dequantize_output(graph.architecture, outcome->outputs[i]));
  }
}

}  // namespace
}  // namespace blindproof::engine
