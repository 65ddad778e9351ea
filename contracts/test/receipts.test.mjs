// ZKReceiptVerifier: what is settled, and what is refused.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { bn254 } from '@noble/curves/bn254.js';
import { hashTypedData, toFunctionSelector } from 'viem';
import { account } from './evm.mjs';
import { makeKey, prove, stopThreads } from './keys.mjs';
import {
  assertReverts, compileVerifier, coordinator, deployAll, itemArgs, kOrder, kSettlementTypes, makeArtifacts, makeItem, owner, provider, Q, R,
  randomDigest, randomHash, receiptStatement, sign, stranger,
} from './setting.mjs';

let setting, evm, receipts, keys;
before(async () => {
  setting = await deployAll(await makeArtifacts());
  ({ evm, receipts, keys } = setting);
});
after(stopThreads);

const place = (contract = receipts, chainId = evm.chainId) => ({ chainId, contract: contract.address });
const record = (item, options) => receipts.send('verifyAndRecord', itemArgs(item), options);
const check = (item, contract = receipts) => contract.read('verifyReceiptProof', itemArgs(item));
const kZero = `0x${'00'.repeat(32)}`;

test('records a settlement once and says what was settled', async () => {
  const item = await makeItem(setting, receipts);
  assert.equal(await receipts.read('recordedStatement', [item.settlement.receiptHash]), kZero);
  assert.equal(await check(item), item.statement);
  const { value, events } = await record(item, { from: stranger });
  assert.equal(value, item.statement);
  assert.equal(events.length, 1);
  assert.equal(events[0].eventName, 'ProofVerified');
  assert.deepEqual(events[0].args, {
    receiptHash: item.settlement.receiptHash, recipient: provider.address, statement: item.statement, verifier: events[0].args.verifier,
    coordinator: coordinator.address, amount: item.settlement.amount, nonce: 1n,
  });
  assert.equal(events[0].args.verifier.toLowerCase(), setting.verifier.address);
  assert.equal(await receipts.read('recordedStatement', [item.settlement.receiptHash]), item.statement);
  assert.equal(await receipts.read('isRecorded', [item.settlement, item.digests]), true);
  assert.equal(await receipts.read('isRecorded', [{ ...item.settlement, amount: 1n }, item.digests]), false);
});

test('statement and signed digest are those of the specification', async () => {
  const { settlement, digests, statement } = await makeItem(setting, receipts, { amount: 2n ** 128n - 1n, nonce: 2n ** 64n - 1n });
  assert.equal(await receipts.read('statementOf', [settlement, digests]), statement);
  const domain = { name: 'ZKReceiptVerifier', version: '1', chainId: evm.chainId, verifyingContract: receipts.address };
  const digest = hashTypedData({ domain, types: kSettlementTypes, primaryType: 'Settlement', message: settlement });
  assert.equal(await receipts.read('settlementDigest', [settlement]), digest);
});

test('refuses the same settlement again, with the same proof or another form of it', async () => {
  const item = await makeItem(setting, receipts);
  const p = item.proof;
  const a = bn254.G1.Point.fromAffine({ x: p[0], y: p[1] });
  const b = bn254.G2.Point.fromAffine({ x: { c0: p[3], c1: p[2] }, y: { c0: p[5], c1: p[4] } });
  const words = (s, t) => [s.toAffine().x, s.toAffine().y, t.toAffine().x.c1, t.toAffine().x.c0, t.toAffine().y.c1, t.toAffine().y.c0, p[6], p[7]];
  const others = [
    p,
    [p[0], Q - p[1], p[2], p[3], Q - p[4], Q - p[5], p[6], p[7]],  // (-A, -B, C)
    words(a.multiply(3n), b.multiply(bn254.fields.Fr.inv(3n))),
    await prove(keys.receipt, item.statement),  // made anew
  ];
  for (const proof of others) assert.equal(await check({ ...item, proof }), item.statement);  // each would have done
  await record(item);
  for (const proof of others) await assertReverts(record({ ...item, proof }), 'AlreadyRecorded', [item.settlement.receiptHash]);
  await assertReverts(check(item), 'AlreadyRecorded');
});

test('a receipt is settled once, whatever digests, amount or nonce another statement has', async () => {
  const item = await makeItem(setting, receipts);
  await record(item);
  const digests = { ...item.digests, outputHash: randomDigest() };  // under the same signature
  const proof = await prove(keys.receipt, receiptStatement(item.settlement, digests, place()));
  await assertReverts(record({ ...item, digests, proof }), 'AlreadyRecorded');
  for (const change of [{ amount: 7n }, { nonce: 2n }, { deadline: evm.now + 7n }, { recipient: stranger.address }]) {
    const other = await makeItem(setting, receipts, { receiptHash: item.settlement.receiptHash, ...change }, item.digests);
    await assertReverts(record(other), 'AlreadyRecorded');
  }
});

