// The line in which targets are typed: names are completed from what there is,
// functions from the server's list, with what they do.
import { cls, html, useEffect, useRef, useState } from "./dom.js";
import { find, functions } from "./api.js";

/** @typedef {{text: string, insert: string, kind: "metric"|"branch"|"function", doc: string, begin: number}} Hint */

/** word returns the name that ends at the cursor, and where it begins. @param {string} s @param {number} at */
function word(s, at) {
  let begin = at;
  let braces = 0;
  while (begin > 0) {
    const c = s[begin - 1];
    if (c === "}") braces++;
    if (c === "{") braces--;
    if (braces <= 0 && /[\s(),'"|]/.test(c)) break;
    begin--;
  }
  return { begin, text: s.slice(begin, at) };
}

/**
 * hints returns what may stand at the cursor.
 * @param {string} s @param {number} at @param {AbortSignal} signal @returns {Promise<Hint[]>}
 */
async function hints(s, at, signal) {
  const { begin, text } = word(s, at);
  if (/^[\d.]*$/.test(text) && begin > 0) return [];
  const quotes = s.slice(0, begin).replace(/[^"']/g, "").length;
  if (quotes % 2) return [];
  const [nodes, fns] = await Promise.all([
    find(text.includes(".") || text === "" ? text + "*" : `*${text}*`, signal).catch(() => []),
    text && !text.includes(".") ? functions().catch(() => ({})) : {},
  ]);
  const names = nodes.slice(0, 40).map((n) => {
    const branch = Boolean(n.expandable) && !n.leaf;
    return /** @type {Hint} */ ({ text: n.id, insert: n.id + (branch ? "." : ""), kind: branch ? "branch" : "metric", doc: "", begin });
  });
  const low = text.toLowerCase();
  const calls = Object.values(fns)
    .filter((f) => f.name.toLowerCase().includes(low))
    .sort(
      (a, b) => Number(b.name.toLowerCase().startsWith(low)) - Number(a.name.toLowerCase().startsWith(low)) || a.name.localeCompare(b.name),
    )
    .slice(0, 12)
    .map(
      (f) => /** @type {Hint} */ ({ text: f.function, insert: f.name + "(", kind: "function", doc: firstSentence(f.description), begin }),
    );
  return [...names, ...calls];
}

/** @param {string} s */
export const firstSentence = (s) =>
  (s || "")
    .trim()
    .split(/\n\s*\n|\.\s/)[0]
    .replace(/\s+/g, " ")
    .slice(0, 160);

/** useHints asks for hints a moment after the last key. @param {string} s @param {number} at @param {boolean} wanted */
function useHints(s, at, wanted) {
  const [list, set] = useState(/** @type {Hint[]} */ ([]));
  useEffect(() => {
    if (!wanted) return set([]);
    const stop = new AbortController();
    const timer = setTimeout(
      () =>
        hints(s, at, stop.signal).then(
          (h) => stop.signal.aborted || set(h),
          () => {},
        ),
      80,
    );
    return () => (clearTimeout(timer), stop.abort());
  }, [s, at, wanted]);
  return list;
}

/**
 * TargetInput is a text field with hints.
 * @param {{value: string, label: string, placeholder?: string, id: string, clear?: boolean, onDone: (s: string) => void, onCancel?: () => void, autofocus?: boolean}} props
 */
export function TargetInput({ value, label, placeholder, id, clear, onDone, onCancel, autofocus }) {
  const [text, setText] = useState(value);
  const [at, setAt] = useState(value.length);
  const [open, setOpen] = useState(false);
  const [here, setHere] = useState(-1);
  const input = useRef(/** @type {HTMLInputElement|null} */ (null));
  const list = useHints(text, at, open);
  useEffect(() => setText(value), [value]);
  useEffect(() => (autofocus ? input.current?.focus() : undefined), []);
  useEffect(() => setHere(-1), [list]);
  const take = (/** @type {Hint} */ h) => {
    const s = text.slice(0, h.begin) + h.insert + text.slice(at);
    const to = h.begin + h.insert.length;
    if (h.kind === "metric" && s.trim() === h.insert) return done(s);
    setText(s);
    setAt(to);
    requestAnimationFrame(() => input.current?.setSelectionRange(to, to));
  };
  const done = (/** @type {string} */ s) => {
    setOpen(false);
    if (!s.trim()) return;
    if (clear) setText("");
    onDone(s.trim());
  };
  const onKeyDown = (/** @type {KeyboardEvent} */ e) => {
    if (e.key === "ArrowDown" && list.length) setHere((here + 1) % list.length);
    else if (e.key === "ArrowUp" && list.length) setHere((here + list.length - 1) % list.length);
    else if ((e.key === "Enter" || e.key === "Tab") && list[here]) take(list[here]);
    else if (e.key === "Enter") done(text);
    else if (e.key === "Escape") open && list.length ? setOpen(false) : (setText(value), onCancel?.(), input.current?.blur());
    else return;
    e.preventDefault();
    e.stopPropagation();
  };
  const shown = open && list.length > 0;
  return html`<div class="target-input">
    <input ref=${input} id=${id} type="text" role="combobox" spellcheck=${false} autocomplete="off" aria-label=${label} placeholder=${placeholder} aria-expanded=${String(shown)} aria-controls=${id + "-hints"} aria-autocomplete="list"
      aria-activedescendant=${shown && here >= 0 ? `${id}-hint-${here}` : undefined} value=${text}
      onInput=${(/** @type {any} */ e) => (setText(e.target.value), setAt(e.target.selectionStart), setOpen(true))}
      onSelect=${(/** @type {any} */ e) => setAt(e.target.selectionStart)} onFocus=${() => clear && setOpen(true)} onKeyDown=${onKeyDown}
      onBlur=${() => (setOpen(false), !clear && text !== value && done(text))} />
    ${
      shown &&
      html`<ul class="hints" role="listbox" id=${id + "-hints"} aria-label="suggestions">${list.map(
        (
          h,
          i,
        ) => html`<li key=${h.kind + h.text} id=${`${id}-hint-${i}`} role="option" aria-selected=${String(i === here)} class=${cls(h.kind, i === here && "here")}
      onMouseDown=${(/** @type {Event} */ e) => (e.preventDefault(), take(h))}><code>${h.text}</code>${h.doc && html`<span>${h.doc}</span>`}</li>`,
      )}</ul>`
    }
  </div>`;
}
