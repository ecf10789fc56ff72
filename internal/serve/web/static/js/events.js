// Events: what happened, as marks in the graphs; and adding one.
import { html, useEffect, useState } from "./dom.js";
import { addEvent, events as ask } from "./api.js";
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

/** NewEvent is the form for adding one. @param {{onDone: () => void, onCancel: () => void}} props */
export function NewEvent({ onDone, onCancel }) {
  const [fault, setFault] = useState("");
  const submit = async (/** @type {any} */ e) => {
    e.preventDefault();
    const f = new FormData(e.target);
    try {
      await addEvent({
        what: String(f.get("what")),
        tags: String(f.get("tags"))
          .split(/[\s,]+/)
          .filter(Boolean),
        data: String(f.get("data")),
        when: Math.floor(Date.now() / 1000),
      });
      onDone();
    } catch (err) {
      setFault(/** @type {Error} */ (err).message);
    }
  };
  return html`<form class="event-form" onSubmit=${submit} onKeyDown=${(/** @type {any} */ e) => e.key === "Escape" && onCancel()}>
    <label>what happened <input name="what" required ref=${(/** @type {any} */ n) => n?.focus()} /></label>
    <label>tags <input name="tags" placeholder="deploy web" /></label>
    <label>text <input name="data" /></label>
    <button>add, now</button> <button type="button" onClick=${onCancel}>cancel</button>
    ${fault && html`<p class="fault" role="alert">${fault}</p>`}
  </form>`;
}
