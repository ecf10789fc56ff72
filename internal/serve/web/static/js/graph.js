// A graph: it loads what it shows, draws it, and keeps what it drew until the next
// is there.
import { html, useEffect, useLayoutEffect, useRef, useState } from "./dom.js";
import { data, highlight, moveTo, options, uPlot } from "./chart.js";
import { load } from "./load.js";
import { near } from "./number.js";
import { shownAt } from "./points.js";
import { full, long, rangeOf, zoneOf } from "./time.js";
import { Legend } from "./legend.js";
import { later } from "./later.js";
import { filled } from "./url.js";

/**
 * @typedef {import("./url.js").View} View
 * @typedef {import("./load.js").Picture} Picture
 */

const Table = later(() => import("./table.js").then((m) => m.Table));

/** when tells all graphs of a page to load again. */
export const reloads = new EventTarget();

/** What else is done to a graph with mouse and keys. @type {Promise<typeof import("./move.js")>|undefined} */
let movers;

let settle = () => {};

/** settled is when the first graph is there, or is known not to come: time for what else the page has. */
export const settled = new Promise((done) => (settle = () => done(null)));

/** useVisible reports whether an element is, or was, near the window. @param {{current: Element|null}} ref */
function useVisible(ref) {
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    if (!ref.current) return;
    const o = new IntersectionObserver(([e]) => setSeen(e.isIntersecting), { rootMargin: "200px" });
    o.observe(ref.current);
    return () => o.disconnect();
  }, []);
  return seen;
}

/** useSize returns the size of an element's content. @param {{current: Element|null}} ref */
function useSize(ref) {
  const [size, setSize] = useState({ width: 0, height: 0 });
  useLayoutEffect(() => {
    if (!ref.current) return;
    const o = new ResizeObserver(([e]) => setSize({ width: Math.floor(e.contentRect.width), height: Math.floor(e.contentRect.height) }));
    o.observe(ref.current);
    return () => o.disconnect();
  }, []);
  return size;
}

/** What a graph without targets has. @type {{picture: Picture|null, error: string, of: string}} */
const nothing = { picture: null, error: "", of: "" };

/**
 * useLoaded loads whenever the wish changes or a reload is called for, while the
 * graph is visible.
 * @param {import("./load.js").Wish} wish @param {number} points @param {boolean} visible
 */
function useLoaded(wish, points, visible) {
  const [round, setRound] = useState(0);
  const asked = round + JSON.stringify([wish, points]);
  const [state, set] = useState(nothing);
  const wanted = visible && points > 0 && wish.targets.length > 0 && state.of !== asked; // scrolled back to, it is there
  useEffect(() => {
    const again = () => setRound((n) => n + 1);
    reloads.addEventListener("reload", again);
    return () => reloads.removeEventListener("reload", again);
  }, []);
  useEffect(() => {
    if (!wish.targets.length) return set(nothing);
    if (!wanted) return;
    const stop = new AbortController();
    load(wish, points, stop.signal)
      .then((picture) => set({ picture, error: "", of: asked }))
      .catch((e) => stop.signal.aborted || set((s) => ({ ...s, error: e.message, of: asked })));
    return () => stop.abort();
  }, [asked, wanted]);
  return { ...state, busy: wanted };
}

/**
 * Graph draws the view's targets.
 * @param {{view: View, title?: string, events?: import("./api.js").Event[], onSelect: (from: number, until: number) => void,
 *   onView: (patch: Partial<View>) => void, legend?: boolean, label: string, onFaults?: (f: Picture["faults"]) => void, sync?: string}} props
 */
export function Graph({ view, events = [], onSelect, onView, legend = true, label, onFaults, sync = "page" }) {
  const box = useRef(/** @type {HTMLDivElement|null} */ (null));
  const visible = useVisible(box);
  const size = useSize(box);
  const { from, until, tz, draw, bands, weeks } = view;
  const targets = filled(view.targets, view.vars);
  const wish = { targets, from, until, tz, draw, bands, weeks, hidden: draw === "stack" ? view.hidden : [] };
  const { picture, busy, error } = useLoaded(wish, Math.max(300, Math.min(size.width, 4000)), visible && size.width > 0);
  const [at, setAt] = useState(/** @type {import("./chart.js").At|null} */ (null));
  const [by, setBy] = useState(/** @type {number|null} */ (null));
  useEffect(() => onFaults?.(picture?.faults ?? []), [picture]);
  const zone = zoneOf(tz);
  const look = { draw, log: view.log, right: view.right, hidden: view.hidden, colors: view.colors, zone, events };
  useEffect(() => (visible ? undefined : setAt(null)), [visible]);
  const seen = (/** @type {(x: any) => void} */ set) => (/** @type {any} */ x) => visible && set(x); // out of sight nobody reads values
  const chart = useChart(box, picture, look, view, size, { select: onSelect, cursor: seen(setAt), near: seen(setBy), sync });
  const focus = (/** @type {string} */ name) => chart.current && picture && highlight(chart.current, picture, name);
  useEffect(() => void ((error || picture) && settle()), [error, picture]);
  const state = message(targets, picture, error, view.log);
  const there = at && picture && picture.x[at.i] !== undefined ? at : null;
  const values = picture && there ? picture.lines.map((l, k) => shownAt(l, picture.x, there, k)) : null;
  const close = there && by != null ? by : -1;
  return html`<div class="graph" aria-busy=${busy}>
    <div class=${"plot" + (busy ? " busy" : "")} ref=${box} role="img" tabindex=${picture?.lines.length ? 0 : undefined} aria-label=${label}>${state && html`<p class="state">${state}</p>`}</div>
    ${!onFaults && picture && picture.lines.length > 0 && html`<${Faults} list=${picture.faults.filter((f) => !f.none)} targets=${targets} />`}
    ${picture && html`<${Note} picture=${picture} at=${there?.i} line=${picture.lines[close]?.name} value=${values?.[close]} zone=${zone} busy=${busy} error=${error} />`}
    ${legend && picture && picture.lines.length > 0 && html`<${Legend} lines=${picture.lines} values=${values} near=${picture.lines[close]?.name} view=${view} onView=${onView} onFocus=${focus} />`}
    ${view.table && picture && html`<${Table} picture=${picture} zone=${zone} />`}
  </div>`;
}

