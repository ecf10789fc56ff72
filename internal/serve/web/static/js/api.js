// What the page asks the server. Addresses are relative, so that the page works
// under a path of a proxy.

/** A request that was answered with an error, in the server's words. */
export class Refused extends Error {
  /** @param {number} code @param {string} text */
  constructor(code, text) {
    super(text);
    this.code = code;
  }
}

/** own is the name under which the browser keeps something of this server, which others may share its host with. @param {string} name */
export const own = (name) => "logmetrics." + location.pathname.slice(1) + name;

/** The token comes once in the address, behind '#', where no server sees it, and is then kept by the browser. */
const tokenKey = own("token");

export function keepToken() {
  const found = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!found) return;
  localStorage.setItem(tokenKey, found);
  history.replaceState(null, "", location.pathname + location.search);
}

/**
 * ask sends a request and returns the answer; what is not good is thrown.
 * @param {string} path
 * @param {RequestInit} [init]
 */
export async function ask(path, init = {}) {
  const headers = new Headers(init.headers);
  const token = localStorage.getItem(tokenKey);
  if (token) headers.set("Authorization", "Bearer " + token);
  let r;
  try {
    r = await fetch(path, { ...init, headers });
  } catch (e) {
    if (/** @type {Error} */ (e).name === "AbortError") throw e;
    throw new Refused(0, "the server does not answer");
  }
  if (!r.ok) throw new Refused(r.status, await reason(r));
  return r;
}

/** reason returns what an answer says was wrong. @param {Response} r */
async function reason(r) {
  const text = (await r.text())
    .replace(/<[^>]*>/g, " ")
    .replace(/; targets: ".*$/s, "") // who asked knows
    .trim()
    .replace(/^Invalid parameters \((.*)\)$/s, "$1")
    .slice(0, 500);
  if (r.status === 401) return "this needs the token: open the address that the server prints, with #token= at its end";
  return text || "the server answers " + r.status;
}

/** @param {string} path @param {AbortSignal} [signal] */
const json = async (path, signal) => (await ask(path, { signal })).json();

/** @param {Record<string, string|number|string[]>} params */
export function form(params) {
  const q = new URLSearchParams();
  for (const [k, v] of Object.entries(params)) {
    for (const one of Array.isArray(v) ? v : [v]) if (one !== "") q.append(k, String(one));
  }
  return q;
}

/**
 * @typedef {object} Answer a series as /render gives it
 * @property {string} target its name
 * @property {[number|null, number][]} datapoints value and Unix second
 * @property {Record<string, string|number>} tags
 */

/**
 * render asks for series.
 * @param {{target: string[], from: string, until: string, tz: string, maxDataPoints: number}} q
 * @param {AbortSignal} [signal]
 * @returns {Promise<Answer[]>}
 */
export async function render(q, signal) {
  const r = await ask("render", { method: "POST", body: form({ ...q, format: "json" }), signal });
  return r.json();
}

/**
 * @typedef {object} Node of the tree
 * @property {string} text
 * @property {string} id its path
 * @property {0|1} leaf
 * @property {0|1} expandable
 */

/** find returns the first nodes that match a pattern. @param {string} query @param {number} limit @returns {Promise<Node[]>} */
export const find = (query, limit) => json("metrics/find?" + form({ query, format: "treejson", limit }));

/** search returns the first paths that match a pattern. @param {string} query @param {number} limit @param {AbortSignal} signal @returns {Promise<{path: string, is_leaf: boolean}[]>} */
export const search = (query, limit, signal) => json("metrics/find?" + form({ query, format: "json", limit }), signal);

/**
 * expand returns what matches patterns: series, or branches, too.
 * @param {string} query @param {AbortSignal} [signal] @param {boolean} [leavesOnly] @returns {Promise<{results: string[]}>}
 */
export const expand = (query, signal, leavesOnly = true) =>
  json("metrics/expand?" + form({ query, leavesOnly: Number(leavesOnly) }), signal);

/**
 * @typedef {object} Param of a function
 * @property {string} name
 * @property {string} type
 * @property {boolean} [required]
 * @property {boolean} [multiple]
 * @property {any} [default]
 * @property {any[]} [options]
 * @property {any[]} [suggestions]
 *
 * @typedef {object} Fn a function of Graphite
 * @property {string} name
 * @property {string} function name(params)
 * @property {string} description
 * @property {string} group
 * @property {Param[]} params
 */

/** @type {Promise<Record<string, Fn>>|undefined} */
let known;

/** functions returns all functions, asked for once. "default": Infinity is no JSON. */
export function functions() {
  known ??= ask("functions")
    .then((r) => r.text())
    .then((s) => JSON.parse(s.replace(/("default":\s*)Infinity/g, "$1null")));
  known.catch(() => (known = undefined));
  return known;
}

/**
 * @typedef {object} Event
 * @property {number} id
 * @property {number} when
 * @property {string} what
 * @property {string[]|string} tags
 * @property {string} data
 */

/** events returns those with all of the tags. @param {{from: string, until: string, tags: string}} q @param {AbortSignal} [signal] @returns {Promise<Event[]>} */
export const events = (q, signal) => json("events/get_data?" + form(q), signal);

/** addEvent keeps an event. @param {{what: string, tags: string[], data: string, when: number}} e */
export const addEvent = (e) => ask("events/", { method: "POST", body: JSON.stringify(e) });
