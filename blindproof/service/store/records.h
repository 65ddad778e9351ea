// What the service remembers. Times are milliseconds since 1970, UTC; 0 where something has not happened. Ids are from make_id.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "blindproof/crypto/sha256.h"

namespace blindproof::service::store {

using TimeMs = std::int64_t;

/// 26 characters of Crockford's base32: 48 bits of time, then 80 random ones, so that later ids sort after earlier ones.
std::string make_id(TimeMs now);
/// Whether a text from outside has the form of an id.
bool is_id(std::string_view text);

struct Tenant {
  std::string id, name;
  TimeMs created_ms = 0;
  std::int64_t max_active_jobs = 16;
  std::int64_t max_samples_per_day = 10000;  // of each model that isn't its own: exact outputs reveal small models
};

enum Scope : std::uint32_t {  // bits
  kScopeRead = 1,    // list, download
  kScopeInfer = 2,   // start and cancel jobs, upload evaluation keys
  kScopeModels = 4,  // upload models, change their aliases and listings
  kScopeAdmin = 8,   // tenants, API keys, audit log
};

struct ApiKey {
  std::string id, tenant, label;
  crypto::Digest256 secret_hash{};  // SHA-256 of a random secret of 32 bytes
  std::uint32_t scopes = 0;
  TimeMs created_ms = 0, expires_ms = 0, revoked_ms = 0;  // expires 0: never
};

struct Model {
  std::string id, tenant, name, type;  // type: "zkml" or "fhe"
  TimeMs created_ms = 0;
};

enum class VersionStatus { kPending, kReady, kFailed };

struct ModelVersion {
  std::string model;
  std::int64_t number = 0;           // 1, 2, ...; given by the store
  VersionStatus status = VersionStatus::kPending;
  std::string content_blob;          // encrypted content: docs/spec/envelope.md
  std::string key_envelope;
  std::int64_t content_bytes = 0;    // before encryption
  std::string model_key_blob;        // .bpk, once ready
  std::string program_blob;          // .bpf of encrypted inference, encrypted under the content's data key; "" without that level
  std::string client_spec_blob;      // its .bpc
  std::string model_id;              // hex, of the model key
  std::string facts;                 // JSON: architecture, shapes, parameters
  std::string problem;               // why it failed
  TimeMs created_ms = 0;
  std::string hybrid_program_blob = {}, hybrid_spec_blob = {};  // the same two of level hybrid
};

struct EvaluationKeys {
  std::string id, tenant, model;     // for this model's parameters
  std::int64_t version = 0;
  std::string evaluation_blob, public_blob;  // .bpek and .bppk; "" until they were uploaded
  std::int64_t bytes = 0;            // of both
  TimeMs created_ms = 0, expires_ms = 0;
  std::string level = "fhe";         // or "hybrid", which has a public key alone
};

/// Whether jobs can use them.
inline bool is_complete(const EvaluationKeys& keys) { return !keys.public_blob.empty() && (keys.level == "hybrid" || !keys.evaluation_blob.empty()); }

enum class JobStatus { kQueued, kRunning, kSucceeded, kFailed, kCancelled };
std::string_view job_status_name(JobStatus status);  // "queued", ...
inline bool is_final(JobStatus status) { return status != JobStatus::kQueued && status != JobStatus::kRunning; }

struct Job {
  std::string id, tenant, kind;
  std::string model;
  std::int64_t version = 0;
  std::string request;               // JSON, without values of inputs
  std::string input_blob, input_envelope;
  std::string idempotency_key;       // "" for none; unique for a tenant
  std::string fingerprint;           // of the request that came with it
  std::int64_t samples = 1;          // counted against quotas
  std::int64_t max_attempts = 3;

  JobStatus status = JobStatus::kQueued;
  std::int64_t attempts = 0;         // also the lease's number: a worker that lost its lease has an old one
  std::string worker;
  TimeMs lease_until_ms = 0;
  bool cancel_requested = false;
  std::string phase;
  std::int64_t done = 0, total = 0;  // total 0: unknown
  std::string result, problem;       // JSON, whose confidential part is a blob of encrypted content for the server; text
  TimeMs created_ms = 0, not_before_ms = 0, started_ms = 0, finished_ms = 0;
};

struct JobEvent {
  std::int64_t sequence = 0;  // over all jobs, growing
  std::string job, status, phase;
  std::int64_t done = 0, total = 0;
  TimeMs at_ms = 0;
};

/// A file that a job made.
struct Artifact {
  std::string job, name, blob;
  std::int64_t bytes = 0;
};

struct Proof {
  std::string id, tenant, job, model;
  std::int64_t version = 0;
  std::string blob, model_key_blob;
  std::int64_t bytes = 0, prove_ms = 0;
  TimeMs created_ms = 0;
  std::int64_t verified = 0, refused = 0;  // verifications that happened here
  std::string level = "zkml";        // or "hybrid", whose statement is of the next three
  std::string public_key_blob = {}, input_blob = {}, output_blob = {};
  std::string sha256 = {};           // of the proof; its blob is encrypted content for the server
  std::string key_envelope = {};
};

struct Receipt {
  std::string id, tenant, job;  // one for each job
  std::string blob, key_envelope;  // encrypted content for the server
  TimeMs created_ms = 0;
};

struct Listing {
  std::string id, tenant, model, title, description;
  std::string prices;  // JSON: currency, and the price of a sample at each level that is offered
  bool published = false;
  TimeMs created_ms = 0;
  std::int64_t max_samples_per_day = 10000;  // of each buyer
};

struct LevelFigures {
  std::string level;
  std::int64_t inferences = 0, mean_latency_ms = 0, mean_prove_ms = 0;  // latency: from the request to the result; 0 for no proofs
};

/// From what happened, never from what the seller says.
struct ListingFigures {
  std::vector<LevelFigures> levels;  // that were used
  std::int64_t verified = 0, refused = 0;
  std::int64_t reviews = 0;
  double mean_rating = 0;
};

struct Review {
  std::string listing, tenant, text;
  std::int64_t rating = 0;  // 1 to 5
  TimeMs created_ms = 0;
};

struct AuditEntry {
  std::int64_t sequence = 0;  // given by the store
  TimeMs at_ms = 0;
  std::string tenant, actor, action, object, detail;
  crypto::Digest256 chain{};  // audit_link of the entry and the one before it; given by the store
};

/// SHA-256 over the link before (zeros before the first) and the entry but for sequence and chain: who knows one link sees whether
/// anything up to it was changed.
crypto::Digest256 audit_link(const crypto::Digest256& before, const AuditEntry& entry);

}  // namespace blindproof::service::store
