// The instructions of a circuit in plain numbers: integers modulo t in (-t/2, t/2), or real numbers.

/// Below 2^53 in all products: t is below 2^26.
const centered = (t, x) => {
  const residue = ((x % t) + t) % t;
  return residue > t / 2 ? residue - t : residue;
};

export function execute(set, {op, a, b, c, plain, steps}, registers, plains) {
  const [x, y, z] = [registers[a], registers[b] ?? plains[plain], registers[c]];
  const row = set.degree / 2;
  const slot = {
    add: (i) => x[i] + y[i],
    add_plain: (i) => x[i] + y[i],
    subtract: (i) => x[i] - y[i],
    subtract_plain: (i) => x[i] - y[i],
    negate: (i) => -x[i],
    multiply: (i) => x[i] * y[i],
    multiply_plain: (i) => x[i] * y[i],
    square: (i) => x[i] * x[i],
    sum_of_products: (i) => x[i] * y[i] + z[i] * y[i],
    rotate: (i) => x[i - (i % row) + (((i + steps) % row) + row) % row],
    rotate_hoisted: (i) => x[i - (i % row) + (((i + steps) % row) + row) % row],
    exchange: set.scheme === 'ckks' ? (i) => x[i] : (i) => x[(i + row) % (2 * row)],
  }[op];
  const result = x.map((_, i) => slot(i));
  return set.scheme === 'ckks' ? result : result.map((value) => centered(set.t, value));
}

/// All registers of a circuit.
export function run(set, circuit) {
  const registers = [...circuit.inputs];
  for (const instruction of circuit.instructions) registers.push(execute(set, instruction, registers, circuit.plains));
  return registers;
}
