// The constants of Poseidon over BN254's scalar field, from the Grain LFSR of the paper (eprint 2019/458, appendices E and F):
// x^5, t = 2..17, 8 full rounds, partial rounds for 128 bits as circomlib chose them.
export const r = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;
export const fullRounds = 8;
const partialRoundsByWidth = [56, 57, 56, 60, 60, 63, 64, 63, 60, 66, 60, 65, 70, 60, 64, 68];  // t = 2, 3, ..

export function partialRounds(t) {
  return partialRoundsByWidth[t - 2];
}

function inverse(x) {
  let [a, b, u, v] = [((x % r) + r) % r, r, 1n, 0n];
  while (a !== 0n) {
    const q = b / a;
    [a, b, u, v] = [b - q * a, a, v - q * u, u];
  }
  return ((v % r) + r) % r;
}

// Appendix E: 80 bits of state that describe the instance, 160 clocks thrown away, then self-shrinking: of each pair of bits the
// second counts if the first is 1.
function* grainBits(t) {
  const describe = (value, bits) => Array.from({ length: bits }, (_, i) => (value >> (bits - 1 - i)) & 1);
  const state = [...describe(1, 2), ...describe(0, 4), ...describe(254, 12), ...describe(t, 12), ...describe(fullRounds, 10),
    ...describe(partialRounds(t), 10), ...Array(30).fill(1)];
  let at = 0;  // where the oldest bit lies
  const tap = (i) => state[(at + i) % 80];
  const clock = () => {
    const bit = tap(62) ^ tap(51) ^ tap(38) ^ tap(23) ^ tap(13) ^ tap(0);
    state[at] = bit;
    at = (at + 1) % 80;
    return bit;
  };
  for (let i = 0; i < 160; ++i) clock();
  for (;;) {
    const first = clock();
    const second = clock();
    if (first === 1) yield second;
  }
}

/// roundConstants: t for each round, in [0, r). matrix[i][j]: Cauchy, new state i = sum_j matrix[i][j] * old state j.
export function poseidonConstants(t) {
  const bits = grainBits(t);
  const integer = () => {
    let value = 0n;
    for (let i = 0; i < 254; ++i) value = (value << 1n) | BigInt(bits.next().value);
    return value;
  };
  const roundConstants = [];
  while (roundConstants.length < t * (fullRounds + partialRounds(t))) {
    const value = integer();
    if (value < r) roundConstants.push(value);
  }
  // The matrix's numbers are reduced, not drawn again; equal ones would be drawn again, which happens for no t here.
  const numbers = Array.from({ length: 2 * t }, () => integer() % r);
  if (new Set(numbers).size !== 2 * t) throw new Error(`Poseidon's matrix for t = ${t} has equal numbers`);
  const matrix = Array.from({ length: t }, (_, i) => Array.from({ length: t }, (_, j) => inverse(numbers[i] + numbers[t + j])));
  return { roundConstants, matrix };
}

/// The hash of 1 to 16 elements, as circomlib's Poseidon(n).
export function poseidon(inputs) {
  const t = inputs.length + 1;
  const { roundConstants, matrix } = cached(t);
  const rounds = fullRounds + partialRounds(t);
  let state = [0n, ...inputs.map((x) => ((x % r) + r) % r)];
  for (let round = 0; round < rounds; ++round) {
    const full = round < fullRounds / 2 || round >= rounds - fullRounds / 2;
    state = state.map((x, i) => {
      const y = (x + roundConstants[round * t + i]) % r;
      if (!full && i > 0) return y;
      const square = (y * y) % r;
      return (((square * square) % r) * y) % r;
    });
    state = matrix.map((row) => row.reduce((sum, m, j) => sum + m * state[j], 0n) % r);
  }
  return state[0];
}

const cache = new Map();
function cached(t) {
  if (!cache.has(t)) cache.set(t, poseidonConstants(t));
  return cache.get(t);
}

/// The circom source of the constants: functions of the state's width t.
export function circomSource() {
  const widths = Array.from({ length: 16 }, (_, i) => i + 2);
  const choose = (name, text) => `function ${name}(t) {\n${widths.map((t) => `  if (t == ${t}) { return ${text(t)}; }\n`).join('')}` +
    '  assert(t < 2);\n  return [0];\n}\n';
  const list = (values) => `[${values.join(',')}]`;
  return 'pragma circom 2.2.0;\n// Written by poseidon_constants.mjs.\n' +
    choose('poseidon_partial_rounds', (t) => String(partialRounds(t))).replace('return [0]', 'return 0') +
    choose('poseidon_round_constants', (t) => list(cached(t).roundConstants)) +
    choose('poseidon_matrix', (t) => list(cached(t).matrix.map(list))).replace('return [0]', 'return [[0]]');
}
