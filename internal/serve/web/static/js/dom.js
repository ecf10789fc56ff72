// What all parts of the page are written with: htm's markup over preact.
import { h, render } from "../vendor/preact.js";
import htm from "../vendor/htm.js";

export { render };
export { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "../vendor/hooks.js";

/** Markup becomes preact's nodes. */
export const html = htm.bind(h);

/** @param {(string|false|null|undefined)[]} names classes, of which false ones count nothing */
export const cls = (...names) => names.filter(Boolean).join(" ");
