import { Call, Library } from "./library.js";
import {
  BlindproofError,
  type AnswerVerdict,
  type Blindproof,
  type DecryptAnswerRequest,
  type DecryptUnverifiedRequest,
  type ExactAnswer,
  type InferenceVerdict,
  type Inspection,
  type Refusal,
  type TensorReport,
  type VerifyAnswerRequest,
} from "./types.js";

/** Where the library's WebAssembly comes from: an address, or its bytes. */
export type WasmSource = string | URL | Uint8Array | ArrayBuffer;

interface TensorFacts {
  shape: number[];
  hidden: boolean;
  commitment?: string;
  integers?: string[];
  opened: boolean;
  compared: boolean;
}
interface VerdictFacts {
  accepted: boolean;
  refusal?: Refusal;
  model: string;
  context: string;
  proof_bytes: number;
  registration_seconds: number;
  proof_seconds: number;
}

function parse<T>(bytes: Uint8Array | undefined): T {
  return JSON.parse(new TextDecoder().decode(bytes)) as T;
}

function fromHex(text: string): Uint8Array {
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16));
}

function camelCase(facts: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()), value]),
  );
}

function verdictOf(facts: VerdictFacts) {
  return {
    accepted: facts.accepted,
    ...(facts.refusal && { refusal: facts.refusal }),
    model: facts.model,
    context: fromHex(facts.context),
    proofBytes: facts.proof_bytes,
    registrationSeconds: facts.registration_seconds,
    proofSeconds: facts.proof_seconds,
  };
}

function tensorOf({ integers, ...facts }: TensorFacts): TensorReport {
  return { ...facts, ...(integers && { integers: integers.map(BigInt) }) };
}

function answerOf([values, json]: Uint8Array[]): ExactAnswer {
  const facts = parse<{ shape: number[]; samples: number; classes: number[]; integers: string[] }>(json);
  const copy = (values as Uint8Array).slice();
  const answer = { ...facts, values: new Float64Array(copy.buffer, 0, copy.length / 8), integers: facts.integers.map(BigInt) };
  values?.fill(0);
  return answer;
}

function evidence(call: Call, request: VerifyAnswerRequest): number {
  return call.words(
    ...call.bytes(request.proof),
    ...call.bytes(request.modelKey),
    ...call.bytes(request.publicKey),
    ...call.bytes(request.input),
    ...call.bytes(request.output),
    call.optionalBytes(request.context),
  );
}

function isUnverified(request: DecryptAnswerRequest | DecryptUnverifiedRequest): request is DecryptUnverifiedRequest {
  return "unverified" in request && request.unverified === true;
}

