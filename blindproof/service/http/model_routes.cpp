#include <algorithm>
#include <array>
#include <sstream>

#include "blindproof/base/base64url.h"
#include "blindproof/envelope/key_envelope.h"
#include "blindproof/service/http/api.h"
#include "blindproof/service/jobs/run_job.h"

namespace blindproof::service::http {
namespace {

constexpr std::size_t kMaxName = 200;
constexpr const char* kEvaluationName = "eval.bpek";
constexpr const char* kPublicName = "public.bppk";

/// What may begin an upload when the caller is told at once that it can't: nothing is read.
base::Error ended() { return base::error(base::ErrorCode::kInvalidArgument, "request", "was refused"); }

std::string status_name(store::VersionStatus status) {
  return status == store::VersionStatus::kPending ? "pending" : status == store::VersionStatus::kReady ? "ready" : "failed";
}

Json version_json(const store::ModelVersion& version) {
  Json json = {{"version", version.number}, {"status", status_name(version.status)}, {"bytes", version.content_bytes}, {"created_ms", version.created_ms}};
  if (version.status == store::VersionStatus::kReady) {
    if (!version.model_id.empty()) json["model_id"] = version.model_id;
    json["facts"] = Json::parse(version.facts, nullptr, false);
    if (json["facts"].contains("groth16")) json["facts"]["groth16"].erase("sealed");
    Json levels = Json::array();
    if (!version.model_key_blob.empty()) levels.push_back("zkml");
    if (!version.program_blob.empty()) levels.push_back("fhe");
    if (!version.hybrid_program_blob.empty()) levels.push_back("hybrid");
    json["levels"] = levels;
  } else if (version.status == store::VersionStatus::kFailed) {
    json["problem"] = version.problem;
  }
  return json;
}

Json model_json(const store::Model& model) {
  return {{"id", model.id}, {"name", model.name}, {"model_type", model.type}, {"created_ms", model.created_ms}};
}

std::string text_of_version(const Json& body) {
  if (!body.contains("version")) return "";
  return body["version"].is_string() ? body["version"].get<std::string>() : std::to_string(body["version"].get<std::int64_t>());
}

/// Whether an upload's weights are encrypted for one client.
bool is_encrypted(const Call& call) {
  const auto encrypted = call.query.find("encrypted");
  return encrypted != call.query.end() && encrypted->second == "true";
}

Response file_response(const std::filesystem::path& file, const std::string& digest, const std::string& name) {
  Response response;
  response.headers = {{"Content-Type", "application/octet-stream"}, {"ETag", "\"" + digest + "\""},
                      {"Content-Disposition", "attachment; filename=\"" + name + "\""}};
  response.file = file;
  return response;
}

}  // namespace

Api::Reply Api::create_model(Call& call) {
  const std::string name = call.body["name"], type = call.body.value("model_type", std::string("neural_network"));
  if (name.empty() || name.size() > kMaxName) return problem(422, "invalid", "name: must have 1 to 200 bytes");
  if (type != "neural_network") return problem(422, "unsupported", "model_type: this version runs \"neural_network\" only");
  const store::Model model{store::make_id(jobs::now_ms()), call.caller.tenant, name, type, jobs::now_ms()};
  BLINDPROOF_ASSIGN(const store::Insert made, data_.store->create_model(model));
  if (made == store::Insert::kExists) return problem(409, "exists", "there is a model of this name");
  BLINDPROOF_TRY(audit(call, "model.create", model.id));
  Response response = json_response(model_json(model), 201);
  response.headers.emplace_back("Location", "/ml/models/" + model.id);
  return response;
}

Api::Reply Api::list_models(Call& call) {
  const store::Page page = page_of(call);
  BLINDPROOF_ASSIGN(const auto models, data_.store->models(call.caller.tenant, page));
  Json items = Json::array();
  for (const store::Model& model : models) items.push_back(model_json(model));
  return page_response(call, std::move(items), page.limit, models.empty() ? "" : models.back().id);
}

Api::Reply Api::get_model(Call& call) {
  BLINDPROOF_ASSIGN(const auto model, find_model(call, false));
  if (!model) return not_found();
  Json json = model_json(*model);
  BLINDPROOF_ASSIGN(const auto versions, data_.store->versions(model->id));
  json["versions"] = Json::array();
  for (const auto& version : versions) json["versions"].push_back(version_json(version));
  BLINDPROOF_ASSIGN(const auto aliases, data_.store->aliases(model->id));
  json["aliases"] = Json::object();
  for (const auto& [alias, number] : aliases) json["aliases"][alias] = number;
  return json_response(json);
}

base::Result<Upload> Api::begin_version(Call& call) {
  BLINDPROOF_ASSIGN(const auto model, find_model(call, true));
  if (!model) {
    call.refused = not_found();
    return ended();
  }
  call.model = *model;
  if (call.head.content_length && *call.head.content_length > options_.max_model_bytes) {
    call.refused = problem(413, "too-large", "a model has at most " + std::to_string(options_.max_model_bytes) + " bytes here");
    return ended();
  }
  std::vector<envelope::RecipientKey> recipients = {data_.worker};
  if (const auto owner = call.query.find("recipient"); owner != call.query.end()) {
    const auto x = base::from_base64url(owner->second);
    if (!x.ok() || x->size() != 32) return base::error(base::ErrorCode::kInvalidArgument, "recipient", "isn't 32 bytes in base64url");
    envelope::RecipientKey key;
    std::ranges::copy(*x, key.x.begin());
    recipients.push_back(key);
  }
  const envelope::Key256 data_key = envelope::make_data_key();
  BLINDPROOF_ASSIGN(call.key_envelope, envelope::seal_data_key(data_key, jobs::model_context(model->id), recipients));
  BLINDPROOF_ASSIGN(store::BlobWriter writer, data_.blobs.create());
  Upload upload(std::move(writer), is_encrypted(call) ? "BPFE" : std::string("BPM\0", 4), options_.max_model_bytes);
  upload.encrypt(data_key);
  return upload;
}

Api::Reply Api::add_version(Call& call) {
  Json levels = Json::array({is_encrypted(call) ? "fhe" : "zkml"});
  if (const auto asked = call.query.find("levels"); asked != call.query.end()) {
    if (is_encrypted(call) && asked->second != "fhe") return problem(422, "level", "levels: a model with encrypted weights has the level fhe alone");
    std::istringstream words(asked->second + ",");
    for (std::string level; std::getline(words, level, ',');) {
      if (level != "zkml" && level != "fhe" && level != "hybrid") return problem(422, "invalid", "levels: must be of zkml, fhe, hybrid");
      if (std::find(levels.begin(), levels.end(), level) == levels.end()) levels.push_back(level);
    }
  }
  const store::TimeMs now = jobs::now_ms();
  store::ModelVersion version;
  version.model = call.model.id;
  version.content_blob = call.upload.digest;
  version.key_envelope = call.key_envelope;
  version.content_bytes = static_cast<std::int64_t>(call.upload_bytes);
  version.created_ms = now;
  store::Job job;
  job.id = store::make_id(now);
  job.tenant = call.caller.tenant;
  job.kind = jobs::kRegister;
  job.model = call.model.id;
  job.request = Json{{"levels", levels}, {"encrypted", is_encrypted(call)}}.dump();
  job.created_ms = now;
  BLINDPROOF_ASSIGN(job.version, data_.store->add_version(version, job));
  BLINDPROOF_TRY(audit(call, "model.upload", call.model.id + "/" + std::to_string(job.version)));
  Json body = job_json(job, {});
  body["version"] = job.version;
  Response response = json_response(body, 202);
  response.headers.emplace_back("Location", "/ml/jobs/" + job.id);
  return response;
}

Api::Reply Api::get_version(Call& call) {
  BLINDPROOF_ASSIGN(const auto model, find_model(call, false));
  if (!model) return not_found();
  BLINDPROOF_ASSIGN(const auto version, find_version(model->id, call.path[1]));
  return version ? json_response(version_json(*version)) : not_found();
}

Api::Reply Api::get_client_spec(Call& call) {
  BLINDPROOF_ASSIGN(const auto model, find_model(call, false));
  if (!model) return not_found();
  const auto wanted = call.query.find("version");
  BLINDPROOF_ASSIGN(const auto version, find_version(model->id, wanted == call.query.end() ? "" : wanted->second));
  if (!version || version->status != store::VersionStatus::kReady) return not_found();
  const std::string base = "/ml/models/" + model->id + "/versions/" + std::to_string(version->number) + "/";
  Json json = version_json(*version);
  json["model"] = model->id;
  json["worker_key"] = data_.worker.jwk();
  json["links"] = {{"inference", "/ml/models/" + model->id + "/inference"}};
  if (!version->model_key_blob.empty()) json["links"]["model_key"] = base + "model.bpk";
  if (!version->client_spec_blob.empty()) {
    json["links"]["client_spec"] = base + "client.bpc";
  }
  if (!version->hybrid_spec_blob.empty()) json["links"]["hybrid_spec"] = base + "hybrid.bpc";
  if (!version->program_blob.empty() || !version->hybrid_program_blob.empty()) json["links"]["evaluation_keys"] = "/ml/keys";
  return json_response(json);
}

Api::Reply Api::get_model_key(Call& call) {
  BLINDPROOF_ASSIGN(const auto model, find_model(call, false));
  if (!model) return not_found();
  BLINDPROOF_ASSIGN(const auto version, find_version(model->id, call.path[1]));
  if (!version || version->model_key_blob.empty()) return not_found();
  return file_response(data_.blobs.path_of(version->model_key_blob), version->model_key_blob, "model.bpk");
}

Api::Reply Api::send_spec(Call& call, std::string store::ModelVersion::* blob) {
  BLINDPROOF_ASSIGN(const auto model, find_model(call, false));
  if (!model) return not_found();
  BLINDPROOF_ASSIGN(const auto version, find_version(model->id, call.path[1]));
  if (!version || ((*version).*blob).empty()) return not_found();
  return file_response(data_.blobs.path_of((*version).*blob), (*version).*blob, "client.bpc");
}

Api::Reply Api::get_fhe_spec(Call& call) { return send_spec(call, &store::ModelVersion::client_spec_blob); }
Api::Reply Api::get_hybrid_spec(Call& call) { return send_spec(call, &store::ModelVersion::hybrid_spec_blob); }

Api::Reply Api::get_key_envelope(Call& call) {
  BLINDPROOF_ASSIGN(const auto model, find_model(call, true));
  if (!model) return not_found();
  BLINDPROOF_ASSIGN(const auto version, find_version(model->id, call.path[1]));
  if (!version) return not_found();
  BLINDPROOF_TRY(audit(call, "model.key-envelope.read", model->id + "/" + std::to_string(version->number)));
  Response response = json_response(Json::parse(version->key_envelope, nullptr, false));
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

Api::Reply Api::put_key_envelope(Call& call) {
  BLINDPROOF_ASSIGN(const auto model, find_model(call, true));
  if (!model) return not_found();
  BLINDPROOF_ASSIGN(const auto version, find_version(model->id, call.path[1]));
  if (!version) return not_found();
  // Whether it holds the same data key only a recipient can tell; that it is an envelope, and for whom, is checked here.
  const std::string after = call.body["after"].dump();
  BLINDPROOF_ASSIGN(const auto recipients, envelope::recipients_of(after));
  if (std::ranges::find(recipients, data_.worker.id()) == recipients.end()) {
    return problem(422, "invalid", "after: the worker isn't among its recipients, so the model could not be run any more");
  }
  BLINDPROOF_ASSIGN(const bool replaced, data_.store->replace_key_envelope(model->id, version->number, call.body["before"].dump(), after));
  if (!replaced) return problem(409, "changed", "the key envelope isn't the one given as \"before\" any more");
  BLINDPROOF_TRY(audit(call, "model.key-envelope.replace", model->id + "/" + std::to_string(version->number)));
  return Response{204};
}

base::Result<Upload> Api::begin_groth16(Call& call) {
  BLINDPROOF_ASSIGN(const auto model, find_model(call, true));
  const auto refuse = [&](Response response) {
    call.refused = std::move(response);
    return ended();
  };
  if (!model) return refuse(not_found());
  BLINDPROOF_ASSIGN(const auto version, find_version(model->id, call.path[1]));
  if (!version) return refuse(not_found());
  if (version->status != store::VersionStatus::kReady || version->model_key_blob.empty()) {
    return refuse(problem(409, "not-ready", "the version isn't ready for proofs"));
  }
  call.model = *model;
  call.version = version->number;
  if (call.head.content_length && *call.head.content_length > options_.max_model_bytes) {
    return refuse(problem(413, "too-large", "circuit and key have at most " + std::to_string(options_.max_model_bytes) + " bytes here"));
  }
  BLINDPROOF_ASSIGN(store::BlobWriter writer, data_.blobs.create());
  return Upload(std::move(writer), "r1cs", options_.max_model_bytes);
}

Api::Reply Api::add_groth16(Call& call) {
  const auto allow = call.query.find("allow_development");
  store::Job job;
  job.created_ms = jobs::now_ms();
  job.id = store::make_id(job.created_ms);
  job.tenant = call.caller.tenant;
  job.kind = jobs::kAddGroth16;
  job.model = call.model.id;
  job.version = call.version;
  job.input_blob = call.upload.digest;
  return start_job(call, job, {{"allow_development", allow != call.query.end() && allow->second == "true"}}, call.upload.digest + (allow != call.query.end() ? " " + allow->second : ""));
}

Api::Reply Api::get_groth16_key(Call& call) {
  BLINDPROOF_ASSIGN(const auto model, find_model(call, false));
  if (!model) return not_found();
  BLINDPROOF_ASSIGN(const auto version, find_version(model->id, call.path[1]));
  const Json facts = version ? Json::parse(version->facts, nullptr, false) : Json();
  if (!facts.is_object() || !facts.contains("groth16")) return not_found();
  const std::string blob = facts["groth16"].at("sealed").at("verification_key");
  Response response = file_response(data_.blobs.path_of(blob), blob, "groth16.json");
  response.headers[0].second = "application/json";
  return response;
}

Api::Reply Api::put_alias(Call& call) {
  BLINDPROOF_ASSIGN(const auto model, find_model(call, true));
  if (!model) return not_found();
  const std::string& alias = call.path[1];
  const bool word = alias.size() <= 64 && std::ranges::all_of(alias, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; });
  if (!word || (alias[0] >= '0' && alias[0] <= '9')) return problem(422, "invalid", "an alias is up to 64 of a-z, 0-9, - and _, and doesn't begin with a digit");
  BLINDPROOF_ASSIGN(const bool set, data_.store->set_alias(model->id, alias, call.body["version"]));
  if (!set) return not_found();
  BLINDPROOF_TRY(audit(call, "model.alias", model->id, alias));
  return Response{204};
}

Api::Reply Api::create_evaluation_keys(Call& call) {
  call.path = {call.body["model"].get<std::string>()};
  BLINDPROOF_ASSIGN(const auto model, find_model(call, false));
  if (!model) return not_found();
  BLINDPROOF_ASSIGN(const auto version, find_version(model->id, text_of_version(call.body)));
  const std::string level = call.body.value("level", std::string("fhe"));
  if (level != "fhe" && level != "hybrid") return problem(422, "invalid", "level: must be fhe or hybrid");
  if (!version || (level == "fhe" ? version->program_blob : version->hybrid_program_blob).empty()) {
    return problem(422, "invalid", "version: isn't ready for the level " + level);
  }
  const store::TimeMs now = jobs::now_ms();
  const store::EvaluationKeys keys{store::make_id(now), call.caller.tenant, model->id, version->number, "", "", 0, now, now + options_.key_lifetime_ms, level};
  BLINDPROOF_TRY(data_.store->create_evaluation_keys(keys));
  BLINDPROOF_TRY(audit(call, "keys.create", keys.id));
  const std::string base = "/ml/keys/" + keys.id + "/";
  Json links = {{"public", base + kPublicName}};
  if (level == "fhe") links["evaluation"] = base + kEvaluationName;
  Response response = json_response({{"id", keys.id}, {"model", keys.model}, {"version", keys.version}, {"level", level}, {"expires_ms", keys.expires_ms},
                                     {"links", std::move(links)}},
                                    201);
  response.headers.emplace_back("Location", "/ml/keys/" + keys.id);
  return response;
}

base::Result<Upload> Api::begin_evaluation_file(Call& call) {
  BLINDPROOF_ASSIGN(const auto keys, data_.store->evaluation_keys(call.caller.tenant, call.path[0], jobs::now_ms()));
  const bool hybrid = keys && keys->level == "hybrid";
  if (!keys || (call.path[1] != kPublicName && (hybrid || call.path[1] != kEvaluationName))) {
    call.refused = not_found();
    return ended();
  }
  if (call.head.content_length && *call.head.content_length > options_.max_key_bytes) {
    call.refused = problem(413, "too-large", "keys have at most " + std::to_string(options_.max_key_bytes) + " bytes here");
    return ended();
  }
  BLINDPROOF_ASSIGN(store::BlobWriter writer, data_.blobs.create());
  return Upload(std::move(writer), call.path[1] == kEvaluationName ? "BPEK" : hybrid ? "BHPK" : "BPPK", options_.max_key_bytes);
}

Api::Reply Api::put_evaluation_file(Call& call) {
  const auto which = call.path[1] == kEvaluationName ? store::KeyFile::kEvaluation : store::KeyFile::kPublic;
  BLINDPROOF_ASSIGN(const bool set, data_.store->set_evaluation_key_file(call.caller.tenant, call.path[0], which, call.upload.digest,
                                                                         static_cast<std::int64_t>(call.upload_bytes)));
  if (!set) return problem(409, "exists", "these keys have that file already");
  BLINDPROOF_TRY(audit(call, "keys.upload", call.path[0], call.path[1]));
  return Response{204};
}

Api::Reply Api::list_evaluation_keys(Call& call) {
  const store::Page page = page_of(call);
  BLINDPROOF_ASSIGN(const auto list, data_.store->evaluation_keys_of(call.caller.tenant, page));
  Json items = Json::array();
  for (const auto& keys : list) {
    items.push_back({{"id", keys.id}, {"model", keys.model}, {"version", keys.version}, {"level", keys.level}, {"bytes", keys.bytes},
                     {"expires_ms", keys.expires_ms}, {"complete", store::is_complete(keys)}});
  }
  return page_response(call, std::move(items), page.limit, list.empty() ? "" : list.back().id);
}

Api::Reply Api::delete_evaluation_keys(Call& call) {
  BLINDPROOF_ASSIGN(const bool deleted, data_.store->delete_evaluation_keys(call.caller.tenant, call.path[0]));
  if (!deleted) return not_found();
  BLINDPROOF_TRY(audit(call, "keys.delete", call.path[0]));
  return Response{204};
}

}  // namespace blindproof::service::http
