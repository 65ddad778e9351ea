// Steps from each version of the schema to the next, for each engine. Published ones are never changed: databases have run them.
#pragma once

namespace blindproof::service::store {

inline constexpr const char* kSqliteMigrations[] = {
    // 1
    R"sql(
CREATE TABLE tenants (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, created_ms INTEGER NOT NULL, max_active_jobs INTEGER NOT NULL,
  max_samples_per_day INTEGER NOT NULL) STRICT;
CREATE TABLE api_keys (id TEXT PRIMARY KEY, tenant TEXT NOT NULL REFERENCES tenants, label TEXT NOT NULL, secret_hash BLOB NOT NULL,
  scopes INTEGER NOT NULL, created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, revoked_ms INTEGER NOT NULL) STRICT;
CREATE INDEX api_keys_of ON api_keys (tenant, id);
CREATE TABLE models (id TEXT PRIMARY KEY, tenant TEXT NOT NULL REFERENCES tenants, name TEXT NOT NULL, type TEXT NOT NULL,
  created_ms INTEGER NOT NULL, UNIQUE (tenant, name)) STRICT;
CREATE INDEX models_of ON models (tenant, id);
CREATE TABLE versions (model TEXT NOT NULL REFERENCES models, number INTEGER NOT NULL, status INTEGER NOT NULL, content_blob TEXT NOT NULL,
  key_envelope TEXT NOT NULL, content_bytes INTEGER NOT NULL, model_key_blob TEXT NOT NULL, program_blob TEXT NOT NULL,
  client_spec_blob TEXT NOT NULL, model_id TEXT NOT NULL, facts TEXT NOT NULL, problem TEXT NOT NULL, created_ms INTEGER NOT NULL, PRIMARY KEY (model, number)) STRICT;
CREATE TABLE aliases (model TEXT NOT NULL, alias TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (model, alias),
  FOREIGN KEY (model, number) REFERENCES versions) STRICT;
CREATE TABLE evaluation_keys (id TEXT PRIMARY KEY, tenant TEXT NOT NULL REFERENCES tenants, model TEXT NOT NULL, version INTEGER NOT NULL,
  evaluation_blob TEXT NOT NULL, public_blob TEXT NOT NULL, bytes INTEGER NOT NULL, created_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL, FOREIGN KEY (model, version) REFERENCES versions) STRICT;
CREATE INDEX evaluation_keys_of ON evaluation_keys (tenant, id);
CREATE TABLE jobs (id TEXT PRIMARY KEY, tenant TEXT NOT NULL REFERENCES tenants, kind TEXT NOT NULL, model TEXT NOT NULL,
  version INTEGER NOT NULL, request TEXT NOT NULL, input_blob TEXT NOT NULL, input_envelope TEXT NOT NULL, idempotency_key TEXT NOT NULL,
  fingerprint TEXT NOT NULL, samples INTEGER NOT NULL, max_attempts INTEGER NOT NULL, status INTEGER NOT NULL, attempts INTEGER NOT NULL,
  worker TEXT NOT NULL, lease_until_ms INTEGER NOT NULL, cancel_requested INTEGER NOT NULL, phase TEXT NOT NULL, done INTEGER NOT NULL,
  total INTEGER NOT NULL, result TEXT NOT NULL, problem TEXT NOT NULL, created_ms INTEGER NOT NULL, not_before_ms INTEGER NOT NULL,
  started_ms INTEGER NOT NULL, finished_ms INTEGER NOT NULL, FOREIGN KEY (model, version) REFERENCES versions) STRICT;
CREATE INDEX jobs_of ON jobs (tenant, id);
CREATE INDEX jobs_open ON jobs (status, id) WHERE status < 2;
CREATE INDEX jobs_of_model ON jobs (model, tenant, created_ms);
CREATE UNIQUE INDEX jobs_idempotency ON jobs (tenant, idempotency_key) WHERE idempotency_key <> '';
CREATE TABLE job_events (sequence INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT NOT NULL REFERENCES jobs, status TEXT NOT NULL,
  phase TEXT NOT NULL, done INTEGER NOT NULL, total INTEGER NOT NULL, at_ms INTEGER NOT NULL) STRICT;
CREATE INDEX job_events_of ON job_events (job, sequence);
CREATE TABLE artifacts (job TEXT NOT NULL REFERENCES jobs, name TEXT NOT NULL, blob TEXT NOT NULL, bytes INTEGER NOT NULL,
  PRIMARY KEY (job, name)) STRICT;
CREATE TABLE proofs (id TEXT PRIMARY KEY, tenant TEXT NOT NULL REFERENCES tenants, job TEXT NOT NULL UNIQUE REFERENCES jobs,
  model TEXT NOT NULL, version INTEGER NOT NULL, blob TEXT NOT NULL, model_key_blob TEXT NOT NULL, bytes INTEGER NOT NULL,
  prove_ms INTEGER NOT NULL, created_ms INTEGER NOT NULL, verified INTEGER NOT NULL, refused INTEGER NOT NULL) STRICT;
CREATE INDEX proofs_of ON proofs (tenant, id);
CREATE INDEX proofs_of_model ON proofs (model);
CREATE TABLE receipts (id TEXT PRIMARY KEY, tenant TEXT NOT NULL REFERENCES tenants, proof TEXT NOT NULL REFERENCES proofs,
  blob TEXT NOT NULL, created_ms INTEGER NOT NULL) STRICT;
CREATE TABLE listings (id TEXT PRIMARY KEY, tenant TEXT NOT NULL REFERENCES tenants, model TEXT NOT NULL UNIQUE REFERENCES models,
  title TEXT NOT NULL, description TEXT NOT NULL, prices TEXT NOT NULL, published INTEGER NOT NULL, created_ms INTEGER NOT NULL) STRICT;
CREATE TABLE reviews (listing TEXT NOT NULL REFERENCES listings, tenant TEXT NOT NULL REFERENCES tenants, rating INTEGER NOT NULL
  CHECK (rating BETWEEN 1 AND 5), text TEXT NOT NULL, created_ms INTEGER NOT NULL, PRIMARY KEY (listing, tenant)) STRICT;
CREATE TABLE audit (sequence INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, tenant TEXT NOT NULL, actor TEXT NOT NULL,
  action TEXT NOT NULL, object TEXT NOT NULL, detail TEXT NOT NULL, chain BLOB NOT NULL) STRICT;
CREATE INDEX audit_of ON audit (tenant, sequence);
CREATE TRIGGER audit_keeps_entries BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_keeps_values BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
)sql",
    // 2
    R"sql(
ALTER TABLE versions ADD COLUMN hybrid_program_blob TEXT NOT NULL DEFAULT '';
ALTER TABLE versions ADD COLUMN hybrid_spec_blob TEXT NOT NULL DEFAULT '';
ALTER TABLE evaluation_keys ADD COLUMN level TEXT NOT NULL DEFAULT 'fhe';
ALTER TABLE proofs ADD COLUMN level TEXT NOT NULL DEFAULT 'zkml';
ALTER TABLE proofs ADD COLUMN public_key_blob TEXT NOT NULL DEFAULT '';
ALTER TABLE proofs ADD COLUMN input_blob TEXT NOT NULL DEFAULT '';
ALTER TABLE proofs ADD COLUMN output_blob TEXT NOT NULL DEFAULT '';
)sql",
    // 3
    R"sql(
