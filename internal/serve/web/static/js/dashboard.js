// A dashboard: graphs that share time and cursor, arranged by hand or by keys.
import { cls, html, useEffect, useMemo, useRef, useState } from "./dom.js";
import { expand } from "./api.js";
import { added, empty, imported, isTemplate, load, names, remove, save, viewOf } from "./boards.js";
import { ask, Dialog } from "./dialog.js";
import { EventList, useEvents } from "./events.js";
import { Graph } from "./graph.js";
import { inside, next, settled } from "./grid.js";
import { templates } from "./templates.js";
import { write } from "./url.js";

/**
 * @typedef {import("./url.js").View} View
 * @typedef {import("./boards.js").Board} Board
 * @typedef {import("./boards.js").Panel} Panel
 * @typedef {(patch: Partial<View>) => void} OnView
 */

/** keepGraph puts a view into a dashboard that somebody names, and returns the name, "" when it was not kept. @param {View} v */
export const keepGraph = (v) =>
  ask({
    title: "Keep the graph",
    label: "dashboard",
    value: localStorage.getItem("logmetrics.dashboard") || "mine",
    hint: "A new name makes a new dashboard.",
    does: "keep",
    act: async (name) => save(ordinary(name), added((await load(name)) ?? empty(name), v)),
  });

/** ordinary refuses the names of those that come by themselves. @param {string} name */
function ordinary(name) {
  if (isTemplate(name)) throw new Error("names do not begin with template:");
  return name;
}

/** useBoard loads a dashboard; what is changed is the page's until it is saved. @param {string} name */
function useBoard(name) {
  const [state, set] = useState(
    /** @type {{board: Board|null, changed: boolean, said: string}} */ ({ board: null, changed: false, said: "" }),
  );
  useEffect(() => {
    load(name).then(
      (b) => set({ board: b ?? empty(name), changed: !b, said: b ? "" : "There is no dashboard of this name yet." }),
      (e) => set({ board: null, changed: false, said: e.message }),
    );
  }, [name]);
  const shown = useRef(state); // what "saved" says holds at once, not after the next paint
  shown.current = state;
  useEffect(() => {
    const warn = (/** @type {Event} */ e) => shown.current.changed && shown.current.board?.panels.length && !isTemplate(name) && e.preventDefault();
    addEventListener("beforeunload", warn);
    return () => removeEventListener("beforeunload", warn);
  }, [name]);
  const change = (/** @type {Partial<Board>} */ patch) =>
    set((s) => ({ ...s, board: s.board && { ...s.board, ...patch }, changed: true, said: "" }));
  const say = (/** @type {string} */ said) => set((s) => ({ ...s, said }));
  const keep = async (/** @type {string} */ as) => {
    await save(ordinary(as), /** @type {Board} */ (state.board));
    set((s) => ({ ...s, changed: false, said: "saved" }));
  };
  return { ...state, change, keep, say };
}

/** useVars finds the values that variables may have. @param {Board|null} b */
function useVars(b) {
  const [values, set] = useState(/** @type {Record<string, string[]>} */ ({}));
  const key = JSON.stringify(b?.vars);
  useEffect(() => {
    b?.vars.forEach(async (v) => {
      const node = v.query.split(".").findLastIndex((n) => n.includes("*"));
      const found = (await expand(v.query, undefined, v.cut > 0).catch(() => ({ results: [] }))).results.map((r) => r.split("."));
      const list = found.map((r) => (v.cut ? r.slice(0, -v.cut).join(".") : r[node]));
      set((s) => ({ ...s, [v.name]: [...new Set(list)].sort() }));
    });
  }, [key]);
  return values;
}

