// From a model file to a payment on a chain, by the program alone: a model is registered, its inference settles a receipt, a token mints for it and an escrow
// pays for it. Real circuits of a real network, keys, witnesses and proofs by blindproof. BLINDPROOF_CIRCUITS names the folder of the circuits' sources.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { privateKeyToAccount } from 'viem/accounts';
import { compile } from '../build.mjs';
import { Anvil } from './anvil.mjs';
import { Contract, errorsAndEvents } from './evm.mjs';
import { halves, proofWords, temporary } from './keys.mjs';
import { assertReverts, kOrder, Q, randomDigest, randomHash, sign } from './setting.mjs';

const program = process.env.BLINDPROOF_PROGRAM, circuits = process.env.BLINDPROOF_CIRCUITS;
const file = (name) => temporary(name);
const samples = () => path.join(circuits, '../models/digits8/digits8_test.npz');

/// What the program prints with --json; fails unless it ends with this exit code.
function run(code, ...args) {
  const { status, stdout, stderr, error } = spawnSync(program, [...args.map(String), '--json'], { encoding: 'utf8', maxBuffer: 1 << 26 });
  assert.equal(status, code, `${args.join(' ')}\n${stdout}${stderr}${error ?? ''}`);
  return JSON.parse(stdout);
}
/// The error of a refusal.
const refused = (...args) => run(1, ...args).error;
const read = (name) => JSON.parse(fs.readFileSync(file(name), 'utf8'));
const write = (name, json) => { fs.writeFileSync(file(name), JSON.stringify(json)); return file(name); };

let anvil, node, chainId, at, accounts, artifacts, errors, modelId, deadline;
const by = (who) => [...node, '--key-file', file(`${who}.key`)];
const withArgs = (args) => (args.length > 0 ? ['--args', ...args] : []);
const send = (name, signature, args, who = 'owner', ...options) => run(0, 'chain', 'send', at[name], signature, ...withArgs(args), ...options, ...by(who));
const call = (name, signature, ...args) => run(0, 'chain', 'call', at[name], signature, ...withArgs(args), ...node).words;
const contract = (name, type = name) => new Contract(anvil, at[name], artifacts[type].abi, errors);

function deploy(name, type, ...args) {
  at[name] = run(0, 'chain', 'deploy', write(`${type}.json`, artifacts[type]), ...withArgs(args), ...by('owner')).address;
}

/// Key and verifier of a circuit.
function makeKey(name, circuit, verifier) {
  run(0, 'groth16', 'setup', circuit, '--dev', '--out', file(`${name}.zkey`), '--verification-key', file(`${name}.vk.json`));
  const exported = run(0, 'groth16', 'export-verifier', file(`${name}.vk.json`), '--circuit', circuit, '--contract', verifier, '--out', file(`${verifier}.sol`), '--allow-dev');
  Object.assign(artifacts, compile({ [`${verifier}.sol`]: fs.readFileSync(file(`${verifier}.sol`), 'utf8') }));
  return { circuit, hashes: [exported.circuit_hash, exported.key_hash] };
}

/// Witness, proof and public values as NAME.*; what the witness command printed.
function prove(name, key, circuit, ...options) {
  const printed = run(0, 'groth16', 'witness', file('digits8.bpm'), '--circuit', circuit, ...options, '--out', file(`${name}.wtns`));
  run(0, 'groth16', 'prove', '--key', file(`${key}.zkey`), '--witness', file(`${name}.wtns`), '--proof', file(`${name}.proof.json`), '--public', file(`${name}.public.json`));
  assert.deepEqual(read(`${name}.public.json`), printed.public);
  return printed;
}

