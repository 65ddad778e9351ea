// What the package gives and takes. All calls are synchronous and keep no state, so that they can run in a worker: none of them is short.

/** `"internal"`: the library met a state that it didn't expect, or had no memory left; the call had no effect. */
export type ErrorCode =
  "io" | "malformed" | "unsupported" | "limit" | "invalid-argument" | "mismatch" | "rejected" | "internal";

/** What was wrong: a stable code, a place (which file, field or check) and a sentence (`message`). */
export class BlindproofError extends Error {
  override readonly name = "BlindproofError";
  constructor(
    readonly code: ErrorCode,
    readonly place: string,
    message: string,
  ) {
    super(message);
  }
}

/** Why a verifier said no; `place` names the check. */
export interface Refusal {
  code: ErrorCode;
  place: string;
  message: string;
}

/** One tensor of a statement. */
export interface TensorReport {
  shape: number[];
  hidden: boolean;
  /** SHA-256 of the commitment, where the tensor is hidden. */
  commitment?: string;
  /** Of a public tensor: the model's integers, exact. */
  integers?: bigint[];
  /** Whether an opening shows the values of this commitment. */
  opened: boolean;
  /** Whether it was compared with values that the verifier gave. */
  compared: boolean;
}

export interface InferenceVerdict {
  accepted: boolean;
  /** Present if not accepted: nothing else here is proven then. */
  refusal?: Refusal;
  /** Hex of the model key's hash. */
  model: string;
  arithmetic: "rescaled" | "exact";
  parameters: number;
  input: TensorReport;
  output: TensorReport;
  /** Of a public output: dequantised and finished. */
  values?: number[];
  class?: number;
  context: Uint8Array;
  proofBytes: number;
  registrationSeconds: number;
  proofSeconds: number;
}

export interface AnswerVerdict {
  accepted: boolean;
  refusal?: Refusal;
  model: string;
  records: number;
  features: number;
  outputs: number;
  plaintextModulus: bigint;
  evaluations: bigint;
  floodBits: number;
  context: Uint8Array;
  proofBytes: number;
  registrationSeconds: number;
  proofSeconds: number;
}

/** `secret` is to stay with its owner; wipe it with `fill(0)` when it is no longer needed. */
export interface FheKeys {
  secret: Uint8Array;
  public: Uint8Array;
  evaluation: Uint8Array;
}
export interface HybridKeys {
  secret: Uint8Array;
  public: Uint8Array;
}

export interface Answer {
  /** Dequantised and finished, sample after sample. */
  values: Float64Array;
  /** Of batches and of hybrid answers with the samples in front. */
  shape: number[];
  samples: number;
  /** By sample; empty if an output isn't one row of scores. */
  classes: number[];
}
/** `integers`: before they are dequantised, exact; of BFV, BGV and hybrid. Empty for CKKS. */
export interface ExactAnswer extends Answer {
  integers: bigint[];
}

export interface FheEncryptOptions {
  /** How many samples `values` holds, for programs of batches. Default: 1. */
  samples?: number;
}

export interface VerifyInferenceRequest {
  /** A `.bpp` file. */
  proof: Uint8Array;
  /** A `.bpk` file. Its registration is verified with every call. */
  modelKey: Uint8Array;
  /** Reals that the input must be: they are quantised as the model says, then compared. */
  input?: Float32Array;
  /** Integers that the output must be. */
  output?: readonly bigint[];
  /** A `.open` file: needed to compare values that the proof hides. */
  opening?: Uint8Array;
  /** What the proof must have been made for. Without one, proofs that have a context are refused. */
  context?: Uint8Array;
}

export interface VerifyAnswerRequest {
  proof: Uint8Array;
  modelKey: Uint8Array;
  publicKey: Uint8Array;
  /** Ciphertexts as they were sent. */
  input: Uint8Array;
  /** Ciphertexts as they came back. */
  output: Uint8Array;
  context?: Uint8Array;
}

export interface DecryptAnswerRequest extends VerifyAnswerRequest {
  spec: Uint8Array;
  secret: Uint8Array;
}
/** Without a proof, at the caller's risk: what is done with a forged answer may tell the server about the key. */
export interface DecryptUnverifiedRequest {
  spec: Uint8Array;
  secret: Uint8Array;
  output: Uint8Array;
  unverified: true;
}

/** Public facts of a file. `kind` says which others there are; see the README. */
export interface Inspection {
  kind:
    | "client_spec" | "model_key" | "proof" | "answer_proof" | "public_key" | "evaluation_keys" | "secret_key" | "ciphertexts";
  level?: "fhe" | "hybrid" | "zkml";
  bytes: number;
  [fact: string]: unknown;
}

export interface Fhe {
  /** Keys for a model's client spec (`.bpc`). Seconds, and tens of megabytes for larger models. */
  generateKeys(spec: Uint8Array): FheKeys;
  encrypt(spec: Uint8Array, secret: Uint8Array, values: Float32Array, options?: FheEncryptOptions): Uint8Array;
  decrypt(spec: Uint8Array, secret: Uint8Array, ciphertext: Uint8Array): ExactAnswer;
}

export interface Hybrid {
  generateKeys(spec: Uint8Array): HybridKeys;
  /** `rows`: `records` samples, one after the other. */
  encrypt(spec: Uint8Array, secret: Uint8Array, rows: Float32Array, records: number): Uint8Array;
  verify(request: VerifyAnswerRequest): AnswerVerdict;
  /** Verifies, then decrypts. Throws `rejected` for an answer that isn't proven. */
  decrypt(request: DecryptAnswerRequest | DecryptUnverifiedRequest): ExactAnswer;
}

export interface Zkml {
  /** Any bytes give a verdict or a `BlindproofError` for files that aren't what they should be. */
  verify(request: VerifyInferenceRequest): InferenceVerdict;
}

export interface Blindproof {
  version(): string;
  inspect(bytes: Uint8Array): Inspection;
  readonly fhe: Fhe;
  readonly hybrid: Hybrid;
  readonly zkml: Zkml;
}
