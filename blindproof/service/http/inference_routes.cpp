#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>

#include "blindproof/arrays/npy.h"
#include "blindproof/base/file.h"
#include "blindproof/engine/groth16.h"
#include "blindproof/engine/hybrid_proof.h"
#include "blindproof/engine/verify.h"
#include "blindproof/service/http/api.h"
#include "blindproof/service/http/decimal.h"
#include "blindproof/service/http/scratch_folder.h"
#include "blindproof/service/jobs/run_job.h"
#include "blindproof/service/jobs/sealed_blob.h"

namespace blindproof::service::http {
namespace {

using base::ErrorCode;
using base::Result;
namespace fs = std::filesystem;

constexpr std::size_t kMaxValues = std::size_t{1} << 22;
constexpr std::size_t kMaxContext = 1024;
constexpr std::size_t kMaxGroth16Bytes = std::size_t{1} << 20;  // of a proof with its public values
constexpr std::int64_t kMaxRecords = std::int64_t{1} << 20;  // of a ciphertext
constexpr store::TimeMs kDay = std::int64_t{24} * 3600 * 1000;

/// {"shape": [..], "data": [..]} as the bytes of a .npy file.
Result<base::Bytes> parse_tensor(const Json& tensor, const std::string& place) {
  const auto invalid = [&](const char* detail) { return base::error(ErrorCode::kInvalidArgument, place, detail); };
  if (!tensor.is_object() || !tensor.contains("shape") || !tensor.contains("data") || tensor.size() != 2) return invalid("must have shape and data");
  const Json &dimensions = tensor["shape"], &data = tensor["data"];
  if (!dimensions.is_array() || !data.is_array() || dimensions.size() > 8) return invalid("must have lists as shape and data");
  std::vector<std::size_t> shape;
  std::size_t count = 1;
  for (const Json& dimension : dimensions) {
    if (!dimension.is_number_unsigned() || dimension.get<std::uint64_t>() == 0 || dimension.get<std::uint64_t>() > kMaxValues) return invalid("has a dimension out of range");
    shape.push_back(dimension.get<std::size_t>());
    count *= shape.back();
    if (count > kMaxValues) return base::error(ErrorCode::kLimit, place, "has too many values");
  }
  if (data.size() != count) return invalid("has another number of values than its shape says");
  std::vector<float> values;
  values.reserve(count);
  for (const Json& value : data) {
    if (!value.is_number()) return invalid("has a value that is no number");
    const double number = value.get<double>();
    if (!(std::abs(number) <= std::numeric_limits<float>::max())) return invalid("has a value that is too large");
    values.push_back(static_cast<float>(number));
  }
  return arrays::write_npy(arrays::from_floats(shape, values));
}

/// What the model takes: the product of the shape that its facts name.
std::size_t input_size(const store::ModelVersion& version) {
  const Json facts = Json::parse(version.facts, nullptr, false);
  std::size_t count = 1;
  if (facts.is_object() && facts.contains("input_shape")) {
    for (const Json& dimension : facts["input_shape"]) count *= dimension.get<std::size_t>();
  }
  return count;
}

std::string version_text(const Json& body) {
  if (!body.contains("version")) return "";
  return body["version"].is_string() ? body["version"].get<std::string>() : std::to_string(body["version"].get<std::int64_t>());
}

std::string query_of(const Call& call, const char* name) {
  const auto found = call.query.find(name);
  return found == call.query.end() ? "" : found->second;
}

/// What a ciphertext may ask of the model: of a hybrid one its records, which the worker counts; of others all that fit, since nobody can
/// look.
std::optional<std::int64_t> samples_of(const Call& call, const store::ModelVersion& version, const std::string& level) {
  if (level == "fhe") {
    const Json facts = Json::parse(version.facts, nullptr, false);
    return facts.value("/fhe/max_samples"_json_pointer, std::int64_t{1});
  }
  const std::string text = query_of(call, "samples");
  if (text.empty()) return 1;
  std::int64_t samples = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), samples);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || samples < 1 || samples > kMaxRecords) return std::nullopt;
  return samples;
}

