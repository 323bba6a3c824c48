// Every panel: from the document to elements.

import { NONE, amount, byId, count, el, fixed, moment, money, percent, price, table, tone, words } from "./dom.js";

const n = (text, style = "") => el("td", { class: `n ${style}`.trim() }, text);
const t = (text, style = "") => el("td", { class: style || null }, text);
const name = (text) => el("th", { scope: "row" }, text);
const badge = (text, style = "") => el("span", { class: `badge ${style}`.trim() }, text);

// Left of the middle for short, right of it for long: the number is beside it.
function bar(value) {
  const size = Math.min(1, Math.abs(value ?? 0)) * 50;
  return el("s", { class: "bar", "aria-hidden": "true" },
    el("i", { class: tone(value), style: { left: `${value < 0 ? 50 - size : 50}%`, width: `${size}%` } }));
}

export function header(doc) {
  const run = doc.run ?? {}, clock = doc.clock ?? {}, control = doc.control ?? {};
  byId("run").textContent = run.name ? `Run ${run.name}` : "";
  byId("mode").textContent = words(run.mode);
  const status = byId("status");
  status.textContent = words(run.status);
  status.className = `badge ${run.status === "finished" || run.status === "running" ? "good" : "warn"}`;
  byId("clock").textContent = clock.ts || doc.account?.ts ? `${moment(clock.ts ?? doc.account.ts)} UTC` : "";
  const halted = byId("halted");
  halted.hidden = !control.halted;
  halted.textContent = control.halted ? `HALTED: ${control.reason ?? ""}` : "";
  const progress = byId("progress");
  progress.hidden = !clock.total;
  if (clock.total) {
    progress.max = clock.total;
    progress.value = clock.done;
  }
  document.title = `${run.name ?? "mirrorfast"} · mirrorfast`;
}

export function tiles(doc) {
  const a = doc.account ?? {}, quote = currency(doc);
  const gain = a.capital ? a.equity / a.capital - 1 : null;
  const open = Object.keys(doc.positions ?? {}).length;
  const items = [
    ["Equity", money(a.equity), `${percent(gain, 2, true)} since the start${quote ? `, ${quote}` : ""}`, tone(gain)],
    ["Drawdown", percent(a.drawdown), `peak ${money(a.peak)}`, a.drawdown < 0 ? "loss" : ""],
    ["Exposure", percent(a.exposure, 1), `cash ${money(a.cash)}`, ""],
    ["Heat", percent(a.heat), "lost if all stops are hit", ""],
    ["Open positions", count(open), `${count(a.fills)} executions`, ""],
    ["Closed trades", count(a.trades), a.trades ? `${percent(a.wins / a.trades, 0)} won` : "none yet", ""],
    ["Net of closed trades", money(a.pnl, true), `fees ${money(a.fees)}`, tone(a.pnl)],
    ["Refusals", count(a.refused), "decisions stopped by risk", ""],
  ];
  byId("tiles").replaceChildren(...items.map(([label, value, small, style]) =>
    el("li", {}, el("span", {}, label), el("b", { class: style || null }, value), el("small", {}, small))));
}

function currency(doc) {
  const quotes = new Set((doc.run?.symbols ?? []).filter((s) => s.includes("/")).map((s) => s.split("/").pop().split(":")[0]));
  return quotes.size === 1 ? [...quotes][0] : "";
}

export function positions(doc) {
  const rows = Object.values(doc.positions ?? {}).sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  const equity = doc.account?.equity;
  byId("positions").replaceChildren(table(
    [["Symbol"], ["Side"], ["Quantity", "n"], ["Entry", "n"], ["Last", "n"], ["Stop", "n"], ["To the stop", "n"], ["Value", "n"], ["Unrealised", "n"], ["Heat", "n"], ["Since (UTC)"]],
    rows.map((p) => el("tr", {}, name(p.symbol), el("td", {}, badge(p.quantity > 0 ? "long" : "short", p.quantity > 0 ? "good" : "short")),
      n(amount(Math.abs(p.quantity))), n(price(p.average)), n(price(p.last)), n(p.stop === null ? "none" : price(p.stop), p.stop === null ? "loss" : ""),
      n(p.stop === null ? NONE : percent(p.stop / p.last - 1, 2, true)), n(money(p.value)), n(money(p.unrealised, true), tone(p.unrealised)),
      n(equity ? percent(p.heat / equity) : NONE), t(moment(p.opened), "when"))),
    { empty: "Flat: nothing is held." }));
}

const kept = { decisions: new Map() };

