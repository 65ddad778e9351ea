// Keys and proofs of small circuits, made by snarkjs.
import { spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import * as snarkjs from 'snarkjs';

const folder = path.dirname(fileURLToPath(import.meta.url));
const kLogConstraints = 4;

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'blindproof-contracts-'));
process.on('exit', () => fs.rmSync(scratch, { recursive: true, force: true }));

/// A file name in a folder that goes when the process ends.
export const temporary = (name) => path.join(scratch, name);

function compileCircuit(source) {
  const compiler = path.join(path.dirname(createRequire(import.meta.url).resolve('circom2/package.json')), 'cli.js');
  const name = path.basename(source, '.circom');
  fs.copyFileSync(source, path.join(scratch, `${name}.circom`));  // circom2 sees nothing outside of its folder
  const run = spawnSync(process.execPath, [compiler, `${name}.circom`, '--r1cs', '--wasm', '--O1'], { cwd: scratch, encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`circom2 refused ${source}:\n${run.stdout}${run.stderr}`);
  return { r1cs: path.join(scratch, `${name}.r1cs`), wasm: path.join(scratch, `${name}_js`, `${name}.wasm`) };
}

let preparedPtau;
async function ptau() {
  if (preparedPtau) return preparedPtau;
  const curve = await snarkjs.curves.getCurveFromName('bn128');
  const [first, second, prepared] = ['0.ptau', '1.ptau', '2.ptau'].map((name) => path.join(scratch, name));
  await snarkjs.powersOfTau.newAccumulator(curve, kLogConstraints, first);
  await snarkjs.powersOfTau.contribute(first, second, 'tests', crypto.randomBytes(32).toString('hex'));
  await snarkjs.powersOfTau.preparePhase2(second, prepared);
  preparedPtau = prepared;
  return prepared;
}

/// {r1cs, wasm, zkey, vk: path, key: object} of test/circuits/`name`.circom under a fresh key.
export async function makeKey(name) {
  const circuit = compileCircuit(path.join(folder, 'circuits', `${name}.circom`));
  const stem = path.join(scratch, `${name}-${crypto.randomBytes(4).toString('hex')}`);
  await snarkjs.zKey.newZKey(circuit.r1cs, await ptau(), `${stem}.0.zkey`);
  await snarkjs.zKey.contribute(`${stem}.0.zkey`, `${stem}.zkey`, 'tests', crypto.randomBytes(32).toString('hex'));
  const key = await snarkjs.zKey.exportVerificationKey(`${stem}.zkey`);
  fs.writeFileSync(`${stem}.json`, JSON.stringify(key));
  return { ...circuit, zkey: `${stem}.zkey`, vk: `${stem}.json`, key };
}

/// snarkjs's proof object as the contracts take it: B's imaginary parts first.
export function proofWords({ pi_a: a, pi_b: b, pi_c: c }) {
  return [a[0], a[1], b[0][1], b[0][0], b[1][1], b[1][0], c[0], c[1]].map(BigInt);
}

export const halves = (statement) => [BigInt(statement) >> 128n, BigInt(statement) & ((1n << 128n) - 1n)];

/// A proof for any statement (hexadecimal, 32 bytes), by a stand-in circuit.
export async function prove(key, statement) {
  const [statementHi, statementLo] = halves(statement);
  const { proof } = await snarkjs.groth16.fullProve({ statementHi, statementLo, secret: 7n }, key.wasm, key.zkey);
  return proofWords(proof);
}

/// snarkjs keeps threads that would keep the process alive.
export async function stopThreads() {
  await globalThis.curve_bn128?.terminate();
}
