// The form for any two times.
import "./sheet.js";
import { html, useState } from "./dom.js";
import { useField } from "./field.js";
import { full, isSecond, second } from "./time.js";

/**
 * @typedef {import("./url.js").View} View
 */

/** Custom takes any two times that Graphite reads. @param {{view: View, zone: string, onDone: (p: Partial<View>) => void, onCancel: () => void}} props */
export function Custom({ view, zone, onDone, onCancel }) {
  const [fault, setFault] = useState("");
  const first = useField();
  const submit = (/** @type {any} */ e) => {
    e.preventDefault();
    const f = new FormData(e.target);
    const from = time(String(f.get("from")), zone);
    const until = time(String(f.get("until")), zone) || "now";
    const now = Date.now() / 1000;
    if (!from || second(from, now) >= second(until, now)) return setFault("from must be before until");
    onDone({ from, until });
  };
  const show = (/** @type {string} */ t) => (isSecond(t) ? full(Number(t), zone) : t);
  return html`<form class="custom" onSubmit=${submit} onKeyDown=${(/** @type {any} */ e) => e.key === "Escape" && onCancel()}>
    <label>from <input name="from" defaultValue=${show(view.from)} ref=${first} /></label>
    <label>until <input name="until" defaultValue=${show(view.until)} /></label>
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
  return String(Math.max(t, 1e8)); // before, it does not read as seconds
}

/** asIfUTC reads a zone's clock at t as if it were UTC's. @param {number} t @param {string} zone */
const asIfUTC = (t, zone) => Date.parse(full(t, zone).replace(" ", "T") + "Z") / 1000;
