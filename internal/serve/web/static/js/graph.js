// A graph: it loads what it shows, draws it, and keeps what it drew until the next
// is there.
import { html, useEffect, useLayoutEffect, useRef, useState } from "./dom.js";
import { data, options, uPlot } from "./chart.js";
import { load } from "./load.js";
import { full, long, zoneOf } from "./time.js";
import { Legend } from "./legend.js";
import { later } from "./later.js";

/**
 * @typedef {import("./url.js").View} View
 * @typedef {import("./load.js").Picture} Picture
 */

const Table = later(() => import("./table.js").then((m) => m.Table));

/** when tells all graphs of a page to load again. */
export const reloads = new EventTarget();

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

/**
 * useLoaded loads whenever the wish changes or a reload is called for, while the
 * graph is visible.
 * @param {import("./load.js").Wish} wish @param {number} points @param {boolean} visible
 */
function useLoaded(wish, points, visible) {
  const [state, set] = useState(
    /** @type {{picture: Picture|null, busy: boolean, error: string}} */ ({ picture: null, busy: false, error: "" }),
  );
  const [round, setRound] = useState(0);
  useEffect(() => {
    const again = () => setRound((n) => n + 1);
    reloads.addEventListener("reload", again);
    return () => reloads.removeEventListener("reload", again);
  }, []);
  const key = JSON.stringify([wish, points]);
  const loaded = useRef("");
  useEffect(() => {
    if (!visible || !points || !wish.targets.length || loaded.current === key + round) return; // scrolled back to, it is there
    const stop = new AbortController();
    set((s) => ({ ...s, busy: true }));
    load(wish, points, stop.signal)
      .then((picture) => {
        loaded.current = key + round;
        set({ picture, busy: false, error: "" });
      })
      .catch((e) => stop.signal.aborted || set((s) => ({ ...s, busy: false, error: e.message })));
    return () => {
      stop.abort();
      set((s) => ({ ...s, busy: false })); // out of sight, nothing is under way
    };
  }, [key, round, visible]);
  return state;
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
  const { targets, from, until, tz, draw, bands, weeks } = view;
  const wish = { targets, from, until, tz, draw, bands, weeks, hidden: draw === "stack" ? view.hidden : [] };
  const { picture, busy, error } = useLoaded(wish, Math.max(300, Math.min(size.width, 4000)), visible && size.width > 0);
  const [focus, setFocus] = useState("");
  const [at, setAt] = useState(/** @type {number|null} */ (null));
  useEffect(() => onFaults?.(picture?.faults ?? []), [picture]);
  const zone = zoneOf(tz);
  const look = { draw, log: view.log, right: view.right, hidden: view.hidden, colors: view.colors, zone, events, focus };
  useChart(box, picture, look, size, { select: onSelect, cursor: setAt, sync });
  const state = message(view, picture, error);
  return html`<div class="graph" aria-busy=${busy}>
    <div class=${"plot" + (busy ? " busy" : "")} ref=${box} role="img" aria-label=${label}>${state && html`<p class="state">${state}</p>`}</div>
    ${!onFaults && picture && picture.lines.length > 0 && picture.faults.length > 0 && html`<${Faults} list=${picture.faults} targets=${view.targets} />`}
    ${picture && html`<${Note} picture=${picture} at=${at} zone=${zone} width=${size.width} />`}
    ${legend && picture && html`<${Legend} lines=${picture.lines} at=${at} view=${view} onView=${onView} onFocus=${setFocus} />`}
    ${view.table && picture && html`<${Table} picture=${picture} zone=${zone} />`}
  </div>`;
}

/**
 * useChart keeps a uPlot in the box that shows the picture. It is made again when
 * its lines or its look change, and else only gets new data.
 * @param {{current: HTMLDivElement|null}} box @param {Picture|null} picture @param {import("./chart.js").Look} look
 * @param {{width: number, height: number}} size @param {any} on
 */
function useChart(box, picture, look, size, on) {
  const chart = useRef(/** @type {any} */ (null));
  const now = useRef(on);
  now.current = on;
  const shape = JSON.stringify([
    picture?.lines.map((l) => [l.name, l.role, l.order, l.target]),
    look,
    document.documentElement.dataset.theme,
  ]);
  useLayoutEffect(() => {
    if (!picture || !picture.lines.length || !box.current || size.width < 20 || size.height < 20) return;
    const begin = performance.now();
    const callbacks = {
      sync: on.sync,
      select: (/** @type {number} */ a, /** @type {number} */ b) => now.current.select(a, b),
      cursor: (/** @type {any} */ i) => now.current.cursor(i),
    };
    chart.current = new uPlot(options(picture, look, size, callbacks), data(picture), box.current);
    performance.measure("logmetrics.draw", { start: begin });
    return () => {
      chart.current?.destroy();
      chart.current = null;
    };
  }, [shape, picture]);
  useLayoutEffect(() => {
    if (chart.current && size.width >= 20 && size.height >= 20) chart.current.setSize(size);
  }, [size.width, size.height]);
}

/** message says what to do where nothing is drawn. @param {View} view @param {Picture|null} picture @param {string} error */
function message(view, picture, error) {
  if (error) return error;
  if (!view.targets.length) return "Choose a metric in the tree, or type its name above.";
  if (!picture) return "";
  if (picture.faults.length && !picture.lines.length) return html`<${Faults} list=${picture.faults} targets=${view.targets} />`;
  if (!picture.lines.length) return "No series has such a name in this time.";
  return "";
}

/** Faults say which target is wrong, and how. @param {{list: Picture["faults"], targets: string[]}} props */
const Faults = ({ list, targets }) =>
  html`<span class="faults" role="alert">${list.map((f) => html`<span class="fault" key=${f.target}><code>${targets[f.target]}</code>: ${f.text}</span>`)}</span>`;

/** Note says where the cursor is, and what a point of the graph is. @param {{picture: Picture, at: number|null, zone: string, width: number}} props */
function Note({ picture, at, zone }) {
  const step = picture.x.length > 1 ? picture.x[1] - picture.x[0] : 0;
  const own = Math.max(0, ...picture.lines.map((l) => l.spacing));
  return html`<p class="note">
    <span class="when">${at != null && picture.x[at] !== undefined ? full(picture.x[at], zone) : ""}</span>
    <span>${step ? `a point: ${long(step)}` : ""}${own > step && step ? `, values each ${long(own)}` : ""}</span>
  </p>`;
}