ALTER TABLE listings ADD COLUMN max_samples_per_day INTEGER NOT NULL DEFAULT 10000;
DROP TABLE receipts;
CREATE TABLE receipts (id TEXT PRIMARY KEY, tenant TEXT NOT NULL REFERENCES tenants, job TEXT NOT NULL UNIQUE REFERENCES jobs,
  blob TEXT NOT NULL, key_envelope TEXT NOT NULL, created_ms INTEGER NOT NULL) STRICT;
)sql",
    // 4
    R"sql(
ALTER TABLE proofs ADD COLUMN sha256 TEXT NOT NULL DEFAULT '';
ALTER TABLE proofs ADD COLUMN key_envelope TEXT NOT NULL DEFAULT '';
)sql",
};

inline constexpr const char* kPostgresqlMigrations[] = {
    // 1
    R"sql(
-- Bytes decide the order, whatever the database's language: ids sort by time.
CREATE DOMAIN STRING AS TEXT COLLATE "C";
CREATE TABLE tenants (id STRING PRIMARY KEY, name STRING NOT NULL UNIQUE, created_ms BIGINT NOT NULL, max_active_jobs BIGINT NOT NULL,
  max_samples_per_day BIGINT NOT NULL);
CREATE TABLE api_keys (id STRING PRIMARY KEY, tenant STRING NOT NULL REFERENCES tenants, label STRING NOT NULL, secret_hash BYTEA NOT NULL,
  scopes BIGINT NOT NULL, created_ms BIGINT NOT NULL, expires_ms BIGINT NOT NULL, revoked_ms BIGINT NOT NULL);
CREATE INDEX api_keys_of ON api_keys (tenant, id);
CREATE TABLE models (id STRING PRIMARY KEY, tenant STRING NOT NULL REFERENCES tenants, name STRING NOT NULL, type STRING NOT NULL,
  created_ms BIGINT NOT NULL, UNIQUE (tenant, name));
CREATE INDEX models_of ON models (tenant, id);
CREATE TABLE versions (model STRING NOT NULL REFERENCES models, number BIGINT NOT NULL, status BIGINT NOT NULL, content_blob STRING NOT NULL,
  key_envelope STRING NOT NULL, content_bytes BIGINT NOT NULL, model_key_blob STRING NOT NULL, program_blob STRING NOT NULL,
  client_spec_blob STRING NOT NULL, model_id STRING NOT NULL, facts STRING NOT NULL, problem STRING NOT NULL, created_ms BIGINT NOT NULL, hybrid_program_blob STRING NOT NULL,
  hybrid_spec_blob STRING NOT NULL, PRIMARY KEY (model, number));
CREATE TABLE aliases (model STRING NOT NULL, alias STRING NOT NULL, number BIGINT NOT NULL, PRIMARY KEY (model, alias),
  FOREIGN KEY (model, number) REFERENCES versions);
CREATE TABLE evaluation_keys (id STRING PRIMARY KEY, tenant STRING NOT NULL REFERENCES tenants, model STRING NOT NULL, version BIGINT NOT NULL,
  evaluation_blob STRING NOT NULL, public_blob STRING NOT NULL, bytes BIGINT NOT NULL, created_ms BIGINT NOT NULL,
  expires_ms BIGINT NOT NULL, level STRING NOT NULL, FOREIGN KEY (model, version) REFERENCES versions);
CREATE INDEX evaluation_keys_of ON evaluation_keys (tenant, id);
CREATE TABLE jobs (id STRING PRIMARY KEY, tenant STRING NOT NULL REFERENCES tenants, kind STRING NOT NULL, model STRING NOT NULL,
  version BIGINT NOT NULL, request STRING NOT NULL, input_blob STRING NOT NULL, input_envelope STRING NOT NULL, idempotency_key STRING NOT NULL,
  fingerprint STRING NOT NULL, samples BIGINT NOT NULL, max_attempts BIGINT NOT NULL, status BIGINT NOT NULL, attempts BIGINT NOT NULL,
  worker STRING NOT NULL, lease_until_ms BIGINT NOT NULL, cancel_requested BIGINT NOT NULL, phase STRING NOT NULL, done BIGINT NOT NULL,
  total BIGINT NOT NULL, result STRING NOT NULL, problem STRING NOT NULL, created_ms BIGINT NOT NULL, not_before_ms BIGINT NOT NULL,
  started_ms BIGINT NOT NULL, finished_ms BIGINT NOT NULL, FOREIGN KEY (model, version) REFERENCES versions);
CREATE INDEX jobs_of ON jobs (tenant, id);
CREATE INDEX jobs_open ON jobs (status, id) WHERE status < 2;
CREATE INDEX jobs_of_model ON jobs (model, tenant, created_ms);
CREATE UNIQUE INDEX jobs_idempotency ON jobs (tenant, idempotency_key) WHERE idempotency_key <> '';
CREATE TABLE job_events (sequence BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, job STRING NOT NULL REFERENCES jobs, status STRING NOT NULL,
  phase STRING NOT NULL, done BIGINT NOT NULL, total BIGINT NOT NULL, at_ms BIGINT NOT NULL);
CREATE INDEX job_events_of ON job_events (job, sequence);
CREATE TABLE artifacts (job STRING NOT NULL REFERENCES jobs, name STRING NOT NULL, blob STRING NOT NULL, bytes BIGINT NOT NULL,
  PRIMARY KEY (job, name));
CREATE TABLE proofs (id STRING PRIMARY KEY, tenant STRING NOT NULL REFERENCES tenants, job STRING NOT NULL UNIQUE REFERENCES jobs,
  model STRING NOT NULL, version BIGINT NOT NULL, blob STRING NOT NULL, model_key_blob STRING NOT NULL, bytes BIGINT NOT NULL,
  prove_ms BIGINT NOT NULL, created_ms BIGINT NOT NULL, verified BIGINT NOT NULL, refused BIGINT NOT NULL,
  level STRING NOT NULL, public_key_blob STRING NOT NULL, input_blob STRING NOT NULL, output_blob STRING NOT NULL, sha256 STRING NOT NULL,
  key_envelope STRING NOT NULL);
CREATE INDEX proofs_of ON proofs (tenant, id);
CREATE INDEX proofs_of_model ON proofs (model);
CREATE TABLE receipts (id STRING PRIMARY KEY, tenant STRING NOT NULL REFERENCES tenants, job STRING NOT NULL UNIQUE REFERENCES jobs,
  blob STRING NOT NULL, key_envelope STRING NOT NULL, created_ms BIGINT NOT NULL);
CREATE TABLE listings (id STRING PRIMARY KEY, tenant STRING NOT NULL REFERENCES tenants, model STRING NOT NULL UNIQUE REFERENCES models,
  title STRING NOT NULL, description STRING NOT NULL, prices STRING NOT NULL, published BIGINT NOT NULL, created_ms BIGINT NOT NULL,
  max_samples_per_day BIGINT NOT NULL);
CREATE TABLE reviews (listing STRING NOT NULL REFERENCES listings, tenant STRING NOT NULL REFERENCES tenants, rating BIGINT NOT NULL
  CHECK (rating BETWEEN 1 AND 5), text STRING NOT NULL, created_ms BIGINT NOT NULL, PRIMARY KEY (listing, tenant));
CREATE TABLE audit (sequence BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at_ms BIGINT NOT NULL, tenant STRING NOT NULL, actor STRING NOT NULL,
  action STRING NOT NULL, object STRING NOT NULL, detail STRING NOT NULL, chain BYTEA NOT NULL);
CREATE INDEX audit_of ON audit (tenant, sequence);
CREATE FUNCTION audit_refuse() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$;
CREATE TRIGGER audit_keeps_entries BEFORE DELETE OR UPDATE ON audit FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_keeps_all BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
)sql",
};

}  // namespace blindproof::service::store
