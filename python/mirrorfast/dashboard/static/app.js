// The stream: a snapshot, then numbered deltas. What is shown is always the document of one number; after a lost
// connection the page says which number it has, and gets what follows, or a new snapshot.

import { byId, fixed, percent } from "./dom.js";
import { Chart } from "./charts.js";
import * as panels from "./panels.js";

const page = { document: {}, epoch: null, seq: null, symbol: "", socket: null, wait: 500, heard: 0, snapshots: 0, connections: 0 };
window.mirrorfast = page; // for whoever looks from the browser's console

const large = new Intl.NumberFormat("en-GB", { notation: "compact", maximumFractionDigits: 2 });
// As many digits as tell one tick from the next.
const axis = (v, step) => (Math.abs(v) >= 100000 && step >= 1000 ? large.format(v) : fixed(v, Math.max(0, -Math.floor(Math.log10(step) + 1e-9))));
const charts = {
  equity: new Chart(byId("equity"), { form: axis, readout: byId("equity-readout") }),
  drawdown: new Chart(byId("drawdown"), { form: (v, step) => percent(v, step < 0.01 ? 1 : 0), floor: 0 }),
  price: new Chart(byId("price"), { form: axis, kind: "candles", readout: byId("price-readout") }),
};

// What has to be drawn again when a part of the document changes; slow ones at most so often (ms).
const VIEWS = {
  header: { parts: ["run", "clock", "account", "control"], draw: () => panels.header(page.document) },
  tiles: { parts: ["account", "positions", "run"], draw: () => panels.tiles(page.document) },
  equity: { parts: ["equity", "account"], draw: () => panels.equity(page.document, charts), every: 250 },
  chart: { parts: ["charts", "positions"], draw: () => panels.chart(page.document, page.symbol, charts), every: 250 },
  symbols: { parts: ["run"], draw: () => panels.symbols(page.document, page.symbol) },
  positions: { parts: ["positions", "account"], draw: () => panels.positions(page.document), every: 200 },
  decisions: { parts: ["decisions", "streaks"], draw: () => panels.decisions(page.document), every: 300 },
  signals: { parts: ["signals"], draw: () => panels.signals(page.document), every: 1000 },
  strategies: { parts: ["strategies"], draw: () => panels.strategies(page.document), every: 500 },
  trades: { parts: ["trades"], draw: () => panels.trades(page.document), every: 300 },
  health: { parts: ["health"], draw: () => panels.health(page.document), every: 500 },
  log: { parts: ["log"], draw: () => panels.log(page.document), every: 300 },
  control: { parts: ["control", "run"], draw: () => control() },
};
const due = new Set();
const drawn = {};
let waiting = false;

function changed(part) {
  for (const [name, view] of Object.entries(VIEWS)) if (part === null || view.parts.includes(part)) due.add(name);
  if (!waiting) {
    waiting = true;
    requestAnimationFrame(draw);
  }
}

function draw() {
  waiting = false;
  const now = performance.now();
  let later = Infinity;
  for (const name of [...due]) {
    const left = (drawn[name] ?? -Infinity) + (VIEWS[name].every ?? 0) - now;
    if (left > 0) {
      later = Math.min(later, left);
      continue;
    }
    due.delete(name);
    drawn[name] = now;
    VIEWS[name].draw();
  }
  if (later < Infinity && !waiting) {
    waiting = true;
    setTimeout(() => requestAnimationFrame(draw), later);
  }
}

export function apply(document, ops) {
  for (const [name, path, value, limit] of ops) {
    if (path.includes("__proto__")) continue; // a name, but not one that an object can have
    let inside = document;
    for (const step of path.slice(0, -1)) inside = inside[step] ??= {};
    const key = path[path.length - 1];
    if (name === "set") inside[key] = value;
    else if (name === "del") delete inside[key];
    else {
      const list = (inside[key] ??= []);
      list.push(...value);
      if (list.length > limit) list.splice(0, list.length - limit);
    }
  }
}

