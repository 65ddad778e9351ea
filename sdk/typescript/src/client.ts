// The service's client. What is secret stays with the caller: keys are never sent, and at the levels fhe and hybrid the service gets ciphertexts alone.
import type { components, paths } from "./api.js";
import type { ClientSpecRecord, JobRecord, ListingRecord, ModelRecord, ProofRecord, VerificationRecord } from "./records.js";
import { BlindproofError, type ErrorCode } from "./types.js";

/** The JSON body of a request. */
type BodyOf<Operation> = Operation extends { requestBody: { content: { "application/json": infer Body } } } ? Body : never;
export type NewModel = BodyOf<paths["/ml/models"]["post"]>;
export type InferenceRequest = BodyOf<paths["/ml/models/{model}/inference"]["post"]>;
export type VerificationRequest = BodyOf<paths["/ml/proofs/{proof}/verify"]["post"]>;
export type NewListing = BodyOf<paths["/marketplace/listings"]["post"]>;
type Problem = components["schemas"]["Problem"];

/** Why the service refused: `problem` is the stable end of its type, as "quota"; `status` is HTTP's. */
export class ServiceError extends BlindproofError {
  constructor(
    readonly status: number,
    readonly problem: string,
    place: string,
    message: string,
  ) {
    super(codeOf(status), place, message);
  }
}

function codeOf(status: number): ErrorCode {
  if (status === 413 || status === 429) return "limit";
  if (status === 409) return "mismatch";
  return status >= 500 ? "io" : "invalid-argument";
}

export interface ClientOptions {
  /** In place of the global one. */
  fetch?: typeof fetch;
}
export interface RequestOptions {
  query?: Record<string, string | number | boolean | undefined>;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}
export interface WaitOptions {
  /** With each state that the service reports. */
  progress?: (job: JobRecord) => void;
  signal?: AbortSignal;
}
export interface Tensor {
  shape: number[];
  data: ArrayLike<number>;
}

const FINISHED = ["succeeded", "failed", "cancelled"];

export class Client {
  private readonly base: string;
  private readonly fetch: typeof fetch;

  /** `url`: of the service, as `https://HOST`, or "" in a page that it served. */
  constructor(
    url: string,
    private readonly apiKey: string,
    options: ClientOptions = {},
  ) {
    this.base = url.replace(/\/+$/, "");
    this.fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
  }

  /** Any request: an object is sent as JSON, bytes as they are. */
  async send(method: string, path: string, body?: object, options: RequestOptions = {}): Promise<Response> {
    const query = Object.entries(options.query ?? {}).filter((entry): entry is [string, string | number | boolean] => entry[1] !== undefined);
    const search = new URLSearchParams(query.map(([name, value]) => [name, String(value)])).toString();
    const headers: Record<string, string> = { Authorization: `Bearer ${this.apiKey}`, Accept: "application/json, */*", ...options.headers };
    const bytes = body instanceof Uint8Array;
    if (body !== undefined) headers["Content-Type"] ??= bytes ? "application/octet-stream" : "application/json";
    const sent = body === undefined ? null : bytes ? (body as BodyInit) : JSON.stringify(body);
    let response: Response;
    try {
      response = await this.fetch(this.base + path + (search && (path.includes("?") ? "&" : "?") + search), {
        method,
        headers,
        body: sent,
        signal: options.signal ?? null,
      });
    } catch (failure) {
      if (options.signal?.aborted) throw failure;
      throw new BlindproofError("io", this.base || "service", failure instanceof Error ? failure.message : String(failure));
    }
    if (response.ok) return response;
    const problem = (await response.json().catch(() => ({}))) as Partial<Problem>;
    throw new ServiceError(
      response.status,
      (problem.type ?? `http:${response.status}`).split(":").pop()!,
      `${method} ${path.split("?")[0]}`,
      problem.detail ?? problem.title ?? `the service answered ${response.status}`,
    );
  }
  async json<T>(method: string, path: string, body?: object, options?: RequestOptions): Promise<T> {
    return (await (await this.send(method, path, body, options)).json()) as T;
  }
  async download(path: string, options?: RequestOptions): Promise<Uint8Array> {
    return new Uint8Array(await (await this.send("GET", path, undefined, options)).arrayBuffer());
  }

