// AIToken and JobEscrow: what recorded settlements are good for, once.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { account } from './evm.mjs';
import { stopThreads } from './keys.mjs';
import {
  assertReverts, client, coordinator, deployAll, itemArgs, makeArtifacts, makeItem, owner, provider, randomDigest, stranger,
} from './setting.mjs';

let setting, evm, token, tokenReceipts, escrow, escrowReceipts;
before(async () => {
  setting = await deployAll(await makeArtifacts());
  ({ evm, token, tokenReceipts, escrow, escrowReceipts } = setting);
});
after(stopThreads);

const kZeroAddress = `0x${'00'.repeat(20)}`;
const pick = ({ settlement, digests }) => [settlement, digests];
const record = (item, receipts = tokenReceipts) => receipts.send('verifyAndRecord', itemArgs(item));
const balance = (who) => token.read('balanceOf', [who.address ?? who]);

test('AIToken mints the settled amount to the recipient, once, whoever asks', async () => {
  const item = await makeItem(setting, tokenReceipts);
  const before = await balance(provider), supply = await token.read('totalSupply');
  await assertReverts(token.send('mint', pick(item)), 'NotRecorded', [item.settlement.receiptHash]);
  await record(item);
  const { events } = await token.send('mint', pick(item), { from: stranger });
  assert.deepEqual(events.map(({ eventName, args }) => [eventName, ...Object.values(args)]), [
    ['Transfer', kZeroAddress, provider.address, item.settlement.amount],
    ['ReceiptMinted', item.settlement.receiptHash, provider.address, item.settlement.amount],
  ]);
  assert.equal(await balance(provider), before + item.settlement.amount);
  assert.equal(await balance(stranger), 0n);
  assert.equal(await token.read('totalSupply'), supply + item.settlement.amount);
  await assertReverts(token.send('mint', pick(item)), 'AlreadyConsumed', [item.settlement.receiptHash]);
  await assertReverts(token.send('settleAndMint', itemArgs(item)), 'AlreadyConsumed');
});

test('AIToken mints nothing but what was recorded, field by field', async () => {
  const item = await makeItem(setting, tokenReceipts);
  await record(item);
  const { settlement, digests } = item;
  const altered = [
    { recipient: stranger.address }, { amount: settlement.amount + 1n }, { nonce: 2n }, { deadline: settlement.deadline + 1n },
  ].map((change) => [{ ...settlement, ...change }, digests]);
  for (const field of Object.keys(digests)) altered.push([settlement, { ...digests, [field]: randomDigest() }]);
  for (const args of altered) await assertReverts(token.send('mint', args), 'NotRecorded');
  await token.send('mint', pick(item));
});

test('AIToken records and mints in one transaction, also after somebody recorded first', async () => {
  const item = await makeItem(setting, tokenReceipts), before = await balance(provider);
  await token.send('settleAndMint', itemArgs(item));
  assert.equal(await balance(provider), before + item.settlement.amount);
  const seen = await makeItem(setting, tokenReceipts);
  await tokenReceipts.send('verifyAndRecord', itemArgs(seen), { from: stranger });
  await token.send('settleAndMint', itemArgs(seen));
  assert.equal(await balance(provider), before + item.settlement.amount + seen.settlement.amount);
  const bad = await makeItem(setting, tokenReceipts);
  await assertReverts(token.send('settleAndMint', itemArgs({ ...bad, digests: { ...bad.digests, outputHash: randomDigest() } })), 'ProofInvalid');
  await assertReverts(token.send('settleAndMint', itemArgs({ ...bad, signature: { ...bad.signature, v: 29 } })), 'InvalidSignature');
});

test('what one contract settles, another does not mint', async () => {
  const forEscrow = await makeItem(setting, escrowReceipts);
  await record(forEscrow, escrowReceipts);
  await assertReverts(token.send('mint', pick(forEscrow)), 'NotRecorded');
  await assertReverts(token.send('settleAndMint', itemArgs(forEscrow)), 'NotCoordinator');
  const second = await setting.deploy('AIToken', [owner.address, tokenReceipts.address, 'Second', 'TWO', 10n ** 27n]);
  const item = await makeItem(setting, tokenReceipts);
  await record(item);
  await assertReverts(second.send('mint', pick(item)), 'NotConsumer');
  await token.send('mint', pick(item));
  await assert.rejects(setting.deploy('AIToken', [owner.address, stranger.address, 'No receipts', 'NO', 1n]));
});

