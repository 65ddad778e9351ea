#include "blindproof/engine/inference_benchmark.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>
#include <random>
#include <utility>

#include "blindproof/base/cpu.h"
#include "blindproof/base/thread_pool.h"
#include "blindproof/client_side/fhe.h"
#include "blindproof/compiler/lower_fhe/lower_fhe.h"
#include "blindproof/compiler/quantize/quantize.h"
#include "blindproof/engine/fhe_batch.h"
#include "blindproof/engine/fhe_exact.h"
#include "blindproof/engine/run_model.h"
#include "blindproof/engine/samples.h"
#include "blindproof/engine/stopwatch.h"
#include "blindproof/fhe/ckks/encryption.h"
#include "blindproof/fhe/formats/ciphertext_file.h"
#include "blindproof/fhe/formats/evaluation_key_file.h"
#include "blindproof/fheml/batch_executor.h"
#include "blindproof/fheml/encrypted_executor.h"
#include "blindproof/fheml/executor.h"
#include "blindproof/onnx/import.h"

namespace blindproof::engine {
namespace {

namespace ckks = fhe::ckks;
using base::ErrorCode;
using Random = std::mt19937_64;
namespace op = model::float_op;

enum class Source { kModels, kData, kSeeded };

struct Recipe {
  std::string_view name;
  std::string_view network;                // what is lowered
  std::string_view original;               // what it stands for; itself if empty
  std::string_view calibration;
  std::vector<std::string_view> samples;   // files, in the order in which their samples are taken
  model::Arithmetic arithmetic = model::Arithmetic::kExact;  // of the integers that it is compared with
  int bits = 8;                            // of these, for weights and inputs; untrained networks decide by little and need more
  Source source = Source::kModels;         // of calibration and samples
  std::vector<std::size_t> widths = {};    // of a seeded network with squares
};

constexpr std::string_view kDigits = "mnist/mnist_test.npz", kDigitsCalibration = "mnist/mnist_calibration.npz";

const std::vector<Recipe>& recipes() {
  static const std::vector<Recipe> all = {
      {"mnist-mlp", "mnist/mlp_square.onnx", "mnist/mlp.onnx", kDigitsCalibration, {kDigits}},
      {"lenet5", "mnist/lenet5_square.onnx", "mnist/lenet5.onnx", kDigitsCalibration, {kDigits}},
      {"mnist-mlp-relu", "mnist/mlp.onnx", "", kDigitsCalibration, {kDigits}, model::Arithmetic::kRescaled},
      {"mlp-1m", "mnist/mlp_1m_square.onnx", "mnist/mlp_1m.onnx", kDigitsCalibration, {kDigits}},
      // There are 189 biopsies that training hasn't seen; the others come after them.
      {"breast-cancer", "tables/breast_cancer_logistic.onnx", "", "tables/breast_cancer_train.npz",
       {"tables/breast_cancer_test.npz", "tables/breast_cancer_train.npz"}},
      {"spam", "tables/spam_logistic.onnx", "", "spam_train.npz", {"spam_test.npz"}, model::Arithmetic::kExact, 8, Source::kData},
      {"mlp-10m", "", "", "", {}, model::Arithmetic::kRescaled, 12, Source::kSeeded, {784, 2048, 2048, 2048, 10}},
  };
  return all;
}

constexpr std::size_t kCalibrationSamples = 200;

constexpr std::size_t kTrainedSamples = 500, kSeededSamples = 20, kBatchSamples = 2000;

struct Workload {
  model::FloatGraph graph, original;
  std::vector<model::FloatRange> ranges;
  model::IntegerGraph integers;  // of graph
  Samples samples;
};

// Of what seeded_image draws, and of squares of normal numbers: layers so scaled have outputs of about unit variance.
constexpr float kImageSquares = 0.2F / 3.0F, kSquaresSquares = 3.0F;

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
    std::normal_distribution<float> weight(0.0F, std::sqrt(1.0F / ((i == 1 ? kImageSquares : kSquaresSquares) * static_cast<float>(widths[i - 1]))));
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

base::Status check_exists(const Path& file, std::string_view advice) {
  std::error_code ignored;
  if (std::filesystem::exists(file, ignored)) return {};
  return base::error(ErrorCode::kInvalidArgument, file.string(), "is missing; " + std::string(advice));
}

base::Result<model::FloatGraph> read_network(const Path& file) {
  BLINDPROOF_TRY(check_exists(file, "give the source tree's folder models/ with --models"));
  return onnx::import_onnx(file);
}

base::Status append_samples(const Recipe& recipe, const Path& file, const model::Shape& shape, Samples& samples) {
  BLINDPROOF_TRY(check_exists(file, recipe.source == Source::kData
                                        ? "python3 models/tables/make_data.py " + std::string(recipe.name) +
                                              " makes it (build/data; elsewhere, give the folder with --data)"
                                        : "give the source tree's folder models/ with --models"));
  BLINDPROOF_ASSIGN(Samples read, read_samples(file, shape));
  if (read.labels.size() != read.x.size()) return base::error(ErrorCode::kInvalidArgument, file.string(), "needs a class for each sample");
  std::ranges::move(read.x, std::back_inserter(samples.x));
  std::ranges::move(read.labels, std::back_inserter(samples.labels));
  return {};
}

base::Result<Workload> make_workload(const Recipe& recipe, const InferenceBenchmarkRequest& request, std::size_t count,
                                     const base::Progress& progress) {
  Workload workload;
  Samples calibration;
  if (recipe.source == Source::kSeeded) {
    Random random(20240229);
    workload.graph = seeded_network(recipe.widths, random);
    for (std::size_t i = 0; i < std::max<std::size_t>(8, count); ++i) workload.samples.x.push_back(seeded_image(recipe.widths[0], random));
    calibration.x = workload.samples.x;
  } else {
    const Path models = request.models.empty() ? Path(BLINDPROOF_MODELS_DIR) : request.models;
    const Path data = recipe.source == Source::kModels ? models : request.data.empty() ? Path(BLINDPROOF_DATA_DIR) : request.data;
    BLINDPROOF_ASSIGN(workload.graph, read_network(models / recipe.network));
    const model::Shape& shape = workload.graph.shapes[workload.graph.input];
    if (!recipe.original.empty()) {
      BLINDPROOF_ASSIGN(workload.original, read_network(models / recipe.original));
    }
    BLINDPROOF_TRY(append_samples(recipe, data / recipe.calibration, shape, calibration));
    for (std::string_view file : recipe.samples) {
      BLINDPROOF_TRY(append_samples(recipe, data / file, shape, workload.samples));
    }
    calibration.x.resize(std::min(calibration.x.size(), kCalibrationSamples));
    calibration.labels.resize(calibration.x.size());
  }
  if (recipe.original.empty()) workload.original = workload.graph;
  workload.ranges = ranges_of(workload.graph, calibration.x);
  const int bits = request.bits > 0 ? request.bits : recipe.bits;
  compiler::QuantizeOptions options{.arithmetic = recipe.arithmetic, .weight_bits = bits, .activation_bits = bits};
  options.max_accuracy_loss = 100;  // reported instead
  options.labels = calibration.labels;
  options.progress = progress;
  BLINDPROOF_ASSIGN(compiler::QuantizeOutcome quantized, compiler::quantize(workload.graph, calibration.x, options));
  workload.integers = std::move(quantized.graph);
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
        rotations(fheml::generate_rotation_keys(*context, secret, client, random)) {}

  ckks::ContextPtr context;
  mutable crypto::Csprng random;
  fhe::rlwe::SecretKey secret;
  fhe::rlwe::PublicKey public_key;
  fhe::rlwe::KeySwitchKey relinearization;
  fhe::rlwe::GaloisKeys rotations;
};

/// Encrypted results beside those of plain networks: the original one, the one that was lowered, and its integers.
class Comparison {
 public:
  explicit Comparison(const Workload& workload) : workload_(workload) {}

