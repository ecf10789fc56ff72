// Light or dark: as the system prefers, until somebody chooses.

const key = "logmetrics.theme";
const system = matchMedia("(prefers-color-scheme: dark)");

/** @returns {"light"|"dark"|"auto"} */
export const chosen = () => /** @type {any} */ (localStorage.getItem(key)) || "auto";

/** follow sets the page's theme, now and whenever it changes. @param {() => void} changed */
export function follow(changed) {
  const set = () => {
    document.documentElement.dataset.theme = chosen() === "auto" ? (system.matches ? "dark" : "light") : chosen();
    changed();
  };
  system.addEventListener("change", set);
  addEventListener("logmetrics-theme", set);
  set();
}

/** choose remembers a theme. @param {"light"|"dark"|"auto"} theme */
export function choose(theme) {
  if (theme === "auto") localStorage.removeItem(key);
  else localStorage.setItem(key, theme);
  dispatchEvent(new Event("logmetrics-theme"));
}