  // Models

  models(): Promise<ModelRecord[]> {
    return this.all("/ml/models");
  }
  model(id: string): Promise<ModelRecord> {
    return this.json("GET", `/ml/models/${id}`);
  }
  createModel(name: string, fields: Omit<NewModel, "name"> = {}): Promise<ModelRecord> {
    return this.json("POST", "/ml/models", { name, ...fields } satisfies NewModel);
  }
  /** A new version from a `.bpm` file; waits until it is committed to and can be used. */
  async upload(model: string, file: Uint8Array, levels: readonly ("zkml" | "fhe" | "hybrid")[] = ["zkml"], options: WaitOptions = {}): Promise<ModelRecord> {
    const made = await this.json<{ job_id: string }>("POST", `/ml/models/${model}/versions`, file, { query: { levels: levels.join(",") } });
    await this.wait(made.job_id, options);
    return this.model(model);
  }
  /** Where a model's files are: what keys, encryption and verification need. */
  clientSpec(model: string): Promise<ClientSpecRecord> {
    return this.json("GET", `/ml/models/${model}/client-spec`);
  }
  /** The `.bpc` file of a level. */
  async spec(model: string, level: "fhe" | "hybrid"): Promise<Uint8Array> {
    const { links } = await this.clientSpec(model);
    const link = links[level === "fhe" ? "client_spec" : "hybrid_spec"];
    if (!link) throw new BlindproofError("unsupported", model, `the model isn't served at the level ${level}`);
    return this.download(link);
  }
  /** The `.bpk` file. */
  async modelKey(model: string, version?: number): Promise<Uint8Array> {
    if (version === undefined) {
      const { versions = [] } = await this.model(model);
      if (versions.length === 0) throw new BlindproofError("unsupported", model, "the model has no version yet");
      version = Math.max(...versions.map((one) => one.version));
    }
    return this.download(`/ml/models/${model}/versions/${version}/model.bpk`);
  }

  // Keys

  /** Sends the public key, and the evaluation keys where the level has them; returns their id. */
  async uploadKeys(model: string, keys: { public: Uint8Array; evaluation?: Uint8Array }, level: "fhe" | "hybrid" = "fhe"): Promise<string> {
    const made = await this.json<{ id: string; links: Record<string, string> }>("POST", "/ml/keys", { model, level });
    for (const link of Object.values(made.links)) {
      const file = link.endsWith("eval.bpek") ? keys.evaluation : keys.public;
      if (!file) throw new BlindproofError("invalid-argument", "keys", `the service asks for ${link.split("/").pop()}, which wasn't given`);
      await this.send("PUT", link, file);
    }
    return made.id;
  }

  // Inference: each gives the id of a job.

  /** With a proof: the service's worker sees the input. */
  async infer(model: string, input: Tensor, fields: Omit<InferenceRequest, "privacy_level" | "input"> = {}, options?: RequestOptions): Promise<string> {
    const body: InferenceRequest = { privacy_level: "zkml", input: { shape: input.shape, data: Array.from(input.data) }, ...fields };
    return (await this.json<{ job_id: string }>("POST", `/ml/models/${model}/inference`, body, options)).job_id;
  }
  /** Nobody but the caller sees the input. `keys`: from uploadKeys(). Hybrid needs `samples`, the number of records; `context` is the proof's. */
  async inferEncrypted(
    model: string,
    ciphertext: Uint8Array,
    request: { level: "fhe" | "hybrid"; keys: string; samples?: number; context?: string },
  ): Promise<string> {
    const { level, ...query } = request;
    const made = await this.json<{ job_id: string }>("POST", `/ml/models/${model}/inference`, ciphertext, {
      query: { privacy_level: level, ...query },
    });
    return made.job_id;
  }

