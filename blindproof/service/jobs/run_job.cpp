#include "blindproof/service/jobs/run_job.h"

#include <array>
#include <limits>

#include "blindproof/base/int128.h"
#include "blindproof/engine/commit_model.h"
#include "blindproof/engine/fhe_inference.h"
#include "blindproof/engine/hybrid_inference.h"
#include "blindproof/engine/model_summary.h"
#include "blindproof/engine/prove.h"
#include "blindproof/envelope/key_envelope.h"
#include "blindproof/service/jobs/sealed_blob.h"

namespace blindproof::service::jobs {
namespace {

using base::ErrorCode;
using base::Result;
using envelope::Json;
namespace fs = std::filesystem;

constexpr std::size_t kMaxRequestBytes = std::size_t{1} << 20;

std::int64_t milliseconds(double seconds) { return static_cast<std::int64_t>(seconds * 1000 + 0.5); }

/// Numbers as JSON readers keep them exactly, larger ones as text.
Json integer(model::Int128 value) {
  constexpr std::int64_t kExact = std::int64_t{1} << 53;
  if (value >= -kExact && value <= kExact) return static_cast<std::int64_t>(value);
  return base::to_string(value);
}

class Run {
 public:
  Run(const DataFolder& data, const envelope::RecipientSecretKey& key, const std::string& worker, const store::Job& job, const fs::path& scratch,
      const base::Progress& progress)
      : data_(data), key_(key), worker_(worker), job_(job), scratch_(scratch), progress_(progress) {}

  Result<store::JobOutcome> run() {
    BLINDPROOF_ASSIGN(request_, envelope::parse_json(job_.request, kMaxRequestBytes));
    BLINDPROOF_ASSIGN(auto version, data_.store->version(job_.model, job_.version));
    if (!version) return base::error(ErrorCode::kMismatch, "model", "has no such version");
    version_ = *std::move(version);
    if (job_.kind == kRegister) return register_model();
    if (version_.status != store::VersionStatus::kReady) return base::error(ErrorCode::kMismatch, "model", "is not ready");
    if (job_.kind == kProve) return prove();
    if (job_.kind == kEvaluate) return evaluate();
    if (job_.kind == kEvaluateProven) return evaluate_proven();
    return base::error(ErrorCode::kUnsupported, "job", "is of a kind that this worker doesn't know");
  }

 private:
  fs::path at(const char* name) const { return scratch_ / name; }

  /// Every opening of a model stands in the audit log before it happens.
  Result<envelope::Key256> open_model_key() {
    BLINDPROOF_TRY(data_.store->append_audit({0, now_ms(), job_.tenant, "worker " + worker_, "model.open",
                                              job_.model + "/" + std::to_string(job_.version), "job " + job_.id, {}}));
    return envelope::open_data_key(version_.key_envelope, model_context(job_.model), key_);
  }

