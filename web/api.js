// The service's API. The key stays in this tab: sessionStorage, sent to this server alone.

const STORED = "blindproof-api-key";

export const key = () => sessionStorage.getItem(STORED) ?? "";
export const setKey = (text) => text ? sessionStorage.setItem(STORED, text) : sessionStorage.removeItem(STORED);

export class ApiError extends Error {
  constructor(status, problem) {
    super(problem.detail ?? `The server answered ${status}.`);
    this.status = status;
    this.title = problem.title ?? "The server refused";
    this.type = problem.type ?? "";
  }
}

async function problemOf(response) {
  let problem = {};
  try { problem = await response.json(); } catch { /* no JSON: the status says it */ }
  return new ApiError(response.status, problem);
}

async function send(method, path, options = {}) {
  const headers = { ...options.headers };
  if (key()) headers.Authorization = `Bearer ${key()}`;
  let response;
  try {
    response = await fetch(path, { method, headers, body: options.body, signal: options.signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, { title: "The server can't be reached", detail: "Check that it runs, and try again." });
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

export const get = async (path, options) => (await send("GET", path, options)).json();
export const bytes = async (path) => new Uint8Array(await (await send("GET", path)).arrayBuffer());
export const text = async (path) => (await send("GET", path)).text();
const withJson = (method) => async (path, body) => {
  const response = await send(method, path, { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });
  return response.status === 204 ? null : response.json();
};
export const post = withJson("POST");
export const put = withJson("PUT");
export const remove = async (path) => { await send("DELETE", path); };

/** A file as the body, with progress, which fetch doesn't tell. */
export function upload(method, path, content, progress = () => {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, path);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    if (key()) request.setRequestHeader("Authorization", `Bearer ${key()}`);
    request.upload.onprogress = (event) => { if (event.lengthComputable) progress(event.loaded, event.total); };
    request.onerror = () => reject(new ApiError(0, { title: "The server can't be reached", detail: "The connection broke while the file was sent." }));
    request.onload = () => {
      let answer = null;
      try { answer = JSON.parse(request.responseText); } catch { /* 204 has none */ }
      if (request.status >= 200 && request.status < 300) resolve(answer);
      else reject(new ApiError(request.status, answer ?? {}));
    };
    request.send(new Blob([content]));  // ciphertexts are large: developer tools copy other bodies
  });
}

/** All pages of a list. */
export async function all(path, limit = 1000) {
  const items = [];
  for (let cursor = ""; items.length < limit;) {
    const page = await get(`${path}${path.includes("?") ? "&" : "?"}limit=200${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
    items.push(...page.items);
    if (!page.next_cursor) break;
    cursor = page.next_cursor;
  }
  return items;
}

/** Until the job is over; `note` hears of its progress. */
export async function wait(job, note = () => {}) {
  for (let pause = 60; ; pause = Math.min(1.5 * pause, 1000)) {
    const state = await get(`/ml/jobs/${encodeURIComponent(job)}`);
    if (state.status === "succeeded") return state;
    if (state.status === "failed" || state.status === "cancelled") throw new ApiError(0, { title: `The job ${state.status === "failed" ? "failed" : "was cancelled"}`, detail: state.problem ?? "" });
    const { phase, done, total } = state.progress;
    note(state.status === "queued" ? "queued" : phase ? `${phase}${total > 1 ? ` ${done}/${total}` : ""}` : "running");
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
