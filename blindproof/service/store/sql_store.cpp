#include "blindproof/service/store/sql_store.h"

#include <algorithm>
#include <mutex>

#include "blindproof/service/store/database.h"
#include "blindproof/service/store/postgresql.h"
#include "blindproof/service/store/sqlite.h"

namespace blindproof::service::store {
namespace {

using base::Result;
using base::Status;

constexpr std::int64_t kMaxPage = 1000;
std::int64_t limit_of(std::int64_t limit) { return std::clamp<std::int64_t>(limit, 1, kMaxPage); }

crypto::Digest256 digest_of(base::ByteSpan bytes) {
  crypto::Digest256 digest{};
  if (bytes.size() == digest.size()) std::ranges::copy(bytes, digest.begin());
  return digest;
}

// Columns in the order of the records' readers below.
#define TENANT_COLUMNS "id, name, created_ms, max_active_jobs, max_samples_per_day"
#define API_KEY_COLUMNS "id, tenant, label, secret_hash, scopes, created_ms, expires_ms, revoked_ms"
#define MODEL_COLUMNS "id, tenant, name, type, created_ms"
#define VERSION_COLUMNS                                                                                                            \
  "model, number, status, content_blob, key_envelope, content_bytes, model_key_blob, program_blob, client_spec_blob, model_id, facts, problem, " \
  "created_ms, hybrid_program_blob, hybrid_spec_blob"
#define KEYS_COLUMNS "id, tenant, model, version, evaluation_blob, public_blob, bytes, created_ms, expires_ms, level"
#define JOB_COLUMNS                                                                                                                 \
  "id, tenant, kind, model, version, request, input_blob, input_envelope, idempotency_key, fingerprint, samples, max_attempts, "    \
  "status, attempts, worker, lease_until_ms, cancel_requested, phase, done, total, result, problem, created_ms, not_before_ms, "    \
  "started_ms, finished_ms"
#define PROOF_COLUMNS "id, tenant, job, model, version, blob, model_key_blob, bytes, prove_ms, created_ms, verified, refused, level, public_key_blob, input_blob, output_blob, sha256, " \
  "key_envelope"
#define LISTING_COLUMNS "id, tenant, model, title, description, prices, published, created_ms, max_samples_per_day"

Tenant read_tenant(const Query& row) { return {row.text(0), row.text(1), row.integer(2), row.integer(3), row.integer(4)}; }

ApiKey read_api_key(const Query& row) {
  return {row.text(0), row.text(1), row.text(2), digest_of(row.bytes(3)), static_cast<std::uint32_t>(row.integer(4)),
          row.integer(5), row.integer(6), row.integer(7)};
}

Model read_model(const Query& row) { return {row.text(0), row.text(1), row.text(2), row.text(3), row.integer(4)}; }

ModelVersion read_version(const Query& row) {
  return {row.text(0), row.integer(1), static_cast<VersionStatus>(row.integer(2)), row.text(3), row.text(4), row.integer(5),
          row.text(6), row.text(7), row.text(8), row.text(9), row.text(10), row.text(11), row.integer(12), row.text(13), row.text(14)};
}

EvaluationKeys read_keys(const Query& row) {
  return {row.text(0), row.text(1), row.text(2), row.integer(3), row.text(4), row.text(5), row.integer(6), row.integer(7), row.integer(8),
          row.text(9)};
}

Job read_job(const Query& row) {
  Job job;
  int column = 0;
  for (std::string* text : {&job.id, &job.tenant, &job.kind, &job.model}) *text = row.text(column++);
  job.version = row.integer(column++);
  for (std::string* text : {&job.request, &job.input_blob, &job.input_envelope, &job.idempotency_key, &job.fingerprint}) *text = row.text(column++);
  job.samples = row.integer(column++);
  job.max_attempts = row.integer(column++);
  job.status = static_cast<JobStatus>(row.integer(column++));
  job.attempts = row.integer(column++);
  job.worker = row.text(column++);
  job.lease_until_ms = row.integer(column++);
  job.cancel_requested = row.integer(column++) != 0;
  job.phase = row.text(column++);
  job.done = row.integer(column++);
  job.total = row.integer(column++);
  job.result = row.text(column++);
  job.problem = row.text(column++);
  for (TimeMs* time : {&job.created_ms, &job.not_before_ms, &job.started_ms, &job.finished_ms}) *time = row.integer(column++);
  return job;
}

Proof read_proof(const Query& row) {
  return {row.text(0), row.text(1), row.text(2), row.text(3), row.integer(4), row.text(5), row.text(6),
          row.integer(7), row.integer(8), row.integer(9), row.integer(10), row.integer(11), row.text(12), row.text(13), row.text(14), row.text(15),
          row.text(16), row.text(17)};
}

Listing read_listing(const Query& row) {
  return {row.text(0), row.text(1), row.text(2), row.text(3), row.text(4), row.text(5), row.integer(6) != 0, row.integer(7), row.integer(8)};
}

Review read_review(const Query& row) { return {row.text(0), row.text(1), row.text(3), row.integer(2), row.integer(4)}; }

AuditEntry read_audit(const Query& row) {
  return {row.integer(0), row.integer(1), row.text(2), row.text(3), row.text(4), row.text(5), row.text(6), digest_of(row.bytes(7))};
}

/// "%text%" with the pattern's own characters escaped by a backslash.
std::string like_pattern(const std::string& text) {
  std::string pattern = "%";
  for (const char character : text) {
    if (character == '%' || character == '_' || character == '\\') pattern += '\\';
    pattern += character;
  }
  return pattern + "%";
}

template <class T, class Read>
Maybe<T> one(Result<std::unique_ptr<Query>> query, Read read) {
  if (!query.ok()) return std::move(query).error();
  BLINDPROOF_ASSIGN(const bool found, (*query)->step());
  if (!found) return std::optional<T>();
  return std::optional<T>(read(**query));
}

template <class T, class Read>
List<T> all(Result<std::unique_ptr<Query>> query, Read read) {
  if (!query.ok()) return std::move(query).error();
  std::vector<T> list;
  while (true) {
    BLINDPROOF_ASSIGN(const bool more, (*query)->step());
    if (!more) return list;
    list.push_back(read(**query));
  }
}

std::int64_t read_integer(const Query& row) { return row.integer(0); }

class SqlStore final : public Store {
 public:
  explicit SqlStore(std::unique_ptr<Database> database) : owned_(std::move(database)), database_(*owned_) {}

