#include "blindproof/engine/hybrid_benchmark.h"

#include <sys/resource.h>

#include <algorithm>
#include <memory>

#include "blindproof/base/thread_pool.h"
#include "blindproof/compiler/quantize/quantize.h"
#include "blindproof/engine/samples.h"
#include "blindproof/engine/stopwatch.h"
#include "blindproof/hybrid/files.h"
#include "blindproof/hybrid/proof.h"
#include "blindproof/onnx/import.h"

namespace blindproof::engine {
namespace {

using base::ErrorCode;
namespace frbgv = fhe::frbgv;

struct Recipe {
  std::string_view name, network, calibration;
  std::vector<std::string_view> samples;
  bool in_data = false;  // tables that models/tables/make_data.py makes
  int weight_bits = 8, input_bits = 8;
};

const std::vector<Recipe>& recipes() {
  static const std::vector<Recipe> all = {
      {"breast-cancer-linear", "tables/breast_cancer_logistic.onnx", "tables/breast_cancer_train.npz",
       {"tables/breast_cancer_test.npz", "tables/breast_cancer_train.npz"}},
      {"breast-cancer-mlp", "tables/breast_cancer_square.onnx", "tables/breast_cancer_train.npz",
       {"tables/breast_cancer_test.npz", "tables/breast_cancer_train.npz"}},
      {"spam-mlp", "tables/spam_square.onnx", "spam_train.npz", {"spam_test.npz", "spam_train.npz"}, true},
      {"digits14-mlp", "mnist/digits14_square.onnx", "mnist/digits14_calibration.npz", {"mnist/digits14_test.npz"}, false, 5, 4},
      {"digits28-mlp", "mnist/digits28_square.onnx", "mnist/mnist_calibration.npz", {"mnist/mnist_test.npz"}, false, 5, 4},
  };
  return all;
}

struct Workload {
  model::FloatGraph network;
  model::IntegerGraph integers;
  Samples samples;
};

base::Result<Samples> read_table(const Recipe& recipe, const Path& file, const model::Shape& shape) {
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) {
    return base::error(ErrorCode::kInvalidArgument, file.string(),
                       recipe.in_data ? "is missing; python3 models/tables/make_data.py makes it (build/data; elsewhere, give the folder with --data)"
                                      : "is missing; give the source tree's folder models/ with --models");
  }
  BLINDPROOF_ASSIGN(Samples read, read_samples(file, shape));
  if (read.labels.size() != read.x.size()) return base::error(ErrorCode::kInvalidArgument, file.string(), "needs a class for each sample");
  return read;
}

base::Result<Workload> make_workload(const Recipe& recipe, const HybridBenchmarkRequest& request, const base::Progress& progress) {
  Workload workload;
  const Path models = request.models.empty() ? Path(BLINDPROOF_MODELS_DIR) : request.models;
  const Path data = !recipe.in_data ? models : request.data.empty() ? Path(BLINDPROOF_DATA_DIR) : request.data;
  BLINDPROOF_ASSIGN(workload.network, onnx::import_onnx(models / recipe.network));
  const model::Shape& shape = workload.network.shapes[workload.network.input];
  BLINDPROOF_ASSIGN(Samples calibration, read_table(recipe, data / recipe.calibration, shape));
  for (const std::string_view file : recipe.samples) {
    BLINDPROOF_ASSIGN(Samples read, read_table(recipe, data / file, shape));
    std::ranges::move(read.x, std::back_inserter(workload.samples.x));
    std::ranges::move(read.labels, std::back_inserter(workload.samples.labels));
  }
  compiler::QuantizeOptions options{.arithmetic = model::Arithmetic::kExact, .weight_bits = recipe.weight_bits, .activation_bits = recipe.input_bits};
  options.max_accuracy_loss = 100;  // reported instead
  options.labels = calibration.labels;
  options.progress = progress;
  BLINDPROOF_ASSIGN(compiler::QuantizeOutcome quantized, compiler::quantize(workload.network, calibration.x, options));
  workload.integers = std::move(quantized.graph);
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

// The parties' state besides what travels as bytes.
struct Setting {
  std::optional<zkml::CommittedModel> model;
  std::optional<hybrid::BoundedModel> bounded;
  frbgv::RingPtr ring = frbgv::Ring::create();
  crypto::Csprng random;
};

base::Status commit(const model::IntegerGraph& graph, Setting& setting, HybridBenchmarkOutcome& outcome) {
  commit::Seed seed;
  setting.random.fill(seed);
  const Stopwatch committing;
  BLINDPROOF_ASSIGN(setting.model, zkml::CommittedModel::commit(graph, seed));
  BLINDPROOF_ASSIGN(const hybrid::BoundsProof bounds, hybrid::prove_bounds(*setting.model));
  outcome.commit_s = committing.seconds();
  const Stopwatch checking;
  BLINDPROOF_ASSIGN(zkml::RegisteredModel registered, zkml::RegisteredModel::check(setting.model->shared_key()));
  BLINDPROOF_ASSIGN(setting.bounded, hybrid::BoundedModel::check(std::move(registered), bounds));
  outcome.bounds_check_s = checking.seconds();
  return {};
}

base::Status compare(const Workload& workload, const std::vector<std::int64_t>& inputs, const hybrid::Answers& answers, HybridBenchmarkOutcome& outcome) {
  std::size_t right_float = 0, right = 0;
  const std::size_t outputs = answers.values.size() / outcome.records;
  for (std::size_t i = 0; i < outcome.records; ++i) {
    const auto expected = model::run_integer(workload.integers, std::span(inputs).subspan(i * outcome.features, outcome.features));
    const auto answer = std::span(answers.values).subspan(i * outputs, outputs);
    if (!std::ranges::equal(expected, answer))
      return base::error(ErrorCode::kRejected, "record " + std::to_string(i), "the decrypted answer is not the integer network's");
    const auto floats = model::run_float(workload.network, workload.samples.x[i]);
    if (largest(floats[workload.network.output]) == workload.samples.labels[i]) ++right_float;
    if (largest(answer) == workload.samples.labels[i]) ++right;
  }
  outcome.accuracy_float = 100.0 * static_cast<double>(right_float) / static_cast<double>(outcome.records);
  outcome.accuracy = 100.0 * static_cast<double>(right) / static_cast<double>(outcome.records);
  return {};
}

}  // namespace

std::vector<std::string> hybrid_workload_names() {
  std::vector<std::string> names;
  for (const Recipe& recipe : recipes()) names.emplace_back(recipe.name);
  return names;
}

base::Result<HybridBenchmarkOutcome> run_hybrid_benchmark(const HybridBenchmarkRequest& request, const base::Progress& progress) {
  const auto recipe = std::ranges::find(recipes(), request.workload, &Recipe::name);
  if (recipe == recipes().end()) return base::error(ErrorCode::kInvalidArgument, "--workload", "'" + request.workload + "' is not known");
  BLINDPROOF_ASSIGN(const Workload workload, make_workload(*recipe, request, progress));
  BLINDPROOF_ASSIGN(const hybrid::Program program, hybrid::Program::create(workload.integers));
  const hybrid::Spec& spec = program.spec();

  HybridBenchmarkOutcome outcome;
  outcome.parameters = spec.parameters();
  outcome.features = spec.features();
  outcome.records = std::min(workload.samples.x.size(), frbgv::kDegree);
  outcome.weight_bits = recipe->weight_bits;
  outcome.input_bits = recipe->input_bits;
  outcome.threads = base::thread_count();
  outcome.network = std::to_string(spec.features()) + (spec.network().second ? "-" + std::to_string(spec.network().first.outputs) : "") + "-" +
                    std::to_string(spec.outputs());
  progress.report("committing", 0, 1);
  Setting setting;
  BLINDPROOF_TRY(commit(workload.integers, setting, outcome));

  std::vector<std::int64_t> values;
  for (std::size_t i = 0; i < outcome.records; ++i) {
    BLINDPROOF_ASSIGN(const std::vector<std::int64_t> integers, model::quantize_input(spec.architecture(), workload.samples.x[i]));
    values.insert(values.end(), integers.begin(), integers.end());
  }
  const frbgv::SecretKey secret = frbgv::SecretKey::generate(setting.ring, setting.random);
  const hybrid::KeyHeader header{spec.parameters().t, hybrid::generate_key_id(setting.random)};
  const base::Bytes key_bytes = hybrid::write_public_key(header, frbgv::PublicKey::generate(secret, header.t, setting.random));
  BLINDPROOF_ASSIGN(const hybrid::PublicKeyFile key, hybrid::parse_public_key(*setting.ring, key_bytes));

  const Stopwatch encrypting;
  hybrid::CiphertextFile question{header, outcome.records, frbgv::Seed{}, {}, {}};
  setting.random.fill(*question.seed);
  BLINDPROOF_ASSIGN(question.ciphertexts, hybrid::encrypt_records(spec, secret, values, *question.seed, setting.random));
  const base::Bytes question_bytes = hybrid::write_ciphertexts(question);
  outcome.encrypt_s = encrypting.seconds();
  outcome.ciphertext_bytes = question_bytes.size();

  std::vector<double> infer, prove, verify;
  base::Bytes answer_bytes;
  for (std::size_t run = 0; run < std::max<std::size_t>(request.runs, 1); ++run) {
    progress.report("runs", run, request.runs);
    const Stopwatch inferring;
    BLINDPROOF_ASSIGN(const hybrid::CiphertextFile input, hybrid::parse_ciphertexts(*setting.ring, question_bytes));
    hybrid::Evaluation evaluation = hybrid::evaluate(program, *setting.ring, {&key.key, input.ciphertexts, input.records}, setting.random);
    const hybrid::CiphertextFile output{header, input.records, std::nullopt, std::move(evaluation.outputs), {}};
    answer_bytes = hybrid::write_ciphertexts(output);
    infer.push_back(inferring.seconds());

    hybrid::Digest digest{};
    std::copy(answer_bytes.end() - static_cast<std::ptrdiff_t>(digest.size()), answer_bytes.end(), digest.begin());
    const hybrid::Exchange asked{setting.ring.get(), &key.key, input.ciphertexts, output.ciphertexts, input.records, key.digest, input.digest, digest};
    const Stopwatch proving;
    BLINDPROOF_ASSIGN(const hybrid::HybridProof proof, hybrid::prove_answer(*setting.model, spec.parameters(), evaluation, asked, {}));
    const base::Bytes proof_bytes = hybrid::write_hybrid_proof(proof);
    prove.push_back(proving.seconds());
    outcome.proof_bytes = proof_bytes.size();

    const Stopwatch verifying;
    BLINDPROOF_ASSIGN(const hybrid::HybridProof read, hybrid::parse_hybrid_proof(proof_bytes));
    BLINDPROOF_ASSIGN(const hybrid::CiphertextFile seen, hybrid::parse_ciphertexts(*setting.ring, question_bytes));
    BLINDPROOF_ASSIGN(const hybrid::CiphertextFile answer, hybrid::parse_ciphertexts(*setting.ring, answer_bytes));
    BLINDPROOF_TRY(hybrid::verify_answer(*setting.bounded, read, {setting.ring.get(), &key.key, seen.ciphertexts, answer.ciphertexts, seen.records,
                                                                  key.digest, seen.digest, answer.digest}));
    verify.push_back(verifying.seconds());
  }
  outcome.infer_s = median(infer);
  outcome.prove_s = median(prove);
  outcome.verify_s = median(verify);

  const Stopwatch decrypting;
  BLINDPROOF_ASSIGN(const hybrid::CiphertextFile answer, hybrid::parse_ciphertexts(*setting.ring, answer_bytes));
  BLINDPROOF_ASSIGN(const hybrid::Answers answers, hybrid::decrypt_records(spec, secret, answer.ciphertexts, answer.records));
  outcome.decrypt_s = decrypting.seconds();
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  outcome.peak_rss_bytes = static_cast<std::size_t>(usage.ru_maxrss) * 1024;
  BLINDPROOF_TRY(compare(workload, values, answers, outcome));
  return outcome;
}

}  // namespace blindproof::engine
