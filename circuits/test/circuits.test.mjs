import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { templateArguments } from '../model.mjs';
import { r } from '../poseidon_constants.mjs';
import { circuit, expectEveryWireBound, hashList, randomBits, templateCircuit } from './context.mjs';
import { digests, parametersOf, randomSalts, run } from './network.mjs';

const folder = path.join(import.meta.dirname, '..');

// Two layers: multipliers and biases; a public factor and no biases. The input's range is no power of two.
const model = {
  layers: [[3, 4, 6, 16, 8, 1, 7, 0, 255, -16384, 16383], [4, 2, 8, 0, 0, 3, 5, -100, 127, -16384, 16383]].map((row) => row.map(BigInt)),
  interface: [-20n, 100n, 4571171282956062736n, 4575657221408423936n, 2n],
  weights: [...[1, 31, -32, 4, 5, -28, 7, 8, 9, -10, 11, 27], ...[-5, 106, 7, -128, 1, 127, 3, 4]].map(BigInt),
  biases: [1, -2000, 3, 4].map(BigInt),
  multipliers: [100, 200, 3, 255].map(BigInt),
};
const network = () => templateCircuit(`NeuralNetworkInference(${templateArguments(model)})`, 'neural_network_inference.circom');

test('NeuralNetworkInference computes the digests of the integer graph\'s run, and nothing is left open', async () => {
  const inference = network();
  for (const values of [[-20n, 100n, 0n], [100n, 100n, 100n], [1n, 2n, 3n]]) {
    const salts = randomSalts();
    const witness = await inference.accepted({ ...parametersOf(model), values, ...salts });
    assert.deepEqual(inference.outputs(witness), digests(model, values, salts));
  }
});

test('NeuralNetworkInference: no wire can change alone', async () => {
  const inference = network();
  expectEveryWireBound(inference, await inference.witness({ ...parametersOf(model), values: [7n, -3n, 99n], ...randomSalts() }));
});

test('NeuralNetworkInference: every weight, bias, multiplier, input and salt is in its digest', async () => {
  const inference = network();
  const inputs = { ...parametersOf(model), values: [7n, -3n, 99n], ...randomSalts() };
  const honest = inference.outputs(await inference.witness(inputs));
  const changed = async (name, index) => {
    const list = [inputs[name]].flat();
    const value = list[index] === 1n ? 0n : list[index] > 0n ? list[index] - 1n : list[index] + 1n;
    const other = Array.isArray(inputs[name]) ? list.with(index, value) : value;
    return inference.outputs(await inference.witness({ ...inputs, [name]: other }));
  };
  for (const [name, digest] of [['weights', 0], ['biases', 0], ['multipliers', 0], ['values', 1], ['modelSalt', 0],
    ['inputSalt', 1], ['outputSalt', 2]]) {
    for (let i = 0; i < [inputs[name]].flat().length; ++i) {
      assert.notEqual((await changed(name, i))[digest], honest[digest], `${name}[${i}]`);
    }
  }
});

test('NeuralNetworkInference refuses parameters and inputs outside their ranges', async () => {
  const inference = network();
  const inputs = { ...parametersOf(model), values: [7n, -3n, 99n], ...randomSalts() };
  await inference.accepted(inputs);
  const half = (r + 1n) / 2n;  // "one half": what a weight without a range check could be
  for (const [name, index, values] of [['weights', 0, [32n, -33n, half]], ['weights', 12, [128n, -129n]],
    ['biases', 0, [1n << 15n, -(1n << 15n) - 1n]], ['multipliers', 0, [256n, -1n, half]], ['values', 0, [-21n, 101n, half]]]) {
    for (const value of values) await inference.refused({ ...inputs, [name]: inputs[name].with(index, value) });
  }
});

