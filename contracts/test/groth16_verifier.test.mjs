// The generated verifier: accepts proofs of its key and nothing else.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import { after, before, test } from 'node:test';
import { bn254 } from '@noble/curves/bn254.js';
import { groth16 } from 'snarkjs';
import { Evm } from './evm.mjs';
import { halves, makeKey, proofWords, prove, stopThreads } from './keys.mjs';
import { assertReverts, makeArtifacts, Q, R } from './setting.mjs';

let keys, verifier, modelVerifier;
const statement = `0x${crypto.randomBytes(32).toString('hex')}`;
const inputs = halves(statement);
let proof;

before(async () => {
  const { artifacts, keys: made } = await makeArtifacts();
  keys = made;
  const evm = await Evm.create();
  verifier = await evm.deploy(artifacts.ReceiptVerifier);
  modelVerifier = await evm.deploy(artifacts.ModelVerifier);
  proof = await prove(keys.receipt, statement);
});
after(stopThreads);

const verify = (words, values = inputs, contract = verifier) => contract.read('verifyProof', [words, values]);
const replaced = (list, index, value) => list.map((old, i) => (i === index ? value : old));

const g1 = (words, at) => bn254.G1.Point.fromAffine({ x: words[at], y: words[at + 1] });
const g2 = (words) => bn254.G2.Point.fromAffine({ x: { c0: words[3], c1: words[2] }, y: { c0: words[5], c1: words[4] } });
function toWords(a, b, c) {
  const [p, q, s] = [a.toAffine(), b.toAffine(), c.toAffine()];
  return [p.x, p.y, q.x.c1, q.x.c0, q.y.c1, q.y.c0, s.x, s.y];
}
const keyG2 = ([x, y]) => bn254.G2.Point.fromAffine({ x: { c0: BigInt(x[0]), c1: BigInt(x[1]) }, y: { c0: BigInt(y[0]), c1: BigInt(y[1]) } });

test('accepts a proof that snarkjs made', async () => {
  await verify(proof);
});

test('accepts statements at the edges', async () => {
  for (const edge of [`0x${'00'.repeat(32)}`, `0x${'ff'.repeat(32)}`, `0x${'00'.repeat(31)}01`]) {
    await verify(await prove(keys.receipt, edge), halves(edge));
  }
});

test('rejects other inputs', async () => {
  for (const i of [0, 1]) await assertReverts(verify(proof, replaced(inputs, i, inputs[i] ^ 1n)), 'ProofInvalid');
  await assertReverts(verify(proof, [inputs[1], inputs[0]]), 'ProofInvalid');
});

test('rejects inputs that are not below r, although they are the same residues', async () => {
  for (const i of [0, 1]) {
    await assertReverts(verify(proof, replaced(inputs, i, inputs[i] + R)), 'InputNotInField', [BigInt(i)]);
    for (const value of [R, 2n ** 256n - 1n]) await assertReverts(verify(proof, replaced(inputs, i, value)), 'InputNotInField', [BigInt(i)]);
  }
  await assertReverts(verify(proof, replaced(inputs, 0, R - 1n)), 'ProofInvalid');
});

test('rejects each word altered: the points leave their curves', async () => {
  for (let i = 0; i < 8; ++i) await assertReverts(verify(replaced(proof, i, (proof[i] + 1n) % Q)), 'InvalidPoint');
});

test('rejects coordinates that are not below q, although they are the same residues', async () => {
  for (let i = 0; i < 8; ++i) await assertReverts(verify(replaced(proof, i, proof[i] + Q)), 'InvalidPoint');
});

test('rejects a point of the twist outside of the subgroup', async () => {
  const { Fp2 } = bn254.fields;
  const outside = (() => {
    for (let k = 1n; ; ++k) {
      const x = { c0: k, c1: 1n };
      const square = Fp2.add(Fp2.mul(Fp2.sqr(x), x), bn254.G2.Point.CURVE().b);
      try {
        return { x, y: Fp2.sqrt(square) };
      } catch { /* no square */ }
    }
  })();
  const words = [...proof.slice(0, 2), outside.x.c1, outside.x.c0, outside.y.c1, outside.y.c0, ...proof.slice(6)];
  assert.equal(bn254.G2.Point.fromAffine(outside).isTorsionFree(), false);
  await assertReverts(verify(words), 'InvalidPoint');
});

