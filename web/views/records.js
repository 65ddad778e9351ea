// A table under level hybrid: encrypted here, answered unseen, verified, and only then decrypted.
import { bytesText, countText, download, field, h, problemBox, short, table } from "../dom.js";
import * as csv from "../csv.js";
import * as api from "../api.js";
import { ask, forget } from "../hybrid.js";
import { available } from "../library.js";

export const title = "Ask about a table";
export const parent = "models";

const SHOWN = 50;

export async function render(id) {
  const [version, library] = await Promise.all([api.get(`/ml/models/${encodeURIComponent(id)}/client-spec`), available()]);
  const facts = version.facts.hybrid;
  const head = [h("p", {}, h("a", { href: `#/models/${id}` }, "← Model")), h("h1", {}, "Ask about a table"),
    h("p", { class: "lead" }, `A row for each record, ${facts?.features ?? version.facts.input_shape[0]} columns of numbers, prepared as the model's owner says. The table is encrypted in this page; the answers come with a proof, which is verified here before anything is decrypted.`)];
  if (!facts) return [...head, h("div", { class: "box problem" }, h("p", {}, "This model isn't offered at level hybrid."))];
  if (!library) return [...head, h("div", { class: "box note" }, h("p", {}, "This server's page has no WebAssembly: nothing can be encrypted or verified here. “scripts/build-wasm” makes it."))];
  let rows = null;
  const summary = h("p", { class: "small soft" }), results = h("div", { "aria-live": "polite" }), button = h("button", { disabled: true }, "Encrypt and ask");
  const context = h("input", { type: "text", maxlength: "1024", autocomplete: "off" });
  const file = h("input", { type: "file", accept: ".csv,.tsv,.txt,text/csv", onchange: async () => {
    rows = null;
    try {
      if (!file.files[0]) return;
      rows = csv.numbers(await file.files[0].text(), facts.features);
      if (rows.records > facts.max_records) throw new Error(`The table has ${countText(rows.records)} rows; at most ${countText(facts.max_records)} are answered at once.`);
      summary.textContent = `${countText(rows.records)} ${rows.records === 1 ? "record" : "records"}${rows.head ? ", with a head" : ""}. Encrypted they take ${bytesText(facts.input_bytes)}, whatever their number.`;
    } catch (error) {
      rows = null;
      summary.textContent = "";
      results.replaceChildren(problemBox(Object.assign(error, { title: "This table can't be used" })));
    }
    button.disabled = !rows;
    if (rows) results.replaceChildren();
  } });
  button.addEventListener("click", async () => {
    button.disabled = true;
    const box = h("div");
    results.replaceChildren(box);
    try {
      await exchange(box, id, version, rows, context.value);
    } catch (error) {
      forget();
      box.append(problemBox(error));
    }
    button.disabled = false;
  });
  return [...head, h("div", { class: "columns" }, h("div", { class: "box" }, field("Table (CSV)", file), summary, field("Context", context, "Optional: bound into the proof."), button,
    h("p", { class: "small soft" }, `Exact answers reveal small models: after ${countText((facts.features + 1) * (facts.features + 2) / 2)} records a network with a square of ${facts.features} inputs is known. Its owner limits how many you may ask.`)), results)];
}

async function exchange(box, id, version, rows, context) {
  const work = h("div", { class: "box" });
  box.append(work);
  const { result, proof, input, output, publicKey } = await ask(work, id, version, rows, context, "table");
  const width = result.integers.length / rows.records, classes = result.classes;
  const head = ["record", ...(classes.length ? ["class"] : []), ...Array.from({ length: width }, (_, i) => `score ${i}`)];
  const line = (i) => [String(i + 1), ...(classes.length ? [String(classes[i])] : []), ...Array.from({ length: width }, (_, k) => result.values[i * width + k])];
  const counts = new Map();
  for (const each of classes) counts.set(each, (counts.get(each) ?? 0) + 1);
  box.append(h("div", { class: "box", "data-verified": "true" },
    h("p", { class: "verdict good" }, "✓ Verified, then decrypted: these are the committed model's answers to this table."),
    h("p", { class: "small soft" }, "Model ", short(version.model_id), `, proof ${bytesText(proof.length)}, sent ${bytesText(input.length)}, received ${bytesText(output.length)}.`),
    counts.size > 0 && h("p", {}, [...counts].sort((a, b) => a[0] - b[0]).map(([each, count]) => `class ${each}: ${countText(count)}`).join(" · ")),
    h("div", { class: "row" }, h("button", { type: "button", onclick: () => download("answers.csv", csv.write([head, ...Array.from({ length: rows.records }, (_, i) => line(i))])) }, "Download all (CSV)"),
      h("button", { type: "button", class: "quiet", onclick: () => { download("answers.bpp", proof); download("question.bpct", input); download("answers.bpct", output); download("public.bppk", publicKey); } }, "Download what proves it"))),
  table(head, Array.from({ length: Math.min(SHOWN, rows.records) }, (_, i) => line(i).map((cell) => typeof cell === "number" ? cell.toFixed(3) : cell)), head.map((_, i) => i)),
  h("p", { class: "small soft" }, rows.records > SHOWN && `The first ${SHOWN} of ${countText(rows.records)}.`),
  h("h2", {}, "What each party saw"), table(["", "records", "answers", "weights"], [["you", "yes", "yes", "no"], ["the server", "their number", "no: ciphertexts", "while uploaded; then encrypted"], ["its worker", "their number", "no: ciphertexts", "yes"],
    ["who gets the proof", "their number", "no: ciphertexts", "no"]]));
}
