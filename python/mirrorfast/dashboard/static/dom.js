// Elements and numbers. Text only ever becomes text: nothing here writes HTML, and the page's policy forbids it.

export function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "class") node.className = value;
    else if (key === "on") for (const [event, act] of Object.entries(value)) node.addEventListener(event, act);
    else if (key === "style") for (const [name, text] of Object.entries(value)) node.style.setProperty(name, text);
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  for (const child of children.flat()) {
    if (child !== null && child !== undefined) node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return node;
}

export const byId = (id) => document.getElementById(id);
export const NONE = "–";

const known = (v) => typeof v === "number" && Number.isFinite(v);
const form = (digits, sign) => new Intl.NumberFormat("en-GB", {
  minimumFractionDigits: digits, maximumFractionDigits: digits, signDisplay: sign ? "exceptZero" : "auto",
});
const forms = new Map();
function cached(digits, sign) {
  const key = digits * 2 + (sign ? 1 : 0);
  if (!forms.has(key)) forms.set(key, form(digits, sign));
  return forms.get(key);
}
const minus = (text) => text.replace("-", "−");

export const money = (v, sign = false) => (known(v) ? minus(cached(2, sign).format(v)) : NONE);
export const count = (v) => (known(v) ? cached(0, false).format(v) : NONE);
export const fixed = (v, digits = 2, sign = false) => (known(v) ? minus(cached(digits, sign).format(v)) : NONE);
export const percent = (v, digits = 2, sign = false) => (known(v) ? minus(cached(digits, sign).format(v * 100)) + "\u00a0%" : NONE);
export function price(v) {
  if (!known(v)) return NONE;
  const size = Math.abs(v);
  return cached(size >= 1000 ? 2 : size >= 10 ? 3 : size >= 1 ? 5 : size >= 0.01 ? 6 : 8, false).format(v);
}
export function amount(v) {
  return known(v) ? minus(new Intl.NumberFormat("en-GB", { maximumSignificantDigits: 6 }).format(v)) : NONE;
}
export const words = (text) => (text ? String(text).replaceAll("_", " ") : NONE);
export const tone = (v) => (known(v) && v > 0 ? "gain" : known(v) && v < 0 ? "loss" : "");

const pad = (n) => String(n).padStart(2, "0");
export function moment(ms, seconds = false) {
  if (!known(ms)) return NONE;
  const d = new Date(ms);
  const day = `${d.getUTCFullYear()}-${pad(d.getUTCMonth() + 1)}-${pad(d.getUTCDate())}`;
  return `${day} ${pad(d.getUTCHours())}:${pad(d.getUTCMinutes())}${seconds ? ":" + pad(d.getUTCSeconds()) : ""}`;
}

// A table whose heads sort, where asked for; cells are text or nodes.
export function table(heads, rows, { sort = null, onSort = null, empty = "None." } = {}) {
  if (!rows.length) return el("p", { class: "empty" }, empty);
  const head = heads.map(([text, style, key]) => {
    const sorted = sort && key && sort.key === key;
    const order = sorted ? (sort.down ? "descending" : "ascending") : null;
    const label = key && onSort
      ? el("button", { type: "button", "data-key": key, on: { click: () => onSort(key) } }, text, el("span", { "aria-hidden": "true" }, sorted ? (sort.down ? " ▼" : " ▲") : ""))
      : text;
    return el("th", { scope: "col", class: style, "aria-sort": order }, label);
  });
  return el("table", {}, el("thead", {}, el("tr", {}, head)), el("tbody", {}, rows));
}
