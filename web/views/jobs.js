// One's jobs and proofs.
import { bytesText, download, facts, h, problemBox, secondsText, short, table, timeText } from "../dom.js";
import * as api from "../api.js";
import { available, call } from "../library.js";

export const title = "Jobs";

const KINDS = { register: "registration of a model", zkml: "answer with proof", fhe: "encrypted answer", hybrid: "encrypted answer with proof" };
const tag = (status) => h("span", { class: `tag ${status === "succeeded" ? "good" : status === "failed" ? "bad" : ""}` }, status);
const duration = (job) => job.finished_ms && job.started_ms ? secondsText((job.finished_ms - job.started_ms) / 1000) : "";

export async function render(id) {
  if (!api.key()) return [h("h1", {}, "Jobs"), h("div", { class: "box note" }, h("p", {}, "To see your jobs, ", h("a", { href: "#/account" }, "enter an API key"), "."))];
  return id ? one(id) : list();
}

async function list() {
  const [jobs, proofs] = await Promise.all([api.all("/ml/jobs"), api.all("/ml/proofs")]);
  return [h("h1", {}, "Jobs"), h("p", { class: "lead" }, "What you asked for, newest first."),
    jobs.length === 0 ? h("p", { class: "soft" }, "Nothing yet.") : table(["Job", "What", "Status", "Asked", "Took"], jobs.toReversed().map((job) =>
      [h("a", { href: `#/jobs/${job.job_id}` }, `…${job.job_id.slice(-6)}`), KINDS[job.kind] ?? job.kind, tag(job.status), timeText(job.created_ms), duration(job)]), [4]),
    h("h2", {}, "Proofs"),
    proofs.length === 0 ? h("p", { class: "soft" }, "None yet.") : table(["Proof", "Level", "Size", "Proved in", "Verified here", ""], proofs.toReversed().map((proof) =>
      [h("a", { href: `#/jobs/${proof.job}` }, `…${proof.id.slice(-6)}`), proof.level, bytesText(proof.bytes), secondsText(proof.prove_ms / 1000), `${proof.verified} × good, ${proof.refused} × refused`, proofButtons(proof)]), [2, 3])];
}

function proofButtons(proof) {
  const result = h("span", { role: "status" });
  const button = (label, work) => h("button", { class: "quiet", type: "button", onclick: async (event) => {
    event.target.disabled = true;
    try { result.replaceChildren(await work() ?? ""); } catch (error) { result.replaceChildren(problemBox(error)); }
    event.target.disabled = false;
  } }, label);
  const verdict = (accepted, where) => h("span", { class: `verdict ${accepted ? "good" : "bad"}` }, accepted ? `✓ ${where}` : `✗ refused ${where}`);
  return h("span", { class: "row" },
    button("Download", async () => { const name = proof.links.proof.split("/").pop(); download(name, await api.bytes(proof.links.proof)); }),
    button("Verify on the server", async () => verdict((await api.post(proof.links.verify, {})).is_valid, "by the server")),
    proof.level === "zkml" && proof.links.model_key && button("Verify here", async () => {
      if (!await available()) return "This page has no WebAssembly.";
      const [bytes, modelKey, job] = await Promise.all([api.bytes(proof.links.proof), api.bytes(proof.links.model_key), api.get(`/ml/jobs/${proof.job}`)]);
      const context = job.request?.context;
      return verdict((await call("zkml.verify", { proof: bytes, modelKey, ...(context && { context: new TextEncoder().encode(context) }) })).accepted, "in this page");
    }), result);
}

async function one(id) {
  const job = await api.get(`/ml/jobs/${encodeURIComponent(id)}`);
  const result = job.result ?? {}, note = h("p", { role: "status" });
  const live = !["succeeded", "failed", "cancelled"].includes(job.status);
  if (live) api.wait(id, (text) => { note.textContent = text; }).catch(() => {}).finally(() => { if (location.hash.endsWith(id)) dispatchEvent(new HashChangeEvent("hashchange")); });
  const proof = result.proof_id ? await api.get(`/ml/proofs/${result.proof_id}`) : null;
  return [h("p", {}, h("a", { href: "#/jobs" }, "← Jobs")), h("h1", {}, (KINDS[job.kind] ?? job.kind).replace(/^./, (letter) => letter.toUpperCase())), h("div", { class: "box" },
    facts([["Status", tag(job.status)], job.problem && ["Problem", job.problem], ["Job", h("code", {}, job.job_id)], ["Model", h("a", { href: `#/models/${job.model}` }, `version ${job.version}`)],
      ["Asked", timeText(job.created_ms)], job.started_ms && ["Started", timeText(job.started_ms)], job.finished_ms && ["Took", duration(job)], job.attempts > 1 && ["Attempts", String(job.attempts)],
      result.model_id && ["Model id", short(result.model_id)], result.top_class !== undefined && ["Class", String(result.top_class)], result.output && ["Scores", result.output.reals.map((v) => v.toFixed(3)).join(", ")]]),
    live && note, live && h("button", { class: "quiet", onclick: async (event) => { event.target.disabled = true; await api.remove(`/ml/jobs/${id}`); } }, "Cancel")),
  proof && h("section", { class: "box" }, h("h3", {}, "Proof"), facts([["Size", bytesText(proof.bytes)], ["SHA-256", short(proof.sha256)], ["Proved in", secondsText(proof.prove_ms / 1000)]]), proofButtons(proof)),
  job.artifacts?.length && h("section", { class: "box" }, h("h3", {}, "Files"), h("ul", {}, job.artifacts.map((file) => h("li", {}, h("a", { href: file.link, onclick: async (event) => {
    event.preventDefault();
    download(file.name, await api.bytes(file.link));
  } }, file.name), ` ${bytesText(file.bytes)}`)))),
  job.links.receipt && h("section", { class: "box" }, h("h3", {}, "Receipt"), h("p", { class: "small" }, "Signed by the service: what was delivered, at what price."), h("button", { class: "quiet", onclick: async () => download("receipt.json", await api.text(job.links.receipt)) }, "Download"))];
}
