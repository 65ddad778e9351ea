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

// Contributions in turn, a beacon by each side.
const theirs = { name: "snarkjs", entropy: "entropy of a test", beacon: "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20" };

test("powers of tau go back and forth between us and snarkjs", async () => {
  groth16("ptau", "new", "--power", "6", "--out", "p0.ptau");
  const curve = await snarkjs.curves.getCurveFromName("bn128");
  await snarkjs.powersOfTau.newAccumulator(curve, 6, "their0.ptau");
  assert.deepEqual(readFileSync("p0.ptau"), readFileSync("their0.ptau"));

  const published = [];
  published.push(groth16("ptau", "contribute", "p0.ptau", "--out", "p1.ptau", "--name", "ours").hash);
  published.push(Buffer.from(await snarkjs.powersOfTau.contribute("p1.ptau", "p2.ptau", theirs.name, theirs.entropy)).toString("hex"));
  published.push(groth16("ptau", "beacon", "p2.ptau", "--out", "p3.ptau", "--beacon", theirs.beacon, "--name", "our beacon").hash);
  published.push(Buffer.from(await snarkjs.powersOfTau.beacon("p3.ptau", "p4.ptau", "their beacon", theirs.beacon, 10)).toString("hex"));
  groth16("ptau", "prepare", "p4.ptau", "--out", "powers.ptau");
  await snarkjs.powersOfTau.preparePhase2("p4.ptau", "their_powers.ptau");
  for (const path of ["p1.ptau", "p2.ptau", "p3.ptau", "p4.ptau", "powers.ptau", "their_powers.ptau"]) {
    assert.equal(await snarkjs.powersOfTau.verify(path), true, path);
    assert.equal(groth16("ptau", "verify", path).accepted, true, path);
  }
  assert.deepEqual(readFileSync("powers.ptau"), readFileSync("their_powers.ptau"));
  assert.deepEqual(groth16("ptau", "verify", "powers.ptau").contributions.map((c) => c.hash), published);

  await snarkjs.powersOfTau.truncate("powers.ptau", "cut_");
  assert.equal(groth16("ptau", "verify", "cut_05.ptau").accepted, true);
  const refused = run("groth16", "ptau", "contribute", "cut_05.ptau", "--out", "no.ptau");
  assert.match(refused.stdout + refused.stderr, /was cut/);

  // The same beacon after the same contributions gives the same file.
  groth16("ptau", "beacon", "p3.ptau", "--out", "same4.ptau", "--beacon", theirs.beacon, "--name", "their beacon");
  assert.equal(groth16("ptau", "verify", "same4.ptau").contributions[3].hash, published[3]);
});

test("keys of ceremonies go back and forth between us and snarkjs", async () => {
  groth16("setup", "circuit.r1cs", "--ptau", "powers.ptau", "--out", "k0.zkey");
  await snarkjs.zKey.newZKey("circuit.r1cs", "powers.ptau", "their_k0.zkey");
  groth16("setup", "circuit.r1cs", "--ptau", "p4.ptau", "--out", "computed_k0.zkey");  // not prepared
  assert.deepEqual(readFileSync("k0.zkey"), readFileSync("computed_k0.zkey"));
  groth16("contribute", "k0.zkey", "--out", "k1.zkey", "--name", "ours");
  await snarkjs.zKey.contribute("k1.zkey", "k2.zkey", theirs.name, theirs.entropy);
  groth16("beacon", "k2.zkey", "--out", "k3.zkey", "--beacon", theirs.beacon, "--name", "our beacon", "--verification-key", "k3_vk.json");
  await snarkjs.zKey.beacon("k3.zkey", "k4.zkey", "their beacon", theirs.beacon, 10);
  for (const path of ["k1.zkey", "k2.zkey", "k3.zkey", "k4.zkey"]) {
    // Both initial keys, and the one that snarkjs makes itself, are the same circuit's: their hashes agree.
    for (const initial of ["k0.zkey", "their_k0.zkey"]) assert.equal(await snarkjs.zKey.verifyFromInit(initial, "powers.ptau", path), true, path);
    assert.equal(await snarkjs.zKey.verifyFromR1cs("circuit.r1cs", "powers.ptau", path), true, path);
    for (const powers of ["powers.ptau", "p4.ptau"]) assert.equal(groth16("verify-key", path, "--circuit", "circuit.r1cs", "--ptau", powers).accepted, true, path);
  }
  await snarkjs.zKey.contribute("their_k0.zkey", "their_k1.zkey", theirs.name, theirs.entropy);
  const verified = groth16("verify-key", "their_k1.zkey", "--circuit", "circuit.r1cs", "--ptau", "powers.ptau");
  assert.equal(verified.accepted, true);
  assert.equal(verified.circuit_hash, groth16("setup", "circuit.r1cs", "--ptau", "powers.ptau", "--trust-ptau", "--out", "k0.zkey").circuit_hash);

  // Proofs under a key that both have made.
  groth16("prove", "--key", "k3.zkey", "--witness", "witness.wtns", "--proof", "k3_proof.json", "--public", "k3_public.json");
  assert.equal(await snarkjs.groth16.verify(json("k3_vk.json"), json("k3_public.json"), json("k3_proof.json")), true);
  assert.equal(groth16("verify", "--key", "k3_vk.json", "--proof", "k3_proof.json", "--public", "k3_public.json").insecure_key, false);

  const initial = run("groth16", "verify-key", "k0.zkey", "--circuit", "circuit.r1cs", "--ptau", "powers.ptau");
  assert.equal(initial.status, 1);
  assert.equal(JSON.parse(initial.stdout).check, "contributions");
  assert.equal(run("groth16", "verify-key", "k1.zkey", "--circuit", "circuit.r1cs", "--ptau", "p2.ptau").status, 1);
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
