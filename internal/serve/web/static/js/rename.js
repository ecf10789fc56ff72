// The field in which a series gets another name.
import { html, useRef } from "./dom.js";
import { useField } from "./field.js";
import { quoted } from "./target.js";

/** @typedef {import("./url.js").View} View */

/** @param {{l: import("./points.js").Line, view: View, alone: boolean, onDone: (patch: Partial<View>|null) => void}} props */
export function Rename({ l, view, alone, onDone }) {
  const input = useField();
  const over = useRef(false); // taking the field away is no answer
  const end = (/** @type {string} */ to) => {
    if (over.current) return;
    over.current = true;
    to = to.trim().replace(/\\+$/, ""); // which would take the quote behind it
    if (!to || to === l.name) return onDone(null);
    const { [l.name]: tint, ...colors } = view.colors;
    const targets = view.targets.map((t, i) => (i === l.target ? renamed(t, l.name, to, alone) : t));
    onDone({ targets, colors: tint ? { ...colors, [to]: tint } : colors });
  };
  const key = (/** @type {any} */ e) => (e.key === "Enter" ? e.target.blur() : e.key === "Escape" && end("")); // what gets the focus by Enter is pressed by it
  return html`<input ref=${input} class="rename" aria-label=${"new name of " + l.name} defaultValue=${l.name} onBlur=${(/** @type {any} */ e) => end(e.target.value)} onKeyDown=${key} />`;
}

/**
 * renamed has a target call one of its series something else.
 * @param {string} t @param {string} from @param {string} to @param {boolean} alone whether it has no other
 */
function renamed(t, from, to, alone) {
  if (alone) return `alias(${/^alias\((.*),(?:"[^"]*"|'[^']*')\)$/.exec(t)?.[1] ?? t},${quoted(to)})`;
  return `aliasSub(${t},${quoted("^" + from.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&") + "$")},${quoted(to.replace(/\\/g, ""))})`;
}