  Status migrate() {
    BLINDPROOF_ASSIGN(Transaction transaction, Transaction::begin(database_));  // one process migrates, others wait and find it done
    BLINDPROOF_TRY(database_.script("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)"));
    BLINDPROOF_ASSIGN(const auto stored, one<std::int64_t>(database_.query("SELECT version FROM schema_version"), read_integer));
    const std::span<const char* const> steps = database_.migrations();
    const auto newest = static_cast<std::int64_t>(steps.size());
    const std::int64_t version = stored.value_or(0);
    if (version < 0 || version > newest) {
      return base::error(base::ErrorCode::kUnsupported, "database",
                         "has schema " + std::to_string(version) + "; this program knows up to " + std::to_string(newest));
    }
    if (version == newest) return {};
    for (std::int64_t i = version; i < newest; ++i) BLINDPROOF_TRY(database_.script(steps[static_cast<std::size_t>(i)]));
    BLINDPROOF_TRY(database_.run("DELETE FROM schema_version"));
    BLINDPROOF_TRY(database_.run("INSERT INTO schema_version VALUES (?)", newest));
    return transaction.commit();
  }

  // Tenants and API keys.

  Result<Insert> create_tenant(const Tenant& tenant) override {
    const std::lock_guard lock(mutex_);
    return inserted(database_.run("INSERT INTO tenants (" TENANT_COLUMNS ") VALUES (?,?,?,?,?) ON CONFLICT (name) DO NOTHING", tenant.id,
                                  tenant.name, tenant.created_ms, tenant.max_active_jobs, tenant.max_samples_per_day));
  }

  Maybe<Tenant> tenant(const std::string& id) override {
    const std::lock_guard lock(mutex_);
    return one<Tenant>(database_.query("SELECT " TENANT_COLUMNS " FROM tenants WHERE id=?", id), read_tenant);
  }

  List<Tenant> tenants(const Page& page) override {
    const std::lock_guard lock(mutex_);
    return all<Tenant>(database_.query("SELECT " TENANT_COLUMNS " FROM tenants WHERE id>? ORDER BY id LIMIT ?", page.after, limit_of(page.limit)),
                       read_tenant);
  }

  Status create_api_key(const ApiKey& key) override {
    const std::lock_guard lock(mutex_);
    return done(database_.run("INSERT INTO api_keys (" API_KEY_COLUMNS ") VALUES (?,?,?,?,?,?,?,?)", key.id, key.tenant, key.label,
                              base::ByteSpan(key.secret_hash), std::int64_t{key.scopes}, key.created_ms, key.expires_ms, key.revoked_ms));
  }

  Maybe<ApiKey> api_key(const std::string& id) override {
    const std::lock_guard lock(mutex_);
    return one<ApiKey>(database_.query("SELECT " API_KEY_COLUMNS " FROM api_keys WHERE id=?", id), read_api_key);
  }

  List<ApiKey> api_keys(const std::string& tenant, const Page& page) override {
    const std::lock_guard lock(mutex_);
    return all<ApiKey>(database_.query("SELECT " API_KEY_COLUMNS " FROM api_keys WHERE tenant=? AND id>? ORDER BY id LIMIT ?", tenant, page.after,
                                       limit_of(page.limit)),
                       read_api_key);
  }

  Result<bool> revoke_api_key(const std::string& tenant, const std::string& id, TimeMs now) override {
    const std::lock_guard lock(mutex_);
    return changed(database_.run("UPDATE api_keys SET revoked_ms=? WHERE tenant=? AND id=? AND revoked_ms=0", now, tenant, id));
  }

  // Models.

  Result<Insert> create_model(const Model& model) override {
    const std::lock_guard lock(mutex_);
    return inserted(database_.run("INSERT INTO models (" MODEL_COLUMNS ") VALUES (?,?,?,?,?) ON CONFLICT (tenant, name) DO NOTHING", model.id,
                                  model.tenant, model.name, model.type, model.created_ms));
  }

  Maybe<Model> model(const std::string& id) override {
    const std::lock_guard lock(mutex_);
    return one<Model>(database_.query("SELECT " MODEL_COLUMNS " FROM models WHERE id=?", id), read_model);
  }

