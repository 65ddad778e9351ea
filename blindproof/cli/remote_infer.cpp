#include "blindproof/cli/remote_infer.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "blindproof/cli/format.h"
#include "blindproof/cli/passphrase.h"
#include "blindproof/cli/remote_options.h"
#include "blindproof/engine/fhe_inference.h"
#include "blindproof/engine/groth16.h"
#include "blindproof/engine/hybrid_inference.h"
#include "blindproof/engine/samples.h"
#include "blindproof/engine/verify.h"
#include "blindproof/envelope/content.h"
#include "blindproof/envelope/key_envelope.h"
#include "blindproof/service/jobs/data_folder.h"

namespace blindproof::cli {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using base::Result;
using service::client::Client;
using service::client::percent_encode;

constexpr std::chrono::milliseconds kFirstLook{50}, kLongestPause{1000};
constexpr std::size_t kMaxValues = std::size_t{1} << 22;

base::Error strange(const char* what) { return base::error(ErrorCode::kMalformed, "server", std::string("answers without ") + what); }

Result<std::string> job_of(const service::client::Json& accepted) {
  std::string job = text_of(rendered(accepted), "job_id");
  if (job.empty()) return strange("a job");
  return job;
}

Result<std::string> link_of(const Json& job, const char* name) {
  std::string link = job.contains("links") ? text_of(job["links"], name) : "";
  if (link.empty()) return strange(name);
  return link;
}

/// The job's file of this name.
base::Status download_artifact(Client& client, const Json& job, const std::string& name, const fs::path& file) {
  if (job.contains("artifacts") && job["artifacts"].is_array()) {
    for (const Json& artifact : job["artifacts"]) {
      if (text_of(artifact, "name") == name) return client.download(text_of(artifact, "link"), file, engine::kMaxCiphertextFileBytes);
    }
  }
  return strange(name.c_str());
}

/// The opening of a hidden input, which the worker encrypted for `key`.
base::Status fetch_opening(Client& client, const Json& job, const std::string& id, const envelope::RecipientSecretKey& key, const WorkFolder& work) {
  BLINDPROOF_TRY(download_artifact(client, job, "opening.jwe", work.at("opening.jwe")));
  BLINDPROOF_TRY(download_artifact(client, job, "opening.bpx", work.at("opening.bpx")));
  BLINDPROOF_ASSIGN(const base::Bytes wrapped, base::read_file(work.at("opening.jwe"), envelope::kMaxKeyEnvelopeBytes));
  const std::string_view text(reinterpret_cast<const char*>(wrapped.data()), wrapped.size());
  BLINDPROOF_ASSIGN(const envelope::Key256 data_key, envelope::open_data_key(text, service::jobs::opening_context(id), key));
  return envelope::decrypt_file(work.at("opening.bpx"), work.at("opening"), data_key, 2 * std::uint64_t{engine::kMaxOpeningBytes});
}

/// The proof here, and whether it is one of this input and the answer.
base::Status check_proof(const RemoteInference& request, const Json& result, const std::optional<fs::path>& opening) {
  engine::VerifyRequest verify;
  verify.proof = *request.proof;
  verify.model_key = *request.model_key;
  verify.input = request.input;
  verify.index = request.index;
  verify.opening = opening;
  verify.context.emplace(request.context.begin(), request.context.end());
  BLINDPROOF_ASSIGN(const engine::Verdict verdict, engine::verify(verify));
  if (verdict.refusal) return base::error(ErrorCode::kRejected, request.proof->string(), "is refused by check " + verdict.refusal->message());
  const bool has_answer = result.contains("output") && result["output"].is_object() && result["output"].contains("integers");
  if (!has_answer || verdict.output.hidden || integers_json(verdict.output.values) != result["output"]["integers"]) {
    return base::error(ErrorCode::kRejected, request.proof->string(), "is valid, but of another output than the server answered");
  }
  return {};
}

/// proof.json and public.json, verified with the caller's key if there is one.
base::Status fetch_groth16(Client& client, const RemoteInference& request, const std::string& proof, Json& answer) {
  if (!request.proof) return {};
  BLINDPROOF_TRY(client.download(proof + "/proof.json", *request.proof, engine::kMaxProofBytes));
  BLINDPROOF_TRY(client.download(proof + "/public.json", *request.public_values, engine::kMaxProofBytes));
  answer["proof_file"] = request.proof->string();
  answer["public_file"] = request.public_values->string();
  if (!request.verification_key) return {};
  BLINDPROOF_ASSIGN(const engine::Groth16Verdict verdict,
                    engine::groth16_verify({*request.verification_key, *request.proof, *request.public_values, request.allow_development}));
  if (verdict.refusal) return base::error(ErrorCode::kRejected, request.proof->string(), "is refused by check " + verdict.refusal->message());
  if (answer["result"].value("public", Json()) != Json(verdict.public_values)) {
    return base::error(ErrorCode::kRejected, request.proof->string(), "is valid, but of other public values than the server answered");
  }
  answer["verified"] = true;
  answer["insecure_key"] = verdict.insecure_key;
  return {};
}

Result<Json> infer_proven(Client& client, const RemoteInference& request, const base::Progress& progress) {
  if (!request.spec.empty() || !request.keys.empty() || !request.out.empty() || !request.server_keys.empty()) {
    return base::error(ErrorCode::kInvalidArgument, "arguments", "--spec, --keys, --server-keys and --out are for the levels fhe and hybrid");
  }
  const bool groth16 = request.proof_system == "groth16";
  if (groth16 && (request.model_key || request.show_input || !request.context.empty() || request.proof.has_value() != request.public_values.has_value())) {
    return base::error(ErrorCode::kInvalidArgument, "arguments", "groth16 takes --proof with --public, and --verification-key; no --model-key, --context or --show-input");
  }
  if (!groth16 && (request.public_values || request.verification_key || request.allow_development)) {
    return base::error(ErrorCode::kInvalidArgument, "arguments", "--public, --verification-key and --allow-dev are for --proof-system groth16");
  }
  if (request.verification_key && !request.proof) return base::error(ErrorCode::kInvalidArgument, "arguments", "--verification-key needs --proof and --public");
  if (request.model_key && !request.proof) return base::error(ErrorCode::kInvalidArgument, "arguments", "--model-key needs --proof");
  BLINDPROOF_ASSIGN(const model::Shape shape, input_shape(client, request.model, request.version));
  BLINDPROOF_ASSIGN(const std::vector<float> sample, engine::read_sample(request.input, shape, request.index));
  service::client::Json body = {{"privacy_level", "zkml"}, {"input", {{"shape", shape}, {"data", sample}}}, {"hide_input", !request.show_input}};
  std::optional<envelope::RecipientSecretKey> recipient;  // for this request alone: shows that a hidden input is this one
  if (request.model_key && !request.show_input) {
    recipient = envelope::RecipientSecretKey::generate();
    body["recipient"] = recipient->recipient().jwk();
  }
  if (!request.context.empty()) body["context"] = request.context;
  if (groth16) body["proof_system"] = "groth16";
  if (!request.version.empty()) body["version"] = request.version;
  BLINDPROOF_ASSIGN(const auto accepted, client.post("/ml/models/" + percent_encode(request.model) + "/inference", body));
  BLINDPROOF_ASSIGN(const std::string id, job_of(accepted));
  BLINDPROOF_ASSIGN(Json job, wait_for_job(client, id, progress));
  Json answer = {{"job", id}, {"level", "zkml"}, {"result", job.contains("result") ? job["result"] : Json::object()}, {"verified", false}, {"input_verified", false}};
  if (groth16) {
    BLINDPROOF_ASSIGN(const std::string proof, link_of(job, "proof"));
    BLINDPROOF_TRY(fetch_groth16(client, request, proof, answer));
  } else if (request.proof) {
    BLINDPROOF_ASSIGN(const std::string proof, link_of(job, "proof"));
    BLINDPROOF_TRY(client.download(proof + "/proof.bpp", *request.proof, engine::kMaxProofBytes));
    answer["proof_file"] = request.proof->string();
    if (request.model_key) {
      BLINDPROOF_ASSIGN(const WorkFolder work, WorkFolder::create());
      std::optional<fs::path> opening;
      if (recipient) {
        BLINDPROOF_TRY(fetch_opening(client, job, id, *recipient, work));
        opening = work.at("opening");
      }
      progress.report("verifying", 0, 1);
      BLINDPROOF_TRY(check_proof(request, answer["result"], opening));
      answer["verified"] = answer["input_verified"] = true;
    }
  }
  return answer;
}

Result<Json> infer_encrypted(Client& client, const RemoteInference& request, const base::Progress& progress) {
  const bool hybrid = request.level == "hybrid";
  if (!hybrid && (request.proof || request.model_key)) {
    return base::error(ErrorCode::kInvalidArgument, "arguments", "the level fhe gives no proof: take hybrid for an encrypted answer with one");
  }
  if (request.spec.empty() || request.keys.empty() || request.out.empty() || request.server_keys.empty()) {
    return base::error(ErrorCode::kInvalidArgument, "arguments", "this level needs --spec, --keys, --server-keys and --out");
  }
  if (hybrid && (!request.proof || !request.model_key)) {
    return base::error(ErrorCode::kInvalidArgument, "arguments", "the level hybrid needs --proof and --model-key: what isn't proven isn't decrypted");
  }
  const auto ask = [file = request.passphrase_file] { return read_passphrase(file, false); };
  BLINDPROOF_ASSIGN(const WorkFolder work, WorkFolder::create());
  std::size_t samples = 1;
  progress.report("encrypting", 0, 1);
  if (hybrid) {
    BLINDPROOF_ASSIGN(const auto encrypted, engine::encrypt_hybrid_input({request.spec, request.keys, request.input, work.at("x.bpct"), request.index, ask}));
    samples = encrypted.records;
  } else {
    BLINDPROOF_ASSIGN(const auto encrypted, engine::encrypt_input({request.spec, request.keys, request.input, work.at("x.bpct"), request.index, ask}));
    samples = encrypted.samples;
  }
  std::string target = "/ml/models/" + percent_encode(request.model) + "/inference?privacy_level=" + request.level + "&keys=" + percent_encode(request.server_keys);
  if (hybrid) target += "&samples=" + std::to_string(samples) + "&context=" + percent_encode(request.context);
  progress.report("sending", 0, 1);
  BLINDPROOF_ASSIGN(const auto accepted, client.post_file(target, work.at("x.bpct")));
  BLINDPROOF_ASSIGN(const std::string id, job_of(accepted));
  BLINDPROOF_ASSIGN(const Json job, wait_for_job(client, id, progress));
  BLINDPROOF_TRY(download_artifact(client, job, "output.bpct", work.at("y.bpct")));
  Json answer = {{"job", id}, {"level", request.level}, {"samples", samples}, {"values_file", request.out.string()}};
  if (!hybrid) {
    BLINDPROOF_ASSIGN(const auto decrypted, engine::decrypt_output({request.spec, request.keys, work.at("y.bpct"), request.out, ask}));
    answer["values"] = decrypted.values;
    answer["classes"] = decrypted.classes;
    answer["verified"] = false;
    return answer;
  }
  BLINDPROOF_ASSIGN(const std::string proof, link_of(job, "proof"));
  BLINDPROOF_TRY(client.download(proof + "/proof.bpp", *request.proof, engine::kMaxProofBytes));
  progress.report("verifying", 0, 1);
  engine::DecryptRecordsRequest decrypt{request.spec, request.keys, work.at("y.bpct"), request.out, ask};
  decrypt.proof = *request.proof;
  decrypt.model_key = *request.model_key;
  decrypt.input_ciphertext = work.at("x.bpct");
  decrypt.context.emplace(request.context.begin(), request.context.end());
  BLINDPROOF_ASSIGN(const auto decrypted, engine::decrypt_hybrid_output(decrypt));
  answer["proof_file"] = request.proof->string();
  answer["values"] = decrypted.values;
  answer["integers"] = integers_json(decrypted.integers);
  answer["classes"] = decrypted.classes;
  answer["verified"] = true;
  return answer;
}

}  // namespace

