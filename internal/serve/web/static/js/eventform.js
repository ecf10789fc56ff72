// The form for adding an event.
import "./sheet.js";
import { html, useState } from "./dom.js";
import { useField } from "./field.js";
import { addEvent } from "./api.js";
import { second, zoneOf } from "./time.js";
import { time } from "./timeform.js";

/** NewEvent is the form. @param {{tz: string, onDone: () => void, onCancel: () => void}} props */
export function NewEvent({ tz, onDone, onCancel }) {
  const [fault, setFault] = useState("");
  const first = useField();
  const submit = async (/** @type {any} */ e) => {
    e.preventDefault();
    const f = new FormData(e.target);
    const when = second(time(String(f.get("when")), zoneOf(tz)), Math.floor(Date.now() / 1000));
    if (Number.isNaN(when)) return setFault("when is now, -10min or 2026-03-01 14:30");
    try {
      await addEvent({
        what: String(f.get("what")),
        tags: String(f.get("tags"))
          .split(/[\s,]+/)
          .filter(Boolean),
        data: String(f.get("data")),
        when,
      });
      onDone();
    } catch (err) {
      setFault(/** @type {Error} */ (err).message);
    }
  };
  return html`<form class="event-form" onSubmit=${submit} onKeyDown=${(/** @type {any} */ e) => e.key === "Escape" && onCancel()}>
    <label>what happened <input name="what" required ref=${first} /></label>
    <label>tags <input name="tags" placeholder="deploy web" /></label>
    <label>text <input name="data" /></label>
    <label>when <input name="when" size="16" defaultValue="now" /></label>
    <button>add</button> <button type="button" onClick=${onCancel}>cancel</button>
    ${fault && html`<p class="fault" role="alert">${fault}</p>`}
  </form>`;
}
