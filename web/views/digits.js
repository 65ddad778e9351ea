// A drawn digit: answered with a proof, or encrypted here and answered unseen.
import { Steps, bytesText, choice, h, problemBox, secondsText, short, table } from "../dom.js";
import { Pad, SAMPLES, paint, shrink } from "../pad.js";
import * as api from "../api.js";
import * as hybrid from "../hybrid.js";
import { available, call } from "../library.js";
import { levelTags, size } from "./models.js";

export const title = "Draw a digit";
export const parent = "models";

// Keys of this tab, by model, version and level: making and sending them takes longest.
const kept = new Map();

export async function render(id) {
  const [version, library] = await Promise.all([api.get(`/ml/models/${encodeURIComponent(id)}/client-spec`), available()]);
  const levels = version.levels, small = size(version.facts.input_shape) === 196;
  const seen = h("canvas", { class: "seen", role: "img", "aria-label": `What the model sees: ${small ? "14 by 14" : "28 by 28"} pixels` }), canvas = h("canvas", { class: "digit", role: "img", "aria-label": "Draw a digit here; or take a sample below" });
  const ask = h("button", { disabled: true }, "Ask the model"), results = h("div", { "aria-live": "polite" });
  let pixels = null, level = (library && ["fhe", "hybrid"].find((name) => levels.includes(name))) || levels[0];
  const pad = new Pad(canvas, () => {
    pixels = pad.pixels();
    if (pixels && small) pixels = shrink(pixels);
    paint(seen, pixels);
    ask.disabled = !pixels;
  });
  const hide = h("input", { type: "checkbox" });
  const hiding = h("label", { class: "choice", hidden: level !== "zkml" }, hide, h("span", {}, "Hide the digit in the proof", h("span", { class: "hint" }, " It can then be shown to others, and this page can't check that it is about your digit.")));
  const hints = { zkml: "The server sees the digit; its answer comes with a proof.", fhe: "The digit is encrypted in this page; the server never sees it, nor the answer.",
    hybrid: "Encrypted in this page, and the answer comes with a proof. Larger and slower." };
  ask.addEventListener("click", async () => {
    ask.disabled = true;
    const box = h("div");
    results.replaceChildren(box);
    try {
      await { zkml: proven, fhe: encrypted, hybrid: both }[level](box, id, version, pixels, library, hide.checked);
    } catch (error) {
      kept.clear();
      hybrid.forget();  // the server may have forgotten them
      box.append(problemBox(error));
    }
    ask.disabled = !pixels;
  });
  return [h("p", {}, h("a", { href: `#/models/${id}` }, "← Model")), h("h1", {}, "Draw a digit"),
    h("p", { class: "lead" }, "A hidden network reads it. ", levelTags(version.levels)),
    !library && h("div", { class: "box note" }, h("p", {}, "This server's page has no WebAssembly: nothing can be encrypted or verified here. “scripts/build-wasm” makes it.")),
    h("div", { class: "columns" },
      h("div", { class: "box" }, canvas,
        h("div", { class: "row between" }, h("button", { type: "button", class: "quiet", onclick: () => pad.clear() }, "Clear"), h("span", { class: "small soft" }, "as the model sees it"), seen),
        h("div", { class: "row samples small soft" }, h("span", {}, "Samples"), Object.entries(SAMPLES).map(([digit, strokes]) => h("button", { type: "button", class: "quiet", "aria-label": `Draw a ${digit}`, onclick: () => pad.strokes(strokes) }, digit))),
        h("fieldset", {}, h("legend", {}, "How"), levels.map((name) => choice("radio", "level", name, name, hints[name], { checked: name === level, disabled: name !== "zkml" && !library, onchange: () => { level = name; hiding.hidden = name !== "zkml"; } })), hiding),
        ask),
      results)];
}

function scores(values, best) {
  const low = Math.min(...values), high = Math.max(...values);
  return h("div", { class: "scores", role: "img", "aria-label": `Scores of the ten digits; highest: ${best}` }, values.map((value, digit) =>
    [h("span", {}, digit === best ? h("strong", {}, String(digit)) : String(digit)), h("progress", { max: 1, value: high > low ? (value - low) / (high - low) : 0 }), h("span", { class: "mono" }, value.toFixed(2))]));
}

const answer = (values, best) => h("div", { class: "box" }, h("div", { class: "row" }, h("div", { class: "answer", "data-answer": String(best) }, String(best)), h("p", { class: "soft" }, "is what the model reads.")), scores(values, best));

const parties = (rows) => [h("h2", {}, "What each party saw"), table(["", "digit", "answer", "weights"], rows)];

