// Colours of series: ten that people with any sight tell apart, of 3:1 and more
// against the page in light and in dark, and dashes from the eleventh on, so that
// colour is never the only mark.

const light = ["#1f6fb4", "#b34700", "#1a7f4b", "#8a3ab9", "#c2185b", "#7a5c00", "#00767f", "#5a5f66", "#3949c6", "#9c2a2a"];
const dark = ["#6cb6ff", "#ff9e57", "#57d39b", "#cf9bff", "#ff82b2", "#e5c04b", "#4fd1dc", "#b6bcc4", "#9aa8ff", "#ff8f85"];
const dashes = [[], [8, 4], [2, 4], [10, 4, 2, 4]];

/** dark reports which of the two the page shows. */
export const isDark = () => document.documentElement.dataset.theme === "dark";

/** @param {number} i @returns {string} */
export const color = (i) => (isDark() ? dark : light)[i % 10];

/** @param {number} i @returns {number[]} */
export const dash = (i) => dashes[Math.floor(i / 10) % dashes.length];

/** faded is a colour that lets others through. @param {string} c #rrggbb @param {number} alpha 0 to 1 */
export const faded = (c, alpha) =>
  c +
  Math.round(alpha * 255)
    .toString(16)
    .padStart(2, "0");

/** css reads a colour of app.css. @param {string} name */
export const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
