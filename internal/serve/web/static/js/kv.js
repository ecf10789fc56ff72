// Values that the server keeps by key.
import { ask, Refused } from "./api.js";

/** The longest value, in bytes, as the server has it. */
const most = 256 << 10;

/** @param {string} container @param {string} key which may have slashes: proxies do not leave them escaped */
const at = (container, key) => `kv/${encodeURIComponent(container)}/${key.split("/").map(encodeURIComponent).join("/")}`;

/**
 * kept returns the value of a key and the tag of how it is now, null where there is none.
 * @param {string} container @param {string} key
 */
export async function kept(container, key) {
  try {
    const r = await ask(at(container, key));
    return { value: await r.json(), tag: r.headers.get("ETag") || "" };
  } catch (e) {
    if (e instanceof Refused && e.code === 404) return null;
    throw e;
  }
}

/** keys returns the keys of a container. @param {string} container @returns {Promise<string[]>} */
export const keys = async (container) => (await ask(at(container, ""))).json();

/**
 * keep keeps a value if what is there still has the tag; "": if nothing is, null:
 * whatever is there. It returns the tag of the value.
 * @param {string} container @param {string} key @param {string} value JSON @param {string|null} tag
 */
export async function keep(container, key, value, tag) {
  const size = new Blob([value]).size;
  if (size > most) throw new Error(`this is too large to keep: ${Math.ceil(size / 1024)} KiB, of ${most >> 10} KiB at most`);
  /** @type {Record<string, string>} */
  const headers = tag === null ? {} : tag ? { "If-Match": tag } : { "If-None-Match": "*" };
  return (await ask(at(container, key), { method: "PUT", body: value, headers })).headers.get("ETag") || "";
}

/** drop forgets a value. @param {string} container @param {string} key */
export const drop = (container, key) => ask(at(container, key), { method: "DELETE" });
