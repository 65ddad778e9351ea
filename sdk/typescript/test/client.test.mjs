// The client against a running service.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { Client, ServiceError, load } from "../dist/index.js";
import { models, npy, program, run, scratch, values } from "./program.mjs";

describe("the service", { timeout: 600_000 }, () => {
  const folder = scratch(), records = 3, features = 30, rows = values(records * features, 0, 10, 9);
  let server, client, url, bp, model, plain;
  before(async () => {
    bp = await load();
    const table = models + "tables/breast_cancer";
    run("model", "compile", table + "_square.onnx", "--calibration", table + "_train.npz", "--arithmetic", "exact", "--out", folder.at("t.bpm"));
    folder.write("t.npy", npy(rows, [records, features]));
    plain = run("model", "run", folder.at("t.bpm"), "--input", folder.at("t.npy"));
    server = spawn(program, ["serve", "--data", folder.at("data"), "--listen", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "ignore"] });
    for await (const line of createInterface({ input: server.stdout })) {
      url = /http:\/\/\S+/.exec(line)?.[0] ?? url;
      if (url) break;
    }
    client = new Client(url, readFileSync(folder.at("data/admin.key"), "utf8").trim());
    model = await client.createModel("table");
    model = await client.upload(model.id, folder.read("t.bpm"), ["zkml", "hybrid"]);
  });
  after(async () => {
    if (server && server.exitCode === null) {
      server.kill("SIGTERM");
      await once(server, "exit");
    }
    folder.remove();
  });

  test("the types of requests are those of its document", () => {
    const script = new URL("../scripts/api-types.mjs", import.meta.url).pathname;
    execFileSync(process.execPath, [script, "--check", `${url}/openapi.json`], { stdio: "inherit" });
  });
  test("models are listed with what uploading made", async () => {
    assert.deepEqual((await client.models()).map((one) => one.id), [model.id]);
    assert.equal(model.versions.length, 1);
    assert.equal(bp.inspect(await client.modelKey(model.id)).kind, "model_key");
  });
  test("an inference comes with a proof that is verified here", async () => {
    const seen = [];
    const id = await client.infer(model.id, { shape: [features], data: rows.subarray(0, features) }, { context: "for bob" });
    const job = await client.wait(id, { progress: (state) => seen.push(state.status) });
    assert.equal(seen.at(-1), "succeeded");
    const verdict = bp.zkml.verify({ proof: await client.proofFile(job), modelKey: await client.modelKey(model.id), context: new TextEncoder().encode("for bob") });
    assert.equal(verdict.accepted, true, JSON.stringify(verdict.refusal));
    assert.equal(verdict.class, plain.classes[0]);
    assert.equal((await client.verify(job.result.proof_id)).is_valid, true);
  });
  test("hybrid: encrypted here, answered there, verified and decrypted here", async () => {
    const spec = await client.spec(model.id, "hybrid"), keys = bp.hybrid.generateKeys(spec);
    const uploaded = await client.uploadKeys(model.id, keys, "hybrid");
    const input = bp.hybrid.encrypt(spec, keys.secret, rows, records);
    const job = await client.wait(await client.inferEncrypted(model.id, input, { level: "hybrid", keys: uploaded, samples: records }));
    const answer = bp.hybrid.decrypt({ spec, secret: keys.secret, proof: await client.proofFile(job), modelKey: await client.modelKey(model.id),
                                       publicKey: keys.public, input, output: await client.answer(job) });
    assert.deepEqual(answer.classes, plain.classes);
  });
  test("problems are errors with their status and type", async () => {
    await assert.rejects(client.model("nothing"), (error) => error instanceof ServiceError && error.status === 404);
    await assert.rejects(client.createModel("table"), (error) => error instanceof ServiceError && error.problem === "exists" && error.code === "mismatch");
    await assert.rejects(new Client(url, "bpkey_wrong").models(), (error) => error instanceof ServiceError && error.status === 401);
  });
});
