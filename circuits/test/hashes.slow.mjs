import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import test from 'node:test';
import { poseidon, r } from '../poseidon_constants.mjs';
import { bitsOf, expectEveryWireBound, hashList, randomElement, templateCircuit } from './context.mjs';

test('Poseidon agrees with circomlib for every width', async () => {
  for (const n of Array.from({ length: 16 }, (_, i) => i + 1)) {
    const ours = templateCircuit(`Poseidon(${n})`, 'lib/poseidon.circom');
    const theirs = templateCircuit(`Poseidon(${n})`, 'circomlib/circuits/poseidon.circom');
    for (const inputs of [Array(n).fill(0n), Array(n).fill(r - 1n), Array.from({ length: n }, randomElement)]) {
      const witness = await ours.accepted({ in: inputs });
      assert.equal(ours.outputs(witness)[0], poseidon(inputs));
      assert.deepEqual(ours.outputs(witness), theirs.outputs(await theirs.witness({ inputs })));
    }
    expectEveryWireBound(ours, await ours.witness({ in: Array.from({ length: n }, randomElement) }));
  }
});

test('Sha256 agrees with OpenSSL where padding adds a block and where not', async () => {
  for (const bytes of [55, 56]) {
    const sha = templateCircuit(`Sha256(${8 * bytes})`, 'lib/sha256.circom');
    const message = crypto.randomBytes(bytes);
    const bits = (buffer) => [...buffer].flatMap((byte) => bitsOf(BigInt(byte), 8).reverse());
    const witness = await sha.accepted({ in: bits(message) });
    assert.deepEqual(sha.outputs(witness), bits(crypto.createHash('sha256').update(message).digest()));
    if (bytes === 55) expectEveryWireBound(sha, witness, sha.wiresMatching(/product|second|both|other|bits/).filter((_, i) => i % 7 === 0));
  }
});

test('HashList binds every element, the length and the domain', async () => {
  const tag = 0x626c696e6470726f6f662f6d6f64656cn;
  const hash = templateCircuit(`HashList(${tag}, 16)`, 'lib/hash.circom');
  const list = Array.from({ length: 16 }, randomElement);
  const witness = await hash.accepted({ in: list });
  const digest = hashList('blindproof/model', list);
  assert.equal(hash.outputs(witness)[0], digest);
  expectEveryWireBound(hash, witness, hash.wiresMatching(/in\[|\.out$/));
  const others = [hashList('blindproof/input', list), hashList('blindproof/model', [...list, 0n]),
    hashList('blindproof/model', list.slice(1))];
  for (let i = 0; i < list.length; ++i) {
    const changed = await hash.witness({ in: list.with(i, (list[i] + 1n) % r) });
    others.push(hash.outputs(changed)[0]);
  }
  assert.ok(!others.includes(digest));
});

test('HashList agrees with hashing by hand for one block, a full block and several', async () => {
  const tag = 0x626c696e6470726f6f662f6d6f64656cn;
  for (const n of [1, 15, 31]) {
    const hash = templateCircuit(`HashList(${tag}, ${n})`, 'lib/hash.circom');
    const list = Array.from({ length: n }, randomElement);
    assert.equal(hash.outputs(await hash.accepted({ in: list }))[0], hashList('blindproof/model', list));
  }
});
