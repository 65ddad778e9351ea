// A question at level hybrid, from keys to verified answers.
import { Steps, bytesText } from "./dom.js";
import * as api from "./api.js";
import { call } from "./library.js";

// Keys of this tab, by model and version: the public one is sent once.
const kept = new Map();

/** The server may have forgotten them. */
export const forget = () => kept.clear();

/** `rows`: values and their number of records; `what`: their name in the steps, which go into `box`.   Throws if the answer isn't proven. */
export async function ask(box, id, version, rows, context, what) {
  const name = `${id}/${version.version}`, known = kept.get(name);
  const steps = new Steps([...(known ? [] : ["Make keys in this page", "Send the public one, once"]), `Encrypt the ${what}`, "Send it", "Compute and prove", "Fetch answer and proof", "Verify, then decrypt"]);
  box.append(steps.element);
  let keys = known;
  if (!keys) {
    const [spec, modelKey] = await Promise.all([api.bytes(version.links.hybrid_spec), api.bytes(version.links.model_key)]);
    const made = await steps.run("Make keys in this page", () => call("hybrid.generateKeys", spec));
    const record = await steps.run("Send the public one, once", async () => {
      const announced = await api.post("/ml/keys", { model: id, version: version.version, level: "hybrid" });
      await api.upload("PUT", announced.links.public, made.public);
      return announced;
    });
    keys = { spec, modelKey, secret: made.secret, publicKey: made.public, id: record.id };
    kept.set(name, keys);
  }
  const input = await steps.run(`Encrypt the ${what}`, () => call("hybrid.encrypt", keys.spec, keys.secret, rows.values, rows.records));
  const job = await steps.run("Send it", (note) => api.upload("POST", `/ml/models/${id}/inference?privacy_level=hybrid&keys=${keys.id}&samples=${rows.records}&context=${encodeURIComponent(context)}`, input,
    (sent, total) => note(`${bytesText(sent)} of ${bytesText(total)}`)));
  const done = await steps.run("Compute and prove", (note) => api.wait(job.job_id, note));
  const [output, proof] = await steps.run("Fetch answer and proof", () => Promise.all([api.bytes(done.artifacts.find((artifact) => artifact.name === "output.bpct").link), api.bytes(`${done.links.proof}/proof.bpp`)]));
  const about = { proof, modelKey: keys.modelKey, publicKey: keys.publicKey, input, output, ...(context && { context: new TextEncoder().encode(context) }) };
  const result = await steps.run("Verify, then decrypt", () => call("hybrid.decrypt", { spec: keys.spec, secret: keys.secret, ...about }));
  return { result, proof, input, output, publicKey: keys.publicKey };
}
