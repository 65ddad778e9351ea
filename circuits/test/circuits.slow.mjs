import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { circuitSources, readModel, templateArguments } from '../model.mjs';
import { poseidon, r } from '../poseidon_constants.mjs';
import {
  bigEndian, bitsOf, build, circuit, expectEveryWireBound, hashList, randomBits, randomElement, statementOf, templateCircuit,
} from './context.mjs';
import { architectureHash, digests, modelHash, parametersOf, randomSalts, run } from './network.mjs';
import { readNpz } from './npz.mjs';
import { firstViolated, writeWtns } from './r1cs.mjs';

const repository = path.join(import.meta.dirname, '../..');

// Some wires of a large circuit: each `step`th, and all whose names match.
function someWires(circuit, step, pattern) {
  return circuit.names.flatMap((name, wire) => (wire > 0 && (wire % step === 0 || pattern.test(name)) ? [wire] : []));
}

function publicSignals(circuit, source) {
  const count = circuit.r1cs.publicOutputs + circuit.r1cs.publicInputs;
  assert.deepEqual(circuit.names.slice(1, 1 + count).map((name) => name.replace('main.', '')),
    /Public signals, in this order: (.*)\./.exec(fs.readFileSync(path.join(repository, 'circuits', source), 'utf8'))[1].split(', '));
}

test('Membership accepts a member, and binds nullifier, scope and message', async () => {
  const membership = circuit('main/membership.circom');
  publicSignals(membership, 'main/membership.circom');
  const secret = randomBits(248);
  const [path, siblings] = [bitsOf(randomBits(20), 20), Array.from({ length: 20 }, randomElement)];
  let root = hashList('blindproof/membr', [secret]);
  path.forEach((bit, i) => { root = poseidon(bit ? [siblings[i], root] : [root, siblings[i]]); });
  const inputs = { root, scope: 5n, message: 77n, secret, path, siblings };
  const witness = await membership.accepted(inputs);
  assert.deepEqual(membership.outputs(witness), [hashList('blindproof/nulli', [5n, secret])]);
  expectEveryWireBound(membership, witness);
  for (const [wrong, value] of [['root', root + 1n], ['secret', secret + 1n], ['siblings', siblings.with(7, 1n)],
    ['path', path.with(3, 1n - path[3])], ['path', path.with(3, 2n)], ['path', path.with(3, r - 1n)]]) await membership.refused({ ...inputs, [wrong]: value });
  // An inner node in place of a leaf would need a secret that hashes to it: the leaf is no input of its own.
  assert.ok(membership.isRefusedWith(witness, new Map([[membership.wire('nullifier'), randomElement()]])));
});

function receipt() {
  return { chainId: 31337n, contract: randomBits(160), recipient: randomBits(160), units: randomBits(64), unitPrice: randomBits(64),
    nonce: randomBits(64), deadline: 1800000000n, receiptHashHi: randomBits(128), receiptHashLo: randomBits(128) };
}

function receiptMessage(x, [model, input, output]) {
  return Buffer.concat([Buffer.from('blindproof/rcpt1'), bigEndian(x.chainId, 8), bigEndian(x.contract, 20), bigEndian(x.recipient, 20),
    bigEndian(x.units * x.unitPrice, 16), bigEndian(x.nonce, 8), bigEndian(x.deadline, 8), bigEndian(x.receiptHashHi, 16),
    bigEndian(x.receiptHashLo, 16), bigEndian(model, 32), bigEndian(input, 32), bigEndian(output, 32)]);
}

test('ReceiptAttestation: the statement is the SHA-256 of what is settled; nothing in it can change alone', async () => {
  const attestation = circuit('main/receipt_attestation.circom');
  publicSignals(attestation, 'main/receipt_attestation.circom');
  for (const extreme of [{}, { units: (1n << 64n) - 1n, unitPrice: (1n << 64n) - 1n }, { units: 0n }]) {
    const inputs = { ...receipt(), ...extreme, modelHash: randomElement(), inputHash: r - 1n, outputHash: 0n };
    const witness = await attestation.accepted(inputs);
    assert.equal(attestation.strict, 3);
    assert.deepEqual(attestation.outputs(witness), statementOf(receiptMessage(inputs, [inputs.modelHash, r - 1n, 0n])));
    if (inputs.units === 0n) continue;  // the price is free then: it changes nothing
    expectEveryWireBound(attestation, witness, someWires(attestation, 23, /^main\.\w+$|message|equal/));

    // The settled amount, with all that follows from it: another product, the product mod r, a digest's alias.
    const amount = attestation.wire('amount');
    for (const forged of [witness[amount] + 1n, 0n]) assert.ok(attestation.isRefusedWith(witness, new Map([[amount, forged]])));
    const aliased = new Map(bitsOf(r, 254).map((bit, i) => [attestation.wire(`statement.message[${1791 - i}]`), bit]));
    assert.ok(attestation.isRefusedWith(witness, aliased), 'outputHash 0 as the bytes of r');
  }
  const inputs = { ...receipt(), modelHash: 1n, inputHash: 2n, outputHash: 3n };
  for (const [name, bits] of [['chainId', 64], ['contract', 160], ['recipient', 160], ['units', 64], ['unitPrice', 64], ['nonce', 64],
    ['deadline', 64], ['receiptHashHi', 128], ['receiptHashLo', 128]]) {
    for (const value of [1n << BigInt(bits), r - 1n]) await attestation.refused({ ...inputs, [name]: value });
  }
});