/** @param {{view: View, onView: OnView, theme: number}} props */
export function Dashboard({ view, onView, theme }) {
  const { board: b, changed, said, change, keep, say } = useBoard(view.dashboard);
  const values = useVars(b);
  const vars = useMemo(
    () => Object.fromEntries((b?.vars ?? []).map((v) => [v.name, view.vars[v.name] || (v.cut ? values[v.name]?.[0] : "*") || ""])),
    [b, values, view.vars],
  );
  const events = useEvents(view);
  if (!b) return html`<main class="dashboard"><p class="state" role="status">${said || "loading"}</p></main>`;
  const set = (/** @type {number} */ i, /** @type {Partial<Panel>|null} */ patch) =>
    change({
      panels: settled(
        b.panels.flatMap((p, k) => (k !== i ? [p] : patch ? [inside({ ...p, ...patch })] : [])),
        patch ? i : -1,
        (patch?.y ?? 0) > b.panels[i].y,
      ),
    });
  const shown = view.full >= 0 && b.panels[view.full] ? [view.full] : [...b.panels.keys()];
  const ready = b.vars.every((v) => vars[v.name]);
  return html`<main class="dashboard">
    <${Bar} b=${b} name=${view.dashboard} view=${view} changed=${changed} said=${said} change=${change} keep=${keep} say=${say} onView=${onView} />
    <${Vars} b=${b} values=${values} vars=${vars} onVar=${(/** @type {string} */ n, /** @type {string} */ x) => onView({ vars: { ...view.vars, [n]: x } })} />
    ${
      !ready &&
      html`<p class="state">No metric matches ${b.vars
        .filter((v) => !vars[v.name])
        .map((v) => v.query)
        .join(", ")} yet.</p>`
    }
    ${!b.panels.length && html`<p class="state">An empty dashboard. Explore a metric, then press “to dashboard”.</p>`}
    <div class=${cls("grid", shown.length === 1 && view.full >= 0 && "full")}>${ready && shown.map((i) => html`<${Cell} key=${i} i=${i} panel=${b.panels[i]} all=${b.panels} view=${{ ...view, vars }} onView=${onView} events=${events} theme=${theme} onPanel=${(/** @type {Partial<Panel>|null} */ patch) => set(i, patch)} name=${view.dashboard} />`)}</div>
    <${EventList} list=${events} tz=${view.tz} />
  </main>`;
}

/** @param {any} props */
function Bar({ b, name, view, changed, said, change, keep, say, onView }) {
  const saveNow = () => keep(name).catch((/** @type {Error} */ e) => say("not saved: " + e.message));
  const saveAs = async () => {
    const as = await ask({ title: "Save as", label: "name", value: name.replace("template:", ""), does: "save", act: keep });
    if (as) onView({ dashboard: as });
  };
  const addVar = () =>
    ask({
      title: "A variable",
      label: "name and pattern",
      value: "host=servers.*",
      hint: "Targets that have $host in them then show the host that is chosen, or all.",
      does: "add",
      act: (text) => change({ vars: [...b.vars.filter((/** @type {any} */ x) => x.name !== variable(text).name), variable(text)] }),
    });
  const forget = async () => {
    const gone = await ask({ title: `Delete the dashboard ${name}?`, does: "delete", danger: true, act: () => remove(name) });
    if (gone) onView({ dashboard: "" });
  };
  const bring = (/** @type {any} */ e) =>
    readFile(e.target.files[0])
      .then(change, (err) => say("not imported: " + err.message))
      .finally(() => (e.target.value = ""));
  return html`<div class="looks" role="toolbar" aria-label="dashboard">
    <h1>${b.title || name}</h1>
    <button onClick=${saveNow} disabled=${!changed || isTemplate(name)}>save</button>
    <button onClick=${saveAs}>save as…</button>
    <button onClick=${addVar}>variable…</button>
    <label>events <input class="arg" aria-label="tags of events" placeholder="none; * all" value=${view.events} onChange=${(/** @type {any} */ e) => onView({ events: e.target.value.trim() })} /></label>
    <button onClick=${() => download(name, b)}>export</button>
    <label class="button">import <input type="file" accept="application/json,.json" class="unseen" onChange=${bring} /></label>
    ${!isTemplate(name) && html`<button class="danger" onClick=${forget}>delete</button>`}
    <span role="status">${said || (changed ? "not saved" : "")}</span>
  </div>`;
}