Json proof_json(const store::Proof& proof) {
  const std::string base = "/ml/proofs/" + proof.id, version = "/ml/models/" + proof.model + "/versions/" + std::to_string(proof.version);
  const bool groth16 = proof.level == jobs::kGroth16Level;
  Json links = {{"verify", base + "/verify"}};
  if (groth16) {
    links.update({{"proof", base + "/proof.json"}, {"public", base + "/public.json"}, {"verification_key", version + "/groth16.json"}});
  } else {
    links.update({{"proof", base + "/proof.bpp"}, {"model_key", version + "/model.bpk"}});
  }
  return {{"id", proof.id}, {"job", proof.job}, {"model", proof.model}, {"version", proof.version}, {"level", groth16 ? "zkml" : proof.level},
          {"proof_system", groth16 ? "groth16" : "sumcheck"}, {"bytes", proof.bytes}, {"prove_ms", proof.prove_ms}, {"created_ms", proof.created_ms}, {"verified", proof.verified}, {"refused", proof.refused}, {"sha256", proof.sha256},
          {"links", std::move(links)}};
}

/// The context that was asked for with the inference.
Result<base::Bytes> context_of(store::Store& store, const store::Proof& proof) {
  BLINDPROOF_ASSIGN(const auto job, store.job(proof.tenant, proof.job));
  const Json asked = Json::parse(job ? job->request : std::string(), nullptr, false);
  const std::string context = asked.is_object() ? asked.value("context", std::string()) : std::string();
  return base::Bytes(context.begin(), context.end());
}

Response download(const fs::path& file, const std::string& digest, const std::string& name) {
  Response response;
  response.headers = {{"Content-Type", "application/octet-stream"}, {"ETag", "\"" + digest + "\""},
                      {"Content-Disposition", "attachment; filename=\"" + name + "\""}};
  response.file = file;
  return response;
}

}  // namespace

bool Api::has_terms(const store::Job& job) {
  const Json request = Json::parse(job.request, nullptr, false);
  return request.is_object() && request.contains("terms");
}

Json Api::job_json(const store::Job& job, const std::vector<store::Artifact>& artifacts) {
  const std::string base = "/ml/jobs/" + job.id;
  Json json = {{"job_id", job.id}, {"kind", job.kind}, {"status", store::job_status_name(job.status)}, {"model", job.model}, {"version", job.version},
               {"attempts", job.attempts}, {"cancel_requested", job.cancel_requested}, {"created_ms", job.created_ms},
               {"progress", {{"phase", job.phase}, {"done", job.done}, {"total", job.total}}},
               {"links", {{"self", base}, {"events", base + "/events"}}}};
  if (job.started_ms) json["started_ms"] = job.started_ms;
  if (job.finished_ms) json["finished_ms"] = job.finished_ms;
  if (!job.problem.empty()) json["problem"] = job.problem;
  if (!job.result.empty()) {
    json["result"] = Json::parse(job.result, nullptr, false);
    json["result"].erase("sealed");
    if (json["result"].contains("proof_id")) json["links"]["proof"] = "/ml/proofs/" + json["result"]["proof_id"].get<std::string>();
  }
  if (job.status == store::JobStatus::kSucceeded && has_terms(job)) json["links"]["receipt"] = base + "/receipt";
  for (const store::Artifact& artifact : artifacts) {
    json["artifacts"].push_back({{"name", artifact.name}, {"bytes", artifact.bytes}, {"sha256", artifact.blob}, {"link", base + "/artifacts/" + artifact.name}});
  }
  return json;
}

