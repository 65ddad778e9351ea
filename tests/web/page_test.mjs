// The page that `blindproof serve` shows, in Chromium: what people do on it, in both themes, at two widths.
//   node page_test.mjs PROGRAM REPOSITORY PAGE [CHROMIUM]
// BLINDPROOF_SCREENSHOTS names a folder for a picture of every view.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync, existsSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import test, { after, before, beforeEach } from "node:test";
import { promisify } from "node:util";
import axe from "axe-core";
import { chromium } from "playwright-core";

const [program, repository, pageFolder, browserPath] = process.argv.slice(2);
const models = path.join(repository, "models");
const scratch = mkdtempSync(path.join(tmpdir(), "blindproof-web-"));
const at = (name) => path.join(scratch, name);
const pictures = process.env.BLINDPROOF_SCREENSHOTS;
const LONG = 120_000;  // for jobs, and for keys made in a page, on a slow machine

const hasLibrary = existsSync(path.join(pageFolder, "blindproof", "blindproof.wasm"));
const encrypts = { skip: hasLibrary ? false : "the page has no WebAssembly: scripts/build-wasm makes it" };

let server, origin, admin, browser, context, page, digits, table;
const complaints = [];  // of the browser: errors, and requests that leave the server

async function tool(...args) {
  const { stdout } = await promisify(execFile)(program, [...args, "--json", "--quiet"], { maxBuffer: 1 << 28 });
  return JSON.parse(stdout);
}

async function call(method, where, body, key = admin) {
  const file = body instanceof Uint8Array;
  const response = await fetch(origin + where, { method, headers: { Authorization: `Bearer ${key}`, ...(body && { "Content-Type": file ? "application/octet-stream" : "application/json" }) },
    body: file ? body : body && JSON.stringify(body) });
  const answer = await response.text();
  assert.ok(response.ok, `${method} ${where}: ${answer}`);
  return answer && JSON.parse(answer);
}

async function upload(name, file, levels) {
  const model = await call("POST", "/ml/models", { name });
  const job = await call("POST", `/ml/models/${model.id}/versions?levels=${levels}`, readFileSync(file));
  for (;;) {
    const state = await call("GET", `/ml/jobs/${job.job_id}`);
    if (state.status === "succeeded") return model.id;
    assert.ok(state.status === "queued" || state.status === "running", JSON.stringify(state));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** A file as NumPy writes it. */
function writeNpy(file, shape, values) {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(", ")},), }`;
  const header = text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11) + "\n";
  const head = Buffer.alloc(10);
  head.write("\x93NUMPY\x01\x00", "latin1");
  head.writeUInt16LE(header.length, 8);
  writeFileSync(file, Buffer.concat([head, Buffer.from(header, "latin1"), Buffer.from(Float32Array.from(values).buffer)]));
}

async function open(options = {}, key = admin) {
  context = await browser.newContext({ viewport: { width: 1280, height: 900 }, acceptDownloads: true, ...options });
  if (key) await context.addInitScript((text) => sessionStorage.setItem("blindproof-api-key", text), key);
  page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const unexpected = (address) => hasLibrary || !address.includes("/blindproof/");  // the page asks whether the library is there
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type()) && unexpected(message.location().url) && !expected.some((part) => message.text().includes(part))) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => {
    if (!/^(blob|data):/.test(request.url()) && new URL(request.url()).origin !== origin) complaints.push(`a request to ${request.url()}`);
  });
  return page;
}

const expected = [];  // what the browser writes about a refused request, in tests that refuse one

/** To a view, which is then complete: nothing on it loads any more. */
async function visit(route) {
  await page.goto(`${origin}/#${route}`);
  await page.reload();
  await page.locator("main h1").waitFor();
}

async function drawSeven() {
  const box = await page.locator("canvas.digit").boundingBox();
  const to = (x, y) => page.mouse.move(box.x + x * box.width, box.y + y * box.height, { steps: 8 });
  await to(0.28, 0.2);
  await page.mouse.down();
  await to(0.72, 0.2);
  await to(0.45, 0.85);
  await page.mouse.up();
}

