// The tree of metrics: branches are asked for when they are opened, and only the
// rows in sight are in the page, so that a branch with a million leaves is one
// that can be scrolled.
import { cls, html, useEffect, useLayoutEffect, useMemo, useRef, useState } from "./dom.js";
import { find } from "./api.js";
import { later } from "./later.js";
import { natural } from "./load.js";

/**
 * @typedef {import("./api.js").Node} Node
 * @typedef {{node: Node, depth: number, place: number, of: number}} Row
 */

const rowHeight = 24;

const own = "logmetrics"; // the branch of the server's own metrics, in a branch "serve"

const FirstMetric = later(() => import("./firstmetric.js").then((m) => m.FirstMetric));

const most = 20_000; // children of a branch that are asked for; who has more searches

/**
 * useTree keeps what is known of the tree, and which branches are open.
 * @param {string} opened a path whose branches are open at first
 * @param {(path: string) => void} onOpened
 */
function useTree(opened, onOpened) {
  const children = useRef(/** @type {Map<string, Node[]>} */ (new Map()));
  const open = useRef(/** @type {Set<string>} */ (new Set()));
  const [state, set] = useState({ error: "", busy: 0, round: 0 });
  const load = async (/** @type {string} */ path) => {
    set((s) => ({ ...s, busy: s.busy + 1 }));
    try {
      const list = await find(path ? path + ".*" : "*", most);
      list.sort((a, b) => a.leaf - b.leaf || natural.compare(a.text, b.text));
      if (list.length >= most) list.push({ text: "… and more: press / to search", id: path + ".…", leaf: 0, expandable: 0 });
      children.current.set(path, list);
      if (!path && list.length === 1 && list[0].id === own) await load(own);
      set((s) => ({ error: "", busy: s.busy - 1, round: s.round + 1 }));
    } catch (e) {
      open.current.delete(path);
      set((s) => ({ error: /** @type {Error} */ (e).message, busy: s.busy - 1, round: s.round + 1 }));
    }
  };
  const toggle = (/** @type {string} */ path, /** @type {boolean} */ wanted) => {
    if (wanted) {
      open.current.add(path);
      if (!children.current.has(path)) load(path);
    } else open.current.delete(path);
    onOpened(wanted ? path : path.split(".").slice(0, -1).join("."));
    set((s) => ({ ...s, round: s.round + 1 }));
  };
  useEffect(() => {
    load("");
    const nodes = opened ? opened.split(".") : [];
    nodes.forEach((_, i) => {
      const path = nodes.slice(0, i + 1).join(".");
      open.current.add(path);
      load(path);
    });
  }, []);
  const list = useMemo(() => rows(children.current, open.current), [state.round]);
  return { rows: list, bare: bare(children.current), open: open.current, toggle, reload: () => load(""), ...state };
}

/** bare says whether nobody has sent anything yet. @param {Map<string, Node[]>} children */
const bare = (children) =>
  [
    ["", own],
    [own, "serve"],
  ].every(([path, only]) => (children.get(path) ?? []).every((n) => n.text === only));

/** rows are what of the tree is shown, from top to bottom. @param {Map<string, Node[]>} children @param {Set<string>} open */
function rows(children, open) {
  /** @type {Row[]} */
  const list = [];
  const walk = (/** @type {string} */ path, /** @type {number} */ depth) => {
    const nodes = children.get(path) ?? [];
    nodes.forEach((node, i) => {
      list.push({ node, depth, place: i + 1, of: nodes.length });
      if (node.expandable && open.has(node.id)) walk(node.id, depth + 1);
    });
  };
  walk("", 0);
  return list;
}

/**
 * @param {{opened: string, chosen: string[], onOpened: (path: string) => void, onChoose: (path: string, alone: boolean) => void}} props
 */