Result<std::optional<Response>> Api::check_quota(Call& call, const store::Model& model, const std::string& level, std::int64_t samples) {
  BLINDPROOF_ASSIGN(const auto tenant, data_.store->tenant(call.caller.tenant));
  if (!tenant) return std::optional<Response>(not_found());
  BLINDPROOF_ASSIGN(const std::int64_t active, data_.store->active_jobs(tenant->id));
  if (active >= tenant->max_active_jobs) {
    return std::optional<Response>(problem(429, "quota", "there are " + std::to_string(active) + " jobs under way; wait for one to end"));
  }
  call.limits.active_jobs = tenant->max_active_jobs;
  if (model.tenant == tenant->id) return std::optional<Response>();
  BLINDPROOF_ASSIGN(const auto listing, data_.store->listing_of_model(model.id));
  if (!listing || !listing->published) return std::optional<Response>(not_found());
  const Json prices = Json::parse(listing->prices, nullptr, false);
  if (!prices["levels"].contains(level)) return std::optional<Response>(problem(422, "level", "the listing of this model doesn't offer the level " + level));
  call.limits.since = jobs::now_ms() - kDay;
  BLINDPROOF_ASSIGN(const std::int64_t used, data_.store->samples_since(tenant->id, model.id, call.limits.since));
  const std::int64_t limit = std::min(tenant->max_samples_per_day, listing->max_samples_per_day);
  call.limits.samples = limit;
  if (used + samples > limit) {
    return std::optional<Response>(problem(429, "quota", "of this model's " + std::to_string(limit) + " samples a day " + std::to_string(used) +
                                                             " are used; this request is for " + std::to_string(samples)));
  }
  const auto price = parse_decimal(prices["levels"][level].get<std::string>());
  if (!price || !times(*price, samples)) return std::optional<Response>(problem(422, "invalid", "samples: their price is beyond all bounds"));
  call.terms = {{"listing", listing->id}, {"currency", prices["currency"]}, {"price", prices["levels"][level]}};
  return std::optional<Response>();
}

Api::Reply Api::start_job(const Call& call, store::Job job, Json request, const std::string& fingerprint) {
  if (!call.terms.is_null()) request["terms"] = call.terms;
  job.request = request.dump();
  job.idempotency_key = call.head.header("idempotency-key");
  if (job.idempotency_key.size() > 255) return problem(400, "malformed", "Idempotency-Key: is too long");
  job.fingerprint = fingerprint;
  const std::string id = job.id;
  auto made = data_.store->create_job(job, call.limits);
  // check_quota was content: other requests came between.
  if (!made.ok() && made.error().code == ErrorCode::kLimit) return problem(429, "quota", "other requests have just used up what is allowed: " + made.error().detail);
  BLINDPROOF_ASSIGN(const store::Job started, std::move(made));
  if (started.id != id && started.fingerprint != fingerprint) {
    return problem(422, "idempotency", "this Idempotency-Key came with another request before");
  }
  if (started.id == id) BLINDPROOF_TRY(audit(call, job.kind == jobs::kAddGroth16 ? "model.circuit" : "model.infer", job.model + "/" + std::to_string(job.version), "job " + id));
  BLINDPROOF_ASSIGN(const auto artifacts, data_.store->artifacts(started.id));
  Response response = json_response(job_json(started, artifacts), 202);
  response.headers.emplace_back("Location", "/ml/jobs/" + started.id);
  return response;
}

