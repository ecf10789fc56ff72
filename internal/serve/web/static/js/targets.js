// The targets of a graph, one a row: as text or in parts, and how each is drawn.
import { html, useState } from "./dom.js";
import { settled } from "./graph.js";
import { later } from "./later.js";
import { TargetInput } from "./search.js";
import { withStatistic } from "./target.js";

/**
 * @typedef {import("./url.js").View} View
 * @typedef {(patch: Partial<View>) => void} OnView
 */

const Chips = later(
  () => settled.then(() => import("./chips.js")).then((m) => m.Chips),
  ({ target, id, onChange }) => html`<${TargetInput} id=${id + "-source"} label="series" value=${target} onDone=${onChange} />`,
);

/** renumbered is what is said by number of targets after the one at i is gone. @param {View} v @param {number} i */
export function without(v, i) {
  const shift = (/** @type {number} */ k) => (k > i ? k - 1 : k);
  return {
    targets: v.targets.filter((_, k) => k !== i),
    right: v.right.filter((k) => k !== i).map(shift),
    bands: Object.fromEntries(
      Object.entries(v.bands)
        .filter(([k]) => Number(k) !== i)
        .map(([k, b]) => [shift(Number(k)), b]),
    ),
  };
}

/** @param {{view: View, onView: OnView, faults: {target: number, text: string}[]}} props */
export function Targets({ view, onView, faults }) {
  const set = (/** @type {number} */ i, /** @type {string} */ t) => onView({ targets: view.targets.map((old, k) => (k === i ? t : old)) });
  return html`<ol class="targets" aria-label="targets">${view.targets.map((t, i) => html`<${Target} key=${i} i=${i} target=${t} view=${view} onView=${onView} onTarget=${(/** @type {string} */ s) => set(i, s)} fault=${faults.find((f) => f.target === i)?.text} />`)}</ol>`;
}

/** @param {{i: number, target: string, view: View, onView: OnView, onTarget: (s: string) => void, fault?: string}} props */
function Target({ i, target, view, onView, onTarget, fault }) {
  const [asText, setAsText] = useState(false);
  const right = view.right.includes(i);
  const band = view.bands[i] || "";
  const setBand = (/** @type {string} */ b) => {
    const bands = { ...view.bands };
    delete bands[i];
    onView({ bands: b ? { ...bands, [i]: b } : bands });
  };
  const id = "target-" + i;
  return html`<li class=${fault ? "target wrong" : "target"}>
    <span class="mark" aria-hidden="true">${i + 1}</span>
    ${asText ? html`<${TargetInput} id=${id} label=${`target ${i + 1}`} value=${target} autofocus onDone=${onTarget} onCancel=${() => setAsText(false)} />` : html`<${Chips} id=${id} target=${target} onChange=${onTarget} />`}
    <span class="how">
      <button aria-pressed=${String(asText)} title="edit as text" onClick=${() => setAsText(!asText)}>text</button>
      <${Statistic} target=${target} onTarget=${onTarget} />
      <select aria-label=${`band of target ${i + 1}`} value=${band} disabled=${!withStatistic(target, "min")} onChange=${(/** @type {any} */ e) => setBand(e.target.value)}><option value="">no band</option><option value="minmax">min–max</option><option value="stddev">± stddev</option></select>
      <button aria-pressed=${String(right)} title="the right axis" onClick=${() => onView({ right: right ? view.right.filter((k) => k !== i) : [...view.right, i] })}>right</button>
      <button title="once more, to change it" aria-label=${`copy target ${i + 1}`} onClick=${() => onView({ targets: [...view.targets, target] })}>copy</button>
      <button class="danger" title="remove" aria-label=${`remove target ${i + 1}`} onClick=${() => onView(without(view, i))}>×</button>
    </span>
    ${fault && html`<p class="fault" role="alert">${fault}</p>`}
  </li>`;
}

const statistics = ["average", "min", "max", "stddev", "count", "sum"];

/** Statistic chooses which column of what is kept a target reads. @param {{target: string, onTarget: (s: string) => void}} props */
function Statistic({ target, onTarget }) {
  const m = /statistic\(([^()]*(?:\([^()]*\))?[^()]*?),\s*'(\w+)'\)/.exec(target);
  const bare = m ? target.replace(m[0], m[1]) : target;
  const can = withStatistic(bare, "min") !== null;
  const set = (/** @type {string} */ what) => onTarget(what ? withStatistic(bare, what) || bare : bare);
  return html`<select aria-label="statistic" value=${m ? m[2] : ""} disabled=${!can} onChange=${(/** @type {any} */ e) => set(e.target.value)}><option value="">as kept</option>${statistics.map((s) => html`<option value=${s}>${s}</option>`)}</select>`;
}