  List<Model> models(const std::string& tenant, const Page& page) override {
    const std::lock_guard lock(mutex_);
    return all<Model>(database_.query("SELECT " MODEL_COLUMNS " FROM models WHERE tenant=? AND id>? ORDER BY id LIMIT ?", tenant, page.after,
                                      limit_of(page.limit)),
                      read_model);
  }

  Result<std::int64_t> add_version(const ModelVersion& version, Job job) override {
    const std::lock_guard lock(mutex_);
    BLINDPROOF_ASSIGN(Transaction transaction, Transaction::begin(database_));
    BLINDPROOF_ASSIGN(const auto newest, one<std::int64_t>(database_.query("SELECT COALESCE(MAX(number), 0) FROM versions WHERE model=?", version.model),
                                                           read_integer));
    const std::int64_t number = newest.value_or(0) + 1;
    BLINDPROOF_TRY(database_.run("INSERT INTO versions (" VERSION_COLUMNS ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", version.model, number,
                                 static_cast<std::int64_t>(version.status), version.content_blob, version.key_envelope, version.content_bytes,
                                 version.model_key_blob, version.program_blob, version.client_spec_blob, version.model_id, version.facts,
                                 version.problem, version.created_ms, version.hybrid_program_blob, version.hybrid_spec_blob));
    job.version = number;
    BLINDPROOF_TRY(insert_job(job));
    BLINDPROOF_TRY(transaction.commit());
    return number;
  }

  Maybe<ModelVersion> version(const std::string& model, std::int64_t number) override {
    const std::lock_guard lock(mutex_);
    return one<ModelVersion>(database_.query("SELECT " VERSION_COLUMNS " FROM versions WHERE model=? AND number=?", model, number), read_version);
  }

  Maybe<ModelVersion> latest_version(const std::string& model) override {
    const std::lock_guard lock(mutex_);
    return one<ModelVersion>(database_.query("SELECT " VERSION_COLUMNS " FROM versions WHERE model=? AND status=? ORDER BY number DESC LIMIT 1",
                                             model, static_cast<std::int64_t>(VersionStatus::kReady)),
                             read_version);
  }

  List<ModelVersion> versions(const std::string& model) override {
    const std::lock_guard lock(mutex_);
    return all<ModelVersion>(database_.query("SELECT " VERSION_COLUMNS " FROM versions WHERE model=? ORDER BY number LIMIT ?", model, kMaxPage),
                             read_version);
  }

  Result<bool> replace_key_envelope(const std::string& model, std::int64_t number, const std::string& before,
                                    const std::string& after) override {
    const std::lock_guard lock(mutex_);
    return changed(database_.run("UPDATE versions SET key_envelope=? WHERE model=? AND number=? AND key_envelope=?", after, model, number, before));
  }

  Result<bool> set_alias(const std::string& model, const std::string& alias, std::int64_t number) override {
    const std::lock_guard lock(mutex_);
    return changed(database_.run("INSERT INTO aliases (model, alias, number) SELECT model, ?, number FROM versions WHERE model=? AND number=? "
                                 "ON CONFLICT (model, alias) DO UPDATE SET number=excluded.number",
                                 alias, model, number));
  }

  Maybe<std::int64_t> alias(const std::string& model, const std::string& alias) override {
    const std::lock_guard lock(mutex_);
    return one<std::int64_t>(database_.query("SELECT number FROM aliases WHERE model=? AND alias=?", model, alias), read_integer);
  }

  Result<std::vector<std::pair<std::string, std::int64_t>>> aliases(const std::string& model) override {
    const std::lock_guard lock(mutex_);
    return counts(database_.query("SELECT alias, number FROM aliases WHERE model=? ORDER BY alias LIMIT ?", model, kMaxPage));
  }

  // Evaluation keys.

  Status create_evaluation_keys(const EvaluationKeys& keys) override {
    const std::lock_guard lock(mutex_);
    return done(database_.run("INSERT INTO evaluation_keys (" KEYS_COLUMNS ") VALUES (?,?,?,?,?,?,?,?,?,?)", keys.id, keys.tenant, keys.model,
                              keys.version, keys.evaluation_blob, keys.public_blob, keys.bytes, keys.created_ms, keys.expires_ms, keys.level));
  }

  Maybe<EvaluationKeys> evaluation_keys(const std::string& tenant, const std::string& id, TimeMs now) override {
    const std::lock_guard lock(mutex_);
    return one<EvaluationKeys>(database_.query("SELECT " KEYS_COLUMNS " FROM evaluation_keys WHERE tenant=? AND id=? AND expires_ms>?", tenant, id, now),
                               read_keys);
  }

  List<EvaluationKeys> evaluation_keys_of(const std::string& tenant, const Page& page) override {
    const std::lock_guard lock(mutex_);
    return all<EvaluationKeys>(database_.query("SELECT " KEYS_COLUMNS " FROM evaluation_keys WHERE tenant=? AND id>? ORDER BY id LIMIT ?", tenant,
                                               page.after, limit_of(page.limit)),
                               read_keys);
  }

  Result<bool> set_evaluation_key_file(const std::string& tenant, const std::string& id, KeyFile which, const std::string& blob,
                                       std::int64_t bytes) override {
    const std::lock_guard lock(mutex_);
    return changed(database_.run(which == KeyFile::kEvaluation ? "UPDATE evaluation_keys SET evaluation_blob=?, bytes=bytes+? WHERE tenant=? AND id=? AND evaluation_blob=''"
                                                               : "UPDATE evaluation_keys SET public_blob=?, bytes=bytes+? WHERE tenant=? AND id=? AND public_blob=''",
                                 blob, bytes, tenant, id));
  }