test('refuses each altered field of the settlement: the signature does not cover it', async () => {
  const item = await makeItem(setting, receipts);
  const { settlement } = item;
  const altered = {
    receiptHash: randomHash(), recipient: stranger.address, amount: settlement.amount + 1n, nonce: settlement.nonce + 1n, deadline: settlement.deadline + 1n,
  };
  for (const [field, value] of Object.entries(altered)) {
    const other = { ...settlement, [field]: value };
    await assertReverts(record({ ...item, settlement: other }), 'NotCoordinator');
    // Signed, but proved for another statement.
    await assertReverts(record({ ...item, settlement: other, signature: await sign(other, place()) }), 'ProofInvalid');
    // Proved, but signed for another settlement: what a provider could do alone.
    const proof = await prove(keys.receipt, receiptStatement(other, item.digests, place()));
    await assertReverts(record({ ...item, settlement: other, proof }), 'NotCoordinator');
  }
  await record(item);
});

test('refuses each altered digest: the proof does not cover it', async () => {
  const item = await makeItem(setting, receipts);
  for (const field of ['modelHash', 'inputHash', 'outputHash']) {
    await assertReverts(record({ ...item, digests: { ...item.digests, [field]: randomDigest() } }), 'ProofInvalid');
    const doubled = `0x${(BigInt(item.digests[field]) + R).toString(16).padStart(64, '0')}`;
    await assertReverts(record({ ...item, digests: { ...item.digests, [field]: doubled } }), 'ProofInvalid');
  }
});

test('refuses a proof with words altered or points off the curve', async () => {
  const item = await makeItem(setting, receipts);
  for (let i = 0; i < 8; ++i) await assertReverts(record({ ...item, proof: item.proof.map((word, j) => (i === j ? word + 1n : word)) }), 'InvalidPoint');
  await assertReverts(record({ ...item, proof: new Array(8).fill(0n) }), 'ProofInvalid');
});

test('a settlement that is seen and copied pays the same recipient', async () => {
  const item = await makeItem(setting, receipts);
  const { events } = await record(item, { from: stranger });
  assert.equal(events[0].args.recipient, provider.address);
  const redirected = { ...item, settlement: { ...item.settlement, recipient: stranger.address } };
  await assertReverts(record(redirected, { from: stranger }), 'AlreadyRecorded');
});

test('refuses what was meant for another contract', async () => {
  const other = setting.tokenReceipts;
  const item = await makeItem(setting, other);
  await assertReverts(record(item), 'NotCoordinator');
  // Signed for this one, but proved for the other.
  await assertReverts(record({ ...item, signature: await sign(item.settlement, place()) }), 'ProofInvalid');
  await other.send('verifyAndRecord', itemArgs(item));
});

test('refuses what was meant for another chain, on either side of a split as well', async () => {
  const split = await evm.split(4242);
  const there = receipts.on(split);
  const item = await makeItem(setting, receipts);
  await assertReverts(check(item, there), 'NotCoordinator');
  await assertReverts(check({ ...item, signature: await sign(item.settlement, place(receipts, 4242)) }, there), 'ProofInvalid');
  const meantForThere = await makeItem({ ...setting, evm: split }, receipts);
  await assertReverts(check(meantForThere), 'NotCoordinator');
  assert.equal(await check(meantForThere, there), meantForThere.statement);
});

test('takes a settlement at its deadline and refuses it a second later', async () => {
  const item = await makeItem(setting, receipts, { deadline: evm.now });
  assert.equal(await check(item), item.statement);
  evm.now += 1n;
  await assertReverts(record(item), 'Expired', [item.settlement.deadline]);
});

test('refuses signatures of others, malleated ones, and impossible ones', async () => {
  const item = await makeItem(setting, receipts);
  const { signature } = item;
  const { r, s, v } = signature;
  const word = (value) => `0x${value.toString(16).padStart(64, '0')}`;
  for (const by of [provider, stranger, owner]) {
    await assertReverts(record({ ...item, signature: await sign(item.settlement, { ...place(), by }) }), 'NotCoordinator', [by.address]);
  }
  const refused = [
    { r, s: word(kOrder - BigInt(s)), v: 55 - v },  // valid for the curve, but s is high
    { r, s: word(kOrder / 2n + 1n), v }, { r, s: word(2n ** 256n - 1n), v },
    { r, s, v: 0 }, { r, s, v: 1 }, { r, s, v: 26 }, { r, s, v: 29 }, { r, s, v: 255 },
    { r: word(0n), s, v }, { r, s: word(0n), v }, { r: word(kOrder), s, v },
  ];
  for (const bad of refused) await assertReverts(record({ ...item, signature: bad }), 'InvalidSignature');
  await assertReverts(record({ ...item, signature: { r, s, v: 55 - v } }), 'NotCoordinator');
  await assertReverts(record({ ...item, signature: { r, s: word(kOrder / 2n), v } }), 'NotCoordinator');  // the greatest s
});

