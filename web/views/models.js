// One's models and those of the marketplace: browse, look into one, register, upload a version.
import { announce, bytesText, countText, facts, field, h, choice, problemBox, short, timeText } from "../dom.js";
import * as api from "../api.js";

export const title = "Models";

const LEVELS = {
  zkml: ["zkml", "answers with proofs; the server sees the input"],
  fhe: ["fhe", "encrypted input and answer; no proof"],
  hybrid: ["hybrid", "encrypted and proven, for tables; small exact networks. Exact answers reveal them after enough records, and malformed keys may: limit samples, serve those you know"],
};
export const levelTags = (levels) => levels.map((level) => [h("span", { class: "tag", title: LEVELS[level]?.[1] }, level), " "]);
export const size = (shape) => shape.reduce((a, b) => a * b, 1);
const isDigits = (version) => [784, 196].includes(size(version.facts?.input_shape ?? []));

/** Pages on which a model's version can be used. */
export function uses(model, version) {
  const links = [];
  if (isDigits(version)) links.push(h("a", { class: "button", href: `#/digits/${model}` }, "Draw a digit"));
  if (version.levels.includes("hybrid")) links.push(h("a", { class: "button", href: `#/records/${model}` }, "Ask about a table"));
  return links;
}

const newest = (versions) => versions.findLast((version) => version.status === "ready");

export async function render(id) {
  if (!api.key()) return welcome();
  return id ? one(id) : list();
}

function welcome() {
  return [h("h1", {}, "Models that you can't see, data that they don't see"),
    h("p", { class: "lead" }, "Ask a hidden model about data that you don't show, and check that the answer is right. This page encrypts, decrypts and verifies; the server gets ciphertexts and public keys."),
    h("div", { class: "box note" }, h("p", {}, "To begin, ", h("a", { href: "#/account" }, "enter an API key"), ". The operator of this service gives you one; the first key is in the file admin.key of its data folder."),
      h("p", {}, "No key is needed to ", h("a", { href: "#/inspect" }, "inspect and verify a proof"), "."))];
}

async function list() {
  const [mine, listings] = await Promise.all([api.all("/ml/models"), api.all("/marketplace/listings")]);
  const form = registration();
  return [h("h1", {}, "Models"), h("p", { class: "lead" }, "Yours, and those that others offer."),
    h("div", { class: "cards" },
      mine.map((model) => h("article", { class: "box" }, h("h3", {}, h("a", { href: `#/models/${model.id}` }, model.name)), h("p", { class: "soft small" }, `yours, since ${timeText(model.created_ms)}`))),
      listings.filter((listing) => !mine.some((model) => model.id === listing.model)).map((listing) =>
        h("article", { class: "box" }, h("h3", {}, h("a", { href: `#/models/${listing.model}` }, listing.title)), h("p", { class: "soft small" }, `offered by ${listing.seller}`), levelTags(Object.keys(listing.prices))))),
    mine.length + listings.length === 0 && h("p", { class: "soft" }, "There are no models yet. Register the first one below."),
    h("h2", {}, "Register a model"), form];
}

function registration() {
  const name = h("input", { type: "text", required: true, maxlength: "100", autocomplete: "off" }), result = h("div");
  return h("form", { class: "box", onsubmit: async (event) => {
    event.preventDefault();
    try {
      const model = await api.post("/ml/models", { name: name.value.trim() });
      location.hash = `#/models/${model.id}`;
    } catch (error) {
      result.replaceChildren(problemBox(error));
    }
  } }, field("Name", name, "Unique among your models. Its file is uploaded on the next page."), h("button", {}, "Register"), result);
}