  base::Status add(std::size_t sample, const std::vector<double>& values, InferenceBenchmarkOutcome& outcome) {
    const std::vector<float>& x = workload_.samples.x[sample];
    const Stopwatch watch;
    const std::vector<float> plain = model::run_float(workload_.graph, x)[workload_.graph.output];
    times_.push_back(watch.seconds());
    const std::vector<float> original = model::run_float(workload_.original, x)[workload_.original.output];
    BLINDPROOF_ASSIGN(const std::vector<std::int64_t> input, model::quantize_input(workload_.integers.architecture, x));
    const std::size_t integer = largest(model::run_integer(workload_.integers, input));
    for (std::size_t k = 0; k < std::min(values.size(), plain.size()); ++k) {
      outcome.max_abs_error = std::max(outcome.max_abs_error, std::abs(values[k] - static_cast<double>(plain[k])));
    }
    const std::size_t label = workload_.samples.labels.empty() ? largest(original) : workload_.samples.labels[sample];
    right_original_ += largest(original) == label;
    right_plain_ += largest(plain) == label;
    right_integer_ += integer == label;
    right_encrypted_ += largest(values) == label;
    same_ += largest(values) == integer;
    return {};
  }

  void finish(InferenceBenchmarkOutcome& outcome) const {
    const auto percent = [&](std::size_t part) { return 100 * static_cast<double>(part) / static_cast<double>(times_.size()); };
    outcome.plain_s = median(times_);
    outcome.throughput_per_s = static_cast<double>(outcome.batch) / outcome.latency_s;
    outcome.overhead_vs_plain = 1 / outcome.throughput_per_s / outcome.plain_s;
    outcome.accuracy_plain = percent(right_original_);
    outcome.accuracy_float_same = percent(right_plain_);
    outcome.accuracy_integer = percent(right_integer_);
    outcome.accuracy_encrypted = percent(right_encrypted_);
    outcome.same_as_integer = percent(same_);
  }

