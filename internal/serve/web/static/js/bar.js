// What can be done with a dashboard.
import { html } from "./dom.js";
import { Refused } from "./api.js";
import { isTemplate, remove, rename, text } from "./boards.js";
import { ask } from "./dialog.js";
import { variable } from "./vars.js";

/**
 * @typedef {import("./url.js").View} View
 * @typedef {ReturnType<typeof import("./dashboard.js").useBoard>} Held
 */

/** @param {{held: Held, view: View, onView: (p: Partial<View>) => void}} props */
export function Bar({ held, view, onView }) {
  const name = view.dashboard;
  const fixed = isTemplate(name);
  const b = /** @type {import("./boards.js").Board} */ (held.known?.board);
  const saveAs = async () => {
    const value = name.replace("template:", "");
    const act = (/** @type {string} */ as) => held.save(as, as === name ? undefined : "").catch(taken(as));
    const as = await ask({ title: "Save as", label: "name", value, does: "save", act });
    if (as) onView({ dashboard: as });
  };
  const renameIt = async () => {
    const act = (/** @type {string} */ to) => to !== name && rename(name, to, b).catch(taken(to));
    const to = await ask({
      title: "Rename the dashboard",
      label: "name",
      value: name,
      hint: "Links to the old name lead nowhere then.",
      does: "rename",
      act,
    });
    if (to) onView({ dashboard: to });
  };
  const addVar = () =>
    ask({
      title: "A variable",
      label: "name and pattern",
      value: "host=servers.*",
      hint: "Targets that have $host in them then show the host that is chosen, or all. A pattern may have the variables before it.",
      does: "add",
      act: (s) => held.change({ vars: [...b.vars.filter((x) => x.name !== variable(s).name), variable(s)] }),
    });
  const forget = async () => {
    const gone = await ask({ title: `Delete the dashboard ${name}?`, does: "delete", danger: true, act: () => remove(name) });
    if (gone) onView({ dashboard: "" });
  };
  const wall = () => {
    document.documentElement.requestFullscreen?.().catch(() => {}); // where it may not, it fills the window
    onView({ full: -2 });
  };
  return html`<div class="looks bar" role="toolbar" aria-label="dashboard">
    <h1 title=${name}>${fixed ? b.title : name}</h1>
    <button onClick=${() => save(held, name)} disabled=${fixed || (!held.changed && held.known?.tag)}>save</button>
    ${held.changed && html`<button onClick=${held.discard} title="as it was saved last">discard</button>`}
    <button onClick=${saveAs}>save as…</button>
    ${!fixed && html`<button onClick=${renameIt}>rename…</button>`}
    <button onClick=${addVar}>variable…</button>
    <button onClick=${() => download(name, b)}>export</button>
    <button onClick=${wall} title="nothing but the graphs; Esc comes back">full screen</button>
    ${!fixed && html`<button class="danger" onClick=${forget}>delete</button>`}
    <label>events <input class="arg" aria-label="tags of events" placeholder="none; * all" value=${view.events} onChange=${(/** @type {any} */ e) => onView({ events: e.target.value.trim() })} /></label>
    <span role="status">${held.said || (held.changed ? "not saved" : "")}</span>
  </div>`;
}

/** taken says of a name under which something was not kept why. @param {string} name @returns {(e: Error) => never} */
const taken = (name) => (e) => {
  throw e instanceof Refused && e.code === 412
    ? new Error(`there is already a dashboard ${name}: choose another name, or delete that one before`)
    : e;
};

/** save keeps what was changed, and asks when somebody else has done so meanwhile. @param {Held} held @param {string} name */
async function save(held, name) {
  try {
    await held.save(name);
  } catch (e) {
    if (!(e instanceof Refused && e.code === 412)) return held.say("not saved: " + /** @type {Error} */ (e).message);
    ask({
      title: held.known?.tag ? `Somebody else has changed ${name} since you opened it` : `There is already a dashboard ${name}`,
      hint: "Overwriting loses what is saved there. To keep both, cancel and save yours under another name.",
      does: "overwrite",
      danger: true,
      act: () => held.save(name, null),
      other: { does: "take that one", act: held.discard },
    });
  }
}

/** @param {string} name @param {import("./boards.js").Board} b */
function download(name, b) {
  const a = document.createElement("a");
  a.href = URL.createObjectURL(new Blob([text(b, 2)], { type: "application/json" }));
  a.download = name.replace(/[^\w.-]+/g, "-") + ".json";
  a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 1000);
}
