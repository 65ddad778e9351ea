// The network's meaning in plain integers, and what the circuit should make of it: oracles written from docs/spec, not from circuits.
import { hashList, randomBits } from './context.mjs';

export function pack(list, bits, least) {
  const each = Math.floor(252 / bits);
  const words = [];
  for (let i = 0; i < list.length; i += each) {
    words.push(list.slice(i, i + each).reduce((sum, value, j) => sum + ((value - least) << BigInt(bits * j)), 0n));
  }
  return words;
}

/// Outputs of all layers.
export function run({ layers, weights, biases, multipliers }, input) {
  let [weight, bias, multiplier] = [0, 0, 0];
  let values = input;
  return layers.map((row) => {
    const [inputs, outputs, , biasBits, multiplierBits, factor, shift, low, high] = row;
    const half = shift > 0n ? 1n << (shift - 1n) : 0n;
    values = Array.from({ length: Number(outputs) }, (_, n) => {
      let sum = biasBits > 0n ? biases[bias + n] : 0n;
      for (let k = 0; k < Number(inputs); ++k) sum += weights[weight + n * Number(inputs) + k] * values[k];
      const hi = (sum * (multiplierBits > 0n ? multipliers[multiplier + n] : factor) + half) >> shift;
      return hi < low ? low : hi > high ? high : hi;
    });
    weight += Number(inputs * outputs);
    if (biasBits > 0n) bias += Number(outputs);
    if (multiplierBits > 0n) multiplier += Number(outputs);
    return values;
  });
}

export function architectureHash(model) {
  const r = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;
  const list = [BigInt(model.layers.length), ...model.interface, ...model.layers.flat()];
  return hashList('blindproof/archi', list.map((value) => ((value % r) + r) % r));
}

export function modelHash(model, salt) {
  const words = [];
  let [weight, bias, multiplier] = [0, 0, 0];
  for (const [inputs, outputs, weightBits, biasBits, multiplierBits] of model.layers.map((row) => row.map(Number))) {
    words.push(...pack(model.weights.slice(weight, weight += inputs * outputs), weightBits, -(1n << BigInt(weightBits - 1))));
    if (biasBits > 0) words.push(...pack(model.biases.slice(bias, bias += outputs), biasBits, -(1n << BigInt(biasBits - 1))));
    if (multiplierBits > 0) words.push(...pack(model.multipliers.slice(multiplier, multiplier += outputs), multiplierBits, 0n));
  }
  return hashList('blindproof/model', [architectureHash(model), salt, ...words]);
}

export function vectorHash(tag, list, least, greatest, salt) {
  return hashList(tag, [salt, ...pack(list, Math.max((greatest - least).toString(2).length, 1), least)]);
}

/// modelHash, inputHash, outputHash.
export function digests(model, input, { modelSalt, inputSalt, outputSalt }) {
  const last = model.layers.at(-1);
  return [modelHash(model, modelSalt), vectorHash('blindproof/input', input, model.interface[0], model.interface[1], inputSalt),
    vectorHash('blindproof/outpt', run(model, input).at(-1), last[7], last[8], outputSalt)];
}

export function randomSalts() {
  return { modelSalt: randomBits(248), inputSalt: randomBits(248), outputSalt: randomBits(248) };
}

export function parametersOf({ weights, biases, multipliers }) {
  return { weights, biases, multipliers };
}
