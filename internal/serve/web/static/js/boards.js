// Dashboards as they are kept: on the server, under a name.
import { own } from "./api.js";
import { room, settled } from "./grid.js";
import { drop, keep, kept, keys } from "./kv.js";
import { plain } from "./url.js";
import { templates } from "./templates.js";

/**
 * @typedef {import("./url.js").View} View
 * @typedef {import("./grid.js").Cell & {id: number, title: string} & Pick<View, "targets"|"draw"|"log"|"right"|"bands"|"weeks"|"colors">} Panel
 *   its id is the page's own and is not kept
 * @typedef {{name: string, query: string, cut: number}} Variable query is a pattern; the node that its last * is at are the values,
 *   or what is before the last `cut` nodes of what it finds
 * @typedef {{version: 1, title: string, vars: Variable[], panels: Panel[]}} Board
 * @typedef {{board: Board, tag: string, note?: string}} Known a dashboard, and the tag that the server knows it by; "": it does not; note is to be said of it
 */

const container = "dashboards";

/** How many names the server lists at most. */
const listed = 10000;
const template = "template:";

/** How many graphs and variables a dashboard has at most: what lies on it is placed one by one. */
const most = 1000;

/** What was changed and not saved, by name. It stays while the page is open, whatever else is looked at. @type {Map<string, Known>} */
const drafts = new Map();

/** unsaved tells of a dashboard that would be lost with the page. */
export const unsaved = () => [...drafts].some(([name, d]) => !isTemplate(name) && (d.tag || d.board.panels.length));
addEventListener("beforeunload", (e) => unsaved() && e.preventDefault());

let panels = 0;

/** texts keeps what is a text. @param {any} list */
const texts = (list) => (Array.isArray(list) ? list.filter((x) => typeof x === "string") : []);

/** naturals keeps what counts something. @param {any} list @param {number} end */
const naturals = (list, end) => (Array.isArray(list) ? list.filter((n) => Number.isInteger(n) && n >= 0 && n <= end) : []);

/** fitting keeps values that look as they should. @param {any} map @param {RegExp} form @returns {Record<string, string>} */
const fitting = (map, form) => Object.fromEntries(Object.entries(map ?? {}).filter(([, v]) => form.test(String(v))));

/** @param {any} n @param {number} usual */
const number = (n, usual) => (Number.isFinite(n) ? Math.min(Math.max(n, 0), most * 20) : usual);

