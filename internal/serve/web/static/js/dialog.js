// A dialog over the page: it has the focus until it is closed.
import { html, useEffect, useRef } from "./dom.js";

/** @param {{title: string, onClose: () => void, children?: any}} props */
export function Dialog({ title, onClose, children }) {
  const box = useRef(/** @type {HTMLDialogElement|null} */ (null));
  useEffect(() => {
    const before = /** @type {HTMLElement|null} */ (document.activeElement);
    box.current?.showModal();
    return () => before?.focus?.();
  }, []);
  return html`<dialog ref=${box} aria-label=${title} onCancel=${(/** @type {Event} */ e) => (e.preventDefault(), onClose())} onClick=${(/** @type {Event} */ e) => e.target === box.current && onClose()}>
    <div class="dialog"><header><h2>${title}</h2><button aria-label="close" onClick=${onClose}>×</button></header>${children}</div>
  </dialog>`;
}