  // Jobs

  job(id: string): Promise<JobRecord> {
    return this.json("GET", `/ml/jobs/${id}`);
  }
  async cancel(id: string): Promise<void> {
    await this.send("DELETE", `/ml/jobs/${id}`);
  }
  /** Until it is finished, by the job's events. Throws if it failed or was cancelled. */
  async wait(id: string, options: WaitOptions = {}): Promise<JobRecord> {
    let last = "";
    for (;;) {
      const response = await this.send("GET", `/ml/jobs/${id}/events`, undefined, {
        headers: { Accept: "text/event-stream", ...(last && { "Last-Event-ID": last }) },
        ...(options.signal && { signal: options.signal }),
      });
      for await (const event of events(response)) {
        last = event.id ?? last;
        const job = await this.job(id);
        options.progress?.(job);
        if (FINISHED.includes(job.status)) break;
      }
      const job = await this.job(id);
      if (job.status === "succeeded") return job;
      if (FINISHED.includes(job.status)) {
        throw new BlindproofError(job.status === "failed" ? "rejected" : "invalid-argument", `job ${id}`, job.problem ?? `was ${job.status}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100)); // the stream ended early: again
    }
  }
  /** The encrypted answer of a job. */
  async answer(job: JobRecord): Promise<Uint8Array> {
    const artifact = job.artifacts?.[0];
    if (!artifact) throw new BlindproofError("unsupported", "job", "has no encrypted answer");
    return this.download(artifact.link);
  }
  /** The signed file, of a job with a listing's model. */
  receipt(job: string): Promise<Uint8Array> {
    return this.download(`/ml/jobs/${job}/receipt`);
  }

  // Proofs

  proof(id: string): Promise<ProofRecord> {
    return this.json("GET", `/ml/proofs/${id}`);
  }
  /** The `.bpp` file of a job or, by its id, of a proof. */
  proofFile(of: JobRecord | string): Promise<Uint8Array> {
    const link = typeof of === "string" ? `/ml/proofs/${of}` : of.links.proof;
    if (!link) throw new BlindproofError("unsupported", "job", "has no proof");
    return this.download(`${link}/proof.bpp`);
  }
  /** By the service; `zkml.verify` and `hybrid.verify` don't need to believe it. */
  verify(proof: string, publicInputs?: VerificationRequest["public_inputs"]): Promise<VerificationRecord> {
    return this.json("POST", `/ml/proofs/${proof}/verify`, publicInputs === undefined ? {} : { public_inputs: publicInputs });
  }

  // Marketplace

  listings(text?: string): Promise<ListingRecord[]> {
    return this.all("/marketplace/listings", text === undefined ? {} : { q: text });
  }
  createListing(listing: NewListing): Promise<ListingRecord> {
    return this.json("POST", "/marketplace/listings", listing);
  }

  private async all<T>(path: string, query: Record<string, string> = {}): Promise<T[]> {
    const found: T[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await this.json<{ items: T[]; next_cursor?: string | null }>("GET", path, undefined, { query: { ...query, cursor } });
      found.push(...page.items);
      if (!page.next_cursor) return found;
      cursor = page.next_cursor;
    }
  }
}

interface ServerEvent {
  id?: string;
  data: string;
}

/** Server-sent events: blank lines end them. */
async function* events(response: Response): AsyncGenerator<ServerEvent> {
  if (!response.body) return;
  const reader = response.body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let text = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      text = (text + value).replace(/\r\n/g, "\n");
      for (let end; (end = text.indexOf("\n\n")) >= 0; text = text.slice(end + 2)) {
        const fields = text.slice(0, end).split("\n").map((line) => /^(\w+): ?(.*)$/.exec(line));
        const value_of = (name: string) => fields.filter((field) => field?.[1] === name).map((field) => field![2]!);
        const id = value_of("id").pop();
        yield { ...(id !== undefined && { id }), data: value_of("data").join("\n") };
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