test('a bad point does not burn all gas', async () => {
  let used;
  await verifier.send('verifyProof', [replaced(proof, 0, 1n), inputs]).catch((error) => { used = error.gasUsed; });
  assert.ok(used < 500_000n, `${used}`);
});

test('rejects other points of the groups', async () => {
  const [a, b, c] = [g1(proof, 0), g2(proof), g1(proof, 6)];
  const { G1, G2 } = bn254;
  for (const [x, y, z] of [
    [a.negate(), b, c], [a, b.negate(), c], [a, b, c.negate()], [c, b, a], [a.double(), b, c],
    [G1.Point.BASE, G2.Point.BASE, G1.Point.BASE],
  ]) {
    await assertReverts(verify(toWords(x, y, z)), 'ProofInvalid');
  }
  await assertReverts(verify([0n, 0n, 0n, 0n, 0n, 0n, 0n, 0n]), 'ProofInvalid');
  for (const [from, to] of [[0, 2], [2, 6], [6, 8]]) {
    await assertReverts(verify(proof.map((word, i) => (from <= i && i < to ? 0n : word))), 'ProofInvalid');
  }
});

test('proofs are malleable: negated, scaled and rerandomised ones hold as well', async () => {
  const [a, b, c] = [g1(proof, 0), g2(proof), g1(proof, 6)];
  await verify(toWords(a.negate(), b.negate(), c));
  const inverse = bn254.fields.Fr.inv(12345n);
  await verify(toWords(a.multiply(12345n), b.multiply(inverse), c));
  const delta = keyG2(keys.receipt.key.vk_delta_2);  // (A, B + x delta, C + x A)
  await verify(toWords(a, b.add(delta.multiply(99n)), c.add(a.multiply(99n))));
});

test('rejects a proof of another circuit and of another key of the same circuit', async () => {
  await assertReverts(verify(await prove(keys.model, statement)), 'ProofInvalid');
  await assertReverts(verify(proof, inputs, modelVerifier), 'ProofInvalid');
  await assertReverts(verify(await prove(await makeKey('receipt_stand_in'), statement)), 'ProofInvalid');
});

test('says little gas where there is little gas', async () => {
  await assert.rejects(verifier.read('verifyProof', [proof, inputs], { gas: 40_000n }), /NotEnoughGas|out of gas/);
});

test('agrees with snarkjs on random proofs, good and bad', async () => {
  for (let i = 0; i < 4; ++i) {
    const values = [BigInt(`0x${crypto.randomBytes(16).toString('hex')}`), BigInt(`0x${crypto.randomBytes(16).toString('hex')}`)];
    const made = await groth16.fullProve({ statementHi: values[0], statementLo: values[1], secret: 3n }, keys.receipt.wasm, keys.receipt.zkey);
    const asked = i % 2 === 0 ? values : [values[0] + 1n, values[1]];
    const expected = await groth16.verify(keys.receipt.key, asked.map(String), made.proof);
    assert.equal(expected, i % 2 === 0);
    const found = await verify(proofWords(made.proof), asked).then(() => true, ({ name }) => { assert.equal(name, 'ProofInvalid'); return false; });
    assert.equal(found, expected);
  }
});

test('carries the hashes of its circuit and its key', async () => {
  for (const [contract, { r1cs, key }] of [[verifier, keys.receipt], [modelVerifier, keys.model]]) {
    const circuit = crypto.createHash('sha256').update(fs.readFileSync(r1cs)).digest('hex');
    assert.equal(await contract.read('CIRCUIT_HASH'), `0x${circuit}`);
    const hash = crypto.createHash('sha256').update('blindproof/vkey1');
    const absorb = (value, bytes) => hash.update(Buffer.from(BigInt(value).toString(16).padStart(2 * bytes, '0'), 'hex'));
    absorb(key.nPublic, 8);
    const points = [key.vk_alpha_1, key.vk_beta_2, key.vk_gamma_2, key.vk_delta_2, ...key.IC];
    for (const [x, y] of points) {
      for (const coordinate of [x, y]) for (const part of [coordinate].flat().reverse()) absorb(part, 32);
    }
    assert.equal(await contract.read('KEY_HASH'), `0x${hash.digest('hex')}`);
  }
});
