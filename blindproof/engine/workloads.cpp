#include "blindproof/engine/workloads.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <utility>

#include "blindproof/compiler/quantize/quantize.h"
#include "blindproof/engine/samples.h"
#include "blindproof/onnx/import.h"

namespace blindproof::engine {
namespace {

using base::ErrorCode;
using Random = std::mt19937_64;
namespace op = model::float_op;

struct Recipe {
  std::string_view name;
  std::string_view file;            // a real network on digits, or
  std::vector<std::size_t> widths;  // a seeded one
};

const std::vector<Recipe>& recipes() {
  static const std::vector<Recipe> all = {
      {"mnist-mlp", "mlp.onnx", {}},
      {"lenet5", "lenet5.onnx", {}},
      {"mlp-2m", "", {784, 2000, 60, 4000, 10}},
      {"mlp-10m", "", {784, 2048, 2048, 2048, 10}},
  };
  return all;
}

constexpr std::size_t kCalibrationSamples = 32;
constexpr std::size_t kProvenSamples = 16;

// Weights as training leaves them: normal, of a variance that keeps activations of one size from layer to layer.
op::Dense dense(std::size_t outputs, std::size_t inputs, Random& random) {
  op::Dense layer{outputs, inputs, std::vector<float>(outputs * inputs), std::vector<float>(outputs)};
  std::normal_distribution<float> weight(0.0F, std::sqrt(2.0F / static_cast<float>(inputs)));
  std::normal_distribution<float> bias(0.0F, 0.1F);
  for (float& value : layer.weight) value = weight(random);
  for (float& value : layer.bias) value = bias(random);
  return layer;
}

model::FloatGraph seeded_mlp(const std::vector<std::size_t>& widths, Random& random) {
  model::FloatGraph graph;
  graph.shapes.push_back({widths[0]});
  const auto append = [&](model::FloatOp operation, std::size_t width) {
    const auto input = static_cast<model::TensorId>(graph.shapes.size() - 1);
    graph.shapes.push_back({width});
    graph.nodes.push_back({std::move(operation), {input}, input + 1, "layer " + std::to_string(graph.nodes.size())});
  };
  for (std::size_t i = 1; i < widths.size(); ++i) {
    append(dense(widths[i], widths[i - 1], random), widths[i]);
    if (i + 1 < widths.size()) append(op::Relu{}, widths[i]);
  }
  graph.output = static_cast<model::TensorId>(graph.shapes.size() - 1);
  return graph;
}

// Mostly dark with bright strokes, like digits.
std::vector<float> seeded_image(std::size_t size, Random& random) {
  std::uniform_real_distribution<float> uniform(0.0F, 1.0F);
  std::vector<float> image(size);
  for (float& pixel : image) pixel = uniform(random) < 0.8F ? 0.0F : uniform(random);
  return image;
}

base::Result<Workload> make_seeded(const Recipe& recipe) {
  Random random(20240229);
  const model::FloatGraph graph = seeded_mlp(recipe.widths, random);
  std::vector<std::vector<float>> images;
  for (std::size_t i = 0; i < kCalibrationSamples; ++i) images.push_back(seeded_image(recipe.widths[0], random));
  compiler::QuantizeOptions options;
  options.max_accuracy_loss = 100;  // it was never trained: its answers are not to be judged
  BLINDPROOF_ASSIGN(compiler::QuantizeOutcome quantized, compiler::quantize(graph, images, options));
  images.resize(kProvenSamples);
  return Workload{std::move(quantized.graph), std::move(images)};
}

base::Result<Workload> make_real(const Recipe& recipe, const Path& models) {
  const Path folder = (models.empty() ? Path(BLINDPROOF_MODELS_DIR) : models) / "mnist";
  std::error_code ignored;
  if (!std::filesystem::exists(folder / recipe.file, ignored)) {
    return base::error(ErrorCode::kInvalidArgument, (folder / recipe.file).string(),
                       "is missing; give the source tree's folder models/ with --models");
  }
  BLINDPROOF_ASSIGN(const model::FloatGraph graph, onnx::import_onnx(folder / recipe.file));
  const model::Shape& shape = graph.shapes[graph.input];
  BLINDPROOF_ASSIGN(Samples calibration, read_samples(folder / "mnist_calibration.npz", shape));
  BLINDPROOF_ASSIGN(Samples digits, read_samples(folder / "mnist_test.npz", shape));
  compiler::QuantizeOptions options;
  options.labels = std::move(calibration.labels);
  BLINDPROOF_ASSIGN(compiler::QuantizeOutcome quantized, compiler::quantize(graph, calibration.x, options));
  digits.x.resize(std::min(digits.x.size(), kProvenSamples));
  return Workload{std::move(quantized.graph), std::move(digits.x)};
}

}  // namespace

std::vector<std::string> workload_names() {
  std::vector<std::string> names;
  for (const Recipe& recipe : recipes()) names.emplace_back(recipe.name);
  return names;
}

base::Result<Workload> make_workload(std::string_view name, const Path& models) {
  for (const Recipe& recipe : recipes())
    if (recipe.name == name) return recipe.widths.empty() ? make_real(recipe, models) : make_seeded(recipe);
  std::string known;
  for (const std::string& other : workload_names()) known += (known.empty() ? "" : ", ") + other;
  return base::error(ErrorCode::kInvalidArgument, "--workload",
                     "there is no workload '" + std::string(name) + "'; choose one of " + known);
}

}  // namespace blindproof::engine
