// The events of a view, below its graphs.
import "./sheet.js";
import { html } from "./dom.js";
import { full, zoneOf } from "./time.js";

/** @param {import("./api.js").Event} e */
const tagsOf = (e) => (Array.isArray(e.tags) ? e.tags : String(e.tags || "").split(/\s+/)).filter(Boolean);

/** @param {{list: import("./api.js").Event[], tz: string}} props */
export const EventList = ({ list, tz }) =>
  html`<ul class="events" aria-label="events">${list.slice(0, 100).map((e) => html`<li key=${e.id}><time>${full(e.when, zoneOf(tz))}</time> <b>${e.what}</b> ${tagsOf(e).map((t) => html`<span class="tag">${t}</span>`)} ${e.data}</li>`)}</ul>`;