Api::Reply Api::infer(Call& call) {
  const std::string level = call.body["privacy_level"];
  const bool verification = call.body.value("verification_required", level == "zkml");
  if (level == "fhe" && verification) return problem(422, "level", "the level fhe gives no proof; take hybrid for an encrypted answer with one");
  if (level == "fhe" || level == "hybrid") {
    return problem(422, "level", "for the level " + level + ", send a ciphertext as application/octet-stream: this server never encrypts for a client");
  }
  if (level != "zkml") return problem(422, "invalid", "privacy_level: must be zkml, fhe or hybrid");
  const std::string system = call.body.value("proof_system", std::string("sumcheck"));
  if (system != "sumcheck" && system != "groth16") return problem(422, "unsupported", "proof_system: must be \"sumcheck\" or \"groth16\"");
  if (system == "groth16" && (call.body.contains("context") || call.body.contains("recipient") || !call.body.value("hide_input", true))) {
    return problem(422, "unsupported", "proof_system: statements of groth16 are salted digests, without context, recipient or a shown input");
  }
  BLINDPROOF_ASSIGN(const auto model, find_model(call, false));
  if (!model) return not_found();
  BLINDPROOF_ASSIGN(const auto version, find_version(model->id, version_text(call.body)));
  if (!version || version->status != store::VersionStatus::kReady) return problem(422, "invalid", "version: there is none such that is ready");
  if (version->model_key_blob.empty()) return problem(422, "level", "the model's weights are encrypted: it has the level fhe alone");
  if (system == "groth16" && !Json::parse(version->facts, nullptr, false).contains("groth16")) {
    return problem(422, "unsupported", "proof_system: the owner gave this version no circuit; take \"sumcheck\"");
  }
  const std::string context = call.body.value("context", std::string());
  if (context.size() > kMaxContext) return problem(413, "too-large", "context: has more than 1024 bytes; give a hash of it");
  Json request = {{"hide_input", call.body.value("hide_input", true)}, {"context", context}};
  if (system != "sumcheck") request["proof_system"] = system;
  if (call.body.contains("recipient")) {
    BLINDPROOF_ASSIGN(const envelope::RecipientKey recipient, envelope::parse_recipient_key(call.body["recipient"]));
    request["recipient"] = recipient.jwk();
  }
  BLINDPROOF_ASSIGN(const base::Bytes npy, parse_tensor(call.body["input"], "input"));
  if (const std::size_t wanted = input_size(*version); call.body["input"]["data"].size() != wanted) {
    return problem(422, "invalid", "input: must have " + std::to_string(wanted) + " values for this model");
  }
  BLINDPROOF_ASSIGN(std::optional<Response> refused, check_quota(call, *model, level, 1));
  if (refused) return *std::move(refused);
  store::Job job;
  job.created_ms = jobs::now_ms();
  job.id = store::make_id(job.created_ms);
  job.tenant = call.caller.tenant;
  job.kind = jobs::kProve;
  job.model = model->id;
  job.version = version->number;
  const std::array recipients = {data_.worker};
  BLINDPROOF_ASSIGN(const jobs::SealedBlob sealed, jobs::seal_bytes(data_.blobs, npy, jobs::input_context(job.id), recipients));
  job.input_blob = sealed.blob.digest;
  job.input_envelope = sealed.key_envelope;
  return start_job(call, job, std::move(request), base::to_hex(crypto::sha256(base::as_bytes(call.head.target + "\n" + call.body.dump()))));
}