export function decisions(doc) {
  const rows = [...(doc.decisions ?? [])].reverse();
  const now = new Map();
  for (const d of rows) now.set(d.id, kept.decisions.get(d.id) ?? decision(d));
  kept.decisions = now;
  const list = byId("decisions");
  if (!rows.length) return list.replaceChildren(el("li", { class: "empty" }, "No decision has led to an order yet."));
  list.replaceChildren(...now.values());
  for (const { id, times, ts } of Object.values(doc.streaks ?? {})) {
    const again = now.get(id)?.querySelector(".again");
    if (again) again.textContent = times > 1 ? `${count(times)} times until ${moment(ts)}` : "";
  }
}

function decision(d) {
  const action = d.verdict === "refused" ? badge("refused", "bad")
    : badge(`${d.quantity > 0 ? "buy" : "sell"} ${amount(Math.abs(d.quantity))}`, d.verdict === "reduced" ? "warn" : "good");
  const votes = Object.entries(d.votes).map(([strategy, [signal, confidence]]) =>
    el("div", { class: signal === null ? "vote cold" : "vote", title: `confidence ${fixed(confidence)}` },
      el("b", {}, words(strategy)), bar(signal), el("em", {}, signal === null ? "warming up" : fixed(signal, 2, true))));
  const reasons = d.reasons.length
    ? el("details", {}, el("summary", {}, d.reasons[d.reasons.length - 1]), el("ul", {}, d.reasons.slice(0, -1).map((r) => el("li", {}, r))))
    : null;
  return el("li", { "data-id": d.id },
    el("div", { class: "line" }, el("strong", {}, d.symbol), action, el("span", { class: "soft" }, `at ${price(d.price)}`), el("time", {}, moment(d.ts))),
    el("div", { class: "line soft" }, [`consensus ${fixed(d.consensus, 2, true)}`,
      d.policy === null ? null : `policy ${fixed(d.policy, 2, true)}`, `target ${fixed(d.target, 2, true)}`, d.regime ? words(d.regime) : null]
      .filter((text) => text !== null).map((text) => el("span", {}, text)), el("span", { class: "again" })),
    el("div", { class: "votes" }, votes), reasons);
}

const sorting = { key: "strength", down: true };
const columns = {
  symbol: (s) => s.symbol, price: (s) => s.price ?? -Infinity, consensus: (s) => s.consensus ?? -Infinity,
  strength: (s) => Math.abs(s.consensus ?? 0), confidence: (s) => s.confidence ?? -Infinity, regime: (s) => s.regime ?? "",
  direction: (s) => s.direction ?? "", verdict: (s) => s.verdict ?? "", ts: (s) => s.ts,
};
let lastDoc = {};

