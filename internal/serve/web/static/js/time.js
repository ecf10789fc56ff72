// Times as Graphite writes them, and as people read them.

const units = { s: 1, min: 60, m: 60, h: 3600, d: 86400, w: 604800, mon: 2592000, y: 31536000 };

/** The ranges offered; from until now. */
export const ranges = [
  ["-15min", "15 minutes"],
  ["-1h", "1 hour"],
  ["-3h", "3 hours"],
  ["-12h", "12 hours"],
  ["-24h", "24 hours"],
  ["-2d", "2 days"],
  ["-7d", "7 days"],
  ["-30d", "30 days"],
  ["-90d", "90 days"],
  ["-1y", "1 year"],
];

/** span reads "24h" as seconds, NaN when it is none. @param {string} s */
export function span(s) {
  const m = /^(\d+)\s*([a-z]+)$/.exec(s);
  if (!m) return NaN;
  const name = m[2].startsWith("mon") ? "mon" : m[2].startsWith("mi") ? "min" : m[2][0];
  return Number(m[1]) * (units[/** @type {keyof typeof units} */ (name)] ?? NaN);
}

/** isSecond reports whether a time is a Unix second that calendars have. @param {string} t */
export const isSecond = (t) => /^\d{9,12}$/.test(t);

/**
 * second returns the Unix second that a time means, NaN for forms that only the
 * server reads.
 * @param {string} t
 * @param {number} now
 */
export function second(t, now) {
  if (t === "now" || t === "") return now;
  if (isSecond(t)) return Number(t);
  if (/^-\d/.test(t)) return now - span(t.slice(1));
  if (/^now-\d/.test(t)) return now - span(t.slice(4));
  return NaN;
}

/** What the server made of forms that only it reads, by their texts: what was drawn. @type {Map<string, [number, number]>} */
const drawn = new Map();

/** @typedef {{from: string, until: string}} Span */

/** drew remembers which range a span was drawn as. @param {Span} v @param {[number, number]} range */
export const drew = (v, range) => void drawn.set(v.from + " " + v.until, range);

/** rangeOf returns the range of a span, NaN where nothing is known of it. @param {Span} v @param {number} [now] @returns {[number, number]} */
export function rangeOf(v, now = Math.floor(Date.now() / 1000)) {
  const [a, b] = [second(v.from, now), second(v.until, now)];
  return Number.isNaN(a + b) ? (drawn.get(v.from + " " + v.until) ?? [NaN, NaN]) : [a, b];
}

/** zoneOf returns the zone that a view's tz means. @param {string} tz */
export const zoneOf = (tz) => tz || Intl.DateTimeFormat().resolvedOptions().timeZone;

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** parts returns a time's numbers in a zone. @param {number} t Unix seconds @param {string} zone */
export function parts(t, zone) {
  let f = formats.get(zone);
  if (!f) {
    const two = /** @type {const} */ ("2-digit");
    f = new Intl.DateTimeFormat("en-GB", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: two,
      day: two,
      hour: two,
      minute: two,
      second: two,
      weekday: "short",
    });
    formats.set(zone, f);
  }
  const p = Object.fromEntries(f.formatToParts(t * 1000).map((x) => [x.type, x.value]));
  return {
    date: `${p.year}-${p.month}-${p.day}`,
    day: `${p.weekday} ${Number(p.day)} ${months[Number(p.month) - 1]}`,
    month: `${months[Number(p.month) - 1]} ${p.year}`,
    time: `${p.hour}:${p.minute}`,
    second: p.second,
  };
}

/** full writes a time to the second. @param {number} t @param {string} zone */
export function full(t, zone) {
  const p = parts(t, zone);
  return `${p.date} ${p.time}:${p.second}`;
}

/** Steps between the marks of a time axis, in seconds; a day and more count as calendar days. */
export const steps = [
  1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 1209600, 2592000, 7776000,
  15552000, 31536000, 63072000, 157680000, 315360000, 630720000,
];

/**
 * marks writes times of an axis, and the day where it begins.
 * @param {number[]} list @param {string} zone @param {number} step
 */
export function marks(list, zone, step) {
  let before = "";
  return list.map((t) => {
    const p = parts(t, zone);
    const newDay = p.date !== before;
    before = p.date;
    if (step >= 86400) return step >= 2592000 ? p.month : p.day;
    const clock = step < 60 ? `${p.time}:${p.second}` : p.time;
    return newDay ? `${clock}\n${p.day}` : clock;
  });
}

/** long says how long something is. @param {number} s seconds */
export function long(s) {
  for (const [n, name] of /** @type {[number, string][]} */ ([
    [86400, "d"],
    [3600, "h"],
    [60, "min"],
  ])) {
    if (s >= n) return +(s / n).toFixed(1) + " " + name;
  }
  return s + " s";
}

/** zones returns the names of all time zones, the nearest first. */
export function zones() {
  const all = typeof Intl.supportedValuesOf === "function" ? Intl.supportedValuesOf("timeZone") : [];
  return ["UTC", ...all.filter((z) => z !== "UTC")];
}

/**
 * within is where a range can be that begins there: nothing is known of later than
 * now, and what is before 1973 is not written as seconds.
 * @param {number} begin @param {number} length
 */
export function within(begin, length) {
  const end = Math.floor(Date.now() / 1000) + 60;
  const from = Math.max(1e8, Math.min(begin, end - length));
  return [from, Math.min(from + length, end)].map(Math.round);
}

/**
 * shifted moves a range by a share of its length, or makes it longer, as absolute
 * times.
 * @param {Span} v
 * @param {{by?: number, grow?: number}} how
 */
export function shifted(v, { by = 0, grow = 1 }) {
  const [a, b] = rangeOf(v);
  if (!(b > a)) return v;
  const length = Math.max((b - a) * grow, 10);
  const [from, until] = within((a + b - length) / 2 + (b - a) * by, length).map(String);
  return { from, until };
}
