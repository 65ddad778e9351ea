// On a node, over JSON-RPC: deploy, register, settle, mint, pay, refuse.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Anvil } from './anvil.mjs';
import { prove, stopThreads } from './keys.mjs';
import {
  assertReverts, client, deployAll, itemArgs, makeArtifacts, makeItem, modelStatement, provider, Q, randomDigest, randomHash, stranger,
} from './setting.mjs';

let setting, anvil;
before(async () => {
  anvil = await Anvil.start();
  setting = await deployAll(await makeArtifacts(), anvil);
});
after(async () => {
  anvil?.stop();
  await stopThreads();
});

test('code on the chain is the compiled code, apart from immutables', async () => {
  for (const [name, contract] of [['ReceiptVerifier', setting.verifier], ['ZKReceiptVerifier', setting.receipts], ['JobEscrow', setting.escrow]]) {
    const { deployedBytecode, immutableReferences } = setting.artifacts[name];
    const code = Buffer.from((await anvil.rpc('eth_getCode', [contract.address, 'latest'])).slice(2), 'hex');
    for (const gap of Object.values(immutableReferences).flat()) code.fill(0, gap.start, gap.start + gap.length);
    assert.equal(`0x${code.toString('hex')}`, deployedBytecode, name);
  }
});

test('a model is registered by who proves it, and nobody else', async () => {
  const { registry, modelVerifier, keys } = setting;
  const modelHash = randomDigest(), architectureHash = randomDigest();
  const statement = modelStatement({ chainId: anvil.chainId, contract: registry.address, owner: provider.address, modelHash, architectureHash });
  const args = [modelVerifier.address, modelHash, architectureHash, randomHash(), 3n, await prove(keys.model, statement)];
  await assertReverts(registry.send('register', args, { from: stranger }), 'ProofInvalid');
  const { events } = await registry.send('register', args, { from: provider });
  assert.deepEqual(events.map(({ eventName }) => eventName), ['ModelRegistered', 'VersionAdded']);
  await assertReverts(registry.send('register', args, { from: provider }), 'AlreadyRegistered');
});

test('a receipt is settled and minted once', async () => {
  const { token, tokenReceipts } = setting;
  const item = await makeItem(setting, tokenReceipts);
  const record = (change = {}) => tokenReceipts.send('verifyAndRecord', itemArgs({ ...item, ...change }), { from: stranger });
  for (const field of Object.keys(item.digests)) await assertReverts(record({ digests: { ...item.digests, [field]: randomDigest() } }), 'ProofInvalid');
  const altered = { receiptHash: randomHash(), recipient: stranger.address, amount: 1n, nonce: 2n, deadline: item.settlement.deadline + 1n };
  for (const [field, value] of Object.entries(altered)) await assertReverts(record({ settlement: { ...item.settlement, [field]: value } }), 'NotCoordinator');
  const { gasUsed } = await record();
  assert.ok(gasUsed < 275_000n, `${gasUsed}`);
  const p = item.proof;
  await assertReverts(record(), 'AlreadyRecorded');
  await assertReverts(record({ proof: [p[0], Q - p[1], p[2], p[3], Q - p[4], Q - p[5], p[6], p[7]] }), 'AlreadyRecorded');
  await token.send('mint', [item.settlement, item.digests], { from: stranger });
  assert.equal(await token.read('balanceOf', [provider.address]), item.settlement.amount);
  await assertReverts(token.send('mint', [item.settlement, item.digests]), 'AlreadyConsumed');
});

test('what was signed and proved for one contract settles in no other', async () => {
  const { escrowReceipts, tokenReceipts } = setting;
  await assertReverts(escrowReceipts.send('verifyAndRecord', itemArgs(await makeItem(setting, tokenReceipts))), 'NotCoordinator');
});

test('a job is paid for a proof, another refunded after its deadline', async () => {
  const { escrow, escrowReceipts } = setting;
  const modelHash = randomDigest(), inputHash = randomDigest(), deposit = 10n ** 18n;
  const open = async () => (await escrow.send('open', [provider.address, modelHash, inputHash, anvil.now + 100_000n], { from: client, value: deposit })).value;
  const job = await open(), other = await open();
  const item = await makeItem(setting, escrowReceipts, { nonce: job, amount: deposit / 2n, deadline: anvil.now + 90_000n }, { modelHash, inputHash });
  await assertReverts(escrow.send('settleAndRelease', [other, ...itemArgs(item)]), 'WrongSettlement');
  await escrow.send('settleAndRelease', [job, ...itemArgs(item)]);
  const before = await anvil.balance(provider.address);
  await escrow.send('withdraw', [], { from: provider });
  assert.ok(await anvil.balance(provider.address) > before + deposit / 2n - 10n ** 16n);  // less the fee
  await assertReverts(escrow.send('refund', [other]), 'NotYetRefundable');
  await anvil.advance(200_000n);
  await assertReverts(escrow.send('refund', [job]), 'JobNotOpen');
  await escrow.send('refund', [other]);
  assert.equal(await escrow.read('credit', [client.address]), deposit / 2n + deposit);
});

test('an old offer is not settled', async () => {
  const item = await makeItem(setting, setting.receipts, { deadline: anvil.now - 1n });
  await assertReverts(setting.receipts.send('verifyAndRecord', itemArgs(item)), 'Expired');
});
