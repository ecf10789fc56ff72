// Events: what happened, as marks in the graphs; and adding one.
import { html, useEffect, useState } from "./dom.js";
import { events as ask } from "./api.js";
import { reloads } from "./graph.js";
import { later } from "./later.js";

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

const Listed = later(() => import("./eventlist.js").then((m) => m.EventList));

/** @param {{list: Event[], tz: string}} props */
export const EventList = (props) => (props.list.length ? html`<${Listed} ...${props} />` : null);
