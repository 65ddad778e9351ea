// Reads .bpm files (docs/spec/model-file.md) and makes of a fully connected rescaled model what the circuits take:
//   node model.mjs NET.bpm NAME FOLDER      writes NAME_inference.circom, NAME_model_integrity.circom, NAME_receipt.circom
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }
  take(count) {
    if (count < 0 || count > this.bytes.length - this.at) throw new Error('the file is cut off');
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }
  u8() { return this.take(1).readUInt8(); }
  u16() { return this.take(2).readUInt16LE(); }
  u32() { return this.take(4).readUInt32LE(); }
  u64() { return this.take(8).readBigUInt64LE(); }
  i64() { return this.take(8).readBigInt64LE(); }
  size() {
    const value = this.u64();
    if (value > BigInt(this.bytes.length)) throw new Error('a length beyond the end of the file');
    return Number(value);
  }
  shape() { return Array.from({ length: this.u8() }, () => this.u32()); }
  optional() { return this.u8() ? this.u32() : null; }
}

function unsupported(what) {
  return new Error(`circuits take chains of fully connected layers in rescaled arithmetic; this model has ${what}`);
}

function readNode(reader) {
  const tag = reader.u8();
  if (tag === 0) return { kind: 'dense', weight: reader.u32(), bias: reader.optional(), input: null };
  if (tag === 6) {
    const node = { kind: 'requantize', multiplier: reader.optional(), axis: reader.u32(), factor: reader.i64(), shift: reader.u32() };
    if (reader.u8() !== 0) throw unsupported('an activation by table');
    return { ...node, low: reader.i64(), high: reader.i64(), hiMin: reader.i64(), hiMax: reader.i64() };
  }
  if (tag === 7) return { kind: 'reshape' };
  throw unsupported(`an operator of kind ${tag}`);
}

/// { layers, interface, weights, biases, multipliers }: the table and list of neural_network_inference.circom, and flat BigInts.
export function readModel(file) {
  const reader = new Reader(fs.readFileSync(file));
  if (reader.take(4).toString('latin1') !== 'BPM\0') throw new Error(`${file} is not a .bpm file`);
  const version = reader.u16();
  if (version !== 1 && version !== 2) throw new Error(`${file} has version ${version}; this reads 1 and 2`);
  const architecture = new Reader(reader.take(reader.size()));
  architecture.u16();
  if (architecture.u8() !== 0) throw unsupported('exact arithmetic');
  const finish = BigInt(architecture.u8());
  const [input, output] = [architecture.u32(), architecture.u32()];
  const [least, greatest, inputScale, outputScale] = [architecture.i64(), architecture.i64(), architecture.u64(), architecture.u64()];
  for (let i = architecture.size(); i > 0; --i) architecture.shape();
  const parameters = Array.from({ length: architecture.size() },
    () => ({ role: architecture.u8(), bits: architecture.u8(), shape: architecture.shape() }));
  if (architecture.size() !== 0) throw unsupported('tables');
  const nodes = Array.from({ length: architecture.size() }, () => {
    const node = readNode(architecture);
    return { ...node, input: architecture.u32(), output: architecture.u32() };
  });

  for (const parameter of parameters) {
    const bits = parameter.bits + (parameter.role === 2 ? 1 : 0);  // multipliers are unsigned
    const width = [1, 2, 4, 8, 16].find((bytes) => 8 * bytes >= bits);
    const bytes = reader.take(reader.size());
    parameter.values = Array.from({ length: bytes.length / width }, (_, i) => {
      let value = 0n;
      for (let b = width - 1; b >= 0; --b) value = (value << 8n) | BigInt(bytes[width * i + b]);
      return BigInt.asIntN(8 * width, value);
    });
  }

  const result = { layers: [], interface: [least, greatest, inputScale, outputScale, finish], weights: [], biases: [], multipliers: [] };
  let tensor = input;
  let dense = null;
  for (const node of nodes) {
    if (node.input !== tensor) throw unsupported('a branch');
    tensor = node.output;
    if (node.kind === 'dense') {
      if (dense) throw unsupported('two linear layers without a requantisation between them');
      dense = node;
    } else if (node.kind === 'requantize') {
      if (!dense) throw unsupported('a requantisation that follows no linear layer');
      const [weight, bias, multiplier] = [dense.weight, dense.bias, node.multiplier].map((id) => id === null ? null : parameters[id]);
      const [outputs, inputs] = weight.shape;
      result.layers.push([inputs, outputs, weight.bits, bias ? bias.bits : 0, multiplier ? multiplier.bits : 0, node.factor, node.shift,
        node.low, node.high, node.hiMin, node.hiMax].map(BigInt));
      result.weights.push(...weight.values);
      if (bias) result.biases.push(...bias.values);
      if (multiplier) result.multipliers.push(...multiplier.values);
      dense = null;
    }
  }
  if (tensor !== output || dense) throw unsupported('another end than a requantised linear layer');
  return result;
}

/// The arguments (count, layers, interface) as circom source.
export function templateArguments(model) {
  const rows = model.layers.map((row) => `  [${row.join(', ')}]`).join(',\n');
  return `${model.layers.length}, [\n${rows}\n], [${model.interface.join(', ')}]`;
}

const circuits = [['inference', 'neural_network_inference', 'NeuralNetworkInference', 'modelHash, inputHash, outputHash'],
  ['model_integrity', 'model_integrity', 'ModelIntegrity', 'statementHi, statementLo'],
  ['receipt', 'receipt_inference', 'ReceiptInference', 'statementHi, statementLo']];

/// Circuit sources of a model: [[file name, text], ..].
export function circuitSources(model, name) {
  return circuits.map(([suffix, file, template, signals]) => [`${name}_${suffix}.circom`,
    `pragma circom 2.2.0;\n\ninclude "../${file}.circom";\n\n// Written by model.mjs. Public signals, in this order: ${signals}.\n` +
    `component main = ${template}(${templateArguments(model)});\n`]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [bpm, name, folder] = process.argv.slice(2);
  if (!bpm || !name || !folder) {
    console.error('Usage: node model.mjs NET.bpm NAME FOLDER');
    process.exit(2);
  }
  for (const [file, text] of circuitSources(readModel(bpm), name)) fs.writeFileSync(path.join(folder, file), text);
}