 private:
  const Workload& workload_;
  std::vector<double> times_;
  std::size_t right_original_ = 0, right_plain_ = 0, right_integer_ = 0, right_encrypted_ = 0, same_ = 0;
};

// The same program without encryption.
void compare_with_plain(const fheml::Program& program, const std::vector<float>& x, const std::vector<double>& values,
                        InferenceBenchmarkOutcome& outcome) {
  const std::vector<double> same = fheml::finish(program.client, fheml::run_plain(program, std::vector<double>(x.begin(), x.end())));
  for (std::size_t k = 0; k < values.size(); ++k) {
    outcome.encryption_error = std::max(outcome.encryption_error, std::abs(values[k] - same[k]));
  }
}

base::Result<std::size_t> file_bytes(const Parties& parties, const ckks::Ciphertext& ciphertext) {
  const fhe::formats::Header header{parties.context, fhe::formats::generate_key_id(parties.random)};
  BLINDPROOF_ASSIGN(const base::Bytes bytes, fhe::formats::write_ciphertexts({header, {}, std::vector{ciphertext}}));
  return bytes.size();
}

// Through a file, as a server gets it.
base::Result<fheml::EncryptedProgramFile> encrypted_program(const fheml::Program& program, const Parties& parties, InferenceBenchmarkOutcome& outcome,
                                                            const base::Progress& progress) {
  const Path path = std::filesystem::temp_directory_path() / ("blindproof-" + std::to_string(::getpid()) + ".bpfe");
  const Stopwatch watch;
  BLINDPROOF_TRY(fheml::encrypt_program(program, parties.context, {}, parties.public_key, path, parties.random, progress));
  outcome.encrypt_model_s = watch.seconds();
  base::Result<fheml::EncryptedProgramFile> file = fheml::EncryptedProgramFile::open(path);
  std::error_code ignored;
  std::filesystem::remove(path, ignored);  // it stays mapped
  return file;
}

base::Status run_one_by_one(const InferenceBenchmarkRequest& request, const Workload& workload, const fheml::Program& program,
                            const Parties& parties, InferenceBenchmarkOutcome& outcome, const base::Progress& progress) {
  std::optional<fheml::Executor> with_plain_weights;
  std::optional<fheml::EncryptedExecutor> with_encrypted_weights;
  Stopwatch watch;
  if (request.encrypted_model) {
    BLINDPROOF_ASSIGN(const fheml::EncryptedProgramFile file, encrypted_program(program, parties, outcome, progress));
    watch = {};
    BLINDPROOF_ASSIGN(with_encrypted_weights, fheml::EncryptedExecutor::create(file, parties.context, progress));
  } else {
    BLINDPROOF_ASSIGN(with_plain_weights, fheml::Executor::create(program, parties.context, progress));
  }
  outcome.encode_weights_s = watch.seconds();
  outcome.weight_bytes = with_plain_weights ? with_plain_weights->bytes() : with_encrypted_weights->bytes();
  const auto run = [&](const ckks::Ciphertext& input) {
    return with_plain_weights ? with_plain_weights->run(input, &parties.relinearization, parties.rotations)
                              : with_encrypted_weights->run(input, &parties.relinearization, parties.rotations);
  };
  const fheml::ClientSpec& client = program.client;
  const ckks::Encoder encoder(parties.context);
  Comparison comparison(workload);
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
    BLINDPROOF_ASSIGN(ckks::Ciphertext output, run(input));
    if (client.hiding_bits > 0) {
      BLINDPROOF_ASSIGN(output, ckks::sanitize(output, parties.public_key, client.hiding_bits, parties.random));
    }
    latencies.push_back(watch.seconds());
    watch = {};
    BLINDPROOF_ASSIGN(const ckks::Plaintext plaintext, ckks::decrypt(parties.secret, output));
    const std::vector<double> values = fheml::finish(client, fheml::gather(client.output, encoder.decode_real(plaintext)));
    decrypt_times.push_back(watch.seconds());
    outcome.predicted_error = output.error_bound() * client.output_scale;
    compare_with_plain(program, sample, values, outcome);
    BLINDPROOF_TRY(comparison.add(i, values, outcome));
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
  BLINDPROOF_ASSIGN(std::vector<ckks::Ciphertext> input, client_side::encrypt_batch(parties.context, parties.secret, samples, progress));
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
  BLINDPROOF_ASSIGN(const std::vector<std::vector<double>> values, client_side::decrypt_batch(client, parties.secret, output, outcome.batch));
  outcome.decrypt_s = watch.seconds();
  for (const ckks::Ciphertext& element : output) {
    outcome.predicted_error = std::max(outcome.predicted_error, element.error_bound() * client.output_scale);
  }
  Comparison comparison(workload);
  for (std::size_t i = 0; i < count; ++i) {
    progress.report("comparing", i, count);
    compare_with_plain(executor.program(), workload.samples.x[i], values[i], outcome);
    BLINDPROOF_TRY(comparison.add(i, values[i], outcome));
  }
  for (std::size_t i = count; i < outcome.batch; ++i) {
    for (std::size_t k = 0; k < values[i].size(); ++k) {
      // The same sample in another slot: as near to the one that was compared as both are to the truth.
      outcome.encryption_error = std::max(outcome.encryption_error, std::abs(values[i][k] - values[i % count][k]) / 2);
    }
  }
  comparison.finish(outcome);
  return {};
}

base::Status run_ckks(const InferenceBenchmarkRequest& request, const Workload& workload, InferenceBenchmarkOutcome& outcome,
                      const base::Progress& progress) {
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
  outcome.key_bytes = fhe::formats::evaluation_key_bytes(*context->ring(), context->ring()->q_count());  // of relinearisation
  for (const fheml::Rotation& rotation : client.rotations) {
    outcome.key_bytes += fhe::formats::evaluation_key_bytes(*context->ring(), context->q_limbs(rotation.level));
  }
  if (request.packing == fheml::Packing::kBatch) return run_batch(workload, std::move(lowered.program), parties, outcome, progress);
  return run_one_by_one(request, workload, lowered.program, parties, outcome, progress);
}

// The integers themselves, on BFV or BGV.
base::Status run_integers(const InferenceBenchmarkRequest& request, fheml::ExactScheme scheme, const Workload& workload,
                          InferenceBenchmarkOutcome& outcome, const base::Progress& progress) {
  if (workload.integers.architecture.arithmetic != model::Arithmetic::kExact) {
    return base::error(ErrorCode::kInvalidArgument, "--scheme",
                       "BFV and BGV compute with integers, exactly: sums, products and squares; '" + request.workload +
                           "' takes more than that, so use ckks");
  }
  BLINDPROOF_ASSIGN(const ExactInferenceOutcome run,
                    run_exact_inference({.graph = &workload.integers,
                                         .inputs = workload.samples.x,
                                         .options = {.scheme = scheme, .hiding_bits = request.hiding_bits, .packing = request.packing}},
                                        progress));
  outcome.scheme = run.parameters.scheme;
  outcome.n = run.parameters.n;
  outcome.levels = static_cast<std::size_t>(run.exact.limbs - 1);
  outcome.plaintext_moduli = run.exact.primes.size();
  outcome.lower_s = run.lower_s;
  outcome.key_generation_s = run.key_generation_s;
  outcome.encode_weights_s = run.encode_weights_s;
  outcome.encrypt_s = run.encrypt_s;
  outcome.latency_s = run.latency_s;
  outcome.decrypt_s = run.decrypt_s;
  outcome.batch = run.batch;
  outcome.key_bytes = run.key_bytes;
  outcome.ciphertext_bytes = run.ciphertext_bytes;
  outcome.weight_bytes = run.weight_bytes;
  Comparison comparison(workload);
  for (std::size_t i = 0; i < run.reals.size(); ++i) {
    progress.report("comparing", i, run.reals.size());
    BLINDPROOF_TRY(comparison.add(i, run.reals[i], outcome));
  }
  comparison.finish(outcome);
  outcome.equal_to_integer = 100 * static_cast<double>(run.equal) / static_cast<double>(run.reals.size());
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
  if (request.encrypted_model && (request.exact_scheme || request.packing == fheml::Packing::kBatch)) {
    return base::error(ErrorCode::kInvalidArgument, "--encrypted-model", "goes with CKKS and one sample at a time");
  }
  progress.report("preparing", 0, 0);
  const std::size_t count = request.samples > 0                         ? request.samples
                            : request.packing == fheml::Packing::kBatch ? kBatchSamples
                            : recipe->source == Source::kSeeded         ? kSeededSamples
                                                                        : kTrainedSamples;
  BLINDPROOF_ASSIGN(const Workload workload, make_workload(*recipe, request, count, progress));
  InferenceBenchmarkOutcome outcome{.parameters = count_parameters(workload.graph), .scheme = "CKKS", .samples = workload.samples.x.size()};
  BLINDPROOF_TRY(request.exact_scheme ? run_integers(request, *request.exact_scheme, workload, outcome, progress)
                                      : run_ckks(request, workload, outcome, progress));
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  outcome.peak_rss_bytes = static_cast<std::size_t>(usage.ru_maxrss) * 1024;
  outcome.threads = base::thread_count();
  outcome.simd = base::simd_name(base::simd_level());
  return outcome;
}

}  // namespace blindproof::engine
