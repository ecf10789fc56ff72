// Parts of the page that are loaded when they are shown first.
import { html, useEffect, useState } from "./dom.js";

/** @type {Promise<any>|undefined} */
let sheet;

/** style loads how such parts look, once. */
const style = () =>
  (sheet ??= new Promise((done) => {
    document.head.append(
      Object.assign(document.createElement("link"), { rel: "stylesheet", href: "more.css", onload: done, onerror: done }),
    );
  }));

/**
 * later returns a component that stands for one that is not loaded yet.
 * @param {() => Promise<any>} load @param {(props: any) => any} [meanwhile] what is shown until it is
 */
export function later(load, meanwhile) {
  return (/** @type {any} */ props) => {
    const [found, set] = useState(/** @type {any} */ (null));
    useEffect(
      () =>
        void load()
          .then((part) => style().then(() => part))
          .then(
            (part) => set({ part }),
            (e) => set({ fault: e.message }),
          ),
      [],
    );
    if (found?.fault) return html`<p class="fault" role="alert">a part of the page cannot be loaded: ${found.fault}</p>`;
    return found ? html`<${found.part} ...${props} />` : (meanwhile?.(props) ?? null);
  };
}
