// One uPlot chart: lines, areas and bands over a time axis.
import uPlot from "../vendor/uplot.js";
import { color, css, dash, faded } from "./palette.js";
import { gaps } from "./points.js";
import { marks, steps } from "./time.js";
import { short, ticks } from "./number.js";

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
 *
 * @typedef {{i: number, of: (number|null|undefined)[]}} At which time the cursor is at, and which value of each line is the nearest
 *
 * @typedef {object} Shown what a chart draws; it looks here at each drawing
 * @property {Picture} picture
 * @property {Look} look
 * @property {[number, number]} range of time, Unix seconds: the picture's, or where it was moved to since
 * @property {boolean} [held] whether it is being moved: another picture leaves the range as it is
 */

/**
 * options are what uPlot draws a picture by.
 * @param {Shown} now @param {{width: number, height: number}} size
 * @param {{select: (from: number, until: number) => void, cursor: (at: At|null) => void, near: (i: number|null) => void, sync: string}} on
 */
export function options(now, size, on) {
  const { picture: p, look } = now;
  const right = p.lines.some((l) => look.right.includes(l.target));
  const left = p.lines.some((l) => !look.right.includes(l.target)) || !right;
  const alone = (/** @type {any} */ _u, /** @type {any} */ _t, /** @type {any} */ f) => (/** @type {MouseEvent} */ e) =>
    e.shiftKey || e.button ? null : f(e); // what else is done with the mouse is of move.js
  return {
    ...size,
    padding: [8, right ? 0 : 32, 0, 0],
    legend: { show: false },
    tzDate: (/** @type {number} */ t) => uPlot.tzDate(new Date(t * 1000), look.zone),
    cursor: {
      y: false,
      sync: { key: on.sync, setSeries: false },
      drag: { x: true, y: false, setScale: false },
      bind: { mousedown: alone, dblclick: () => null },
      points: { size: 7, width: 1.5 },
      focus: { prox: 24 },
      hover: { skip: [null, undefined] },
    },
    focus: { alpha: 1 },
    scales: {
      x: { time: true, range: () => now.range },
      y: { distr: look.log ? 3 : 1, range: range(now) },
      right: { distr: look.log ? 3 : 1, range: range(now) },
    },
    axes: [timeAxis(look.zone), valueAxis("y", 3, left, look.log), ...(right ? [valueAxis("right", 1, true, look.log)] : [])],
    series: [{}, ...p.lines.map((l) => series(l, owner(p, l), look, p.lines.length))],
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
        (/** @type {any} */ u) =>
          on.cursor(u.cursor.left >= 0 && u.cursor.idx != null ? { i: u.cursor.idx, of: u.cursor.idxs.slice(1) } : null),
      ],
      setSeries: [(/** @type {any} */ _u, /** @type {number|null} */ i) => on.near(i ? i - 1 : null)],
      draw: [(/** @type {any} */ u) => drawEvents(u, now.look.events)],
    },
  };
}

/**
 * highlight has one series stand out, with its band and past; none: all are alike.
 * @param {any} u @param {Picture} p @param {string} name
 */
export function highlight(u, p, name) {
  const order = p.lines.find((l) => l.name === name)?.order;
  p.lines.forEach((l, i) => {
    u.series[i + 1].alpha = order === undefined || l.order === order ? 1 : 0.2;
    u.series[i + 1].width = l.name === name ? 2.5 : thick(p.lines.length);
  });
  u.redraw(false);
}

/** moveTo shows another range of what is there, at once. @param {any} u @param {Shown} now @param {[number, number]} range */
export function moveTo(u, now, range) {
  const begin = performance.now();
  now.range = range;
  u.batch(() => u.setScale("x", { min: range[0], max: range[1] }));
  performance.measure("logmetrics.move", { start: begin });
}

/** data is the picture as uPlot takes it. @param {Picture} p */
export const data = (p) => [p.x, ...p.drawn];

/** thick is how wide lines are: where there are many, one pixel, which browsers without a GPU draw eight times as fast. @param {number} many */
const thick = (many) => (many > 4 ? 1 : 1.5);

/** owner names the series whose band ends with a line, else the line. @param {Picture} p @param {import("./points.js").Line} l */
const owner = (p, l) => (/now|past/.test(l.role) ? l : (p.lines.find((x) => x.order === l.order) ?? l)).name;