async function one(id) {
  const model = await api.get(`/ml/models/${encodeURIComponent(id)}`);
  const version = newest(model.versions);
  return [h("p", {}, h("a", { href: "#/models" }, "← Models")), h("h1", {}, model.name),
    h("p", { class: "lead" }, "What anybody who may use it can know. The weights are not among it."),
    version ? h("div", { class: "row" }, uses(id, version)) : h("p", { class: "soft" }, "No version is ready yet."),
    model.versions.toReversed().map((each) => versionBox(id, each, model.aliases)),
    h("h2", {}, "Upload a version"), uploadForm(id)];
}

function versionBox(id, version, aliases) {
  const names = Object.entries(aliases ?? {}).filter(([, number]) => number === version.version).map(([name]) => name);
  const base = `/ml/models/${id}/versions/${version.version}`;
  const files = [version.levels?.includes("zkml") && ["model.bpk", "model key"], version.levels?.includes("fhe") && ["client.bpc", "client's spec"], version.levels?.includes("hybrid") && ["hybrid.bpc", "client's spec (hybrid)"]].filter(Boolean);
  return h("section", { class: "box" },
    h("div", { class: "row between" }, h("h3", {}, `Version ${version.version}`, names.map((name) => ` · ${name}`)),
      h("span", { class: `tag ${version.status === "ready" ? "good" : version.status === "failed" ? "bad" : ""}` }, version.status)),
    version.problem && h("p", {}, version.problem),
    version.status === "ready" && facts([
      version.model_id && ["Model id", short(version.model_id)],
      ["Parameters", countText(version.facts.parameters)],
      ["Input, output", `${version.facts.input_shape.join(" × ")} → ${version.facts.output_shape.join(" × ")}`],
      ["Arithmetic", version.facts.arithmetic],
      ["Levels", levelTags(version.levels)],
      version.facts.fhe && ["Encrypted question", `${bytesText(version.facts.fhe.ciphertext_bytes)}, once ${bytesText(version.facts.fhe.evaluation_key_bytes)} of keys (${version.facts.fhe.scheme})`],
      version.facts.hybrid && ["Encrypted table", `${bytesText(version.facts.hybrid.input_bytes)} for up to ${countText(version.facts.hybrid.max_records)} records`],
      ["Files", files.map(([file, what]) => [h("a", { href: `${base}/${file}`, onclick: (event) => save(event, `${base}/${file}`, file) }, what), " "])],
    ]));
}

/** Downloads need the key, which links don't send. */
async function save(event, path, name) {
  event.preventDefault();
  const { download } = await import("../dom.js");
  download(name, await api.bytes(path));
}

function uploadForm(id) {
  const file = h("input", { type: "file", accept: ".bpm", required: true }), result = h("div", {}), bar = h("progress", { max: 1, value: 0, "aria-label": "Upload" });
  const boxes = ["fhe", "hybrid"].map((level) => choice("checkbox", "levels", level, LEVELS[level][0], LEVELS[level][1]));
  const button = h("button", {}, "Upload");
  return h("form", { class: "box", onsubmit: async (event) => {
    event.preventDefault();
    button.disabled = true;
    const note = h("p", { class: "soft", role: "status" }, "Sending…");
    result.replaceChildren(bar, note);
    try {
      const levels = ["zkml", ...new FormData(event.target).getAll("levels")].join(",");
      const job = await api.upload("POST", `/ml/models/${encodeURIComponent(id)}/versions?levels=${levels}`, file.files[0], (sent, total) => { bar.value = sent / total; });
      await api.wait(job.job_id, (text) => { note.textContent = `Registering: ${text}`; });
      announce("The version is ready");
      dispatchEvent(new HashChangeEvent("hashchange"));
    } catch (error) {
      result.replaceChildren(problemBox(error));
      button.disabled = false;
    }
  } }, field("Compiled model (.bpm)", file, "From “blindproof model compile”. It is encrypted for the workers while it arrives; from then on the API server can't open it."),
  h("fieldset", {}, h("legend", {}, "Levels"), choice("checkbox", "levels", "zkml", LEVELS.zkml[0], LEVELS.zkml[1], { checked: true, disabled: true }), boxes), button, result);
}