Result<Upload> Api::begin_encrypted_inference(Call& call) {
  const auto refuse = [&](Response response) {
    call.refused = std::move(response);
    return base::error(ErrorCode::kInvalidArgument, "request", "was refused");
  };
  const std::string level = query_of(call, "privacy_level");
  if (level != "fhe" && level != "hybrid") {
    return refuse(problem(422, "invalid", "privacy_level: a ciphertext is for the levels fhe and hybrid (query: privacy_level=hybrid)"));
  }
  if (level == "fhe" && query_of(call, "verification_required") == "true") {
    return refuse(problem(422, "level", "the level fhe gives no proof; take hybrid for an encrypted answer with one"));
  }
  if (query_of(call, "context").size() > kMaxContext) return refuse(problem(413, "too-large", "context: has more than 1024 bytes; give a hash of it"));
  BLINDPROOF_ASSIGN(const auto model, find_model(call, false));
  if (!model) return refuse(not_found());
  call.model = *model;
  if (call.head.content_length && *call.head.content_length > options_.max_ciphertext_bytes) {
    return refuse(problem(413, "too-large", "ciphertexts have at most " + std::to_string(options_.max_ciphertext_bytes) + " bytes here"));
  }
  BLINDPROOF_ASSIGN(const auto keys, data_.store->evaluation_keys(call.caller.tenant, query_of(call, "keys"), jobs::now_ms()));
  if (!keys || keys->model != model->id || keys->level != level || !store::is_complete(*keys)) {
    return refuse(problem(422, "invalid", level == "fhe" ? "keys: upload eval.bpek and public.bppk for this model first"
                                                         : "keys: upload public.bppk for this model and level first"));
  }
  BLINDPROOF_ASSIGN(const auto version, data_.store->version(model->id, keys->version));
  const auto samples = version ? samples_of(call, *version, level) : std::nullopt;
  if (!samples) return refuse(problem(422, "invalid", "samples: must be the number of records in the ciphertext"));
  call.samples = *samples;
  BLINDPROOF_ASSIGN(std::optional<Response> refused, check_quota(call, *model, level, call.samples));
  if (refused) return refuse(*std::move(refused));
  BLINDPROOF_ASSIGN(store::BlobWriter writer, data_.blobs.create());
  return Upload(std::move(writer), level == "fhe" ? "BPCT" : "BHCT", options_.max_ciphertext_bytes);
}

Api::Reply Api::infer_encrypted(Call& call) {
  BLINDPROOF_ASSIGN(const auto keys, data_.store->evaluation_keys(call.caller.tenant, query_of(call, "keys"), jobs::now_ms()));
  if (!keys) return problem(422, "invalid", "keys: were deleted meanwhile");
  store::Job job;
  job.created_ms = jobs::now_ms();
  job.id = store::make_id(job.created_ms);
  job.tenant = call.caller.tenant;
  job.kind = keys->level == "hybrid" ? jobs::kEvaluateProven : jobs::kEvaluate;
  job.model = call.model.id;
  job.version = keys->version;
  job.samples = call.samples;
  const std::string context = query_of(call, "context");
  job.input_blob = call.upload.digest;
  const std::string context_digest = base::to_hex(crypto::sha256(base::as_bytes(context)));
  return start_job(call, job, {{"keys", keys->id}, {"context", context}}, call.upload.digest + " " + keys->id + " " + std::to_string(job.samples) + " " + context_digest);
}

Api::Reply Api::list_jobs(Call& call) {
  const store::Page page = page_of(call);
  BLINDPROOF_ASSIGN(const auto list, data_.store->jobs(call.caller.tenant, page));
  Json items = Json::array();
  for (const store::Job& job : list) items.push_back(job_json(job, {}));
  return page_response(call, std::move(items), page.limit, list.empty() ? "" : list.back().id);
}

Api::Reply Api::get_job(Call& call) {
  BLINDPROOF_ASSIGN(const auto job, data_.store->job(call.caller.tenant, call.path[0]));
  if (!job) return not_found();
  BLINDPROOF_ASSIGN(const auto artifacts, data_.store->artifacts(job->id));
  Json body = job_json(*job, artifacts);
  if (!job->result.empty()) {
    BLINDPROOF_ASSIGN(body["result"], result_of(*job));
  }
  return json_response(body);
}

Result<Json> Api::result_of(const store::Job& job) {
  Json result = Json::parse(job.result, nullptr, false);
  if (!result.contains("sealed")) return result;
  const Json sealed = result["sealed"];
  result.erase("sealed");
  BLINDPROOF_ASSIGN(const base::Bytes answer, open_bytes(sealed["blob"], sealed["key_envelope"], jobs::result_context(job.id)));
  result.update(Json::parse(answer, nullptr, false));
  return result;
}

Api::Reply Api::cancel_job(Call& call) {
  BLINDPROOF_ASSIGN(const auto job, data_.store->cancel_job(call.caller.tenant, call.path[0], jobs::now_ms()));
  if (!job) return not_found();
  BLINDPROOF_TRY(audit(call, "job.cancel", job->id));
  return json_response(job_json(*job, {}), 202);
}

