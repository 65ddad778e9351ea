// Proofs of anybody: what they state, and whether it holds. Nothing leaves the page.
import { bytesText, countText, facts, field, h, problemBox, readFile, secondsText, short } from "../dom.js";
import { available, call } from "../library.js";

export const title = "Proof inspector";

const hexOf = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const contextText = (bytes) => {
  if (!bytes?.length) return "none";
  try { return new TextDecoder("utf-8", { fatal: true }).decode(bytes); } catch { return hexOf(bytes); }
};

export async function render() {
  const library = await available();
  const head = [h("h1", {}, "Proof inspector"),
    h("p", { class: "lead" }, "Drop a proof (.bpp): this page shows what it states, and, with the model key (.bpk) that it is about, verifies it. No account is needed, and no file leaves this page.")];
  if (!library) return [...head, h("div", { class: "box note" }, h("p", {}, "This server's page has no WebAssembly, so nothing can be verified here. “scripts/build-wasm” makes it; “blindproof verify” does the same on the command line."))];
  const files = new Map(), names = h("ul", { class: "small plain" }), results = h("div", { class: "results", "aria-live": "polite" });
  const context = h("input", { type: "text", autocomplete: "off" });
  const take = async (chosen) => {
    for (const file of chosen) {
      const bytes = await readFile(file);
      try {
        const inspection = await call("inspect", bytes);
        const kind = inspection.kind === "ciphertexts" ? inspection.direction ?? "ciphertexts" : inspection.kind;
        files.set(kind, { name: file.name, bytes, inspection });
      } catch (error) {
        results.replaceChildren(problemBox(Object.assign(error, { title: `${file.name} can't be read` })));
      }
    }
    names.replaceChildren(...[...files].map(([kind, { name, bytes }]) => h("li", {}, `${kind.replaceAll("_", " ")}: ${name}, ${bytesText(bytes.length)}`)));
    await look();
  };
  const look = async () => {
    const proof = files.get("proof") ?? files.get("answer_proof");
    if (!proof) return;
    results.replaceChildren(h("section", { class: "box" }, h("h3", {}, "What it states"), statement(proof.inspection)));
    const modelKey = files.get("model_key");
    if (!modelKey) return results.append(h("p", { class: "soft" }, "Add the model key (.bpk) to verify it."));
    try {
      const bound = context.value ? { context: new TextEncoder().encode(context.value) } : {};
      if (files.has("proof")) {
        results.append(verdictBox(await call("zkml.verify", { proof: proof.bytes, modelKey: modelKey.bytes, ...bound }), "the committed model maps the input to the output"));
      } else {
        const missing = ["public_key", "input", "output"].filter((kind) => !files.has(kind));
        if (missing.length) return results.append(h("p", { class: "soft" }, `It is about encrypted records: add ${missing.join(", ").replaceAll("_", " ")}.`));
        results.append(verdictBox(await call("hybrid.verify", { proof: proof.bytes, modelKey: modelKey.bytes, publicKey: files.get("public_key").bytes, input: files.get("input").bytes, output: files.get("output").bytes, ...bound }),
          "the committed model maps the encrypted input to the encrypted output"));
      }
    } catch (error) {
      results.append(problemBox(error));
    }
  };
  context.addEventListener("change", look);
  const input = h("input", { type: "file", multiple: true, accept: ".bpp,.bpk,.bpct,.bppk", onchange: () => take(input.files) });
  const drop = h("div", { class: "drop box", ondragover: (event) => { event.preventDefault(); drop.classList.add("over"); }, ondragleave: () => drop.classList.remove("over"),
    ondrop: (event) => { event.preventDefault(); drop.classList.remove("over"); take(event.dataTransfer.files); } }, field("Proof and model key: drop the files here, or choose them", input), names);
  return [...head, drop, h("div", { class: "box" }, field("Context", context, "What the proof must have been made for, if it was made for something.")), results];
}

const fromHex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const SHOWN = 16;
const list = (values) => values.slice(0, SHOWN).join(", ") + (values.length > SHOWN ? `, … (${countText(values.length)} in all)` : "");
const tensor = (value) => value.hidden ? ["hidden: a commitment, SHA-256 ", short(value.commitment)] : list(value.integers ?? []);

function statement(inspection) {
  const skip = new Set(["kind", "bytes", "level"]);
  const show = (name, value) => name === "context" ? contextText(fromHex(value)) : value?.hidden !== undefined ? tensor(value) : /^[0-9a-f]{64}$/.test(value) ? short(value) : String(value);
  const label = (name) => name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).replace(/^./, (letter) => letter.toUpperCase());
  return facts([["Level", inspection.level], ["File", bytesText(inspection.bytes)], ...Object.entries(inspection).filter(([name]) => !skip.has(name)).map(([name, value]) => [label(name), show(name, value)])]);
}

function verdictBox(verdict, claim) {
  return h("section", { class: "box", "data-verified": String(verdict.accepted) },
    h("p", { class: `verdict ${verdict.accepted ? "good" : "bad"}` }, verdict.accepted ? `✓ Verified: ${claim}.` : "✗ Refused"),
    !verdict.accepted && verdict.refusal && h("p", {}, `${verdict.refusal.message} (check: ${verdict.refusal.place})`),
    verdict.accepted && facts([
      ["Model id", short(verdict.model)],
      verdict.parameters !== undefined && ["Parameters", `${countText(verdict.parameters)}, all in their declared ranges`],
      verdict.input && ["Input", tensor(verdict.input)],
      verdict.output && ["Output", tensor(verdict.output)],
      verdict.values && ["As reals", list(verdict.values.map((value) => value.toFixed(4)))],
      verdict.class !== undefined && ["Class", String(verdict.class)],
      verdict.records !== undefined && ["Records", `${countText(verdict.records)} of ${verdict.features} features, ${verdict.outputs} outputs each`],
      ["Context", contextText(verdict.context)],
      ["Time", `${secondsText(verdict.proofSeconds)} for the proof, ${secondsText(verdict.registrationSeconds)} for the model key`],
    ]));
}
