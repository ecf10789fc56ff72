// Moving and resizing a graph of a dashboard with the pointer.
import { inside } from "./grid.js";

/** @typedef {import("./grid.js").Cell} Cell */

/** place is where a cell lies, as a style. @param {Cell} c */
export const place = (c) => ({ gridColumn: `${c.x + 1} / span ${c.w}`, gridRow: `${c.y + 1} / span ${c.h}` });

/**
 * drag moves or resizes a cell until the pointer is let go; Escape leaves it where
 * it was. A frame shows where it will be; the wheel scrolls meanwhile.
 * @param {PointerEvent} e @param {HTMLElement|null} cell @param {Cell} panel @param {(to: Partial<Cell>) => void} done @param {boolean} size
 */
export function drag(e, cell, panel, done, size) {
  const grid = cell?.parentElement;
  if (!grid || e.button !== 0 || /** @type {HTMLElement} */ (e.target).closest("button,a")) return;
  const { display, columnGap, gridAutoRows, rowGap } = getComputedStyle(grid);
  if (display !== "grid") return; // a phone has one column
  e.preventDefault();
  const column = (grid.clientWidth + parseFloat(columnGap)) / 12;
  const row = parseFloat(gridAutoRows) + parseFloat(rowGap);
  const frame = grid.appendChild(document.createElement("div"));
  frame.className = "frame";
  cell.classList.add("moving");
  const to = (/** @type {PointerEvent} */ m) => {
    const x = Math.round((m.pageX - e.pageX) / column);
    const y = Math.round((m.pageY - e.pageY) / row);
    const next = inside(size ? { ...panel, w: panel.w + x, h: panel.h + y } : { ...panel, x: panel.x + x, y: panel.y + y });
    return { x: next.x, y: next.y, w: next.w, h: next.h };
  };
  const show = (/** @type {PointerEvent} */ m) => {
    Object.assign(frame.style, place(to(m)));
    if (!size) cell.style.transform = `translate(${m.pageX - e.pageX}px,${m.pageY - e.pageY}px)`;
  };
  const stop = new AbortController();
  const end = () => {
    stop.abort();
    frame.remove();
    cell.classList.remove("moving");
    cell.style.transform = "";
  };
  const on = { signal: stop.signal };
  const drop = (/** @type {PointerEvent} */ m) => {
    end();
    const next = to(m);
    if (/** @type {const} */ (["x", "y", "w", "h"]).some((k) => next[k] !== panel[k])) done(next);
  };
  const escape = (/** @type {KeyboardEvent} */ k) => k.key === "Escape" && (k.stopPropagation(), end());
  show(e);
  addEventListener("pointermove", show, on);
  addEventListener("pointerup", drop, on);
  addEventListener("pointercancel", end, on);
  addEventListener("keydown", escape, { ...on, capture: true });
}