function take(message) {
  if (message.t === "snapshot") {
    Object.assign(page, { document: message.document, epoch: message.epoch, seq: message.seq, symbol: message.symbol });
    page.snapshots += 1;
    changed(null);
    return;
  }
  for (const { seq, ops } of message.list) {
    if (seq <= page.seq) continue;
    if (seq !== page.seq + 1) {
      // Never shown with a hole in it: begin anew.
      page.seq = null;
      page.socket.close();
      return;
    }
    apply(page.document, ops);
    page.seq = seq;
    for (const op of ops) changed(op[1][0]);
  }
  if (message.chart) {
    page.symbol = message.chart.symbol;
    page.document.charts = { [page.symbol]: message.chart.chart };
    changed("charts");
    changed("run");
  }
}

function say(state, text) {
  const link = byId("link");
  link.className = `link ${state}`;
  if (link.lastElementChild.textContent !== text) link.lastElementChild.textContent = text;
}

function connect() {
  say("wait", page.seq === null ? "connecting" : "reconnecting");
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/stream`);
  page.socket = socket;
  socket.onopen = () => {
    page.connections += 1;
    page.heard = Date.now();
    socket.send(JSON.stringify({ epoch: page.epoch, seq: page.seq, symbol: page.symbol }));
  };
  socket.onmessage = (event) => {
    page.heard = Date.now();
    page.wait = 500;
    take(JSON.parse(event.data));
    say("on", "live");
  };
  socket.onclose = async () => {
    if (page.socket !== socket) return;
    say("off", "connection lost");
    await new Promise((done) => setTimeout(done, page.wait * (0.75 + Math.random() / 2)));
    page.wait = Math.min(page.wait * 1.7, 10000);
    // A session that is over cannot be told from a server that is gone but by asking.
    const answer = await fetch("/", { method: "HEAD", cache: "no-store" }).catch(() => null);
    if (answer && answer.status === 401) location.assign("/");
    else connect();
  };
}

setInterval(() => {
  // The server speaks at least every second; a half-open connection does not close by itself.
  if (page.socket?.readyState === WebSocket.OPEN && Date.now() - page.heard > 8000) {
    const gone = page.socket;
    gone.close();
    gone.onclose();
  }
}, 2000);

byId("symbol").addEventListener("change", (event) => page.socket?.send(JSON.stringify({ symbol: event.target.value })));
byId("filter").addEventListener("input", () => panels.signals(page.document));

const themes = ["auto", "light", "dark"];
let theme = localStorage.getItem("theme") ?? "auto";
function paint() {
  document.documentElement.dataset.theme = theme;
  byId("theme").textContent = `Theme: ${theme}`;
  changed(null);
}
byId("theme").addEventListener("click", () => {
  theme = themes[(themes.indexOf(theme) + 1) % themes.length];
  localStorage.setItem("theme", theme);
  paint();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => changed(null));

// ---------------------------------------------------------------- control

let ticket = null;
const post = async (step, body) => {
  const answer = await fetch(`/control/${step}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  return answer.json();
};

function control() {
  const state = page.document.control ?? {};
  byId("control").hidden = !state.allowed;
  byId("act").textContent = state.halted ? "Resume trading" : "Halt trading";
}

byId("ask").addEventListener("submit", async (event) => {
  event.preventDefault();
  const action = page.document.control?.halted ? "resume" : "halt";
  const answer = await post("request", { action, reason: byId("reason").value });
  byId("said").textContent = answer.error ?? "";
  if (answer.error) return;
  ticket = answer;
  byId("confirm-title").textContent = action === "halt" ? "Halt trading?" : "Resume trading?";
  byId("phrase").textContent = answer.phrase;
  byId("typed").value = "";
  byId("confirm").showModal();
});
byId("cancel").addEventListener("click", () => byId("confirm").close());
byId("confirm-form").addEventListener("submit", async () => {
  const answer = await post("confirm", { ticket: ticket.ticket, phrase: byId("typed").value });
  byId("said").textContent = answer.error ?? (answer.done === "halt" ? "Halted." : "Resumed.");
  if (!answer.error) byId("reason").value = "";
});

paint();
connect();
