// Circuits from a seed, and what they compute in plain numbers.
//
// A circuit has inputs (to be encrypted), plains (not to be), and instructions. Registers are first the inputs, then
// the results of the instructions. `exchange` exchanges rows, with CKKS it conjugates; `sum_of_products` is ab + cb.
import {execute} from './plain.mjs';

const kSteps = [1, -3, 64];
const kMostMagnitude = 64;  // of a CKKS slot: the last modulus is 2^10 times the scale

// Products in sequence that both sides decrypt with these parameters. One by a plaintext costs as much as `plainCost`
// others.
const kSets = [
  {scheme: 'bfv', parameters: 'bfv-8192', degree: 8192, t: 1032193, depth: 2, plainCost: 1},
  {scheme: 'bfv', parameters: 'bfv-16384', degree: 16384, t: 786433, depth: 4, plainCost: 1},
  {scheme: 'bgv', parameters: 'bgv-8192', degree: 8192, t: 1032193, depth: 2, plainCost: 2},
  {scheme: 'bgv', parameters: 'bgv-16384', degree: 16384, t: 786433, depth: 4, plainCost: 2},
  {scheme: 'ckks', parameters: 'ckks-8192-2', degree: 8192, scale: 2 ** 40, depth: 2, plainCost: 1},
  {scheme: 'ckks', parameters: 'ckks-16384-5', degree: 16384, scale: 2 ** 40, depth: 4, plainCost: 1},
];

/// Uniform in [0, 1). mulberry32.
function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}

const choose = (random, from) => from[Math.floor(random() * from.length)];

/// One value for each slot.
function values(set, random, kind) {
  const count = set.scheme === 'ckks' ? set.degree / 2 : set.degree;
  const half = set.scheme === 'ckks' ? 8 : (set.t - 1) / 2;
  const unit = set.scheme === 'ckks' ? 2 ** -20 : 1;
  const uniform = set.scheme === 'ckks' ? () => 2 * random() - 1 : () => Math.floor(random() * set.t) - half;
  const one = Math.floor(random() * count);
  const of = {
    uniform,
    small: set.scheme === 'ckks' ? () => uniform() * 2 ** -15 : () => Math.floor(random() * 19) - 9,
    extreme: () => choose(random, [half, -half, half - unit, unit - half, 0, unit, -unit]),
    lowest: () => -half,
    single: (_, slot) => (slot === one ? -half : 0),
  }[kind];
  return Array.from({length: count}, of);
}

const kPlainOps = ['add_plain', 'subtract_plain', 'multiply_plain'];

function everyInstruction(set) {
  const instructions = [
    {op: 'add', a: 0, b: 1},
    {op: 'subtract', a: 0, b: 1},
    {op: 'negate', a: 0},
    ...[0, 1, 2].flatMap((plain) => kPlainOps.map((op) => ({op, a: plain, plain}))),
    {op: 'multiply', a: 0, b: 1},
    {op: 'square', a: 0},
    {op: 'sum_of_products', a: 0, b: 1, c: 2},
    ...kSteps.flatMap((steps) => ['rotate', 'rotate_hoisted'].map((op) => ({op, a: 2, steps}))),
    {op: 'exchange', a: 1},
  ];
  const kinds = set.scheme === 'ckks' ? ['extreme', 'lowest', 'uniform'] : ['extreme', 'lowest', 'single'];
  const product = 3 + instructions.findIndex(({op}) => op === 'multiply');
  instructions.push(
      {op: 'rotate', a: product, steps: kSteps[0]},
      {op: 'exchange', a: product},
      {op: 'add', a: product, b: 2},  // of different levels
      {op: 'multiply', a: product, b: 2});
  const random = randomFrom(0);
  return {
    inputs: kinds.map((kind) => values(set, random, kind)),
    plains: ['uniform', 'extreme', 'single'].map((kind) => values(set, random, kind)),
    instructions,
  };
}

function randomCircuit(set, random, length) {
  const inputs =
      ['uniform', choose(random, ['small', 'extreme', 'lowest', 'single']), choose(random, ['uniform', 'extreme'])];
  const circuit = {
    inputs: inputs.map((kind) => values(set, random, kind)),
    plains: ['uniform', 'extreme'].map((kind) => values(set, random, kind)),
    instructions: [],
  };
  const registers = [...circuit.inputs], depths = registers.map(() => 0);
  // The registers for other inputs. Both libraries refuse results that don't depend on the inputs, such as a - a.
  const others = circuit.inputs.map(() => values(set, random, 'uniform'));
  const operand = () => {  // later ones rather than earlier ones
    const back = Math.floor(registers.length * random() * random());
    return registers.length - 1 - back;
  };
  const ops = ['add', 'subtract', 'negate', ...kPlainOps, 'multiply', 'multiply', 'square', 'sum_of_products', 'rotate',
               'rotate_hoisted', 'exchange'];
  while (circuit.instructions.length < length) {
    const op = choose(random, ops), instruction = {op, a: operand()};
    if (['add', 'subtract', 'multiply', 'sum_of_products'].includes(op)) instruction.b = operand();
    if (op === 'sum_of_products') instruction.c = operand();
    if (op.endsWith('_plain')) instruction.plain = Math.floor(random() * circuit.plains.length);
    if (op.startsWith('rotate')) instruction.steps = choose(random, kSteps);
    const cost = {multiply: 1, square: 1, sum_of_products: 1, multiply_plain: set.plainCost}[op] ?? 0;
    const depth = cost + Math.max(...['a', 'b', 'c'].map((name) => depths[instruction[name]] ?? 0));
    if (depth > set.depth) continue;
    const result = execute(set, instruction, registers, circuit.plains);
    const other = execute(set, instruction, others, circuit.plains);
    if (result.every((x, slot) => Math.abs(x - other[slot]) < 1e-9)) continue;
    if (set.scheme === 'ckks' && result.some((x) => Math.abs(x) > kMostMagnitude)) continue;
    circuit.instructions.push(instruction);
    registers.push(result);
    others.push(other);
    depths.push(depth);
  }
  return circuit;
}

export function makeSets(seed) {
  return kSets.map((set, i) => {
    const random = randomFrom(seed * 1000 + i);
    const circuits = [everyInstruction(set), randomCircuit(set, random, 12), randomCircuit(set, random, 12)];
    return {...set, steps: kSteps, circuits};
  });
}
