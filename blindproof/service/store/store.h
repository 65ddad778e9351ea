// The database of the service, whichever engine keeps it.
//
// Methods are atomic and may be called from several threads, and by several processes on one database. Those that look for one
// thing give nothing if there is none, or if it belongs to another tenant. Errors: kIo if the database can't be reached or is
// full; what was asked for has not happened then.
#pragma once

#include <optional>
#include <vector>

#include "blindproof/base/result.h"
#include "blindproof/service/store/records.h"

namespace blindproof::service::store {

template <class T>
using Maybe = base::Result<std::optional<T>>;
template <class T>
using List = base::Result<std::vector<T>>;

/// Part of a list, in the order of ids (of creation).
struct Page {
  std::string after;  // the last id of the page before; "" for the first
  std::int64_t limit = 50;
};

enum class KeyFile { kEvaluation, kPublic };

enum class Insert { kDone, kExists };

/// What a worker hands in: everything of it is written, or nothing.
struct JobOutcome {
  std::string result;  // JSON
  std::optional<Proof> proof;
  std::vector<Artifact> artifacts;
  std::optional<ModelVersion> version;  // of a registration: what its status and files become
};

/// What must hold, the new job included, for one to be made.
struct JobLimits {
  std::int64_t active_jobs = INT64_MAX;   // of the tenant
  std::int64_t samples = INT64_MAX;       // of its jobs with this model, since
  TimeMs since = 0;
};

enum class LeaseState {
  kHeld,
  kCancel,  // still held, but nobody wants the result any more
  kLost,    // somebody else has the job, or it is over
};

class Store {
 public:
  virtual ~Store() = default;

  // Tenants and API keys.
  /// kExists: a tenant of this name.
  virtual base::Result<Insert> create_tenant(const Tenant& tenant) = 0;
  virtual Maybe<Tenant> tenant(const std::string& id) = 0;
  virtual List<Tenant> tenants(const Page& page) = 0;
  virtual base::Status create_api_key(const ApiKey& key) = 0;
  /// Of any tenant: this is how one is found out.
  virtual Maybe<ApiKey> api_key(const std::string& id) = 0;
  virtual List<ApiKey> api_keys(const std::string& tenant, const Page& page) = 0;
  /// False if there is no such key, or it was revoked before.
  virtual base::Result<bool> revoke_api_key(const std::string& tenant, const std::string& id, TimeMs now) = 0;

  // Models.
  /// kExists: the tenant has a model of this name.
  virtual base::Result<Insert> create_model(const Model& model) = 0;
  /// Of any tenant: the caller decides who may use it.
  virtual Maybe<Model> model(const std::string& id) = 0;
  virtual List<Model> models(const std::string& tenant, const Page& page) = 0;
  /// Gives the number of the new version. The version and the job that makes it ready appear together; job.version is filled in.
  virtual base::Result<std::int64_t> add_version(const ModelVersion& version, Job job) = 0;
  virtual Maybe<ModelVersion> version(const std::string& model, std::int64_t number) = 0;
  /// The newest that is ready.
  virtual Maybe<ModelVersion> latest_version(const std::string& model) = 0;
  virtual List<ModelVersion> versions(const std::string& model) = 0;
  /// After a rotation. False if the envelope isn't `before` any more.
  virtual base::Result<bool> replace_key_envelope(const std::string& model, std::int64_t number, const std::string& before,
                                                  const std::string& after) = 0;
  /// False if there is no such version.
  virtual base::Result<bool> set_alias(const std::string& model, const std::string& alias, std::int64_t number) = 0;
  virtual Maybe<std::int64_t> alias(const std::string& model, const std::string& alias) = 0;
  virtual base::Result<std::vector<std::pair<std::string, std::int64_t>>> aliases(const std::string& model) = 0;

  // Evaluation keys.
  virtual base::Status create_evaluation_keys(const EvaluationKeys& keys) = 0;
  /// Nothing once they have expired.
  virtual Maybe<EvaluationKeys> evaluation_keys(const std::string& tenant, const std::string& id, TimeMs now) = 0;
  virtual List<EvaluationKeys> evaluation_keys_of(const std::string& tenant, const Page& page) = 0;
  /// False if there are no such keys, or they have that file.
  virtual base::Result<bool> set_evaluation_key_file(const std::string& tenant, const std::string& id, KeyFile which, const std::string& blob,
                                                     std::int64_t bytes) = 0;
  virtual base::Result<bool> delete_evaluation_keys(const std::string& tenant, const std::string& id) = 0;

