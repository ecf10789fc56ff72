// One uPlot chart: lines, areas and bands over a time axis.
import uPlot from "../vendor/uplot.js";
import { color, css, dash, faded } from "./palette.js";
import { gaps } from "./points.js";
import { marks, steps } from "./time.js";
import { short } from "./number.js";

/**
 * @typedef {import("./load.js").Picture} Picture
 * @typedef {import("./api.js").Event} Event
 *
 * @typedef {object} Look
 * @property {"lines"|"area"|"stack"} draw
 * @property {boolean} log
 * @property {number[]} right
 * @property {string[]} hidden
 * @property {Record<string,string>} colors
 * @property {string} zone
 * @property {Event[]} events
 * @property {string} focus name of the series that stands out, "" for none
 */

/**
 * options are what uPlot draws a picture by.
 * @param {Picture} p @param {Look} look @param {{width: number, height: number}} size
 * @param {{select: (from: number, until: number) => void, cursor: (i: number|null, x: number|null) => void, sync: string}} on
 */
export function options(p, look, size, on) {
  const right = p.lines.some((l) => look.right.includes(l.target));
  const left = p.lines.some((l) => !look.right.includes(l.target)) || !right;
  return {
    ...size,
    padding: [8, right ? 0 : 12, 0, 0],
    legend: { show: false },
    tzDate: (/** @type {number} */ t) => uPlot.tzDate(new Date(t * 1000), look.zone),
    cursor: {
      y: false,
      sync: { key: on.sync, setSeries: false },
      drag: { x: true, y: false, setScale: false },
      points: { size: 7, width: 1.5 },
      focus: { prox: 24 },
    },
    focus: { alpha: 1 },
    scales: {
      x: { time: true, range: () => p.range },
      y: { distr: look.log ? 3 : 1, range: range(look, p) },
      right: { distr: look.log ? 3 : 1, range: range(look, p) },
    },
    axes: [timeAxis(look.zone), valueAxis("y", 3, left), ...(right ? [valueAxis("right", 1, true)] : [])],
    series: [{}, ...p.lines.map((l) => series(l, look))],
    bands: bands(p, look),
    hooks: {
      setSelect: [
        (/** @type {any} */ u) => {
          if (u.select.width < 4) return;
          on.select(Math.round(u.posToVal(u.select.left, "x")), Math.round(u.posToVal(u.select.left + u.select.width, "x")));
          u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
        },
      ],
      setCursor: [
        (/** @type {any} */ u) => {
          const out = u.cursor.left == null || u.cursor.left < 0;
          on.cursor(out ? null : u.cursor.idx, out ? null : u.posToVal(u.cursor.left, "x"));
        },
      ],
      draw: [(/** @type {any} */ u) => drawEvents(u, look.events)],
    },
  };
}

/** data is the picture as uPlot takes it. @param {Picture} p */
export const data = (p) => [p.x, ...p.drawn];

/** @param {import("./points.js").Line} l @param {Look} look */
function series(l, look) {
  const base = look.colors[l.name] || color(Math.max(l.order, 0));
  const dim = look.focus && look.focus !== l.name;
  const stroke = dim ? faded(base, 0.25) : base;
  const end = l.role === "low" || l.role === "high";
  const area = look.draw === "area" && l.role === "now";
  return {
    label: l.name,
    scale: look.right.includes(l.target) ? "right" : "y",
    show: !look.hidden.includes(l.name),
    stroke: end ? "transparent" : l.role === "past" ? faded(base, 0.6) : stroke,
    width: look.focus === l.name ? 2.5 : 1.5,
    dash: l.role === "past" ? [3, 3] : dash(Math.max(l.order, 0)),
    fill: area || (look.draw === "stack" && l.role === "now") ? faded(base, dim ? 0.06 : look.draw === "stack" ? 0.45 : 0.15) : undefined,
    points: { show: l.role === "now" ? lonely : false, size: 4, fill: stroke },
    gaps: gaps(l.spacing),
    spanGaps: false,
  };
}