async function proven(box, id, version, pixels, library, hide) {
  const steps = new Steps(["Send the digit", "Infer and prove", "Fetch the proof", ...(library ? ["Verify it in this page"] : [])]);
  box.append(h("div", { class: "box" }, steps.element));
  const shape = version.facts.input_shape;
  const job = await steps.run("Send the digit", () => api.post(`/ml/models/${id}/inference`, { privacy_level: "zkml", version: version.version, input: { shape, data: [...pixels] }, hide_input: hide }));
  const done = await steps.run("Infer and prove", (note) => api.wait(job.job_id, note));
  const [proof, modelKey] = await steps.run("Fetch the proof", () => Promise.all([api.bytes(`${done.links.proof}/proof.bpp`), api.bytes(`/ml/models/${id}/versions/${version.version}/model.bpk`)]));
  let values = done.result.output.reals, verdict = null;
  if (library) {
    verdict = await steps.run("Verify it in this page", () => call("zkml.verify", { proof, modelKey, ...(!hide && { input: pixels }) }));
    if (!verdict.accepted || !verdict.values) {
      return box.append(h("div", { class: "box problem", role: "alert", "data-verified": "false" }, h("p", { class: "verdict bad" }, "✗ Refused: the server's answer isn't proven, so it isn't shown."),
        h("p", { class: "small soft" }, verdict.refusal ? `${verdict.refusal.message} (check: ${verdict.refusal.place})` : "The proof hides its answer.")));
    }
    values = verdict.values;  // what is proven, whatever else the server says
  }
  const best = values.indexOf(Math.max(...values));
  box.append(answer(values, best), h("div", { class: "box" },
    verdict ? h("p", { class: "verdict good", "data-verified": "true" }, hide ? "✓ Verified in this page: the committed model gave this answer to a digit that the proof hides." : "✓ Verified in this page: the committed model gave this answer to your digit.")
      : h("p", { class: "verdict" }, "Not verified here."),
    h("p", { class: "small soft" }, "Model ", short(done.result.model_id), `, proof ${bytesText(proof.length)}, proved in ${secondsText(done.result.prove_ms / 1000)}`, verdict ? `, verified in ${secondsText(verdict.proofSeconds)}` : "", "."),
    h("p", { class: "small" }, h("a", { href: "#/inspect" }, "Inspect proofs"), " of anybody, without an account.")),
  ...parties([["you", "yes", "yes", "no"], ["the server", "yes", "yes", "while uploaded; then encrypted"], ["its worker", "yes", "yes", "yes"], ["who gets the proof", hide ? "no: a commitment" : "yes", "yes", "no"]]));
}

async function encrypted(box, id, version, pixels) {
  const name = `${id}/${version.version}/fhe`, known = kept.get(name);
  const steps = new Steps([...(known ? [] : ["Make keys in this page", "Send the public ones, once"]), "Encrypt the digit", "Send it", "Compute on the ciphertext", "Fetch the answer", "Decrypt it"]);
  box.append(h("div", { class: "box" }, steps.element));
  let keys = known;
  if (!keys) {
    const spec = await api.bytes(version.links.client_spec);
    const made = await steps.run("Make keys in this page", () => call("fhe.generateKeys", spec));
    const announced = await steps.run("Send the public ones, once", async (note) => {
      const record = await api.post("/ml/keys", { model: id, version: version.version, level: "fhe" });
      const all = made.public.length + made.evaluation.length;
      await api.upload("PUT", record.links.public, made.public);
      await api.upload("PUT", record.links.evaluation, made.evaluation, (sent) => note(`${bytesText(made.public.length + sent)} of ${bytesText(all)}`));
      return record;
    });
    keys = { spec, secret: made.secret, id: announced.id, bytes: made.public.length + made.evaluation.length };
    kept.set(name, keys);
  }
  const question = await steps.run("Encrypt the digit", () => call("fhe.encrypt", keys.spec, keys.secret, pixels));
  const job = await steps.run("Send it", () => api.upload("POST", `/ml/models/${id}/inference?privacy_level=fhe&keys=${keys.id}`, question));
  const done = await steps.run("Compute on the ciphertext", (note) => api.wait(job.job_id, note));
  const reply = await steps.run("Fetch the answer", () => api.bytes(done.artifacts.find((artifact) => artifact.name === "output.bpct").link));
  const result = await steps.run("Decrypt it", () => call("fhe.decrypt", keys.spec, keys.secret, reply));
  const values = [...result.values], best = result.classes[0] ?? values.indexOf(Math.max(...values));
  box.append(answer(values, best),
    h("div", { class: "box" }, h("p", { class: "small soft" }, `Sent ${bytesText(question.length)}, received ${bytesText(reply.length)}; the keys of ${bytesText(keys.bytes)} once. This level gives no proof: for one, ask with zkml, or take a model of level hybrid.`)),
    ...parties([["you", "yes", "yes", "no"], ["the server", "no: a ciphertext", "no: a ciphertext", "while uploaded; then encrypted"], ["its worker", "no: a ciphertext", "no: a ciphertext", "yes"]]));
}

async function both(box, id, version, pixels) {
  const work = h("div", { class: "box" });
  box.append(work);
  const { result, proof, input, output } = await hybrid.ask(work, id, version, { values: pixels, records: 1 }, "", "digit");
  const values = [...result.values], best = result.classes[0] ?? values.indexOf(Math.max(...values));
  box.append(answer(values, best), h("div", { class: "box" },
    h("p", { class: "verdict good", "data-verified": "true" }, "✓ Verified, then decrypted: the committed model gave this answer to the encrypted digit."),
    h("p", { class: "small soft" }, "Model ", short(version.model_id), `, proof ${bytesText(proof.length)}, sent ${bytesText(input.length)}, received ${bytesText(output.length)}.`)),
  ...parties([["you", "yes", "yes", "no"], ["the server", "no: a ciphertext", "no: a ciphertext", "while uploaded; then encrypted"], ["its worker", "no: a ciphertext", "no: a ciphertext", "yes"],
    ["who gets the proof", "no: a ciphertext", "no: a ciphertext", "no"]]));
}