test('AIToken keeps to its cap, to the unit', async () => {
  const receipts = await setting.deploy('ZKReceiptVerifier', [owner.address]);
  await setting.authorise(receipts, setting.verifier);
  await receipts.send('authoriseCoordinator', [coordinator.address]);
  const small = await setting.deploy('AIToken', [owner.address, receipts.address, 'Small', 'S', 100n]);
  await receipts.send('setConsumer', [small.address]);
  const settle = async (amount) => small.send('settleAndMint', itemArgs(await makeItem(setting, receipts, { amount })));
  await settle(60n);
  await assertReverts(settle(41n), 'CapExceeded', [100n, 101n]);
  await assertReverts(settle(2n ** 128n - 1n), 'CapExceeded');
  await settle(40n);
  await settle(0n);
  await assertReverts(settle(1n), 'CapExceeded');
  assert.equal(await small.read('totalSupply'), 100n);
});

test('AIToken: the guardian stops minting, only the owner resumes it, transfers go on', async () => {
  const guardian = account(8);
  await assertReverts(token.send('setGuardian', [stranger.address], { from: stranger }), 'NotOwner');
  await assertReverts(token.send('pauseMinting', [], { from: guardian }), 'NotGuardian');
  await token.send('setGuardian', [guardian.address]);
  await token.send('pauseMinting', [], { from: guardian });
  const item = await makeItem(setting, tokenReceipts);
  await assertReverts(token.send('settleAndMint', itemArgs(item)), 'MintingIsPaused');
  await record(item);
  await assertReverts(token.send('mint', pick(item)), 'MintingIsPaused');
  await token.send('transfer', [stranger.address, 1n], { from: provider });
  await token.send('transfer', [provider.address, 1n], { from: stranger });
  await assertReverts(token.send('resumeMinting', [], { from: guardian }), 'NotOwner');
  await token.send('resumeMinting');
  await token.send('mint', pick(item));
  await token.send('pauseMinting');
  await token.send('resumeMinting');
});

test('AIToken is an ERC-20', async () => {
  assert.deepEqual([await token.read('name'), await token.read('symbol'), await token.read('decimals')], ['AI token', 'AIT', 18]);
  await token.send('settleAndMint', itemArgs(await makeItem(setting, tokenReceipts)));
  const start = await balance(provider), supply = await token.read('totalSupply');
  const { value, events } = await token.send('transfer', [client.address, 30n], { from: provider });
  assert.equal(value, true);
  assert.deepEqual(events.map(({ eventName, args }) => [eventName, ...Object.values(args)]), [['Transfer', provider.address, client.address, 30n]]);
  assert.deepEqual([await balance(provider), await balance(client)], [start - 30n, 30n]);
  await token.send('transfer', [provider.address, 5n], { from: provider });  // to oneself
  await token.send('transfer', [client.address, 0n], { from: stranger });    // nothing
  assert.deepEqual([await balance(provider), await balance(client)], [start - 30n, 30n]);
  await assertReverts(token.send('transfer', [provider.address, 31n], { from: client }), 'InsufficientBalance', [client.address, 30n, 31n]);
  await assertReverts(token.send('transfer', [kZeroAddress, 1n], { from: client }), 'ZeroAddress');

  const from = (amount, by = stranger) => token.send('transferFrom', [client.address, owner.address, amount], { from: by });
  await assertReverts(from(1n), 'InsufficientAllowance', [client.address, stranger.address, 0n, 1n]);
  assert.equal((await token.send('approve', [stranger.address, 20n], { from: client })).events[0].eventName, 'Approval');
  await from(15n);
  assert.equal(await token.read('allowance', [client.address, stranger.address]), 5n);
  await assertReverts(from(6n), 'InsufficientAllowance');
  await token.send('approve', [stranger.address, 2n ** 256n - 1n], { from: client });
  await assertReverts(from(16n), 'InsufficientBalance');
  await from(15n);
  assert.equal(await token.read('allowance', [client.address, stranger.address]), 2n ** 256n - 1n);
  await assertReverts(token.send('approve', [kZeroAddress, 1n], { from: client }), 'ZeroAddress');
  assert.deepEqual([await balance(client), await balance(owner)], [0n, 30n]);
  assert.equal(await token.read('totalSupply'), supply);
});

