// Which time is shown: ranges, zoom, zone, reload.
import { cls, html, useEffect, useState } from "./dom.js";
import { full, isSecond, ranges, shifted, zoneOf, zones } from "./time.js";
import { reloads } from "./graph.js";
import { later } from "./later.js";

/**
 * @typedef {import("./url.js").View} View
 * @typedef {(patch: Partial<View>) => void} OnView
 */

const Custom = later(() => import("./timeform.js").then((m) => m.Custom));

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
    let late = 0;
    const timer = setInterval(() => {
      if (document.hidden) return;
      late = document.querySelector(".graph[aria-busy=true]") && late < 60 ? late + seconds : 0; // a slow answer is waited for
      if (!late) reload();
    }, seconds * 1000);
    return () => clearInterval(timer);
  }, [seconds]);
}

/** @param {{view: View, onView: OnView}} props */
export function TimeBar({ view, onView }) {
  const [open, setOpen] = useState(false);
  const [unfolded, setUnfolded] = useState(false); // where the window is narrow
  const relative = ranges.find(([from]) => from === view.from && view.until === "now");
  const zone = zoneOf(view.tz);
  const choose = (/** @type {string} */ from) => (from === "other" ? setOpen(true) : (setOpen(false), onView({ from, until: "now" })));
  const shift = (/** @type {{by?: number, grow?: number}} */ how) => () => onView(shifted(view, how));
  return html`<div class=${cls("timebar", unfolded && "unfolded")} role="group" aria-label="time">
    <button class="fold" aria-label="time" aria-expanded=${String(unfolded)} onClick=${() => setUnfolded(!unfolded)}>${relative ? relative[1] : "time"} ${unfolded ? "▴" : "▾"}</button>
    <span class="folded">
      <span class="joined"><button aria-label="earlier" title="earlier (←)" onClick=${shift({ by: -0.5 })}>◀</button>
      <select aria-label="range" value=${relative ? view.from : "other"} onChange=${(/** @type {any} */ e) => choose(e.target.value)}>
        ${ranges.map(([from, text]) => html`<option value=${from}>last ${text}</option>`)}<option value="other">${relative ? "other…" : named(view, zone)}</option>
      </select>
      <button aria-label="from … until" title="from … until" aria-expanded=${String(open)} onClick=${() => setOpen(!open)}>…</button>
      <button aria-label="later" title="later (→)" onClick=${shift({ by: 0.5 })}>▶</button></span>
      <span class="joined"><button aria-label="zoom out" title="zoom out (−)" onClick=${shift({ grow: 2 })}>−</button>
      <button aria-label="zoom in" title="zoom in (+)" onClick=${shift({ grow: 0.5 })}>+</button></span>
      <span class="joined"><button aria-label="reload" title="reload (r)" onClick=${reload}>↻</button>
      <select aria-label="reload" value=${view.refresh} onChange=${(/** @type {any} */ e) => onView({ refresh: Number(e.target.value) })}>${paces.map(([s, text]) => html`<option value=${s}>${text}</option>`)}</select></span>
      <select class="zone" aria-label="time zone" value=${view.tz} onChange=${(/** @type {any} */ e) => onView({ tz: e.target.value })}><option value="">${zoneOf("")} (browser)</option>${zones().map((z) => html`<option value=${z}>${z}</option>`)}</select>
    </span>
    ${open && html`<${Custom} view=${view} zone=${zone} onDone=${(/** @type {Partial<View>} */ p) => (setOpen(false), onView(p))} onCancel=${() => setOpen(false)} />`}
  </div>`;
}

/** named says which time an absolute range is. @param {View} v @param {string} zone */
function named(v, zone) {
  const say = (/** @type {string} */ t) => (isSecond(t) ? full(Number(t), zone).slice(0, 16) : t);
  return `${say(v.from)} – ${say(v.until)}`;
}
