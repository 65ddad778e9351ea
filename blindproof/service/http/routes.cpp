#include "blindproof/service/http/routes.h"

namespace blindproof::service::http {

using enum FieldType;

const std::vector<Api::Route>& Api::routes() {
  using namespace store;
  static const std::vector<Field> kInference = {
      {"privacy_level", kText, true, "\"zkml\"; \"fhe\" and \"hybrid\" take a ciphertext as application/octet-stream instead"},
      {"verification_required", kBoolean, false, "whether the answer must come with a proof; with level fhe this is refused"},
      {"proof_system", kText, false, "\"sumcheck\", the default, or \"groth16\" where the owner gave the version a circuit"},
      {"version", kVersion, false, "a version's number or an alias; the newest that is ready if absent"},
      {"input", kObject, true, "{\"shape\": [..], \"data\": [..]}: the tensor's reals, row by row"},
      {"hide_input", kBoolean, false, "true (default): the proof has a commitment to the input; false: its values"},
      {"recipient", kObject, false, "an X25519 public key (JWK) that the opening of a hidden input is encrypted for; without it, it is not kept"},
      {"context", kText, false, "bound into the proof, up to 1024 bytes"}};
  static const std::vector<Field> kListOfScopes = {{"label", kText, false, "for people"},
                                                   {"tenant", kText, false, "whose key; the caller's tenant if absent"},
                                                   {"scopes", kArray, true, "of read, infer, models, admin"},
                                                   {"expires_in_s", kInteger, false, "seconds; never if absent"}};
  static const std::vector<Field> kV2Inference = {
      {"id", kText, false, "comes back with the answer"},
      {"inputs", kArray, true, "one tensor: {\"name\", \"shape\", \"datatype\", \"data\"}"},
      {"outputs", kArray, false, "names of those wanted: output, integers"},
      {"parameters", kObject, false, "hide_input, context, as for /ml/models/{model}/inference"}};
  static const std::vector<Field> kListing = {
      {"title", kText, false, "up to 200 bytes"},
      {"description", kText, false, "up to 4000 bytes"},
      {"currency", kText, false, "capital letters; USD if absent"},
      {"prices", kObject, false, "of a sample, for each level that is offered: {\"zkml\": \"0.05\"}"},
      {"max_samples_per_day", kInteger, false, "of each buyer; 10000 if absent: exact answers reveal small models"},
      {"published", kBoolean, false, "whether others see and use it; false if absent"}};
  static const std::vector<Field> kNewListing = [] {
    std::vector<Field> fields = kListing;
    fields.insert(fields.begin(), {"model", kText, true, "its id"});
    return fields;
  }();
  static const std::vector<Route> table = {
      {"GET", "/health/live", 0, "Whether the process runs", 200, &Api::live},
      {"GET", "/health/ready", 0, "Whether it can serve: the database answers", 200, &Api::ready},
      {"GET", "/v2/health/live", 0, "The same, for Open Inference Protocol clients", 200, &Api::live},
      {"GET", "/v2/health/ready", 0, "The same, for Open Inference Protocol clients", 200, &Api::ready},
      {"GET", "/v2", 0, "The server, for Open Inference Protocol clients", 200, &Api::v2_server},
      {"GET", "/v2/models/{model}", kScopeRead, "Open Inference Protocol: a model's tensors, of its newest version", 200, &Api::v2_model},
      {"GET", "/v2/models/{model}/versions/{version}", kScopeRead, "Open Inference Protocol: a version's tensors", 200, &Api::v2_model},
      {"GET", "/v2/models/{model}/ready", kScopeRead, "Open Inference Protocol: whether it can be used", 200, &Api::v2_ready},
      {"GET", "/v2/models/{model}/versions/{version}/ready", kScopeRead, "Open Inference Protocol: whether it can be used", 200, &Api::v2_ready},
      {"POST", "/v2/models/{model}/infer", kScopeInfer, "Open Inference Protocol: infer and prove (level zkml), waiting for the answer", 200, &Api::v2_infer,
       kV2Inference, BodyKind::kJson},
      {"POST", "/v2/models/{model}/versions/{version}/infer", kScopeInfer, "Open Inference Protocol: the same with a version", 200, &Api::v2_infer, kV2Inference,
       BodyKind::kJson},
      {"GET", "/metrics", 0, "Counters in Prometheus' text format", 200, &Api::metrics_text},
      {"GET", "/openapi.json", 0, "This document", 200, &Api::openapi_document},

      {"POST", "/admin/tenants", kScopeAdmin, "Make a tenant", 201, &Api::create_tenant,
       {{"name", kText, true, "unique"}, {"max_active_jobs", kInteger, false, "jobs at once; 16 if absent"},
        {"max_samples_per_day", kInteger, false, "of each model of others; 10000 if absent"}}, BodyKind::kJson},
      {"GET", "/admin/tenants", kScopeAdmin, "List tenants", 200, &Api::list_tenants},
      {"POST", "/admin/keys", kScopeAdmin, "Make an API key; its text is shown once", 201, &Api::create_api_key, kListOfScopes, BodyKind::kJson},
      {"GET", "/admin/keys", kScopeAdmin, "List API keys of a tenant (query: tenant)", 200, &Api::list_api_keys},
      {"DELETE", "/admin/keys/{key}", kScopeAdmin, "Revoke an API key (query: tenant)", 204, &Api::revoke_api_key},
      {"GET", "/admin/audit", kScopeAdmin, "The audit log, oldest first (query: tenant, after, limit)", 200, &Api::list_audit},

      {"GET", "/ml/models", kScopeRead, "List one's models", 200, &Api::list_models},
      {"POST", "/ml/models", kScopeModels, "Make a model, without versions yet", 201, &Api::create_model,
       {{"name", kText, true, "unique among one's models"}, {"model_type", kText, false, "\"neural_network\", the default"}}, BodyKind::kJson},
      {"GET", "/ml/models/{model}", kScopeRead, "A model with its versions and aliases", 200, &Api::get_model},
      {"POST", "/ml/models/{model}/versions", kScopeModels,
       "Upload a .bpm: encrypted while it arrives, then registered by a worker (query: levels=zkml,fhe,hybrid; recipient=X, base64url X25519 "
       "public key of the owner). With encrypted=true a .bpfe, whose weights are encrypted for one client: level fhe alone",
       202, &Api::add_version, {}, BodyKind::kFile, &Api::begin_version},
      {"GET", "/ml/models/{model}/versions/{version}", kScopeRead, "A version by number or alias", 200, &Api::get_version},
      {"GET", "/ml/models/{model}/client-spec", kScopeRead, "All that a client needs to encode, encrypt and verify (query: version)", 200, &Api::get_client_spec},
      {"GET", "/ml/models/{model}/versions/{version}/model.bpk", kScopeRead, "The model key, which proofs are verified against", 200, &Api::get_model_key},
      {"GET", "/ml/models/{model}/versions/{version}/client.bpc", kScopeRead, "The client's part of encrypted inference", 200, &Api::get_fhe_spec},
      {"GET", "/ml/models/{model}/versions/{version}/hybrid.bpc", kScopeRead, "The client's part of encrypted inference with proofs", 200, &Api::get_hybrid_spec},
      {"GET", "/ml/models/{model}/versions/{version}/key-envelope", kScopeModels, "Who can open the stored model: a JWE", 200, &Api::get_key_envelope},
      {"PUT", "/ml/models/{model}/versions/{version}/key-envelope", kScopeModels, "Rotate: the data key, wrapped for others by the owner", 204,
       &Api::put_key_envelope, {{"before", kObject, true, "the JWE that was read"}, {"after", kObject, true, "the JWE to put in its place"}}, BodyKind::kJson},
      {"POST", "/ml/models/{model}/versions/{version}/groth16", kScopeModels,
       "Give a version its circuit for proofs with groth16: a .r1cs file and behind it, in the same body, a .zkey file (query: allow_development=true takes keys "
       "of development setups)",
       202, &Api::add_groth16, {}, BodyKind::kFile, &Api::begin_groth16},
      {"GET", "/ml/models/{model}/versions/{version}/groth16.json", kScopeRead, "The verification key of groth16 proofs, as snarkjs reads it", 200,
       &Api::get_groth16_key},
      {"PUT", "/ml/models/{model}/aliases/{alias}", kScopeModels, "Let an alias name a version", 204, &Api::put_alias,
       {{"version", kInteger, true, "its number"}}, BodyKind::kJson},

      {"POST", "/ml/keys", kScopeInfer, "Announce evaluation keys for a model's version", 201, &Api::create_evaluation_keys,
       {{"model", kText, true, "its id"}, {"version", kVersion, false, "the newest that is ready if absent"},
        {"level", kText, false, "\"fhe\", the default, or \"hybrid\", which needs a public key only"}}, BodyKind::kJson},
      {"GET", "/ml/keys", kScopeRead, "List one's evaluation keys", 200, &Api::list_evaluation_keys},
      {"PUT", "/ml/keys/{keys}/{file}", kScopeInfer, "Upload eval.bpek or public.bppk. A secret key is refused", 204, &Api::put_evaluation_file, {},
       BodyKind::kFile, &Api::begin_evaluation_file},
      {"DELETE", "/ml/keys/{keys}", kScopeInfer, "Delete evaluation keys", 204, &Api::delete_evaluation_keys},

      {"POST", "/ml/models/{model}/inference", kScopeInfer, "Start an inference", 202, &Api::infer, kInference, BodyKind::kJson},
      {"POST", "/ml/models/{model}/inference", kScopeInfer, "Start an inference on a ciphertext, a .bpct (query: privacy_level=fhe or hybrid, keys; of hybrid: samples, the records in it, and "
       "context)", 202,
       &Api::infer_encrypted, {}, BodyKind::kFile, &Api::begin_encrypted_inference},
      {"GET", "/marketplace/listings", kScopeRead, "Published listings (query: q, text in title or description)", 200, &Api::search_listings},
      {"POST", "/marketplace/listings", kScopeModels, "Offer a model to others", 201, &Api::create_listing, kNewListing, BodyKind::kJson},
      {"GET", "/marketplace/listings/{listing}", kScopeRead, "A listing, with what was measured here", 200, &Api::get_listing},
      {"PUT", "/marketplace/listings/{listing}", kScopeModels, "Change one's listing; what is absent stays", 200, &Api::update_listing, kListing,
       BodyKind::kJson},
      {"GET", "/marketplace/listings/{listing}/reviews", kScopeRead, "Reviews by those who used the model", 200, &Api::list_reviews},
      {"PUT", "/marketplace/listings/{listing}/review", kScopeInfer, "Review a model that one used; replaces one's earlier review", 204, &Api::put_review,
       {{"rating", kInteger, true, "1 to 5"}, {"text", kText, false, "up to 4000 bytes"}}, BodyKind::kJson},

      {"GET", "/ml/jobs", kScopeRead, "List one's jobs", 200, &Api::list_jobs},
      {"GET", "/ml/jobs/{job}", kScopeRead, "A job: status, progress, result", 200, &Api::get_job},
      {"DELETE", "/ml/jobs/{job}", kScopeInfer, "Cancel a job", 202, &Api::cancel_job},
      {"GET", "/ml/jobs/{job}/events", kScopeRead, "What happens to a job, as server-sent events (Last-Event-ID continues)", 200, &Api::job_events},
      {"GET", "/ml/jobs/{job}/artifacts/{name}", kScopeRead, "A file that a job made", 200, &Api::get_artifact},
      {"GET", "/ml/jobs/{job}/receipt", kScopeRead, "The signed receipt of a job with a listing's model", 200, &Api::get_receipt},
      {"POST", "/ml/jobs/{job}/receipt/submission", kScopeInfer, "Submit the receipt on chain, where this service is connected to one", 202, &Api::submit_receipt},
      {"GET", "/ml/receipts/key", 0, "The public key that receipts are signed with", 200, &Api::get_receipt_key},
      {"POST", "/ml/receipts/verify", kScopeRead, "Whether this service signed a receipt", 200, &Api::verify_receipt,
       {{"receipt", kText, true, "the file's text"}}, BodyKind::kJson},
      {"GET", "/ml/proofs", kScopeRead, "List one's proofs", 200, &Api::list_proofs},
      {"GET", "/ml/proofs/{proof}", kScopeRead, "A proof's record", 200, &Api::get_proof},
      {"GET", "/ml/proofs/{proof}/proof.bpp", kScopeRead, "The proof, for verification anywhere", 200, &Api::download_proof},
      {"GET", "/ml/proofs/{proof}/proof.json", kScopeRead, "A groth16 proof, as snarkjs reads it", 200, &Api::download_groth16_proof},
      {"GET", "/ml/proofs/{proof}/public.json", kScopeRead, "Its public values: salted digests of model, input and output", 200, &Api::download_groth16_values},
      {"POST", "/ml/proofs/{proof}/verify", kScopeRead, "Verify it here", 200, &Api::verify_proof,
       {{"public_inputs", kObject, false, "what must be in the statement: {\"input\": tensor, \"output\": [integers], \"context\": text}; of hybrid, input and output are SHA-256 of "
         "ciphertext files; of groth16, {\"model_hash\", \"input_hash\", \"output_hash\"} as in public.json"}}, BodyKind::kJson},
  };
  return table;
}

Json Api::openapi() const {
  const auto schema_of = [](FieldType type) -> Json {
    switch (type) {
      case kText: return {{"type", "string"}};
      case kInteger: return {{"type", "integer"}};
      case kBoolean: return {{"type", "boolean"}};
      case kObject: return {{"type", "object"}};
      case kArray: return {{"type", "array"}, {"items", Json::object()}};
      case kVersion: return {{"oneOf", {{{"type", "string"}}, {{"type", "integer"}}}}};
    }
    return Json::object();
  };
  Json paths = Json::object();
  for (const Route& route : routes()) {
    std::string method(route.method);
    for (char& c : method) c = static_cast<char>(c - 'A' + 'a');
    Json& operation = paths[route.pattern][method];
    if (operation.is_null()) {
      operation = {{"summary", route.summary}, {"security", Json::array()}, {"responses", Json::object()}};
      Json parameters = Json::array();
      const std::string pattern = route.pattern;
      for (std::size_t open = pattern.find('{'); open != std::string::npos; open = pattern.find('{', open + 1)) {
        parameters.push_back({{"name", pattern.substr(open + 1, pattern.find('}', open) - open - 1)}, {"in", "path"}, {"required", true},
                              {"schema", {{"type", "string"}}}});
      }
      if (!parameters.empty()) operation["parameters"] = parameters;
      if (route.scope != 0) operation["security"] = {{{"apiKey", Json::array()}}};
      if (route.scope != 0) operation["description"] = "Needs the scope " + scope_names(route.scope).front() + ".";
      operation["responses"]["default"] = {{"description", "What was wrong"},
                                           {"content", {{"application/problem+json", {{"schema", {{"$ref", "#/components/schemas/Problem"}}}}}}}};
    } else {
      operation["summary"] = operation["summary"].get<std::string>() + ". Or: " + route.summary;
    }
    operation["responses"][std::to_string(route.success)] = {{"description", reason_phrase(route.success)}};
    if (route.body == BodyKind::kFile) {
      operation["requestBody"]["content"]["application/octet-stream"] = {{"schema", {{"type", "string"}, {"format", "binary"}}}};
    } else if (route.body == BodyKind::kJson) {
      Json schema = {{"type", "object"}, {"properties", Json::object()}, {"additionalProperties", false}};
      for (const Field& field : route.fields) {
        Json property = schema_of(field.type);
        property["description"] = field.meaning;
        schema["properties"][field.name] = std::move(property);
        if (field.required) schema["required"].push_back(field.name);
      }
      operation["requestBody"]["content"]["application/json"] = {{"schema", std::move(schema)}};
    }
    if (operation.contains("requestBody")) operation["requestBody"]["required"] = true;
  }
  const Json problem_schema = {{"type", "object"},
                               {"properties", {{"type", {{"type", "string"}}}, {"title", {{"type", "string"}}}, {"status", {{"type", "integer"}}}, {"detail", {{"type", "string"}}}}},
                               {"required", {"type", "title", "status", "detail"}}};
  return {{"openapi", "3.1.0"},
          {"info", {{"title", "blindproof"}, {"version", options_.version}, {"license", {{"name", "Apache-2.0"}, {"identifier", "Apache-2.0"}}}}},
          {"paths", std::move(paths)},
          {"components", {{"schemas", {{"Problem", problem_schema}}}, {"securitySchemes", {{"apiKey", {{"type", "http"}, {"scheme", "bearer"}}}}}}}};
}

}  // namespace blindproof::service::http