Result<model::Shape> input_shape(Client& client, const std::string& model, const std::string& version) {
  BLINDPROOF_ASSIGN(const std::string name, segment("model", model));
  BLINDPROOF_ASSIGN(const auto spec, client.get("/ml/models/" + name + "/client-spec" + (version.empty() ? "" : "?version=" + percent_encode(version))));
  model::Shape shape;
  std::size_t count = 1;
  if (!spec.is_object() || !spec.contains("facts") || !spec["facts"].is_object() || !spec["facts"].contains("input_shape")) return strange("the input's shape");
  for (const auto& dimension : spec["facts"]["input_shape"]) {
    if (!dimension.is_number_unsigned() || dimension.get<std::uint64_t>() == 0 || dimension.get<std::uint64_t>() > kMaxValues / count || shape.size() == 8) {
      return strange("a shape that can be");
    }
    shape.push_back(dimension.get<std::size_t>());
    count *= shape.back();
  }
  return shape;
}

std::string job_path(const std::string& job) { return "/ml/jobs/" + percent_encode(job); }

Result<Json> wait_for_job(Client& client, const std::string& job, const base::Progress& progress) {
  for (auto pause = kFirstLook;; pause = std::min(2 * pause, kLongestPause)) {
    BLINDPROOF_ASSIGN(const auto state, client.get(job_path(job)));
    Json known = rendered(state);
    const std::string status = text_of(known, "status");
    if (status == "succeeded") return known;
    if (status == "failed" || status == "cancelled") {
      const std::string problem = text_of(known, "problem");
      return base::error(ErrorCode::kRejected, "job " + job, problem.empty() ? status : problem);
    }
    if (status.empty()) return strange("a status");
    if (known.contains("progress") && known["progress"].is_object()) {
      const Json& at = known["progress"];
      const auto count = [&](const char* name) { return at.contains(name) && at[name].is_number_unsigned() ? at[name].get<std::uint64_t>() : 0; };
      const std::string phase = text_of(at, "phase");
      progress.report(phase.empty() ? status : phase, count("done"), count("total"));
    }
    std::this_thread::sleep_for(pause);
  }
}

Result<Json> infer_remotely(Client& client, const RemoteInference& request, const base::Progress& progress) {
  return request.level == "zkml" ? infer_proven(client, request, progress) : infer_encrypted(client, request, progress);
}

}  // namespace blindproof::cli