  Result<bool> delete_evaluation_keys(const std::string& tenant, const std::string& id) override {
    const std::lock_guard lock(mutex_);
    return changed(database_.run("DELETE FROM evaluation_keys WHERE tenant=? AND id=?", tenant, id));
  }

  // Jobs.

  Result<Job> create_job(const Job& job, const JobLimits& limits) override {
    const std::lock_guard lock(mutex_);
    BLINDPROOF_ASSIGN(Transaction transaction, Transaction::begin(database_));
    if (!job.idempotency_key.empty()) {
      BLINDPROOF_ASSIGN(std::optional<Job> earlier, one<Job>(database_.query("SELECT " JOB_COLUMNS " FROM jobs WHERE tenant=? AND idempotency_key=?",
                                                                             job.tenant, job.idempotency_key),
                                                             read_job));
      if (earlier) return *std::move(earlier);
    }
    if (limits.active_jobs != INT64_MAX) {
      BLINDPROOF_ASSIGN(const std::int64_t active, count_active(job.tenant));
      if (active >= limits.active_jobs) return base::error(base::ErrorCode::kLimit, "active_jobs", std::to_string(active) + " are under way");
    }
    if (limits.samples != INT64_MAX) {
      BLINDPROOF_ASSIGN(const std::int64_t used, count_samples(job.tenant, job.model, limits.since));
      if (used > limits.samples - job.samples) return base::error(base::ErrorCode::kLimit, "samples", std::to_string(used) + " are used");
    }
    BLINDPROOF_TRY(insert_job(job));
    BLINDPROOF_TRY(transaction.commit());
    return job;
  }

  Maybe<Job> job(const std::string& tenant, const std::string& id) override {
    const std::lock_guard lock(mutex_);
    return one<Job>(database_.query("SELECT " JOB_COLUMNS " FROM jobs WHERE tenant=? AND id=?", tenant, id), read_job);
  }

  List<Job> jobs(const std::string& tenant, const Page& page) override {
    const std::lock_guard lock(mutex_);
    return all<Job>(database_.query("SELECT " JOB_COLUMNS " FROM jobs WHERE tenant=? AND id>? ORDER BY id LIMIT ?", tenant, page.after,
                                    limit_of(page.limit)),
                    read_job);
  }

  Result<std::int64_t> active_jobs(const std::string& tenant) override {
    const std::lock_guard lock(mutex_);
    return count_active(tenant);
  }

  Result<std::int64_t> samples_since(const std::string& tenant, const std::string& model, TimeMs since) override {
    const std::lock_guard lock(mutex_);
    return count_samples(tenant, model, since);
  }

  Maybe<Job> acquire_job(const std::string& worker, TimeMs now, TimeMs lease_ms) override {
    const std::lock_guard lock(mutex_);
    while (true) {
      // Workers ask often and mostly in vain: without the write lock first.
      BLINDPROOF_ASSIGN(const std::optional<Job> seen, next_job(now));
      if (!seen) return std::optional<Job>();
      BLINDPROOF_ASSIGN(Transaction transaction, Transaction::begin(database_));
      BLINDPROOF_ASSIGN(std::optional<Job> job, next_job(now));
      if (!job) return std::optional<Job>();
      if (job->cancel_requested) {
        BLINDPROOF_TRY(end_job(*job, JobStatus::kCancelled, now, "", ""));
        BLINDPROOF_TRY(transaction.commit());
        continue;
      }
      if (job->attempts >= job->max_attempts) {
        BLINDPROOF_TRY(end_failed(*job, now, "the worker went silent " + std::to_string(job->attempts) + " times"));
        BLINDPROOF_TRY(transaction.commit());
        continue;
      }
      job->status = JobStatus::kRunning;
      job->attempts += 1;
      job->worker = worker;
      job->lease_until_ms = now + lease_ms;
      if (job->started_ms == 0) job->started_ms = now;
      job->phase.clear();
      job->done = job->total = 0;
      BLINDPROOF_TRY(database_.run("UPDATE jobs SET status=?, attempts=?, worker=?, lease_until_ms=?, started_ms=?, phase='', done=0, total=0 WHERE id=?",
                                   static_cast<std::int64_t>(job->status), job->attempts, job->worker, job->lease_until_ms, job->started_ms, job->id));
      BLINDPROOF_TRY(add_event(job->id, job->status, "", 0, 0, now));
      BLINDPROOF_TRY(transaction.commit());
      return job;
    }
  }

  Result<LeaseState> heartbeat(const std::string& id, std::int64_t attempt, TimeMs now, TimeMs lease_ms, const std::string& phase,
                               std::int64_t done, std::int64_t total) override {
    const std::lock_guard lock(mutex_);
    BLINDPROOF_ASSIGN(Transaction transaction, Transaction::begin(database_));
    BLINDPROOF_ASSIGN(const std::optional<Job> job, held_job(id, attempt));
    if (!job) return LeaseState::kLost;
    BLINDPROOF_TRY(database_.run("UPDATE jobs SET lease_until_ms=?, phase=?, done=?, total=? WHERE id=?", now + lease_ms, phase, done, total, id));
    if (job->phase != phase || job->done != done || job->total != total) BLINDPROOF_TRY(add_event(id, job->status, phase, done, total, now));
    BLINDPROOF_TRY(transaction.commit());
    return job->cancel_requested ? LeaseState::kCancel : LeaseState::kHeld;
  }

