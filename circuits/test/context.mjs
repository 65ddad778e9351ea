// Compiled circuits for tests. BLINDPROOF_CIRCUITS_BUILD names the build folder, which has node_modules in it; what is compiled
// there from the same sources is not compiled again.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { compile, prepareSources } from '../build.mjs';
import { poseidon, r } from '../poseidon_constants.mjs';
import { firstViolated, holds, loadGenerator, readR1cs, readSym } from './r1cs.mjs';
import { inputsOf, prepare, solve } from './solve.mjs';

export const build = process.env.BLINDPROOF_CIRCUITS_BUILD;
if (!build) throw new Error('set BLINDPROOF_CIRCUITS_BUILD to a folder with node_modules in it');
let sources = null;

function digestOfSources() {
  if (sources) return sources;
  prepareSources(build);
  const hash = crypto.createHash('sha256');
  for (const folder of ['.', 'lib', 'main']) {
    for (const name of fs.readdirSync(path.join(build, folder)).filter((file) => file.endsWith('.circom')).sort()) {
      hash.update(name).update(fs.readFileSync(path.join(build, folder, name)));
    }
  }
  hash.update(fs.readFileSync(path.join(import.meta.dirname, '../package.json')));
  return sources = hash.digest('hex');
}

function compileOnce(source) {
  const text = fs.readFileSync(path.join(build, source), 'utf8');
  const stamp = path.join(build, 'out/O1', `${path.basename(source, '.circom')}.stamp`);
  const wanted = digestOfSources() + crypto.createHash('sha256').update(text).digest('hex');
  const stem = path.join(build, 'out/O1', path.basename(source, '.circom'));
  if (!fs.existsSync(stamp) || fs.readFileSync(stamp, 'utf8') !== wanted) {
    compile(build, source, { libraries: ['node_modules'] });
    fs.writeFileSync(stamp, wanted);
  }
  return { r1cs: `${stem}.r1cs`, sym: `${stem}.sym`, wasm: `${stem}_js/${path.basename(stem)}.wasm` };
}

class Circuit {
  constructor(files) {
    this.r1cs = readR1cs(files.r1cs);
    this.names = readSym(files.sym);
    this.prepared = prepare(this.r1cs);
    this.files = files;
  }
  async witness(inputs) {
    this.generator ??= await loadGenerator(this.files.wasm);
    return this.generator.witness(inputs);
  }
  /// The witness of circom's generator, after checking it against all constraints and against our own solver.
  async accepted(inputs) {
    const witness = await this.witness(inputs);
    assert.equal(firstViolated(this.r1cs, witness), -1);
    const own = solve(this.prepared, inputsOf(this.r1cs, witness));
    assert.deepEqual(own.missing.map((wire) => this.names[wire]), [], 'wires that the inputs leave open');
    assert.ok(own.values.every((value, wire) => value === witness[wire]), 'circom and the solver differ');
    this.strict = own.strict;
    return witness;
  }
  async refused(inputs) {
    await assert.rejects(() => this.witness(inputs), /generator stopped/);
  }
  wire(name) {
    const wire = this.names.indexOf(`main.${name}`);
    assert.ok(wire > 0, `no wire for ${name}`);
    return wire;
  }
  wiresMatching(pattern) {
    return this.names.flatMap((name, wire) => (pattern.test(name) ? [wire] : []));
  }
  outputs(witness) {
    return witness.slice(1, 1 + this.r1cs.publicOutputs);
  }
  /// Whether a witness with the honest inputs, other values for some wires, and everything that follows from these, is refused.
  /// forged: Map from wires to values.
  isRefusedWith(witness, forged) {
    const { values } = solve(this.prepared, new Map([...inputsOf(this.r1cs, witness), ...forged]));
    return firstViolated(this.r1cs, values.map((value, wire) => value ?? witness[wire])) >= 0;
  }
  constraintsOf(wire) {
    this.users ??= (() => {
      const users = Array.from({ length: this.r1cs.wires }, () => new Set());
      for (const constraint of this.r1cs.constraints) {
        for (const side of [constraint.a, constraint.b, constraint.c]) for (const used of side.wires) users[used].add(constraint);
      }
      return users;
    })();
    return this.users[wire];
  }
  /// Whether changing this wire alone violates a constraint.
  isBound(witness, wire, value) {
    const changed = witness[wire];
    witness[wire] = value;
    const bound = [...this.constraintsOf(wire)].some((constraint) => !holds(constraint, witness));
    witness[wire] = changed;
    return bound;
  }
}

/// A circuit of `circuits/`, by its path there.
export function circuit(source) {
  digestOfSources();
  return new Circuit(compileOnce(source));
}

/// A circuit whose main component is `template`, from `includes`.
export function templateCircuit(template, includes) {
  digestOfSources();
  const digest = crypto.createHash('sha256').update(template + includes).digest('hex');
  const name = template.replace(/[^A-Za-z0-9]+/g, '_').slice(0, 60) + digest.slice(0, 8);
  fs.mkdirSync(path.join(build, 'templates'), { recursive: true });
  fs.writeFileSync(path.join(build, 'templates', `${name}.circom`),
    `pragma circom 2.2.0;\n${[includes].flat().map((file) => `include "${file}";\n`).join('')}component main = ${template};\n`);
  return new Circuit(compileOnce(`templates/${name}.circom`));
}

/// Changes every wire but the first, alone, to several other values, and expects a violated constraint each time.
export function expectEveryWireBound(circuit, witness, wires = witness.keys()) {
  for (const wire of wires) {
    if (wire === 0) continue;
    const value = witness[wire];
    for (const other of new Set([(value + 1n) % r, (r - value) % r, 0n, 1n, r - 1n, randomElement()])) {
      if (other !== value) assert.ok(circuit.isBound(witness, wire, other), `${circuit.names[wire]} may be ${other} in place of ${value}`);
    }
  }
}

export function randomElement() {
  for (;;) {
    const bytes = crypto.randomBytes(32);
    bytes[0] &= 0x3f;
    const value = BigInt(`0x${bytes.toString('hex')}`);
    if (value < r) return value;
  }
}

export function randomBits(bits) {
  return BigInt(`0x${crypto.randomBytes(32).toString('hex')}`) & ((1n << BigInt(bits)) - 1n);
}

export function bitsOf(value, count) {
  return Array.from({ length: count }, (_, i) => (value >> BigInt(i)) & 1n);
}

export function domain(text) {
  assert.equal(text.length, 16);
  return BigInt(`0x${Buffer.from(text, 'latin1').toString('hex')}`);
}

/// HashList of lib/hash.circom.
export function hashList(tag, list) {
  let h = (domain(tag) << 64n) + BigInt(list.length);
  for (let i = 0; i < list.length; i += 15) h = poseidon([h, ...Array.from({ length: 15 }, (_, j) => list[i + j] ?? 0n)]);
  return h;
}

/// The two public numbers for a message.
export function statementOf(message) {
  const digest = crypto.createHash('sha256').update(message).digest('hex');
  return [BigInt(`0x${digest.slice(0, 32)}`), BigInt(`0x${digest.slice(32)}`)];
}

export function bigEndian(value, bytes) {
  const text = value.toString(16).padStart(2 * bytes, '0');
  assert.equal(text.length, 2 * bytes);
  return Buffer.from(text, 'hex');
}
