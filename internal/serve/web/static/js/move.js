// What is done to a graph's time with mouse and keys, beyond a drag across it: it
// moves with what it has, and asks for the rest when it comes to rest.
import { moveTo } from "./chart.js";
import { within } from "./time.js";

const rest = 250; // ms without another turn of the wheel

/**
 * movable has a chart move by Shift and a drag, zoom by Ctrl and the wheel and by a
 * double click, and its cursor go by the arrow keys.
 * @param {any} u @param {import("./chart.js").Shown} now @param {(from: number, until: number) => void} select
 */
export function movable(u, now, select) {
  const over = /** @type {HTMLElement} */ (u.over);
  const done = () => {
    now.held = false;
    const [from, until] = within(now.range[0], now.range[1] - now.range[0]);
    select(from, until);
  };
  over.addEventListener("pointerdown", (e) => {
    if (e.button > 1 || (e.button === 0 && !e.shiftKey)) return;
    e.preventDefault();
    drag(over, e, u, now, done);
  });
  let timer = 0;
  over.addEventListener(
    "wheel",
    (e) => {
      if (!e.ctrlKey) return; // else it scrolls the page
      e.preventDefault();
      now.held = true;
      zoom(u, now, u.posToVal(e.offsetX, "x"), e.deltaY < 0 ? 0.8 : 1.25);
      clearTimeout(timer);
      timer = setTimeout(done, rest);
    },
    { passive: false },
  );
  over.addEventListener("dblclick", (e) => (zoom(u, now, u.posToVal(e.offsetX, "x"), 2), done()));
  u.root.parentElement.onkeydown = (/** @type {KeyboardEvent} */ e) => keys(e, u);
}

/** drag moves the range until the button is let go. @param {HTMLElement} over @param {PointerEvent} begin @param {any} u @param {import("./chart.js").Shown} now @param {() => void} done */
function drag(over, begin, u, now, done) {
  const [a, b] = now.range;
  const second = (b - a) / over.clientWidth;
  now.held = true;
  const stop = new AbortController();
  over.setPointerCapture(begin.pointerId);
  over.classList.add("moved");
  over.addEventListener(
    "pointermove",
    (e) => {
      const by = (begin.clientX - e.clientX) * second;
      moveTo(u, now, [a + by, b + by]);
    },
    { signal: stop.signal },
  );
  over.addEventListener(
    "lostpointercapture",
    () => {
      stop.abort();
      now.held = false;
      over.classList.remove("moved");
      if (now.range[0] !== a) done();
    },
    { once: true },
  );
}

/** zoom makes the range so many times as long around a second. @param {any} u @param {import("./chart.js").Shown} now @param {number} t @param {number} grow */
function zoom(u, now, t, grow) {
  const [a, b] = now.range;
  if ((b - a) * grow < 10) return;
  moveTo(u, now, [t - (t - a) * grow, t + (b - t) * grow]);
}

/** keys moves the cursor from point to point, ten at once with Shift; Esc takes it away. @param {KeyboardEvent} e @param {any} u */
function keys(e, u) {
  const by = { ArrowLeft: -1, ArrowRight: 1, Home: -1e9, End: 1e9 }[e.key];
  if (e.altKey || e.ctrlKey || e.metaKey || (by === undefined && e.key !== "Escape")) return;
  e.preventDefault();
  e.stopPropagation();
  if (by === undefined) return u.setCursor({ left: -10, top: -10 });
  const x = u.data[0];
  const [first, last] = u.series[0].idxs;
  const from = u.cursor.left >= 0 ? u.cursor.idx : by > 0 ? first - 1 : last + 1;
  const to = Math.max(first, Math.min(last, from + by * (e.shiftKey ? 10 : 1)));
  u.setCursor({ left: u.valToPos(x[to], "x"), top: u.over.clientHeight / 2 });
}
