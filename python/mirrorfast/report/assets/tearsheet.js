"use strict";
(() => {
  const data = JSON.parse(document.getElementById("chart-data").textContent);
  const NS = "http://www.w3.org/2000/svg", W = 1000, H = 400, DAY = 864e5;
  const live = document.getElementById("live");
  const all = [Infinity, -Infinity];
  for (const d of data) { all[0] = Math.min(all[0], d.view[0]); all[1] = Math.max(all[1], d.view[1]); }
  let range = null;
  const hidden = new Set();

  const digits = (v, n) => (Math.abs(v) < 0.5 / 10 ** n ? 0 : v).toLocaleString("en-US", { minimumFractionDigits: n, maximumFractionDigits: n }).replace("-", "−");
  const write = {
    money: v => digits(v, 2),
    weight: v => digits(v, 2),
    percent: v => digits(100 * v, 1) + " %",
    price: v => digits(v, Math.abs(v) >= 1000 ? 2 : Math.min(12, Math.max(2, 5 - Math.floor(Math.log10(Math.abs(v) || 1))))),
  };
  const tickText = (form, v) => form === "money" ? digits(v, Math.abs(v) >= 1000 ? 0 : 2) : form === "price" ? write.price(v).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "") : write[form](v);
  const iso = ms => new Date(ms).toISOString();
  const when = ms => iso(ms).slice(0, 16).replace("T", " ");
  const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

  function niceTicks(low, high, most) {
    const raw = (high - low) / most, size = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 2.5, 5, 10].map(m => m * size).find(s => s >= raw * 0.999), out = [];
    for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) out.push(k * step + 0);
    return out;
  }
  function timeTicks(start, end, most) {
    const hour = DAY / 24, out = [];
    for (const step of [hour, 3 * hour, 6 * hour, 12 * hour, DAY, 2 * DAY, 7 * DAY, 14 * DAY]) {
      if ((end - start) / step > most) continue;
      const origin = step >= 7 * DAY ? 4 * DAY : 0;
      for (let t = Math.ceil((start - origin) / step) * step + origin; t <= end; t += step) {
        const at = new Date(t), midnight = t % DAY === 0;
        out.push([t, step >= DAY || midnight ? at.getUTCDate() + " " + MONTHS[at.getUTCMonth()] : iso(t).slice(11, 16)]);
      }
      return out;
    }
    const months = [1, 2, 3, 6, 12, 24, 60, 120].find(m => (end - start) / (m * 30.4 * DAY) <= most) || 240;
    const first = new Date(start);
    let index = first.getUTCFullYear() * 12 + first.getUTCMonth();
    if (Date.UTC(Math.floor(index / 12), index % 12) < start) index++;
    for (index = Math.ceil(index / months) * months; ; index += months) {
      const year = Math.floor(index / 12), t = Date.UTC(year, index % 12);
      if (t > end) return out;
      const name = MONTHS[index % 12];
      out.push([t, months >= 12 ? "" + year : !out.length || index % 12 === 0 ? name + " " + year : name]);
    }
  }
  function nearest(xs, t) {
    let a = 0, b = xs.length - 1;
    while (b - a > 1) { const m = (a + b) >> 1; if (xs[m] <= t) a = m; else b = m; }
    return Math.abs(xs[b] - t) < Math.abs(xs[a] - t) ? b : a;
  }
  const element = (name, attributes) => {
    const e = document.createElementNS(NS, name);
    for (const k in attributes) e.setAttribute(k, attributes[k]);
    return e;
  };
  const line = (parent, style, parts) => {
    const p = document.createElement("p");
    if (style) p.className = style;
    p.append(...parts);
    parent.append(p);
  };

  const charts = data.map(d => {
    const root = document.getElementById(d.name), plot = root.querySelector(".plot");
    return { d, root, plot, lines: root.querySelector(".lines"), over: root.querySelector(".over"), grid: root.querySelector(".grid"),
             left: root.querySelector(".ylabels"), below: root.querySelector(".xlabels"), marks: [...root.querySelectorAll(".mark")],
             view: d.view.slice(), at: null };
  });

  function show(c) {
    const [x0, x1, y0, y1] = c.view, [s, e, lo, hi] = c.d.view;
    const X = t => (t - s) / (e - s) * W, Y = v => (hi - v) / (hi - lo) * H;
    c.lines.setAttribute("viewBox", `${X(x0)} ${Y(y1)} ${X(x1) - X(x0)} ${Y(y0) - Y(y1)}`);
    const px = t => (t - x0) / (x1 - x0) * 100, py = v => (y1 - v) / (y1 - y0) * 100;
    const dense = c.d.marks.filter(m => s + m.x >= x0 && s + m.x <= x1).length > 160;
    c.marks.forEach((m, k) => {
      const x = px(s + c.d.marks[k].x), glyph = m.getAttribute("href").replace(/-s$/, "") + (dense ? "-s" : "");
      if (m.getAttribute("href") !== glyph) m.setAttribute("href", glyph);
      m.setAttribute("x", x + "%"); m.setAttribute("y", py(c.d.marks[k].y) + "%");
      m.style.display = x < -1 || x > 101 ? "none" : "";
    });
    c.grid.replaceChildren(); c.left.replaceChildren(); c.below.replaceChildren();
    for (const v of niceTicks(y0, y1, c.plot.clientHeight > 260 ? 6 : c.plot.clientHeight > 150 ? 5 : 3)) {
      const y = py(v) + "%";
      c.grid.append(element("line", { x1: 0, x2: "100%", y1: y, y2: y, class: v === 0 && c.d.form === "percent" ? "zero" : "" }));
      const label = document.createElement("span");
      label.style.top = y; label.textContent = tickText(c.d.form, v); c.left.append(label);
    }
    const most = Math.max(2, Math.min(7, Math.floor(c.plot.clientWidth / 68)));
    for (const [t, text] of timeTicks(x0, x1, most)) {
      const x = px(t) + "%";
      c.grid.append(element("line", { y1: 0, y2: "100%", x1: x, x2: x }));
      const label = document.createElement("span");
      label.style.left = x; label.textContent = text; c.below.append(label);
    }
  }
  function zoom(...to) {
    const [x0, x1] = to;
    range = x0 === undefined || x1 - x0 >= all[1] - all[0] ? null : [x0, x1];
    document.querySelectorAll("button.reset").forEach(b => { b.hidden = !range; });
    for (const c of charts) {
      const [s, e, lo, hi] = c.d.view, off = c.d.lines.some(l => hidden.has(l.style));
      if (!range && !off) { c.view = [s, e, lo, hi]; show(c); continue; }
      const [x0, x1] = range || [s, e];
      let low = Infinity, high = -Infinity;
      for (const l of c.d.lines) if (!hidden.has(l.style)) for (let k = 0; k < l.x.length; k++) {
        const t = s + l.x[k];
        if (t >= x0 && t <= x1) { low = Math.min(low, l.y[k]); high = Math.max(high, l.y[k]); }
      }
      const room = (high - low) * 0.08, percent = c.d.form === "percent";
      c.view = low < high ? [x0, x1, percent ? Math.min(low - room, 0) : low - room, percent ? Math.max(high, 0) : high + room] : [x0, x1, lo, hi];
      show(c);
    }
    leave();
  }
  function leave() {
    for (const c of charts) {
      c.root.querySelectorAll(".cursor, .dot, .tip").forEach(n => n.remove());
      c.marks.forEach(m => m.classList.remove("lit"));
      c.at = null;
    }
  }
  function point(c, t, spoken) {
    leave();
    const [x0, x1] = c.view;
    t = Math.max(x0, Math.min(x1, t));
    const s = c.d.view[0], first = c.d.lines[0], snap = s + first.x[nearest(first.x, t - s)];
    c.at = snap;
    for (const other of charts) {
      const [a, b] = other.view, x = (snap - a) / (b - a) * 100;
      if (x < 0 || x > 100) continue;
      other.over.append(element("line", { class: "cursor", x1: x + "%", x2: x + "%", y1: 0, y2: "100%" }));
    }
    const tip = document.createElement("div");
    tip.className = "tip";
    line(tip, "when", [when(snap) + " UTC"]);
    const said = [when(snap)], [, , y0, y1] = c.view, x = (snap - x0) / (x1 - x0);
    for (const l of c.d.lines) {
      if (hidden.has(l.style)) continue;
      const k = nearest(l.x, snap - s), v = l.y[k];
      const dot = element("circle", { class: "dot " + l.style, r: 3.5, cx: x * 100 + "%", cy: (y1 - v) / (y1 - y0) * 100 + "%" });
      c.over.append(dot);
      const name = document.createElement("span"), colour = document.createElement("i"), value = document.createElement("b");
      colour.className = l.style; name.append(colour, l.name); value.textContent = write[c.d.form](v);
      line(tip, "", [name, value]); said.push(l.name + " " + value.textContent);
    }
    const reach = (x1 - x0) / Math.max(c.plot.clientWidth, 1) * 7;
    let shown = 0;
    c.d.marks.forEach((m, k) => {
      if (Math.abs(s + m.x - t) > reach || shown >= 3) return;
      shown++; c.marks[k].classList.add("lit"); said.push(m.text.join(", "));
      m.text.forEach((text, n) => line(tip, n ? "more" : "mark-text", [text]));
    });
    c.plot.parentElement.append(tip);
    const left = c.plot.offsetLeft + x * c.plot.clientWidth, flip = x > 0.55;
    tip.style.top = c.plot.offsetTop + 8 + "px";
    tip.style.left = Math.max(0, flip ? left - tip.offsetWidth - 14 : Math.min(left + 14, c.root.clientWidth - tip.offsetWidth)) + "px";
    if (spoken) live.textContent = said.join("; ");
  }

  for (const c of charts) {
    const time = e => {
      const box = c.plot.getBoundingClientRect();
      return c.view[0] + Math.max(0, Math.min(1, (e.clientX - box.left) / box.width)) * (c.view[1] - c.view[0]);
    };
    let from = null, band = null;
    c.plot.addEventListener("pointerdown", e => {
      if (e.pointerType !== "mouse" || e.button) return;
      from = time(e); c.plot.setPointerCapture(e.pointerId);
    });
    c.plot.addEventListener("pointermove", e => {
      const t = time(e);
      point(c, t, false);
      if (from === null) return;
      if (!band) { band = document.createElement("div"); band.className = "select"; c.plot.append(band); }
      const span = c.view[1] - c.view[0], a = Math.min(from, t), b = Math.max(from, t);
      band.style.left = (a - c.view[0]) / span * 100 + "%"; band.style.width = (b - a) / span * 100 + "%";
    });
    c.plot.addEventListener("pointerup", e => {
      const t = time(e), start = from;
      if (band) { band.remove(); band = null; }
      from = null;
      if (start !== null && Math.abs(t - start) > (c.view[1] - c.view[0]) * 0.015) zoom(Math.min(start, t), Math.max(start, t));
    });
    c.plot.addEventListener("pointercancel", () => { from = null; if (band) { band.remove(); band = null; } });
    c.plot.addEventListener("pointerleave", leave);
    c.plot.addEventListener("dblclick", () => zoom());
    c.root.addEventListener("blur", leave);
    c.root.addEventListener("keydown", e => {
      const [x0, x1] = c.view, span = x1 - x0, at = c.at === null ? (e.key === "ArrowLeft" ? x1 : x0) : c.at;
      const trades = c.d.marks.map(m => c.d.view[0] + m.x).filter(t => t >= x0 && t <= x1);
      if (e.key === "ArrowRight") point(c, at + span / (e.shiftKey ? 20 : 150), true);
      else if (e.key === "ArrowLeft") point(c, at - span / (e.shiftKey ? 20 : 150), true);
      else if (e.key === "Home") point(c, x0, true);
      else if (e.key === "End") point(c, x1, true);
      else if (e.key === "n") { const next = trades.filter(t => t > at + 1); if (next.length) point(c, Math.min(...next), true); }
      else if (e.key === "p") { const last = trades.filter(t => t < at - 1); if (last.length) point(c, Math.max(...last), true); }
      else if (e.key === "+" || e.key === "=") zoom(Math.max(all[0], at - span / 4), Math.min(all[1], at + span / 4));
      else if (e.key === "-" || e.key === "0" || e.key === "Escape") zoom();
      else return;
      e.preventDefault();
    });
  }
  document.querySelectorAll("button.reset").forEach(b => b.addEventListener("click", () => zoom()));
  document.querySelectorAll("button.toggle").forEach(b => b.addEventListener("click", () => {
    const style = b.dataset.line, on = hidden.has(style);
    if (on) hidden.delete(style); else hidden.add(style);
    b.setAttribute("aria-pressed", on);
    document.querySelectorAll(".lines ." + style).forEach(p => { p.style.display = on ? "" : "none"; });
    if (range) zoom(...range); else zoom();
  }));
  document.querySelectorAll("details").forEach(d => d.addEventListener("toggle", () => charts.filter(c => d.contains(c.root)).forEach(show)));
  let wait = 0;
  addEventListener("resize", () => { clearTimeout(wait); wait = setTimeout(() => charts.forEach(show), 120); });
  document.querySelectorAll(".hint").forEach(h => { h.hidden = false; });
  charts.forEach(show);
})();