test('refuses the zero address as recipient', async () => {
  await assertReverts(record(await makeItem(setting, receipts, { recipient: `0x${'00'.repeat(20)}` })), 'ZeroAddress');
});

test('refuses verifiers that nobody authorised, or that were revoked', async () => {
  const item = await makeItem(setting, receipts);
  const own = await evm.deploy(setting.artifacts.ReceiptVerifier);  // the caller's own, even the same code
  for (const address of [own.address, stranger.address, receipts.address]) {
    await assertReverts(record({ ...item, verifier: address }), 'VerifierNotAuthorised');
  }
  await receipts.send('revokeVerifier', [setting.verifier.address]);
  await assertReverts(record(item), 'VerifierNotAuthorised');
  await assertReverts(receipts.send('revokeVerifier', [setting.verifier.address]), 'VerifierNotAuthorised');
  await setting.authorise(receipts, setting.verifier);
  await record(item);
});

test('authorises a verifier only with the hashes of its circuit and its key', async () => {
  const { verifier, modelVerifier } = setting;
  const hashes = async (contract) => [await contract.read('CIRCUIT_HASH'), await contract.read('KEY_HASH')];
  const [circuit, key] = await hashes(modelVerifier);
  const [otherCircuit, otherKey] = await hashes(verifier);
  const before = await receipts.read('isAuthorisedVerifier', [modelVerifier.address]);
  await assertReverts(receipts.send('authoriseVerifier', [modelVerifier.address, otherCircuit, otherKey]), 'WrongCircuit', [otherCircuit, circuit]);
  await assertReverts(receipts.send('authoriseVerifier', [modelVerifier.address, circuit, otherKey]), 'WrongKey', [otherKey, key]);
  await assert.rejects(receipts.send('authoriseVerifier', [stranger.address, circuit, key]));
  assert.equal(before, false);
  assert.equal(await receipts.read('isAuthorisedVerifier', [modelVerifier.address]), false);
  const second = await compileVerifier(await makeKey('receipt_stand_in'), 'SecondKey');
  const deployed = await evm.deploy(second, [], owner, receipts.errors);
  assert.equal(await deployed.read('CIRCUIT_HASH'), otherCircuit);  // the same circuit under another key
  await assertReverts(receipts.send('authoriseVerifier', [deployed.address, otherCircuit, otherKey]), 'WrongKey');
});

test('a coordinator takes signatures back, for good', async () => {
  const second = account(9);
  await receipts.send('authoriseCoordinator', [second.address]);
  const item = await makeItem(setting, receipts, { nonce: 6n });
  const signature = await sign(item.settlement, { ...place(), by: second });
  await receipts.send('voidNoncesBelow', [7n], { from: second });
  await assertReverts(record({ ...item, signature }), 'NonceVoided', [6n, 7n]);
  for (const least of [7n, 3n, 0n]) await assertReverts(receipts.send('voidNoncesBelow', [least], { from: second }), 'NonceNotHigher', [7n]);
  // Revoked and authorised again, the old signatures stay void.
  await receipts.send('revokeCoordinator', [second.address]);
  await assertReverts(record({ ...item, signature }), 'NotCoordinator');
  await assertReverts(receipts.send('voidNoncesBelow', [8n], { from: second }), 'NotCoordinator');
  await receipts.send('authoriseCoordinator', [second.address]);
  await assertReverts(record({ ...item, signature }), 'NonceVoided');
  await record(item);  // another coordinator's signature stands
  const next = await makeItem(setting, receipts, { nonce: 7n });
  await record({ ...next, signature: await sign(next.settlement, { ...place(), by: second }) });
});

