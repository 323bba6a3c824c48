// Canvas charts: lines, areas and candles with marks. Shapes differ, not only colours.

import { moment } from "./dom.js";

const style = () => {
  const s = getComputedStyle(document.documentElement);
  return (name) => s.getPropertyValue(name).trim();
};

function steps(low, high, most) {
  const span = high - low || Math.abs(high) || 1;
  const raw = span / most;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].find((m) => m * power >= raw) * power;
  const out = [];
  for (let v = Math.ceil(low / step) * step; v <= high + step * 1e-9; v += step) out.push(Math.abs(v) < step * 1e-9 ? 0 : v);
  return out;
}

export class Chart {
  constructor(canvas, { form, readout = null, kind = "line", floor = null }) {
    this.canvas = canvas;
    this.form = form;
    this.readout = readout;
    this.kind = kind;
    this.floor = floor;
    this.data = { points: [], marks: [], levels: [], describe: () => "" };
    this.at = null;
    const point = (event) => this.move(event.clientX - canvas.getBoundingClientRect().left);
    canvas.addEventListener("pointermove", point);
    canvas.addEventListener("pointerdown", point);
    canvas.addEventListener("pointerleave", () => this.leave());
    canvas.addEventListener("blur", () => this.leave());
    canvas.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  show(data) {
    this.data = { points: [], marks: [], levels: [], describe: () => "", ...data };
    if (this.at !== null && this.at >= this.data.points.length) this.at = null;
    this.draw();
  }

  key(event) {
    const last = this.data.points.length - 1;
    if (last < 0) return;
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20 }[event.key];
    if (event.key === "Home") this.at = 0;
    else if (event.key === "End") this.at = last;
    else if (event.key === "Escape") return this.leave();
    else if (step) this.at = Math.max(0, Math.min(last, (this.at ?? last) + step));
    else return;
    event.preventDefault();
    this.draw();
  }

  leave() {
    this.at = null;
    this.draw();
  }

  move(x) {
    const { points } = this.data;
    if (!points.length || !this.scale) return;
    let best = 0;
    for (let k = 1; k < points.length; k++) {
      if (Math.abs(this.scale.x(k) - x) < Math.abs(this.scale.x(best) - x)) best = k;
    }
    this.at = best;
    this.draw();
  }

  draw() {
    const { canvas, data } = this;
    const width = canvas.clientWidth, height = canvas.clientHeight, ratio = window.devicePixelRatio || 1;
    if (!width || !height) return;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const g = canvas.getContext("2d"), color = style();
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.clearRect(0, 0, width, height);
    g.font = "11.5px system-ui, sans-serif";
    const { points } = data;
    if (!points.length) {
      g.fillStyle = color("--faint");
      g.fillText("Nothing to draw yet.", 8, 20);
      return;
    }
    const candles = this.kind === "candles" && !data.line;
    let low = Infinity, high = -Infinity;
    for (const p of points) {
      low = Math.min(low, candles ? p[3] : p[1]);
      high = Math.max(high, candles ? p[2] : p[1]);
    }
    for (const level of data.levels) {
      // A far stop must not flatten the prices.
      if (level.value > low - (high - low) && level.value < high + (high - low)) {
        low = Math.min(low, level.value);
        high = Math.max(high, level.value);
      }
    }
    if (this.floor !== null) high = Math.max(high, this.floor);
    if (high === low) {
      high += Math.abs(high) * 0.001 || 1e-6;
      low -= Math.abs(low) * 0.001 || 1e-6;
    }
    const room = (high - low) * 0.06;
    if (this.floor === null) high += room;
    low -= room;
    const ticks = steps(low, high, Math.max(2, height / 55));
    const step = ticks.length > 1 ? ticks[1] - ticks[0] : high - low;
    const left = 6, top = 6, bottom = height - 20;
    const right = width - 10 - Math.max(...ticks.map((v) => g.measureText(this.form(v, step)).width));
    const slot = (right - left) / points.length;
    const x = (k) => (candles ? left + (k + 0.5) * slot : left + (k / Math.max(1, points.length - 1)) * (right - left));
    const y = (v) => bottom - ((v - low) / (high - low)) * (bottom - top);
    this.scale = { x, y };
    g.strokeStyle = color("--grid");
    g.fillStyle = color("--soft");
    g.lineWidth = 1;
    g.textBaseline = "middle";
    for (const v of ticks) {
      const at = Math.round(y(v)) + 0.5;
      g.beginPath();
      g.moveTo(left, at);
      g.lineTo(right, at);
      g.stroke();
      g.fillText(this.form(v, step), right + 6, at);
    }
    this.times(g, points, x, left, right, height);
    if (candles) this.candles(g, points, x, y, slot, color);
    else this.line(g, points, x, y, color, bottom, top);
    this.levels(g, y, left, right, low, high, color);
    this.marks(g, points, x, y, color);
    this.cursor(g, x, y, top, bottom, color);
  }

