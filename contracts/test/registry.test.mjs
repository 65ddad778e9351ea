// ModelRegistry: models belong to who proved to know them.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { prove, stopThreads } from './keys.mjs';
import {
  assertReverts, client, deployAll, makeArtifacts, modelStatement, owner, provider, randomDigest, randomHash, receiptStatement, stranger,
} from './setting.mjs';

let setting, evm, registry;
before(async () => {
  setting = await deployAll(await makeArtifacts());
  ({ evm, registry } = setting);
});
after(stopThreads);

const place = () => ({ chainId: evm.chainId, contract: registry.address });

/// What a registration takes, with a proof for its owner.
async function makeModel(who = provider, change = {}) {
  const model = { modelHash: randomDigest(), architectureHash: randomDigest(), commitment: randomHash(), ...change };
  const proof = await prove(setting.keys.model, modelStatement({ ...place(), owner: who.address, ...model, ...change.stated }));
  return { verifier: setting.modelVerifier.address, ...model, proof };
}
const kPrice = 3n;
const register = ({ verifier, modelHash, architectureHash, commitment, proof }, from = provider) =>
  registry.send('register', [verifier, modelHash, architectureHash, commitment, kPrice, proof], { from });
const add = (number, { verifier, modelHash, architectureHash, commitment, proof }, from = provider) =>
  registry.send('addVersion', [verifier, number, modelHash, architectureHash, commitment, proof], { from });

test('registers a model with its first version, and adds others', async () => {
  const model = await makeModel();
  const { value: number, events } = await register(model);
  assert.deepEqual(events.map(({ eventName }) => eventName), ['ModelRegistered', 'VersionAdded']);
  assert.deepEqual(await registry.read('models', [number]), [provider.address, 1n, `0x${'00'.repeat(20)}`, kPrice]);
  assert.deepEqual(await registry.read('versions', [number, 1n]), [model.modelHash, model.architectureHash, model.commitment]);
  assert.equal(await registry.read('modelOf', [model.modelHash]), number);
  const next = await makeModel();
  const { value: version } = await add(number, next);
  assert.equal(version, 2n);
  assert.deepEqual(await registry.read('versions', [number, 2n]), [next.modelHash, next.architectureHash, next.commitment]);
  assert.equal(await registry.read('modelOf', [next.modelHash]), number);
  const { value: second } = await register(await makeModel());
  assert.equal(second, number + 1n);
});

test('the statement is that of the specification', async () => {
  const { modelHash, architectureHash } = await makeModel();
  assert.equal(await registry.read('statementOf', [client.address, modelHash, architectureHash]),
    modelStatement({ ...place(), owner: client.address, modelHash, architectureHash }));
});

test('a proof that was seen and copied registers nothing for another', async () => {
  const model = await makeModel();
  await assertReverts(register(model, stranger), 'ProofInvalid');
  const { value: number } = await register(await makeModel(stranger), stranger);
  await assertReverts(add(number, model, stranger), 'ProofInvalid');
  await register(model);  // and its owner still can
});

test('refuses each altered field, another contract, another chain, another kind of statement', async () => {
  const model = await makeModel();
  await assertReverts(register({ ...model, modelHash: randomDigest() }), 'ProofInvalid');
  await assertReverts(register({ ...model, architectureHash: randomDigest() }), 'ProofInvalid');
  await assertReverts(register({ ...model, proof: model.proof.map((word, i) => (i === 7 ? word + 1n : word)) }), 'InvalidPoint');
  const other = await setting.deploy('ModelRegistry', [owner.address]);
  await setting.authorise(other, setting.modelVerifier);
  await assertReverts(register(await makeModel(provider, { stated: { contract: other.address } })), 'ProofInvalid');
  await assertReverts(register(await makeModel(provider, { stated: { chainId: 1 } })), 'ProofInvalid');
  const settlement = { receiptHash: randomHash(), recipient: provider.address, amount: 1n, nonce: 1n, deadline: 1n };
  const receipt = receiptStatement(settlement, { ...model, inputHash: randomDigest(), outputHash: randomDigest() }, place());
  await assertReverts(register({ ...model, proof: await prove(setting.keys.model, receipt) }), 'ProofInvalid');
});

test('registers a model hash once', async () => {
  const model = await makeModel();
  const { value: number } = await register(model);
  await assertReverts(register(model), 'AlreadyRegistered', [model.modelHash, number]);
  await assertReverts(add(number, model), 'AlreadyRegistered');
  const elsewhere = await makeModel(stranger, { modelHash: model.modelHash, architectureHash: model.architectureHash });
  await assertReverts(register(elsewhere, stranger), 'AlreadyRegistered');
});

test('takes only verifiers that the owner authorised', async () => {
  const model = await makeModel();
  await assertReverts(register({ ...model, verifier: setting.verifier.address }), 'VerifierNotAuthorised');
  await assertReverts(registry.send('revokeVerifier', [setting.modelVerifier.address], { from: provider }), 'NotOwner');
  await registry.send('revokeVerifier', [setting.modelVerifier.address]);
  await assertReverts(register(model), 'VerifierNotAuthorised');
  await setting.authorise(registry, setting.modelVerifier);
  await register(model);
});

test('only its owner changes a model', async () => {
  const { value: number } = await register(await makeModel());
  for (const from of [stranger, owner]) {
    await assertReverts(registry.send('setPrice', [number, 9n], { from }), 'NotModelOwner', [number, from.address]);
    await assertReverts(registry.send('transferModel', [number, from.address], { from }), 'NotModelOwner');
    await assertReverts(add(number, await makeModel(from), from), 'NotModelOwner');
  }
  const { events } = await registry.send('setPrice', [number, 2n ** 128n - 1n], { from: provider });
  assert.deepEqual(events[0].args, { model: number, price: 2n ** 128n - 1n });
  for (const none of [0n, number + 1n, 2n ** 64n - 1n]) await assertReverts(registry.send('setPrice', [none, 9n], { from: provider }), 'NotModelOwner');
  assert.equal((await registry.read('models', [number]))[3], 2n ** 128n - 1n);
});

test('models change hands in two steps', async () => {
  const { value: number } = await register(await makeModel());
  await assertReverts(registry.send('acceptModel', [number], { from: client }), 'NotPendingModelOwner');
  await registry.send('transferModel', [number, client.address], { from: provider });
  await assertReverts(registry.send('acceptModel', [number], { from: stranger }), 'NotPendingModelOwner');
  await registry.send('acceptModel', [number], { from: client });
  await assertReverts(registry.send('acceptModel', [number], { from: client }), 'NotPendingModelOwner');
  assert.equal((await registry.read('models', [number]))[0], client.address);
  await assertReverts(registry.send('setPrice', [number, 1n], { from: provider }), 'NotModelOwner');
  await assertReverts(add(number, await makeModel()), 'NotModelOwner');
  await add(number, await makeModel(client), client);
});
