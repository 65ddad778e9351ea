// Real models from their ONNX files to proofs: accuracy, exactness against the interpreter, every operator proven.
//
// BLINDPROOF_SEED replays a choice of digits; BLINDPROOF_ALL_DIGITS=1 runs all 2,000 in the clear interpretation (the test
// models_all_digits_test, label slow).
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "blindproof/arrays/npz.h"
#include "blindproof/base/thread_pool.h"
#include "blindproof/compiler/quantize/quantize.h"
#include "blindproof/onnx/import.h"
#include "blindproof/zkml/inference.h"
#include "blindproof/zkml/prove.h"

namespace blindproof {
namespace {

const std::filesystem::path kModels = std::filesystem::path(BLINDPROOF_SOURCE_DIR) / "models";

struct Samples {
  std::vector<std::vector<float>> x;
  std::vector<std::uint32_t> y;
};

Samples load(const std::filesystem::path& path) {
  auto arrays = arrays::read_npz(path);
  EXPECT_TRUE(arrays.ok()) << (arrays.ok() ? "" : arrays.error().message());
  Samples samples;
  const arrays::Array& x = arrays->at("x");
  const std::vector<float> values = *arrays::to_floats(x);
  const std::size_t count = x.shape[0], size = values.size() / count;
  for (std::size_t i = 0; i < count; ++i) samples.x.emplace_back(values.begin() + static_cast<std::ptrdiff_t>(i * size), values.begin() + static_cast<std::ptrdiff_t>((i + 1) * size));
  if (arrays->contains("y"))
    for (std::int64_t label : *arrays::to_int64(arrays->at("y"))) samples.y.push_back(static_cast<std::uint32_t>(label));
  return samples;
}

std::uint64_t seed() {
  const char* given = std::getenv("BLINDPROOF_SEED");
  const std::uint64_t value = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::printf("BLINDPROOF_SEED=%llu\n", static_cast<unsigned long long>(value));
  return value;
}

template <class Value>
std::size_t largest(const std::vector<Value>& values) {
  return static_cast<std::size_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

// Records that don't hold for an honest run, without group operations.
std::vector<std::string> run_clear(const zkml::CommittedModel& model, const std::vector<std::int64_t>& input) {
  zkml::Witness witness;
  witness.parameters = &model.secrets();
  zkml::Statement statement;
  statement.model = model.key().id;
  statement.input.values.assign(input.begin(), input.end());
  if (model.graph().architecture.arithmetic == model::Arithmetic::kRescaled) {
    witness.trace = model::run_rescaled(model.graph(), input);
  } else {
    witness.trace = model::run_exact(model.graph(), input);
  }
  statement.output.values = model::run_integer(model.graph(), input);
  zkml::fill_columns(model.key(), model.graph(), witness);
  proof::zk::ClearContext context(zkml::Generators::standard(), zkml::kInferenceProtocol);
  const base::Status status = zkml::run_inference(context, model.key(), statement, &witness);
  if (!status.ok()) return {status.error().message()};
  return context.finish_clear();
}

class Digits : public testing::TestWithParam<const char*> {};

TEST_P(Digits, KeepTheirAccuracyAndAreProvenExactly) {
  const std::string name = GetParam();
  const bool exact = name.find("square") != std::string::npos;
  const auto graph = onnx::import_onnx(kModels / "mnist" / (name + ".onnx"));
  ASSERT_TRUE(graph.ok()) << graph.error().message();
  const Samples calibration = load(kModels / "mnist" / "mnist_calibration.npz"), test = load(kModels / "mnist" / "mnist_test.npz");
  ASSERT_EQ(test.x.size(), 2000u);
  compiler::QuantizeOptions options;
  options.arithmetic = exact ? model::Arithmetic::kExact : model::Arithmetic::kRescaled;
  options.labels = calibration.y;
  auto outcome = compiler::quantize(*graph, calibration.x, options);
  ASSERT_TRUE(outcome.ok()) << outcome.error().message();
  const model::IntegerGraph integer = std::move(outcome->graph);
  const model::Architecture& arch = integer.architecture;

  std::vector<std::vector<std::int64_t>> inputs(test.x.size());
  std::vector<char> float_right(test.x.size()), integer_right(test.x.size());
  base::parallel_for(test.x.size(), [&](std::size_t i) {
    inputs[i] = *model::quantize_input(arch, test.x[i]);
    float_right[i] = largest(model::run_float(*graph, test.x[i])[graph->output]) == test.y[i];
    integer_right[i] = largest(model::run_integer(integer, inputs[i])) == test.y[i];
  });
  const double float_accuracy = static_cast<double>(std::count(float_right.begin(), float_right.end(), 1)) / 20;
  const double integer_accuracy = static_cast<double>(std::count(integer_right.begin(), integer_right.end(), 1)) / 20;
  std::printf("%s: float %.2f%%, integer %.2f%%\n", name.c_str(), float_accuracy, integer_accuracy);
  EXPECT_GE(float_accuracy, name == "mlp" ? 95.0 : name == "lenet5" ? 97.5 : 0.0);
  EXPECT_LE(std::abs(float_accuracy - integer_accuracy), 0.5);

  zkml::Seed blinding{};
  blinding[0] = 1;
  const auto model = zkml::CommittedModel::commit(integer, blinding);
  ASSERT_TRUE(model.ok()) << model.error().message();
  const char* all = std::getenv("BLINDPROOF_ALL_DIGITS");
  const std::size_t clear = all != nullptr && *all == '1' ? inputs.size() : 40;
  for (std::size_t i = 0; i < clear; ++i) ASSERT_EQ(run_clear(*model, inputs[i]), std::vector<std::string>{}) << "digit " << i;

  const auto registered = zkml::RegisteredModel::check(model->shared_key());
  ASSERT_TRUE(registered.ok()) << registered.error().message();
  std::mt19937_64 random(seed());
  for (int round = 0; round < 20; ++round) {
    const std::size_t i = random() % inputs.size();
    const auto proof = zkml::prove_inference(*model, inputs[i], {true, false, {}});
    ASSERT_TRUE(proof.ok()) << proof.error().message();
    EXPECT_EQ(proof->output, model::run_integer(integer, inputs[i]));
    EXPECT_EQ(proof->proof.statement.output.values, proof->output);
    const base::Status verdict = zkml::verify_inference(*registered, proof->proof);
    EXPECT_TRUE(verdict.ok()) << "digit " << i << ": " << verdict.error().message();
  }
}

INSTANTIATE_TEST_SUITE_P(Models, Digits, testing::Values("mlp", "lenet5", "mlp_square", "lenet5_square"),
                         [](const auto& tested) { return std::string(tested.param); });

// Every network of models/operators: imported, quantised, proven; and a prover who claims another output is refused.
TEST(Operators, EveryNetworkIsProvenAndAWrongOutputRefused) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(kModels / "operators"))
    if (entry.path().extension() == ".onnx") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  ASSERT_GE(files.size(), 30u);
  for (const auto& file : files) {
    SCOPED_TRACE(file.filename().string());
    const auto graph = onnx::import_onnx(file);
    ASSERT_TRUE(graph.ok()) << graph.error().message();
    std::filesystem::path data = file;
    const Samples samples = load(data.replace_extension(".npz"));
    compiler::QuantizeOptions options;
    options.max_accuracy_loss = 100;  // random networks: agreement is checked by the quantiser's own tests
    auto outcome = compiler::quantize(*graph, samples.x, options);
    ASSERT_TRUE(outcome.ok()) << outcome.error().message();
    auto model = zkml::CommittedModel::commit(outcome->graph, zkml::Seed{});
    ASSERT_TRUE(model.ok()) << model.error().message();
    const auto registered = zkml::RegisteredModel::check(model->shared_key());
    ASSERT_TRUE(registered.ok()) << registered.error().message();
    const auto input = model::quantize_input(outcome->graph.architecture, samples.x[0]);
    ASSERT_TRUE(input.ok());
    const auto proof = zkml::prove_inference(*model, *input, {true, false, {}});
    ASSERT_TRUE(proof.ok()) << proof.error().message();
    const base::Status verdict = zkml::verify_inference(*registered, proof->proof);
    EXPECT_TRUE(verdict.ok()) << verdict.error().message();

    // The cheat: another output from the start, everything else honest.
    zkml::Statement statement;
    statement.model = model->key().id;
    statement.input.values.assign(input->begin(), input->end());
    statement.output.values = proof->output;
    statement.output.values.back() += 1;
    zkml::Witness witness;
    witness.parameters = &model->secrets();
    witness.trace = model::run_rescaled(outcome->graph, *input);
    zkml::fill_columns(model->key(), outcome->graph, witness);
    const base::Bytes entropy(32, 9);
    proof::zk::ProverContext context(zkml::Generators::standard(), zkml::kInferenceProtocol, entropy, entropy);
    ASSERT_TRUE(zkml::run_inference(context, model->key(), statement, &witness).ok());
    const zkml::InferenceProof forged{statement, context.finish()};
    EXPECT_NE(context.violated(), std::vector<std::string>{});
    const base::Status refused = zkml::verify_inference(*registered, forged);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().place, "sigma");
  }
}

}  // namespace
}  // namespace blindproof