const kDeposit = 10n ** 18n;
/// A job of the client for the provider, and a settlement that fits it.
async function makeJob({ deposit = kDeposit, seconds = 3600n, amount = kDeposit / 4n, change = {}, digestChange = {} } = {}) {
  const modelHash = randomDigest(), inputHash = randomDigest();
  const { value: job, events } = await escrow.send('open', [provider.address, modelHash, inputHash, evm.now + seconds], { from: client, value: deposit });
  assert.equal(events[0].eventName, 'JobOpened');
  const item = await makeItem(setting, escrowReceipts, { nonce: job, amount, ...change }, { modelHash, inputHash, ...digestChange });
  return { job, item };
}
const credit = (who) => escrow.read('credit', [who.address]);

test('JobEscrow pays the provider for a valid proof and returns the rest', async () => {
  const { job, item } = await makeJob();
  await assertReverts(escrow.send('release', [job, ...pick(item)]), 'NotRecorded');
  const { events } = await escrow.send('settleAndRelease', [job, ...itemArgs(item)], { from: stranger });
  const released = events.find(({ eventName }) => eventName === 'JobReleased').args;
  assert.deepEqual(released, {
    job, receiptHash: item.settlement.receiptHash, outputHash: item.digests.outputHash, paid: kDeposit / 4n, returned: kDeposit - kDeposit / 4n,
  });
  assert.equal(await credit(provider), kDeposit / 4n);
  assert.equal(await credit(client), kDeposit - kDeposit / 4n);
  for (const [who, amount] of [[provider, kDeposit / 4n], [client, kDeposit - kDeposit / 4n]]) {
    const before = await evm.balance(who.address);
    const { gasUsed } = await escrow.send('withdraw', [], { from: who });
    // The tests fund each transaction with its gas limit at a price of 1; what is not used stays.
    assert.equal(await evm.balance(who.address), before + 16_000_000n - gasUsed + amount);
    await assertReverts(escrow.send('withdraw', [], { from: who }), 'NothingToWithdraw');
  }
  assert.equal(await evm.balance(escrow.address), 0n);
});

test('JobEscrow pays a job once, and a receipt for one job', async () => {
  const { job, item } = await makeJob({ amount: kDeposit });
  await record(item, escrowReceipts);
  await escrow.send('release', [job, ...pick(item)]);
  await assertReverts(escrow.send('release', [job, ...pick(item)]), 'JobNotOpen', [job]);
  await assertReverts(escrow.send('settleAndRelease', [job, ...itemArgs(item)]), 'JobNotOpen');
  evm.now += 4000n;
  await assertReverts(escrow.send('refund', [job]), 'JobNotOpen');
  // The same model and input again, another job: its number is the nonce, and the old settlement has another.
  const { modelHash, inputHash } = item.digests;
  const { value: second } = await escrow.send('open', [provider.address, modelHash, inputHash, evm.now + 60n], { from: client, value: kDeposit });
  await assertReverts(escrow.send('release', [second, ...pick(item)]), 'WrongSettlement', [second]);
  const again = await makeItem(setting, escrowReceipts, { nonce: second, receiptHash: item.settlement.receiptHash }, item.digests);
  await assertReverts(escrow.send('settleAndRelease', [second, ...itemArgs(again)]), 'AlreadyRecorded');
});

test('JobEscrow refuses settlements that are not of the job', async () => {
  for (const change of [
    { change: { recipient: stranger.address } }, { change: { nonce: 999n } }, { amount: kDeposit + 1n },
    { digestChange: { modelHash: randomDigest() } }, { digestChange: { inputHash: randomDigest() } },
  ]) {
    const { job, item } = await makeJob(change);
    await record(item, escrowReceipts);  // a good settlement, but of something else
    await assertReverts(escrow.send('release', [job, ...pick(item)]), 'WrongSettlement', [job]);
  }
  const { item } = await makeJob();
  for (const job of [0n, 2n ** 64n - 1n]) await assertReverts(escrow.send('release', [job, ...pick(item)]), 'JobNotOpen', [job]);
});

