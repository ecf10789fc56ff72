// A target as a tree and back: functions around names. It reads what it needs to
// show a target in parts; what is wrong in it the server says.

/**
 * @typedef {{kind: "call", name: string, args: Arg[]}} Call
 * @typedef {{kind: "text", text: string}} Text a name, string, number, or what is not understood
 * @typedef {Call|Text} Tree
 * @typedef {{key: string, value: Tree}} Arg key is "" but for name=value
 */

const closing = { "(": ")", "{": "}", "[": "]" };

/** pieces cuts s at commas that are in no brackets and no quotes. @param {string} s */
function pieces(s) {
  const list = [];
  let depth = 0;
  let quote = "";
  let begin = 0;
  for (let i = 0; i < s.length; i++) {
    const c = s[i];
    if (quote) {
      if (c === "\\") i++;
      else if (c === quote) quote = "";
    } else if (c === '"' || c === "'") quote = c;
    else if (c in closing) depth++;
    else if (c === ")" || c === "}" || c === "]") depth--;
    else if (c === "," && depth === 0) {
      list.push(s.slice(begin, i));
      begin = i + 1;
    }
  }
  const rest = s.slice(begin);
  if (rest.trim() || list.length) list.push(rest);
  return list.map((p) => p.trim());
}

/** parse reads a target. @param {string} s @returns {Tree} */
export function parse(s) {
  s = s.trim();
  const m = /^([A-Za-z_][\w]*)\(/.exec(s);
  if (!m || !s.endsWith(")") || matching(s, m[0].length - 1) !== s.length - 1) return { kind: "text", text: s };
  const args = pieces(s.slice(m[0].length, -1)).map((p) => {
    const k = /^([A-Za-z_]\w*)\s*=(?![=~])\s*/.exec(p);
    return k ? { key: k[1], value: parse(p.slice(k[0].length)) } : { key: "", value: parse(p) };
  });
  return { kind: "call", name: m[1], args };
}

/** matching returns where the bracket at i is closed, -1 for nowhere. @param {string} s @param {number} i */
function matching(s, i) {
  let depth = 0;
  let quote = "";
  for (; i < s.length; i++) {
    const c = s[i];
    if (quote) {
      if (c === "\\") i++;
      else if (c === quote) quote = "";
    } else if (c === '"' || c === "'") quote = c;
    else if (c === "(") depth++;
    else if (c === ")" && --depth === 0) return i;
  }
  return -1;
}

/** closed is a target with the brackets that it left open closed. @param {string} s */
export function closed(s) {
  const bare = s.replace(/"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'/g, "");
  return /["']/.test(bare) ? s : s + ")".repeat(Math.max(0, bare.split("(").length - bare.split(")").length));
}

/** print is parse's inverse. @param {Tree} t @returns {string} */
export function print(t) {
  if (t.kind === "text") return t.text;
  return `${t.name}(${t.args.map((a) => (a.key ? a.key + "=" : "") + print(a.value)).join(",")})`;
}

/**
 * chain returns what a target begins with, and the functions around it from the
 * inside out; each has its other arguments as text.
 * @param {string} s
 * @returns {{source: string, steps: {name: string, args: string[]}[]}}
 */
export function chain(s) {
  let t = parse(s);
  /** @type {{name: string, args: string[]}[]} */
  const steps = [];
  while (t.kind === "call" && t.name !== "seriesByTag" && t.args.length && !t.args[0].key && opens(t.args[0].value)) {
    steps.unshift({ name: t.name, args: t.args.slice(1).map((a) => (a.key ? a.key + "=" : "") + print(a.value)) });
    t = t.args[0].value;
  }
  return { source: print(t), steps };
}

/** opens reports whether series come out of a tree, rather than a number or string. @param {Tree} t */
const opens = (t) => t.kind === "call" || !/^(["'].*|[-+]?[\d.]+(e[-+]?\d+)?|true|false|none|inf)$/i.test(t.text);

/** join is chain's inverse. @param {{source: string, steps: {name: string, args: string[]}[]}} c */
export const join = ({ source, steps }) => steps.reduce((s, f) => `${f.name}(${[s, ...f.args.filter((a) => a !== "")].join(",")})`, source);

/** quoted writes a string for a target. @param {string} s */
export const quoted = (s) => (s.includes('"') ? `'${s.replace(/'/g, "")}'` : `"${s}"`);

/** isPath reports whether a target is a name or pattern without functions. @param {string} s */
export const isPath = (s) => /^[^\s(),"'=]+$/.test(s.replace(/\{[^}]*\}/g, "x")) || /^seriesByTag\([^()]*\)$/.test(s);

/**
 * withStatistic has a target's names read another column of what is kept; null
 * where there is none to read it of.
 * @param {string} s @param {string} what min, max, stddev, count, sum, average
 */
export function withStatistic(s, what) {
  const { source, steps } = chain(s);
  if (!isPath(source) || steps.some((f) => f.name === "statistic")) return null;
  return join({ source: `statistic(${source},'${what}')`, steps });
}
