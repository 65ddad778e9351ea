// Compiles contracts:  node build.mjs [VERIFIER.sol ...]   after `npm ci`.
// Writes build/<Contract>.json for the contracts of src/ and of the files named: contractName, abi, bytecode, deployedBytecode,
// immutableReferences, compiler.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import solc from 'solc';

const folder = path.dirname(fileURLToPath(import.meta.url));

export const kSettings = {
  evmVersion: 'cancun',
  viaIR: true,
  optimizer: { enabled: true, runs: 1_000_000 },
  metadata: { bytecodeHash: 'none', appendCBOR: false },  // the same code wherever it is compiled
};

/// The contracts of src/ as {'src/X.sol': text}.
export function readSources() {
  const names = fs.readdirSync(path.join(folder, 'src')).filter((name) => name.endsWith('.sol'));
  return Object.fromEntries(names.map((name) => [`src/${name}`, fs.readFileSync(path.join(folder, 'src', name), 'utf8')]));
}

/// Compiles {name: text}; returns {contract: artifact} without interfaces and abstract contracts. A warning is an error.
export function compile(sources) {
  const input = {
    language: 'Solidity',
    sources: Object.fromEntries(Object.entries(sources).map(([name, content]) => [name, { content }])),
    settings: {
      ...kSettings,
      outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object', 'evm.deployedBytecode.immutableReferences'] } },
    },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input)));
  const messages = (output.errors ?? []).filter(({ severity }) => severity !== 'info');
  if (messages.length > 0) throw new Error(messages.map(({ formattedMessage }) => formattedMessage).join('\n'));
  const artifacts = {};
  for (const contracts of Object.values(output.contracts)) {
    for (const [contractName, { abi, evm }] of Object.entries(contracts)) {
      if (evm.bytecode.object === '') continue;
      if (contractName in artifacts) throw new Error(`two contracts are called ${contractName}`);
      artifacts[contractName] = {
        contractName,
        abi,
        bytecode: `0x${evm.bytecode.object}`,
        deployedBytecode: `0x${evm.deployedBytecode.object}`,
        immutableReferences: evm.deployedBytecode.immutableReferences ?? {},
        compiler: { version: solc.version(), settings: kSettings },
      };
    }
  }
  return artifacts;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const sources = readSources();
  for (const file of process.argv.slice(2)) sources[path.basename(file)] = fs.readFileSync(file, 'utf8');
  const build = path.join(folder, 'build');
  fs.mkdirSync(build, { recursive: true });
  for (const [name, artifact] of Object.entries(compile(sources))) {
    fs.writeFileSync(path.join(build, `${name}.json`), `${JSON.stringify(artifact, null, 1)}\n`);
    console.log(`build/${name}.json  ${(artifact.deployedBytecode.length - 2) / 2} bytes`);
  }
}
