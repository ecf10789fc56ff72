// Dialogs over the page: one has the focus until it is closed.
import "./sheet.js";
import { html, render, useLayoutEffect, useRef, useState } from "./dom.js";

/** @param {{title: string, onClose: () => void, children?: any}} props */
export function Dialog({ title, onClose, children }) {
  const box = useRef(/** @type {HTMLDialogElement|null} */ (null));
  useLayoutEffect(() => {
    const d = box.current;
    d?.showModal();
    /** @type {HTMLElement|null|undefined} */ (d?.querySelector("[data-first]"))?.focus();
    return () => d?.close(); // gives the focus back at once; one that is taken away does so later
  }, []);
  return html`<dialog ref=${box} aria-label=${title} onClose=${(/** @type {any} */ e) => e.target.isConnected && onClose()} onClick=${(/** @type {Event} */ e) => e.target === box.current && onClose()}>
    <div class="dialog"><header><h2>${title}</h2><button aria-label="close" onClick=${onClose}>×</button></header>${children}</div>
  </dialog>`;
}

/**
 * @typedef {object} Question
 * @property {string} title
 * @property {string} [label] of the text that is asked for; without one, only yes or no is
 * @property {string} [value] the text to begin with
 * @property {string} [hint] what a good text is
 * @property {string} does what the button that agrees is called
 * @property {boolean} [danger] whether that cannot be undone
 * @property {(text: string) => any} act does it; what it throws is shown, and the dialog stays
 * @property {{does: string, act: () => any}} [other] what can be done instead
 */

/**
 * ask puts a question over the page. It returns the text, "" when nothing was done.
 * @param {Question} q @returns {Promise<string>}
 */
export function ask(q) {
  const host = document.body.appendChild(document.createElement("div"));
  return new Promise((done) => {
    const close = (/** @type {string} */ text) => (render(null, host), host.remove(), done(text));
    render(html`<${Asked} q=${q} onDone=${close} />`, host);
  });
}

/** @param {{q: Question, onDone: (text: string) => void}} props */
function Asked({ q, onDone }) {
  const [fault, setFault] = useState("");
  const run = async (/** @type {(text: string) => any} */ act, /** @type {string} */ text) => {
    try {
      await act(text);
      onDone(text);
    } catch (err) {
      setFault(/** @type {Error} */ (err).message);
    }
  };
  const submit = (/** @type {any} */ e) => {
    e.preventDefault();
    run(q.act, q.label ? e.target.elements.text.value.trim() : "yes");
  };
  return html`<${Dialog} title=${q.title} onClose=${() => onDone("")}>
    <form class="ask" onSubmit=${submit}>
      ${q.label && html`<label>${q.label} <input name="text" data-first required autocomplete="off" defaultValue=${q.value ?? ""} onFocus=${(/** @type {any} */ e) => e.target.select()} /></label>`}
      ${q.hint && html`<p class="quiet">${q.hint}</p>`}
      ${fault && html`<p class="fault" role="alert">${fault}</p>`}
      <p class="answers">${q.other && html`<button type="button" onClick=${() => run(/** @type {any} */ (q.other).act, "other")}>${q.other.does}</button>`}<button class=${q.danger ? "danger" : ""} data-first=${q.label || q.other ? null : ""}>${q.does}</button> <button type="button" data-first=${q.other ? "" : null} onClick=${() => onDone("")}>cancel</button></p>
    </form>
  <//>`;
}