  Result<bool> finish_job(const std::string& id, std::int64_t attempt, TimeMs now, const JobOutcome& outcome) override {
    const std::lock_guard lock(mutex_);
    BLINDPROOF_ASSIGN(Transaction transaction, Transaction::begin(database_));
    BLINDPROOF_ASSIGN(const std::optional<Job> job, held_job(id, attempt));
    if (!job) return false;
    BLINDPROOF_TRY(end_job(*job, JobStatus::kSucceeded, now, outcome.result, ""));
    if (outcome.proof) {
      const Proof& proof = *outcome.proof;
      BLINDPROOF_TRY(database_.run("INSERT INTO proofs (" PROOF_COLUMNS ") VALUES (?,?,?,?,?,?,?,?,?,?,0,0,?,?,?,?,?,?)", proof.id, proof.tenant, id, proof.model,
                                   proof.version, proof.blob, proof.model_key_blob, proof.bytes, proof.prove_ms, proof.created_ms, proof.level,
                                   proof.public_key_blob, proof.input_blob, proof.output_blob, proof.sha256, proof.key_envelope));
    }
    for (const Artifact& artifact : outcome.artifacts) {
      BLINDPROOF_TRY(database_.run("INSERT INTO artifacts (job, name, blob, bytes) VALUES (?,?,?,?)", id, artifact.name, artifact.blob, artifact.bytes));
    }
    if (outcome.version) {
      const ModelVersion& version = *outcome.version;
      BLINDPROOF_TRY(database_.run("UPDATE versions SET status=?, model_key_blob=?, program_blob=?, client_spec_blob=?, model_id=?, facts=?, problem=?, "
                                   "hybrid_program_blob=?, hybrid_spec_blob=? WHERE model=? AND number=?",
                                   static_cast<std::int64_t>(version.status), version.model_key_blob, version.program_blob, version.client_spec_blob,
                                   version.model_id, version.facts, version.problem, version.hybrid_program_blob, version.hybrid_spec_blob, version.model,
                                   version.number));
    }
    BLINDPROOF_TRY(transaction.commit());
    return true;
  }

  Result<bool> fail_job(const std::string& id, std::int64_t attempt, TimeMs now, const std::string& problem, bool retry, TimeMs retry_ms) override {
    const std::lock_guard lock(mutex_);
    BLINDPROOF_ASSIGN(Transaction transaction, Transaction::begin(database_));
    BLINDPROOF_ASSIGN(const std::optional<Job> job, held_job(id, attempt));
    if (!job) return false;
    if (job->cancel_requested) {
      BLINDPROOF_TRY(end_job(*job, JobStatus::kCancelled, now, "", ""));
    } else if (retry && job->attempts < job->max_attempts) {
      BLINDPROOF_TRY(requeue(*job, job->attempts, problem, now, now + retry_ms));
    } else {
      BLINDPROOF_TRY(end_failed(*job, now, problem));
    }
    BLINDPROOF_TRY(transaction.commit());
    return true;
  }

  Result<bool> release_job(const std::string& id, std::int64_t attempt, TimeMs now) override {
    const std::lock_guard lock(mutex_);
    BLINDPROOF_ASSIGN(Transaction transaction, Transaction::begin(database_));
    BLINDPROOF_ASSIGN(const std::optional<Job> job, held_job(id, attempt));
    if (!job) return false;
    if (job->cancel_requested) {
      BLINDPROOF_TRY(end_job(*job, JobStatus::kCancelled, now, "", ""));
    } else {
      // The attempt's number stays used, so that its lease can't come back; the job gets another in its place.
      BLINDPROOF_TRY(database_.run("UPDATE jobs SET max_attempts=max_attempts+1 WHERE id=?", id));
      BLINDPROOF_TRY(requeue(*job, job->attempts, job->problem, now, now));
    }
    BLINDPROOF_TRY(transaction.commit());
    return true;
  }

  Maybe<Job> cancel_job(const std::string& tenant, const std::string& id, TimeMs now) override {
    const std::lock_guard lock(mutex_);
    BLINDPROOF_ASSIGN(Transaction transaction, Transaction::begin(database_));
    const auto read = [&] { return one<Job>(database_.query("SELECT " JOB_COLUMNS " FROM jobs WHERE tenant=? AND id=?", tenant, id), read_job); };
    BLINDPROOF_ASSIGN(const std::optional<Job> job, read());
    if (!job || is_final(job->status)) return job;
    if (job->status == JobStatus::kQueued) {
      BLINDPROOF_TRY(end_job(*job, JobStatus::kCancelled, now, "", ""));
    } else {
      BLINDPROOF_TRY(database_.run("UPDATE jobs SET cancel_requested=1 WHERE id=?", id));
    }
    BLINDPROOF_ASSIGN(std::optional<Job> cancelled, read());
    BLINDPROOF_TRY(transaction.commit());
    return cancelled;
  }

  List<JobEvent> job_events(const std::string& job, std::int64_t after, std::int64_t limit) override {
    const std::lock_guard lock(mutex_);
    return all<JobEvent>(database_.query("SELECT sequence, job, status, phase, done, total, at_ms FROM job_events WHERE job=? AND sequence>? "
                                         "ORDER BY sequence LIMIT ?",
                                         job, after, limit_of(limit)),
                         [](const Query& row) -> JobEvent {
                           return {row.integer(0), row.text(1), row.text(2), row.text(3), row.integer(4), row.integer(5), row.integer(6)};
                         });
  }