/** What the page shows as the model's input, as numbers. */
const seenPixels = () => page.locator("canvas.seen").evaluate((canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return Array.from({ length: canvas.width * canvas.height }, (_, i) => data[4 * i] / 255);
});

async function plainAnswer(pixels, model = "digits.bpm") {
  writeNpy(at("digit.npy"), [1, pixels.length], pixels);
  const ran = await tool("model", "run", at(model), "--input", at("digit.npy"));
  return ran.classes[0];
}

before(async () => {
  await tool("model", "compile", path.join(models, "mnist/mlp_square.onnx"), "--calibration", path.join(models, "mnist/mnist_calibration.npz"), "--arithmetic", "exact", "--out", at("digits.bpm"));
  await tool("model", "compile", path.join(models, "tables/breast_cancer_square.onnx"), "--calibration", path.join(models, "tables/breast_cancer_train.npz"), "--arithmetic", "exact", "--out", at("table.bpm"));
  server = spawn(program, ["serve", "--json", "--data", at("data"), "--listen", "127.0.0.1:0", "--web", pageFolder], { stdio: ["ignore", "pipe", "ignore"] });
  let text = "";
  for await (const line of createInterface(server.stdout)) {
    text += line;
    try { origin = JSON.parse(text).url; break; } catch { /* more lines */ }
  }
  assert.ok(origin, `serve said: ${text}`);
  admin = readFileSync(at("data/admin.key"), "utf8").trim();
  browser = await chromium.launch({ executablePath: browserPath, args: ["--no-sandbox"] });
});

after(async () => {
  await browser?.close();
  if (server) {
    const ended = new Promise((resolve) => server.on("exit", resolve));
    server.kill("SIGTERM");
    await ended;
  }
  rmSync(scratch, { recursive: true, force: true });
});

beforeEach(async () => {
  await context?.close();
  complaints.length = expected.length = 0;
  await open();
});

const claim = (name, options, work) => test(name, { timeout: 4 * LONG, ...options }, async () => {
  await work();
  assert.deepEqual(complaints, []);
});

claim("Without a key the page says where to enter one; a wrong one is refused, a good one kept in this tab alone", {}, async () => {
  await context.close();
  await open({}, null);
  await visit("/models");
  await page.getByRole("main").getByRole("link", { name: "enter an API key" }).click();
  expected.push("401");
  await page.getByLabel("API key").fill("bpkey_wrong");
  await page.getByRole("button", { name: "Use this key" }).click();
  await page.getByRole("alert").waitFor();
  expected.length = 0;
  await page.getByLabel("API key").fill(admin);
  await page.getByRole("button", { name: "Use this key" }).click();
  await page.getByRole("heading", { name: "Audit log" }).waitFor();
  assert.ok(!(await page.evaluate(() => JSON.stringify(localStorage))).includes("bpkey_"));
  const other = await context.newPage();
  await other.goto(`${origin}/#/models`);
  await other.getByRole("link", { name: "enter an API key" }).waitFor();
});

claim("A model is registered and uploaded, with its levels", {}, async () => {
  await visit("/models");
  await page.getByLabel("Name").fill("digits");
  await page.getByRole("button", { name: "Register" }).click();
  await page.getByRole("heading", { name: "digits", level: 1 }).waitFor();
  digits = page.url().split("/").pop();
  await page.getByLabel("Compiled model (.bpm)").setInputFiles(at("digits.bpm"));
  await page.getByRole("checkbox", { name: /^fhe/ }).check();
  await page.getByRole("button", { name: "Upload" }).click();
  await page.getByRole("link", { name: "Draw a digit" }).waitFor({ timeout: LONG });
  const model = await call("GET", `/ml/models/${digits}`);
  assert.deepEqual(model.versions[0].levels, ["zkml", "fhe"]);
});

claim("A file that is no model is refused in the service's words", {}, async () => {
  expected.push("422");
  await visit("/models");
  await page.getByLabel("Name").fill("no model");
  await page.getByRole("button", { name: "Register" }).click();
  await page.getByLabel("Compiled model (.bpm)").setInputFiles({ name: "x.bpm", mimeType: "application/octet-stream", buffer: Buffer.from("not a model") });
  await page.getByRole("button", { name: "Upload" }).click();
  await page.getByRole("alert").getByText("is no file of the kind that belongs here").waitFor();
});

