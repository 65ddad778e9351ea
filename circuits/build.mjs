// Compiles circuits with circom2 in a build folder: everything that is included lies there, since circom2 sees nothing outside.
//   node build.mjs BUILD_FOLDER CIRCUIT.circom ...     after `npm ci` of this folder's package.json in BUILD_FOLDER
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { circomSource } from './poseidon_constants.mjs';

const folder = path.dirname(fileURLToPath(import.meta.url));

function writeIfChanged(file, text) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  if (!fs.existsSync(file) || fs.readFileSync(file, 'utf8') !== text) fs.writeFileSync(file, text);
}

/// Copies all .circom files of this folder, and the constants of Poseidon, into `build`.
export function prepareSources(build) {
  for (const name of fs.readdirSync(folder, { recursive: true })) {
    if (name.endsWith('.circom')) writeIfChanged(path.join(build, name), fs.readFileSync(path.join(folder, name), 'utf8'));
  }
  writeIfChanged(path.join(build, 'lib/poseidon_constants.circom'), circomSource());
}

/// Compiles `source`, a path inside `build`; returns the paths of .r1cs, .sym and .wasm. `simplification`: 0, 1 or 2; 1 keeps all
/// inputs and every bit as wires of their own, which our witness solver relies on.
export function compile(build, source, { simplification = 1, libraries = [] } = {}) {
  const name = path.basename(source, '.circom');
  const output = `out/O${simplification}`;
  fs.mkdirSync(path.join(build, output), { recursive: true });
  const require = createRequire(path.join(path.resolve(build), 'x.js'));
  const compiler = path.join(path.dirname(require.resolve('circom2/package.json')), 'cli.js');
  const args = [compiler, source, '--r1cs', '--sym', '--wasm', `--O${simplification}`, '-o', output];
  for (const library of ['.', ...libraries]) args.push('-l', library);
  const run = spawnSync(process.execPath, args, { cwd: build, encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`circom2 refused ${source}:\n${run.stdout}${run.stderr}`);
  const stem = path.join(build, output, name);
  return { r1cs: `${stem}.r1cs`, sym: `${stem}.sym`, wasm: path.join(build, output, `${name}_js`, `${name}.wasm`), log: run.stdout };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [build, ...sources] = process.argv.slice(2);
  if (!build || sources.length === 0) {
    console.error('Usage: node build.mjs BUILD_FOLDER CIRCUIT.circom ...');
    process.exit(2);
  }
  prepareSources(build);
  for (const source of sources) console.log(compile(build, source).r1cs);
}
