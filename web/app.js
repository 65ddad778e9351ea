import { h, loading, problemBox } from "./dom.js";
import * as account from "./views/account.js";
import * as inspect from "./views/inspect.js";
import * as jobs from "./views/jobs.js";
import * as market from "./views/market.js";
import * as models from "./views/models.js";
import * as records from "./views/records.js";
import * as digits from "./views/digits.js";

const views = { models, market, jobs, inspect, account, records, digits };
const main = document.getElementById("main");

let shown = 0;
async function show(event) {
  const [name, ...rest] = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  const view = views[name] ?? models, turn = ++shown;
  for (const link of document.querySelectorAll("nav a")) {
    const current = link.getAttribute("href") === `#/${views[name] ? (view.parent ?? name) : "models"}`;
    if (current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  main.replaceChildren(loading());
  document.title = `${view.title} · blindproof`;
  let content;
  try {
    content = await view.render(...rest);
  } catch (error) {
    content = [h("h1", {}, view.title), problemBox(error)];
  }
  if (turn !== shown) return;  // somebody went on meanwhile
  main.replaceChildren(h("div", {}, content));
  window.scrollTo(0, 0);
  if (event && (document.activeElement === document.body || document.activeElement?.closest("nav"))) main.focus({ preventScroll: true });
}

const stored = localStorage.getItem("theme");
const dark = matchMedia("(prefers-color-scheme: dark)");
const apply = (theme) => document.documentElement.setAttribute("data-theme", theme);
apply(stored ?? (dark.matches ? "dark" : "light"));
dark.addEventListener("change", () => { if (!localStorage.getItem("theme")) apply(dark.matches ? "dark" : "light"); });
document.getElementById("theme").addEventListener("click", () => {
  const theme = document.documentElement.getAttribute("data-theme") === "dark" ? "light" : "dark";
  localStorage.setItem("theme", theme);
  apply(theme);
});

document.querySelector(".skip").addEventListener("click", (event) => {  // its fragment would be a view's name
  event.preventDefault();
  main.focus();
});
addEventListener("hashchange", show);
show();