claim("A drawn digit is answered with a proof, as the plain model answers", {}, async () => {
  digits ??= await upload("digits", at("digits.bpm"), "zkml,fhe");
  await visit(`/digits/${digits}`);
  assert.ok(await page.getByRole("button", { name: "Ask the model" }).isDisabled(), "before anything is drawn");
  await drawSeven();
  await page.getByRole("radio", { name: /^zkml/ }).check();
  const sent = page.waitForRequest((request) => request.method() === "POST" && request.url().includes("/inference"));
  await page.getByRole("button", { name: "Ask the model" }).click();
  const pixels = JSON.parse((await sent).postData()).input.data;
  const shown = await seenPixels();
  assert.ok(pixels.every((value, i) => Math.abs(value - shown[i]) < 1e-6), "what is sent is what is shown");
  const rows = pixels.reduce((sum, value, i) => sum + value * (Math.floor(i / 28) + 0.5), 0) / pixels.reduce((a, b) => a + b);
  assert.ok(Math.abs(rows - 14) < 1, "centred by mass");
  const answer = page.locator("[data-answer]");
  await answer.waitFor({ timeout: LONG });
  assert.equal(Number(await answer.getAttribute("data-answer")), await plainAnswer(pixels));
  if (hasLibrary) {
    await page.locator('[data-verified="true"]').getByText("to your digit").waitFor();
    await page.getByRole("checkbox", { name: /^Hide the digit/ }).check();
    await page.getByRole("button", { name: "Ask the model" }).click();
    await page.locator('[data-verified="true"]').getByText("that the proof hides").waitFor({ timeout: LONG });
  } else await page.getByText("Not verified here").waitFor();
  await picture("answer-zkml");
});

claim("Answers of a server that lies are refused and not shown", encrypts, async () => {
  const ask = async () => {
    await page.getByRole("button", { name: "Draw a 7" }).click();
    await page.getByRole("radio", { name: /^zkml/ }).check();
    await page.getByRole("button", { name: "Ask the model" }).click();
    await page.locator('[data-verified="false"]').waitFor({ timeout: LONG });
    assert.equal(await page.locator("[data-answer]").count(), 0);
    await context.unrouteAll();
  };
  await visit(`/digits/${digits}`);
  await context.route("**/proof.bpp", async (route) => {
    const body = await (await route.fetch()).body();
    body[body.length >> 1] ^= 1;
    await route.fulfill({ body });
  });
  await ask();
  await context.route("**/ml/jobs/*", async (route) => {
    const job = await (await route.fetch()).json();
    if (job.result?.output) Object.assign(job.result, { top_class: 0, output: { ...job.result.output, reals: [99, 0, 0, 0, 0, 0, 0, 0, 0, 0] } });
    await route.fulfill({ json: job });
  });
  await page.getByRole("button", { name: "Ask the model" }).click();
  await page.locator('[data-verified="true"]').waitFor({ timeout: LONG });
  assert.equal(Number(await page.locator("[data-answer]").getAttribute("data-answer")), await plainAnswer(await seenPixels()), "what is proven is shown");
  await context.unrouteAll();
  await context.route("**/inference", (route) => {  // asks about another digit than the drawn one
    const body = route.request().postDataJSON();
    body.input.data.reverse();
    return route.continue({ postData: JSON.stringify(body) });
  });
  await ask();
});