Api::Reply Api::job_events(Call& call) {
  BLINDPROOF_ASSIGN(const auto job, data_.store->job(call.caller.tenant, call.path[0]));
  if (!job) return not_found();
  std::int64_t after = 0;
  const std::string_view last = call.head.header("last-event-id");
  std::from_chars(last.data(), last.data() + last.size(), after);
  Response response{200, {{"Content-Type", "text/event-stream"}, {"Cache-Control", "no-store"}}};
  const auto begun = std::chrono::steady_clock::now();
  response.events = [store = data_.store.get(), id = job->id, after, over = false, begun]() mutable -> std::optional<std::string> {
    if (over || std::chrono::steady_clock::now() - begun > std::chrono::hours(1)) return std::nullopt;  // clients come back with Last-Event-ID
    const auto events = store->job_events(id, after, 100);
    if (!events.ok()) return std::nullopt;
    std::string text;
    for (const store::JobEvent& event : *events) {
      const Json data = {{"status", event.status}, {"phase", event.phase}, {"done", event.done}, {"total", event.total}, {"at_ms", event.at_ms}};
      text += "id: " + std::to_string(event.sequence) + "\nevent: " + event.status + "\ndata: " + data.dump() + "\n\n";
      after = event.sequence;
      over |= event.status == "succeeded" || event.status == "failed" || event.status == "cancelled";
    }
    return text;
  };
  return response;
}

Api::Reply Api::get_artifact(Call& call) {
  BLINDPROOF_ASSIGN(const auto job, data_.store->job(call.caller.tenant, call.path[0]));
  if (!job) return not_found();
  BLINDPROOF_ASSIGN(const auto artifacts, data_.store->artifacts(job->id));
  for (const store::Artifact& artifact : artifacts) {
    if (artifact.name == call.path[1]) return download(data_.blobs.path_of(artifact.blob), artifact.blob, artifact.name);
  }
  return not_found();
}

Api::Reply Api::list_proofs(Call& call) {
  const store::Page page = page_of(call);
  BLINDPROOF_ASSIGN(const auto proofs, data_.store->proofs(call.caller.tenant, page));
  Json items = Json::array();
  for (const store::Proof& proof : proofs) items.push_back(proof_json(proof));
  return page_response(call, std::move(items), page.limit, proofs.empty() ? "" : proofs.back().id);
}

// A proof may show its input: it is its tenant's, who hands it on.

Api::Reply Api::get_proof(Call& call) {
  BLINDPROOF_ASSIGN(const auto proof, data_.store->proof(call.path[0]));
  return proof && proof->tenant == call.caller.tenant ? json_response(proof_json(*proof)) : not_found();
}

Api::Reply Api::download_proof(Call& call) {
  BLINDPROOF_ASSIGN(const auto proof, data_.store->proof(call.path[0]));
  if (!proof || proof->tenant != call.caller.tenant) return not_found();
  if (proof->level == jobs::kGroth16Level) return problem(404, "not-found", "a groth16 proof is downloaded as proof.json and public.json");
  const auto scratch = std::make_shared<ScratchFolder>(data_);
  BLINDPROOF_TRY(open_proof(*proof, scratch->at("proof.bpp")));
  Response response = download(scratch->at("proof.bpp"), proof->sha256, "proof.bpp");
  response.hold = scratch;
  return response;
}