  Result<store::JobOutcome> register_model() {
    BLINDPROOF_ASSIGN(const envelope::Key256 data_key, open_model_key());
    BLINDPROOF_TRY(open_to_file(data_.blobs, version_.content_blob, data_key, at("model.bpm")));
    BLINDPROOF_ASSIGN(const engine::CommitOutcome committed, engine::commit_model(at("model.bpm"), at("model.bpk"), progress_));
    BLINDPROOF_ASSIGN(const store::Blob model_key, data_.blobs.put_file(at("model.bpk")));
    BLINDPROOF_ASSIGN(const engine::Inspection inspection, engine::inspect(at("model.bpk")));
    const engine::ModelSummary& summary = inspection.summary;

    store::JobOutcome outcome;
    outcome.version = version_;
    outcome.version->status = store::VersionStatus::kReady;
    outcome.version->model_key_blob = model_key.digest;
    outcome.version->model_id = base::to_hex(committed.model);
    Json facts = {{"arithmetic", summary.arithmetic}, {"input_shape", summary.input_shape}, {"output_shape", summary.output_shape},
                  {"parameters", summary.parameters}, {"finish", summary.finish}, {"model_key_bytes", model_key.bytes}};
    const Json levels = request_.value("levels", Json::array());
    if (std::find(levels.begin(), levels.end(), "fhe") != levels.end()) {
      engine::LowerRequest request{at("model.bpm"), at("program.bpf"), at("client.bpc"), {}};
      if (summary.arithmetic == "exact") request.scheme = fheml::ExactScheme::kBfv;
      BLINDPROOF_ASSIGN(const engine::LowerOutcome lowered, engine::lower_model(request, progress_));
      BLINDPROOF_ASSIGN(const store::Blob program, seal_file(data_.blobs, at("program.bpf"), data_key));
      BLINDPROOF_ASSIGN(const store::Blob spec, data_.blobs.put_file(at("client.bpc")));
      outcome.version->program_blob = program.digest;
      outcome.version->client_spec_blob = spec.digest;
      facts["fhe"] = {{"scheme", lowered.parameters.scheme}, {"evaluation_key_bytes", lowered.key_bytes},
                      {"ciphertext_bytes", lowered.ciphertext_bytes}, {"max_samples", lowered.max_samples}};
    }
    if (std::find(levels.begin(), levels.end(), "hybrid") != levels.end()) {
      BLINDPROOF_ASSIGN(const engine::LowerHybridOutcome lowered, engine::lower_hybrid_model({at("model.bpm"), at("hybrid.bpf"), at("hybrid.bpc")}));
      BLINDPROOF_ASSIGN(const store::Blob program, seal_file(data_.blobs, at("hybrid.bpf"), data_key));
      BLINDPROOF_ASSIGN(const store::Blob spec, data_.blobs.put_file(at("hybrid.bpc")));
      outcome.version->hybrid_program_blob = program.digest;
      outcome.version->hybrid_spec_blob = spec.digest;
      facts["hybrid"] = {{"features", lowered.features}, {"outputs", lowered.outputs}, {"max_records", lowered.max_records},
                         {"input_bytes", lowered.input_bytes}, {"output_bytes", lowered.output_bytes}, {"evaluations", lowered.parameters.evaluations}};
    }
    outcome.version->facts = facts.dump();
    outcome.result = Json{{"model_id", outcome.version->model_id}, {"commit_ms", milliseconds(committed.seconds)}}.dump();
    return outcome;
  }

  Result<store::JobOutcome> prove() {
    BLINDPROOF_ASSIGN(const envelope::Key256 input_key, envelope::open_data_key(job_.input_envelope, input_context(job_.id), key_));
    BLINDPROOF_TRY(open_to_file(data_.blobs, job_.input_blob, input_key, at("input.npy")));
    BLINDPROOF_ASSIGN(const envelope::Key256 model_key, open_model_key());
    BLINDPROOF_TRY(open_to_file(data_.blobs, version_.content_blob, model_key, at("model.bpm")));
    engine::ProveRequest request;
    request.model = at("model.bpm");
    request.model_key = data_.blobs.path_of(version_.model_key_blob);
    request.input = at("input.npy");
    request.proof = at("proof.bpp");
    request.hide_input = request_.value("hide_input", true);
    const std::string context = request_.value("context", std::string());
    request.context.assign(context.begin(), context.end());
    BLINDPROOF_ASSIGN(const engine::ProveOutcome proven, engine::prove(request, progress_));
    store::JobOutcome outcome;
    BLINDPROOF_ASSIGN(outcome.proof, seal_proof(request.proof, milliseconds(proven.prove_seconds)));
    if (proven.opening && request_.contains("recipient")) {
      BLINDPROOF_ASSIGN(const envelope::RecipientKey recipient, envelope::parse_recipient_key(request_["recipient"]));
      BLINDPROOF_ASSIGN(const base::Bytes opening, base::read_file(*proven.opening, engine::kMaxOpeningBytes));
      BLINDPROOF_ASSIGN(const SealedBlob sealed, seal_bytes(data_.blobs, opening, opening_context(job_.id), std::array{recipient}));
      BLINDPROOF_ASSIGN(const store::Blob key_envelope, data_.blobs.put(base::as_bytes(sealed.key_envelope)));
      outcome.artifacts.push_back({job_.id, "opening.bpx", sealed.blob.digest, static_cast<std::int64_t>(sealed.blob.bytes)});
      outcome.artifacts.push_back({job_.id, "opening.jwe", key_envelope.digest, static_cast<std::int64_t>(key_envelope.bytes)});
    }
    Json integers = Json::array();
    for (const model::Int128 value : proven.integers) integers.push_back(integer(value));
    Json answer = {{"output", {{"shape", proven.output_shape}, {"integers", integers}, {"reals", proven.reals}}}};
    if (proven.top_class) answer["top_class"] = *proven.top_class;
    const std::array recipients = {data_.server};
    BLINDPROOF_ASSIGN(const SealedBlob sealed, seal_bytes(data_.blobs, base::as_bytes(answer.dump()), result_context(job_.id), recipients));
    outcome.result = Json{{"proof_id", outcome.proof->id}, {"model_id", base::to_hex(proven.model)}, {"prove_ms", outcome.proof->prove_ms},
                          {"sealed", {{"blob", sealed.blob.digest}, {"key_envelope", sealed.key_envelope}}}}.dump();
    return outcome;
  }

