// Makes src/api.ts of the service's OpenAPI document, or compares (--check).   node scripts/api-types.mjs [--check] URL-OR-FILE
import { readFile, writeFile } from "node:fs/promises";
import openapiTS, { astToString } from "openapi-typescript";

const check = process.argv.includes("--check");
const source = process.argv.slice(2).find((argument) => !argument.startsWith("--"));
if (!source) {
  console.error("api-types: name the document, as http://127.0.0.1:8080/openapi.json");
  process.exit(2);
}
const text = /^https?:/.test(source) ? await (await fetch(source)).text() : await readFile(source, "utf8");
const made = `// Made by scripts/api-types.mjs of the service's /openapi.json.\n\n${astToString(await openapiTS(JSON.parse(text), { emptyObjectsUnknown: true }))}`;
const target = new URL("../src/api.ts", import.meta.url);
if (!check) {
  await writeFile(target, made);
} else if ((await readFile(target, "utf8")) !== made) {
  console.error("api-types: src/api.ts isn't what the service's document gives: make it again with npm run api-types");
  process.exit(1);
}