claim("An encrypted digit is answered unseen, as the plain model answers; its keys are used again", encrypts, async () => {
  await visit(`/digits/${digits}`);
  await page.getByRole("button", { name: "Draw a 3" }).click();
  await page.getByRole("radio", { name: /^fhe/ }).check();
  const types = [];
  page.on("request", (request) => { if (request.method() !== "GET") types.push(`${request.method()} ${new URL(request.url()).pathname} ${request.headers()["content-type"]}`); });
  await page.getByRole("button", { name: "Ask the model" }).click();
  const answer = page.locator("[data-answer]");
  await answer.waitFor({ timeout: LONG });
  assert.equal(Number(await answer.getAttribute("data-answer")), await plainAnswer(await seenPixels()));
  assert.ok(types.some((each) => each.endsWith("/inference application/octet-stream")), `a ciphertext: ${types}`);
  await picture("answer-fhe");
  const before = types.length;
  await page.getByRole("button", { name: "Ask the model" }).click();
  await page.getByText("Make keys in this page").waitFor({ state: "detached" });
  await answer.waitFor({ timeout: LONG });
  assert.equal(types.length, before + 1, "the question alone is sent");
});

claim("A table is encrypted, answered with a proof, verified, decrypted; the answers are the plain model's", encrypts, async () => {
  table ??= await upload("table", at("table.bpm"), "zkml,hybrid");
  const rows = Array.from({ length: 3 }, (_, i) => Array.from({ length: 30 }, (_, k) => ((7 * i + 3 * k) % 11 - 5) / 4));
  writeNpy(at("rows.npy"), [3, 30], rows.flat());
  const plain = await tool("model", "run", at("table.bpm"), "--input", at("rows.npy"));
  await visit(`/records/${table}`);
  const csv = (text) => page.getByLabel("Table (CSV)").setInputFiles({ name: "rows.csv", mimeType: "text/csv", buffer: Buffer.from(text) });
  await csv("1,2,3\n");
  await page.getByRole("alert").getByText("Row 1 has 3 columns; this model takes 30.").waitFor();
  await csv([Array.from({ length: 30 }, (_, k) => `"feature ${k}"`), ...rows].map((row) => row.join(",")).join("\r\n"));
  await page.getByText("3 records, with a head").waitFor();
  await page.getByRole("button", { name: "Encrypt and ask" }).click();
  await page.locator('[data-verified="true"]').waitFor({ timeout: 2 * LONG });
  const classes = await page.locator("main tbody tr td:nth-child(2)").evaluateAll((cells) => cells.slice(0, 3).map((cell) => Number(cell.textContent)));
  assert.deepEqual(classes, plain.classes);
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download all (CSV)" }).click()]);
  assert.equal(readFileSync(await file.path(), "utf8").trim().split("\r\n").length, 4);
  await picture("answer-hybrid");
});

claim("A digit is answered encrypted and proven, as the plain model answers", encrypts, async () => {
  await tool("model", "compile", path.join(models, "mnist/digits14_square.onnx"), "--calibration", path.join(models, "mnist/digits14_calibration.npz"), "--arithmetic", "exact",
    "--weight-bits", "5", "--activation-bits", "4", "--out", at("digits14.bpm"));
  const small = await upload("small digits", at("digits14.bpm"), "zkml,hybrid");
  await visit(`/digits/${small}`);
  await page.getByRole("button", { name: "Draw a 2" }).click();
  await page.getByRole("radio", { name: /^hybrid/ }).check();
  await page.getByRole("button", { name: "Ask the model" }).click();
  const answer = page.locator("[data-answer]");
  await answer.waitFor({ timeout: 2 * LONG });
  await page.locator('[data-verified="true"]').waitFor();
  assert.equal(Number(await answer.getAttribute("data-answer")), await plainAnswer(await seenPixels(), "digits14.bpm"));
  await picture("answer-digits14");
});

claim("The inspector verifies a proof without a key or the server, and refuses an altered one", encrypts, async () => {
  const proofs = await call("GET", "/ml/proofs");
  const proof = proofs.items.find((each) => each.level === "zkml");
  const file = async (where) => Buffer.from(await (await fetch(origin + where, { headers: { Authorization: `Bearer ${admin}` } })).arrayBuffer());
  const [bytes, key] = await Promise.all([file(`/ml/proofs/${proof.id}/proof.bpp`), file(proof.links.model_key)]);
  await context.close();
  await open({}, null);
  await visit("/inspect");
  const drop = (name, buffer) => page.getByLabel(/^Proof and model key/).setInputFiles({ name, mimeType: "application/octet-stream", buffer });
  await drop("p.bpp", bytes);
  await page.getByText("Add the model key").waitFor();
  const sent = [];
  page.on("request", (request) => sent.push(request.url()));
  await drop("net.bpk", key);
  await page.locator('[data-verified="true"]').waitFor({ timeout: LONG });
  await picture("inspect-verified");
  bytes[bytes.length - 40] ^= 1;
  await drop("p.bpp", bytes);
  await page.locator('[data-verified="false"]').waitFor({ timeout: LONG });
  assert.deepEqual(sent, [], "nothing was sent");
  await picture("inspect-refused");
});

