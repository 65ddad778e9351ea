// Derives a whole witness from the inputs by steps that leave no choice: if it succeeds, the inputs determine every wire, so there
// is no second witness for them. Also the generator of alternative witnesses: wires in `given` keep the values they are given, and
// everything that follows from them is derived.
//
// Steps: (1) a constraint, linear in its one unknown wire with a constant coefficient, gives that wire;
//        (2) sum 2^e_j b_j = known, with distinct e_j in 0..252 up to a common factor and wires b_j constrained to be bits, gives all b_j;
//            the same where a constraint L * (L - v) = 0 stands in place of one b_j;
//        (3) 254 bits of one element: the canonical ones. There is one other choice, those of the element + r; that the circuit refuses
//            them is a test of ToBitsStrict. `strict` counts these steps.
import { r } from '../poseidon_constants.mjs';

const mod = (x) => ((x % r) + r) % r;

function inverse(x) {
  let [a, b, u, v] = [mod(x), r, 1n, 0n];
  while (a !== 0n) {
    const q = b / a;
    [a, b, u, v] = [b - q * a, a, v - q * u, u];
  }
  return mod(v);
}

const exponentOf = new Map();  // of 2^e, -253 <= e <= 253
for (let e = 0, power = 1n, half = 1n; e <= 253; ++e, power = mod(2n * power), half = mod(half * ((r + 1n) / 2n))) {
  exponentOf.set(power, e);
  if (e > 0) exponentOf.set(half, -e);
}

/// The constraint as one linear form {wires, coefficients} = 0, or null if it is not linear.
function linearForm({ a, b, c }) {
  const constant = (x) => x.wires.every((wire) => wire === 0);
  const valueOf = (x) => x.coefficients.reduce((sum, k) => sum + k, 0n);
  let terms;
  if (constant(a)) terms = [[b, valueOf(a)], [c, -1n]];
  else if (constant(b)) terms = [[a, valueOf(b)], [c, -1n]];
  else return null;
  const sum = new Map();
  for (const [x, factor] of terms) {
    x.wires.forEach((wire, i) => sum.set(wire, mod((sum.get(wire) ?? 0n) + factor * x.coefficients[i])));
  }
  const kept = [...sum].filter(([, k]) => k !== 0n);
  return { wires: kept.map(([wire]) => wire), coefficients: kept.map(([, k]) => k) };
}

/// { form, other } if the constraint says form = 0 or form = other; null otherwise.
function twoValues({ a, b, c }) {
  if (c.wires.length > 0) return null;
  const terms = (x) => new Map(x.wires.map((wire, i) => [wire, x.coefficients[i]]).filter(([, k]) => k !== 0n));
  const [left, right] = [terms(a), terms(b)];
  const lead = [...left.keys()].find((wire) => wire !== 0);
  if (lead === undefined || !right.has(lead)) return null;
  const scale = left.get(lead) === right.get(lead) ? 1n : mod(left.get(lead) * inverse(right.get(lead)));
  for (const wire of new Set([...left.keys(), ...right.keys()])) {
    if (wire !== 0 && (left.get(wire) ?? 0n) !== mod(scale * (right.get(wire) ?? 0n))) return null;
  }
  const other = mod((left.get(0) ?? 0n) - scale * (right.get(0) ?? 0n));  // b = 0 where a = other
  return { form: { wires: [...left.keys()], coefficients: [...left.values()] }, other };
}

/// Everything about the constraints that doesn't depend on values.
export function prepare(r1cs) {
  const bit = new Uint8Array(r1cs.wires);
  const rules = r1cs.constraints.map((constraint) => {
    const linear = linearForm(constraint);
    if (linear) return { linear };
    const pair = twoValues(constraint);
    if (!pair) return { product: constraint };
    const wires = pair.form.wires.filter((wire) => wire !== 0);
    if (wires.length === 1) {  // k x + d = 0 or other
      const k = pair.form.coefficients[pair.form.wires.indexOf(wires[0])];
      const d = pair.form.wires.includes(0) ? pair.form.coefficients[pair.form.wires.indexOf(0)] : 0n;
      const roots = [mod(-d * inverse(k)), mod((pair.other - d) * inverse(k))];
      if (roots.includes(0n) && roots.includes(1n)) bit[wires[0]] = 1;
      return {};
    }
    return { pair };
  });
  const users = Array.from({ length: r1cs.wires }, () => []);
  rules.forEach((rule, index) => {
    const forms = rule.linear ? [rule.linear] : rule.pair ? [rule.pair.form] : rule.product ? Object.values(rule.product) : [];
    rule.wires = [...new Set(forms.flatMap((form) => form.wires))];
    for (const wire of rule.wires) users[wire].push(index);
  });
  return { r1cs, bit, rules, users };
}

