// The project's promise on its own models: integers within half a percentage point of floats.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "blindproof/arrays/npz.h"
#include "blindproof/compiler/quantize/quantize.h"
#include "blindproof/onnx/import.h"

namespace blindproof::compiler {
namespace {

const std::filesystem::path kFolder = std::filesystem::path(BLINDPROOF_SOURCE_DIR) / "models" / "mnist";

struct Digits {
  std::vector<std::vector<float>> x;
  std::vector<std::uint32_t> y;
};

Digits read_digits(const char* file) {
  auto arrays = arrays::read_npz(kFolder / file);
  EXPECT_TRUE(arrays.ok()) << arrays.error().message();
  const auto values = arrays::to_floats(arrays->at("x"));
  const auto labels = arrays::to_int64(arrays->at("y"));
  EXPECT_TRUE(values.ok() && labels.ok());
  Digits digits;
  digits.y.assign(labels->begin(), labels->end());
  const std::size_t size = values->size() / labels->size();
  for (auto at = values->begin(); at != values->end(); at += static_cast<std::ptrdiff_t>(size)) {
    digits.x.emplace_back(at, at + static_cast<std::ptrdiff_t>(size));
  }
  return digits;
}

template <class Score>
bool is_right(const std::vector<Score>& scores, std::uint32_t label) {
  return std::max_element(scores.begin(), scores.end()) - scores.begin() == label;
}

void expect_accurate(const char* file, const QuantizeOptions& given) {
  static const Digits calibration = read_digits("mnist_calibration.npz"), test = read_digits("mnist_test.npz");
  const auto graph = onnx::import_onnx(kFolder / file);
  ASSERT_TRUE(graph.ok()) << graph.error().message();
  QuantizeOptions options = given;
  options.labels = calibration.y;
  const auto outcome = quantize(*graph, calibration.x, options);
  ASSERT_TRUE(outcome.ok()) << file << ": " << outcome.error().message();
  EXPECT_GE(outcome->agreement, 99) << file;
  int float_right = 0, integer_right = 0;
  for (std::size_t i = 0; i < test.x.size(); ++i) {
    const auto input = model::quantize_input(outcome->graph.architecture, test.x[i]);
    ASSERT_TRUE(input.ok());
    float_right += is_right(model::run_float(*graph, test.x[i])[graph->output], test.y[i]);
    integer_right += is_right(model::run_integer(outcome->graph, *input), test.y[i]);
  }
  EXPECT_GE(integer_right, float_right - static_cast<int>(test.x.size()) / 200) << file;
}

TEST(Mnist, RescaledModelsLoseAtMostHalfAPoint) {
  for (const char* file : {"mlp.onnx", "lenet5.onnx", "mlp_square.onnx", "lenet5_square.onnx"}) {
    for (bool per_channel : {true, false}) {
      expect_accurate(file, {.weight_bits = 8, .activation_bits = 8, .per_channel = per_channel});
    }
  }
}

TEST(Mnist, ExactModelsLoseAtMostHalfAPoint) {
  for (const char* file : {"mlp_square.onnx", "lenet5_square.onnx"}) {
    expect_accurate(file, {.arithmetic = model::Arithmetic::kExact, .weight_bits = 8, .activation_bits = 8});
  }
}

}  // namespace
}  // namespace blindproof::compiler
