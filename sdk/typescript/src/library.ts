// The C interface (blindproof/capi/blindproof.h) as JavaScript calls it. Sizes and addresses have 32 bits, structures are rows of them.
import { createSystem } from "./wasi.js";
import { BlindproofError, type ErrorCode } from "./types.js";

interface Exports {
  memory: WebAssembly.Memory;
  _initialize(): void;
  blindproof_allocate(size: number): number;
  blindproof_release(address: number, size: number): void;
  blindproof_buffer_free(buffer: number): void;
  blindproof_error_code(error: number): number;
  blindproof_error_place(error: number): number;
  blindproof_error_message(error: number): number;
  blindproof_error_free(error: number): void;
  blindproof_version(): number;
  [name: string]: unknown;
}

const WORD = 4;
const BUFFER_WORDS = 2;

/** Arguments of one call: what they are made of lives in the library's memory until the call is over, and is wiped then. */
export class Call {
  private readonly regions: { address: number; size: number }[] = [];
  constructor(private readonly exports: Exports) {}

  allocate(size: number): number {
    const address = this.exports.blindproof_allocate(size) >>> 0;
    if (address === 0) throw new BlindproofError("internal", "memory", `there are no ${size} bytes of memory left`);
    this.regions.push({ address, size });
    return address;
  }

  private put(bytes: Uint8Array): number {
    const address = this.allocate(bytes.length);
    new Uint8Array(this.exports.memory.buffer).set(bytes, address);
    return address;
  }

  words(...values: number[]): number {
    const address = this.allocate(WORD * values.length);
    const view = new DataView(this.exports.memory.buffer);
    values.forEach((value, i) => view.setUint32(address + WORD * i, value, true));
    return address;
  }

  /** Address and size, as they stand in structures. */
  bytes(bytes: Uint8Array | undefined): [number, number] {
    if (bytes === undefined || bytes.length === 0) return [0, 0];
    if (!(bytes instanceof Uint8Array)) throw new BlindproofError("invalid-argument", "bytes", "files are Uint8Arrays");
    return [this.put(bytes), bytes.length];
  }
  /** The address of a `blindproof_bytes`: arguments by value are passed so. */
  bytesArgument(bytes: Uint8Array | undefined): number {
    return this.words(...this.bytes(bytes));
  }
  /** The same, or NULL for what wasn't given. */
  optionalBytes(bytes: Uint8Array | undefined): number {
    return bytes === undefined ? 0 : this.bytesArgument(bytes);
  }
  /** Address and number. */
  floats(values: Float32Array | undefined): [number, number] {
    if (values === undefined) return [0, 0];
    if (!(values instanceof Float32Array)) throw new BlindproofError("invalid-argument", "values", "values are Float32Arrays");
    return [this.put(new Uint8Array(values.buffer, values.byteOffset, values.byteLength)), values.length];
  }
  output(): number {
    return this.words(...new Array<number>(BUFFER_WORDS).fill(0));
  }

  end(): void {
    for (const { address, size } of this.regions) this.exports.blindproof_release(address, size);
  }
}

export class Library {
  private exports!: Exports;
  private lastWords!: () => string;

  constructor(private readonly module: WebAssembly.Module) {
    this.start();
  }

  private start(): void {
    const system = createSystem();
    const instance = new WebAssembly.Instance(this.module, system.imports);
    this.exports = instance.exports as unknown as Exports;
    this.lastWords = system.lastWords;
    system.attach(this.exports.memory);
    this.exports._initialize();
  }

  private text(address: number): string {
    const memory = new Uint8Array(this.exports.memory.buffer);
    return new TextDecoder().decode(memory.subarray(address, memory.indexOf(0, address)));
  }

  version(): string {
    return this.text(this.exports.blindproof_version());
  }

  /** Calls a function of the header; `build` gives its arguments, to which so many results and the error are appended. */
  call(name: string, results: number, build: (call: Call) => number[]): Uint8Array[] {
    const exports = this.exports;
    try {
      const call = new Call(exports);
      try {
        const inputs = build(call);
        const outputs = Array.from({ length: results }, () => call.output());
        const error = call.words(0);
        const status = (exports[name] as (...args: number[]) => number)(...inputs, ...outputs, error);
        if (status !== 0) throw this.takeError(new DataView(exports.memory.buffer).getUint32(error, true));
        return outputs.map((output) => this.takeBuffer(output));
      } finally {
        call.end();
      }
    } catch (failure) {
      if (failure instanceof BlindproofError) throw failure;
      const words = this.lastWords();
      this.start(); // what is left in the broken one is given up
      throw new BlindproofError("internal", "library", words || `out of memory, or a fault of the library (${String(failure)})`);
    }
  }

  private takeBuffer(output: number): Uint8Array {
    const view = new DataView(this.exports.memory.buffer);
    const address = view.getUint32(output, true);
    const bytes = new Uint8Array(this.exports.memory.buffer, address, view.getUint32(output + WORD, true)).slice();
    this.exports.blindproof_buffer_free(output);
    return bytes;
  }

  private takeError(error: number): BlindproofError {
    if (error === 0) return new BlindproofError("internal", "memory", "out of memory");
    const exports = this.exports;
    const made = new BlindproofError(
      this.text(exports.blindproof_error_code(error)) as ErrorCode,
      this.text(exports.blindproof_error_place(error)),
      this.text(exports.blindproof_error_message(error)),
    );
    exports.blindproof_error_free(error);
    return made;
  }
}
