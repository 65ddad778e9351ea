// What the service answers with. Its OpenAPI document describes requests (api.ts); these are the records.

export interface ModelRecord {
  id: string;
  name: string;
  model_type: string;
  created_ms: number;
  /** Of one model, not in lists. */
  versions?: VersionRecord[];
  aliases?: Record<string, number>;
}
export interface VersionRecord {
  version: number;
  status: string;
  problem?: string;
  [field: string]: unknown;
}
export interface ClientSpecRecord {
  links: Record<string, string>;
  [field: string]: unknown;
}
export interface JobRecord {
  job_id: string;
  kind: string;
  status: "queued" | "running" | "succeeded" | "failed" | "cancelled";
  model: string;
  version: number;
  attempts: number;
  cancel_requested: boolean;
  created_ms: number;
  started_ms?: number;
  finished_ms?: number;
  progress: { phase: string; done: number; total: number };
  /** Why it failed. */
  problem?: string;
  result?: { proof_id?: string; [field: string]: unknown };
  artifacts?: { name: string; bytes: number; sha256: string; link: string }[];
  links: { self: string; events: string; proof?: string; receipt?: string };
}
export interface ProofRecord {
  id: string;
  [field: string]: unknown;
}
export interface VerificationRecord {
  is_valid: boolean;
  verification_time_ms: number;
  [field: string]: unknown;
}
export interface ListingRecord {
  id: string;
  model: string;
  seller: string;
  title: string;
  description: string;
  currency: string;
  prices: Record<string, string>;
  published: boolean;
  max_samples_per_day: number;
  created_ms: number;
  measured: Record<string, unknown>;
  links: { model: string; client_spec: string; reviews: string };
}
