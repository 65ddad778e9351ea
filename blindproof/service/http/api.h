// The API without sockets: finds the route, knows the caller, checks the request, calls the handler.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>

#include "blindproof/envelope/content.h"
#include "blindproof/service/http/api_key.h"
#include "blindproof/service/http/message.h"
#include "blindproof/service/http/metrics.h"
#include "blindproof/service/http/problem.h"
#include "blindproof/service/http/rate_limits.h"
#include "blindproof/service/http/server_keys.h"
#include "blindproof/service/http/static_files.h"
#include "blindproof/service/jobs/data_folder.h"

namespace blindproof::service::http {

struct ApiOptions {
  std::uint64_t max_model_bytes = std::uint64_t{1} << 33;
  std::uint64_t max_key_bytes = std::uint64_t{1} << 33;  // of evaluation keys
  std::uint64_t max_ciphertext_bytes = std::uint64_t{1} << 30;
  std::uint64_t max_json_bytes = std::uint64_t{1} << 24;
  double requests_per_s = 200;  // of each API key, on average; 0: no limit
  double request_burst = 400;   // at once
  std::chrono::milliseconds v2_wait = std::chrono::seconds(120);  // for the answer of /v2/.../infer
  store::TimeMs key_lifetime_ms = std::int64_t{30} * 24 * 3600 * 1000;  // of evaluation keys
  std::string version;                                                 // of the program
  std::optional<StaticFiles> page;                                     // what a browser gets besides
  std::function<void(const std::string& line)> log;                    // one JSON object each
};

/// What a handler is given.
struct Call {
  RequestHead head;
  std::vector<std::string> path;               // the pattern's parameters, in order
  std::map<std::string, std::string> query;
  store::ApiKey caller;                        // of routes that need a key
  Json body;                                   // of routes that take JSON
  store::Blob upload;                          // of routes that take files
  std::uint64_t upload_bytes = 0;              // as they came, before encryption
  std::string key_envelope;                    // of an upload that is encrypted
  store::Model model;                          // looked up before an upload
  std::int64_t version = 0;                    // of it, likewise, where the path names one
  std::int64_t samples = 1;                    // that an uploaded ciphertext may hold
  store::JobLimits limits;                     // of a job that the request starts
  Json terms;                                  // of the listing whose model is used: its id, currency, price of a sample
  std::optional<Response> refused;             // set by what runs before an upload, to end the request
};

/// A file on its way into the blobs, as it is or encrypted.
class Upload {
 public:
  /// The file must begin with `magic`: anything else, secret keys above all, is refused before it is stored.
  Upload(store::BlobWriter writer, std::string magic, std::uint64_t max_bytes);
  /// From here on what is stored is encrypted.
  void encrypt(const envelope::Key256& data_key);
  base::Status write(base::ByteSpan bytes);
  base::Result<store::Blob> finish();
  std::uint64_t bytes() const { return bytes_; }

 private:
  base::Status check_magic();
  std::unique_ptr<store::BlobWriter> writer_;
  std::optional<envelope::ContentEncryptor> encryptor_;
  std::string magic_, head_;
  std::uint64_t max_bytes_, bytes_ = 0;
};

class Api final : public Handler {
 public:
  Api(jobs::DataFolder data, ServerKeys keys, ApiOptions options);
  ~Api() override;

  Opened open(RequestHead head) override;

  /// A tenant "admin" and a key of all scopes, if there is no tenant yet. The key's text is written to `file` (mode 0600).
  base::Result<bool> bootstrap(const std::filesystem::path& file);

  Json openapi() const;

 private:
  struct Field;
  struct Route;
  class Session;
  using Reply = base::Result<Response>;

  static const std::vector<Route>& routes();
  static base::Status check_fields(const Route& route, const Json& body);
  Opened match(RequestHead head);

  // admin_routes.cpp
  Reply live(Call& call);
  Reply ready(Call& call);
  Reply metrics_text(Call& call);
  Reply openapi_document(Call& call);
  Reply create_tenant(Call& call);
  Reply list_tenants(Call& call);
  Reply create_api_key(Call& call);
  Reply list_api_keys(Call& call);
  Reply revoke_api_key(Call& call);
  Reply list_audit(Call& call);