Api::Reply Api::verify_proof(Call& call) {
  BLINDPROOF_ASSIGN(const auto proof, data_.store->proof(call.path[0]));
  if (!proof || proof->tenant != call.caller.tenant) return not_found();
  if (proof->level == "hybrid") return verify_hybrid_proof(call, *proof);
  if (proof->level == jobs::kGroth16Level) return verify_groth16_proof(call, *proof);
  const ScratchFolder scratch(data_);
  engine::VerifyRequest request;
  request.proof = scratch.at("proof.bpp");
  BLINDPROOF_TRY(open_proof(*proof, request.proof));
  request.model_key = data_.blobs.path_of(proof->model_key_blob);
  if (call.body.contains("public_inputs")) {
    for (const auto& [name, value] : call.body["public_inputs"].items()) {
      if (name == "input") {
        BLINDPROOF_ASSIGN(const base::Bytes npy, parse_tensor(value, "public_inputs.input"));
        BLINDPROOF_TRY(base::write_file_atomic(scratch.at("input.npy"), npy, base::FileMode::kSecret));
        request.input = scratch.at("input.npy");
      } else if (name == "output" && value.is_array() && value.size() <= kMaxValues) {
        std::vector<std::int64_t> integers;
        for (const Json& integer : value) {
          if (!integer.is_number_integer()) return problem(422, "invalid", "public_inputs.output: must be a list of integers");
          integers.push_back(integer);
        }
        const base::Bytes npy = arrays::write_npy(arrays::from_int64({integers.size()}, integers));
        BLINDPROOF_TRY(base::write_file_atomic(scratch.at("output.npy"), npy, base::FileMode::kSecret));
        request.output = scratch.at("output.npy");
      } else if (name == "context" && value.is_string()) {
        const std::string context = value;
        request.context.emplace(context.begin(), context.end());
      } else {
        return problem(422, "invalid", "public_inputs: may have input (a tensor), output (integers) and context (text)");
      }
    }
  }
  if (!request.context) {
    BLINDPROOF_ASSIGN(request.context, context_of(*data_.store, *proof));
  }
  const auto begun = std::chrono::steady_clock::now();
  Result<engine::Verdict> verdict = [&] {
    const std::lock_guard lock(verifications_);
    return engine::verify(request);
  }();
  const double milliseconds = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begun).count();
  if (!verdict.ok()) {
    // Of the files nothing is wrong, so it is what was given to compare; paths of this machine are nobody's business.
    if (verdict.error().code == ErrorCode::kIo) return std::move(verdict).error();
    return problem(422, "invalid", "public_inputs: can't be compared with this proof's statement (hidden values, or another shape)");
  }
  return verdict_response(call, *proof,
                          {{"verification_time_ms", milliseconds}, {"registration_ms", 1000 * verdict->registration_seconds},
                           {"proof_ms", 1000 * verdict->proof_seconds}, {"model_id", base::to_hex(verdict->model)}},
                          verdict->refusal);
}

Api::Reply Api::verify_hybrid_proof(Call& call, const store::Proof& proof) {
  BLINDPROOF_ASSIGN(std::optional<base::Bytes> context, context_of(*data_.store, proof));
  if (call.body.contains("public_inputs")) {
    for (const auto& [name, value] : call.body["public_inputs"].items()) {
      if (!value.is_string() || (name != "input" && name != "output" && name != "context")) {
        return problem(422, "invalid", "public_inputs: of a hybrid proof may have input and output (SHA-256 of the ciphertext files) and context (text)");
      }
      const std::string text = value;
      if (name == "context") {
        context.emplace(text.begin(), text.end());
      } else if (text != (name == "input" ? proof.input_blob : proof.output_blob)) {
        return verdict_response(call, proof, Json::object(), base::error(ErrorCode::kRejected, "statement." + name, "is of another ciphertext"));
      }
    }
  }
  const ScratchFolder scratch(data_);
  BLINDPROOF_TRY(open_proof(proof, scratch.at("proof.bpp")));
  const engine::VerifyAnswerRequest request{scratch.at("proof.bpp"),                data_.blobs.path_of(proof.model_key_blob),
                                            data_.blobs.path_of(proof.public_key_blob), data_.blobs.path_of(proof.input_blob),
                                            data_.blobs.path_of(proof.output_blob), std::move(context)};
  const auto begun = std::chrono::steady_clock::now();
  const Result<engine::AnswerVerdict> verdict = [&] {
    const std::lock_guard lock(verifications_);
    return engine::verify_answer(request);
  }();
  const double milliseconds = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begun).count();
  if (!verdict.ok()) return base::error(ErrorCode::kIo, "proof", verdict.error().message());  // all of these files were made or read here before
  return verdict_response(call, proof,
                          {{"verification_time_ms", milliseconds}, {"registration_ms", 1000 * verdict->registration_seconds},
                           {"proof_ms", 1000 * verdict->proof_seconds}, {"model_id", base::to_hex(verdict->key->id)}, {"records", verdict->records}},
                          verdict->refusal);
}

