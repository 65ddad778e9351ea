import assert from 'node:assert/strict';
import test from 'node:test';
import { poseidon, r } from '../poseidon_constants.mjs';
import { bitsOf, expectEveryWireBound, randomBits, randomElement, templateCircuit } from './context.mjs';
import { firstViolated } from './r1cs.mjs';

// 2^-count mod r.
function halvings(count) {
  let value = 1n;
  for (let i = 0; i < count; ++i) value = (value * ((r + 1n) / 2n)) % r;
  return value;
}

test('ToBits agrees with circomlib and refuses what is wider', async () => {
  for (const n of [2, 8, 252]) {
    const ours = templateCircuit(`ToBits(${n})`, 'lib/bits.circom');
    const theirs = templateCircuit(`Num2Bits(${n})`, 'circomlib/circuits/bitify.circom');
    for (const value of [0n, 1n, (1n << BigInt(n)) - 1n, randomBits(n)]) {
      const witness = await ours.accepted({ in: value });
      assert.deepEqual(ours.outputs(witness), theirs.outputs(await theirs.witness({ in: value })));
      expectEveryWireBound(ours, witness);
    }
    for (const value of [1n << BigInt(n), r - 1n]) await ours.refused({ in: value });
  }
});

test('InRange accepts its range and nothing else', async () => {
  for (const [n, least] of [[1, 0n], [6, -32n], [8, 0n], [64, 0n], [252, -5n]]) {
    const range = templateCircuit(`InRange(${n}, ${least})`, 'lib/bits.circom');
    const size = 1n << BigInt(n);
    for (const value of [least, least + 1n, least + size - 1n]) {
      const witness = await range.accepted({ in: value });
      expectEveryWireBound(range, witness, range.wiresMatching(/bits/));
    }
    for (const value of [least - 1n, least + size, least + 2n * size, least + (r + 1n) / 2n]) await range.refused({ in: value });
  }
});