/** @param {string} name @param {Board} b */
function download(name, b) {
  const a = document.createElement("a");
  a.href = URL.createObjectURL(new Blob([JSON.stringify(b, null, 2)], { type: "application/json" }));
  a.download = name.replace(/[^\w.-]+/g, "-") + ".json";
  a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 1000);
}

/** variable reads name=pattern. @param {string} text */
function variable(text) {
  const m = /^\$?(\w+)=([^\s=]*\*[^\s=]*)$/.exec(text);
  if (!m) throw new Error("a variable is written as host=servers.*");
  return { name: m[1], query: m[2], cut: 0 };
}

/** @param {File} f */
const readFile = async (f) => imported(JSON.parse(await f.text()));

/** @param {any} props */
const Vars = ({ b, values, vars, onVar }) =>
  b.vars.length > 0 &&
  html`<div class="looks" role="group" aria-label="variables">${b.vars.map(
    (
      /** @type {any} */ v,
    ) => html`<label key=${v.name}>$${v.name} <select aria-label=${"$" + v.name} value=${vars[v.name]} onChange=${(/** @type {any} */ e) => onVar(v.name, e.target.value)}>
    ${!v.cut && html`<option value="*">all</option>`}${(values[v.name] ?? []).map((/** @type {string} */ x) => html`<option key=${x} value=${x}>${x}</option>`)}</select></label>`,
  )}</div>`;

/** Cell is one graph with its handles. @param {any} props */
function Cell({ i, panel, all, view, onView, events, theme, onPanel, name }) {
  const box = useRef(/** @type {HTMLElement|null} */ (null));
  const own = useMemo(() => viewOf(panel, view), [panel, view]);
  const full = view.full === i;
  const onKeyDown = (/** @type {KeyboardEvent} */ e) => {
    if (!e.altKey || e.target !== e.currentTarget) return;
    const by = /** @type {Record<string, [number, number]>} */ ({
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, -1],
      ArrowDown: [0, 1],
    })[e.key];
    if (!by) return;
    e.preventDefault();
    onPanel(e.shiftKey ? { w: panel.w + by[0], h: panel.h + by[1] } : { x: panel.x + by[0], y: next(panel, all, by[1]) });
  };
  const rename = () => ask({ title: "Rename", label: "title", value: panel.title, does: "rename", act: (title) => onPanel({ title }) });
  const place = full ? {} : { gridColumn: `${panel.x + 1} / span ${panel.w}`, gridRow: `${panel.y + 1} / span ${panel.h}` };
  const change = (/** @type {Partial<View>} */ p) => {
    if (p.hidden) onView({ hidden: p.hidden });
    if (p.colors) onPanel({ colors: p.colors });
  };
  return html`<section class="cell" ref=${box} style=${place} tabindex="0" aria-label=${panel.title || "graph"} onKeyDown=${onKeyDown}>
    <header onPointerDown=${(/** @type {PointerEvent} */ e) => !full && drag(e, box.current, panel, onPanel, false)}>
      <h2 title=${own.targets.join("\n")}>${panel.title}</h2>
      <button class="plain tiny" aria-label=${"rename " + panel.title} onClick=${rename}>✎</button>
      <a class="plain tiny" href=${write({ ...own })} aria-label=${"explore " + panel.title} title="explore">↗</a>
      <button class="plain tiny" aria-label=${(full ? "leave full screen " : "full screen ") + panel.title} onClick=${() => onView({ full: full ? -1 : i })}>${full ? "⤡" : "⤢"}</button>
      <button class="plain tiny" aria-label=${"remove " + panel.title} onClick=${() => onPanel(null)}>×</button>
    </header>
    <${Graph} key=${theme} view=${own} events=${events} label=${"graph " + panel.title} legend=${full || panel.h > 3} onView=${change} onSelect=${(/** @type {number} */ a, /** @type {number} */ b) => onView({ from: String(a), until: String(b) })} sync=${name} />
    ${!full && html`<span class="corner" aria-hidden="true" onPointerDown=${(/** @type {PointerEvent} */ e) => drag(e, box.current, panel, onPanel, true)}></span>`}
  </section>`;
}

