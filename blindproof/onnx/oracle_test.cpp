// Models from PyTorch, scikit-learn and ONNX's own helpers, against what onnxruntime computes from them.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <set>

#include "blindproof/arrays/npz.h"
#include "blindproof/model/float_graph.h"
#include "blindproof/onnx/import.h"

namespace blindproof::onnx {
namespace {

const std::filesystem::path kModels = std::filesystem::path(BLINDPROOF_SOURCE_DIR) / "models";

// models/operators/make_operators.py makes them; a name that is missing there, or here, is a failure.
const char* const kOperatorModels[] = {"argmax",
                                       "avgpool",
                                       "avgpool_pad",
                                       "batchnorm_alone",
                                       "clip_attributes",
                                       "clip_inputs",
                                       "constant_operands",
                                       "conv_batchnorm",
                                       "conv_depthwise_1x1",
                                       "conv_dilation",
                                       "conv_groups",
                                       "conv_no_bias",
                                       "conv_same_upper",
                                       "conv_stride_pad",
                                       "external_data",
                                       "flatten",
                                       "gelu",
                                       "gelu_erf",
                                       "gemm_alpha_beta",
                                       "global_avgpool",
                                       "identity_constant",
                                       "matmul_add",
                                       "maxpool",
                                       "maxpool_pad",
                                       "mul_branches",
                                       "opset7_cnn",
                                       "pow2",
                                       "relu",
                                       "reshape_constant",
                                       "reshape_initializer",
                                       "residual_add",
                                       "sigmoid",
                                       "silu",
                                       "sklearn_logreg",
                                       "sklearn_mlp",
                                       "sklearn_scaler_mlp",
                                       "softmax",
                                       "sub_branches",
                                       "tanh",
                                       "torch_dynamo_cnn",
                                       "transpose"};

struct Samples {
  std::size_t count = 0;
  std::vector<float> x, y;
};

Samples read_samples(const std::filesystem::path& path, const std::string& output) {
  auto arrays = arrays::read_npz(path);
  EXPECT_TRUE(arrays.ok()) << arrays.error().message();
  if (!arrays.ok()) return {};
  const auto x = arrays::take_array(*arrays, "x", path.string()),
             y = arrays::take_array(*arrays, output, path.string());
  EXPECT_TRUE(x.ok() && y.ok());
  if (!x.ok() || !y.ok()) return {};
  return {x->shape.at(0), arrays::to_floats(*x).value(), arrays::to_floats(*y).value()};
}

TEST(Oracle, OperatorsAgreeWithOnnxruntime) {
  for (const std::string name : kOperatorModels) {
    SCOPED_TRACE(name);
    const auto graph = import_onnx(kModels / "operators" / (name + ".onnx"));
    EXPECT_TRUE(graph.ok()) << graph.error().message();
    const Samples samples = read_samples(kModels / "operators" / (name + ".npz"), "y_float");
    if (!graph.ok() || samples.count == 0) continue;
    const std::size_t inputs = samples.x.size() / samples.count, outputs = samples.y.size() / samples.count;
    EXPECT_EQ(inputs, model::element_count(graph->shapes[graph->input]));
    EXPECT_EQ(outputs, model::element_count(graph->shapes[graph->output]));
    float worst = 0;
    for (std::size_t i = 0; i < samples.count; ++i) {
      const auto y = model::run_float(*graph, std::span(samples.x).subspan(i * inputs, inputs))[graph->output];
      for (std::size_t j = 0; j < outputs; ++j) {
        const float wanted = samples.y[i * outputs + j];
        worst = std::max(worst, std::fabs(y[j] - wanted) / (1 + std::fabs(wanted)));
      }
    }
    EXPECT_LT(worst, 1e-5f);
  }
}

TEST(Oracle, NoOperatorModelIsForgotten) {
  const std::set<std::string> known(std::begin(kOperatorModels), std::end(kOperatorModels));
  for (const auto& file : std::filesystem::directory_iterator(kModels / "operators")) {
    if (file.path().extension() != ".onnx") continue;
    EXPECT_TRUE(known.contains(file.path().stem().string())) << file.path();
  }
}

TEST(Oracle, DigitsAreRecognised) {
  const Samples samples = read_samples(kModels / "mnist" / "mnist_test.npz", "y");
  ASSERT_GT(samples.count, 0u);
  const std::size_t inputs = samples.x.size() / samples.count;
  for (const std::string name : {"mlp", "mlp_square", "lenet5", "lenet5_square"}) {
    const auto graph = import_onnx(kModels / "mnist" / (name + ".onnx"));
    ASSERT_TRUE(graph.ok()) << graph.error().message();
    std::size_t right = 0;
    for (std::size_t i = 0; i < samples.count; ++i) {
      const auto y = model::run_float(*graph, std::span(samples.x).subspan(i * inputs, inputs))[graph->output];
      right += static_cast<float>(std::max_element(y.begin(), y.end()) - y.begin()) == samples.y[i] ? 1u : 0u;
    }
    EXPECT_GE(static_cast<double>(right), 0.97 * static_cast<double>(samples.count)) << name;
  }
}

}  // namespace
}  // namespace blindproof::onnx
