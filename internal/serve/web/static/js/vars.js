// Variables of a dashboard: which values they may have, which they have.
import { html, useEffect, useState } from "./dom.js";
import { expand } from "./api.js";
import { natural } from "./load.js";
import { filled } from "./url.js";

/** @typedef {import("./boards.js").Variable} Variable */

/** @typedef {{v: Variable, value: string, list: string[]|undefined, fault: string}} Row list is undefined until it is there */

/** variable reads name=pattern. @param {string} text @returns {Variable} */
export function variable(text) {
  const m = /^\$?(\w+)=([^\s=]*\*[^\s=]*)$/.exec(text);
  if (!m) throw new Error("a variable is written as host=servers.*");
  return { name: m[1], query: m[2], cut: 0 };
}

/** valuesOf makes values of what a variable's pattern found. @param {Variable} v @param {string[]} found */
function valuesOf(v, found) {
  const node = v.query.split(".").findLastIndex((n) => n.includes("*"));
  const nodes = found.map((f) => f.split("."));
  return [...new Set(nodes.map((r) => (v.cut ? r.slice(0, -v.cut).join(".") : r[node])))].sort(v.cut ? undefined : natural.compare);
}

/** places are where the gauges and timers of a job are, and what is a second of the latter: statsd puts them beside its counters, in milliseconds. @param {string} job */
function places(job) {
  const [, rest] = /^stats(?:_counts)?\.(.+)$/.exec(job) ?? [];
  return rest ? { gauges: "stats.gauges." + rest, timers: "stats.timers." + rest, unit: "0.001" } : { gauges: job, timers: job, unit: "1" };
}

/**
 * useVars finds the values that variables may have; the pattern of one may have
 * those before it in it. Without a choice a variable has all its values, or the
 * first, where they are not of one node. $gauges, $timers
 * and $unit follow from $job.
 * @param {Variable[]} list @param {Record<string, string>} chosen
 */
export function useVars(list, chosen) {
  const [found, set] = useState(/** @type {Record<string, {list: string[], fault: string}>} */ ({}));
  /** @type {Record<string, string>} */
  const vars = {};
  /** @type {[string, Variable][]} */
  const asked = [];
  /** @type {Row[]} */
  const rows = list.map((v) => {
    const [query] = filled([v.query], vars);
    asked.push([query, v]);
    const got = found[query + " " + v.cut];
    const value = chosen[v.name] || (v.cut ? got?.list[0] : "*") || "";
    vars[v.name] = value;
    return { v, value, list: got?.list, fault: got?.fault ?? "" };
  });
  const key = JSON.stringify(asked);
  useEffect(() => {
    for (const [query, v] of asked) {
      expand(query, undefined, v.cut > 0)
        .then(
          (r) => ({ list: valuesOf(v, r.results), fault: "" }),
          (e) => ({ list: [], fault: e.message }),
        )
        .then((got) => set((s) => ({ ...s, [query + " " + v.cut]: got })));
    }
  }, [key]);
  if (vars.job) Object.assign(vars, places(vars.job));
  return { rows, vars, key: JSON.stringify(vars) };
}

/** depending are the names of a variable and of those whose patterns have it in them. @param {Variable[]} list @param {string} name */
export function depending(list, name) {
  const found = new Set([name]);
  for (const v of list) if (v.query.match(/\$\w+/g)?.some((n) => found.has(n.slice(1)))) found.add(v.name);
  return found;
}

/** Vars is where values are chosen. @param {{rows: Row[], onVar: (name: string, value: string) => void, onRemove: (name: string) => void}} props */
export const Vars = ({ rows, onVar, onRemove }) =>
  rows.length > 0 &&
  html`<div class="looks" role="group" aria-label="variables">${rows.map(
    ({ v, value, list, fault }) =>
      html`<span class="variable" key=${v.name}><label title=${v.query}>$${v.name} <select aria-label=${"$" + v.name} value=${value} onChange=${(/** @type {any} */ e) => onVar(v.name, e.target.value)}>
        ${!v.cut && html`<option value="*">all</option>`}${value && value !== "*" && !list?.includes(value) && html`<option value=${value}>${value}</option>`}${list?.map((x) => html`<option key=${x} value=${x}>${x}</option>`)}</select></label>
        <button class="plain tiny" aria-label=${"remove $" + v.name} title=${"remove $" + v.name} onClick=${() => onRemove(v.name)}>×</button>
        ${fault ? html`<span class="fault" role="alert">${fault}</span>` : list && !list.length && html`<span class="quiet">nothing matches ${v.query}</span>`}</span>`,
  )}</div>`;
