// Dashboards of graphite-web, as it keeps, loads and templates them.
import { board, made, panel } from "./boards.js";
import { parse, print } from "./target.js";
import { plain } from "./url.js";

/**
 * @typedef {import("./boards.js").Board} Board
 * @typedef {import("./url.js").View} View
 * @typedef {{board: Board, name: string, time: Partial<View>, left: string[]}} Import left: options of graphs that our graphs do not have
 */

/** Options that say nothing here: graphs have the time and size of the dashboard. */
const idle = "target title areaMode logBase from until width height _salt _uniq _t uniq tz format template drawNullAsZero".split(" ");

/**
 * imported reads a dashboard that this page or graphite-web wrote: what its
 * dashboard/load/NAME answers, or the state in it.
 * @param {any} json @returns {Import}
 */
export function imported(json) {
  const state = json?.state ?? json;
  if (!Array.isArray(state?.graphs)) return { board: board(json), name: String(json.title ?? ""), time: {}, left: [] };
  const graphs = state.graphs.map(params);
  const { vars, fill } = placeholder(graphs);
  const left = new Set(graphs.flatMap((/** @type {any} */ g) => Object.keys(g).filter((k) => !idle.includes(k))));
  const name = String(state.name ?? "");
  const panels = graphs.map((/** @type {any} */ g, /** @type {number} */ i) => graph(g, i, fill));
  return { board: made(name, vars, panels), name: name.replace("/__VALUE__", ""), time: timeOf(state), left: [...left].sort() };
}

/** params are the options of a graph: it is written [name or targets, options, address], or as the options alone. @param {any} g */
const params = (g) => [g].flat().find((x) => x && typeof x === "object" && !Array.isArray(x)) ?? {};

/** @param {any} g */
const targetsOf = (g) => [g.target ?? []].flat().map(String);

/** @param {any} g @param {number} i @param {(t: string) => string} fill */
function graph(g, i, fill) {
  const drawn = targetsOf(g).map((t) => axis(fill(t)));
  const targets = drawn.map((d) => (g.drawNullAsZero === true || g.drawNullAsZero === "true" ? `transformNull(${d.target},0)` : d.target));
  return panel(
    {
      title: fill(String(g.title ?? targets[0] ?? "")),
      targets,
      draw: { stacked: "stack", all: "area", first: "area" }[/** @type {string} */ (g.areaMode)],
      log: g.logBase,
      right: drawn.flatMap((d, k) => (d.right ? [k] : [])),
    },
    { x: (i % 2) * 6, y: Math.floor(i / 2) * 4, w: 6, h: 4 },
  );
}

/** axis takes secondYAxis() off a target: which axis it has is the graph's matter here. @param {string} t */
function axis(t) {
  const tree = parse(t);
  if (tree.kind === "call" && tree.name === "secondYAxis" && tree.args.length === 1)
    return { target: print(tree.args[0].value), right: true };
  return { target: t, right: false };
}

/**
 * placeholder makes a variable of the __VALUE__ that a template has in its names,
 * whose values are all that can stand there.
 * @param {any[]} graphs
 */
function placeholder(graphs) {
  const path = graphs.flatMap(targetsOf).flatMap((t) => /[^\s(),'"=]*__VALUE__[^\s(),.'"=]*/.exec(t)?.[0] ?? [])[0];
  if (!path) return { vars: [], fill: (/** @type {string} */ t) => t };
  const node = path.slice(path.lastIndexOf(".") + 1);
  const fill = (/** @type {string} */ t) => t.replaceAll(node, "$value").replaceAll("__VALUE__", "$value");
  return { vars: [{ name: "value", query: path.replaceAll("__VALUE__", "*"), cut: 0 }], fill };
}

/** Units as the page writes them. */
const units = /** @type {[RegExp, string][]} */ ([
  [/^s/, "s"],
  [/^min/, "min"],
  [/^h/, "h"],
  [/^d/, "d"],
  [/^w/, "w"],
  [/^mon/, "mon"],
  [/^y/, "y"],
]);

/** ago is a relative time, "" where there is none. @param {any} n @param {any} unit */
function ago(n, unit) {
  const u = units.find(([form]) => form.test(String(unit)))?.[1];
  return /^\d{1,6}$/.test(n) && u ? `-${n}${u}` : "";
}

/** timeOf is the time that the dashboard looked at: relative ones alone, for the others have passed. @param {any} state @returns {Partial<View>} */
function timeOf({ timeConfig: t, defaultGraphParams: usual }) {
  if (t && t.type !== "relative") return {};
  const [, n, unit] = /^-(\d+)(\w+)$/.exec(usual?.from) ?? [];
  return {
    from: ago(t?.relativeStartQuantity ?? t?.quantity, t?.relativeStartUnits ?? t?.units) || ago(n, unit) || plain.from,
    until: ago(t?.relativeUntilQuantity, t?.relativeUntilUnits) || plain.until,
  };
}
