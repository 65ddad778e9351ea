// The library in a worker: `call("fhe.encrypt", spec, secret, values)`.
let worker = null, next = 0;
const waiting = new Map();

function start() {
  worker = new Worker("worker.js", { type: "module" });
  worker.onmessage = ({ data: { id, result, error } }) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (error) reject(Object.assign(new Error(error.message), { code: error.code, place: error.place, title: error.code === "rejected" ? "Refused" : "That didn't work" }));
    else resolve(result);
  };
  worker.onerror = (event) => {
    event.preventDefault();
    for (const { reject } of waiting.values()) reject(new Error("The library stopped: there may not be enough memory for this model in a browser."));
    waiting.clear();
    worker = null;
  };
}

export function call(path, ...argument) {
  if (!worker) start();
  return new Promise((resolve, reject) => {
    const id = next++;
    waiting.set(id, { resolve, reject });
    worker.postMessage({ id, path, argument });
  });
}

let known = null;
/** The library's version, or null where this server has no WebAssembly for the page. */
export function available() {
  known ??= fetch("blindproof/index.js").then(async (response) => {
    await response.text();
    return response.ok ? call("version") : null;
  }).catch(() => null);
  return known;
}