claim("Without WebAssembly the page says what it can't do", { skip: hasLibrary ? "the page has it" : false }, async () => {
  await visit("/inspect");
  await page.getByText("scripts/build-wasm").waitFor();
  await visit(`/digits/${digits}`);
  await page.getByText("scripts/build-wasm").waitFor();
  assert.ok(await page.getByRole("radio", { name: /^fhe/ }).isDisabled());
});

claim("Jobs and proofs are listed, and proofs verified", {}, async () => {
  await visit("/jobs");
  await page.getByRole("link", { name: /^…/ }).first().waitFor();
  await page.getByRole("button", { name: "Verify on the server" }).first().click();
  await page.getByText("✓ by the server").waitFor();
  if (hasLibrary) {
    await page.getByRole("row", { name: /zkml/ }).getByRole("button", { name: "Verify here" }).first().click();
    await page.getByText("✓ in this page").waitFor({ timeout: LONG });
  }
  await page.getByRole("link", { name: /^…/ }).first().click();
  await page.getByRole("link", { name: "← Jobs" }).waitFor();
});

claim("A model is offered; another tenant finds it, uses it and reviews it", {}, async () => {
  await visit("/market");
  await page.getByLabel("Model", { exact: true }).selectOption({ label: "digits" });
  await page.getByLabel("Title").fill("Handwritten digits");
  await page.getByLabel("Description").fill("28 by 28 pixels, <b>centred</b>");
  await page.getByLabel("Price of a sample, zkml").fill("0.02");
  await page.getByLabel(/^Published/).check();
  await page.getByRole("button", { name: "Offer it" }).click();
  await page.getByRole("heading", { name: "Handwritten digits", level: 1 }).waitFor();
  await page.getByText("28 by 28 pixels, <b>centred</b>").first().waitFor();

  await visit("/account");
  await page.getByRole("textbox", { name: "Name" }).fill("buyers");
  await page.getByRole("button", { name: "Make a tenant" }).click();
  await page.getByRole("combobox", { name: "Tenant" }).locator("option", { hasText: "buyers" }).waitFor({ state: "attached" });
  await page.getByRole("textbox", { name: "Label" }).fill("a buyer's");
  await page.getByRole("combobox", { name: "Tenant" }).selectOption({ label: "buyers" });
  await page.getByRole("button", { name: "Make a key" }).click();
  const key = await page.locator("code", { hasText: /^bpkey_/ }).textContent();

  await context.close();
  await open({}, key);
  await visit("/market");
  await page.getByLabel("Search").fill("no such thing");
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByText("No listing fits.").waitFor();
  await page.getByLabel("Search").fill("handwritten");
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByRole("link", { name: "Handwritten digits" }).click();
  await page.getByRole("heading", { name: "Your review" }).waitFor();
  await picture("listing");
  await page.getByRole("link", { name: "Use it" }).click();
  await page.getByRole("link", { name: "Draw a digit" }).click();
  await page.getByRole("button", { name: "Draw a 7" }).click();
  await page.getByRole("radio", { name: /^zkml/ }).check();
  await page.getByRole("button", { name: "Ask the model" }).click();
  await page.locator("[data-answer]").waitFor({ timeout: LONG });
  await visit("/market");
  await page.getByRole("link", { name: "Handwritten digits" }).click();
  await page.getByLabel("Text").fill("Reads my sevens.");
  await page.getByRole("button", { name: "Send" }).click();
  await page.getByText("Reads my sevens.").first().waitFor();
  const listings = await call("GET", "/marketplace/listings");
  assert.equal(listings.items[0].measured.reviews, 1);
});