  times(g, points, x, left, right, height) {
    const many = Math.max(2, Math.min(7, Math.floor((right - left) / 130)));
    const span = points[points.length - 1][0] - points[0][0];
    g.textBaseline = "alphabetic";
    g.textAlign = "center";
    for (let k = 0; k < many; k++) {
      const index = Math.min(points.length - 1, Math.round(((k + 0.5) / many) * (points.length - 1)));
      const text = moment(points[index][0]);
      const shown = span > 86400000 * 10 ? text.slice(0, 10) : text.slice(5);
      const half = g.measureText(shown).width / 2;
      g.fillText(shown, Math.max(left + half, Math.min(right - half, x(index))), height - 5);
    }
    g.textAlign = "left";
  }

  line(g, points, x, y, color, bottom, top) {
    const name = this.data.color || "--gain";
    g.beginPath();
    points.forEach((p, k) => (k ? g.lineTo(x(k), y(p[1])) : g.moveTo(x(k), y(p[1]))));
    g.strokeStyle = color(name);
    g.lineWidth = 1.7;
    g.lineJoin = "round";
    g.stroke();
    if (this.data.fill) {
      const base = this.floor === null ? bottom : Math.max(top, y(this.floor));
      g.lineTo(x(points.length - 1), base);
      g.lineTo(x(0), base);
      g.closePath();
      g.globalAlpha = 0.12;
      g.fillStyle = color(name);
      g.fill();
      g.globalAlpha = 1;
    }
  }

  candles(g, points, x, y, slot, color) {
    const body = Math.max(1, Math.min(11, slot * 0.68));
    g.lineWidth = 1;
    points.forEach(([, open, high, low, close], k) => {
      const up = close >= open, at = x(k);
      g.strokeStyle = g.fillStyle = color(up ? "--gain" : "--loss");
      g.beginPath();
      g.moveTo(at, y(high));
      g.lineTo(at, y(low));
      g.stroke();
      const a = y(Math.max(open, close)), size = Math.max(1, Math.abs(y(open) - y(close)));
      if (up && body > 3) {
        // Rising bars are hollow: told apart without colours.
        g.fillStyle = color("--card");
        g.fillRect(at - body / 2, a, body, size);
        g.strokeRect(at - body / 2, a, body, size);
      } else g.fillRect(at - body / 2, a, body, size);
    });
  }

  levels(g, y, left, right, low, high, color) {
    for (const { value, name, dash } of this.data.levels) {
      if (!(value >= low && value <= high)) continue;
      g.strokeStyle = color(name);
      g.setLineDash(dash);
      g.lineWidth = 1.4;
      g.beginPath();
      g.moveTo(left, y(value));
      g.lineTo(right, y(value));
      g.stroke();
      g.setLineDash([]);
    }
  }

  marks(g, points, x, y, color) {
    const place = new Map(points.map((p, k) => [p[0], k]));
    for (const mark of this.data.marks) {
      const k = place.get(mark.ts);
      if (k === undefined) continue;
      const buy = mark.quantity > 0, at = x(k), level = y(mark.price), size = 6;
      g.fillStyle = color(buy ? "--gain" : "--loss");
      g.strokeStyle = color("--card");
      g.lineWidth = 1.4;
      g.beginPath();
      const tip = buy ? level + 3 : level - 3, base = buy ? tip + size * 1.6 : tip - size * 1.6;
      g.moveTo(at, tip);
      g.lineTo(at - size, base);
      g.lineTo(at + size, base);
      g.closePath();
      g.fill();
      g.stroke();
    }
  }

  cursor(g, x, y, top, bottom, color) {
    if (this.readout) this.readout.textContent = this.data.describe(this.at);
    if (this.at === null) return;
    const p = this.data.points[this.at], at = x(this.at);
    g.strokeStyle = color("--soft");
    g.lineWidth = 1;
    g.beginPath();
    g.moveTo(at, top);
    g.lineTo(at, bottom);
    g.stroke();
    const level = y(this.kind === "candles" && !this.data.line ? p[4] : p[1]);
    g.fillStyle = color("--card");
    g.strokeStyle = color("--ink");
    g.beginPath();
    g.arc(at, level, 3.5, 0, 7);
    g.fill();
    g.stroke();
  }
}