export function Tree({ opened, chosen, onOpened, onChoose }) {
  const tree = useTree(opened, onOpened);
  const box = useRef(/** @type {HTMLDivElement|null} */ (null));
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(600);
  const [at, setAt] = useState(0);
  const wanted = useRef(false); // whether the row that the keys are at gets the focus
  const here = Math.min(at, Math.max(tree.rows.length - 1, 0));
  const there = tree.rows.length > 0;
  useLayoutEffect(() => {
    if (!box.current) return;
    const o = new ResizeObserver(([e]) => setHeight(e.contentRect.height));
    o.observe(box.current);
    return () => o.disconnect();
  }, [there]);
  useLayoutEffect(() => {
    if (!wanted.current || !box.current) return;
    wanted.current = false;
    const y = here * rowHeight;
    const { scrollTop, clientHeight } = box.current;
    box.current.scrollTop = Math.min(y, Math.max(scrollTop, y + rowHeight - clientHeight));
    /** @type {HTMLElement|null} */ (box.current.querySelector(`[data-row="${here}"]`))?.focus({ preventScroll: true });
  }, [here]);
  const go = (/** @type {number} */ i) => {
    const to = Math.max(0, Math.min(i, tree.rows.length - 1));
    wanted.current = to !== here;
    setAt(to);
  };
  const onKeyDown = (/** @type {KeyboardEvent} */ e) => treeKey(e, tree, here, go, onChoose);
  const first = Math.max(0, Math.floor(top / rowHeight) - 5);
  const last = Math.min(tree.rows.length, Math.ceil((top + height) / rowHeight) + 5);
  const shown = Array.from({ length: last - first }, (_, i) => first + i);
  if (there && (here < first || here >= last)) shown.push(here); // what has the focus stays
  const again = html`<button onClick=${tree.reload}>Look again</button>`;
  const hint = tree.round > 0 && !tree.error && tree.bare && html`<div class="empty"><${FirstMetric} />${again}</div>`;
  if (!there && tree.round && !tree.busy)
    return html`<div class="tree">${hint || html`<div class="empty"><p role="alert">${tree.error}</p>${again}</div>`}</div>`;
  return html`${tree.error && html`<p class="fault" role="alert">${tree.error}</p>`}${there && hint}<div class="tree" role="tree" aria-multiselectable="true" aria-label="metrics" aria-busy=${tree.busy > 0} ref=${box} onScroll=${(/** @type {any} */ e) => setTop(e.target.scrollTop)} onKeyDown=${onKeyDown}>
    <div role="presentation" style=${{ height: tree.rows.length * rowHeight + "px", position: "relative" }}>
      ${shown.map((i) => {
        const { node } = tree.rows[i];
        return html`<${Branch} key=${node.id + (node.leaf ? "" : ".")} row=${tree.rows[i]} i=${i} here=${i === here} open=${tree.open.has(node.id)} chosen=${chosen.includes(node.id)}
          onClick=${(/** @type {MouseEvent} */ e) => (setAt(i), act(node, tree, e.shiftKey, onChoose))} />`;
      })}
    </div>
  </div>`;
}

/**
 * act opens or closes a branch, and draws a metric or takes it away. With Shift it
 * alone is drawn, of a branch all that is in it.
 * @param {Node} node @param {any} tree @param {boolean} shift @param {(path: string, alone: boolean) => void} choose
 */
function act(node, tree, shift, choose) {
  if (node.leaf) choose(node.id, shift);
  else if (node.expandable && shift) choose(node.id + ".*", true);
  else if (node.expandable) tree.toggle(node.id, !tree.open.has(node.id));
}

/** @param {any} props */
function Branch({ row, i, here, open, chosen, onClick }) {
  const { node, depth, place, of } = row;
  return html`<div role="treeitem" data-row=${i} class=${cls("row", chosen && "chosen", node.leaf && "leaf")} aria-level=${depth + 1} aria-posinset=${place} aria-setsize=${of}
    aria-expanded=${node.expandable ? String(open) : undefined} aria-selected=${String(chosen)} tabindex=${here ? 0 : -1} title=${node.id}
    style=${{ position: "absolute", top: i * rowHeight + "px", height: rowHeight + "px", paddingLeft: 6 + depth * 14 + "px" }} onClick=${onClick}>
    <span class="twist" aria-hidden="true">${node.expandable ? (open ? "▾" : "▸") : chosen ? "✓" : "·"}</span><span class="text">${node.text}</span>
  </div>`;
}

/** treeKey does what a tree's keys do. @param {KeyboardEvent} e @param {any} tree @param {number} at @param {(i: number) => void} go @param {(path: string, more: boolean) => void} choose */
function treeKey(e, tree, at, go, choose) {
  /** @type {Row} */
  const row = tree.rows[at];
  if (!row || e.altKey || e.metaKey) return;
  const { node, depth } = row;
  const isOpen = tree.open.has(node.id);
  const parent = () => {
    for (let i = at; i >= 0; i--) if (tree.rows[i].depth < depth) return i;
    return at;
  };
  /** @type {Record<string, () => void>} */
  const does = {
    ArrowDown: () => go(at + 1),
    ArrowUp: () => go(at - 1),
    PageDown: () => go(at + 20),
    PageUp: () => go(at - 20),
    Home: () => go(0),
    End: () => go(tree.rows.length - 1),
    ArrowRight: () => (node.expandable && !isOpen ? tree.toggle(node.id, true) : go(at + 1)),
    ArrowLeft: () => (node.expandable && isOpen ? tree.toggle(node.id, false) : go(parent())),
    Enter: () => act(node, tree, e.shiftKey, choose),
    " ": () => act(node, tree, e.shiftKey, choose),
  };
  if (!does[e.key]) {
    if (e.key.length !== 1) return;
    const next = typed(e.key, tree.rows, at);
    if (next >= 0 && e.key !== "/" && e.key !== "?") go(next);
    return;
  }
  e.preventDefault();
  does[e.key]();
}

let soFar = { text: "", when: 0 };

/** typed is the row that begins with what was typed within a second, from the one at which it is on. @param {string} key @param {Row[]} rows @param {number} at */
function typed(key, rows, at) {
  const now = performance.now();
  soFar = { text: (now - soFar.when < 1000 ? soFar.text : "") + key.toLowerCase(), when: now };
  const begin = soFar.text.length > 1 ? at : at + 1;
  const is = (/** @type {Row} */ r) => r.node.text.toLowerCase().startsWith(soFar.text);
  const next = rows.findIndex((r, i) => i >= begin && is(r));
  return next >= 0 ? next : rows.findIndex(is);
}
