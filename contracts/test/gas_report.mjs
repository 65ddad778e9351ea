// The gas that each transaction uses, base cost and call data included:  npm run gas -- OUT.json [COMMIT]
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { kSettings } from '../build.mjs';
import { kHardfork } from './evm.mjs';
import { prove, stopThreads } from './keys.mjs';
import { client, deployAll, halves, itemArgs, makeArtifacts, makeItem, modelStatement, provider, randomDigest, randomHash } from './setting.mjs';

const [out, commit] = process.argv.slice(2);
if (!out) {
  console.error('Usage: npm run gas -- OUT.json [COMMIT]');
  process.exit(2);
}
const version = (name) => {
  const require = createRequire(import.meta.url);
  let folder = path.dirname(require.resolve(name));
  while (!fs.existsSync(path.join(folder, 'package.json')) || !JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8')).version) folder = path.dirname(folder);
  return JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8')).version;
};

const setting = await deployAll(await makeArtifacts());
const { evm, receipts, token, tokenReceipts, escrow, escrowReceipts, registry, keys, artifacts } = setting;
const gas = {};
const note = (name, { gasUsed }) => { gas[name] = Number(gasUsed); };
const pick = ({ settlement, digests }) => [settlement, digests];

note('deploy Groth16Verifier, 2 inputs', setting.verifier);
for (const [name, contract] of Object.entries({ ZKReceiptVerifier: receipts, AIToken: token, JobEscrow: escrow, ModelRegistry: registry })) note(`deploy ${name}`, contract);

// Not the first settlement, so that nothing but its own slot is new.
await receipts.send('verifyAndRecord', itemArgs(await makeItem(setting, receipts)));
const item = await makeItem(setting, receipts);
note('Groth16Verifier.verifyProof, 2 inputs', await setting.verifier.send('verifyProof', [item.proof, halves(item.statement)]));
note('ZKReceiptVerifier.verifyReceiptProof', await receipts.send('verifyReceiptProof', itemArgs(item)));
note('ZKReceiptVerifier.verifyAndRecord', await receipts.send('verifyAndRecord', itemArgs(item)));
for (const count of [1, 8, 16]) {
  const items = [];
  while (items.length < count) items.push(await makeItem(setting, receipts));
  note(`ZKReceiptVerifier.batchVerify, ${count}`, await receipts.send('batchVerify', [items]));
}
for (let i = 0; i < 2; ++i) {  // the second time the recipient has tokens already
  const recorded = await makeItem(setting, tokenReceipts);
  await tokenReceipts.send('verifyAndRecord', itemArgs(recorded));
  note('AIToken.mint, recorded before', await token.send('mint', pick(recorded)));
}
note('AIToken.settleAndMint', await token.send('settleAndMint', itemArgs(await makeItem(setting, tokenReceipts))));
await token.send('transfer', [client.address, 5n], { from: provider });
note('AIToken.transfer', await token.send('transfer', [client.address, 5n], { from: provider }));

const modelHash = randomDigest(), inputHash = randomDigest(), deposit = 10n ** 18n;
const open = (seconds) => escrow.send('open', [provider.address, modelHash, inputHash, evm.now + seconds], { from: client, value: deposit });
const settle = (nonce) => makeItem(setting, escrowReceipts, { nonce, amount: deposit / 2n }, { modelHash, inputHash });
const first = await open(3600n);
await escrow.send('settleAndRelease', [first.value, ...itemArgs(await settle(first.value))]);
const second = await open(3600n), recorded = await settle(second.value);
note('JobEscrow.open', second);
await escrowReceipts.send('verifyAndRecord', itemArgs(recorded));
note('JobEscrow.release, recorded before', await escrow.send('release', [second.value, ...pick(recorded)]));
const third = await open(3600n);
note('JobEscrow.settleAndRelease', await escrow.send('settleAndRelease', [third.value, ...itemArgs(await settle(third.value))]));
const fourth = await open(1n);
evm.now += 2n;
note('JobEscrow.refund', await escrow.send('refund', [fourth.value]));
note('JobEscrow.withdraw', await escrow.send('withdraw', [], { from: provider }));

const statementOf = (hashes) => modelStatement({ chainId: evm.chainId, contract: registry.address, owner: provider.address, ...hashes });
const model = async () => {
  const hashes = { modelHash: randomDigest(), architectureHash: randomDigest() };
  return { ...hashes, commitment: randomHash(), proof: await prove(keys.model, statementOf(hashes)) };
};
const a = await model(), b = await model();
const registered = await registry.send('register', [setting.modelVerifier.address, a.modelHash, a.architectureHash, a.commitment, 3n, a.proof], { from: provider });
note('ModelRegistry.register', registered);
note('ModelRegistry.addVersion', await registry.send('addVersion', [setting.modelVerifier.address, registered.value, b.modelHash, b.architectureHash, b.commitment, b.proof], { from: provider }));

const report = {
  command: 'npm run gas', commit: commit ?? null, compiler: artifacts.AIToken.compiler.version, settings: kSettings, evm: `@ethereumjs/vm ${version('@ethereumjs/vm')}`,
  hardfork: kHardfork, note: 'gas used as a node charges it: base cost, call data, execution, refunds', gas,
};
fs.writeFileSync(out, `${JSON.stringify(report, null, 1)}\n`);
for (const [name, used] of Object.entries(gas)) console.log(`${name.padEnd(48)}${used.toLocaleString('en').padStart(12)}`);
await stopThreads();