  List<Artifact> artifacts(const std::string& job) override {
    const std::lock_guard lock(mutex_);
    return all<Artifact>(database_.query("SELECT job, name, blob, bytes FROM artifacts WHERE job=? ORDER BY name", job),
                         [](const Query& row) -> Artifact { return {row.text(0), row.text(1), row.text(2), row.integer(3)}; });
  }

  Result<std::vector<std::pair<std::string, std::int64_t>>> job_counts() override {
    const std::lock_guard lock(mutex_);
    BLINDPROOF_ASSIGN(const auto query, database_.query("SELECT status, COUNT(*) FROM jobs GROUP BY status ORDER BY status"));
    std::vector<std::pair<std::string, std::int64_t>> list;
    while (true) {
      BLINDPROOF_ASSIGN(const bool more, query->step());
      if (!more) return list;
      list.emplace_back(job_status_name(static_cast<JobStatus>(query->integer(0))), query->integer(1));
    }
  }

  // Proofs and receipts.

  Maybe<Proof> proof(const std::string& id) override {
    const std::lock_guard lock(mutex_);
    return one<Proof>(database_.query("SELECT " PROOF_COLUMNS " FROM proofs WHERE id=?", id), read_proof);
  }

  List<Proof> proofs(const std::string& tenant, const Page& page) override {
    const std::lock_guard lock(mutex_);
    return all<Proof>(database_.query("SELECT " PROOF_COLUMNS " FROM proofs WHERE tenant=? AND id>? ORDER BY id LIMIT ?", tenant, page.after,
                                      limit_of(page.limit)),
                      read_proof);
  }

  Maybe<Proof> proof_of_job(const std::string& job) override {
    const std::lock_guard lock(mutex_);
    return one<Proof>(database_.query("SELECT " PROOF_COLUMNS " FROM proofs WHERE job=?", job), read_proof);
  }

  Status record_verification(const std::string& proof, bool verified) override {
    const std::lock_guard lock(mutex_);
    return done(database_.run(verified ? "UPDATE proofs SET verified=verified+1 WHERE id=?" : "UPDATE proofs SET refused=refused+1 WHERE id=?", proof));
  }

  Result<Insert> create_receipt(const Receipt& receipt) override {
    const std::lock_guard lock(mutex_);
    return inserted(database_.run("INSERT INTO receipts (id, tenant, job, blob, key_envelope, created_ms) VALUES (?,?,?,?,?,?) ON CONFLICT (job) DO NOTHING",
                                  receipt.id, receipt.tenant, receipt.job, receipt.blob, receipt.key_envelope, receipt.created_ms));
  }

  Maybe<Receipt> receipt_of_job(const std::string& tenant, const std::string& job) override {
    const std::lock_guard lock(mutex_);
    return one<Receipt>(database_.query("SELECT id, tenant, job, blob, key_envelope, created_ms FROM receipts WHERE tenant=? AND job=?", tenant, job),
                        [](const Query& row) -> Receipt { return {row.text(0), row.text(1), row.text(2), row.text(3), row.text(4), row.integer(5)}; });
  }

  // Marketplace.

  Result<Insert> create_listing(const Listing& listing) override {
    const std::lock_guard lock(mutex_);
    return inserted(database_.run("INSERT INTO listings (" LISTING_COLUMNS ") VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT (model) DO NOTHING", listing.id,
                                  listing.tenant, listing.model, listing.title, listing.description, listing.prices, listing.published,
                                  listing.created_ms, listing.max_samples_per_day));
  }

  Result<bool> update_listing(const Listing& listing) override {
    const std::lock_guard lock(mutex_);
    return changed(database_.run("UPDATE listings SET title=?, description=?, prices=?, published=?, max_samples_per_day=? WHERE id=? AND tenant=?", listing.title,
                                 listing.description, listing.prices, listing.published, listing.max_samples_per_day, listing.id, listing.tenant));
  }

  Maybe<Listing> listing(const std::string& id) override {
    const std::lock_guard lock(mutex_);
    return one<Listing>(database_.query("SELECT " LISTING_COLUMNS " FROM listings WHERE id=?", id), read_listing);
  }

  Maybe<Listing> listing_of_model(const std::string& model) override {
    const std::lock_guard lock(mutex_);
    return one<Listing>(database_.query("SELECT " LISTING_COLUMNS " FROM listings WHERE model=?", model), read_listing);
  }

  List<Listing> search_listings(const std::string& text, const Page& page) override {
    const std::lock_guard lock(mutex_);
    const std::string pattern = like_pattern(text);
    return all<Listing>(database_.query("SELECT " LISTING_COLUMNS " FROM listings WHERE published=1 AND id>? AND (LOWER(title) LIKE LOWER(?) ESCAPE '\\' OR "
                                        "LOWER(description) LIKE LOWER(?) ESCAPE '\\') ORDER BY id LIMIT ?",
                                        page.after, pattern, pattern, limit_of(page.limit)),
                        read_listing);
  }