/// given: Map from wires to values; wire 0 is added. Returns { values, missing, strict }: missing lists wires without a value.
export function solve(prepared, given) {
  const { r1cs, bit, rules, users } = prepared;
  const values = new Array(r1cs.wires).fill(undefined);
  const unknown = rules.map((rule) => rule.wires.length);
  const unknownOthers = rules.map((rule) => rule.wires.filter((wire) => !bit[wire]).length);
  const queue = [];
  let strict = 0;
  const set = (wire, value) => {
    if (values[wire] !== undefined) return;
    values[wire] = value;
    for (const index of users[wire]) {
      --unknown[index];
      if (!bit[wire]) --unknownOthers[index];
      if (unknown[index] === 1 || (unknown[index] > 1 && unknownOthers[index] === 0)) queue.push(index);
    }
  };
  const split = (form) => {  // form = known + sum over unknown wires
    let known = 0n;
    const wires = [];
    const coefficients = [];
    form.wires.forEach((wire, i) => {
      if (values[wire] !== undefined) known += form.coefficients[i] * values[wire];
      else {
        wires.push(wire);
        coefficients.push(form.coefficients[i]);
      }
    });
    return { known: mod(known), wires, coefficients };
  };
  // known + sum coefficients * bits = 0; a wire of -1 is the stand-in of step 2.
  const setBits = (known, wires, coefficients) => {
    const scale = inverse(coefficients[0]);
    const exponents = coefficients.map((k) => exponentOf.get(mod(k * scale)));
    if (exponents.includes(undefined) || new Set(exponents).size !== exponents.length) return;
    const least = Math.min(...exponents);
    const span = Math.max(...exponents) - least;
    if (span > 253 || (span === 253 && exponents.length !== 254)) return;
    if (span === 253) ++strict;
    const down = mod(scale * (least < 0 ? 1n << BigInt(-least) : inverse(1n << BigInt(least))));
    const sum = mod(-known * down);  // = sum 2^(e - least) bits
    wires.forEach((wire, i) => { if (wire >= 0) set(wire, (sum >> BigInt(exponents[i] - least)) & 1n); });
  };

  set(0, 1n);
  for (const [wire, value] of given) set(wire, value);
  rules.forEach((rule, index) => { if (unknown[index] > 0 && (unknown[index] === 1 || unknownOthers[index] === 0)) queue.push(index); });
  while (queue.length > 0) {
    const index = queue.pop();
    const { linear, pair, product } = rules[index];
    if (unknown[index] === 0) continue;
    if (linear) {
      const { known, wires, coefficients } = split(linear);
      if (wires.length === 1) set(wires[0], mod(-known * inverse(coefficients[0])));
      else if (wires.every((wire) => bit[wire])) setBits(known, wires, coefficients);
    } else if (pair) {
      const { known, wires, coefficients } = split(pair.form);
      if (wires.every((wire) => bit[wire])) setBits(known, [...wires, -1], [...coefficients, mod(-pair.other)]);
    } else if (product) {
      const [a, b, c] = [split(product.a), split(product.b), split(product.c)];
      if (a.wires.length === 0 && b.wires.length === 0 && c.wires.length === 1) {
        set(c.wires[0], mod((a.known * b.known - c.known) * inverse(c.coefficients[0])));
      }
    }
  }
  const missing = [];
  for (let wire = 0; wire < values.length; ++wire) if (values[wire] === undefined) missing.push(wire);
  return { values, missing, strict };
}

/// The inputs' wires with the values they have in `witness`.
export function inputsOf(r1cs, witness) {
  const first = 1 + r1cs.publicOutputs;
  return new Map(Array.from({ length: r1cs.publicInputs + r1cs.privateInputs }, (_, i) => [first + i, witness[first + i]]));
}
