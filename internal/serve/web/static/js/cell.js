// One graph of a dashboard, with its handles.
import { html, useMemo, useRef } from "./dom.js";
import { of, viewOf } from "./boards.js";
import { ask } from "./dialog.js";
import { drag, place } from "./drag.js";
import { Graph } from "./graph.js";
import { next } from "./grid.js";
import { filled, plain } from "./url.js";

/**
 * @typedef {import("./url.js").View} View
 * @typedef {import("./boards.js").Panel} Panel
 */

const arrows = /** @type {Record<string, [number, number]>} */ ({
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
});

/**
 * @param {{i: number, panel: Panel, all: Panel[], view: View, onView: (p: Partial<View>) => void, events: import("./api.js").Event[],
 *   onPanel: (p: Partial<Panel>|null) => void}} props view has the values of all variables
 */
export function Cell({ i, panel, all, view, onView, events, onPanel }) {
  const box = useRef(/** @type {HTMLElement|null} */ (null));
  const full = view.full === i;
  const own = useMemo(() => ({ ...viewOf(panel, view), table: full && view.table }), [panel, view]);
  const onKeyDown = (/** @type {KeyboardEvent} */ e) => {
    if (e.target !== e.currentTarget) return;
    const by = e.altKey && arrows[e.key];
    if (by) onPanel(e.shiftKey ? { w: panel.w + by[0], h: panel.h + by[1] } : { x: panel.x + by[0], y: next(panel, all, by[1]) });
    else if (e.key === "Enter") onView({ full: full ? -1 : i });
    else if (e.key === "Delete") onPanel(null);
    else return;
    e.preventDefault();
  };
  const rename = () => ask({ title: "Rename", label: "title", value: panel.title, does: "rename", act: (title) => onPanel({ title }) });
  const edit = () =>
    onView({
      ...plain,
      ...of(panel),
      from: view.from,
      until: view.until,
      tz: view.tz,
      vars: view.vars,
      dashboard: view.dashboard,
      edit: i,
    });
  const change = (/** @type {Partial<View>} */ { targets = panel.targets, colors = panel.colors, hidden }) => {
    if (targets !== panel.targets || colors !== panel.colors) onPanel({ targets, colors });
    if (hidden) onView({ hidden });
  };
  const grab = (/** @type {boolean} */ size) => (/** @type {PointerEvent} */ e) => full || drag(e, box.current, panel, onPanel, size);
  const title = panel.title || panel.targets[0] || "graph";
  return html`<section class="cell" ref=${box} style=${full ? {} : place(panel)} tabindex="0" aria-label=${title} onKeyDown=${onKeyDown}>
    <header onPointerDown=${grab(false)}>
      <h2 title=${[title, ...filled(panel.targets, view.vars)].join("\n")}>${title}</h2>
      <button class="plain tiny" aria-label=${"rename " + title} title="rename" onClick=${rename}>✎</button>
      <button class="plain tiny" aria-label=${"change " + title} title="explore and change" onClick=${edit}>↗</button>
      <button class="plain tiny" aria-label=${(full ? "leave full screen " : "full screen ") + title} title=${full ? "leave (Esc)" : "full screen (Enter)"} onClick=${() => onView({ full: full ? -1 : i })}>${full ? "⤡" : "⤢"}</button>
      <button class="plain tiny" aria-label=${"remove " + title} title="remove" onClick=${() => onPanel(null)}>×</button>
    </header>
    <${Graph} view=${own} events=${events} label=${"graph " + title} legend=${full || panel.h > 3} onView=${change} onSelect=${(/** @type {number} */ a, /** @type {number} */ b) => onView({ from: String(a), until: String(b) })} sync=${view.dashboard} />
    ${!full && html`<span class="corner" aria-hidden="true" onPointerDown=${grab(true)}></span>`}
  </section>`;
}
