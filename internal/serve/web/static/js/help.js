// What the keys do, and where to read on.
import { Dialog } from "./dialog.js";
import { html } from "./dom.js";

const keys = [
  ["/", "type a metric or target"],
  ["← →", "earlier, later"],
  ["+ −", "zoom in, out"],
  ["drag across a graph", "zoom; with Shift: move; Ctrl + wheel: zoom around the pointer; double click: zoom out"],
  ["← → in a graph", "the cursor goes from point to point; with Shift: ten"],
  ["r", "reload"],
  ["t", "values as a table"],
  ["l", "logarithmic axis"],
  ["d", "dashboards"],
  ["↑ ↓ ← → in the tree", "go through it; Enter opens a branch, or draws a metric or takes it away; with Shift: it alone, of a branch all"],
  ["Alt + arrows on a graph of a dashboard", "move it; with Shift: make it larger or smaller"],
  ["Enter, Delete on a graph of a dashboard", "full screen; remove it"],
  ["Esc", "close"],
];

/** @param {{onClose: () => void}} props */
export const Help = ({ onClose }) => html`<${Dialog} title="Keys" onClose=${onClose}>
  <dl class="keys">${keys.map(([k, does]) => html`<dt><kbd>${k}</kbd></dt><dd>${does}</dd>`)}</dl>
  <p>The address holds all that is shown: copy it, and others see the same. Back and forward undo and redo.</p>
<//>`;
