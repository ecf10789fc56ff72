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
