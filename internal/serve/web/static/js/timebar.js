// Which time is shown: ranges, zoom, zone, reload.
import { html, useEffect, useState } from "./dom.js";
import { full, ranges, second, shifted, zoneOf, zones } from "./time.js";
import { reloads } from "./graph.js";

/**
 * @typedef {import("./url.js").View} View
 * @typedef {(patch: Partial<View>) => void} OnView
 */

const paces = /** @type {[number, string][]} */ ([
  [0, "no reload"],
  [5, "each 5 s"],
  [10, "each 10 s"],
  [60, "each minute"],
  [300, "each 5 min"],
]);

/** reload has all graphs load again. */
export const reload = () => reloads.dispatchEvent(new Event("reload"));

/** useRefresh reloads while the page is looked at. @param {number} seconds */
export function useRefresh(seconds) {
  useEffect(() => {
    if (!seconds) return;
    const timer = setInterval(() => document.hidden || reload(), seconds * 1000);
    return () => clearInterval(timer);
  }, [seconds]);
}

/** @param {{view: View, onView: OnView}} props */
export function TimeBar({ view, onView }) {
  const [open, setOpen] = useState(false);
  const relative = ranges.find(([from]) => from === view.from && view.until === "now");
  const zone = zoneOf(view.tz);
  const choose = (/** @type {string} */ from) => (from === "other" ? setOpen(true) : (setOpen(false), onView({ from, until: "now" })));
  return html`<div class="timebar" role="group" aria-label="time">
    <button aria-label="earlier" title="earlier (←)" onClick=${() => onView(shifted(view, { by: -0.5 }))}>◀</button>
    <select aria-label="range" value=${relative ? view.from : "other"} onChange=${(/** @type {any} */ e) => choose(e.target.value)}>
      ${ranges.map(([from, text]) => html`<option value=${from}>last ${text}</option>`)}<option value="other">${relative ? "other…" : named(view, zone)}</option>
    </select>
    <button aria-expanded=${String(open)} onClick=${() => setOpen(!open)}>from … until</button>
    <button aria-label="later" title="later (→)" onClick=${() => onView(shifted(view, { by: 0.5 }))}>▶</button>
    <button aria-label="zoom out" title="zoom out (-)" onClick=${() => onView(shifted(view, { grow: 2 }))}>−</button>
    <button aria-label="zoom in" title="zoom in (+)" onClick=${() => onView(shifted(view, { grow: 0.5 }))}>+</button>
    <select aria-label="reload" value=${view.refresh} onChange=${(/** @type {any} */ e) => onView({ refresh: Number(e.target.value) })}>${paces.map(([s, text]) => html`<option value=${s}>${text}</option>`)}</select>
    <button title="reload (r)" onClick=${reload}>reload</button>
    <select aria-label="time zone" value=${view.tz} onChange=${(/** @type {any} */ e) => onView({ tz: e.target.value })}><option value="">${zoneOf("")} (browser)</option>${zones().map((z) => html`<option value=${z}>${z}</option>`)}</select>
    ${open && html`<${Custom} view=${view} zone=${zone} onDone=${(/** @type {Partial<View>} */ p) => (setOpen(false), onView(p))} onCancel=${() => setOpen(false)} />`}
  </div>`;
}

/** named says which time an absolute range is. @param {View} v @param {string} zone */
function named(v, zone) {
  const say = (/** @type {string} */ t) => (/^\d{9,}$/.test(t) ? full(Number(t), zone).slice(0, 16) : t);
  return `${say(v.from)} – ${say(v.until)}`;
}

/** Custom takes any two times that Graphite reads. @param {{view: View, zone: string, onDone: (p: Partial<View>) => void, onCancel: () => void}} props */
function Custom({ view, zone, onDone, onCancel }) {
  const [fault, setFault] = useState("");
  const submit = (/** @type {any} */ e) => {
    e.preventDefault();
    const f = new FormData(e.target);
    const from = time(String(f.get("from")), zone);
    const until = time(String(f.get("until")), zone) || "now";
    const now = Date.now() / 1000;
    if (!from || second(from, now) >= second(until, now)) return setFault("from must be before until");
    onDone({ from, until });
  };
  const show = (/** @type {string} */ t) => (/^\d{9,}$/.test(t) ? full(Number(t), zone) : t);
  return html`<form class="custom" onSubmit=${submit} onKeyDown=${(/** @type {any} */ e) => e.key === "Escape" && onCancel()}>
    <label>from <input name="from" value=${show(view.from)} ref=${(/** @type {any} */ n) => n?.focus()} /></label>
    <label>until <input name="until" value=${show(view.until)} /></label>
    <button>show</button>
    <p class="quiet">${fault ? html`<b role="alert">${fault}</b>` : `-36h, now, 2026-03-01 14:30 (${zone}), or any of Graphite's forms`}</p>
  </form>`;
}

/** time makes Unix seconds of a date as people write it; other forms stay as they are. @param {string} s @param {string} zone */
export function time(s, zone) {
  const m = /^(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d))?)?$/.exec(s.trim());
  if (!m) return s.trim().replace(/\s+/g, "");
  const [y, mo, d, h, mi, se] = m.slice(1).map((x) => Number(x || 0));
  let t = Date.UTC(y, mo - 1, d, h, mi, se) / 1000;
  for (let i = 0; i < 2; i++) t += Date.UTC(y, mo - 1, d, h, mi, se) / 1000 - asIfUTC(t, zone);
  return String(t);
}

/** asIfUTC reads a zone's clock at t as if it were UTC's. @param {number} t @param {string} zone */
const asIfUTC = (t, zone) => Date.parse(full(t, zone).replace(" ", "T") + "Z") / 1000;
