// Parts of the page that are loaded when they are shown first.
import { html, useEffect, useState } from "./dom.js";

/**
 * later returns a component that stands for one that is not loaded yet.
 * @param {() => Promise<any>} load @param {(props: any) => any} [meanwhile] what is shown until it is
 */
export function later(load, meanwhile) {
  return (/** @type {any} */ props) => {
    const [found, set] = useState(/** @type {any} */ (null));
    useEffect(
      () =>
        void load().then(
          (part) => set({ part }),
          (e) => set({ fault: e.message }),
        ),
      [],
    );
    if (found?.fault) return html`<p class="fault" role="alert">a part of the page cannot be loaded: ${found.fault}</p>`;
    return found ? html`<${found.part} ...${props} />` : (meanwhile?.(props) ?? null);
  };
}