test('InRange has no other witness that makes a value outside pass', async () => {
  const range = templateCircuit('InRange(4, -8)', 'lib/bits.circom');
  const bits = range.wiresMatching(/bits\[/);
  assert.equal(bits.length, 3);
  const wire = range.wire('in');
  for (let value = -20n; value < 20n; ++value) {
    let accepted = 0;
    for (let choice = 0n; choice < 8n; ++choice) {
      const witness = [1n, 0n, 0n, 0n, 0n];
      witness[wire] = (value + r) % r;
      bits.forEach((bit, i) => { witness[bit] = (choice >> BigInt(i)) & 1n; });
      if (firstViolated(range.r1cs, witness) < 0) ++accepted;
    }
    assert.equal(accepted, value >= -8n && value < 8n ? 1 : 0);
  }
});

test('ToBitsStrict agrees with circomlib; aliased bits are refused', async () => {
  const ours = templateCircuit('ToBitsStrict()', 'lib/bits.circom');
  const theirs = templateCircuit('Num2Bits_strict()', 'circomlib/circuits/bitify.circom');
  const aliased = (1n << 254n) - r;  // below this, in + r fits 254 bits too
  for (const value of [0n, 1n, aliased - 1n, aliased, r - 2n, r - 1n, randomBits(253) % aliased, randomElement()]) {
    const witness = await ours.accepted({ in: value });
    assert.equal(ours.strict, 1);
    assert.deepEqual(ours.outputs(witness), theirs.outputs(await theirs.witness({ in: value })));
    expectEveryWireBound(ours, witness);
    if (value < aliased) {
      const forged = bitsOf(value + r, 254).map((bit, i) => [ours.wire(`out[${i}]`), bit]);
      assert.ok(ours.isRefusedWith(witness, new Map(forged)), `bits of ${value} + r`);
    }
  }
});

test('IsLess agrees with circomlib on range and refuses inputs beyond it, where circomlib answers wrongly', async () => {
  const ours = templateCircuit('IsLess(64)', 'lib/compare.circom');
  const theirs = templateCircuit('LessThan(64)', 'circomlib/circuits/comparators.circom');
  const top = (1n << 64n) - 1n;
  for (const [a, b] of [[0n, 0n], [0n, 1n], [1n, 0n], [top, top], [top - 1n, top], [top, 0n], [randomBits(64), randomBits(64)]]) {
    const witness = await ours.accepted({ a, b });
    assert.equal(ours.outputs(witness)[0], a < b ? 1n : 0n);
    assert.deepEqual(ours.outputs(witness), theirs.outputs(await theirs.witness({ in: [a, b] })));
    expectEveryWireBound(ours, witness);
  }
  // r - 1 "is less than" 2: the difference wraps. This is what the range checks are for.
  assert.equal(theirs.outputs(await theirs.witness({ in: [r - 1n, 2n] }))[0], 1n);
  for (const [a, b] of [[r - 1n, 2n], [top + 1n, top], [0n, top + 1n], [0n, r - 1n]]) await ours.refused({ a, b });
});

test('AssertAtMost accepts a <= b of its width alone', async () => {
  const most = templateCircuit('AssertAtMost(64)', 'lib/compare.circom');
  const top = (1n << 64n) - 1n;
  for (const [a, b] of [[0n, 0n], [0n, top], [top, top], [5n, 6n]]) {
    expectEveryWireBound(most, await most.accepted({ a, b }), most.wiresMatching(/bits/));
  }
  for (const [a, b] of [[1n, 0n], [top, top - 1n], [0n, top + 1n], [r - 1n, 0n], [r - 1n, r - 1n]]) await most.refused({ a, b });
});

test('MerkleRoot agrees with hashing by hand; path bits are bits', async () => {
  const tree = templateCircuit('MerkleRoot(3)', 'lib/merkle.circom');
  const leaf = randomElement();
  const siblings = [0, 1, 2].map(randomElement);
  for (let index = 0; index < 8; ++index) {
    const path = bitsOf(BigInt(index), 3);
    let node = leaf;
    path.forEach((bit, i) => { node = poseidon(bit ? [siblings[i], node] : [node, siblings[i]]); });
    const witness = await tree.accepted({ leaf, path, siblings });
    assert.equal(tree.outputs(witness)[0], node);
    expectEveryWireBound(tree, witness);
  }
  for (const bit of [2n, r - 1n]) await tree.refused({ leaf, path: [0n, bit, 0n], siblings });
});

test('Requantize rounds halves upwards, floors negative numbers and clamps, as the integer graph says', async () => {
  for (const [shift, reach, low, high] of [[4, 6, 0, 31], [0, 8, -128, 127], [3, 5, -5, 11], [16, 10, 0, 255]]) {
    const requantize = templateCircuit(`Requantize(${shift}, ${reach}, ${low}, ${high})`, 'lib/quantised.circom');
    const half = shift > 0 ? 1n << BigInt(shift - 1) : 0n;
    const one = 1n << BigInt(shift);
    const values = [0n, 1n, -1n, half, half - 1n, -half, -half - 1n, one, 3n * one + half, -3n * one - half, BigInt(high) * one + half,
      BigInt(low) * one - half - 1n, (one << BigInt(reach)) - half - 1n, -(one << BigInt(reach)) - half];
    for (const value of values) {
      const hi = (value + half) >> BigInt(shift);
      const expected = hi < BigInt(low) ? BigInt(low) : hi > BigInt(high) ? BigInt(high) : hi;
      const witness = await requantize.accepted({ in: value, multiplier: 1n });
      assert.equal(requantize.outputs(witness)[0], (expected + r) % r, `${value} with shift ${shift}`);
      if (value !== 0n) expectEveryWireBound(requantize, witness);  // times 0, the multiplier is free
    }
    const multiplied = await requantize.accepted({ in: -3n, multiplier: 2n });
    assert.deepEqual(requantize.outputs(multiplied), requantize.outputs(await requantize.accepted({ in: -6n, multiplier: 1n })));
    for (const value of [(one << BigInt(reach)) - half, -(one << BigInt(reach)) - half - 1n]) {
      await requantize.refused({ in: value, multiplier: 1n });
    }
  }
});

test('Requantize has no second quotient: borrowing from the remainder, signs and aliases are refused', async () => {
  const requantize = templateCircuit('Requantize(4, 6, 0, 31)', 'lib/quantised.circom');
  const witness = await requantize.accepted({ in: 100n, multiplier: 3n });
  const bit = (i) => requantize.wire(`bits.out[${i}]`);
  const width = 4 + 6 + 1;
  for (let i = 0; i < width; ++i) {
    // 2^i taken from one place and given to another: (b_i - 1, b_j + 2^(i-j)), and both with bits alone.
    for (let j = 0; j < width; ++j) {
      if (i === j) continue;
      const given = i > j ? 1n << BigInt(i - j) : halvings(j - i);
      for (const forged of [[[bit(i), (witness[bit(i)] + r - 1n) % r], [bit(j), (witness[bit(j)] + given) % r]],
        [[bit(i), 1n - witness[bit(i)]], [bit(j), 1n - witness[bit(j)]]]]) {
        const values = new Map(forged.map(([wire, value]) => [wire, ((value % r) + r) % r]));
        assert.ok(requantize.isRefusedWith(witness, values), `bits ${i} and ${j}`);
      }
    }
  }
  for (const name of ['above', 'beyond']) {
    const sign = requantize.wire(`${name}.out[7]`);
    assert.ok(requantize.isRefusedWith(witness, new Map([[sign, 1n - witness[sign]]])), `${name}: other sign`);
  }
});
