// Graphs as scikit-learn's exporter (skl2onnx 1.16) writes them.
#include <gtest/gtest.h>

#include <cmath>

#include "blindproof/onnx/model_maker.h"

namespace blindproof::onnx {
namespace {

using Names = std::vector<std::string>;

float sigmoid(float z) { return 1 / (1 + std::exp(-z)); }

Floats softmax(Floats z) {
  float sum = 0;
  for (float& v : z) sum += v = std::exp(v);
  for (float& v : z) v /= sum;
  return z;
}

// LinearClassifier, Normalizer, and labels and probabilities behind a Cast and a ZipMap.
ModelMaker classifier(const std::string& transform, std::int64_t classes, const Floats& coefficients,
                      const Floats& intercepts, bool zip_map) {
  ModelMaker maker({kOpen, 2});
  maker.model.mutable_graph()->clear_output();
  Integers labels;
  for (std::int64_t i = 0; i < classes; ++i) labels.push_back(i);
  maker.ml_node("LinearClassifier", {"x"}, "label")
      .set("coefficients", coefficients)
      .set("intercepts", intercepts)
      .set("classlabels_ints", labels)
      .set("multi_class", transform == "SOFTMAX" ? 1 : 0)
      .set("post_transform", transform.c_str())
      .proto()
      .add_output("probability_tensor");
  maker.node("Cast", {"label"}, "output_label").set("to", int{proto::TensorProto::INT64});
  maker.ml_node("Normalizer", {"probability_tensor"}, "probabilities").set("norm", "L1");
  maker.add_output("output_label", proto::TensorProto::INT64);
  if (zip_map) {
    maker.ml_node("ZipMap", {"probabilities"}, "output_probability").set("classlabels_int64s", labels);
    auto& info = *maker.model.mutable_graph()->add_output();
    info.set_name("output_probability");
    info.mutable_type()->mutable_sequence_type();
  } else {
    maker.add_output("probabilities");
  }
  return maker;
}

TEST(Sklearn, MultinomialLogisticRegressionGivesProbabilities) {
  const Floats x = {0.5f, -1.5f};
  for (bool zip_map : {false, true}) {
    const Ran ran = run(classifier("SOFTMAX", 3, {1, 2, 3, 4, 5, 6}, {0.5f, 0, -0.5f}, zip_map), x);
    EXPECT_EQ(op_names(ran.graph), (Names{"Dense", "Softmax"}));
    expect_near(ran.y, softmax({1 * x[0] + 2 * x[1] + 0.5f, 3 * x[0] + 4 * x[1], 5 * x[0] + 6 * x[1] - 0.5f}));
  }
}

TEST(Sklearn, BinaryLogisticRegressionBecomesASoftmax) {
  const Floats x = {0.5f, -1.5f};
  const Ran ran = run(classifier("LOGISTIC", 2, {-1, -2, 1, 2}, {-0.5f, 0.5f}, true), x);
  const float z = x[0] + 2 * x[1] + 0.5f;
  EXPECT_EQ(op_names(ran.graph), (Names{"Dense", "Softmax"}));
  expect_near(ran.y, {sigmoid(-z), sigmoid(z)});
}

TEST(Sklearn, OneVersusRestIsRefusedWithAdvice) {
  const auto graph = classifier("LOGISTIC", 3, {1, 2, 3, 4, 5, 6}, {0, 0, 0}, true).import();
  ASSERT_FALSE(graph.ok());
  EXPECT_EQ(graph.error().code, base::ErrorCode::kUnsupported);
  EXPECT_NE(graph.error().message().find("'the_Normalizer' (ai.onnx.ml.Normalizer)"), std::string::npos)
      << graph.error().message();
  EXPECT_NE(graph.error().message().find("multinomial"), std::string::npos);
}

TEST(Sklearn, TheLabelOutputAloneIsRefused) {
  ModelMaker maker = classifier("SOFTMAX", 3, {1, 2, 3, 4, 5, 6}, {0, 0, 0}, true);
  const auto graph = maker.import({}, {.output = "output_label"});
  ASSERT_FALSE(graph.ok());
  EXPECT_NE(graph.error().message().find("its output 'label' is needed, which is not supported"), std::string::npos)
      << graph.error().message();
  EXPECT_EQ(maker.import({}, {.output = "nothing"}).error().code, base::ErrorCode::kInvalidArgument);
}

TEST(Sklearn, WrongCoefficientsAreRefused) {
  EXPECT_FALSE(classifier("SOFTMAX", 3, {1, 2, 3, 4, 5}, {0, 0, 0}, true).import().ok());
  EXPECT_FALSE(classifier("SOFTMAX", 3, {1, 2}, {0}, true).import().ok());
  EXPECT_FALSE(classifier("SOFTMAX", 0, {}, {}, true).import().ok());
  EXPECT_FALSE(classifier("SOFTMAX", 3, {1, 2, 3, 4, 5, 6}, {0, 0}, true).import().ok());
  EXPECT_FALSE(classifier("PROBIT", 3, {1, 2, 3, 4, 5, 6}, {0, 0, 0}, true).import().ok());
}

TEST(Sklearn, ScaledLinearRegression) {
  ModelMaker maker({kOpen, 2});
  maker.ml_node("Scaler", {"x"}, "scaled").set("offset", Floats{1, 2}).set("scale", Floats{0.5f, 4});
  maker.ml_node("LinearRegressor", {"scaled"}, "y").set("coefficients", Floats{3, -1}).set("intercepts", Floats{10});
  const Ran ran = run(maker, {5, 2.5f});
  EXPECT_EQ(op_names(ran.graph), (Names{"ScaleShift", "Dense"}));
  expect_near(ran.y, {3 * 2 - 2 + 10});

  ModelMaker two_targets({kOpen, 2});
  two_targets.ml_node("LinearRegressor", {"x"}, "y").set("coefficients", Floats{1, 2, 3, 4}).set("targets", 2);
  expect_near(run(two_targets, {1, 10}).y, {21, 43});
}

TEST(Sklearn, NeuralNetworksOfTwoClassesEndInOneMinusP) {
  // MLPClassifier: probabilities from Sub and Concat, labels from a branch that is left out.
  ModelMaker maker({kOpen, 2});
  maker.model.mutable_graph()->clear_output();
  maker.node("Cast", {"x"}, "input").set("to", int{proto::TensorProto::FLOAT});
  maker.floats("w", {2, 1}, {1, -2}).floats("b", {1, 1}, {0.25f}).floats("one", {}, {1});
  maker.node("MatMul", {"input", "w"}, "product");
  maker.node("Add", {"product", "b"}, "z");
  maker.node("Sigmoid", {"z"}, "p");
  maker.node("Sub", {"one", "p"}, "q");
  maker.node("Concat", {"q", "p"}, "probabilities").set("axis", 1);
  maker.node("ArgMax", {"probabilities"}, "index").set("axis", 1);
  maker.integers("classes", {2}, {0, 1});
  maker.ml_node("ArrayFeatureExtractor", {"classes", "index"}, "label");
  maker.add_output("label", proto::TensorProto::INT64);
  maker.add_output("probabilities");
  const Ran ran = run(maker, {0.5f, 0.75f});
  const float z = 0.5f - 1.5f + 0.25f;
  EXPECT_EQ(op_names(ran.graph), (Names{"Dense", "Dense", "Softmax"}));
  expect_near(ran.y, {1 - sigmoid(z), sigmoid(z)});
}

}  // namespace
}  // namespace blindproof::onnx
