// Dashboards as they are kept: on the server, under a name.
import { drop, keep, kept, keys } from "./api.js";
import { room, settled } from "./grid.js";
import { plain } from "./url.js";
import { templates } from "./templates.js";

/**
 * @typedef {import("./url.js").View} View
 * @typedef {import("./grid.js").Cell & {title: string} & Pick<View, "targets"|"draw"|"log"|"right"|"bands"|"weeks"|"colors">} Panel
 * @typedef {{name: string, query: string, cut: number}} Variable query is a pattern; the node that its last * is at are the values,
 *   or what is before the last `cut` nodes of what it finds
 * @typedef {{version: 1, title: string, vars: Variable[], panels: Panel[]}} Board
 */

const container = "dashboards";

/** How many names the server lists at most. */
const listed = 10000;
const template = "template:";

/** @param {Partial<Panel>} p @param {import("./grid.js").Cell} cell @returns {Panel} */
export const panel = (p, cell) => ({
  title: p.title || "",
  targets: p.targets || [],
  draw: p.draw || "lines",
  log: Boolean(p.log),
  right: p.right || [],
  bands: p.bands || {},
  weeks: p.weeks || [],
  colors: p.colors || {},
  x: p.x ?? cell.x,
  y: p.y ?? cell.y,
  w: p.w ?? cell.w,
  h: p.h ?? cell.h,
});

/** board makes a dashboard of what was read; what is missing is as usual. @param {any} b @returns {Board} */
export function board(b) {
  if (b?.version !== 1 || !Array.isArray(b.panels)) throw new Error("this is no dashboard of logmetrics");
  const vars = (b.vars || []).map((/** @type {any} */ v) => ({ name: String(v.name), query: String(v.query), cut: Number(v.cut) || 0 }));
  return { version: 1, title: String(b.title || ""), vars, panels: settled(b.panels.map((/** @type {any} */ p) => panel(p, room([])))) };
}

/** @returns {Board} */
export const empty = (title = "") => ({ version: 1, title, vars: [], panels: [] });

/** load returns a dashboard, null when there is none of that name. @param {string} name */
export async function load(name) {
  if (name.startsWith(template)) return templates.find((t) => template + t.name === name)?.board ?? null;
  const all = await names(); // asked first, as a browser shows each 404 as an error
  if (!all.includes(name) && all.length < listed) return null;
  const b = await kept(container, name);
  return b && board(b);
}

/** isTemplate reports whether a name is one of those that come by themselves. @param {string} name */
export const isTemplate = (name) => name.startsWith(template);

/** names returns the names of all that are kept. */
export const names = () => keys(container);

/** save keeps a dashboard. @param {string} name @param {Board} b */
export async function save(name, b) {
  await keep(container, name, b);
  localStorage.setItem("logmetrics.dashboard", name);
}

/** @param {string} name */
export const remove = (name) => drop(container, name);

/** added is a dashboard with one more panel, that of a view. @param {Board} b @param {View} v */
export function added(b, v) {
  return { ...b, panels: [...b.panels, panel({ ...of(v), title: v.targets[0] }, room(b.panels))] };
}

/** of is what a panel keeps of a view. @param {View} v */
export const of = ({ targets, draw, log, right, bands, weeks, colors }) => ({ targets, draw, log, right, bands, weeks, colors });

/** filled puts the values of variables into targets. @param {string[]} targets @param {Record<string,string>} vars */
export const filled = (targets, vars) => targets.map((t) => t.replace(/\$(\w+)/g, (all, name) => vars[name] ?? all));

/** places are where the gauges and timers of a job are, and what is a second of the latter: statsd puts them beside its counters, in milliseconds. @param {string} job */
function places(job = "") {
  const [, rest] = /^stats(?:_counts)?\.(.+)$/.exec(job) ?? [];
  return rest ? { gauges: "stats.gauges." + rest, timers: "stats.timers." + rest, unit: "0.001" } : { gauges: job, timers: job, unit: "1" };
}

/** viewOf is a panel as it is looked at in a view. @param {Panel} p @param {View} v @returns {View} */
export const viewOf = (p, v) => ({
  ...plain,
  ...of(/** @type {any} */ (p)),
  targets: filled(p.targets, { ...places(v.vars.job), ...v.vars }),
  from: v.from,
  until: v.until,
  tz: v.tz,
  events: v.events,
  hidden: v.hidden,
});

/**
 * imported reads a dashboard that this page or graphite-web wrote.
 * @param {any} b @returns {Board}
 */
export function imported(b) {
  const state = b?.state ?? b;
  if (!Array.isArray(state?.graphs)) return board(b);
  const panels = state.graphs.map((/** @type {any} */ g, /** @type {number} */ i) => {
    const params = Array.isArray(g) ? (g.find((x) => x && typeof x === "object") ?? {}) : g;
    const targets = [params.target ?? []].flat().map(String);
    const draw = params.areaMode === "stacked" ? "stack" : params.areaMode === "all" || params.areaMode === "first" ? "area" : "lines";
    return panel(
      { title: String(params.title ?? targets[0] ?? ""), targets, draw, log: Boolean(params.logBase) },
      { x: (i % 2) * 6, y: Math.floor(i / 2) * 4, w: 6, h: 4 },
    );
  });
  return { version: 1, title: String(state.name ?? "imported"), vars: [], panels: settled(panels) };
}