/**
 * drag moves or resizes a cell with the pointer; it is placed when that is let go.
 * @param {PointerEvent} e @param {HTMLElement|null} cell @param {Panel} panel @param {(p: Partial<Panel>) => void} done @param {boolean} size
 */
function drag(e, cell, panel, done, size) {
  if (!cell?.parentElement || e.button !== 0 || /** @type {HTMLElement} */ (e.target).closest("button,a")) return;
  const grid = cell.parentElement;
  if (getComputedStyle(grid).display !== "grid") return; // a phone has one column
  e.preventDefault();
  const column = grid.clientWidth / 12;
  const row = parseFloat(getComputedStyle(grid).gridAutoRows) + parseFloat(getComputedStyle(grid).rowGap || "0");
  const stop = new AbortController();
  const by = (/** @type {PointerEvent} */ m) => ({
    x: Math.round((m.clientX - e.clientX) / column),
    y: Math.round((m.clientY - e.clientY) / row),
  });
  const on = { signal: stop.signal };
  cell.classList.add("moving");
  addEventListener(
    "pointermove",
    (m) => (cell.style.transform = size ? "" : `translate(${m.clientX - e.clientX}px,${m.clientY - e.clientY}px)`),
    on,
  );
  const end = (/** @type {PointerEvent} */ m) => {
    stop.abort();
    cell.classList.remove("moving");
    cell.style.transform = "";
    const d = by(m);
    if (d.x || d.y) done(size ? { w: panel.w + d.x, h: panel.h + d.y } : { x: panel.x + d.x, y: Math.max(0, panel.y + d.y) });
  };
  addEventListener("pointerup", end, on);
  addEventListener("pointercancel", end, on);
}

/** DashboardList is where one is chosen. @param {{onChoose: (name: string) => void, onClose: () => void}} props */
export function DashboardList({ onChoose, onClose }) {
  const [kept, setKept] = useState(/** @type {string[]} */ ([]));
  const [there, setThere] = useState(/** @type {string[]} */ ([]));
  const [fault, setFault] = useState("");
  useEffect(() => {
    names().then(setKept, (e) => setFault(e.message));
    templates.forEach((t) =>
      expand(t.probe).then(
        (r) => r.results.length && setThere((l) => [...l, t.name]),
        () => {},
      ),
    );
  }, []);
  const item = (/** @type {string} */ name, /** @type {string} */ text) =>
    html`<li key=${name}><button class="plain" onClick=${() => onChoose(name)}>${text}</button></li>`;
  return html`<${Dialog} title="Dashboards" onClose=${onClose}>
    ${fault && html`<p class="fault" role="alert">${fault}</p>`}
    <h3>Kept</h3>${kept.length ? html`<ul>${kept.map((n) => item(n, n))}</ul>` : html`<p class="quiet">None yet. Explore a metric, then press “to dashboard”.</p>`}
    <h3>For what is sent here</h3>${there.length ? html`<ul>${templates.filter((t) => there.includes(t.name)).map((t) => item("template:" + t.name, t.title))}</ul>` : html`<p class="quiet">No parser of logmetrics has sent anything yet.</p>`}
    <form onSubmit=${(/** @type {any} */ e) => (e.preventDefault(), e.target.name.value.trim() && onChoose(e.target.name.value.trim()))}><label>new <input name="name" placeholder="name" /></label> <button>make</button></form>
  <//>`;
}