test('NeuralNetworkInference takes networks without biases and multipliers, and inputs of one bit', async () => {
  const model = { layers: [[2, 2, 4, 0, 0, 3, 5, 0, 15, -64, 63].map(BigInt)], interface: [0n, 1n, 1n, 2n, 0n], weights: [1n, -8n, 7n, 2n],
    biases: [], multipliers: [] };
  const inference = templateCircuit(`NeuralNetworkInference(${templateArguments(model)})`, 'neural_network_inference.circom');
  const salts = randomSalts();
  for (const values of [[1n, 0n], [1n, 1n]]) {
    assert.deepEqual(inference.outputs(await inference.accepted({ weights: model.weights, values, ...salts })), digests(model, values, salts));
  }
  await inference.refused({ weights: model.weights, values: [2n, 0n], ...salts });
});

// The instance of three layers of 64 neurons. The program compiles it anew from the network, so files can't drift apart.
const program = process.env.BLINDPROOF_PROGRAM;
function cli(...args) {
  const result = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  assert.equal(result.status, 0, result.stderr || String(result.error));
  return result.stdout;
}

const digits = path.join(repository, 'models/digits8');
let compiled = null;
function digits8() {
  if (!compiled) {
    const bpm = path.join(build, 'digits8.bpm');
    cli('model', 'compile', path.join(digits, 'digits8.onnx'), '--calibration', path.join(digits, 'digits8_calibration.npz'),
      '--weight-bits', '6', '--out', bpm, '-q');
    compiled = { bpm, model: readModel(bpm) };
  }
  return compiled;
}

function quantised(model, index) {
  const { values } = readNpz(path.join(digits, 'digits8_test.npz')).x;
  const bits = Buffer.alloc(8);
  bits.writeBigUInt64LE(model.interface[2]);
  const scale = bits.readDoubleLE();
  const greatest = Number(model.interface[1]);
  return values.slice(64 * index, 64 * index + 64).map((value) => BigInt(Math.min(Math.floor(value / scale + 0.5), greatest)));
}

const withProgram = { skip: program ? false : 'BLINDPROOF_PROGRAM names no program' };

test('digits8: the instances in circuits/main are those of the model', withProgram, () => {
  for (const [file, text] of circuitSources(digits8().model, 'digits8')) {
    assert.equal(fs.readFileSync(path.join(repository, 'circuits/main', file), 'utf8'), text, file);
  }
});

test('digits8: under a point of accuracy is lost, and our integers are the integers that are proven', withProgram, () => {
  const { bpm, model } = digits8();
  const samples = path.join(digits, 'digits8_test.npz');
  const integer = JSON.parse(cli('model', 'run', bpm, '--input', samples, '--json'));
  const float = JSON.parse(cli('model', 'run', bpm, '--input', samples, '--float', '--json'));
  assert.equal(integer.samples, 600);
  assert.ok(integer.accuracy > float.accuracy - 1, `${integer.accuracy} after ${float.accuracy}`);
  for (let i = 0; i < 600; i += 7) assert.deepEqual(run(model, quantised(model, i)).at(-1).map(Number), integer.outputs[i]);
});

