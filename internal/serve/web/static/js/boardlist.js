// Where a dashboard is chosen, made or imported.
import { html, useEffect, useState } from "./dom.js";
import { expand } from "./api.js";
import { change, isChanged, last, names, proper } from "./boards.js";
import { Dialog } from "./dialog.js";
import { imported } from "./graphite.js";
import { templates } from "./templates.js";

/** @typedef {(name: string, time?: Partial<import("./url.js").View>) => void} Choose */

/** How many names are shown at once. */
const most = 100;

/** DashboardList is where one is chosen. @param {{onChoose: Choose, onClose: () => void}} props */
export function DashboardList({ onChoose, onClose }) {
  const [kept, setKept] = useState(/** @type {string[]|null} */ (null));
  const [there, setThere] = useState(/** @type {string[]|null} */ (null));
  const [fault, setFault] = useState("");
  const [sought, setSought] = useState("");
  const [importing, setImporting] = useState(false);
  useEffect(() => {
    names().then(setKept, (e) => (setKept([]), setFault(e.message)));
    Promise.all(
      templates.map((t) =>
        expand(t.probe).then(
          (r) => r.results.length > 0 && t.name,
          () => false,
        ),
      ),
    ).then((found) => setThere(/** @type {string[]} */ (found.filter(Boolean))));
  }, []);
  const make = (/** @type {any} */ e) => {
    e.preventDefault();
    try {
      onChoose(proper(sought.trim()));
    } catch (err) {
      setFault(/** @type {Error} */ (err).message);
    }
  };
  if (importing)
    return html`<${Dialog} key="import" title="Import a dashboard" onClose=${onClose}><${Import} onChoose=${onChoose} onBack=${() => setImporting(false)} /><//>`;
  const item = (/** @type {string} */ name, /** @type {string} */ text, note = "") =>
    html`<li key=${name}><button class="plain" title=${text} onClick=${() => onChoose(name)}>${text}</button>${note && html` <span class="quiet">${note}</span>`}</li>`;
  const shown = (kept ?? []).filter((n) => n.toLowerCase().includes(sought.trim().toLowerCase()));
  const recent = last();
  if (shown.includes(recent)) shown.unshift(...shown.splice(shown.indexOf(recent), 1));
  return html`<${Dialog} key="list" title="Dashboards" onClose=${onClose}>
    <form class="line" onSubmit=${make}>
      <input name="name" data-first aria-label="find, or name a new one" placeholder="find, or name a new one" autocomplete="off" value=${sought} onInput=${(/** @type {any} */ e) => setSought(e.target.value)} />
      <button disabled=${!sought.trim()}>${kept?.includes(sought.trim()) ? "open" : "make"}</button>
      <button type="button" onClick=${() => setImporting(true)}>import…</button>
    </form>
    ${fault && html`<p class="fault" role="alert">${fault}</p>`}
    <h3>Kept</h3>
    ${shown.length ? html`<ul>${shown.slice(0, most).map((n) => item(n, n, isChanged(n) ? "not saved" : n === recent ? "last" : ""))}</ul>` : html`<p class="quiet">${!kept ? "loading" : kept.length ? "None has such a name." : "None yet. Explore a metric, then press “to dashboard”."}</p>`}
    ${shown.length > most && html`<p class="quiet">and ${shown.length - most} more: type a part of the name</p>`}
    <h3>For what is sent here</h3>
    ${there?.length ? html`<ul>${templates.filter((t) => there.includes(t.name)).map((t) => item("template:" + t.name, t.title))}</ul>` : html`<p class="quiet">${there ? "No parser of logmetrics has sent anything yet." : "loading"}</p>`}
  <//>`;
}

/** Import reads a dashboard from a file or from what is pasted. @param {{onChoose: Choose, onBack: () => void}} props */
function Import({ onChoose, onBack }) {
  const [json, setJSON] = useState("");
  const [name, setName] = useState("");
  const [fault, setFault] = useState("");
  const take = (/** @type {string} */ text) => {
    setJSON(text);
    setFault("");
    try {
      setName((n) => n || imported(JSON.parse(text)).name);
    } catch {
      // it is said when the button is pressed
    }
  };
  const submit = (/** @type {any} */ e) => {
    e.preventDefault();
    try {
      const found = imported(parsed(json));
      const as = proper(name.trim());
      const note = "imported, not saved" + (found.left.length ? "; without " + found.left.join(", ") : "");
      change(as, { board: found.board, tag: "", note });
      onChoose(as, found.time);
    } catch (err) {
      setFault(/** @type {Error} */ (err).message);
    }
  };
  return html`<form class="ask" onSubmit=${submit}>
    <label>file <input type="file" accept="application/json,.json" onChange=${(/** @type {any} */ e) => e.target.files[0]?.text().then(take)} /></label>
    <label>or its text <textarea data-first rows="6" spellcheck="false" placeholder="what export wrote, or dashboard/load/NAME of graphite-web answers" value=${json} onInput=${(/** @type {any} */ e) => take(e.target.value)}></textarea></label>
    <label>name <input name="name" required autocomplete="off" value=${name} onInput=${(/** @type {any} */ e) => setName(e.target.value)} /></label>
    ${fault && html`<p class="fault" role="alert">${fault}</p>`}
    <p class="answers"><button>import</button> <button type="button" onClick=${onBack}>back</button></p>
  </form>`;
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch (e) {
    throw new Error("this is no JSON: " + /** @type {Error} */ (e).message);
  }
}