let keys;
before(async () => {
  if (!program || !circuits) throw new Error('BLINDPROOF_PROGRAM and BLINDPROOF_CIRCUITS must name the program and the folder of the circuits');
  const here = path.dirname(fileURLToPath(import.meta.url));
  const { compile: compileCircuit, prepareSources } = await import(pathToFileURL(path.join(circuits, 'build.mjs')).href);
  const build = path.join(here, '../circuits');
  fs.mkdirSync(build, { recursive: true });
  prepareSources(build);
  anvil = await Anvil.start();
  chainId = anvil.chainId;
  node = ['--rpc', anvil.url, '--chain-id', chainId];
  deadline = anvil.now + 100_000n;
  [at, accounts, artifacts] = [{}, {}, {}];
  for (const name of ['AIToken', 'JobEscrow', 'ModelRegistry', 'ZKReceiptVerifier']) {
    artifacts[name] = JSON.parse(fs.readFileSync(path.join(here, `../build/${name}.json`), 'utf8'));
  }
  const model = path.join(circuits, '../models/digits8');
  run(0, 'model', 'compile', path.join(model, 'digits8.onnx'), '--calibration', path.join(model, 'digits8_calibration.npz'), '--weight-bits', 6, '--out', file('digits8.bpm'));
  modelId = run(0, 'model', 'commit', file('digits8.bpm'), '--out', file('digits8.bpk')).model_id;
  keys = {
    model: makeKey('model', compileCircuit(build, 'main/digits8_model_integrity.circom').r1cs, 'ModelVerifier'),
    receipt: makeKey('receipt', compileCircuit(build, 'main/digits8_receipt.circom').r1cs, 'ReceiptVerifier'),
  };
  errors = errorsAndEvents(artifacts);

  for (const who of ['owner', 'coordinator', 'provider', 'client', 'stranger']) {
    accounts[who] = run(0, 'chain', 'key', '--out', file(`${who}.key`)).address;
    await anvil.rpc('anvil_setBalance', [accounts[who], '0x21e19e0c9bab2400000']);
  }
  run(0, 'receipt', 'key', '--out', file('provider-ed25519'));
  deploy('modelVerifier', 'ModelVerifier');
  deploy('receiptVerifier', 'ReceiptVerifier');
  deploy('registry', 'ModelRegistry', accounts.owner);
  for (const name of ['tokenReceipts', 'escrowReceipts']) deploy(name, 'ZKReceiptVerifier', accounts.owner);
  deploy('token', 'AIToken', accounts.owner, at.tokenReceipts, 'AI token', 'AIT', 10n ** 27n);
  deploy('escrow', 'JobEscrow', at.escrowReceipts);
  send('registry', 'authoriseVerifier(address,bytes32,bytes32)', [at.modelVerifier, ...keys.model.hashes]);
  for (const [name, consumer] of [['tokenReceipts', 'token'], ['escrowReceipts', 'escrow']]) {
    send(name, 'authoriseVerifier(address,bytes32,bytes32)', [at.receiptVerifier, ...keys.receipt.hashes]);
    send(name, 'authoriseCoordinator(address)', [accounts.coordinator]);
    send(name, 'setConsumer(address)', [at[consumer]]);
  }
});
after(() => anvil?.stop());

/// NAME.json: a receipt for `units`, signed, settled for `receipts`, proved and attached.
function makeReceipt(name, receipts, { units = 12, price = 10n ** 15n, nonce, index, salts }) {
  const r = file(`${name}.json`), s = file(`${name}.settlement.json`);
  run(0, 'receipt', 'create', '--job-id', `job-${name}`, '--provider', 'node-7', '--client', 'alice', '--units', units, '--unit-type', 'digits',
    '--started-at', '2026-01-31T23:59:58Z', '--completed-at', '2026-02-01T00:00:00Z', '--chain-id', chainId, '--out', r);
  run(0, 'receipt', 'sign', r, '--key', file('provider-ed25519.key'));
  run(0, 'receipt', 'settle', r, '--provider-key', file('provider-ed25519.pub'), '--chain-id', chainId, '--contract', at[receipts], '--recipient', accounts.provider,
    '--unit-price', price, '--nonce', nonce, '--deadline', deadline, '--key-file', file('coordinator.key'), '--out', s);
  const printed = prove(name, 'receipt', keys.receipt.circuit, '--statement', 'receipt', '--input', samples(), '--index', index, '--salts', salts, '--receipt', r, '--settlement', s);
  run(0, 'receipt', 'attach', r, '--settlement', s, '--proof', file(`${name}.proof.json`), '--public', file(`${name}.public.json`), '--circuit', 'digits8_receipt',
    '--model-hash', printed.model_hash, '--input-hash', printed.input_hash, '--output-hash', printed.output_hash);
  return printed;
}
const submit = (code, name, who = 'stranger') => run(code, 'chain', 'submit', file(`${name}.json`), '--proof', file(`${name}.proof.json`), '--verifier', at.receiptVerifier, ...by(who));

