// Keys, ciphertexts, outputs and proofs between the package and the native program, in both directions.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { BlindproofError, load } from "../dist/index.js";
import { fails, models, npy, program, run, scratch, values } from "./program.mjs";

const bytes = (text) => new TextEncoder().encode(text);
const hex = (text) => Buffer.from(text).toString("hex");
const refused = (code) => (error) => error instanceof BlindproofError && error.code === code && error.message !== "";
const altered = (file, at) => {
  const copy = file.slice();
  copy[at < 0 ? copy.length + at : at] ^= 1;
  return copy;
};

const bp = await load();
const folder = scratch();
after(() => folder.remove());

describe("without files", () => {
  test("the version is the package's", () => {
    assert.equal(bp.version(), JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version);
  });
  test("what isn't a file gives an error with its code", () => {
    assert.throws(() => bp.inspect(new Uint8Array()), refused("unsupported"));
    assert.throws(() => bp.inspect(bytes("BPM and weights")), refused("unsupported"));
    assert.throws(() => bp.inspect(bytes("BPK")), refused("malformed"));
    assert.throws(() => bp.fhe.generateKeys(bytes("no spec")), refused("malformed"));
    assert.throws(() => bp.hybrid.decrypt({ spec: bytes("x"), secret: bytes("x"), output: bytes("x") }), BlindproofError);
    assert.throws(() => bp.fhe.encrypt(bytes("x"), bytes("x"), new Float32Array()), refused("invalid-argument"));
    assert.throws(() => bp.fhe.encrypt(bytes("x"), bytes("x"), [1, 2]), refused("invalid-argument"));
  });
});

describe("zkml", () => {
  const input = values(64, 0, 1);
  let verdict, key, proof;
  before(() => {
    const digits8 = models + "digits8/digits8";
    run("model", "compile", digits8 + ".onnx", "--calibration", digits8 + "_calibration.npz", "--out", folder.at("d.bpm"));
    run("model", "commit", folder.at("d.bpm"), "--out", folder.at("d.bpk"));
    folder.write("d.npy", npy(input, [64]));
    run("prove", folder.at("d.bpm"), "--model-key", folder.at("d.bpk"), "--input", folder.at("d.npy"), "--context", hex("for bob"), "--out", folder.at("d.bpp"));
    verdict = run("verify", folder.at("d.bpp"), "--model-key", folder.at("d.bpk"), "--context", hex("for bob"));
    [key, proof] = [folder.read("d.bpk"), folder.read("d.bpp")];
  });
  const check = (request) => bp.zkml.verify({ proof, modelKey: key, context: bytes("for bob"), ...request });

  test("a proof of the program is accepted, and says what the program says", () => {
    const mine = check({ input });
    assert.equal(mine.accepted, true, JSON.stringify(mine.refusal));
    assert.equal(mine.model, verdict.model_id ?? verdict.model);
    assert.equal(mine.class, verdict.class);
    assert.equal(mine.input.compared, true);
    assert.equal(check({ output: mine.output.integers }).accepted, true);
    console.log(`digits8: registration ${mine.registrationSeconds.toFixed(3)} s, proof ${mine.proofSeconds.toFixed(3)} s`);
  });
  test("another context, input or output is refused by its check", () => {
    assert.equal(check({ context: bytes("for eve") }).refusal.place, "statement.context");
    assert.equal(bp.zkml.verify({ proof, modelKey: key }).refusal.place, "statement.context");
    const other = input.map((value) => 1 - value);
    assert.equal(check({ input: other }).refusal.place, "statement.input");
    const { integers } = check({}).output;
    assert.equal(check({ output: integers.map((value) => value + 1n) }).refusal.place, "statement.output");
  });
  test("altered proofs and keys are refused or unreadable", () => {
    for (const at of [10, 100, proof.length >> 1, -1]) {
      try {
        assert.equal(check({ proof: altered(proof, at) }).accepted, false, `byte ${at}`);
      } catch (error) {
        assert.ok(error instanceof BlindproofError, `byte ${at}: ${error}`);
      }
    }
    assert.throws(() => check({ proof: proof.subarray(0, proof.length - 1) }), refused("malformed"));
    assert.throws(() => check({ modelKey: proof }), refused("malformed"));
  });
  test("networks whose cells 32 bits may not count are refused before memory is taken", () => {
    const large = key.slice(), view = new DataView(large.buffer);
    const at = large.findIndex((byte, i) => byte === 1 && i + 5 <= large.length && view.getUint32(i + 1, true) === 64) + 1;  // the input's shape, [64]
    view.setUint32(at, (1 << 26) + 1, true);
    assert.throws(() => bp.inspect(large), refused("limit"));
    assert.throws(() => check({ modelKey: large }), refused("limit"));
  });
  test("files are inspected", () => {
    const facts = bp.inspect(proof);
    assert.deepEqual([facts.kind, facts.level, facts.input.hidden], ["proof", "zkml", false]);
    assert.equal(bp.inspect(key).kind, "model_key");
    assert.equal(bp.inspect(key).model, facts.model);
  });
});