test('digits8: inference is accepted, determined, and bound everywhere; snarkjs agrees', withProgram, async () => {
  const { bpm, model } = digits8();
  const inference = circuit('main/digits8_inference.circom');
  publicSignals(inference, 'main/digits8_inference.circom');
  assert.ok(inference.r1cs.constraints.length < (1 << 17) - 4, 'the proof\'s domain is 2^17');
  const outputs = JSON.parse(cli('model', 'run', bpm, '--input', path.join(digits, 'digits8_test.npz'), '--json')).outputs;
  for (const index of [0, 599]) {
    const values = quantised(model, index);
    const salts = randomSalts();
    const witness = await inference.accepted({ ...parametersOf(model), values, ...salts });
    assert.deepEqual(inference.outputs(witness), digests(model, values, salts));
    outputs[index].forEach((value, n) => assert.equal(witness[inference.wire(`answer.in[${n}]`)], (BigInt(value) + r) % r));
    if (index > 0) continue;
    expectEveryWireBound(inference, witness, someWires(inference, 97, /^main\.\w+$|main\.(values|biases|multipliers)\[/));

    const snarkjs = path.join(build, 'node_modules/snarkjs/build/cli.cjs');
    const wtns = path.join(build, 'digits8.wtns');
    const check = () => spawnSync(process.execPath, [snarkjs, 'wtns', 'check', inference.files.r1cs, wtns], { encoding: 'utf8' });
    writeWtns(wtns, witness);
    assert.match(check().stdout, /WITNESS IS CORRECT/);
    writeWtns(wtns, witness.with(5000, (witness[5000] + 1n) % r));
    assert.ok(firstViolated(inference.r1cs, witness.with(5000, (witness[5000] + 1n) % r)) >= 0);
    assert.doesNotMatch(check().stdout, /WITNESS IS CORRECT/);
  }
});

test('digits8: our own witnesses are circom\'s, byte for byte, and our own digests are the circuits\'', withProgram, async () => {
  const { bpm, model } = digits8();
  const [theirs, ours, salted, settlement] = ['theirs.wtns', 'ours.wtns', 'salts.json', 'settlement.json'].map((name) => path.join(build, name));
  const terms = { ...receipt(), units: 1000n, unitPrice: 7n };
  const hex = (value, bytes) => `0x${bigEndian(value, bytes).toString('hex')}`;
  const [contract, party] = [hex(terms.contract, 20), hex(terms.recipient, 20)];
  fs.writeFileSync(settlement, JSON.stringify({ chain_id: `${terms.chainId}`, contract, recipient: party, amount: '7000', nonce: `${terms.nonce}`,
    deadline: `${terms.deadline}`, receipt_hash: hex(terms.receiptHashHi, 16) + hex(terms.receiptHashLo, 16).slice(2) }));
  const options = { inference: [], receipt: ['--settlement', settlement, '--units', '1000'],
    integrity: ['--chain-id', '31337', '--contract', contract, '--owner', party] };
  for (const [kind, source, index] of [['inference', 'inference', 1], ['inference', 'inference', 300], ['receipt', 'receipt', 2],
    ['integrity', 'model_integrity', 0]]) {
    const compiled = circuit(`main/digits8_${source}.circom`);
    const values = quantised(model, index);
    const salts = randomSalts();
    const inputs = { inference: { values, ...salts }, receipt: { values, ...salts, ...terms },
      integrity: { modelSalt: salts.modelSalt, chainId: terms.chainId, contract: terms.contract, owner: terms.recipient } }[kind];
    const witness = await compiled.witness({ ...parametersOf(model), ...inputs });
    writeWtns(theirs, witness);
    fs.writeFileSync(salted, JSON.stringify({ model: `${salts.modelSalt}`, input: `${salts.inputSalt}`, output: `${salts.outputSalt}` }));
    const sample = kind === 'integrity' ? [] : ['--input', path.join(digits, 'digits8_test.npz'), '--index', `${index}`];
    const printed = JSON.parse(cli('groth16', 'witness', bpm, '--circuit', compiled.files.r1cs, '--statement', kind, ...sample, ...options[kind],
      '--salts', salted, '--out', ours, '--json'));
    assert.ok(fs.readFileSync(theirs).equals(fs.readFileSync(ours)), kind);
    assert.deepEqual(printed.public.map(BigInt), compiled.outputs(witness));
    assert.equal(BigInt(printed.architecture_hash), architectureHash(model));
    const expected = digests(model, values, salts);
    assert.equal(BigInt(printed.model_hash), expected[0]);
    if (kind !== 'integrity') assert.deepEqual([printed.input_hash, printed.output_hash].map(BigInt), expected.slice(1));
  }
});

test('digits8: ModelIntegrity registers the hash that inference has', withProgram, async () => {
  const { model } = digits8();
  const integrity = circuit('main/digits8_model_integrity.circom');
  publicSignals(integrity, 'main/digits8_model_integrity.circom');
  const inputs = { chainId: 1n, contract: randomBits(160), owner: randomBits(160), modelSalt: randomBits(248) };
  const witness = await integrity.accepted({ ...parametersOf(model), ...inputs });
  const message = Buffer.concat([Buffer.from('blindproof/modl1'), bigEndian(1n, 8), bigEndian(inputs.contract, 20),
    bigEndian(inputs.owner, 20), bigEndian(modelHash(model, inputs.modelSalt), 32), bigEndian(architectureHash(model), 32)]);
  assert.deepEqual(integrity.outputs(witness), statementOf(message));
  expectEveryWireBound(integrity, witness, someWires(integrity, 197, /^main\.\w+$/));
  await integrity.refused({ ...parametersOf(model), ...inputs, weights: model.weights.with(0, 32n) });
  await integrity.refused({ ...parametersOf(model), ...inputs, owner: 1n << 160n });
});

test('digits8: ReceiptInference settles the inference it proves', withProgram, async () => {
  const { model } = digits8();
  const both = circuit('main/digits8_receipt.circom');
  publicSignals(both, 'main/digits8_receipt.circom');
  const values = quantised(model, 3);
  const salts = randomSalts();
  const inputs = receipt();
  const witness = await both.accepted({ ...parametersOf(model), values, ...salts, ...inputs });
  assert.deepEqual(both.outputs(witness), statementOf(receiptMessage(inputs, digests(model, values, salts))));
  expectEveryWireBound(both, witness, someWires(both, 397, /^main\.\w+$|main\.values\[/));
});
