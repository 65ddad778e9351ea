// The circuit ReceiptAttestation itself, proved by blindproof under a development key, settles: circuit, prover, verifier and contract
// agree on the statement. BLINDPROOF_CIRCUITS names the folder of the circuits' sources.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { wtns } from 'snarkjs';
import { proofWords, stopThreads, temporary } from './keys.mjs';
import {
  assertReverts, compileVerifier, deployAll, halves, itemArgs, makeArtifacts, owner, provider, randomDigest, randomHash, receiptStatement, sign,
} from './setting.mjs';

const program = process.env.BLINDPROOF_PROGRAM, circuits = process.env.BLINDPROOF_CIRCUITS;
const groth16 = (...args) => execFileSync(program, ['groth16', ...args], { stdio: 'pipe' });
const file = (name) => temporary(`receipt_attestation.${name}`);

let setting, verifier, circuit;
before(async () => {
  if (!circuits) throw new Error('BLINDPROOF_CIRCUITS must name the folder of the circuits');
  const { compile, prepareSources } = await import(pathToFileURL(path.join(circuits, 'build.mjs')).href);
  const build = path.join(path.dirname(fileURLToPath(import.meta.url)), '../circuits');
  fs.mkdirSync(build, { recursive: true });
  prepareSources(build);
  circuit = compile(build, 'main/receipt_attestation.circom');
  groth16('setup', circuit.r1cs, '--dev', '--out', file('zkey'), '--verification-key', file('vk.json'));
  setting = await deployAll(await makeArtifacts());
  const artifact = compileVerifier({ vk: file('vk.json'), r1cs: circuit.r1cs, development: true }, 'ReceiptAttestationVerifier');
  verifier = await setting.evm.deploy(artifact, [], owner, setting.receipts.errors);
  await setting.authorise(setting.receipts, verifier);
});
after(stopThreads);

test('refuses to write a verifier for a development key, unless that is allowed', () => {
  const { status, stderr } = spawnSync(program, ['groth16', 'export-verifier', file('vk.json'), '--circuit', circuit.r1cs, '--out', file('sol')], { encoding: 'utf8' });
  assert.notEqual(status, 0);
  assert.match(stderr, /--allow-dev/);
  assert.equal(fs.existsSync(file('sol')), false);
});

test('a proof of the circuit settles units * price, and no other amount', async () => {
  const { evm, receipts } = setting;
  const units = 12n, unitPrice = 2n ** 60n + 1n;
  const settlement = { receiptHash: randomHash(), recipient: provider.address, amount: units * unitPrice, nonce: 7n, deadline: evm.now + 60n };
  const digests = { modelHash: randomDigest(), inputHash: randomDigest(), outputHash: randomDigest() };
  const place = { chainId: evm.chainId, contract: receipts.address };
  const [receiptHashHi, receiptHashLo] = halves(settlement.receiptHash);
  const inputs = {
    chainId: evm.chainId, contract: receipts.address, recipient: settlement.recipient, units, unitPrice, nonce: 7n, deadline: settlement.deadline,
    receiptHashHi, receiptHashLo, ...digests,
  };
  await wtns.calculate(Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, BigInt(value).toString()])), circuit.wasm, file('wtns'));
  groth16('prove', '--key', file('zkey'), '--witness', file('wtns'), '--proof', file('proof.json'), '--public', file('public.json'));
  const read = (name) => JSON.parse(fs.readFileSync(file(name), 'utf8'));
  assert.deepEqual(read('public.json').map(BigInt), halves(receiptStatement(settlement, digests, place)));

  const item = { verifier: verifier.address, settlement, digests, proof: proofWords(read('proof.json')), signature: await sign(settlement, place) };
  const more = { ...settlement, amount: settlement.amount + 1n };
  await assertReverts(receipts.send('verifyAndRecord', itemArgs({ ...item, settlement: more, signature: await sign(more, place) })), 'ProofInvalid');
  await assertReverts(receipts.send('verifyAndRecord', itemArgs({ ...item, verifier: setting.verifier.address })), 'ProofInvalid');
  const { gasUsed } = await receipts.send('verifyAndRecord', itemArgs(item));
  assert.ok(gasUsed < 275_000n, `${gasUsed}`);
  await assertReverts(receipts.send('verifyAndRecord', itemArgs(item)), 'AlreadyRecorded');
});
