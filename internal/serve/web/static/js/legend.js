// The legend: names, colours and values of the series; here they are hidden,
// coloured and renamed.
import { cls, html, useEffect, useMemo, useRef, useState } from "./dom.js";
import { color, dash } from "./palette.js";
import { later } from "./later.js";
import { exact, near as value, short, summary } from "./number.js";
import { natural } from "./load.js";

/** @typedef {import("./url.js").View} View */

const columns = /** @type {const} */ (["last", "min", "avg", "max"]);
const Rename = later(() => import("./rename.js").then((m) => m.Rename));
const most = 200; // rows that are shown at once

/**
 * @param {{lines: import("./points.js").Line[], values: (number|null|undefined)[]|null, near?: string, view: View, onView: (patch: Partial<View>) => void, onFocus: (name: string) => void}} props
 */
export function Legend({ lines, values, near, view, onView, onFocus }) {
  const rows = useMemo(
    () => lines.map((l, k) => ({ l, k, sum: summary(l.values) })).filter(({ l }) => l.role === "now" || l.role === "past"),
    [lines],
  );
  const [sort, setSort] = useState(/** @type {""|"name"|typeof columns[number]} */ (""));
  const sorted = sort
    ? [...rows].sort((a, b) =>
        sort === "name" ? natural.compare(a.l.name, b.l.name) : Number(!a.sum.n) - Number(!b.sum.n) || b.sum[sort] - a.sum[sort],
      )
    : rows;
  const head = (/** @type {any} */ key, /** @type {string} */ text) =>
    html`<th scope="col" aria-sort=${sort === key ? (key === "name" ? "ascending" : "descending") : "none"}><button class="plain" onClick=${() => setSort(sort === key ? "" : key)}>${text}</button></th>`;
  return html`<div class="legend"><table>
    <thead><tr>${head("name", "series")}<th scope="col"><span>at cursor</span></th>${columns.map((c) => head(c, c))}</tr></thead>
    <tbody>${sorted.slice(0, most).map(({ l, k, sum }) => html`<${Row} key=${l.name + l.target} l=${l} sum=${sum} at=${values ? (values[k] ?? null) : undefined} near=${l.name === near} view=${view} onView=${onView} onFocus=${onFocus} all=${rows} />`)}</tbody>
  </table>${rows.length > most && html`<p class="quiet">${rows.length - most} more series</p>`}</div>`;
}

/** @param {any} props */
function Row({ l, sum, at, near, view, onView, onFocus, all }) {
  const [naming, setNaming] = useState(false);
  const hidden = view.hidden.includes(l.name);
  const toggle = (/** @type {MouseEvent} */ e) =>
    onView({
      hidden: e.shiftKey || e.altKey ? only() : hidden ? without() : [...view.hidden, l.name],
    });
  const without = () => view.hidden.filter((/** @type {string} */ n) => n !== l.name);
  const only = () => all.map((/** @type {any} */ r) => r.l.name).filter((/** @type {string} */ n) => n !== l.name);
  const tint = view.colors[l.name] || color(Math.max(l.order, 0));
  const row = useRef(/** @type {HTMLElement|null} */ (null));
  useEffect(() => void (near && into(row.current)), [near]);
  return html`<tr ref=${row} class=${cls(hidden && "off", near && "near")} onMouseEnter=${() => onFocus(l.name)} onMouseLeave=${() => onFocus("")}>
    <th scope="row"><div class="series">
      <label class="swatch" title="colour"><${Swatch} tint=${tint} dashes=${l.role === "past" ? [3, 3] : dash(Math.max(l.order, 0))} /><input type="color" aria-label=${"colour of " + l.name} value=${tint} onChange=${(/** @type {any} */ e) => onView({ colors: { ...view.colors, [l.name]: e.target.value } })} /></label>
      ${
        naming
          ? html`<${Rename} l=${l} view=${view} alone=${all.filter((/** @type {any} */ r) => r.l.target === l.target).length === 1} onDone=${(/** @type {Partial<View>|null} */ p) => (setNaming(false), p && onView({ ...p, hidden: without() }))} />`
          : html`<button class="plain name" aria-pressed=${!hidden} title="click: hide or show; with shift: it alone" onClick=${toggle} onFocus=${() => onFocus(l.name)} onBlur=${() => onFocus("")}>${l.name}</button>`
      }
      ${l.role === "now" && html`<button key="rename" class="plain tiny" aria-label=${"rename " + l.name} title="rename" onClick=${() => setNaming(true)}>✎</button>`}
    </div></th>
    <td title=${at === undefined ? "" : exact(at)}>${at === undefined ? "" : value(at)}</td>
    ${columns.map((c) => html`<td title=${exact(sum[c])}>${short(sum[c])}</td>`)}
  </tr>`;
}

/** into scrolls a row into sight within the legend; the page stays where it is. @param {HTMLElement|null} row */
function into(row) {
  const box = row?.closest(".legend");
  if (!row || !box) return;
  const top = row.offsetTop - 24; // below the heading
  if (top < box.scrollTop) box.scrollTop = top;
  else if (row.offsetTop + row.offsetHeight > box.scrollTop + box.clientHeight)
    box.scrollTop = row.offsetTop + row.offsetHeight - box.clientHeight;
}

/** @param {{tint: string, dashes: number[]}} props */
const Swatch = ({ tint, dashes }) =>
  html`<svg width="22" height="12" aria-hidden="true"><line x1="1" y1="6" x2="21" y2="6" stroke=${tint} stroke-width="3" stroke-dasharray=${dashes.join(" ")} /></svg>`;
