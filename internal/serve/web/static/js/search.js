// The line in which targets are typed, with hints below it.
import { cls, html, useEffect, useRef, useState } from "./dom.js";
import { closed } from "./target.js";

/** @typedef {import("./hints.js").Hint} Hint */

/** useHints asks for hints a moment after the last key. @param {string} s @param {number} at @param {boolean} wanted */
function useHints(s, at, wanted) {
  const [list, set] = useState(/** @type {Hint[]} */ ([]));
  useEffect(() => {
    if (!wanted) return set([]);
    const stop = new AbortController();
    const timer = setTimeout(
      () =>
        import("./hints.js")
          .then((m) => m.hints(s, at, stop.signal))
          .then(
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
  const [mark, setMark] = useState(""); // which hint the keys are at, wherever it stands when others come
  const input = useRef(/** @type {HTMLInputElement|null} */ (null));
  const list = useHints(text, at, open);
  useEffect(() => setText(value), [value]);
  useEffect(() => (autofocus ? input.current?.focus() : undefined), []);
  const here = list.findIndex((h) => h.kind + h.text === mark);
  const go = (/** @type {number} */ i) => setMark(list[i].kind + list[i].text);
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
    onDone(closed(s.trim()));
  };
  const onKeyDown = (/** @type {KeyboardEvent} */ e) => {
    if (e.key === "ArrowDown" && list.length) go((here + 1) % list.length);
    else if (e.key === "ArrowUp" && list.length) go((Math.max(here, 0) + list.length - 1) % list.length);
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
      onKeyUp=${(/** @type {any} */ e) => setAt(e.target.selectionStart)} onFocus=${() => clear && setOpen(true)} onKeyDown=${onKeyDown}
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
