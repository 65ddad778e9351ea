// Readers of .r1cs, .sym and .wtns files and of circom's WebAssembly witness generators, for tests.
import fs from 'node:fs';
import { r } from '../poseidon_constants.mjs';

function sections(buffer, magic) {
  if (buffer.toString('latin1', 0, 4) !== magic) throw new Error(`not a file of type ${magic}`);
  const result = new Map();
  let at = 12;
  for (let i = buffer.readUInt32LE(8); i > 0; --i) {
    const length = Number(buffer.readBigUInt64LE(at + 4));
    result.set(buffer.readUInt32LE(at), buffer.subarray(at + 12, at + 12 + length));
    at += 12 + length;
  }
  return result;
}

function fieldAt(buffer, at) {
  return buffer.readBigUInt64LE(at) | (buffer.readBigUInt64LE(at + 8) << 64n) | (buffer.readBigUInt64LE(at + 16) << 128n) |
    (buffer.readBigUInt64LE(at + 24) << 192n);
}

/// { wires, publicOutputs, publicInputs, privateInputs, constraints: [{ a, b, c }] }, where a, b, c are { wires, coefficients }.
export function readR1cs(file) {
  const parts = sections(fs.readFileSync(file), 'r1cs');
  const header = parts.get(1);
  if (header.readUInt32LE(0) !== 32 || fieldAt(header, 4) !== r) throw new Error('not over the scalar field of BN254');
  const [wires, publicOutputs, publicInputs, privateInputs] = [36, 40, 44, 48].map((at) => header.readUInt32LE(at));
  const count = header.readUInt32LE(60);
  const body = parts.get(2);
  const known = new Map();  // equal coefficients share one BigInt
  let at = 0;
  const combination = () => {
    const terms = body.readUInt32LE(at);
    at += 4;
    const result = { wires: new Array(terms), coefficients: new Array(terms) };
    for (let i = 0; i < terms; ++i, at += 36) {
      result.wires[i] = body.readUInt32LE(at);
      const key = body.toString('latin1', at + 4, at + 36);
      let value = known.get(key);
      if (value === undefined) known.set(key, value = fieldAt(body, at + 4));
      result.coefficients[i] = value;
    }
    return result;
  };
  const constraints = Array.from({ length: count }, () => ({ a: combination(), b: combination(), c: combination() }));
  return { wires, publicOutputs, publicInputs, privateInputs, constraints };
}

/// Names of the signals, by wire; a wire that stands for several equal signals has the first's name.
export function readSym(file) {
  const names = ['one'];
  for (const line of fs.readFileSync(file, 'utf8').split('\n')) {
    const [, wire, , name] = line.split(',');
    if (name && wire !== '-1' && names[wire] === undefined) names[wire] = name;
  }
  return names;
}

export function evaluate({ wires, coefficients }, witness) {
  let sum = 0n;
  for (let i = 0; i < wires.length; ++i) sum += coefficients[i] * witness[wires[i]];
  return sum % r;
}

export function holds({ a, b, c }, witness) {
  return (evaluate(a, witness) * evaluate(b, witness) - evaluate(c, witness)) % r === 0n;
}

/// Index of the first constraint that `witness` violates, or -1.
export function firstViolated(r1cs, witness) {
  return r1cs.constraints.findIndex((constraint) => !holds(constraint, witness));
}

function fnv1a(text) {
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(text)) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  return hash;
}

/// circom's own generator. witness(inputs): all wires, where inputs maps signal names to (nested arrays of) BigInts.
/// Throws where the generator fails an assertion.
export async function loadGenerator(file) {
  const module = await WebAssembly.compile(fs.readFileSync(file));
  let instance = null;
  const imports = { runtime: {
    exceptionHandler(code) { throw new Error(`circom's generator stopped with code ${code}`); },
    printErrorMessage() {}, writeBufferMessage() {}, showSharedRWMemory() {} } };
  const witness = async (inputs) => {
    instance = await WebAssembly.instantiate(module, imports);
    const x = instance.exports;
    x.init(1);
    const words = x.getFieldNumLen32();
    let given = 0;
    for (const [name, value] of Object.entries(inputs)) {
      const hash = fnv1a(name);
      const [high, low] = [Number(hash >> 32n), Number(hash & 0xffffffffn)];
      const values = [value].flat(Infinity);
      if (x.getInputSignalSize(high, low) !== values.length) throw new Error(`input ${name} has another length`);
      values.forEach((item, index) => {
        let rest = ((BigInt(item) % r) + r) % r;
        for (let i = 0; i < words; ++i, rest >>= 32n) x.writeSharedRWMemory(i, Number(rest & 0xffffffffn));
        x.setInputSignal(high, low, index);
        ++given;
      });
    }
    if (given !== x.getInputSize()) throw new Error(`${given} of ${x.getInputSize()} inputs given`);
    return Array.from({ length: x.getWitnessSize() }, (_, i) => {
      x.getWitness(i);
      let value = 0n;
      for (let j = words - 1; j >= 0; --j) value = (value << 32n) | BigInt(x.readSharedRWMemory(j) >>> 0);
      return value;
    });
  };
  return { witness };
}

/// Writes a .wtns file.
export function writeWtns(file, witness) {
  const values = Buffer.alloc(32 * witness.length);
  const put = (buffer, value, at) => {
    for (let i = 0; i < 4; ++i) buffer.writeBigUInt64LE((value >> BigInt(64 * i)) & 0xffffffffffffffffn, at + 8 * i);
  };
  witness.forEach((value, i) => put(values, value, 32 * i));
  const header = Buffer.alloc(12 + 12 + 40 + 12);
  header.write('wtns', 0, 'latin1');
  header.writeUInt32LE(2, 4);
  header.writeUInt32LE(2, 8);
  header.writeUInt32LE(1, 12);
  header.writeBigUInt64LE(40n, 16);
  header.writeUInt32LE(32, 24);
  put(header, r, 28);
  header.writeUInt32LE(witness.length, 60);
  header.writeUInt32LE(2, 64);
  header.writeBigUInt64LE(BigInt(values.length), 68);
  fs.writeFileSync(file, Buffer.concat([header, values]));
}
