// node compare.mjs PROGRAM: the same circuits with PROGRAM (fhe_circuits.cpp), SEAL and plain numbers. Integers must be
// the same, the numbers of CKKS within the errors that are predicted. Exits 1 and says where if they aren't.
//
// BLINDPROOF_ORACLE_SEED chooses other circuits.
import {execFileSync} from 'node:child_process';
import {readFileSync, writeFileSync} from 'node:fs';

import {makeSets} from './circuits.mjs';
import * as seal from './node_seal.mjs';
import * as plain from './plain.mjs';
import {errorBounds} from './seal_errors.mjs';

const seed = Number(process.env.BLINDPROOF_ORACLE_SEED ?? 1);
const sets = makeSets(seed);
writeFileSync('circuits.json', JSON.stringify(sets));
try {
  execFileSync(process.argv[2], ['circuits.json', 'ours.json'], {stdio: 'inherit'});
} catch {
  console.error(`seed ${seed}: the circuits didn't run`);
  process.exit(1);
}
const allOurs = JSON.parse(readFileSync('ours.json', 'utf8'));

/// The slot in which |a - b| exceeds the bound most, or undefined.
function worstSlot(a, b, bound) {
  let worst, distance = bound;
  for (let i = 0; i < Math.max(a.length, b.length); ++i) {
    const d = Math.abs(a[i] - b[i]);
    if (!(d <= distance)) [worst, distance] = [i, d];
  }
  return worst;
}

const largestDifference = (a, b) => a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i])), 0);

let problems = 0;
for (const [s, set] of sets.entries()) {
  const {circuits: bySeal, ...parameters} = seal.run(set);
  let registers = 0, ourShare = 0, sealShare = 0;
  for (const [k, circuit] of set.circuits.entries()) {
    const exact = plain.run(set, circuit);
    const ours = allOurs[s][k];
    const bounds = set.scheme === 'ckks' ? errorBounds(set, circuit, exact, parameters) : [];
    for (const [r, expected] of exact.entries()) {
      const ourBound = ours[r].error_bound ?? 0, sealBound = bounds[r] ?? 0;
      const pairs = [
        ['ours', ours[r].values, 'plain numbers', expected, ourBound],
        ['SEAL', bySeal[k][r], 'plain numbers', expected, sealBound],
        ['ours', ours[r].values, 'SEAL', bySeal[k][r], ourBound + sealBound],
      ];
      const wrong = pairs.filter(([, a, , b, bound]) => worstSlot(a, b, bound) !== undefined);
      for (const [nameA, a, nameB, b, bound] of wrong) {
        const slot = worstSlot(a, b, bound);
        const made = circuit.instructions[r - circuit.inputs.length] ?? {op: 'input'};
        console.error(`${set.parameters}, circuit ${k}, register ${r}, made by ${JSON.stringify(made)}, ` +
            `slot ${slot}: ${nameA} ${a[slot]}, ${nameB} ${b[slot]}` +
            (bound > 0 ? `, which may differ by ${bound}` : ''));
      }
      if (wrong.length > 0) {
        ++problems;
        break;  // the registers after it may follow from it
      }
      ++registers;
      if (set.scheme === 'ckks') {
        ourShare = Math.max(ourShare, largestDifference(ours[r].values, expected) / ourBound);
        sealShare = Math.max(sealShare, largestDifference(bySeal[k][r], expected) / sealBound);
      }
    }
  }
  console.log(`${set.parameters}: ${registers} registers of ${set.circuits.length} circuits agree` +
      (set.scheme === 'ckks' ? `; errors at most ${ourShare.toFixed(2)} (ours) and ${sealShare.toFixed(2)} (SEAL) ` +
          'of their bounds' : ''));
}
if (problems > 0) {
  console.error(`seed ${seed}: ${problems} circuits differ; circuits.json and ours.json have all values`);
  process.exit(1);
}