Result<Json> Api::open_groth16(const store::Proof& proof) {
  const ScratchFolder scratch(data_);
  BLINDPROOF_TRY(open_proof(proof, scratch.at("both.json")));
  BLINDPROOF_ASSIGN(const base::Bytes text, base::read_file(scratch.at("both.json"), kMaxGroth16Bytes));
  return envelope::parse_json({reinterpret_cast<const char*>(text.data()), text.size()}, kMaxGroth16Bytes);
}

Api::Reply Api::send_groth16_part(Call& call, const char* part) {
  BLINDPROOF_ASSIGN(const auto proof, data_.store->proof(call.path[0]));
  if (!proof || proof->tenant != call.caller.tenant || proof->level != jobs::kGroth16Level) return not_found();
  BLINDPROOF_ASSIGN(const Json both, open_groth16(*proof));
  return json_response(both.at(part));
}

Api::Reply Api::download_groth16_proof(Call& call) { return send_groth16_part(call, "proof"); }
Api::Reply Api::download_groth16_values(Call& call) { return send_groth16_part(call, "public"); }

Api::Reply Api::verify_groth16_proof(Call& call, const store::Proof& proof) {
  constexpr std::array<const char*, 3> kValues = {"model_hash", "input_hash", "output_hash"};  // in the statement's order
  BLINDPROOF_ASSIGN(const Json both, open_groth16(proof));
  if (call.body.contains("public_inputs")) {
    for (const auto& [name, value] : call.body["public_inputs"].items()) {
      const auto known = std::ranges::find(kValues, name);
      if (known == kValues.end() || !value.is_string()) {
        return problem(422, "invalid", "public_inputs: of a groth16 proof may have model_hash, input_hash and output_hash, texts as in public.json");
      }
      if (value != both.at("public").at(static_cast<std::size_t>(known - kValues.begin()))) {
        return verdict_response(call, proof, Json::object(), base::error(ErrorCode::kRejected, "statement." + name, "is another one"));
      }
    }
  }
  const std::string text = both.at("proof").dump(), values = both.at("public").dump();
  const auto begun = std::chrono::steady_clock::now();
  const Result<engine::Groth16Verdict> verdict = [&] {
    const std::lock_guard lock(verifications_);
    return engine::groth16_verify({data_.blobs.path_of(proof.model_key_blob), "proof.json", "public.json", true}, base::as_bytes(text), base::as_bytes(values));
  }();
  const double milliseconds = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begun).count();
  if (!verdict.ok()) return base::error(ErrorCode::kIo, "proof", verdict.error().message());  // made and read here before
  return verdict_response(call, proof, {{"verification_time_ms", milliseconds}, {"insecure_key", verdict->insecure_key}}, verdict->refusal);
}

Api::Reply Api::verdict_response(const Call& call, const store::Proof& proof, Json body, const std::optional<base::Error>& refusal) {
  body["is_valid"] = !refusal;
  // Values that differ from the statement's are a caller's error; only the proof itself counts for or against the model.
  if (!refusal || !call.body.contains("public_inputs")) BLINDPROOF_TRY(data_.store->record_verification(proof.id, !refusal));
  if (refusal) {
    const std::size_t file = refusal->place.find(": ");
    body["refused_by"] = refusal->place.substr(file == std::string::npos ? 0 : file + 2);
  }
  return json_response(body);
}

}  // namespace blindproof::service::http