test('JobEscrow refunds after the deadline and not before; a proof in between still pays', async () => {
  const { job } = await makeJob();
  const before = await credit(client);
  evm.now += 3600n;  // the last second
  await assertReverts(escrow.send('refund', [job], { from: client }), 'NotYetRefundable');
  evm.now += 1n;
  const { events } = await escrow.send('refund', [job], { from: stranger });
  assert.deepEqual(events.map(({ eventName, args }) => [eventName, ...Object.values(args)]), [['JobRefunded', job, kDeposit]]);
  assert.equal(await credit(client), before + kDeposit);
  await assertReverts(escrow.send('refund', [job]), 'JobNotOpen');

  const late = await makeJob({ seconds: 10n });
  evm.now += 60n;
  await escrow.send('settleAndRelease', [late.job, ...itemArgs(late.item)]);
  await assertReverts(escrow.send('refund', [late.job]), 'JobNotOpen');
});

test('JobEscrow opens jobs with a deposit, a provider and a deadline within a year', async () => {
  const open = (who, deadline, value) => escrow.send('open', [who, randomDigest(), randomDigest(), deadline], { from: client, value });
  await assertReverts(open(kZeroAddress, evm.now + 60n, 1n), 'ZeroAddress');
  await assertReverts(open(provider.address, evm.now + 60n, 0n), 'WrongDeposit');
  await assertReverts(open(provider.address, evm.now + 60n, 2n ** 128n), 'WrongDeposit');
  for (const deadline of [0n, evm.now, evm.now + 365n * 86400n + 1n, 2n ** 64n - 1n]) await assertReverts(open(provider.address, deadline, 1n), 'WrongDeadline');
  await open(provider.address, evm.now + 1n, 1n);
  await open(provider.address, evm.now + 365n * 86400n, 2n ** 128n - 1n);
});

test('JobEscrow: who is called when coins are drawn can not draw them twice', async () => {
  // A contract that calls withdraw() again when it receives coins.
  const { compile } = await import('../build.mjs');
  const { Greedy } = compile({ 'Greedy.sol': `// SPDX-License-Identifier: Apache-2.0
    pragma solidity ^0.8.28;
    interface IEscrow { function withdraw() external; function open(address, bytes32, bytes32, uint64) external payable returns (uint64); function refund(uint64) external; }
    contract Greedy {
      IEscrow immutable escrow; bool public again; bool public refuse;
      constructor(IEscrow e) { escrow = e; }
      function open(uint64 deadline) external payable returns (uint64) { return escrow.open{value: msg.value}(address(1), 0, 0, deadline); }
      function setRefuse(bool value) external { refuse = value; }
      function draw() external { escrow.withdraw(); }
      receive() external payable {
        require(!refuse, "no");
        try escrow.withdraw() { again = true; } catch {}
      }
    }` });
  const greedy = await evm.deploy(Greedy, [escrow.address], owner, escrow.errors);
  greedy.abi = Greedy.abi;
  const { value: job } = await greedy.send('open', [evm.now + 5n], { value: kDeposit });
  evm.now += 6n;
  await escrow.send('refund', [job]);
  await greedy.send('setRefuse', [true]);
  await assertReverts(greedy.send('draw'), 'TransferFailed');
  assert.equal(await escrow.read('credit', [greedy.address]), kDeposit);  // kept for later
  await greedy.send('setRefuse', [false]);
  await greedy.send('draw');
  assert.equal(await greedy.read('again'), false);
  assert.equal(await evm.balance(greedy.address), kDeposit);
  assert.equal(await escrow.read('credit', [greedy.address]), 0n);
});

test('JobEscrow holds what it owes', async () => {
  const held = await evm.balance(escrow.address);
  let owed = 0n;
  for (const who of [provider, client, stranger, owner]) owed += await credit(who);
  const jobs = await escrow.read('jobCount');
  for (let job = 1n; job <= jobs; ++job) {
    const entry = await escrow.read('jobs', [job]);  // client, deadline, state, provider, deposit, ..
    if (entry[2] === 1) owed += entry[4];
  }
  assert.equal(held, owed);
});
