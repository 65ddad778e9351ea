// Contracts with real keys, and settlements to try them with.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodePacked, parseSignature, sha256 } from 'viem';
import { compile } from '../build.mjs';
import { account, errorsAndEvents, Evm } from './evm.mjs';
import { halves, makeKey, prove, temporary } from './keys.mjs';

export const R = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;
export const Q = 21888242871839275222246405745257275088696311157297823662689037894645226208583n;
export const kOrder = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;  // of secp256k1
export const owner = account(0), coordinator = account(1), provider = account(2), client = account(3), stranger = account(4);

/// The text of the verifier for a key.
export function exportVerifier({ vk, r1cs, development = false }, contract) {
  const program = process.env.BLINDPROOF_PROGRAM;
  if (!program) throw new Error('BLINDPROOF_PROGRAM must name the blindproof program, which writes verifiers');
  const out = temporary(`${contract}.sol`);
  execFileSync(program, ['groth16', 'export-verifier', vk, '--circuit', r1cs, '--contract', contract, '--out', out, ...(development ? ['--allow-dev'] : [])],
    { stdio: 'pipe' });
  return fs.readFileSync(out, 'utf8');
}

/// The artifact of the verifier for a key.
export const compileVerifier = (key, contract) => compile({ [`${contract}.sol`]: exportVerifier(key, contract) })[contract];

const kContracts = ['AIToken', 'JobEscrow', 'ModelRegistry', 'ZKReceiptVerifier'];

let made;
/// Keys of both stand-in circuits and the compiled contracts (of `npm run build`), with verifiers ReceiptVerifier and ModelVerifier.
export const makeArtifacts = () => (made ??= makeThem());

async function makeThem() {
  const keys = { receipt: await makeKey('receipt_stand_in'), model: await makeKey('model_stand_in') };
  const artifacts = { ReceiptVerifier: compileVerifier(keys.receipt, 'ReceiptVerifier'), ModelVerifier: compileVerifier(keys.model, 'ModelVerifier') };
  const build = path.join(path.dirname(fileURLToPath(import.meta.url)), '../build');
  for (const name of kContracts) artifacts[name] = JSON.parse(fs.readFileSync(path.join(build, `${name}.json`), 'utf8'));
  return { keys, artifacts };
}

/// Everything deployed, authorised and connected: receipts (no consumer), tokenReceipts -> token, escrowReceipts -> escrow, registry.
export async function deployAll({ keys, artifacts }, evm) {
  evm ??= await Evm.create();
  const errors = errorsAndEvents(artifacts);
  const deploy = (name, args) => evm.deploy(artifacts[name], args, owner, errors);
  const verifier = await deploy('ReceiptVerifier');
  const modelVerifier = await deploy('ModelVerifier');
  const authorise = async (contract, which) =>
    contract.send('authoriseVerifier', [which.address, await which.read('CIRCUIT_HASH'), await which.read('KEY_HASH')]);
  const receipts = async () => {
    const contract = await deploy('ZKReceiptVerifier', [owner.address]);
    await authorise(contract, verifier);
    await contract.send('authoriseCoordinator', [coordinator.address]);
    return contract;
  };
  const setting = { evm, keys, artifacts, verifier, modelVerifier, authorise, deploy };
  setting.receipts = await receipts();
  setting.tokenReceipts = await receipts();
  setting.token = await deploy('AIToken', [owner.address, setting.tokenReceipts.address, 'AI token', 'AIT', 10n ** 27n]);
  await setting.tokenReceipts.send('setConsumer', [setting.token.address]);
  setting.escrowReceipts = await receipts();
  setting.escrow = await deploy('JobEscrow', [setting.escrowReceipts.address]);
  await setting.escrowReceipts.send('setConsumer', [setting.escrow.address]);
  setting.registry = await deploy('ModelRegistry', [owner.address]);
  await authorise(setting.registry, modelVerifier);
  return setting;
}

export const randomHash = () => `0x${crypto.randomBytes(32).toString('hex')}`;
/// A field element.
export const randomDigest = () => `0x00${crypto.randomBytes(31).toString('hex')}`;

export const kSettlementTypes = {
  Settlement: [
    { name: 'receiptHash', type: 'bytes32' }, { name: 'recipient', type: 'address' }, { name: 'amount', type: 'uint128' },
    { name: 'nonce', type: 'uint64' }, { name: 'deadline', type: 'uint64' },
  ],
};

export async function sign(settlement, { chainId, contract, by = coordinator }) {
  const domain = { name: 'ZKReceiptVerifier', version: '1', chainId, verifyingContract: contract };
  const { r, s, v } = parseSignature(await by.signTypedData({ domain, types: kSettlementTypes, primaryType: 'Settlement', message: settlement }));
  return { r, s, v: Number(v) };
}

/// The SHA-256 of what a receipt's circuit hashes, computed apart from the contract.
export function receiptStatement(settlement, digests, { chainId, contract }) {
  return sha256(encodePacked(
    ['string', 'uint64', 'address', 'address', 'uint128', 'uint64', 'uint64', 'bytes32', 'bytes32', 'bytes32', 'bytes32'],
    ['blindproof/rcpt1', BigInt(chainId), contract, settlement.recipient, settlement.amount, settlement.nonce, settlement.deadline,
      settlement.receiptHash, digests.modelHash, digests.inputHash, digests.outputHash]));
}

export function modelStatement({ chainId, contract, owner: who, modelHash, architectureHash }) {
  return sha256(encodePacked(['string', 'uint64', 'address', 'address', 'bytes32', 'bytes32'],
    ['blindproof/modl1', BigInt(chainId), contract, who, modelHash, architectureHash]));
}

/// A settlement that holds: signed and proved for `receipts`. `change` sets fields of the settlement.
export async function makeItem({ evm, keys, verifier }, receipts, change = {}, digestChange = {}) {
  const settlement = {
    receiptHash: randomHash(), recipient: provider.address, amount: 5n * 10n ** 18n, nonce: 1n, deadline: evm.now + 3600n, ...change,
  };
  const digests = { modelHash: randomDigest(), inputHash: randomDigest(), outputHash: randomDigest(), ...digestChange };
  const place = { chainId: evm.chainId, contract: receipts.address };
  const statement = receiptStatement(settlement, digests, place);
  const signature = await sign(settlement, place);
  return { verifier: verifier.address, settlement, digests, proof: await prove(keys.receipt, statement), signature, statement };
}

export const itemArgs = ({ verifier, settlement, digests, proof, signature }) => [verifier, settlement, digests, proof, signature];

/// Fails unless the promise ends in a revert with this error.
export async function assertReverts(promise, name, args) {
  await assert.rejects(promise, (error) => {
    assert.equal(error.name, name, error.stack);
    if (args) assert.deepEqual(error.args, args);
    return true;
  });
}

export { halves };
