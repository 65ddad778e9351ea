// Tables as people have them: comma, semicolon or tab, quotes, a head or none.

/** Rows of texts.   Ref: RFC 4180, with the separator that the first line has most of. */
export function parse(text) {
  const first = text.slice(0, text.search(/\r?\n|$/));
  const separator = [",", ";", "\t"].map((mark) => [first.split(mark).length, mark]).sort((a, b) => b[0] - a[0])[0][1];
  const rows = [];
  let row = [], cell = "", quoted = false;
  for (let i = 0; i < text.length; ++i) {
    const c = text[i];
    if (quoted) {
      if (c !== '"') cell += c;
      else if (text[i + 1] === '"') { cell += '"'; ++i; } else quoted = false;
    } else if (c === '"' && cell === "") quoted = true;
    else if (c === separator) { row.push(cell); cell = ""; }
    else if (c === "\n" || c === "\r") {
      if (c === "\r" && text[i + 1] === "\n") ++i;
      row.push(cell);
      if (row.some((each) => each.trim() !== "")) rows.push(row);
      row = []; cell = "";
    } else cell += c;
  }
  row.push(cell);
  if (row.some((each) => each.trim() !== "")) rows.push(row);
  return rows;
}

const number = (text, separator) => {
  const trimmed = text.trim();
  if (trimmed === "") return NaN;
  return Number(separator === ";" ? trimmed.replace(",", ".") : trimmed);
};

/** The head (or null) and the numbers of a table with `width` columns.   Throws what is wrong, and where. */
export function numbers(text, width) {
  const rows = parse(text);
  if (rows.length === 0) throw new Error("The file has no rows.");
  const separator = text.slice(0, text.search(/\r?\n|$/)).includes(";") ? ";" : ",";
  const head = rows[0].some((cell) => Number.isNaN(number(cell, separator))) ? rows.shift().map((cell) => cell.trim()) : null;
  if (rows.length === 0) throw new Error("The file has a head and no rows.");
  const values = new Float32Array(rows.length * width);
  rows.forEach((row, i) => {
    if (row.length !== width) throw new Error(`Row ${i + 1} has ${row.length} columns; this model takes ${width}.`);
    row.forEach((cell, k) => {
      const value = number(cell, separator);
      if (!Number.isFinite(value)) throw new Error(`Row ${i + 1}, column ${head?.[k] || k + 1}: “${cell.slice(0, 40)}” is no number.`);
      values[i * width + k] = value;
    });
  });
  return { head, values, records: rows.length };
}

const quote = (text) => /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
export const write = (rows) => rows.map((row) => row.map((cell) => quote(String(cell))).join(",")).join("\r\n") + "\r\n";