test('NeuralNetworkInference: another bit anywhere, with all that follows from it, is refused', async () => {
  const inference = network();
  const witness = await inference.accepted({ ...parametersOf(model), values: [7n, -3n, 99n], ...randomSalts() });
  const bits = inference.wiresMatching(/bits(\.out)?\[\d+\]$|(above|beyond)\.out\[\d+\]$/);
  assert.ok(bits.length > 300);
  bits.forEach((wire, i) => {
    if (i % 16 === 0) assert.ok(inference.isRefusedWith(witness, new Map([[wire, 1n - witness[wire]]])), inference.names[wire]);
    const next = bits[i + 1];
    if (i % 16 === 1 && next) {
      assert.ok(inference.isRefusedWith(witness, new Map([[wire, 1n - witness[wire]], [next, 1n - witness[next]]])), inference.names[wire]);
    }
  });
});

test('NeuralNetworkInference: neither the first layer\'s values nor a wrong answer pass as the output', async () => {
  const inference = network();
  const values = [7n, -3n, 99n];
  const salts = randomSalts();
  const witness = await inference.accepted({ ...parametersOf(model), values, ...salts });
  const outputs = run(model, values);
  assert.notDeepEqual(outputs[0].slice(0, 2), outputs[1]);
  for (let n = 0; n < 2; ++n) {
    const wire = inference.wire(`answer.in[${n}]`);
    for (const forged of [outputs[0][n], outputs[1][n] + 1n]) {
      assert.ok(inference.isRefusedWith(witness, new Map([[wire, ((forged % r) + r) % r]])), `output ${n}`);
    }
  }
  for (const wire of [1, 2, 3]) assert.ok(inference.isRefusedWith(witness, new Map([[wire, witness[wire] + 1n]])));
});

const bid = () => ({ least: 10n, greatest: (1n << 64n) - 1n, auction: 77n, bidder: randomBits(160), bid: 1234n, salt: randomBits(248) });

test('BidRange commits to bids between the bounds, of 64 bits, and to nothing else', async () => {
  const range = circuit('main/bid_range.circom');
  for (const value of [10n, 11n, (1n << 64n) - 1n]) {
    const inputs = { ...bid(), bid: value };
    const witness = await range.accepted(inputs);
    assert.deepEqual(range.outputs(witness), [hashList('blindproof/bid01', [inputs.auction, inputs.bidder, inputs.bid, inputs.salt])]);
    expectEveryWireBound(range, witness, range.wiresMatching(/bits|commitment|auction|bidder|\.bid$|salt|square|fourth|fifth/));
  }
  await range.accepted(bid());
  for (const wrong of [{ bid: 9n }, { bid: 1n << 64n }, { bid: r - 1n }, { bid: 10n + (1n << 64n), greatest: 1n << 65n },
    { greatest: 1233n }, { least: 1235n }, { least: r - 1n }, { greatest: 1n << 64n }]) await range.refused({ ...bid(), ...wrong });
});

test('Every instance declares its public signals, and they are what its comment says', async () => {
  const range = circuit('main/bid_range.circom');
  const text = (source) => fs.readFileSync(path.join(folder, source), 'utf8');
  const stated = (source) => /Public signals, in this order: (.*)\./.exec(text(source))[1].split(', ');
  const count = range.r1cs.publicOutputs + range.r1cs.publicInputs;
  assert.deepEqual(range.names.slice(1, 1 + count), stated('main/bid_range.circom').map((name) => `main.${name}`));
  for (const source of fs.readdirSync(path.join(folder, 'main'))) assert.ok(stated(`main/${source}`).length > 0, source);
});

test('Every unconstrained assignment is one of those that docs/spec/chain.md lists', () => {
  const found = [];
  for (const name of fs.readdirSync(folder, { recursive: true }).filter((file) => file.endsWith('.circom'))) {
    let template = name;
    const code = fs.readFileSync(path.join(folder, name), 'utf8').replace(/\/\/.*/g, '');
    for (const [, start, signal] of code.matchAll(/template (\w+)|(\S+) <--|-->/g)) {
      if (start) template = start;
      else found.push(`${template}.${signal}`);
    }
  }
  const spec = fs.readFileSync(path.join(folder, '../docs/spec/chain.md'), 'utf8');
  const listed = [...spec.matchAll(/^\| `(\w+\.\w+\[i\])` \|/gm)].map((match) => match[1]);
  assert.deepEqual(found.sort(), listed.sort());
});
