// Answers of /render become the columns that uPlot draws.

/**
 * @typedef {import("./api.js").Answer} Answer
 *
 * @typedef {object} Line one series to draw
 * @property {string} name
 * @property {number} target which of the view's targets it came from
 * @property {number} order its place, which colour and dash follow
 * @property {number} spacing seconds between its values
 * @property {number} step seconds between its points, which may have none
 * @property {(number|null|undefined)[]} values
 * @property {"now"|"past"|"low"|"high"} role past: shown beside now; low, high: the ends of a band
 * @property {number} weeks how long ago, for past
 */

/**
 * spacing returns the usual time between points that hold something: half of all
 * are nearer. 0 for fewer than two.
 * @param {[number|null, number][]} points
 */
export function spacing(points) {
  const gaps = [];
  let before = NaN;
  for (const [v, t] of points) {
    if (v === null) continue;
    if (t > before) gaps.push(t - before);
    before = t;
  }
  gaps.sort((a, b) => a - b);
  return gaps.length ? gaps[gaps.length >> 1] : 0;
}

/** times returns all times of the answers, rising. @param {Answer[]} answers */
export function times(answers) {
  const [first] = answers;
  if (!first) return [];
  const same = answers.every(
    ({ datapoints: d }) =>
      d.length === first.datapoints.length && d[0]?.[1] === first.datapoints[0]?.[1] && d.at(-1)?.[1] === first.datapoints.at(-1)?.[1],
  );
  if (same) return first.datapoints.map((p) => p[1]);
  const all = new Set();
  for (const a of answers) for (const p of a.datapoints) all.add(p[1]);
  return Float64Array.from(all).sort();
}

/**
 * column places the values of an answer at times: null where it has nothing,
 * undefined where it has no point.
 * @param {[number|null, number][]} points @param {ArrayLike<number>} at
 */
export function column(points, at) {
  if (points.length === at.length) return points.map((p) => p[0]);
  const values = new Array(at.length);
  let i = 0;
  for (const [v, t] of points) {
    while (at[i] < t) i++;
    values[i] = v;
  }
  return values;
}

/** The most that a series may leave out and still be one line, in spacings. */
const joined = 3;

/**
 * gaps returns which of the places without a value are to be left open: those
 * longer than three times the series' own spacing. A value a minute in a tier of
 * 10 s is a line.
 * @param {number} spacing
 */
export const gaps =
  (spacing) =>
  /** @param {any} u @param {number} _i @param {number} _a @param {number} _b @param {[number, number][]} list in pixels */
  (u, _i, _a, _b, list) => {
    const width = Math.abs(u.valToPos(u.scales.x.min + spacing, "x", true) - u.valToPos(u.scales.x.min, "x", true));
    return list.filter(([a, b]) => b - a > width * joined + 1);
  };

/**
 * shownAt is the value that a cursor is at: the nearest, if it is no further than
 * the line is drawn.
 * @param {Line} l @param {ArrayLike<number>} x @param {import("./chart.js").At|null} at @param {number} k the line's number
 */
export function shownAt(l, x, at, k) {
  const i = at?.of[k];
  return at && i != null && Math.abs(x[i] - x[at.i]) <= Math.max(l.spacing, l.step) * joined ? l.values[i] : undefined;
}

/** filled is a column with what gaps would join, for areas that stand on each other. @param {(number|null|undefined)[]} values @param {ArrayLike<number>} at @param {number} spacing */
export function filled(values, at, spacing) {
  const out = values.slice();
  let before = -1;
  for (let i = 0; i < out.length; i++) {
    if (out[i] == null) continue;
    if (before >= 0 && i - before > 1 && at[i] - at[before] <= spacing * joined) {
      const a = /** @type {number} */ (out[before]);
      const slope = /** @type {number} */ (/** @type {number} */ (out[i]) - a) / (at[i] - at[before]);
      for (let k = before + 1; k < i; k++) out[k] = a + slope * (at[k] - at[before]);
    }
    before = i;
  }
  return out;
}

/** stacked puts columns on each other. @param {(number|null|undefined)[][]} columns */
export function stacked(columns) {
  const sum = new Array(columns[0]?.length ?? 0).fill(0);
  return columns.map((values) => values.map((v, i) => (v == null ? null : (sum[i] += v))));
}
