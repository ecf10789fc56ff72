// Events: what happened, as marks in the graphs; and adding one.
import { html, useEffect, useState } from "./dom.js";
import { events as ask } from "./api.js";
import { reloads } from "./graph.js";
import { full, zoneOf } from "./time.js";

/** @typedef {import("./api.js").Event} Event */

/** useEvents loads the events of a view. @param {import("./url.js").View} view */
export function useEvents(view) {
  const [list, set] = useState(/** @type {Event[]} */ ([]));
  const [round, setRound] = useState(0);
  useEffect(() => {
    const again = () => setRound((n) => n + 1);
    reloads.addEventListener("reload", again);
    return () => reloads.removeEventListener("reload", again);
  }, []);
  useEffect(() => {
    if (!view.events) return set([]);
    const stop = new AbortController();
    const tags = view.events === "*" ? "" : view.events;
    ask({ from: view.from, until: view.until, tags }, stop.signal).then(set, () => {});
    return () => stop.abort();
  }, [view.events, view.from, view.until, round]);
  return list;
}

/** @param {Event} e */
const tagsOf = (e) => (Array.isArray(e.tags) ? e.tags : String(e.tags || "").split(/\s+/)).filter(Boolean);

/** @param {{list: Event[], tz: string}} props */
export function EventList({ list, tz }) {
  if (!list.length) return null;
  return html`<ul class="events" aria-label="events">${list.slice(0, 100).map((e) => html`<li key=${e.id}><time>${full(e.when, zoneOf(tz))}</time> <b>${e.what}</b> ${tagsOf(e).map((t) => html`<span class="tag">${t}</span>`)} ${e.data}</li>`)}</ul>`;
}
