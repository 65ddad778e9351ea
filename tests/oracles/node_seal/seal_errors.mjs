// SEAL says nothing of the errors of CKKS. What to expect of them: the heuristic of docs/spec/fhe.md, section 4, for
// the way in which SEAL encrypts (at the modulus with the special prime, which it then divides out) and switches keys
// (a digit for each prime). SEAL's digits lie in [0, q), not around zero: their mean q/2, as the polynomial
// q/2 (1 + X + .. + X^(N-1)), is q/(1 - X) in the slots, which is largest where X = exp(i pi/N).
const kVariance = 3.2 ** 2;
const kTail = 12;

const largest = (values) => values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);

/// For each register a bound of the errors of its slots. `plain` are the registers' values.
export function errorBounds(set, circuit, plain, {moduli, scales}) {
  const n = set.degree, h = 2 * n / 3, top = scales.length - 1, special = moduli[top + 1];
  const slot = (varianceOfCoefficient) => Math.sqrt(n * varianceOfCoefficient);
  const rounding = slot((1 + h) / 12), encoding = slot(1 / 12);
  const keySwitch = (level) => {
    const squares = moduli.slice(0, level + 1).reduce((sum, q) => sum + (q / special) ** 2, 0);
    return slot(kVariance * squares * (n / 12 + (n / Math.PI) ** 2)) + rounding;
  };
  // Standard deviations of a slot times the level's scale.
  const fresh = slot(kVariance * (1 + 2 * h)) / special + rounding + encoding;
  const registers = circuit.inputs.map(() => ({level: top, deviation: fresh}));
  const lowered = ({level, deviation}, m, target) => level === target ? deviation :
      deviation * scales[target] / scales[level] + m * scales[level] * encoding / moduli[target + 1] + rounding;

  for (const {op, a, b, c, plain: p} of circuit.instructions) {
    const indices = [a, b, c].filter((index) => index !== undefined);
    const level = Math.min(...indices.map((index) => registers[index].level)), scale = scales[level];
    const [m1, m2, m3] = indices.map((index) => largest(plain[index]));
    const [e1, e2, e3] = indices.map((index, i) => lowered(registers[index], [m1, m2, m3][i], level));
    const product = (m, e, other, f) => m * scale * f + other * scale * e + e * f;
    const rescaled = (deviation) => ({level: level - 1, deviation: deviation / moduli[level] + rounding});
    const of = {
      add: () => ({level, deviation: e1 + e2}),
      negate: () => ({level, deviation: e1}),
      add_plain: () => ({level, deviation: e1 + encoding}),
      multiply_plain: () => rescaled(product(m1, e1, largest(circuit.plains[p]), encoding)),
      multiply: () => rescaled(product(m1, e1, m2, e2) + keySwitch(level)),
      square: () => rescaled(product(m1, e1, m1, e1) + keySwitch(level)),
      sum_of_products: () => rescaled(product(m1, e1, m2, e2) + product(m3, e3, m2, e2) + keySwitch(level)),
      rotate: () => ({level, deviation: e1 + keySwitch(level)}),
    };
    const same = {subtract: 'add', subtract_plain: 'add_plain', rotate_hoisted: 'rotate', exchange: 'rotate'};
    registers.push(of[same[op] ?? op]());
  }
  return registers.map(({level, deviation}) => kTail * deviation / scales[level]);
}
