// The native program, which the package is compared with: BLINDPROOF names it.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const program = process.env.BLINDPROOF;
export const models = new URL("../../../models/", import.meta.url).pathname;

export function scratch() {
  const folder = mkdtempSync(join(tmpdir(), "blindproof-ts-"));
  return { at: (name) => join(folder, name), read: (name) => new Uint8Array(readFileSync(join(folder, name))),
           write: (name, bytes) => writeFileSync(join(folder, name), bytes), remove: () => rmSync(folder, { recursive: true }) };
}

/** Its JSON; throws if it fails. */
export function run(...args) {
  const out = execFileSync(program, [...args.map(String), "--json"], { encoding: "utf8", maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "pipe"] });
  return JSON.parse(out);
}
export function fails(...args) {
  return spawnSync(program, args.map(String)).status !== 0;
}

/** A .npy file of 32-bit floats. */
export function npy(values, shape) {
  const dictionary = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(", ")},), }`;
  const header = dictionary.padEnd(Math.ceil((10 + dictionary.length + 1) / 64) * 64 - 11) + "\n";
  const bytes = new Uint8Array(10 + header.length + 4 * values.length);
  bytes.set([0x93, ...Buffer.from("NUMPY"), 1, 0, header.length & 255, header.length >> 8]);
  bytes.set(Buffer.from(header), 10);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => view.setFloat32(10 + header.length + 4 * i, value, true));
  return bytes;
}

/** Pseudo-random values in [low, high), the same each time. */
export function values(count, low, high, seed = 1) {
  let state = seed >>> 0;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return low + ((high - low) * state) / 2 ** 32;
  });
}
