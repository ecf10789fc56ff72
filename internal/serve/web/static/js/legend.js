// The legend: names, colours and values of the series; here they are hidden,
// coloured and renamed.
import { cls, html, useMemo, useState } from "./dom.js";
import { color, dash } from "./palette.js";
import { exact, short, summary } from "./number.js";
import { quoted } from "./target.js";

/** @typedef {import("./url.js").View} View */

const columns = /** @type {const} */ (["last", "min", "avg", "max"]);
const most = 200; // rows that are shown at once

/**
 * @param {{lines: import("./points.js").Line[], at: number|null, view: View, onView: (patch: Partial<View>) => void, onFocus: (name: string) => void}} props
 */
export function Legend({ lines, at, view, onView, onFocus }) {
  const rows = useMemo(
    () => lines.filter((l) => l.role === "now" || l.role === "past").map((l) => ({ l, sum: summary(l.values) })),
    [lines],
  );
  const [sort, setSort] = useState(/** @type {""|"name"|typeof columns[number]} */ (""));
  const sorted = sort
    ? [...rows].sort((a, b) =>
        sort === "name" ? a.l.name.localeCompare(b.l.name) : (b.sum[sort] || -Infinity) - (a.sum[sort] || -Infinity),
      )
    : rows;
  const head = (/** @type {any} */ key, /** @type {string} */ text) =>
    html`<th scope="col" aria-sort=${sort === key ? (key === "name" ? "ascending" : "descending") : "none"}><button class="plain" onClick=${() => setSort(sort === key ? "" : key)}>${text}</button></th>`;
  return html`<div class="legend"><table>
    <thead><tr>${head("name", "series")}<th scope="col">at cursor</th>${columns.map((c) => head(c, c))}</tr></thead>
    <tbody>${sorted.slice(0, most).map(({ l, sum }) => html`<${Row} key=${l.name + l.target} l=${l} sum=${sum} at=${at} view=${view} onView=${onView} onFocus=${onFocus} alone=${rows.filter((r) => r.l.target === l.target).length === 1} />`)}</tbody>
  </table>${rows.length > most && html`<p class="quiet">${rows.length - most} more series</p>`}</div>`;
}

/** @param {any} props */
function Row({ l, sum, at, view, onView, onFocus, alone }) {
  const [naming, setNaming] = useState(false);
  const hidden = view.hidden.includes(l.name);
  const toggle = (/** @type {MouseEvent} */ e) =>
    onView({
      hidden: e.shiftKey || e.altKey ? only(/** @type {Element} */ (e.currentTarget)) : hidden ? without() : [...view.hidden, l.name],
    });
  const without = () => view.hidden.filter((/** @type {string} */ n) => n !== l.name);
  const only = (/** @type {Element} */ b) =>
    [...(b.closest(".legend")?.querySelectorAll(".name") ?? [])].map((n) => n.textContent || "").filter((n) => n !== l.name);
  const tint = view.colors[l.name] || color(Math.max(l.order, 0));
  const rename = (/** @type {string} */ to) => {
    setNaming(false);
    if (!to || to === l.name) return;
    const targets = view.targets.map((/** @type {string} */ t, /** @type {number} */ i) =>
      i === l.target ? `alias(${t},${quoted(to)})` : t,
    );
    onView({ targets, hidden: without() });
  };
  return html`<tr class=${cls(hidden && "off")} onMouseEnter=${() => onFocus(l.name)} onMouseLeave=${() => onFocus("")}>
    <th scope="row"><div class="series">
      <label class="swatch" title="colour"><${Swatch} tint=${tint} dashes=${l.role === "past" ? [3, 3] : dash(Math.max(l.order, 0))} /><input type="color" aria-label=${"colour of " + l.name} value=${tint} onChange=${(/** @type {any} */ e) => onView({ colors: { ...view.colors, [l.name]: e.target.value } })} /></label>
      ${
        naming
          ? html`<input class="rename" aria-label=${"new name of " + l.name} defaultValue=${l.name} ref=${(/** @type {any} */ n) => n?.focus()} onBlur=${(/** @type {any} */ e) => rename(e.target.value)} onKeyDown=${(/** @type {any} */ e) => (e.key === "Enter" ? rename(e.target.value) : e.key === "Escape" && setNaming(false))} />`
          : html`<button class="plain name" aria-pressed=${!hidden} title="click: hide or show; with shift: it alone" onClick=${toggle} onFocus=${() => onFocus(l.name)} onBlur=${() => onFocus("")}>${l.name}</button>`
      }
      ${alone && l.role === "now" && !naming && html`<button class="plain tiny" aria-label=${"rename " + l.name} title="rename" onClick=${() => setNaming(true)}>✎</button>`}
    </div></th>
    <td title=${at == null ? "" : exact(l.values[at])}>${at == null ? "" : exact(l.values[at])}</td>
    ${columns.map((c) => html`<td title=${exact(sum[c])}>${short(sum[c])}</td>`)}
  </tr>`;
}

/** @param {{tint: string, dashes: number[]}} props */
const Swatch = ({ tint, dashes }) =>
  html`<svg width="22" height="12" aria-hidden="true"><line x1="1" y1="6" x2="21" y2="6" stroke=${tint} stroke-width="3" stroke-dasharray=${dashes.join(" ")} /></svg>`;