/// The contract's arguments for an attested receipt, to be altered.
function itemOf(name) {
  const { settlement, ...digests } = read(`${name}.json`).attestations[0];
  const signature = settlement.signature.slice(2);
  return {
    settlement: { receiptHash: settlement.receipt_hash, recipient: settlement.recipient, amount: BigInt(settlement.amount), nonce: BigInt(settlement.nonce), deadline: BigInt(settlement.deadline) },
    digests: { modelHash: digests.model_hash, inputHash: digests.input_hash, outputHash: digests.output_hash },
    proof: proofWords(read(`${name}.proof.json`)),
    signature: { r: `0x${signature.slice(0, 64)}`, s: `0x${signature.slice(64, 128)}`, v: parseInt(signature.slice(128), 16) },
  };
}
const record = (receipts, { settlement, digests, proof, signature }) =>
  contract(receipts, 'ZKReceiptVerifier').send('verifyAndRecord', [at.receiptVerifier, settlement, digests, proof, signature]);

/// The coordinator's signature over other terms.
const resign = (settlement, receipts) =>
  sign(settlement, { chainId, contract: at[receipts], by: privateKeyToAccount(fs.readFileSync(file('coordinator.key'), 'utf8').trim()) });

let registered;
test('a model is registered by its owner with a proof, and by nobody else', async () => {
  registered = prove('model', 'model', keys.model.circuit, '--statement', 'integrity', '--chain-id', chainId, '--contract', at.registry, '--owner', accounts.provider);
  assert.deepEqual(Object.keys(read('model.salts')), ['model']);
  const register = (code, who, change = {}) => {
    const options = { '--registry': at.registry, '--verifier': at.modelVerifier, '--model-hash': registered.model_hash, '--architecture-hash': registered.architecture_hash, ...change };
    return run(code, 'chain', 'register', ...Object.entries(options).flat(), '--proof', file('model.proof.json'), '--public', file('model.public.json'),
      '--commitment', `0x${modelId}`, '--price', 3, ...by(who));
  };
  // The program refuses before anything is sent; the contract refuses who sends all the same.
  for (const change of [{ '--registry': at.escrow }, { '--model-hash': randomDigest() }, { '--architecture-hash': randomDigest() }]) {
    assert.equal(register(1, 'provider', change).error.code, 'mismatch');
  }
  assert.equal(register(1, 'stranger').error.code, 'mismatch');
  const proof = proofWords(read('model.proof.json'));
  const args = [at.modelVerifier, registered.model_hash, registered.architecture_hash, `0x${modelId}`, 3n, proof];
  const provider = { address: accounts.provider }, registry = contract('registry', 'ModelRegistry');
  const peek = (values, from = provider) => registry.read('register', values, { from });
  await assertReverts(peek(args, { address: accounts.stranger }), 'ProofInvalid');
  for (const place of [1, 2]) await assertReverts(peek(args.with(place, randomDigest())), 'ProofInvalid');
  await assertReverts(peek(args.with(5, proof.with(1, Q - proof[1]))), 'ProofInvalid');
  await assertReverts(peek(args.with(0, at.receiptVerifier)), 'VerifierNotAuthorised');
  const done = register(0, 'provider');
  assert.equal(done.version, 1);
  assert.ok(done.gas_used < 420_000, `${done.gas_used}`);
  assert.match(register(1, 'provider').error.detail, /AlreadyRegistered/);
});