export function signals(doc) {
  lastDoc = doc;
  const wanted = byId("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  const all = Object.values(doc.signals ?? {});
  const text = (s) => `${s.symbol} ${s.direction} ${words(s.regime)} ${words(s.verdict)}`.toLowerCase();
  const by = columns[sorting.key];
  const rows = all.filter((s) => wanted.every((w) => text(s).includes(w))).sort((a, b) => {
    const [x, y] = [by(a), by(b)];
    const order = x < y ? -1 : x > y ? 1 : a.symbol < b.symbol ? -1 : 1;
    return sorting.down ? -order : order;
  });
  const box = byId("signals");
  const focused = document.activeElement?.closest?.("#signals button")?.dataset.key;
  box.replaceChildren(table(
    [["Symbol", "", "symbol"], ["Price", "n", "price"], ["Consensus", "n", "consensus"], ["", "barcell"], ["Signal", "", "direction"], ["Sure", "n", "confidence"], ["Regime", "", "regime"], ["Risk", "", "verdict"]],
    rows.map((s) => el("tr", {}, name(s.symbol), n(price(s.price)), n(fixed(s.consensus, 2, true), tone(s.consensus)), el("td", { class: "barcell" }, bar(s.consensus)),
      t(s.direction ?? NONE), n(percent(s.confidence, 0)), t(words(s.regime)), el("td", {}, badge(words(s.verdict), { refused: "bad", approved: "good", reduced: "warn" }[s.verdict] ?? "")))),
    { sort: sorting, onSort: (key) => resort(key), empty: all.length ? "No signal matches the filter." : "No signal yet." }));
  if (focused) box.querySelector(`button[data-key="${focused}"]`)?.focus();
}

function resort(key) {
  sorting.down = sorting.key === key ? !sorting.down : !["symbol", "regime", "direction", "verdict"].includes(key);
  sorting.key = key;
  signals(lastDoc);
}

export function strategies(doc) {
  const rows = Object.entries(doc.strategies ?? {});
  const most = Math.max(1e-9, ...rows.map(([, s]) => Math.abs(s.pnl)));
  const grade = (g) => badge(g, { A: "good", B: "good", D: "warn", F: "bad" }[g[0]] ?? "");
  byId("strategies").replaceChildren(table(
    [["Strategy"], ["Weight", "n"], ["Grade"], ["Trades", "n"], ["Won", "n"], ["PnL", "n"], ["", "barcell"]],
    rows.map(([key, s]) => el("tr", {}, name(key === "(none)" ? "no strategy" : words(key)), n(fixed(s.weight)), el("td", {}, s.grade ? grade(s.grade) : NONE),
      n(count(s.trades)), n(s.trades ? percent(s.wins / s.trades, 0) : NONE), n(money(s.pnl, true), tone(s.pnl)), el("td", { class: "barcell" }, bar(s.pnl / most)))),
    { empty: "No strategy is known yet." }));
}

export function trades(doc) {
  const rows = [...(doc.trades ?? [])].reverse();
  byId("trades").replaceChildren(table(
    [["Symbol"], ["Side"], ["Closed (UTC)"], ["Entry", "n"], ["Exit", "n"], ["Why"], ["Return", "n"], ["PnL", "n"]],
    rows.map((r) => el("tr", { title: Object.entries(r.backers).map(([k, v]) => `${words(k)} ${percent(v, 0)}`).join(", ") || null },
      name(r.symbol), el("td", {}, badge(r.side, r.side === "long" ? "good" : "short")), t(moment(r.ts), "when"), n(price(r.entry)), n(price(r.exit)),
      t(words(r.closed_by)), n(percent(r.return, 2, true), tone(r.return)), n(money(r.pnl, true), tone(r.pnl)))),
    { empty: "No trade has been closed yet." }));
}

const marks = { ok: "✓", warning: "!", error: "✕", unknown: "?" };

export function health(doc) {
  byId("health").replaceChildren(...Object.entries(doc.health ?? {}).map(([key, { state, text }]) =>
    el("li", { class: state }, el("i", { "aria-hidden": "true" }, marks[state] ?? "?"), el("b", {}, words(key)), el("span", {}, text), el("span", { class: "sr" }, state))));
}

export function log(doc) {
  const rows = [...(doc.log ?? [])].reverse();
  byId("log").replaceChildren(...(rows.length ? rows.map(([ts, level, text]) =>
    el("li", { class: level }, el("time", {}, moment(ts, true)), badge(level, { warning: "warn", error: "bad", critical: "bad" }[level] ?? ""), el("span", {}, text)))
    : [el("li", { class: "empty" }, "Nothing has been logged.")]));
}

export function equity(doc, charts) {
  const points = (doc.equity ?? []).slice(), a = doc.account ?? {};
  if (a.ts && points.length && points[points.length - 1][0] !== a.ts) points.push([a.ts, a.equity, a.drawdown]);
  const at = (k) => points[k ?? points.length - 1];
  charts.equity.show({
    points, fill: true,
    describe: (k) => (points.length ? `${moment(at(k)[0])} · ${money(at(k)[1])} · ${percent(at(k)[2])} below the peak` : ""),
  });
  charts.drawdown.show({ points: points.map((p) => [p[0], p[2]]), fill: true, color: "--loss" });
}

export function chart(doc, symbol, charts) {
  const shown = doc.charts?.[symbol] ?? {}, points = shown.bars ?? [];
  const position = doc.positions?.[symbol];
  const line = points.every((p) => p[1] === p[4] && p[2] === p[3]);
  const levels = [];
  if (position) {
    levels.push({ value: position.average, name: "--soft", dash: [2, 3] });
    if (position.stop !== null) levels.push({ value: position.stop, name: "--hold", dash: [7, 4] });
  }
  const found = (shown.marks ?? []).map(([ts, value, quantity, purpose]) => ({ ts, price: value, quantity, purpose }));
  byId("price-kind").textContent = line ? "Prices of the decisions; hand over bars for candles." : "Hollow: up. Filled: down.";
  charts.price.show({
    points, levels, marks: found, line,
    describe: (k) => {
      const p = points[k ?? points.length - 1];
      if (!p) return "";
      const here = found.filter((m) => m.ts === p[0]).map((m) => `${m.quantity > 0 ? "bought" : "sold"} ${amount(Math.abs(m.quantity))} at ${price(m.price)} (${words(m.purpose)})`);
      return [moment(p[0]), line ? price(p[4]) : `open ${price(p[1])} high ${price(p[2])} low ${price(p[3])} close ${price(p[4])}`, ...here].join(" · ");
    },
  });
}

export function symbols(doc, chosen) {
  const select = byId("symbol"), all = doc.run?.symbols ?? [];
  if (select.options.length !== all.length || [...select.options].some((o, k) => o.value !== all[k])) {
    select.replaceChildren(...all.map((s) => el("option", { value: s }, s)));
  }
  select.value = chosen;
}
