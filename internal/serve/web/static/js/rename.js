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
    focusOn(to, input.current?.closest(".legend"));
    const { [l.name]: tint, ...colors } = view.colors;
    const targets = view.targets.map((t, i) => (i === l.target ? renamed(t, l.name, to, alone) : t));
    onDone({ targets, colors: tint ? { ...colors, [to]: tint } : colors });
  };
  const down = (/** @type {any} */ e) => e.key === "Escape" && end("");
  const press = (/** @type {any} */ e) => e.key === "Enter" && end(e.target.value); // earlier, what gets the focus then would be pressed
  return html`<input ref=${input} class="rename" aria-label=${"new name of " + l.name} defaultValue=${l.name} onBlur=${(/** @type {any} */ e) => end(e.target.value)} onKeyDown=${down} onKeyPress=${press} />`;
}

/** focusOn gives the row of a name the focus when it is there, if nothing else has it then. @param {string} name @param {Element|null|undefined} legend */
function focusOn(name, legend) {
  const look = (/** @type {any} */ _, /** @type {MutationObserver} */ observer) => {
    const button = /** @type {HTMLElement[]} */ ([...(legend?.querySelectorAll(".tiny") ?? [])]).find(
      (b) => b.ariaLabel === "rename " + name,
    );
    if (!button) return;
    observer.disconnect();
    if (document.activeElement === document.body) button.focus();
  };
  if (legend) new MutationObserver(look).observe(legend, { childList: true, subtree: true });
}

/**
 * renamed has a target call one of its series something else.
 * @param {string} t @param {string} from @param {string} to @param {boolean} alone whether it has no other
 */
function renamed(t, from, to, alone) {
  if (alone) return `alias(${/^alias\((.*),(?:"[^"]*"|'[^']*')\)$/.exec(t)?.[1] ?? t},${quoted(to)})`;
  return `aliasSub(${t},${quoted("^" + from.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&") + "$")},${quoted(to.replace(/\\/g, ""))})`;
}