claim("By keyboard alone a digit is chosen and asked about", {}, async () => {
  await visit(`/digits/${digits}`);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to content");
  await page.keyboard.press("Enter");
  for (let i = 0; i < 40 && await page.evaluate(() => document.activeElement.getAttribute("aria-label")) !== "Draw a 4"; ++i) await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  for (let i = 0; i < 40 && await page.evaluate(() => document.activeElement.textContent) !== "Ask the model"; ++i) await page.keyboard.press("Tab");
  assert.ok(await page.getByRole("button", { name: "Ask the model" }).isEnabled());
  const ring = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.equal(ring, "solid", "what has the focus is seen");
});

const views = async () => {
  const jobs = await call("GET", "/ml/jobs"), listings = await call("GET", "/marketplace/listings");
  return { models: "/models", model: `/models/${digits}`, digits: `/digits/${digits}`, records: `/records/${table ??= await upload("table", at("table.bpm"), "zkml,hybrid")}`, market: "/market",
    listing: `/market/${listings.items[0]?.id}`, jobs: "/jobs", job: `/jobs/${jobs.items[0].job_id}`, inspect: "/inspect", account: "/account", "not-found": "/models/none" };
};

async function picture(name) {
  if (!pictures) return;
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: path.join(pictures, `${name}.png`), fullPage: true });
}

for (const width of [1280, 360]) {
  for (const theme of ["light", "dark"]) {
    claim(`Every view in ${theme} at ${width} pixels: nothing scrolls sideways, and axe finds nothing serious`, {}, async () => {
      await context.close();
      await open({ viewport: { width, height: 800 }, colorScheme: theme, hasTouch: width < 500, isMobile: width < 500 });
      expected.push("404");  // of the view that isn't there
      for (const [name, route] of Object.entries(await views())) {
        await visit(route);
        await page.waitForLoadState("networkidle");
        assert.equal(await page.evaluate(() => document.documentElement.getAttribute("data-theme")), theme);
        await picture(`${name}-${theme}-${width}`);
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth), `${name} scrolls sideways`);
        await page.evaluate(axe.source);
        const found = await page.evaluate(() => axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"] }));
        const serious = found.violations.filter((violation) => ["serious", "critical"].includes(violation.impact));
        assert.deepEqual(serious.map(({ id, nodes }) => `${name}: ${id}: ${nodes.map((node) => `${node.html.slice(0, 120)} ${node.any[0]?.message ?? ""}`).join(" | ")}`), []);
      }
    });
  }
}

claim("The theme that is chosen stays", {}, async () => {
  await visit("/models");
  const theme = () => page.evaluate(() => document.documentElement.getAttribute("data-theme"));
  const first = await theme();
  await page.getByRole("button", { name: /dark and light/ }).click();
  assert.notEqual(await theme(), first);
  await page.reload();
  assert.notEqual(await theme(), first);
});

claim("A finger draws", {}, async () => {
  await context.close();
  await open({ viewport: { width: 360, height: 800 }, hasTouch: true, isMobile: true });
  await visit(`/digits/${digits}`);
  await page.locator("canvas.digit").scrollIntoViewIfNeeded();
  const box = await page.locator("canvas.digit").boundingBox();
  const client = await context.newCDPSession(page);
  const touch = (type, x, y) => client.send("Input.dispatchTouchEvent", { type, touchPoints: type === "touchEnd" ? [] : [{ x: box.x + x * box.width, y: box.y + y * box.height }] });
  await touch("touchStart", 0.5, 0.2);
  for (const y of [0.35, 0.5, 0.65, 0.8]) await touch("touchMove", 0.5, y);
  await touch("touchEnd");
  const pixels = await seenPixels();
  assert.ok(pixels.filter((value) => value > 0.5).length > 20, "a stroke");
});

claim("While the server is away the page says so", {}, async () => {
  await visit("/models");
  await context.route("**/marketplace/**", (route) => route.abort());
  expected.push("ERR_FAILED");
  await page.getByRole("link", { name: "Market", exact: true }).click();
  await page.getByRole("alert").getByText("The server can't be reached").waitFor();
});
