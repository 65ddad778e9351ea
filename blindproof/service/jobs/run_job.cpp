#include "blindproof/service/jobs/run_job.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <limits>

#include "blindproof/base/int128.h"
#include "blindproof/engine/commit_model.h"
#include "blindproof/arrays/npy.h"
#include "blindproof/engine/fhe_encrypted_model.h"
#include "blindproof/engine/fhe_inference.h"
#include "blindproof/engine/groth16.h"
#include "blindproof/engine/groth16_witness.h"
#include "blindproof/engine/hybrid_inference.h"
#include "blindproof/engine/model_summary.h"
#include "blindproof/engine/prove.h"
#include "blindproof/engine/run_model.h"
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

Result<Json> read_json(const fs::path& file) {
  constexpr std::size_t kMaxBytes = std::size_t{64} << 20;
  BLINDPROOF_ASSIGN(const base::Bytes text, base::read_file(file, kMaxBytes));
  return envelope::parse_json({reinterpret_cast<const char*>(text.data()), text.size()}, kMaxBytes);
}

/// What was uploaded: a .r1cs file, whose sections say where it ends, and behind it a .zkey file.
base::Status split_circuit(const fs::path& both, const fs::path& circuit, const fs::path& key) {
  constexpr std::uint32_t kMaxSections = 64;
  const base::Error malformed = base::error(ErrorCode::kMalformed, "circuit", "must be a .r1cs file with a .zkey file behind it");
  std::ifstream in(both, std::ios::binary);
  const auto read = [&](std::size_t bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes; ++i) value |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(in.get())) << (8 * i);
    return value;
  };
  std::error_code code;
  const std::uint64_t size = fs::file_size(both, code);
  if (code || !in) return base::error(ErrorCode::kIo, both.string(), "can't be read");
  read(8);  // magic and version: looked at by who reads the circuit
  const std::uint64_t sections = read(4);
  if (!in || sections > kMaxSections) return malformed;
  std::uint64_t end = 12;
  for (std::uint64_t i = 0; i < sections; ++i) {
    if (size < 12 || end > size - 12) return malformed;
    in.seekg(static_cast<std::streamoff>(end + 4));
    const std::uint64_t length = read(8);
    if (!in || length > size - 12 - end) return malformed;
    end += 12 + length;
  }
  if (end == size) return malformed;
  const auto copy = [&](const fs::path& file, std::uint64_t begin, std::uint64_t bytes) -> base::Status {
    BLINDPROOF_ASSIGN(base::AtomicFile out, base::AtomicFile::create(file));
    in.clear();
    in.seekg(static_cast<std::streamoff>(begin));
    base::Bytes piece(std::size_t{1} << 20);
    for (std::uint64_t at = 0; at < bytes; at += piece.size()) {
      const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), bytes - at));
      if (!in.read(reinterpret_cast<char*>(piece.data()), static_cast<std::streamsize>(count))) return base::error(ErrorCode::kIo, both.string(), "can't be read");
      BLINDPROOF_TRY(out.write_at(at, base::ByteSpan(piece).first(count)));
    }
    return out.commit();
  };
  BLINDPROOF_TRY(copy(circuit, 0, end));
  return copy(key, end, size - end);
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
    if (job_.kind == kAddGroth16) return add_groth16();
    if (job_.kind == kProve) return request_.value("proof_system", std::string()) == "groth16" ? prove_groth16() : prove();
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
    if (request_.value("encrypted", false)) return register_encrypted_model(data_key);
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

  /// Nobody here sees its weights: there is nothing to commit to or to prove with.
  Result<store::JobOutcome> register_encrypted_model(const envelope::Key256& data_key) {
    BLINDPROOF_TRY(open_to_file(data_.blobs, version_.content_blob, data_key, at("program.bpfe")));
    BLINDPROOF_ASSIGN(const engine::EncryptedModelSummary summary, engine::read_encrypted_model(at("program.bpfe"), at("client.bpc")));
    BLINDPROOF_ASSIGN(const store::Blob spec, data_.blobs.put_file(at("client.bpc")));
    store::JobOutcome outcome;
    outcome.version = version_;
    outcome.version->status = store::VersionStatus::kReady;
    outcome.version->program_blob = version_.content_blob;
    outcome.version->client_spec_blob = spec.digest;
    outcome.version->facts = Json{{"encrypted_weights", true}, {"key_id", base::to_hex(summary.key_id)}, {"input_shape", summary.input_shape},
                                  {"output_shape", summary.output_shape}, {"ciphertexts", summary.ciphertexts},
                                  {"fhe", {{"scheme", summary.parameters.scheme}, {"max_samples", 1}}}}.dump();
    outcome.result = Json{{"key_id", base::to_hex(summary.key_id)}}.dump();
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
    Json answer = {{"output", output_json(proven.output_shape, proven.integers, proven.reals)}};
    if (proven.top_class) answer["top_class"] = *proven.top_class;
    BLINDPROOF_ASSIGN(const Json sealed, seal_answer(answer));
    outcome.result = Json{{"proof_id", outcome.proof->id}, {"model_id", base::to_hex(proven.model)}, {"prove_ms", outcome.proof->prove_ms}, {"sealed", sealed}}.dump();
    return outcome;
  }

  /// A proof of `input` by this circuit and key, with what is public of it; verified before anybody gets it.
  Result<engine::Groth16ProveOutcome> prove_circuit(const fs::path& circuit, const fs::path& key, const std::optional<fs::path>& salts) {
    BLINDPROOF_ASSIGN(const engine::ModelWitness witness,
                      engine::make_model_witness({at("model.bpm"), circuit, at("input.npy"), std::nullopt, salts, engine::InferenceStatement{}}));
    BLINDPROOF_TRY(engine::write_model_witness(witness, at("w.wtns"), at("w.salts")));
    BLINDPROOF_ASSIGN(const engine::Groth16ProveOutcome proven, engine::groth16_prove({key, at("w.wtns"), at("proof.json"), at("public.json")}, progress_));
    BLINDPROOF_TRY(engine::groth16_write_verification_key(key, at("key.json")));
    BLINDPROOF_ASSIGN(const engine::Groth16Verdict verdict, engine::groth16_verify({at("key.json"), at("proof.json"), at("public.json"), true}));
    if (verdict.refusal) return base::error(ErrorCode::kMismatch, "key", "makes proofs that don't hold: it is none of this circuit");
    return proven;
  }

  Result<store::JobOutcome> add_groth16() {
    BLINDPROOF_TRY(split_circuit(data_.blobs.path_of(job_.input_blob), at("circuit.r1cs"), at("circuit.zkey")));
    BLINDPROOF_ASSIGN(const envelope::Key256 data_key, open_model_key());
    BLINDPROOF_TRY(open_to_file(data_.blobs, version_.content_blob, data_key, at("model.bpm")));
    Json facts = Json::parse(version_.facts, nullptr, false);
    const auto shape = facts.at("input_shape").get<std::vector<std::size_t>>();
    std::size_t count = 1;
    for (const std::size_t dimension : shape) count *= dimension;
    BLINDPROOF_TRY(base::write_file_atomic(at("input.npy"), arrays::write_npy(arrays::from_floats(shape, std::vector<float>(count)))));  // any input
    BLINDPROOF_ASSIGN(const engine::Groth16ProveOutcome proven, prove_circuit(at("circuit.r1cs"), at("circuit.zkey"), std::nullopt));
    if (proven.insecure_key && !request_.value("allow_development", false)) {
      return base::error(ErrorCode::kRejected, "key", "is of a development setup, whose maker can forge proofs: allow_development=true takes it all the same");
    }
    // The model's salt stays: all proofs name the model by the same digest.
    BLINDPROOF_ASSIGN(const Json salts, read_json(at("w.salts")));
    BLINDPROOF_ASSIGN(const Json values, read_json(at("public.json")));
    const std::array recipients = {data_.worker};
    BLINDPROOF_ASSIGN(const SealedBlob sealed, seal_bytes(data_.blobs, base::as_bytes(Json{{"model", salts.at("model")}}.dump()), model_context(job_.model), recipients));
    BLINDPROOF_ASSIGN(const store::Blob circuit, data_.blobs.put_file(at("circuit.r1cs")));
    BLINDPROOF_ASSIGN(const store::Blob key, data_.blobs.put_file(at("circuit.zkey")));
    BLINDPROOF_ASSIGN(const store::Blob verification_key, data_.blobs.put_file(at("key.json")));
    facts["groth16"] = {{"model_hash", values.at(0)}, {"insecure_key", proven.insecure_key}, {"circuit_bytes", circuit.bytes}, {"key_bytes", key.bytes},
                        {"sealed", {{"circuit", circuit.digest}, {"key", key.digest}, {"verification_key", verification_key.digest},
                                    {"salts", sealed.blob.digest}, {"key_envelope", sealed.key_envelope}}}};
    store::JobOutcome outcome;
    outcome.version = version_;
    outcome.version->facts = facts.dump();
    outcome.result = Json{{"model_hash", values.at(0)}, {"insecure_key", proven.insecure_key}, {"prove_ms", milliseconds(proven.seconds)}}.dump();
    return outcome;
  }

  Result<store::JobOutcome> prove_groth16() {
    const Json facts = Json::parse(version_.facts, nullptr, false);
    if (!facts.contains("groth16")) return base::error(ErrorCode::kMismatch, "model", "has no circuit");
    const Json& files = facts["groth16"].at("sealed");
    BLINDPROOF_ASSIGN(const envelope::Key256 input_key, envelope::open_data_key(job_.input_envelope, input_context(job_.id), key_));
    BLINDPROOF_TRY(open_to_file(data_.blobs, job_.input_blob, input_key, at("input.npy")));
    BLINDPROOF_ASSIGN(const envelope::Key256 model_key, open_model_key());
    BLINDPROOF_TRY(open_to_file(data_.blobs, version_.content_blob, model_key, at("model.bpm")));
    BLINDPROOF_ASSIGN(const envelope::Key256 salts_key, envelope::open_data_key(files.at("key_envelope").get<std::string>(), model_context(job_.model), key_));
    BLINDPROOF_TRY(open_to_file(data_.blobs, files.at("salts"), salts_key, at("salts.json")));
    BLINDPROOF_ASSIGN(const engine::RunOutcome ran, engine::run_model({at("model.bpm"), at("input.npy"), 0, false}));
    BLINDPROOF_ASSIGN(const engine::Groth16ProveOutcome proven,
                      prove_circuit(data_.blobs.path_of(files.at("circuit")), data_.blobs.path_of(files.at("key")), at("salts.json")));
    BLINDPROOF_ASSIGN(const Json proof, read_json(at("proof.json")));
    BLINDPROOF_ASSIGN(const Json values, read_json(at("public.json")));
    BLINDPROOF_ASSIGN(Json salts, read_json(at("w.salts")));
    salts.erase("model");  // the owner's
    BLINDPROOF_TRY(base::write_file_atomic(at("both.json"), base::as_bytes(Json{{"proof", proof}, {"public", values}}.dump())));
    store::JobOutcome outcome;
    BLINDPROOF_ASSIGN(outcome.proof, seal_proof(at("both.json"), milliseconds(proven.seconds)));
    outcome.proof->level = kGroth16Level;
    outcome.proof->model_key_blob = files.at("verification_key");
    Json answer = {{"output", output_json(ran.output_shape, ran.integers.at(0), ran.reals.at(0))}, {"public", values}, {"salts", salts}};
    if (!ran.classes.empty()) answer["top_class"] = ran.classes[0];
    BLINDPROOF_ASSIGN(const Json sealed, seal_answer(answer));
    outcome.result = Json{{"proof_id", outcome.proof->id}, {"proof_system", "groth16"}, {"model_id", version_.model_id}, {"prove_ms", outcome.proof->prove_ms},
                          {"insecure_key", proven.insecure_key}, {"sealed", sealed}}.dump();
    return outcome;
  }

  static Json output_json(const model::Shape& shape, const std::vector<model::Int128>& values, const std::vector<double>& reals) {
    Json integers = Json::array();
    for (const model::Int128 value : values) integers.push_back(integer(value));
    return {{"shape", shape}, {"integers", integers}, {"reals", reals}};
  }

  /// For the server, which hands it to the client.
  Result<Json> seal_answer(const Json& answer) {
    const std::array recipients = {data_.server};
    BLINDPROOF_ASSIGN(const SealedBlob sealed, seal_bytes(data_.blobs, base::as_bytes(answer.dump()), result_context(job_.id), recipients));
    return Json{{"blob", sealed.blob.digest}, {"key_envelope", sealed.key_envelope}};
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