  // Jobs.
  /// The job, or the earlier one of the same tenant and idempotency key: compare fingerprints.
  /// Errors: also kLimit, with the limit's name as place ("active_jobs", "samples").
  virtual base::Result<Job> create_job(const Job& job, const JobLimits& limits = {}) = 0;
  virtual Maybe<Job> job(const std::string& tenant, const std::string& id) = 0;
  virtual List<Job> jobs(const std::string& tenant, const Page& page) = 0;
  virtual base::Result<std::int64_t> active_jobs(const std::string& tenant) = 0;
  /// Sum of the samples of jobs since then.
  virtual base::Result<std::int64_t> samples_since(const std::string& tenant, const std::string& model, TimeMs since) = 0;
  /// Waits for no one: the oldest job that is queued, or whose worker went silent, goes to `worker` until now + lease_ms. Jobs that
  /// have no attempt left fail; cancelled ones end.
  virtual Maybe<Job> acquire_job(const std::string& worker, TimeMs now, TimeMs lease_ms) = 0;
  /// Prolongs the lease of this attempt and tells the progress.
  virtual base::Result<LeaseState> heartbeat(const std::string& job, std::int64_t attempt, TimeMs now, TimeMs lease_ms,
                                             const std::string& phase, std::int64_t done, std::int64_t total) = 0;
  /// False, and nothing is written, if the attempt's lease was lost or the job is over.
  virtual base::Result<bool> finish_job(const std::string& job, std::int64_t attempt, TimeMs now, const JobOutcome& outcome) = 0;
  /// Tries again after retry_ms if there are attempts left and `retry`; otherwise the job has failed. False as above.
  virtual base::Result<bool> fail_job(const std::string& job, std::int64_t attempt, TimeMs now, const std::string& problem, bool retry,
                                      TimeMs retry_ms) = 0;
  /// The worker gives the job back untried, as when it shuts down; or ends it, if it was cancelled. False as above.
  virtual base::Result<bool> release_job(const std::string& job, std::int64_t attempt, TimeMs now) = 0;
  /// A queued job is over at once, a running one when its worker hears of it. The job as it is then.
  virtual Maybe<Job> cancel_job(const std::string& tenant, const std::string& id, TimeMs now) = 0;
  /// Those after `after`, oldest first.
  virtual List<JobEvent> job_events(const std::string& job, std::int64_t after, std::int64_t limit) = 0;
  virtual List<Artifact> artifacts(const std::string& job) = 0;
  virtual base::Result<std::vector<std::pair<std::string, std::int64_t>>> job_counts() = 0;  // by status, of all tenants

  // Proofs and receipts.
  /// Of any tenant: proofs are for showing around, and whoever has the id was given it.
  virtual Maybe<Proof> proof(const std::string& id) = 0;
  virtual List<Proof> proofs(const std::string& tenant, const Page& page) = 0;
  virtual Maybe<Proof> proof_of_job(const std::string& job) = 0;
  virtual base::Status record_verification(const std::string& proof, bool verified) = 0;
  /// kExists: the job has one.
  virtual base::Result<Insert> create_receipt(const Receipt& receipt) = 0;
  virtual Maybe<Receipt> receipt_of_job(const std::string& tenant, const std::string& job) = 0;

  // Marketplace.
  /// kExists: the model has a listing.
  virtual base::Result<Insert> create_listing(const Listing& listing) = 0;
  /// Title, description, prices, published, max_samples_per_day. False if there is no such listing of the tenant.
  virtual base::Result<bool> update_listing(const Listing& listing) = 0;
  /// Of any tenant, published or not.
  virtual Maybe<Listing> listing(const std::string& id) = 0;
  virtual Maybe<Listing> listing_of_model(const std::string& model) = 0;
  /// Published ones whose title or description has the text, in any case.
  virtual List<Listing> search_listings(const std::string& text, const Page& page) = 0;
  virtual base::Result<ListingFigures> listing_figures(const std::string& model) = 0;
  /// Whether a job of this tenant with this model succeeded.
  virtual base::Result<bool> has_used(const std::string& tenant, const std::string& model) = 0;
  /// Replaces the tenant's earlier one.
  virtual base::Status put_review(const Review& review) = 0;
  virtual List<Review> reviews(const std::string& listing, const Page& page) = 0;

  // Audit log.
  virtual base::Status append_audit(const AuditEntry& entry) = 0;
  /// Of one tenant, or of all for "".
  virtual List<AuditEntry> audit(const std::string& tenant, std::int64_t after, std::int64_t limit) = 0;
  /// The first entry that doesn't follow from those before it; 0 if all do.
  virtual base::Result<std::int64_t> check_audit() = 0;

  /// Good if the database answers.
  virtual base::Status ping() = 0;
};

}  // namespace blindproof::service::store
