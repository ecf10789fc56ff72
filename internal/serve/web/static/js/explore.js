// Looking at single targets: the tree, one graph, and what is in it.
import { cls, html, useEffect, useRef, useState } from "./dom.js";
import { form } from "./api.js";
import { EventList, useEvents } from "./events.js";
import { Graph } from "./graph.js";
import { later } from "./later.js";
import { questions } from "./load.js";
import { TargetInput } from "./search.js";
import { Targets, without } from "./targets.js";
import { Tree } from "./tree.js";
import { reload } from "./timebar.js";
import { zoneOf } from "./time.js";
import { filled } from "./url.js";

/**
 * @typedef {import("./url.js").View} View
 * @typedef {(patch: Partial<View>) => void} OnView
 */

const NewEvent = later(() => import("./eventform.js").then((m) => m.NewEvent));

/** @param {{view: View, onView: OnView, onKeep: () => Promise<void>}} props */
export function Explore({ view, onView, onKeep }) {
  const [faults, setFaults] = useState(/** @type {{target: number, text: string}[]} */ ([]));
  const [narrow, setNarrow] = useState(false);
  const events = useEvents(view);
  const add = (/** @type {string} */ t) => view.targets.includes(t) || onView({ targets: [...view.targets, t] });
  const choose = (/** @type {string} */ t, /** @type {boolean} */ alone) => {
    const i = view.targets.indexOf(t);
    if (alone) onView({ targets: [t], right: [], bands: {}, hidden: [] });
    else if (i >= 0) onView(without(view, i));
    else add(t);
  };
  return html`<div class=${cls("explore", narrow && "with-tree")}>
    <nav class="side" aria-label="metrics">
      <${Tree} opened=${view.tree} chosen=${view.targets} onOpened=${(/** @type {string} */ tree) => onView({ tree })} onChoose=${choose} />
    </nav>
    <main class="work">
      <div class="line"><button class="only-narrow" aria-expanded=${String(narrow)} onClick=${() => setNarrow(!narrow)}>metrics</button>
        <${TargetInput} id="search" label="add a metric or target" placeholder="search metrics, or type a target: servers.*.load, sumSeries(…)      /" value="" clear onDone=${(/** @type {string} */ t) => add(t)} /></div>
      <${Targets} view=${view} onView=${onView} faults=${faults} />
      <${Looks} view=${view} onView=${onView} onKeep=${onKeep} />
      <${Graph} view=${view} events=${events} onView=${onView} onFaults=${setFaults} label=${"graph of " + (view.targets.join(", ") || "nothing yet")}
        onSelect=${(/** @type {number} */ a, /** @type {number} */ b) => onView({ from: String(a), until: String(b) })} />
      <${EventList} list=${events} tz=${view.tz} />
    </main>
  </div>`;
}

const overlays = /** @type {[string, string][]} */ ([
  ["", "no comparison"],
  ["1", "and last week"],
  ["1,2", "and 2 weeks"],
  ["1,2,3,4", "and 4 weeks"],
  ["52", "and last year"],
]);

/** Looks is how the graph is drawn, and its links. @param {{view: View, onView: OnView, onKeep: () => Promise<void>}} props */
function Looks({ view, onView, onKeep }) {
  const [adding, setAdding] = useState(false);
  const [said, setSaid] = useState("");
  const copy = async () => {
    const copied = await navigator.clipboard?.writeText(location.href).then(
      () => true,
      () => false,
    );
    setSaid(copied ? "the address is copied" : "not copied: the browser refused");
    setTimeout(() => setSaid(""), 2000);
  };
  const weeks = view.weeks.join(",");
  return html`<div class="looks" role="toolbar" aria-label="how it is drawn">
    <select aria-label="kind of graph" value=${view.draw} onChange=${(/** @type {any} */ e) => onView({ draw: e.target.value })}><option value="lines">lines</option><option value="area">area</option><option value="stack">stacked</option></select>
    <button aria-pressed=${String(view.log)} onClick=${() => onView({ log: !view.log })}>log</button>
    <select aria-label="comparison" value=${weeks} onChange=${(/** @type {any} */ e) => onView({ weeks: e.target.value.split(",").filter(Boolean).map(Number) })}>${overlays.map(([v, t]) => html`<option value=${v}>${t}</option>`)}${!overlays.some(([v]) => v === weeks) && html`<option value=${weeks}>and weeks ${weeks}</option>`}</select>
    <label>events <input class="arg tags" aria-label="tags of events" placeholder="none; * all" value=${view.events} onChange=${(/** @type {any} */ e) => onView({ events: e.target.value.trim() })} /></label>
    <button aria-label="add event" title="add an event" aria-expanded=${String(adding)} onClick=${() => setAdding(!adding)}>+</button>
    <button aria-pressed=${String(view.table)} onClick=${() => onView({ table: !view.table })}>table</button>
    <button onClick=${() => onKeep().catch((e) => setSaid("not kept: " + e.message))} disabled=${!view.targets.length}>${view.dashboard ? "back to " + view.dashboard : "to dashboard"}</button>
    <button onClick=${copy}>copy link</button>
    <span class="links">${view.targets.length > 0 && ["png", "svg", "csv", "json"].map((f) => html`<a href=${renderURL(view, f)} target="_blank" rel="noopener">${f.toUpperCase()}</a> `)}</span>
    <span role="status">${said}</span>
    ${adding && html`<${NewEvent} tz=${view.tz} onCancel=${() => setAdding(false)} onDone=${() => (setAdding(false), onView({ events: view.events || "*" }), reload())} />`}
  </div>`;
}

/** renderURL is where /render gives what a view shows, for embedding. @param {View} view @param {string} format */
export function renderURL(view, format) {
  /** @type {Record<string, string|number|string[]>} */
  const q = {
    target: filled(view.targets, view.vars).flatMap((t, i) =>
      questions(t, i, view).map(({ text }) => (view.right.includes(i) ? `secondYAxis(${text})` : text)),
    ),
    from: view.from,
    until: view.until,
    tz: zoneOf(view.tz),
    format,
  };
  if (format === "png" || format === "svg") {
    Object.assign(q, {
      width: 900,
      height: 420,
      logBase: view.log ? 10 : "",
      areaMode: { lines: "", area: "all", stack: "stacked" }[view.draw],
      areaAlpha: view.draw === "area" ? 0.2 : "",
    });
  }
  return "render?" + form(q);
}

/** useKeys does what keys do wherever no text is typed. @param {Record<string, (e: KeyboardEvent) => void>} keys */
export function useKeys(keys) {
  const now = useRef(keys);
  now.current = keys;
  useEffect(() => {
    const on = (/** @type {KeyboardEvent} */ e) => {
      const t = /** @type {HTMLElement} */ (e.target);
      if (
        e.ctrlKey ||
        e.metaKey ||
        e.altKey ||
        /^(INPUT|SELECT|TEXTAREA)$/.test(t.tagName) ||
        t.closest("[role=tree],dialog") ||
        t.isContentEditable
      )
        return;
      const does = now.current[e.key];
      if (!does) return;
      e.preventDefault();
      does(e);
    };
    addEventListener("keydown", on);
    return () => removeEventListener("keydown", on);
  }, []);
}