  /// The record of a proof, which is stored encrypted.
  Result<store::Proof> seal_proof(const fs::path& file, std::int64_t prove_ms) {
    BLINDPROOF_ASSIGN(const base::Bytes bytes, base::read_file(file, engine::kMaxProofBytes));
    const std::array recipients = {data_.server};
    BLINDPROOF_ASSIGN(const SealedBlob sealed, seal_bytes(data_.blobs, bytes, proof_context(job_.id), recipients));
    store::Proof proof;
    proof.created_ms = now_ms();
    proof.id = store::make_id(proof.created_ms);
    proof.tenant = job_.tenant;
    proof.job = job_.id;
    proof.model = job_.model;
    proof.version = job_.version;
    proof.blob = sealed.blob.digest;
    proof.key_envelope = sealed.key_envelope;
    proof.sha256 = base::to_hex(crypto::sha256(bytes));
    proof.model_key_blob = version_.model_key_blob;
    proof.bytes = static_cast<std::int64_t>(bytes.size());
    proof.prove_ms = prove_ms;
    return proof;
  }

  Result<store::JobOutcome> evaluate() {
    if (version_.program_blob.empty()) return base::error(ErrorCode::kMismatch, "model", "was not registered for the level fhe");
    BLINDPROOF_ASSIGN(const auto keys, data_.store->evaluation_keys(job_.tenant, request_.value("keys", std::string()), now_ms()));
    if (!keys) return base::error(ErrorCode::kMismatch, "evaluation keys", "were deleted or have expired");
    BLINDPROOF_ASSIGN(const envelope::Key256 model_key, open_model_key());
    BLINDPROOF_TRY(open_to_file(data_.blobs, version_.program_blob, model_key, at("program.bpf")));
    engine::InferRequest request;
    request.program = at("program.bpf");
    request.evaluation_keys = data_.blobs.path_of(keys->evaluation_blob);
    request.public_key = data_.blobs.path_of(keys->public_blob);
    request.input = data_.blobs.path_of(job_.input_blob);
    request.out = at("output.bpct");
    BLINDPROOF_ASSIGN(const engine::InferOutcome inferred, engine::infer(request, progress_));
    BLINDPROOF_ASSIGN(const store::Blob blob, data_.blobs.put_file(request.out));
    store::JobOutcome outcome;
    outcome.artifacts.push_back({job_.id, "output.bpct", blob.digest, static_cast<std::int64_t>(blob.bytes)});
    outcome.result = Json{{"samples", inferred.samples}, {"hiding_bits", inferred.hiding_bits}, {"error_bound", inferred.error_bound},
                          {"infer_ms", milliseconds(inferred.infer_seconds)}}.dump();
    return outcome;
  }

