// The address holds all of a view: what is shown, of which time, and how. Reading
// an address and writing it again gives the same view.

/**
 * @typedef {object} View
 * @property {string[]} targets what Graphite is asked for
 * @property {string} from Graphite's form of a time: -24h, now, Unix seconds
 * @property {string} until
 * @property {string} tz time zone, "" for the browser's
 * @property {number} refresh seconds between reloads, 0 for none
 * @property {"lines"|"area"|"stack"} draw
 * @property {boolean} log a logarithmic axis
 * @property {number[]} right which targets count on the right axis
 * @property {Record<number,string>} bands by target: "minmax" or "stddev"
 * @property {number[]} weeks how many weeks before are shown beside now
 * @property {string} events tags of the events shown, "*" for all, "" for none
 * @property {string[]} hidden names of series that are not drawn
 * @property {Record<string,string>} colors of series, by name, as #rrggbb
 * @property {boolean} table values as a table
 * @property {string} dashboard its name, "" where single targets are looked at
 * @property {Record<string,string>} vars of the dashboard, by name
 * @property {number} full the dashboard's graph that fills the page, -1 for none, -2 for all: nothing but graphs is shown
 * @property {number} edit the dashboard's graph that is being changed, -1 for none
 * @property {string} tree the branch of the tree that is open
 */

/** @type {View} */
export const plain = {
  targets: [],
  from: "-24h",
  until: "now",
  tz: "",
  refresh: 0,
  draw: "lines",
  log: false,
  right: [],
  bands: {},
  weeks: [],
  events: "",
  hidden: [],
  colors: {},
  table: false,
  dashboard: "",
  vars: {},
  full: -1,
  edit: -1,
  tree: "",
};

/** numbers reads "1,4", without what is none. @param {string|null} s */
const numbers = (s) =>
  (s || "")
    .split(",")
    .filter(Boolean)
    .map(Number)
    .filter((n) => Number.isInteger(n) && n >= 0);

/** zone is a time zone that the browser knows, "" for any other. @param {string} tz */
function zone(tz) {
  try {
    return tz && new Intl.DateTimeFormat("en", { timeZone: tz }) && tz;
  } catch {
    return "";
  }
}

/** pairs reads "key:value" of several parameters of a name. @param {string[]} list */
const pairs = (list) => Object.fromEntries(list.map((s) => [s.slice(0, s.lastIndexOf(":")), s.slice(s.lastIndexOf(":") + 1)]));

/**
 * read makes a view of an address's query.
 * @param {string} query
 * @returns {View}
 */
export function read(query) {
  const q = new URLSearchParams(query);
  const draw = q.get("draw");
  /** @type {Record<string,string>} */
  const vars = {};
  for (const [k, v] of q) if (k.startsWith("var-")) vars[k.slice(4)] = v;
  return {
    targets: q.getAll("target").filter(Boolean),
    from: q.get("from") || plain.from,
    until: q.get("until") || plain.until,
    tz: zone(q.get("tz") || ""),
    refresh: numbers(q.get("refresh"))[0] || 0,
    draw: draw === "area" || draw === "stack" ? draw : "lines",
    log: q.get("scale") === "log",
    right: numbers(q.get("right")),
    bands: pairs(q.getAll("band")),
    weeks: numbers(q.get("weeks"))
      .filter((n) => n > 0 && n <= 520)
      .slice(0, 8),
    events: q.get("events") || "",
    hidden: q.getAll("hide"),
    colors: Object.fromEntries(Object.entries(pairs(q.getAll("color"))).filter(([, c]) => /^#[0-9a-f]{6}$/i.test(c))),
    table: q.has("table"),
    dashboard: q.get("dashboard") || "",
    vars,
    full: q.get("full") === "all" ? -2 : (numbers(q.get("full"))[0] ?? -1),
    edit: numbers(q.get("edit"))[0] ?? -1,
    tree: q.get("tree") || "",
  };
}

/**
 * write makes a query of a view; what is as ever is left out.
 * @param {View} v
 */
export function write(v) {
  const q = new URLSearchParams();
  /** @param {string} name @param {any} value @param {any} [usual] */
  const put = (name, value, usual = "") => value !== usual && q.append(name, String(value));
  put("dashboard", v.dashboard);
  v.targets.forEach((t) => q.append("target", t));
  put("from", v.from, plain.from);
  put("until", v.until, plain.until);
  put("tz", v.tz);
  put("refresh", v.refresh, 0);
  put("draw", v.draw, "lines");
  if (v.log) q.append("scale", "log");
  put("right", v.right.join(","));
  Object.entries(v.bands).forEach(([i, b]) => q.append("band", i + ":" + b));
  put("weeks", v.weeks.join(","));
  put("events", v.events);
  v.hidden.forEach((n) => q.append("hide", n));
  Object.entries(v.colors).forEach(([n, c]) => q.append("color", n + ":" + c));
  if (v.table) q.append("table", "1");
  Object.entries(v.vars).forEach(([n, x]) => q.append("var-" + n, x));
  put("full", v.full === -2 ? "all" : v.full, -1);
  put("edit", v.edit, -1);
  put("tree", v.tree);
  const s = q.toString();
  return s ? "?" + s : location.pathname;
}

/** filled puts the values of variables into targets. @param {string[]} targets @param {Record<string,string>} vars */
export const filled = (targets, vars) =>
  targets.map((t) => t.replace(/\$(\w+)/g, (all, name) => (Object.hasOwn(vars, name) ? vars[name] : all)));
