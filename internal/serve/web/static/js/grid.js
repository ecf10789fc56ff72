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
 * settled lets cells fall upwards, from the top on. The one that was moved takes
 * its place before others of its row do, or after them when it was moved down.
 * @template {Cell} C @param {C[]} cells @param {number} [moved] @param {boolean} [down]
 * @returns {C[]}
 */
export function settled(cells, moved = -1, down = false) {
  const turn = (/** @type {number} */ i) => (i === moved ? (down ? 1 : -1) : 0);
  const order = cells.map((_, i) => i).sort((a, b) => cells[a].y - cells[b].y || turn(a) - turn(b) || cells[a].x - cells[b].x);
  /** @type {C[]} */
  const placed = [];
  const out = cells.slice();
  for (const i of order) {
    const c = { ...inside(cells[i]) };
    for (let p; (p = placed.find((p) => meet(p, c))); ) c.y = p.y + p.h;
    c.y = Math.max(0, ...placed.filter((p) => p.y < c.y && meet({ ...p, y: c.y }, c)).map((p) => p.y + p.h));
    placed.push(c);
    out[i] = c;
  }
  return out;
}

/**
 * next is the row to which a cell goes that is moved up or down: that of the
 * nearest one there.
 * @param {Cell} c @param {Cell[]} cells @param {number} by -1, 0 or 1
 */
export function next(c, cells, by) {
  const rows = cells.filter((o) => o.x < c.x + c.w && c.x < o.x + o.w && (o.y - c.y) * by > 0).map((o) => o.y);
  if (!rows.length) return c.y;
  return by > 0 ? Math.min(...rows) : Math.max(...rows);
}

/** room is where a new graph goes: below all. @param {Cell[]} cells */
export const room = (cells) => ({ x: 0, y: Math.max(0, ...cells.map((c) => c.y + c.h)), w: 6, h: 4 });
