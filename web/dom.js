// Elements, texts and files: what all views use.

/** An element: attributes, `on...` listeners, and children (texts, elements, lists, nothing). */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "value" || key === "checked" || key === "disabled" || key === "max") element[key] = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false));
  return element;
}

export const field = (label, input, hint) => {
  input.id ||= `field-${Math.random().toString(36).slice(2)}`;
  return h("div", { class: "field" }, h("label", { for: input.id }, label), input, hint && h("div", { class: "hint" }, hint));
};

export const choice = (type, name, value, label, hint, attributes = {}) =>
  h("label", { class: "choice" }, h("input", { type, name, value, ...attributes }), h("span", {}, label, hint && h("span", { class: "hint" }, ` ${hint}`)));

export const facts = (entries) => h("dl", {}, entries.filter(Boolean).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));

export const table = (head, rows, numbers = []) =>
  h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": head.join(", ") }, h("table", {},
    h("thead", {}, h("tr", {}, head.map((text, i) => h("th", { scope: "col", class: numbers.includes(i) && "number" }, text)))),
    h("tbody", {}, rows.map((row) => h("tr", {}, row.map((cell, i) => h("td", { class: numbers.includes(i) && "number" }, cell)))))));

/** Says it to screen readers. */
export const announce = (text) => { document.getElementById("status").textContent = text; };

/** What went wrong, in a box: problem+json's words, or an error's. */
export function problemBox(error) {
  const text = error?.message ?? String(error);
  announce(text);
  return h("div", { class: "box problem", role: "alert" }, h("h3", {}, error?.title ?? "That didn't work"), h("p", {}, text),
    error?.place && h("p", { class: "small soft" }, `At: ${error.place}`), error?.status === 401 && h("p", {}, h("a", { href: "#/account" }, "Enter an API key")));
}

export const loading = () => h("p", { class: "soft" }, "Loading…");

export const bytesText = (n) => n >= 1e9 ? `${(n / 1e9).toFixed(2)} GB` : n >= 1e6 ? `${(n / 1e6).toFixed(1)} MB` : n >= 1e3 ? `${(n / 1e3).toFixed(1)} kB` : `${n} bytes`;
export const secondsText = (s) => s >= 1 ? `${s.toFixed(2)} s` : `${Math.max(1, Math.round(s * 1000))} ms`;
export const timeText = (ms) => ms ? new Date(ms).toLocaleString() : "";
export const countText = (n) => n.toLocaleString("en");
export const short = (hex) => h("code", { title: hex }, `${hex.slice(0, 12)}…`);

export function download(name, content) {
  const address = URL.createObjectURL(new Blob([content]));
  const link = h("a", { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

export const readFile = async (file) => new Uint8Array(await file.arrayBuffer());

/** A list of steps that shows where a long piece of work is; `run` times one. */
export class Steps {
  constructor(names) {
    this.items = new Map(names.map((name) => [name, h("li", {}, h("span", { class: "mark" }, "·"), h("span", {}, name), h("span", { class: "mono" }))]));
    this.element = h("ol", { class: "steps" }, [...this.items.values()]);
  }
  async run(name, work) {
    const item = this.items.get(name), begun = performance.now();
    const note = (text) => { item.lastChild.textContent = text; };
    item.className = "running";
    item.firstChild.textContent = "●";
    announce(`${name}…`);
    try {
      const result = await work(note);
      item.className = "done";
      item.firstChild.textContent = "✓";
      note(secondsText((performance.now() - begun) / 1000));
      return result;
    } catch (error) {
      item.className = "failed";
      item.firstChild.textContent = "✗";
      throw error;
    }
  }
}
