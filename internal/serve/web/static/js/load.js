// What a graph asks the server, and what it makes of the answers.
import { render } from "./api.js";
import { column, filled, spacing, stacked, times } from "./points.js";
import { drew, rangeOf, zoneOf } from "./time.js";
import { closed, isPath, withStatistic } from "./target.js";

/**
 * @typedef {import("./points.js").Line} Line
 * @typedef {import("./api.js").Answer} Answer
 * @typedef {Pick<import("./url.js").View, "targets"|"from"|"until"|"tz"|"draw"|"bands"|"weeks"|"hidden">} Wish
 *
 * @typedef {object} Picture what is to be drawn
 * @property {ArrayLike<number>} x Unix seconds
 * @property {Line[]} lines
 * @property {(number|null|undefined)[][]} drawn what is drawn of the lines: stacked, or as they are
 * @property {[number, number]} range asked for, Unix seconds
 * @property {{target: number, text: string, none?: boolean}[]} faults by target; none: nothing is wrong with it but that it found nothing
 */

/**
 * load asks for all that a graph shows. Each target is asked for by itself, so
 * that one with a mistake does not take the others with it.
 * @param {Wish} wish @param {number} points how many a series may have @param {AbortSignal} signal
 * @returns {Promise<Picture>}
 */
export async function load(wish, points, signal) {
  /** @type {Picture["faults"]} */
  const faults = [];
  const asked = wish.targets.flatMap((t, i) => questions(t, i, wish));
  const answers = await Promise.all(
    asked.map(async (q) => {
      try {
        const q1 = { target: [q.text], from: wish.from, until: wish.until, tz: zoneOf(wish.tz), maxDataPoints: points };
        const found = await render(q1, signal);
        if (!found.length && q.role === "now") faults.push({ target: q.target, text: nothing(q.text), none: true });
        if (isPath(wish.targets[q.target])) found.sort((a, b) => natural.compare(a.target, b.target));
        return found.map((a) => ({ ...q, answer: a }));
      } catch (e) {
        if (signal.aborted || /** @type {any} */ (e).code === 0) throw e; // nothing is known anew, so what is there stays
        if (q.role === "now") faults.push({ target: q.target, text: /** @type {Error} */ (e).message });
        return [];
      }
    }),
  );
  return picture(answers.flat(), wish, faults);
}

/** natural is the order of people: web2 before web10. */
export const natural = new Intl.Collator("en", { numeric: true });

/** nothing says why a target may have found nothing. @param {string} t */
const nothing = (t) =>
  /["']/.test(closed(t).replace(/"[^"]*"|'[^']*'/g, "")) || closed(t) !== t
    ? "A bracket or quote is not closed."
    : "No series has such a name in this time.";

/** @typedef {{text: string, target: number, role: Line["role"], weeks: number}} Question */

/** questions are what is asked for one target. @param {string} t @param {number} i @param {Pick<Wish, "bands"|"weeks">} wish @returns {Question[]} */
export function questions(t, i, wish) {
  /** @type {Question[]} */
  const list = [{ text: t, target: i, role: "now", weeks: 0 }];
  const ends = { minmax: ["min", "max"], stddev: ["average", "stddev"] }[wish.bands[i]];
  const [low, high] = ends ? ends.map((e) => withStatistic(t, e)) : [];
  if (low && high) list.push({ text: low, target: i, role: "low", weeks: 0 }, { text: high, target: i, role: "high", weeks: 0 });
  for (const w of wish.weeks) list.push({ text: `timeShift(${t},"${w * 7}d")`, target: i, role: "past", weeks: w });
  return list;
}

/** @param {(Question & {answer: Answer})[]} answers @param {Wish} wish @param {Picture["faults"]} faults @returns {Picture} */
function picture(answers, wish, faults) {
  const x = times(answers.map((a) => a.answer));
  let order = 0;
  const lines = answers.map(({ answer, target, role, weeks }) => ({
    name: answer.target,
    target,
    role,
    weeks,
    order: role === "now" ? order++ : -1,
    spacing: spacing(answer.datapoints),
    step: (answer.datapoints[1]?.[1] ?? NaN) - answer.datapoints[0]?.[1] || 0,
    values: column(answer.datapoints, x),
  }));
  pair(lines, wish);
  const now = Math.floor(Date.now() / 1000);
  const [begin, end] = rangeOf(wish, now);
  const range = /** @type {[number, number]} */ (begin < end ? [begin, end] : [x[0] ?? now - 3600, x[x.length - 1] ?? now]);
  drew(wish, range);
  return {
    x,
    lines,
    drawn: wish.draw === "stack" ? stack(lines, x, wish.hidden) : lines.map((l) => l.values),
    range,
    faults,
  };
}

/**
 * pair gives the ends of bands and past weeks the place of their series, and makes
 * the ends of a deviation of it.
 * @param {Line[]} lines @param {Wish} wish
 */
function pair(lines, wish) {
  for (const target of new Set(lines.map((l) => l.target))) {
    const of = (/** @type {Line["role"]} */ role, weeks = 0) =>
      lines.filter((l) => l.target === target && l.role === role && l.weeks === weeks);
    const now = of("now");
    for (const role of /** @type {Line["role"][]} */ (["low", "high"])) of(role).forEach((l, i) => (l.order = now[i]?.order ?? 0));
    for (const w of wish.weeks)
      of("past", w).forEach((l, i) => {
        const same = now.find((n) => l.name.startsWith(`timeShift(${n.name}, "`)) ?? now[i]; // some are younger than that
        l.order = same?.order ?? 0;
        l.name = `${same?.name ?? l.name}, ${w === 1 ? "a week" : w + " weeks"} before`;
      });
    if (wish.bands[target] !== "stddev") continue;
    const high = of("high");
    of("low").forEach((l, i) => {
      const mean = l.values;
      const by = high[i]?.values ?? [];
      l.values = mean.map((v, k) => (v == null ? v : v - (by[k] ?? 0)));
      if (high[i]) high[i].values = mean.map((v, k) => (v == null ? v : v + (by[k] ?? 0)));
    });
  }
}

/** stack puts the series of now on each other, but for those that are hidden. @param {Line[]} lines @param {ArrayLike<number>} x @param {string[]} hidden */
function stack(lines, x, hidden) {
  const drawn = lines.map((l) => l.values);
  const which = lines.flatMap((l, i) => (l.role === "now" && !hidden.includes(l.name) ? [i] : []));
  stacked(which.map((i) => filled(lines[i].values, x, lines[i].spacing))).forEach((c, k) => (drawn[which[k]] = c));
  return drawn;
}
