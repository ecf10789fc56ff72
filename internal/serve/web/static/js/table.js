// A graph's values as a table, for those who read rather than see.
import "./sheet.js";
import { html, useState } from "./dom.js";
import { exact } from "./number.js";
import { full } from "./time.js";

const page = 200; // rows at once

/** @param {{picture: import("./load.js").Picture, zone: string}} props */
export function Table({ picture, zone }) {
  const [shown, setShown] = useState(page);
  const lines = picture.lines.filter((l) => l.role === "now" || l.role === "past").slice(0, 50);
  const rows = Array.from(picture.x, (t, i) => /** @type {[number, number]} */ ([t, i]))
    .filter(([, i]) => lines.some((l) => l.values[i] != null))
    .reverse();
  return html`<div class="values" tabindex="0" role="region" aria-label="values of the graph"><table>
    <thead><tr><th scope="col">time</th>${lines.map((l) => html`<th scope="col" key=${l.name}>${l.name}</th>`)}</tr></thead>
    <tbody>${rows.slice(0, shown).map(([t, i]) => html`<tr key=${t}><th scope="row">${full(t, zone)}</th>${lines.map((l) => html`<td>${exact(l.values[i])}</td>`)}</tr>`)}</tbody>
  </table>${rows.length > shown && html`<button onClick=${() => setShown(shown + page)}>${rows.length - shown} more rows</button>`}</div>`;
}