function bind(library: Library): Blindproof {
  return {
    version: () => library.version(),
    inspect(bytes) {
      const [json] = library.call("blindproof_inspect", 1, (call) => [call.bytesArgument(bytes)]);
      return camelCase(parse(json)) as Inspection;
    },
    fhe: {
      generateKeys(spec) {
        const [secret, publicKey, evaluation] = library.call("blindproof_fhe_generate_keys", 3, (call) => [
          call.bytesArgument(spec),
          call.bytesArgument(undefined),
        ]);
        return { secret: secret!, public: publicKey!, evaluation: evaluation! };
      },
      encrypt(spec, secret, values, options = {}) {
        const [ciphertext] = library.call("blindproof_fhe_encrypt", 1, (call) => [
          call.words(...call.bytes(spec), ...call.bytes(secret), 0, 0, ...call.floats(values), options.samples ?? 1),
        ]);
        return ciphertext!;
      },
      decrypt(spec, secret, ciphertext) {
        return answerOf(
          library.call("blindproof_fhe_decrypt", 2, (call) => [
            call.bytesArgument(spec),
            call.bytesArgument(secret),
            call.bytesArgument(undefined),
            call.bytesArgument(ciphertext),
          ]),
        );
      },
    },
    hybrid: {
      generateKeys(spec) {
        const [secret, publicKey] = library.call("blindproof_hybrid_generate_keys", 2, (call) => [
          call.bytesArgument(spec),
          call.bytesArgument(undefined),
        ]);
        return { secret: secret!, public: publicKey! };
      },
      encrypt(spec, secret, rows, records) {
        const [ciphertext] = library.call("blindproof_hybrid_encrypt", 1, (call) => [
          call.words(...call.bytes(spec), ...call.bytes(secret), 0, 0, ...call.floats(rows), records),
        ]);
        return ciphertext!;
      },
      verify(request): AnswerVerdict {
        const [json] = library.call("blindproof_hybrid_verify", 1, (call) => [evidence(call, request)]);
        const facts = parse<
          VerdictFacts & {
            records: number;
            features: number;
            outputs: number;
            plaintext_modulus: string;
            evaluations: string;
            flood_bits: number;
          }
        >(json);
        return {
          ...verdictOf(facts),
          records: facts.records,
          features: facts.features,
          outputs: facts.outputs,
          plaintextModulus: BigInt(facts.plaintext_modulus),
          evaluations: BigInt(facts.evaluations),
          floodBits: facts.flood_bits,
        };
      },
      decrypt(request) {
        const unverified = isUnverified(request);
        return answerOf(
          library.call("blindproof_hybrid_decrypt", 2, (call) => [
            call.words(
              ...call.bytes(request.spec),
              ...call.bytes(request.secret),
              0,
              0,
              ...call.bytes(request.output),
              unverified ? 0 : evidence(call, request),
              unverified ? 1 : 0,
            ),
          ]),
        );
      },
    },
    zkml: {
      verify(request): InferenceVerdict {
        const [json] = library.call("blindproof_verify", 1, (call) => {
          const decimal = request.output && new TextEncoder().encode(Array.from(request.output, String).join(","));
          return [
            call.words(
              ...call.bytes(request.proof),
              ...call.bytes(request.modelKey),
              ...call.floats(request.input),
              call.optionalBytes(decimal),
              call.optionalBytes(request.opening),
              call.optionalBytes(request.context),
            ),
          ];
        });
        const facts = parse<
          VerdictFacts & {
            arithmetic: "rescaled" | "exact";
            parameters: number;
            input: TensorFacts;
            output: TensorFacts;
            values?: number[];
            class?: number;
          }
        >(json);
        return {
          ...verdictOf(facts),
          arithmetic: facts.arithmetic,
          parameters: facts.parameters,
          input: tensorOf(facts.input),
          output: tensorOf(facts.output),
          ...(facts.values && { values: facts.values }),
          ...(facts.class !== undefined && { class: facts.class }),
        };
      },
    },
  };
}

const inNode = typeof process !== "undefined" && process.versions?.node !== undefined;

async function compile(source: WasmSource): Promise<WebAssembly.Module> {
  if (source instanceof Uint8Array || source instanceof ArrayBuffer) return WebAssembly.compile(source as BufferSource);
  const url = new URL(source, inNode ? import.meta.url : globalThis.location?.href ?? import.meta.url);
  if (inNode && url.protocol === "file:") {
    const { readFile } = await import("node:fs/promises");
    return WebAssembly.compile(await readFile(url));
  }
  const response = await fetch(url);
  if (!response.ok) throw new BlindproofError("io", url.href, `can't be fetched: ${response.status} ${response.statusText}`);
  const type = response.headers.get("content-type") ?? "";
  if (type.startsWith("application/wasm")) return WebAssembly.compileStreaming(response);
  return WebAssembly.compile(await response.arrayBuffer());
}

/** Compiles the library. Without a source: `blindproof.wasm` beside this module, read from disk in Node, fetched in a browser. */
export async function load(source: WasmSource = new URL("./blindproof.wasm", import.meta.url)): Promise<Blindproof> {
  return bind(new Library(await compile(source)));
}