describe("hybrid", () => {
  const records = 5, features = 30;
  const rows = values(records * features, 0, 10, 7);
  let keys, request, spec, plain;
  before(() => {
    const table = models + "tables/breast_cancer";
    run("model", "compile", table + "_square.onnx", "--calibration", table + "_train.npz", "--arithmetic", "exact", "--out", folder.at("t.bpm"));
    run("model", "commit", folder.at("t.bpm"), "--out", folder.at("t.bpk"));
    run("model", "lower", folder.at("t.bpm"), "--level", "hybrid", "--out", folder.at("t.bpf"));
    spec = folder.read("t.bpc");
    keys = bp.hybrid.generateKeys(spec);
    const input = bp.hybrid.encrypt(spec, keys.secret, rows, records);
    for (const [name, file] of Object.entries({ "t.bppk": keys.public, "t.x.bpct": input })) folder.write(name, file);
    run("infer", folder.at("t.bpf"), "--public-key", folder.at("t.bppk"), "--input", folder.at("t.x.bpct"), "--out", folder.at("t.y.bpct"),
        "--prove", "--proof", folder.at("t.bpp"), "--model-key", folder.at("t.bpk"), "--context", hex("ward 3"));
    folder.write("t.npy", npy(rows, [records, features]));
    plain = run("model", "run", folder.at("t.bpm"), "--input", folder.at("t.npy"));
    request = { proof: folder.read("t.bpp"), modelKey: folder.read("t.bpk"), publicKey: keys.public, input, output: folder.read("t.y.bpct"), context: bytes("ward 3") };
  });

  test("the program's answer to a question from here is proven, decrypted, and the plain network's", () => {
    const verdict = bp.hybrid.verify(request);
    assert.equal(verdict.accepted, true, JSON.stringify(verdict.refusal));
    assert.equal(verdict.records, records);
    const answer = bp.hybrid.decrypt({ spec, secret: keys.secret, ...request });
    assert.deepEqual(answer.classes, plain.classes);
    assert.equal(answer.samples, records);
    assert.equal(answer.integers.length, answer.values.length);
    console.log(`breast cancer: registration ${verdict.registrationSeconds.toFixed(3)} s, proof ${verdict.proofSeconds.toFixed(3)} s`);
  });
  test("nothing is decrypted without a proof, or with one that is refused", () => {
    assert.throws(() => bp.hybrid.decrypt({ spec, secret: keys.secret, ...request, context: bytes("ward 4") }), refused("rejected"));
    assert.throws(() => bp.hybrid.decrypt({ spec, secret: keys.secret, ...request, proof: altered(request.proof, -1) }), refused("rejected"));
    assert.throws(() => bp.hybrid.decrypt({ spec, secret: keys.secret, output: request.output }), BlindproofError);
    const answer = bp.hybrid.decrypt({ spec, secret: keys.secret, output: request.output, unverified: true });
    assert.deepEqual(answer.classes, plain.classes);
  });
  test("another question, answer or key than the proof's is refused", () => {
    const other = bp.hybrid.encrypt(spec, keys.secret, rows, records);
    assert.equal(bp.hybrid.verify({ ...request, input: other }).accepted, false);
    assert.equal(bp.hybrid.verify({ ...request, output: other }).accepted, false);
    assert.equal(bp.hybrid.verify({ ...request, publicKey: bp.hybrid.generateKeys(spec).public }).accepted, false);
    assert.throws(() => bp.hybrid.verify({ ...request, output: altered(request.output, 1000) }), refused("malformed"));
    assert.throws(() => bp.hybrid.encrypt(spec, keys.secret, rows, 4), refused("invalid-argument"));
  });
  test("questions of the program are decrypted here, and keys are the same files", () => {
    run("keys", "generate", "--spec", folder.at("t.bpc"), "--out", folder.at("t.keys"));
    run("encrypt", "--spec", folder.at("t.bpc"), "--keys", folder.at("t.keys"), "--input", folder.at("t.npy"), "--out", folder.at("t.x2.bpct"));
    run("infer", folder.at("t.bpf"), "--public-key", folder.at("t.keys/public.bppk"), "--input", folder.at("t.x2.bpct"), "--out", folder.at("t.y2.bpct"));
    const answer = bp.hybrid.decrypt({ spec, secret: folder.read("t.keys/secret.bpsk"), output: folder.read("t.y2.bpct"), unverified: true });
    assert.deepEqual(answer.classes, plain.classes);
    folder.write("t.keys/secret2.bpsk", keys.secret);
    assert.equal(run("keys", "inspect", folder.at("t.keys/secret2.bpsk")).key_id, bp.inspect(keys.public).keyId);
  });
});