  Result<ListingFigures> listing_figures(const std::string& model) override {
    const std::lock_guard lock(mutex_);
    ListingFigures figures;
    const auto succeeded = static_cast<std::int64_t>(JobStatus::kSucceeded);
    BLINDPROOF_ASSIGN(figures.levels,
                      all<LevelFigures>(database_.query("SELECT kind, COUNT(*), CAST(SUM(finished_ms-jobs.created_ms) AS BIGINT)/COUNT(*), "
                                                        "COALESCE(CAST(SUM(prove_ms) AS BIGINT)/NULLIF(COUNT(prove_ms), 0), 0) FROM jobs LEFT JOIN proofs ON proofs.job=jobs.id "
                                                        "WHERE jobs.model=? AND status=? AND kind IN ('zkml', 'fhe', 'hybrid') GROUP BY kind ORDER BY kind",
                                                        model, succeeded),
                                        [](const Query& row) -> LevelFigures { return {row.text(0), row.integer(1), row.integer(2), row.integer(3)}; }));
    const auto fill = [&](Result<std::unique_ptr<Query>> query, auto read) -> Status {
      if (!query.ok()) return std::move(query).error();
      BLINDPROOF_TRY((*query)->step());  // an aggregate always has a row
      read(**query);
      return {};
    };
    BLINDPROOF_TRY(fill(database_.query("SELECT COALESCE(SUM(verified), 0), COALESCE(SUM(refused), 0) FROM proofs WHERE model=?", model),
                        [&](const Query& row) { figures.verified = row.integer(0), figures.refused = row.integer(1); }));
    BLINDPROOF_TRY(fill(database_.query("SELECT COUNT(*), COALESCE(AVG(rating), 0.0) FROM reviews JOIN listings ON listings.id=listing WHERE model=?", model),
                        [&](const Query& row) { figures.reviews = row.integer(0), figures.mean_rating = row.real(1); }));
    return figures;
  }

  Result<bool> has_used(const std::string& tenant, const std::string& model) override {
    const std::lock_guard lock(mutex_);
    BLINDPROOF_ASSIGN(const std::int64_t count, number(database_.query("SELECT COUNT(*) FROM jobs WHERE model=? AND tenant=? AND status=? AND kind<>'register'",
                                                                       model, tenant, static_cast<std::int64_t>(JobStatus::kSucceeded))));
    return count > 0;
  }

  Status put_review(const Review& review) override {
    const std::lock_guard lock(mutex_);
    return done(database_.run("INSERT INTO reviews (listing, tenant, rating, text, created_ms) VALUES (?,?,?,?,?) ON CONFLICT (listing, tenant) "
                              "DO UPDATE SET rating=excluded.rating, text=excluded.text, created_ms=excluded.created_ms",
                              review.listing, review.tenant, review.rating, review.text, review.created_ms));
  }

  List<Review> reviews(const std::string& listing, const Page& page) override {
    const std::lock_guard lock(mutex_);
    return all<Review>(database_.query("SELECT listing, tenant, rating, text, created_ms FROM reviews WHERE listing=? AND tenant>? ORDER BY tenant LIMIT ?",
                                       listing, page.after, limit_of(page.limit)),
                       read_review);
  }

  // Audit log.

  Status append_audit(const AuditEntry& entry) override {
    const std::lock_guard lock(mutex_);
    BLINDPROOF_ASSIGN(Transaction transaction, Transaction::begin(database_));
    BLINDPROOF_ASSIGN(const auto before, one<crypto::Digest256>(database_.query("SELECT chain FROM audit ORDER BY sequence DESC LIMIT 1"),
                                                                [](const Query& row) { return digest_of(row.bytes(0)); }));
    const crypto::Digest256 link = audit_link(before.value_or(crypto::Digest256{}), entry);
    BLINDPROOF_TRY(database_.run("INSERT INTO audit (at_ms, tenant, actor, action, object, detail, chain) VALUES (?,?,?,?,?,?,?)", entry.at_ms,
                                 entry.tenant, entry.actor, entry.action, entry.object, entry.detail, base::ByteSpan(link)));
    return transaction.commit();
  }

  List<AuditEntry> audit(const std::string& tenant, std::int64_t after, std::int64_t limit) override {
    const std::lock_guard lock(mutex_);
    if (tenant.empty()) {
      return all<AuditEntry>(database_.query("SELECT * FROM audit WHERE sequence>? ORDER BY sequence LIMIT ?", after, limit_of(limit)), read_audit);
    }
    return all<AuditEntry>(database_.query("SELECT * FROM audit WHERE tenant=? AND sequence>? ORDER BY sequence LIMIT ?", tenant, after, limit_of(limit)),
                           read_audit);
  }

  Result<std::int64_t> check_audit() override {
    const std::lock_guard lock(mutex_);
    crypto::Digest256 before{};
    for (std::int64_t last = 0;;) {
      BLINDPROOF_ASSIGN(const std::vector<AuditEntry> entries,
                        all<AuditEntry>(database_.query("SELECT * FROM audit WHERE sequence>? ORDER BY sequence LIMIT ?", last, kMaxPage), read_audit));
      if (entries.empty()) return 0;
      for (const AuditEntry& entry : entries) {
        if (entry.chain != audit_link(before, entry)) return entry.sequence;
        before = entry.chain;
      }
      last = entries.back().sequence;
    }
  }

  Status ping() override {
    const std::lock_guard lock(mutex_);
    return done(number(database_.query("SELECT 1")));
  }