/**
 * useChart keeps a uPlot in the box that shows the picture, and returns it. It is
 * made again when its lines or its look change, and else only gets new data. A new
 * range is shown at once, of what is there, before what is in it comes.
 * @param {{current: HTMLDivElement|null}} box @param {Picture|null} picture @param {import("./chart.js").Look} look
 * @param {View} view @param {{width: number, height: number}} size @param {any} on
 */
function useChart(box, picture, look, view, size, on) {
  const chart = useRef(/** @type {any} */ (null));
  const told = useRef(on);
  told.current = on;
  const now = useRef(/** @type {any} */ ({}));
  now.current.look = look;
  const drawable = Boolean(picture?.lines.length) && size.width >= 20 && size.height >= 20;
  const shape = JSON.stringify([
    drawable,
    picture?.lines.map((l) => [l.name, l.role, l.order, l.target, l.spacing]),
    { ...look, events: 0 },
    document.documentElement.dataset.theme,
  ]);
  const measured = (/** @type {() => void} */ draw) => {
    const begin = performance.now();
    draw();
    performance.measure("logmetrics.draw", { start: begin });
    settle();
  };
  useLayoutEffect(() => {
    if (!picture || !drawable || !box.current) return;
    Object.assign(now.current, { picture, range: picture.range, held: false });
    const callbacks = {
      sync: on.sync,
      select: (/** @type {number} */ a, /** @type {number} */ b) => told.current.select(a, b),
      cursor: (/** @type {any} */ i) => told.current.cursor(i),
      near: (/** @type {any} */ i) => told.current.near(i),
    };
    measured(() => (chart.current = new uPlot(options(now.current, size, callbacks), data(picture), box.current)));
    const made = chart.current;
    (movers ??= import("./move.js")).then((m) => made === chart.current && m.movable(made, now.current, callbacks.select));
    return () => {
      chart.current?.destroy();
      chart.current = null;
    };
  }, [shape]);
  useLayoutEffect(() => {
    if (!picture || !chart.current || now.current.picture === picture) return;
    now.current.picture = picture;
    if (!now.current.held) now.current.range = picture.range;
    measured(() => chart.current.setData(data(picture)));
  }, [picture]);
  useLayoutEffect(() => {
    const range = rangeOf(view);
    if (chart.current && now.current.picture !== undefined && range[1] > range[0]) moveTo(chart.current, now.current, range);
  }, [view.from, view.until]);
  useLayoutEffect(() => chart.current?.redraw(false), [look.events]);
  useLayoutEffect(() => {
    if (chart.current && size.width >= 20 && size.height >= 20) chart.current.setSize(size);
  }, [size.width, size.height]);
  return chart;
}

/** message says what to do where nothing is drawn. @param {string[]} targets @param {Picture|null} picture @param {string} error @param {boolean} log */
function message(targets, picture, error, log) {
  if (picture?.lines.length)
    return picture.drawn.some((c) => c.some((v) => v != null && (!log || v > 0))) // what is there stays, and the note says what went wrong
      ? ""
      : `No values${log ? " above 0" : ""} in this time.`;
  if (error) return error;
  if (!targets.length) return "Choose a metric in the tree, or type its name above.";
  if (!picture) return "";
  return picture.faults.length ? html`<${Faults} list=${picture.faults} targets=${targets} />` : "Nothing was found.";
}

/** Faults say which target is wrong, and how. @param {{list: Picture["faults"], targets: string[]}} props */
const Faults = ({ list, targets }) =>
  list.length > 0 &&
  html`<span class="faults" role="alert">${list.map((f) => html`<span class=${f.none ? "quiet" : "fault"} key=${f.target}><code>${targets[f.target]}</code>: ${f.text}</span>`)}</span>`;

/**
 * Note says what is under the cursor, and what a point of the graph is.
 * @param {{picture: Picture, at?: number, line?: string, value?: number|null, zone: string, busy: boolean, error: string}} props
 */
function Note({ picture, at, line, value, zone, busy, error }) {
  const now = picture.lines.filter((l) => l.role === "now");
  const step = Math.max(0, ...now.map((l) => l.step));
  const own = Math.max(0, ...now.map((l) => l.spacing));
  return html`${error && html`<p class="note fault" role="alert">not loaded: ${error}</p>`}<p class="note">
    <span class="when">${at != null && full(picture.x[at], zone)} ${line && html`<b>${line}</b> ${near(value)}`}</span>
    <span><span role="status">${busy ? "loading" : `${now.length} series`}</span>${step ? `, a point: ${long(step)}` : ""}${own > step && step ? `, values each ${long(own)}` : ""}</span>
  </p>`;
}