test('an inference settles its receipt, every tampered field is refused, and the token mints once', async () => {
  const printed = makeReceipt('paid', 'tokenReceipts', { nonce: 77, index: 3, salts: file('model.salts') });
  assert.equal(printed.model_hash, registered.model_hash, 'the registered model');
  const offline = ['receipt', 'verify', file('paid.json'), '--key', file('provider-ed25519.pub'), '--proof', file('paid.proof.json'), '--public', file('paid.public.json'),
    '--verification-key', file('receipt.vk.json'), '--coordinator', accounts.coordinator];
  assert.equal(run(0, ...offline, '--allow-dev').proof_verified, true);
  assert.equal(refused(...offline).place, 'attestation.proof');

  const item = itemOf('paid');
  const signed = async (change, receipts = 'tokenReceipts') => {
    const settlement = { ...item.settlement, ...change };
    return { ...item, settlement, signature: await resign(settlement, receipts) };
  };
  const altered = { receiptHash: randomHash(), recipient: accounts.stranger, amount: item.settlement.amount + 1n, nonce: 78n, deadline: deadline + 1n };
  for (const [field, value] of Object.entries(altered)) {
    const settlement = { ...item.settlement, [field]: value };
    await assertReverts(record('tokenReceipts', { ...item, settlement }), 'NotCoordinator');
    await assertReverts(record('tokenReceipts', await signed({ [field]: value })), 'ProofInvalid');  // though the coordinator agrees
  }
  for (const field of Object.keys(item.digests)) {
    await assertReverts(record('tokenReceipts', { ...item, digests: { ...item.digests, [field]: randomDigest() } }), 'ProofInvalid');
  }
  await assertReverts(record('escrowReceipts', item), 'NotCoordinator');
  await assertReverts(record('escrowReceipts', await signed({}, 'escrowReceipts')), 'ProofInvalid');  // of another contract
  const p = item.proof;
  for (const place of p.keys()) {
    await assert.rejects(record('tokenReceipts', { ...item, proof: p.with(place, p[place] + 1n) }), ({ name }) => ['InvalidPoint', 'ProofInvalid'].includes(name));
  }
  await assertReverts(record('tokenReceipts', { ...item, proof: p.with(1, Q - p[1]) }), 'ProofInvalid');
  const { r, s, v } = item.signature;
  const flipped = { r, s: `0x${(kOrder - BigInt(s)).toString(16).padStart(64, '0')}`, v: 55 - v };
  await assertReverts(record('tokenReceipts', { ...item, signature: flipped }), 'InvalidSignature');

  // By the program: files that were altered are refused by the receipt's checks, or by the contract.
  const honest = read('paid.json');
  const ask = (code, name) => run(code, 'chain', 'verify', file(`${name}.json`), '--proof', file('paid.proof.json'), '--verifier', at.receiptVerifier, ...node);
  for (const [field, value] of Object.entries({ recipient: accounts.stranger, amount: '24000000000000000', nonce: '78', deadline: `${deadline + 1n}` })) {
    const [attestation] = honest.attestations;
    write('forged.json', { ...honest, attestations: [{ ...attestation, settlement: { ...attestation.settlement, [field]: value } }] });
    assert.match(ask(1, 'forged').error.detail, /NotCoordinator/, field);
  }
  for (const field of ['model_hash', 'input_hash', 'output_hash']) {
    write('forged.json', { ...honest, attestations: [{ ...honest.attestations[0], [field]: randomDigest() }] });
    assert.match(ask(1, 'forged').error.detail, /ProofInvalid/, field);
  }
  write('forged.json', { ...honest, units: 24 });
  assert.equal(ask(1, 'forged').error.place, 'attestation.receipt');

  assert.match(refused('chain', 'claim', file('paid.json'), '--token', at.token, ...by('stranger')).detail, /NotRecorded/);
  assert.equal(ask(0, 'paid').proof_accepted, true);
  const { gas_used: gas } = submit(0, 'paid');
  assert.ok(gas < 275_000, `${gas}`);
  assert.equal(ask(0, 'paid').recorded, true);

  assert.match(submit(1, 'paid').error.detail, /AlreadyRecorded/);
  const negated = p.with(1, Q - p[1]).with(4, Q - p[4]).with(5, Q - p[5]);  // -A, -B: a proof of the same statement
  await assertReverts(record('tokenReceipts', { ...item, proof: negated }), 'AlreadyRecorded');

  run(0, 'chain', 'claim', file('paid.json'), '--token', at.token, ...by('stranger'));
  assert.equal(BigInt(call('token', 'balanceOf(address)', accounts.provider)[0]), 12n * 10n ** 15n);
  assert.equal(BigInt(call('token', 'totalSupply()')[0]), 12n * 10n ** 15n);
  assert.match(refused('chain', 'claim', file('paid.json'), '--token', at.token, ...by('provider')).detail, /AlreadyConsumed/);
});

