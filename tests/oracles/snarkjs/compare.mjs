// circom's constraints and witnesses, snarkjs's keys and proofs: each is used by the other side.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import test, { after } from "node:test";
import * as snarkjs from "snarkjs";

const program = process.env.BLINDPROOF;
const run = (...args) => spawnSync(program, [...args, "--json"], { encoding: "utf8" });
const groth16 = (...args) => {
  const { status, stdout, stderr } = run("groth16", ...args);
  assert.equal(status, 0, stdout + stderr);
  return JSON.parse(stdout);
};
const json = (path) => JSON.parse(readFileSync(path, "utf8"));

after(() => globalThis.curve_bn128?.terminate());  // snarkjs's workers would keep the process alive

execFileSync(process.execPath, [createRequire(import.meta.url).resolve("circom2/cli.js"), "circuit.circom", "--r1cs", "--wasm", "-o", "."]);
const wasm = "circuit_js/circuit.wasm";
await snarkjs.wtns.calculate({ a: 200, b: 7 }, wasm, "witness.wtns");

test("snarkjs accepts our keys and our proofs", async () => {
  groth16("setup", "circuit.r1cs", "--dev", "--out", "ours.zkey", "--verification-key", "ours_vk.json");
  assert.equal(groth16("prove", "--key", "ours.zkey", "--witness", "witness.wtns", "--proof", "ours_proof.json", "--public", "ours_public.json").insecure_key, true);
  const key = json("ours_vk.json");
  assert.equal(await snarkjs.groth16.verify(key, json("ours_public.json"), json("ours_proof.json")), true);
  const wrong = json("ours_public.json");
  wrong[0] = (BigInt(wrong[0]) + 1n).toString();
  assert.equal(await snarkjs.groth16.verify(key, wrong, json("ours_proof.json")), false);

  // What snarkjs exports from the same file, the pairing of alpha and beta included.
  const exported = await snarkjs.zKey.exportVerificationKey("ours.zkey");
  delete key.blindproof_insecure;
  assert.deepEqual(JSON.parse(JSON.stringify(exported)), key);
});

test("we accept snarkjs's proofs, of our keys", async () => {
  const { proof, publicSignals } = await snarkjs.groth16.prove("ours.zkey", "witness.wtns");
  writeFileSync("their_proof.json", JSON.stringify(proof));
  writeFileSync("their_public.json", JSON.stringify(publicSignals));
  assert.deepEqual(publicSignals, json("ours_public.json"));
  const use = ["verify", "--key", "ours_vk.json", "--proof", "their_proof.json", "--public", "their_public.json"];
  assert.equal(groth16(...use, "--allow-dev").accepted, true);
  const refused = run("groth16", ...use);
  assert.equal(refused.status, 1);
  assert.equal(JSON.parse(refused.stdout).check, "key.development");
});

test("keys of snarkjs's ceremonies work, but not before a contribution", async () => {
  const curve = await snarkjs.curves.getCurveFromName("bn128");
  await snarkjs.powersOfTau.newAccumulator(curve, 6, "0.ptau");
  await snarkjs.powersOfTau.contribute("0.ptau", "1.ptau", "one", "entropy of a test");
  await snarkjs.powersOfTau.preparePhase2("1.ptau", "2.ptau");
  await snarkjs.zKey.newZKey("circuit.r1cs", "2.ptau", "initial.zkey");
  await snarkjs.zKey.contribute("initial.zkey", "final.zkey", "one", "entropy of a test");
  groth16("prove", "--key", "final.zkey", "--witness", "witness.wtns", "--proof", "proof.json", "--public", "public.json");
  const key = await snarkjs.zKey.exportVerificationKey("final.zkey");
  writeFileSync("vk.json", JSON.stringify(key));
  assert.equal(await snarkjs.groth16.verify(key, json("public.json"), json("proof.json")), true);
  for (const path of ["vk.json", "final.zkey"]) {
    assert.equal(groth16("verify", "--key", path, "--proof", "proof.json", "--public", "public.json").accepted, true);
  }
  const early = run("groth16", "prove", "--key", "initial.zkey", "--witness", "witness.wtns", "--proof", "no.json", "--public", "no_public.json");
  assert.equal(early.status, 1);
  assert.match(early.stdout + early.stderr, /gamma equals delta/);
});

test("witnesses that don't satisfy the constraints, or of another circuit, give no proof", () => {
  const witness = readFileSync("witness.wtns");
  const altered = Buffer.from(witness);
  altered[altered.length - 32] ^= 1;
  writeFileSync("altered.wtns", altered);
  const refused = run("groth16", "prove", "--key", "ours.zkey", "--witness", "altered.wtns", "--proof", "no.json", "--public", "no_public.json");
  assert.notEqual(refused.status, 0);
  assert.match(refused.stdout + refused.stderr, /satisfy/);
});
