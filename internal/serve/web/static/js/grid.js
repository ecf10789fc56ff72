// How graphs lie on a dashboard: twelve columns, rows as needed, nothing on
// anything else, no empty row above a graph that could lie higher.

export const columns = 12;

/** @typedef {{x: number, y: number, w: number, h: number}} Cell */

/** @param {Cell} a @param {Cell} b */
const meet = (a, b) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;

/** @param {number} v @param {number} a @param {number} b */
const clamp = (v, a, b) => Math.min(Math.max(v, a), b);

/** inside is a cell within the columns. @template {Cell} C @param {C} c @returns {C} */
export function inside(c) {
  const w = clamp(Math.round(c.w), 2, columns);
  return { ...c, w, h: clamp(Math.round(c.h), 2, 20), x: clamp(Math.round(c.x), 0, columns - w), y: Math.max(0, Math.round(c.y)) };
}

/**
 * settled lets cells fall upwards, from the top on; the one at first keeps its
 * place before others do.
 * @template {Cell} C @param {C[]} cells @param {number} [first]
 * @returns {C[]}
 */
export function settled(cells, first = -1) {
  const order = cells
    .map((_, i) => i)
    .sort((a, b) => cells[a].y - cells[b].y || Number(b === first) - Number(a === first) || cells[a].x - cells[b].x);
  /** @type {C[]} */
  const placed = [];
  const out = cells.slice();
  for (const i of order) {
    const c = { ...inside(cells[i]) };
    while (placed.some((p) => meet(p, c))) c.y++;
    while (c.y > 0 && !placed.some((p) => meet(p, { ...c, y: c.y - 1 }))) c.y--;
    placed.push(c);
    out[i] = c;
  }
  return out;
}

/** room is where a new graph goes: below all. @param {Cell[]} cells */
export const room = (cells) => ({ x: 0, y: Math.max(0, ...cells.map((c) => c.y + c.h)), w: 6, h: 4 });