  // model_routes.cpp
  Reply create_model(Call& call);
  Reply list_models(Call& call);
  Reply get_model(Call& call);
  base::Result<Upload> begin_version(Call& call);
  Reply add_version(Call& call);
  Reply get_version(Call& call);
  Reply get_client_spec(Call& call);
  Reply get_model_key(Call& call);
  Reply get_fhe_spec(Call& call);
  Reply get_hybrid_spec(Call& call);
  Reply get_key_envelope(Call& call);
  Reply put_key_envelope(Call& call);
  base::Result<Upload> begin_groth16(Call& call);
  Reply add_groth16(Call& call);
  Reply get_groth16_key(Call& call);
  Reply put_alias(Call& call);
  Reply create_evaluation_keys(Call& call);
  base::Result<Upload> begin_evaluation_file(Call& call);
  Reply put_evaluation_file(Call& call);
  Reply list_evaluation_keys(Call& call);
  Reply delete_evaluation_keys(Call& call);

  // market_routes.cpp
  Reply create_listing(Call& call);
  Reply update_listing(Call& call);
  Reply search_listings(Call& call);
  Reply get_listing(Call& call);
  Reply put_review(Call& call);
  Reply list_reviews(Call& call);
  base::Result<Json> listing_json(const store::Listing& listing);
  base::Result<std::optional<Response>> fill_listing(const Call& call, store::Listing& listing);
  /// That the caller may see.
  base::Result<std::optional<store::Listing>> find_listing(const Call& call);

  // receipt_routes.cpp
  Reply get_receipt(Call& call);
  Reply get_receipt_key(Call& call);
  Reply verify_receipt(Call& call);
  Reply submit_receipt(Call& call);

  // inference_routes.cpp
  Reply infer(Call& call);
  base::Result<Upload> begin_encrypted_inference(Call& call);
  Reply infer_encrypted(Call& call);
  Reply list_jobs(Call& call);
  Reply get_job(Call& call);
  Reply cancel_job(Call& call);
  Reply job_events(Call& call);
  Reply get_artifact(Call& call);
  Reply list_proofs(Call& call);
  Reply get_proof(Call& call);
  Reply download_proof(Call& call);
  Reply verify_proof(Call& call);
  Reply verify_hybrid_proof(Call& call, const store::Proof& proof);
  Reply verify_groth16_proof(Call& call, const store::Proof& proof);
  Reply download_groth16_proof(Call& call);
  Reply download_groth16_values(Call& call);
  /// A member of the stored file.
  Reply send_groth16_part(Call& call, const char* part);
  base::Result<Json> open_groth16(const store::Proof& proof);
  /// Counts it, unless it failed for what the caller insisted on.
  Reply verdict_response(const Call& call, const store::Proof& proof, Json body, const std::optional<base::Error>& refusal);

  // v2_routes.cpp
  Reply v2_server(Call& call);
  Reply v2_model(Call& call);
  Reply v2_ready(Call& call);
  Reply v2_infer(Call& call);
  base::Result<std::optional<store::ModelVersion>> v2_version(const Call& call);
  /// Nothing while the job isn't over.
  base::Result<std::optional<Response>> v2_answer(const std::string& tenant, const std::string& id, const std::string& request_id,
                                                  const std::vector<std::string>& wanted);

  // Shared by the routes.
  /// The model of the path's first parameter, if the caller owns it, or, unless `owned`, may use it.
  base::Result<std::optional<store::Model>> find_model(const Call& call, bool owned);
  /// By number, alias, or "" for the newest that is ready.
  Reply send_spec(Call& call, std::string store::ModelVersion::* blob);
  base::Result<std::optional<store::ModelVersion>> find_version(const std::string& model, const std::string& name);
  /// Nothing, or the problem: the caller has too much going on, or the listing doesn't offer that. Sets the call's terms.
  base::Result<std::optional<Response>> check_quota(Call& call, const store::Model& model, const std::string& level, std::int64_t samples);
  Reply start_job(const Call& call, store::Job job, Json request, const std::string& fingerprint);
  base::Status audit(const Call& call, const std::string& action, const std::string& object, const std::string& detail = "");
  static Json job_json(const store::Job& job, const std::vector<store::Artifact>& artifacts);
  /// With what is encrypted of it.
  base::Result<Json> result_of(const store::Job& job);
  /// Whether a listing's terms apply to it.
  static bool has_terms(const store::Job& job);
  /// What was encrypted for this server.
  base::Result<base::Bytes> open_bytes(const std::string& blob, const std::string& key_envelope, const std::string& context);
  base::Status open_proof(const store::Proof& proof, const std::filesystem::path& file);

  jobs::DataFolder data_;
  ServerKeys keys_;
  ApiOptions options_;
  Metrics metrics_;
  RateLimits rate_limits_;
  std::mutex verifications_;  // each takes all cores
};

Response not_found();
/// {"items": [...], "next": ...} with a Link header, for a list that is read by pages.
store::Page page_of(const Call& call);
Response page_response(const Call& call, Json items, std::int64_t limit, const std::string& last);

}  // namespace blindproof::service::http
