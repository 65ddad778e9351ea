#include "blindproof/engine/inference_benchmark.h"

#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <utility>

#include "blindproof/base/cpu.h"
#include "blindproof/base/thread_pool.h"
#include "blindproof/compiler/lower_fhe/lower_fhe.h"
#include "blindproof/engine/fhe_batch.h"
#include "blindproof/engine/samples.h"
#include "blindproof/engine/stopwatch.h"
#include "blindproof/fhe/ckks/encryption.h"
#include "blindproof/fhe/formats/ciphertext_file.h"
#include "blindproof/fhe/formats/evaluation_key_file.h"
#include "blindproof/fheml/batch_executor.h"
#include "blindproof/fheml/executor.h"
#include "blindproof/onnx/import.h"

namespace blindproof::engine {
namespace {

namespace ckks = fhe::ckks;
using base::ErrorCode;
using Random = std::mt19937_64;
namespace op = model::float_op;

struct Recipe {
  std::string_view name, file;
  std::vector<std::size_t> widths;  // of a seeded network with squares
};

const std::vector<Recipe>& recipes() {
  static const std::vector<Recipe> all = {
      {"mnist-mlp", "mlp_square.onnx", {}},
      {"lenet5", "lenet5_square.onnx", {}},
      {"mnist-mlp-relu", "mlp.onnx", {}},
      {"mlp-1m", "", {784, 1024, 256, 10}},
      {"mlp-10m", "", {784, 2048, 2048, 2048, 10}},
  };
  return all;
}

constexpr std::size_t kCalibrationSamples = 200;

struct Workload {
  model::FloatGraph graph;
  std::vector<model::FloatRange> ranges;
  Samples samples;
};

model::FloatGraph seeded_network(const std::vector<std::size_t>& widths, Random& random) {
  model::FloatGraph graph;
  graph.shapes.push_back({widths[0]});
  const auto append = [&](model::FloatOp operation, std::vector<model::TensorId> inputs, std::size_t width) {
    graph.shapes.push_back({width});
    graph.output = static_cast<model::TensorId>(graph.shapes.size() - 1);
    graph.nodes.push_back({std::move(operation), std::move(inputs), graph.output, "layer " + std::to_string(graph.nodes.size())});
  };
  for (std::size_t i = 1; i < widths.size(); ++i) {
    op::Dense layer{widths[i], widths[i - 1], std::vector<float>(widths[i] * widths[i - 1]), std::vector<float>(widths[i])};
    std::normal_distribution<float> weight(0.0F, std::sqrt(1.0F / static_cast<float>(widths[i - 1])));
    for (float& value : layer.weight) value = weight(random);
    append(std::move(layer), {graph.output}, widths[i]);
    if (i + 1 < widths.size()) append(op::Multiply{}, {graph.output, graph.output}, widths[i]);
  }
  return graph;
}

std::vector<float> seeded_image(std::size_t size, Random& random) {
  std::uniform_real_distribution<float> uniform(0.0F, 1.0F);
  std::vector<float> image(size);
  for (float& pixel : image) pixel = uniform(random) < 0.8F ? 0.0F : uniform(random);
  return image;
}

std::vector<model::FloatRange> ranges_of(const model::FloatGraph& graph, const std::vector<std::vector<float>>& samples) {
  std::vector<model::FloatRange> ranges;
  for (const std::vector<float>& sample : samples) {
    const auto values = model::run_float(graph, sample);
    ranges.resize(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto [low, high] = std::ranges::minmax(values[i]);
      ranges[i] = {std::min(ranges[i].low, low), std::max(ranges[i].high, high)};
    }
  }
  return ranges;
}

base::Result<Workload> make_workload(const Recipe& recipe, const Path& models, std::size_t count) {
  Workload workload;
  if (!recipe.widths.empty()) {
    Random random(20240229);
    workload.graph = seeded_network(recipe.widths, random);
    for (std::size_t i = 0; i < std::max<std::size_t>(8, count); ++i) workload.samples.x.push_back(seeded_image(recipe.widths[0], random));
    workload.ranges = ranges_of(workload.graph, workload.samples.x);
  } else {
    const Path folder = (models.empty() ? Path(BLINDPROOF_MODELS_DIR) : models) / "mnist";
    std::error_code ignored;
    if (!std::filesystem::exists(folder / recipe.file, ignored)) {
      return base::error(ErrorCode::kInvalidArgument, (folder / recipe.file).string(),
                         "is missing; give the source tree's folder models/ with --models");
    }
    BLINDPROOF_ASSIGN(workload.graph, onnx::import_onnx(folder / recipe.file));
    const model::Shape& shape = workload.graph.shapes[workload.graph.input];
    BLINDPROOF_ASSIGN(Samples calibration, read_samples(folder / "mnist_calibration.npz", shape));
    calibration.x.resize(std::min(calibration.x.size(), kCalibrationSamples));
    workload.ranges = ranges_of(workload.graph, calibration.x);
    BLINDPROOF_ASSIGN(workload.samples, read_samples(folder / "mnist_test.npz", shape));
  }
  if (workload.samples.x.size() > count) workload.samples.x.resize(count);
  if (!workload.samples.labels.empty()) workload.samples.labels.resize(workload.samples.x.size());
  return workload;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

template <class Values>
std::size_t largest(const Values& values) {
  return static_cast<std::size_t>(std::ranges::max_element(values) - values.begin());
}

std::size_t count_parameters(const model::FloatGraph& graph) {
  std::size_t count = 0;
  for (const model::FloatNode& node : graph.nodes) {
    if (const auto* dense = std::get_if<op::Dense>(&node.op)) count += dense->weight.size() + dense->bias.size();
    if (const auto* conv = std::get_if<op::Conv2d>(&node.op)) count += conv->weight.size() + conv->bias.size();
  }
  return count;
}

/// Keys of the client, and what of them the server has.
struct Parties {
  Parties(const ckks::ContextPtr& its_context, const fheml::ClientSpec& client)
      : context(its_context), secret(ckks::generate_secret_key(*context, random)), public_key(ckks::generate_public_key(secret, random)),
        relinearization(ckks::generate_relinearization_key(*context, secret, context->top_level(), random)),
        rotations(ckks::generate_rotation_keys(*context, secret, context->top_level(), client.rotations, false, random)) {}

  ckks::ContextPtr context;
  mutable crypto::Csprng random;
  fhe::rlwe::SecretKey secret;
  fhe::rlwe::PublicKey public_key;
  fhe::rlwe::KeySwitchKey relinearization;
  fhe::rlwe::GaloisKeys rotations;
};

/// Encrypted results beside those of the same program and of the network in plain numbers.
class Comparison {
 public:
  Comparison(const Workload& workload, const fheml::Program& program) : workload_(workload), program_(program) {}

  void add(std::size_t sample, const std::vector<double>& values, InferenceBenchmarkOutcome& outcome) {
    const std::vector<float>& x = workload_.samples.x[sample];
    const Stopwatch watch;
    const std::vector<float> plain = model::run_float(workload_.graph, x)[workload_.graph.output];
    times_.push_back(watch.seconds());
    const std::vector<double> same = fheml::finish(program_.client, fheml::run_plain(program_, std::vector<double>(x.begin(), x.end())));
    for (std::size_t k = 0; k < values.size(); ++k) {
      outcome.encryption_error = std::max(outcome.encryption_error, std::abs(values[k] - same[k]));
    }
    for (std::size_t k = 0; k < std::min(values.size(), plain.size()); ++k) {
      outcome.max_abs_error = std::max(outcome.max_abs_error, std::abs(values[k] - static_cast<double>(plain[k])));
    }
    const std::size_t label = workload_.samples.labels.empty() ? largest(plain) : workload_.samples.labels[sample];
    right_plain_ += largest(plain) == label;
    right_encrypted_ += largest(values) == label;
  }

  void finish(InferenceBenchmarkOutcome& outcome) const {
    const double count = static_cast<double>(times_.size());
    outcome.plain_s = median(times_);
    outcome.throughput_per_s = static_cast<double>(outcome.batch) / outcome.latency_s;
    outcome.overhead_vs_plain = 1 / outcome.throughput_per_s / outcome.plain_s;
    outcome.accuracy_plain = 100 * static_cast<double>(right_plain_) / count;
    outcome.accuracy_encrypted = 100 * static_cast<double>(right_encrypted_) / count;
  }

 private:
  const Workload& workload_;
  const fheml::Program& program_;
  std::vector<double> times_;
  std::size_t right_plain_ = 0, right_encrypted_ = 0;
};

base::Result<std::size_t> file_bytes(const Parties& parties, const ckks::Ciphertext& ciphertext) {
  const fhe::formats::Header header{parties.context, fhe::formats::generate_key_id(parties.random)};
  BLINDPROOF_ASSIGN(const base::Bytes bytes, fhe::formats::write_ciphertexts({header, {}, std::vector{ciphertext}}));
  return bytes.size();
}

base::Status run_one_by_one(const Workload& workload, fheml::Program program, const Parties& parties, InferenceBenchmarkOutcome& outcome,
                            const base::Progress& progress) {
  Stopwatch watch;
  BLINDPROOF_ASSIGN(const fheml::Executor executor, fheml::Executor::create(std::move(program), parties.context, progress));
  outcome.encode_weights_s = watch.seconds();
  outcome.weight_bytes = executor.bytes();
  const fheml::ClientSpec& client = executor.program().client;
  const ckks::Encoder encoder(parties.context);
  Comparison comparison(workload, executor.program());
  std::vector<double> encrypt_times, latencies, decrypt_times;
  for (std::size_t i = 0; i < workload.samples.x.size(); ++i) {
    progress.report("inferring", i, workload.samples.x.size());
    const std::vector<float>& sample = workload.samples.x[i];
    watch = {};
    const std::vector<double> slots =
        fheml::spread(client.input, std::vector<double>(sample.begin(), sample.end()), parties.context->slots());
    BLINDPROOF_ASSIGN(const ckks::Plaintext encoded, encoder.encode(slots, parties.context->top_level()));
    const ckks::Ciphertext input = ckks::encrypt(parties.secret, encoded, parties.random);
    encrypt_times.push_back(watch.seconds());
    if (i == 0) {
      BLINDPROOF_ASSIGN(outcome.ciphertext_bytes, file_bytes(parties, input));
    }
    watch = {};
    BLINDPROOF_ASSIGN(ckks::Ciphertext output, executor.run(input, &parties.relinearization, parties.rotations));
    if (client.hiding_bits > 0) {
      BLINDPROOF_ASSIGN(output, ckks::sanitize(output, parties.public_key, client.hiding_bits, parties.random));
    }
    latencies.push_back(watch.seconds());
    watch = {};
    BLINDPROOF_ASSIGN(const ckks::Plaintext plaintext, ckks::decrypt(parties.secret, output));
    const std::vector<double> values = fheml::finish(client, fheml::gather(client.output, encoder.decode_real(plaintext)));
    decrypt_times.push_back(watch.seconds());
    outcome.predicted_error = output.error_bound() * client.output_scale;
    comparison.add(i, values, outcome);
  }
  outcome.encrypt_s = median(encrypt_times);
  outcome.latency_s = median(latencies);
  outcome.decrypt_s = median(decrypt_times);
  comparison.finish(outcome);
  return {};
}

// All slots, filled up with the same samples again.
base::Status run_batch(const Workload& workload, fheml::Program program, const Parties& parties, InferenceBenchmarkOutcome& outcome,
                       const base::Progress& progress) {
  Stopwatch watch;
  BLINDPROOF_ASSIGN(const fheml::BatchExecutor executor, fheml::BatchExecutor::create(std::move(program), parties.context));
  outcome.encode_weights_s = watch.seconds();
  outcome.weight_bytes = executor.bytes();
  outcome.batch = parties.context->slots();
  const fheml::ClientSpec& client = executor.program().client;
  std::vector<std::vector<float>> samples;
  const std::size_t count = std::min(workload.samples.x.size(), outcome.batch);
  for (std::size_t i = 0; i < outcome.batch; ++i) samples.push_back(workload.samples.x[i % count]);
  watch = {};
  BLINDPROOF_ASSIGN(std::vector<ckks::Ciphertext> input, encrypt_batch(parties.context, parties.secret, samples, progress));
  outcome.encrypt_s = watch.seconds();
  BLINDPROOF_ASSIGN(const std::size_t one, file_bytes(parties, input[0]));
  outcome.ciphertext_bytes = input.size() * one;
  watch = {};
  BLINDPROOF_ASSIGN(std::vector<ckks::Ciphertext> output, executor.run(std::move(input), &parties.relinearization, progress));
  if (client.hiding_bits > 0) {
    BLINDPROOF_ASSIGN(output, sanitize_batch(output, parties.public_key, client.hiding_bits));
  }
  outcome.latency_s = watch.seconds();
  watch = {};
  BLINDPROOF_ASSIGN(const std::vector<std::vector<double>> values, decrypt_batch(client, parties.secret, output, outcome.batch));
  outcome.decrypt_s = watch.seconds();
  for (const ckks::Ciphertext& element : output) {
    outcome.predicted_error = std::max(outcome.predicted_error, element.error_bound() * client.output_scale);
  }
  Comparison comparison(workload, executor.program());
  for (std::size_t i = 0; i < count; ++i) comparison.add(i, values[i], outcome);
  for (std::size_t i = count; i < outcome.batch; ++i) {
    for (std::size_t k = 0; k < values[i].size(); ++k) {
      // The same sample in another slot: as near to the one that was compared as both are to the truth.
      outcome.encryption_error = std::max(outcome.encryption_error, std::abs(values[i][k] - values[i % count][k]) / 2);
    }
  }
  comparison.finish(outcome);
  return {};
}

}  // namespace

std::vector<std::string> inference_workload_names() {
  std::vector<std::string> names;
  for (const Recipe& recipe : recipes()) names.emplace_back(recipe.name);
  return names;
}

base::Result<InferenceBenchmarkOutcome> run_inference_benchmark(const InferenceBenchmarkRequest& request,
                                                                const base::Progress& progress) {
  const auto recipe = std::ranges::find(recipes(), std::string_view(request.workload), &Recipe::name);
  if (recipe == recipes().end()) {
    std::string known;
    for (const std::string& name : inference_workload_names()) known += (known.empty() ? "" : ", ") + name;
    return base::error(ErrorCode::kInvalidArgument, "--workload", "there is no workload '" + request.workload + "'; choose one of " + known);
  }
  progress.report("preparing", 0, 0);
  const std::size_t count = request.samples > 0 ? request.samples : request.packing == fheml::Packing::kBatch ? 2000 : 20;
  BLINDPROOF_ASSIGN(const Workload workload, make_workload(*recipe, request.models, count));
  InferenceBenchmarkOutcome outcome{.parameters = count_parameters(workload.graph), .scheme = "CKKS", .samples = workload.samples.x.size()};
  Stopwatch watch;
  BLINDPROOF_ASSIGN(compiler::LowerFheOutcome lowered,
                    compiler::lower_fhe(workload.graph, workload.ranges,
                                        {.hiding_bits = request.hiding_bits, .packing = request.packing, .degree = request.degree}));
  outcome.lower_s = watch.seconds();
  const fheml::ClientSpec client = lowered.program.client;
  BLINDPROOF_ASSIGN(const ckks::ContextPtr context, ckks::Context::create(client.parameters));
  outcome.n = context->ring()->degree();
  outcome.levels = static_cast<std::size_t>(context->top_level());

  progress.report("keys", 0, 0);
  watch = {};
  const Parties parties(context, client);
  outcome.key_generation_s = watch.seconds();
  outcome.key_bytes =
      (parties.rotations.by_element().size() + 1) * fhe::formats::evaluation_key_bytes(*context->ring(), context->ring()->q_count());
  const bool batch = request.packing == fheml::Packing::kBatch;
  BLINDPROOF_TRY((batch ? run_batch : run_one_by_one)(workload, std::move(lowered.program), parties, outcome, progress));
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  outcome.peak_rss_bytes = static_cast<std::size_t>(usage.ru_maxrss) * 1024;
  outcome.threads = base::thread_count();
  outcome.simd = base::simd_name(base::simd_level());
  return outcome;
}

}  // namespace blindproof::engine
