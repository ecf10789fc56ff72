// Dialogs over the page: one has the focus until it is closed.
import { html, render, useEffect, useRef, useState } from "./dom.js";

/** @param {{title: string, onClose: () => void, children?: any}} props */
export function Dialog({ title, onClose, children }) {
  const box = useRef(/** @type {HTMLDialogElement|null} */ (null));
  useEffect(() => {
    const before = /** @type {HTMLElement|null} */ (document.activeElement);
    box.current?.showModal();
    /** @type {HTMLElement|null|undefined} */ (box.current?.querySelector("[data-first]"))?.focus();
    return () => before?.focus?.();
  }, []);
  return html`<dialog ref=${box} aria-label=${title} onCancel=${(/** @type {Event} */ e) => (e.preventDefault(), onClose())} onClick=${(/** @type {Event} */ e) => e.target === box.current && onClose()}>
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
  const submit = async (/** @type {any} */ e) => {
    e.preventDefault();
    const text = q.label ? e.target.elements.text.value.trim() : "yes";
    try {
      await q.act(text);
      onDone(text);
    } catch (err) {
      setFault(/** @type {Error} */ (err).message);
    }
  };
  return html`<${Dialog} title=${q.title} onClose=${() => onDone("")}>
    <form class="ask" onSubmit=${submit}>
      ${q.label && html`<label>${q.label} <input name="text" data-first required autocomplete="off" defaultValue=${q.value ?? ""} onFocus=${(/** @type {any} */ e) => e.target.select()} /></label>`}
      ${q.hint && html`<p class="quiet">${q.hint}</p>`}
      ${fault && html`<p class="fault" role="alert">${fault}</p>`}
      <p class="answers"><button class=${q.danger ? "danger" : ""} data-first=${!q.label}>${q.does}</button> <button type="button" onClick=${() => onDone("")}>cancel</button></p>
    </form>
  <//>`;
}
