// What may stand where somebody types: names of what there is, functions from the
// server's list, with what they do.
import "./sheet.js";
import { functions, search } from "./api.js";

/** @typedef {{text: string, insert: string, kind: "metric"|"branch"|"function", doc: string, begin: number}} Hint */

/** word returns the name that ends at the cursor, and where it begins; words that stand alone are one. @param {string} s @param {number} at */
function word(s, at) {
  if (!/[(),'"|]/.test(s)) return { begin: 0, text: s.slice(0, at).trim() };
  let begin = at;
  let braces = 0;
  while (begin > 0) {
    const c = s[begin - 1];
    if (c === "}") braces++;
    if (c === "{") braces--;
    if (braces <= 0 && /[\s(),'"|]/.test(c)) break;
    begin--;
  }
  return { begin, text: s.slice(begin, at) };
}

const most = 30; // hints of a kind

/**
 * names returns what begins with a text, then what has its words anywhere in the
 * path, in their order.
 * @param {string} text @param {AbortSignal} signal
 */
async function names(text, signal) {
  const words = text.split(/\s+/).map((w) => w.replace(/^\*+|\*+$/g, ""));
  const begins = /\s|\*$/.test(text) ? text : text + "*";
  const asked = [
    begins,
    ...(words[0] ? ["**." + words.map((w) => `*${w}*`).join(".**.")] : []),
    ...(words[1] ? [`**.*${words.join("*")}*`] : []),
  ];
  const found = await Promise.all(asked.map((q) => search(q, most, signal).catch(() => [])));
  const all = new Map(found.flat().map((n) => [n.path + n.is_leaf, n]));
  return [...all.values()].slice(0, most);
}

/**
 * hints returns what may stand at the cursor.
 * @param {string} s @param {number} at @param {AbortSignal} signal @returns {Promise<Hint[]>}
 */
export async function hints(s, at, signal) {
  const { begin, text } = word(s, at);
  if (/^[\d.]*$/.test(text) && begin > 0) return [];
  const quotes = s.slice(0, begin).replace(/[^"']/g, "").length;
  if (quotes % 2) return [];
  const [nodes, fns] = await Promise.all([names(text, signal), text && !/[.\s]/.test(text) ? functions().catch(() => ({})) : {}]);
  const paths = nodes.map(({ path, is_leaf }) => {
    const insert = is_leaf ? path : path + ".";
    return /** @type {Hint} */ ({ text: path, insert, kind: is_leaf ? "metric" : "branch", doc: "", begin });
  });
  const low = text.toLowerCase();
  const calls = Object.values(fns)
    .filter((f) => f.name.toLowerCase().includes(low))
    .sort(
      (a, b) => Number(b.name.toLowerCase().startsWith(low)) - Number(a.name.toLowerCase().startsWith(low)) || a.name.localeCompare(b.name),
    )
    .slice(0, 12)
    .map(
      (f) => /** @type {Hint} */ ({ text: f.function, insert: f.name + "(", kind: "function", doc: firstSentence(f.description), begin }),
    );
  return [...paths, ...calls];
}

/** @param {string} s */
export const firstSentence = (s) =>
  (s || "")
    .trim()
    .split(/\n\s*\n|\.\s/)[0]
    .replace(/\s+/g, " ")
    .slice(0, 160);