 private:
  template <class T>
  static Status done(const Result<T>& result) {
    BLINDPROOF_TRY(result);
    return {};
  }
  static Result<bool> changed(Result<std::int64_t> rows) {
    BLINDPROOF_TRY(rows);
    return *rows > 0;
  }
  static Result<Insert> inserted(Result<std::int64_t> rows) {
    BLINDPROOF_TRY(rows);
    return *rows > 0 ? Insert::kDone : Insert::kExists;
  }
  static Result<std::int64_t> number(Result<std::unique_ptr<Query>> query) {
    BLINDPROOF_ASSIGN(const auto value, one<std::int64_t>(std::move(query), read_integer));
    return value.value_or(0);
  }
  static Result<std::vector<std::pair<std::string, std::int64_t>>> counts(Result<std::unique_ptr<Query>> query) {
    return all<std::pair<std::string, std::int64_t>>(std::move(query), [](const Query& row) { return std::pair(row.text(0), row.integer(1)); });
  }

  Result<std::int64_t> count_active(const std::string& tenant) {
    return number(database_.query("SELECT COUNT(*) FROM jobs WHERE status<2 AND tenant=?", tenant));
  }
  Result<std::int64_t> count_samples(const std::string& tenant, const std::string& model, TimeMs since) {
    return number(database_.query("SELECT COALESCE(SUM(samples), 0) FROM jobs WHERE model=? AND tenant=? AND created_ms>=?", model, tenant, since));
  }

  // Those below are for a transaction that the caller has begun.

  Status insert_job(const Job& job) {
    BLINDPROOF_TRY(database_.run("INSERT INTO jobs (" JOB_COLUMNS ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,0,0,'',0,0,'',0,0,'','',?,?,0,0)", job.id, job.tenant,
                                 job.kind, job.model, job.version, job.request, job.input_blob, job.input_envelope, job.idempotency_key,
                                 job.fingerprint, job.samples, job.max_attempts, job.created_ms, job.not_before_ms));
    return add_event(job.id, JobStatus::kQueued, "", 0, 0, job.created_ms);
  }

  Status add_event(const std::string& job, JobStatus status, const std::string& phase, std::int64_t done_units, std::int64_t total, TimeMs at) {
    return done(database_.run("INSERT INTO job_events (job, status, phase, done, total, at_ms) VALUES (?,?,?,?,?,?)", job, job_status_name(status),
                              phase, done_units, total, at));
  }

  Maybe<Job> next_job(TimeMs now) {
    return one<Job>(database_.query("SELECT " JOB_COLUMNS " FROM jobs WHERE (status=0 AND not_before_ms<=?) OR (status=1 AND lease_until_ms<=?) "
                                    "ORDER BY id LIMIT 1",
                                    now, now),
                    read_job);
  }

  /// The job, if this attempt still holds its lease: nobody else took it, although the time may have passed.
  Maybe<Job> held_job(const std::string& id, std::int64_t attempt) {
    return one<Job>(database_.query("SELECT " JOB_COLUMNS " FROM jobs WHERE id=? AND status=1 AND attempts=?", id, attempt), read_job);
  }

  Status end_job(const Job& job, JobStatus status, TimeMs now, const std::string& result, const std::string& problem) {
    BLINDPROOF_TRY(database_.run("UPDATE jobs SET status=?, finished_ms=?, result=?, problem=?, lease_until_ms=0 WHERE id=?",
                                 static_cast<std::int64_t>(status), now, result, problem, job.id));
    if (job.kind == "register" && status != JobStatus::kSucceeded) {  // what never became ready never will
      BLINDPROOF_TRY(database_.run("UPDATE versions SET status=?, problem=? WHERE model=? AND number=? AND status=?",
                                   static_cast<std::int64_t>(VersionStatus::kFailed), problem.empty() ? std::string("cancelled") : problem,
                                   job.model, job.version, static_cast<std::int64_t>(VersionStatus::kPending)));
    }
    return add_event(job.id, status, job.phase, job.done, job.total, now);
  }

  Status end_failed(const Job& job, TimeMs now, const std::string& problem) { return end_job(job, JobStatus::kFailed, now, "", problem); }

  Status requeue(const Job& job, std::int64_t attempts, const std::string& problem, TimeMs now, TimeMs not_before) {
    BLINDPROOF_TRY(database_.run("UPDATE jobs SET status=0, attempts=?, problem=?, not_before_ms=?, worker='', lease_until_ms=0, phase='', done=0, "
                                 "total=0 WHERE id=?",
                                 attempts, problem, not_before, job.id));
    return add_event(job.id, JobStatus::kQueued, "", 0, 0, now);
  }

  std::mutex mutex_;
  std::unique_ptr<Database> owned_;
  Database& database_;
};

template <class Engine>
Result<std::unique_ptr<Store>> open_store(Result<Engine> database) {
  if (!database.ok()) return std::move(database).error();
  auto store = std::make_unique<SqlStore>(std::make_unique<Engine>(*std::move(database)));
  BLINDPROOF_TRY(store->migrate());
  return std::unique_ptr<Store>(std::move(store));
}

}  // namespace

base::Result<std::unique_ptr<Store>> open_sqlite_store(const std::filesystem::path& path) { return open_store(Sqlite::open(path)); }

base::Result<std::unique_ptr<Store>> open_postgresql_store(const std::string& address) { return open_store(Postgresql::connect(address)); }

}  // namespace blindproof::service::store