for (const [scheme, options] of [["ckks", []], ["bfv", ["--scheme", "bfv"]]]) {
  describe(`fhe, ${scheme}`, () => {
    const features = 30, input = values(features, 0, 1, 3);
    test("the program computes on a question from here, and the answer decrypts to the plain network's", { timeout: 600_000 }, () => {
      const at = (name) => folder.at(`${scheme}.${name}`), table = models + "tables/breast_cancer";
      run("model", "compile", table + "_square.onnx", "--calibration", table + "_train.npz", "--arithmetic", "exact", "--out", at("bpm"));
      run("model", "lower", at("bpm"), "--level", "fhe", ...options, "--out", at("bpf"));
      const spec = folder.read(`${scheme}.bpc`);
      assert.equal(bp.inspect(spec).scheme, scheme.toUpperCase());
      let start = performance.now();
      const keys = bp.fhe.generateKeys(spec);
      const generated = performance.now() - start;
      start = performance.now();
      const question = bp.fhe.encrypt(spec, keys.secret, input);
      const encrypted = performance.now() - start;
      for (const [name, file] of Object.entries({ bppk: keys.public, bpek: keys.evaluation, "x.bpct": question })) folder.write(`${scheme}.${name}`, file);
      run("infer", at("bpf"), "--eval-keys", at("bpek"), "--public-key", at("bppk"), "--input", at("x.bpct"), "--out", at("y.bpct"));
      folder.write(`${scheme}.npy`, npy(input, [features]));
      const plain = run("model", "run", at("bpm"), "--input", at("npy"), ...(scheme === "ckks" ? ["--float"] : []));
      start = performance.now();
      const answer = bp.fhe.decrypt(spec, keys.secret, folder.read(`${scheme}.y.bpct`));
      const decrypted = performance.now() - start;
      assert.deepEqual(answer.classes, plain.classes);
      const expected = plain.outputs[0];
      if (scheme === "bfv") assert.deepEqual(answer.integers, expected.map(BigInt));
      else answer.values.forEach((value, i) => assert.ok(Math.abs(value - expected[i]) < 1e-2, `${value} against ${expected[i]}`));
      assert.throws(() => bp.fhe.decrypt(spec, bp.fhe.generateKeys(spec).secret, folder.read(`${scheme}.y.bpct`)), refused("mismatch"));
      console.log(`${scheme}: keys ${generated.toFixed(0)} ms, ${keys.evaluation.length} bytes; encryption ${encrypted.toFixed(0)} ms; decryption ${decrypted.toFixed(0)} ms`);
    });
  });
}

test("the program doesn't take a file that was altered", () => {
  folder.write("broken.bppk", altered(folder.read("t.bppk"), 500));
  assert.ok(fails("keys", "inspect", folder.at("broken.bppk")));
  assert.ok(program);
});