/** panel makes a graph of what was read, whoever wrote it. @param {any} p @param {import("./grid.js").Cell} cell @returns {Panel} */
export const panel = (p, cell) => ({
  id: ++panels,
  title: String(p?.title ?? ""),
  targets: texts(p?.targets),
  draw: p?.draw === "area" || p?.draw === "stack" ? p.draw : "lines",
  log: Boolean(p?.log),
  right: naturals(p?.right, most),
  bands: fitting(p?.bands, /^(minmax|stddev)$/),
  weeks: naturals(p?.weeks, 520).slice(0, 8),
  colors: fitting(p?.colors, /^#[0-9a-f]{6}$/i),
  x: number(p?.x, cell.x),
  y: number(p?.y, cell.y),
  w: number(p?.w, cell.w),
  h: number(p?.h, cell.h),
});

/** board makes a dashboard of what was read; what is missing is as usual. @param {any} b @returns {Board} */
export function board(b) {
  if (b?.version !== 1 || !Array.isArray(b.panels)) throw new Error("this is no dashboard of logmetrics or graphite-web");
  return made(
    String(b.title ?? ""),
    Array.isArray(b.vars) ? b.vars : [],
    b.panels.map((/** @type {any} */ p) => panel(p, room([]))),
  );
}

/** made puts a dashboard together. @param {string} title @param {any[]} vars @param {Panel[]} list @returns {Board} */
export function made(title, vars, list) {
  if (list.length > most || vars.length > most) throw new Error(`this has more than ${most} graphs or variables`);
  const named = vars.filter((v) => /^\w+$/.test(v?.name) && typeof v.query === "string");
  return {
    version: 1,
    title,
    vars: named.map((v) => ({ name: v.name, query: v.query, cut: number(v.cut, 0) })),
    panels: settled(list),
  };
}

/** @returns {Board} */
export const empty = (title = "") => made(title, [], []);

/** text is a dashboard as it is kept and exported. @param {Board} b */
export const text = (b, space = 0) => JSON.stringify(b, (key, value) => (key === "id" ? undefined : value), space);

/** load returns a dashboard as it is kept, null when there is none of that name. @param {string} name @returns {Promise<Known|null>} */
async function load(name) {
  const own = templates.find((t) => template + t.name === name);
  if (isTemplate(name)) return own ? { board: board(own.board), tag: "" } : null;
  const all = await names(); // asked first, as a browser shows each 404 as an error
  if (!all.includes(name) && all.length < listed) return null;
  const found = await kept(container, name);
  return found && { board: board(found.value), tag: found.tag };
}

/** open returns a dashboard as it was left: with what was not saved, else as it is kept. @param {string} name */
export const open = async (name) => drafts.get(name) ?? (await load(name));

/** isChanged reports whether something of a dashboard is not saved. @param {string} name */
export const isChanged = (name) => drafts.has(name);

/** change remembers a dashboard that is not saved. @param {string} name @param {Known} known */
export const change = (name, known) => void drafts.set(name, known);

/** discard forgets what was not saved. @param {string} name */
export const discard = (name) => void drafts.delete(name);

/** isTemplate reports whether a name is one of those that come by themselves. @param {string} name */
export const isTemplate = (name) => name.startsWith(template);

/** names returns the names of all that are kept. */
export const names = () => keys(container);

/** last is the name that this browser saved or opened last. */
export const last = () => localStorage.getItem(own("dashboard")) || "";

/** remember makes it so. @param {string} name */
export const remember = (name) => isTemplate(name) || localStorage.setItem(own("dashboard"), name);

/** proper returns a name, or says why it is none. @param {string} name */
export function proper(name) {
  if (isTemplate(name)) throw new Error("names do not begin with template:");
  if (new Blob([name]).size > 200) throw new Error("a name has 200 bytes at most");
  if (name.split("/").some((part) => ["", ".", ".."].includes(part)))
    throw new Error("between slashes of a name is something else than . or ..");
  return name;
}

/**
 * save keeps a dashboard where the tag says what was there: "" for nothing. It
 * returns how it is known then.
 * @param {string} name @param {Board} b @param {string|null} tag
 */
export async function save(name, b, tag) {
  const board = { ...b, title: name };
  const known = { board, tag: await keep(container, proper(name), text(board), tag) };
  remember(name);
  return known;
}

/** @param {string} name */
export async function remove(name) {
  await drop(container, name);
  discard(name);
}

/** rename keeps a dashboard under another name. @param {string} from @param {string} to @param {Board} b */
export async function rename(from, to, b) {
  await save(to, b, "");
  await remove(from);
}

/** added is a dashboard with one more panel, that of a view. @param {Board} b @param {View} v @returns {Board} */
export const added = (b, v) => ({ ...b, panels: [...b.panels, panel({ ...of(v), title: v.targets[0] }, room(b.panels))] });

/** edited is a dashboard with a panel as a view has it; its title follows a target that was its title. @param {Board} b @param {number} i @param {View} v @returns {Board} */
export function edited(b, i, v) {
  const now = b.panels[i];
  if (!now) return added(b, v);
  const title = now.title === now.targets[0] ? v.targets[0] : now.title;
  return { ...b, panels: b.panels.with(i, { ...now, ...of(v), title }) };
}

/** of is what a panel keeps of a view. @param {Omit<Panel, "id"|"title"|keyof import("./grid.js").Cell>} v */
export const of = ({ targets, draw, log, right, bands, weeks, colors }) => ({ targets, draw, log, right, bands, weeks, colors });

/** viewOf is a panel as it is looked at in a view. @param {Panel} p @param {View} v @returns {View} */
export const viewOf = (p, v) => ({
  ...plain,
  ...of(p),
  vars: v.vars,
  from: v.from,
  until: v.until,
  tz: v.tz,
  events: v.events,
  hidden: v.hidden,
});