/** @param {import("./points.js").Line} l @param {string} name @param {Look} look @param {number} many lines there are */
function series(l, name, look, many) {
  const base = look.colors[name] || color(Math.max(l.order, 0));
  const end = l.role === "low" || l.role === "high";
  const area = look.draw === "area" && l.role === "now";
  const opaque = look.draw === "stack" ? 0.45 : Math.min(0.2, 0.8 / many);
  return {
    label: l.name,
    scale: look.right.includes(l.target) ? "right" : "y",
    show: !look.hidden.includes(name),
    stroke: end ? "transparent" : l.role === "past" ? faded(base, 0.7) : base,
    width: thick(many),
    dash: l.role === "past" ? [3, 3] : dash(Math.max(l.order, 0)),
    fill: area || (look.draw === "stack" && l.role === "now") ? faded(base, opaque) : undefined,
    points: { show: l.role === "now" ? lonely : false, size: 4, fill: base },
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
    if (low >= 0) list.push({ series: [i + 1, low + 1], fill: faded(look.colors[owner(p, l)] || color(l.order), 0.2) });
  });
  if (look.draw !== "stack") return list;
  const shown = p.lines.flatMap((l, i) => (l.role === "now" && !look.hidden.includes(l.name) ? [i] : []));
  for (let k = 1; k < shown.length; k++) {
    const l = p.lines[shown[k]];
    list.push({ series: [shown[k] + 1, shown[k - 1] + 1], fill: faded(look.colors[l.name] || color(l.order), 0.45) });
  }
  return list;
}

/** range of the values: from 0 where that is near, with air above. @param {Shown} now */
const range = (now) => (/** @type {any} */ _u, /** @type {number|null} */ min, /** @type {number|null} */ max) => {
  const { look, picture: p } = now;
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

/** @param {string} scale @param {number} side @param {boolean} show @param {boolean} log */
function valueAxis(scale, side, show, log) {
  return {
    scale,
    side,
    show,
    font,
    stroke: () => css("--quiet"),
    grid: side === 3 ? { stroke: () => css("--grid"), width: 1 } : { show: false },
    ticks: { show: false },
    gap: 6,
    space: 28,
    size: (/** @type {any} */ _u, /** @type {string[]|null} */ texts) =>
      Math.max(34, 6.6 * Math.max(0, ...(texts ?? []).map((s) => s?.length ?? 0)) + 14),
    values: (/** @type {any} */ _u, /** @type {(number|null)[]} */ splits) =>
      log ? splits.map((v) => (v == null ? "" : short(v))) : ticks(splits),
  };
}

/** drawEvents marks when something happened, with as much of what as there is room for. @param {any} u @param {Event[]} events */
function drawEvents(u, events) {
  const { ctx, bbox } = u;
  const px = devicePixelRatio;
  const right = bbox.left + bbox.width;
  const seen = events
    .map((e) => ({ x: Math.round(u.valToPos(e.when, "x", true)), what: e.what }))
    .filter((e) => e.x >= bbox.left && e.x <= right)
    .sort((a, b) => a.x - b.x);
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = css("--event");
  ctx.lineWidth = px;
  ctx.setLineDash([4 * px, 3 * px]);
  for (const { x } of seen) {
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.beginPath();
    ctx.moveTo(x - 4 * px, bbox.top);
    ctx.lineTo(x + 4 * px, bbox.top);
    ctx.lineTo(x, bbox.top + 6 * px);
    ctx.fill();
  }
  ctx.font = `${11 * px}px system-ui, sans-serif`;
  ctx.textBaseline = "top";
  ctx.textAlign = "left";
  seen.forEach(({ x, what }, i) => {
    const room = (seen[i + 1]?.x ?? u.width * px) - x - 14 * px;
    let text = what.slice(0, 40);
    while (text.length > 3 && ctx.measureText(text).width > room) text = text.slice(0, -2).trimEnd() + "…";
    if (text.length < 4 && text !== what) return;
    ctx.fillStyle = css("--panel") + "d0";
    ctx.fillRect(x + 5 * px, bbox.top, ctx.measureText(text).width + 4 * px, 14 * px);
    ctx.fillStyle = css("--event");
    ctx.fillText(text, x + 7 * px, bbox.top + 2 * px);
  });
  ctx.restore();
}

export { uPlot };
