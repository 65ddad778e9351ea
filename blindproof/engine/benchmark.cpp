#include "blindproof/engine/benchmark.h"

#include <sys/resource.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "blindproof/base/cpu.h"
#include "blindproof/base/thread_pool.h"
#include "blindproof/crypto/random.h"
#include "blindproof/engine/model_summary.h"
#include "blindproof/engine/stopwatch.h"
#include "blindproof/engine/workloads.h"

namespace blindproof::engine {
namespace {

using base::ErrorCode;

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

std::size_t peak_rss_bytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::size_t>(usage.ru_maxrss) * 1024;
}

struct Times {
  std::vector<double> prove, verify, registration, plain;
};

// A verifier that has nothing but bytes.
base::Status verify_bytes(base::ByteSpan key_bytes, base::ByteSpan proof_bytes, Times& times) {
  const Stopwatch parsing;
  BLINDPROOF_ASSIGN(zkml::ModelKey parsed, zkml::parse_model_key(key_bytes));
  BLINDPROOF_ASSIGN(const zkml::InferenceProof proof, zkml::parse_inference_proof(proof_bytes));
  const auto key = std::make_shared<const zkml::ModelKey>(std::move(parsed));
  const double parse_seconds = parsing.seconds();
  const Stopwatch checking;
  BLINDPROOF_ASSIGN(const zkml::RegisteredModel model, zkml::RegisteredModel::check(key));
  times.registration.push_back(checking.seconds());
  const Stopwatch verifying;
  BLINDPROOF_TRY(zkml::verify_inference(model, proof));
  times.verify.push_back(parse_seconds + verifying.seconds());
  return {};
}

base::Result<std::size_t> prove_and_verify(const zkml::CommittedModel& model, base::ByteSpan key_bytes,
                                           const std::vector<float>& sample, Times& times) {
  const Stopwatch proving;
  BLINDPROOF_ASSIGN(const std::vector<std::int64_t> input,
                    model::quantize_input(model.graph().architecture, sample));
  BLINDPROOF_ASSIGN(const zkml::ProveOutcome proven, zkml::prove_inference(model, input, {true, false, {}}));
  const base::Bytes proof_bytes = zkml::write_inference_proof(proven.proof);
  times.prove.push_back(proving.seconds());

  const Stopwatch running;
  const std::vector<model::Int128> expected = model::run_integer(model.graph(), input);
  times.plain.push_back(running.seconds());
  if (expected != proven.output)
    return base::error(ErrorCode::kRejected, "benchmark", "the proven output is not the interpreter's");
  BLINDPROOF_TRY(verify_bytes(key_bytes, proof_bytes, times));
  return proof_bytes.size();
}

}  // namespace

base::Result<BenchmarkOutcome> run_benchmark(const BenchmarkRequest& request, const base::Progress& progress) {
  BenchmarkOutcome outcome;
  progress.report("compiling", 0, 1);
  const Stopwatch compiling;
  BLINDPROOF_ASSIGN(Workload workload, make_workload(request.workload, request.models));
  outcome.compile_s = compiling.seconds();
  BLINDPROOF_ASSIGN(const ModelSummary summary, summarize(workload.graph.architecture));
  outcome.parameters = summary.parameters;
  outcome.activations = summary.activations;
  outcome.lookups = summary.lookups;

  const Stopwatch deriving;
  static_cast<void>(commit::Generators::standard());
  outcome.generators_s = deriving.seconds();

  commit::Seed seed;
  crypto::random_bytes(seed);
  const Stopwatch committing;
  BLINDPROOF_ASSIGN(const zkml::CommittedModel model,
                    zkml::CommittedModel::commit(std::move(workload.graph), seed, progress));
  outcome.commit_s = committing.seconds();
  const base::Bytes key_bytes = zkml::write_model_key(model.key());
  outcome.model_key_bytes = key_bytes.size();
  outcome.registration_bytes = model.key().registration.size();

  Times times;
  for (std::size_t i = 0; i < request.repeat; ++i) {
    progress.report("proving and verifying", i, request.repeat);
    BLINDPROOF_ASSIGN(outcome.proof_bytes,
                      prove_and_verify(model, key_bytes, workload.inputs[i % workload.inputs.size()], times));
  }
  progress.report("proving and verifying", request.repeat, request.repeat);
  outcome.prove_s = median(times.prove);
  outcome.prove_min_s = *std::min_element(times.prove.begin(), times.prove.end());
  outcome.verify_s = median(times.verify);
  outcome.registration_verify_s = median(times.registration);
  outcome.plain_s = median(times.plain);
  outcome.peak_rss_bytes = peak_rss_bytes();
  outcome.threads = base::thread_count();
  outcome.repeat = request.repeat;
  outcome.simd = base::simd_name(base::simd_level());
  return outcome;
}

}  // namespace blindproof::engine
