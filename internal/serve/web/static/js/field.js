// The field with which a form begins.
import { useLayoutEffect, useRef } from "./dom.js";

/** useField has the focus while its form is there; then what had it before has it again. */
export function useField() {
  const field = useRef(/** @type {HTMLInputElement|null} */ (null));
  useLayoutEffect(() => {
    const before = /** @type {HTMLElement|null} */ (document.activeElement);
    const form = field.current?.form ?? field.current;
    field.current?.select();
    return () => void (form?.contains(document.activeElement) && before?.focus());
  }, []);
  return field;
}