test('a malleated proof settles the same statement or nothing', async () => {
  makeReceipt('malleated', 'tokenReceipts', { nonce: 79, index: 4, salts: file('model.salts') });
  const item = itemOf('malleated'), p = item.proof;
  await record('tokenReceipts', { ...item, proof: p.with(1, Q - p[1]).with(4, Q - p[4]).with(5, Q - p[5]) });
  assert.match(submit(1, 'malleated').error.detail, /AlreadyRecorded/);
  assert.equal(run(0, 'chain', 'verify', file('malleated.json'), ...node).recorded, true);
});

test('a job is opened, settled, released and paid by the program', async () => {
  // The client names the digests that it pays for; salts fix them before there is a receipt.
  const probe = makeReceipt('probe', 'escrowReceipts', { nonce: 0, index: 5, salts: file('model.salts') });
  const deposit = 10n ** 18n;
  const opened = send('escrow', 'open(address,bytes32,bytes32,uint64)', [accounts.provider, probe.model_hash, probe.input_hash, deadline], 'client', '--value', deposit);
  assert.equal(opened.events.length, 1);
  const job = BigInt(opened.events[0].topics[1]);
  assert.equal(job, BigInt(call('escrow', 'jobCount()')[0]));
  const printed = makeReceipt('job', 'escrowReceipts', { nonce: job, index: 5, salts: file('probe.salts'), price: deposit / 20n });
  assert.deepEqual([printed.input_hash, printed.output_hash], [probe.input_hash, probe.output_hash]);
  const claim = (code, name, number) => run(code, 'chain', 'claim', file(`${name}.json`), '--escrow', at.escrow, '--job', number, ...by('stranger'));
  assert.match(claim(1, 'job', job).error.detail, /NotRecorded/);
  submit(0, 'job');
  submit(0, 'probe');
  assert.match(claim(1, 'probe', job).error.detail, /WrongSettlement/);
  assert.match(claim(1, 'job', job + 1n).error.detail, /JobNotOpen/);
  assert.match(refused('chain', 'claim', file('job.json'), '--token', at.token, ...by('stranger')).detail, /NotRecorded/);
  claim(0, 'job', job);
  const paid = 12n * deposit / 20n;
  assert.equal(BigInt(call('escrow', 'credit(address)', accounts.provider)[0]), paid);
  assert.equal(BigInt(call('escrow', 'credit(address)', accounts.client)[0]), deposit - paid);
  assert.match(claim(1, 'job', job).error.detail, /JobNotOpen/);
  const before = await anvil.balance(accounts.provider);
  send('escrow', 'withdraw()', [], 'provider');
  assert.ok(await anvil.balance(accounts.provider) > before + paid - 10n ** 16n);  // less the fee
  assert.match(refused('chain', 'send', at.escrow, 'refund(uint64)', '--args', job, ...by('client')).detail, /JobNotOpen/);
});

test('a proof of each circuit is checked by its own verifier, and refused by the other one', () => {
  const ask = (code, verifier, name) => run(code, 'chain', 'verify-proof', at[verifier], '--proof', file(`${name}.proof.json`), '--public', file(`${name}.public.json`), ...node);
  for (const [verifier, name, other] of [['receiptVerifier', 'paid', 'model'], ['modelVerifier', 'model', 'paid']]) {
    const { gas } = ask(0, verifier, name);
    assert.ok(gas > 200_000 && gas < 240_000, `${gas}`);
    assert.match(ask(1, verifier, other).error.detail, /ProofInvalid/);
  }
  assert.deepEqual(read('paid.public.json').map(BigInt), halves(run(0, 'chain', 'verify', file('paid.json'), ...node).statement));
});
