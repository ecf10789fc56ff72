// A dashboard: graphs that share time and cursor, arranged by hand or by keys.
import { cls, html, useEffect, useMemo, useRef, useState } from "./dom.js";
import { added, change, discard, edited, empty, isChanged, last, open, proper, remember, save } from "./boards.js";
import { Bar } from "./bar.js";
import { Cell } from "./cell.js";
import { ask } from "./dialog.js";
import { EventList, useEvents } from "./events.js";
import { inside, settled } from "./grid.js";
import { depending, useVars, Vars } from "./vars.js";

export { DashboardList } from "./boardlist.js";

/**
 * @typedef {import("./url.js").View} View
 * @typedef {import("./boards.js").Board} Board
 * @typedef {import("./boards.js").Known} Known
 * @typedef {import("./boards.js").Panel} Panel
 * @typedef {(patch: Partial<View>) => void} OnView
 */

/** known returns a dashboard, a new one when there is none of that name. @param {string} name @returns {Promise<Known>} */
const known = async (name) => (await open(name)) ?? { board: empty(name), tag: "" };

/** keepGraph puts a view into a dashboard that somebody names, and returns the name, "" when it was not kept. @param {View} v */
export const keepGraph = (v) =>
  ask({
    title: "Keep the graph",
    label: "dashboard",
    value: last() || "mine",
    hint: "A new name makes a new dashboard.",
    does: "keep",
    act: async (name) => {
      const k = await known(proper(name));
      const board = added(k.board, v);
      if (isChanged(name)) change(name, { ...k, board });
      else await save(name, board, k.tag);
    },
  });

/** putBack puts a view where it came from on its dashboard, not saved yet. @param {View} v */
export async function putBack(v) {
  const k = await known(v.dashboard);
  change(v.dashboard, { ...k, board: edited(k.board, v.edit, v) });
}

/** useBoard holds a dashboard; what is changed is the page's until it is saved. @param {string} name */
export function useBoard(name) {
  const [state, set] = useState(/** @type {{known: Known|null, said: string}} */ ({ known: null, said: "loading" }));
  const now = useRef(state);
  const put = (/** @type {typeof state} */ s) => set((now.current = s));
  const say = (/** @type {string} */ said) => put({ ...now.current, said });
  const load = () =>
    open(name).then(
      (k) => {
        put({ known: k ?? { board: empty(name), tag: "" }, said: k ? (k.note ?? "") : "There is no dashboard of this name yet." });
        if (k) remember(name);
      },
      (e) => put({ known: null, said: e.message }),
    );
  useEffect(() => void load(), [name]);
  return {
    ...state,
    changed: isChanged(name),
    say,
    change(/** @type {Partial<Board>} */ patch, said = "") {
      const k = now.current.known;
      if (!k) return;
      const next = { board: { ...k.board, ...patch }, tag: k.tag };
      change(name, next);
      put({ known: next, said });
    },
    /** save keeps the dashboard: where the tag says what was there, if that is not what is known. */
    async save(/** @type {string} */ as, /** @type {string|null|undefined} */ tag = undefined) {
      const k = now.current.known;
      if (!k) return;
      const next = await save(as, k.board, tag === undefined ? k.tag : tag);
      discard(name);
      put({ known: next, said: "saved" });
    },
    discard() {
      discard(name);
      return load();
    },
  };
}

/** @param {{view: View, onView: OnView}} props */
export function Dashboard({ view, onView }) {
  const held = useBoard(view.dashboard);
  const b = held.known?.board;
  const { rows, vars, key } = useVars(b?.vars ?? [], view.vars);
  const within = useMemo(() => ({ ...view, vars }), [view, key]);
  const events = useEvents(view);
  useWall(view, onView);
  if (!b) return html`<main class="dashboard"><p class="state" role="status">${held.said}</p></main>`;
  const set = (/** @type {number} */ i, /** @type {Partial<Panel>|null} */ patch) => {
    const moved = patch && inside({ ...b.panels[i], ...patch });
    const list = moved ? b.panels.with(i, moved) : b.panels.toSpliced(i, 1);
    const panels = settled(list, moved ? i : -1, (moved?.y ?? 0) > b.panels[i].y);
    if (!moved) onView({ full: -1 });
    held.change({ panels }, moved ? whereabouts(panels[i], b.panels[i]) : "");
  };
  const setVar = (/** @type {string} */ name, /** @type {string} */ value) => {
    const stale = depending(b.vars, name);
    const kept = Object.entries(view.vars).filter(([n]) => !stale.has(n));
    onView({ vars: Object.fromEntries([...kept, [name, value]]) });
  };
  const only = view.full >= 0 && b.panels[view.full] ? view.full : -1;
  const ready = rows.every((r) => r.value);
  return html`<main class="dashboard">
    <${Bar} held=${held} view=${view} onView=${onView} />
    <${Vars} rows=${rows} onVar=${setVar} onRemove=${(/** @type {string} */ name) => held.change({ vars: b.vars.filter((v) => v.name !== name) })} />
    ${view.full === -2 && html`<button class="leave" onClick=${() => onView({ full: -1 })}>leave full screen</button>`}
    ${!b.panels.length && html`<p class="state">An empty dashboard. Explore a metric, then press “to dashboard”.</p>`}
    <div class=${cls("grid", only >= 0 && "full")}>${
      ready &&
      b.panels.map(
        (p, i) =>
          (only < 0 || i === only) &&
          html`<${Cell} key=${p.id} i=${i} panel=${p} all=${b.panels} view=${within} onView=${onView} events=${events} onPanel=${(/** @type {Partial<Panel>|null} */ patch) => set(i, patch)} />`,
      )
    }</div>
    <${EventList} list=${events} tz=${view.tz} />
  </main>`;
}

/** whereabouts says where a graph is that was moved, for those who do not see it. @param {Panel} p @param {Panel} was */
const whereabouts = (p, was) =>
  p.x === was.x && p.y === was.y && p.w === was.w && p.h === was.h
    ? ""
    : `column ${p.x + 1}, row ${p.y + 1}, ${p.w} wide, ${p.h} high; not saved`;

/** useWall leaves nothing but graphs on the page while that is wished. @param {View} view @param {OnView} onView */
function useWall(view, onView) {
  const wall = view.full === -2;
  useEffect(() => {
    if (!wall) return;
    document.documentElement.classList.add("wall");
    const left = () => document.fullscreenElement || onView({ full: -1 });
    addEventListener("fullscreenchange", left);
    return () => {
      document.documentElement.classList.remove("wall");
      removeEventListener("fullscreenchange", left);
      if (document.fullscreenElement) document.exitFullscreen();
    };
  }, [wall]);
}