/** lonely shows points where a series has so few that no line would be seen. @param {any} u @param {number} s @param {number} a @param {number} b */
function lonely(u, s, a, b) {
  let n = 0;
  for (let i = a; i <= b && n < 3; i++) if (u.data[s][i] != null) n++;
  return n < 3;
}

/** bands are areas between two lines: the ends of a band, or neighbours in a stack. @param {Picture} p @param {Look} look */
function bands(p, look) {
  /** @type {{series: [number, number], fill: string}[]} */
  const list = [];
  p.lines.forEach((l, i) => {
    if (l.role !== "high") return;
    const low = p.lines.findIndex((x) => x.role === "low" && x.order === l.order);
    if (low >= 0) list.push({ series: [i + 1, low + 1], fill: faded(look.colors[l.name] || color(l.order), 0.2) });
  });
  if (look.draw !== "stack") return list;
  const shown = p.lines.flatMap((l, i) => (l.role === "now" && !look.hidden.includes(l.name) ? [i] : []));
  for (let k = 1; k < shown.length; k++) {
    const l = p.lines[shown[k]];
    list.push({ series: [shown[k] + 1, shown[k - 1] + 1], fill: faded(look.colors[l.name] || color(l.order), 0.45) });
  }
  return list;
}

/** range of the values: from 0 where that is near, with air above. @param {Look} look @param {Picture} p */
const range = (look, p) => (/** @type {any} */ u, /** @type {number|null} */ min, /** @type {number|null} */ max) => {
  if (min == null || max == null) return look.log ? [1, 10] : [0, 1];
  if (look.log) return uPlot.rangeLog(min > 0 ? min : leastPositive(p), Math.max(max, 1e-9), 10, false);
  if (min === max) return min === 0 ? [0, 1] : [Math.min(0, min * 1.2), Math.max(0, max * 1.2)];
  if (look.draw === "stack" || (min >= 0 && min < (max - min) * 2)) min = Math.min(min, 0);
  const air = (max - min) * 0.06;
  return [min < 0 || min > 0 ? min - air : 0, max > 0 ? max + air : max];
};

/** leastPositive is the smallest value that a logarithm has. @param {Picture} p */
function leastPositive(p) {
  let least = Infinity;
  for (const values of p.drawn) for (const v of values) if (v != null && v > 0 && v < least) least = v;
  return least === Infinity ? 0.1 : least;
}

const font = "11px system-ui, sans-serif";

/** @param {string} zone */
function timeAxis(zone) {
  return {
    font,
    stroke: () => css("--quiet"),
    grid: { stroke: () => css("--grid"), width: 1 },
    ticks: { stroke: () => css("--grid"), width: 1, size: 4 },
    space: 70,
    size: 38,
    incrs: steps,
    values: (
      /** @type {any} */ _u,
      /** @type {number[]} */ splits,
      /** @type {number} */ _i,
      /** @type {number} */ _s,
      /** @type {number} */ step,
    ) => marks(splits, zone, step),
  };
}

/** @param {string} scale @param {number} side @param {boolean} show */
function valueAxis(scale, side, show) {
  return {
    scale,
    side,
    show,
    font,
    stroke: () => css("--quiet"),
    grid: side === 3 ? { stroke: () => css("--grid"), width: 1 } : { show: false },
    ticks: { show: false },
    space: 28,
    size: 56,
    values: (/** @type {any} */ _u, /** @type {(number|null)[]} */ splits) => splits.map((v) => (v == null ? "" : short(v))),
  };
}

/** drawEvents marks when something happened. @param {any} u @param {Event[]} events */
function drawEvents(u, events) {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = css("--event");
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([4, 3]);
  for (const e of events) {
    const x = Math.round(u.valToPos(e.when, "x", true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    const r = 4 * devicePixelRatio;
    ctx.beginPath();
    ctx.moveTo(x - r, bbox.top);
    ctx.lineTo(x + r, bbox.top);
    ctx.lineTo(x, bbox.top + r * 1.4);
    ctx.fill();
  }
  ctx.restore();
}

export { uPlot };
