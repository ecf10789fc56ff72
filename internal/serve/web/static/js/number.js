// Numbers as people read them.

const small = ["", "m", "µ", "n"];
const large = ["", "k", "M", "G", "T", "P", "E"];

/** round cuts what is no more than noise. @param {number} v @param {number} digits */
const round = (v, digits) => String(Number(v.toPrecision(digits)));

/** short writes a value in few characters: 1.2k, 3.4M. @param {number|null|undefined} v */
export function short(v) {
  if (v == null || Number.isNaN(v)) return "–";
  const a = Math.abs(v);
  if (a === 0) return "0";
  if (a >= 1e21 || a < 1e-12) return v.toExponential(2);
  if (a >= 1) {
    const i = Math.min(Math.floor(Math.log10(a) / 3 + 1e-12), large.length - 1);
    return i === 0 ? round(v, 4) : round(v / 1000 ** i, 4) + large[i];
  }
  if (a >= 0.001) return round(v, 3);
  const i = Math.min(Math.ceil(-Math.log10(a) / 3), small.length - 1);
  return round(v * 1000 ** i, 3) + small[i];
}

/**
 * ticks writes the values of an axis: all in one unit, with as many digits as tell
 * them apart.
 * @param {(number|null)[]} list null: no mark
 */
export function ticks(list) {
  const values = list.filter((v) => v != null);
  const top = Math.max(...values.map(Math.abs));
  const i = top >= 1000 && top < 1e21 ? Math.min(Math.floor(Math.log10(top) / 3 + 1e-12), large.length - 1) : 0;
  const unit = 1000 ** i;
  const step = Math.abs((values[1] ?? top) - (values[0] ?? 0)) / unit;
  let digits = 0;
  while (digits < 9 && Math.abs(step * 10 ** digits - Math.round(step * 10 ** digits)) > 1e-6) digits++;
  const plain = top < 1e-6 || top >= 1e21 ? short : (/** @type {number} */ v) => (v ? (v / unit).toFixed(digits) + large[i] : "0");
  return list.map((v) => (v == null ? "" : plain(v)));
}

/** near writes a value without the noise behind its ninth digit. @param {number|null|undefined} v */
export const near = (v) => (v == null || Number.isNaN(v) ? "–" : Number.isInteger(v) ? String(v) : round(v, 9));

/** exact writes all of a value. @param {number|null|undefined} v */
export const exact = (v) => (v == null || Number.isNaN(v) ? "–" : String(v));

/**
 * summary of the values of a series; nulls count nothing.
 * @param {(number|null|undefined)[]} values
 */
export function summary(values) {
  let n = 0;
  let sum = 0;
  let min = Infinity;
  let max = -Infinity;
  let last = NaN;
  for (const v of values) {
    if (v == null) continue;
    n++;
    sum += v;
    if (v < min) min = v;
    if (v > max) max = v;
    last = v;
  }
  return n ? { n, min, max, avg: sum / n, last } : { n, min: NaN, max: NaN, avg: NaN, last };
}