  Result<store::JobOutcome> evaluate_proven() {
    if (version_.hybrid_program_blob.empty()) return base::error(ErrorCode::kMismatch, "model", "was not registered for the level hybrid");
    BLINDPROOF_ASSIGN(const auto keys, data_.store->evaluation_keys(job_.tenant, request_.value("keys", std::string()), now_ms()));
    if (!keys) return base::error(ErrorCode::kMismatch, "public key", "was deleted or has expired");
    BLINDPROOF_ASSIGN(const envelope::Key256 model_key, open_model_key());
    BLINDPROOF_TRY(open_to_file(data_.blobs, version_.hybrid_program_blob, model_key, at("hybrid.bpf")));
    engine::HybridInferRequest request;
    request.program = at("hybrid.bpf");
    request.public_key = data_.blobs.path_of(keys->public_blob);
    request.input = data_.blobs.path_of(job_.input_blob);
    request.out = at("output.bpct");
    request.proof = at("proof.bpp");
    request.model_key = data_.blobs.path_of(version_.model_key_blob);
    const std::string context = request_.value("context", std::string());
    request.context.assign(context.begin(), context.end());
    progress_.report("evaluating and proving", 0, 0);
    BLINDPROOF_ASSIGN(const engine::HybridInferOutcome inferred, engine::infer_hybrid(request));
    if (static_cast<std::int64_t>(inferred.records) != job_.samples) {  // what was counted against quotas
      return base::error(ErrorCode::kMismatch, "samples", "the ciphertext holds " + std::to_string(inferred.records) + ", the request said " +
                                                              std::to_string(job_.samples));
    }
    BLINDPROOF_ASSIGN(const store::Blob output, data_.blobs.put_file(request.out));
    store::JobOutcome outcome;
    BLINDPROOF_ASSIGN(outcome.proof, seal_proof(*request.proof, milliseconds(inferred.prove_seconds)));
    outcome.proof->level = kEvaluateProven;
    outcome.proof->public_key_blob = keys->public_blob;
    outcome.proof->input_blob = job_.input_blob;
    outcome.proof->output_blob = output.digest;
    outcome.artifacts.push_back({job_.id, "output.bpct", output.digest, static_cast<std::int64_t>(output.bytes)});
    outcome.result = Json{{"samples", inferred.records}, {"proof_id", outcome.proof->id}, {"model_id", base::to_hex(inferred.model)},
                          {"infer_ms", milliseconds(inferred.infer_seconds)}, {"prove_ms", outcome.proof->prove_ms}}.dump();
    return outcome;
  }

  const DataFolder& data_;
  const envelope::RecipientSecretKey& key_;
  const std::string& worker_;
  const store::Job& job_;
  const fs::path& scratch_;
  const base::Progress& progress_;
  Json request_;
  store::ModelVersion version_;
};

/// Without the folders of this machine.
std::string without_folders(std::string text, const DataFolder& data, const fs::path& scratch) {
  for (const fs::path& folder : {scratch, data.root / "blobs", data.root}) {
    const std::string prefix = folder.string() + "/";
    for (std::size_t found = text.find(prefix); found != std::string::npos; found = text.find(prefix)) text.erase(found, prefix.size());
  }
  return text;
}

}  // namespace

Result<store::JobOutcome> run_job(const DataFolder& data, const envelope::RecipientSecretKey& key, const std::string& worker,
                                  const store::Job& job, const fs::path& scratch, const base::Progress& progress) {
  Result<store::JobOutcome> outcome = Run(data, key, worker, job, scratch, progress).run();
  if (outcome.ok()) return outcome;
  base::Error error = std::move(outcome).error();
  return base::error(error.code, without_folders(std::move(error.place), data, scratch), without_folders(std::move(error.detail), data, scratch));
}

}  // namespace blindproof::service::jobs