test('a batch records the good items and reports the others', async () => {
  const good = [await makeItem(setting, receipts), await makeItem(setting, receipts), await makeItem(setting, receipts)];
  const bad = await makeItem(setting, receipts);
  const items = [
    good[0],
    { ...bad, proof: bad.proof.map((word, i) => (i === 0 ? word + 1n : word)) },
    good[1],
    good[1],
    { ...bad, digests: { ...bad.digests, outputHash: randomDigest() } },
    { ...bad, verifier: stranger.address },
    { ...bad, signature: { ...bad.signature, v: 29 } },
    good[2],
  ];
  const { value, events, gasUsed } = await receipts.send('batchVerify', [items]);
  assert.equal(value, 3n);
  assert.deepEqual(events.filter(({ eventName }) => eventName === 'ProofVerified').map(({ args }) => args.receiptHash),
    good.map(({ settlement }) => settlement.receiptHash));
  assert.deepEqual(events.filter(({ eventName }) => eventName === 'ProofVerificationFailed').map(({ args }) => [args.index, args.receiptHash, args.reason]), [
    [1n, bad.settlement.receiptHash, toFunctionSelector('InvalidPoint()')],
    [3n, good[1].settlement.receiptHash, toFunctionSelector('AlreadyRecorded(bytes32)')],
    [4n, bad.settlement.receiptHash, toFunctionSelector('ProofInvalid()')],
    [5n, bad.settlement.receiptHash, toFunctionSelector('VerifierNotAuthorised(address)')],
    [6n, bad.settlement.receiptHash, toFunctionSelector('InvalidSignature()')],
  ]);
  assert.ok(gasUsed < 2_000_000n, `${gasUsed}`);
  for (const { settlement, statement } of good) assert.equal(await receipts.read('recordedStatement', [settlement.receiptHash]), statement);
  assert.equal(await receipts.read('recordedStatement', [bad.settlement.receiptHash]), kZero);
});

test('a batch has 1 to 16 items, and gas for each', async () => {
  await assertReverts(receipts.send('batchVerify', [[]]), 'BatchSize', [0n]);
  const item = { ...(await makeItem(setting, receipts)), verifier: stranger.address };  // refused at once
  await assertReverts(receipts.send('batchVerify', [new Array(17).fill(item)]), 'BatchSize', [17n]);
  assert.equal((await receipts.send('batchVerify', [new Array(16).fill(item)])).value, 0n);
  // With little gas, good items must not be reported as bad.
  const good = await makeItem(setting, receipts);
  for (let gas = 60_000n; gas < 540_000n; gas += 60_000n) await assert.rejects(receipts.send('batchVerify', [[good]], { gas }));
  assert.equal((await receipts.send('batchVerify', [[good]], { gas: 600_000n })).value, 1n);
});

test('owner and consumer: who may do what', async () => {
  const calls = [
    ['authoriseVerifier', [stranger.address, kZero, kZero]], ['revokeVerifier', [setting.verifier.address]],
    ['authoriseCoordinator', [stranger.address]], ['revokeCoordinator', [coordinator.address]], ['setConsumer', [stranger.address]],
    ['transferOwnership', [stranger.address]],
  ];
  for (const from of [stranger, coordinator, provider]) {
    for (const [name, args] of calls) await assertReverts(receipts.send(name, args, { from }), 'NotOwner', [from.address]);
    await assertReverts(receipts.send('acceptOwnership', [], { from }), 'NotPendingOwner', [from.address]);
  }
  await assertReverts(receipts.send('authoriseCoordinator', [`0x${'00'.repeat(20)}`]), 'ZeroAddress');
  await assertReverts(receipts.send('setConsumer', [`0x${'00'.repeat(20)}`]), 'ZeroAddress');
  await assertReverts(receipts.send('revokeCoordinator', [stranger.address]), 'NotCoordinator');
  await assertReverts(setting.tokenReceipts.send('setConsumer', [stranger.address]), 'ConsumerAlreadySet');
  await assertReverts(evm.deploy(setting.artifacts.ZKReceiptVerifier, [`0x${'00'.repeat(20)}`], owner, receipts.errors), 'ZeroAddress');
});

test('ownership changes hands in two steps, and an offer can be taken back', async () => {
  const other = await setting.deploy('ZKReceiptVerifier', [owner.address]);
  await other.send('transferOwnership', [stranger.address]);
  assert.equal(await other.read('owner'), owner.address);
  await other.send('transferOwnership', [`0x${'00'.repeat(20)}`]);
  await assertReverts(other.send('acceptOwnership', [], { from: stranger }), 'NotPendingOwner');
  await other.send('transferOwnership', [stranger.address]);
  await assertReverts(other.send('acceptOwnership', [], { from: provider }), 'NotPendingOwner');
  await other.send('acceptOwnership', [], { from: stranger });
  assert.equal(await other.read('owner'), stranger.address);
  await assertReverts(other.send('transferOwnership', [owner.address]), 'NotOwner');
  await assertReverts(other.send('acceptOwnership', [], { from: stranger }), 'NotPendingOwner');
});

test('recording costs less than 275,000 gas', async () => {
  await record(await makeItem(setting, receipts));
  const item = await makeItem(setting, receipts, { amount: 2n ** 128n - 1n, nonce: 2n ** 64n - 1n, deadline: 2n ** 64n - 1n });
  const { gasUsed } = await record(item);
  assert.ok(gasUsed < 275_000n, `${gasUsed}`);
  console.log(`verifyAndRecord: ${gasUsed} gas`);
});
