// The page: its address is read, what it says is shown, and what somebody does
// changes the address.
import { html, render, useEffect, useRef, useState } from "./dom.js";
import { keepToken } from "./api.js";
import { Explore, useKeys } from "./explore.js";
import { later } from "./later.js";
import { chosen, choose, follow } from "./theme.js";
import { reload, TimeBar, useRefresh } from "./timebar.js";
import { shifted } from "./time.js";
import { plain, read, write } from "./url.js";

/** @typedef {import("./url.js").View} View */

const boards = () => import("./dashboard.js");
const Dashboard = later(() => boards().then((m) => m.Dashboard));
const DashboardList = later(() => boards().then((m) => m.DashboardList));
const Help = later(() => import("./help.js").then((m) => m.Help));

/** useView is the view of the address. Each change is a step that the browser's back undoes. */
function useView() {
  const [view, set] = useState(() => read(location.search));
  const now = useRef(view);
  now.current = view;
  useEffect(() => {
    const on = () => set(read(location.search));
    addEventListener("popstate", on);
    return () => removeEventListener("popstate", on);
  }, []);
  const change = (/** @type {Partial<View>} */ patch) => {
    const next = { ...now.current, ...patch };
    const url = write(next);
    if (url === write(now.current)) return;
    now.current = next;
    history[Object.keys(patch).join() === "tree" ? "replaceState" : "pushState"](null, "", url);
    set(next);
  };
  return /** @type {[View, typeof change]} */ ([view, change]);
}

function Page() {
  const [view, onView] = useView();
  const [, setTheme] = useState(0); // all is drawn again
  const [help, setHelp] = useState(false);
  const [list, setList] = useState(false);
  const [visit, setVisit] = useState(0); // how often a dashboard was, be it the same
  useEffect(() => follow(() => setTheme((n) => n + 1)), []);
  useRefresh(view.refresh);
  useEffect(
    () => void (document.title = (view.dashboard || view.targets[0] || "explore") + " · logmetrics"),
    [view.dashboard, view.targets],
  );
  const move = (/** @type {{by?: number, grow?: number}} */ how) => () => onView(shifted(view, how));
  useKeys({
    "/": () => setTimeout(() => document.getElementById("search")?.focus()), // when the key's own character is past
    "?": () => setHelp(true),
    r: reload,
    t: () => onView({ table: !view.table }),
    l: () => onView({ log: !view.log }),
    d: () => setList(true),
    "+": move({ grow: 0.5 }),
    "=": move({ grow: 0.5 }),
    "-": move({ grow: 2 }),
    ArrowLeft: move({ by: -0.5 }),
    ArrowRight: move({ by: 0.5 }),
    Escape: () => (help || list ? (setHelp(false), setList(false)) : view.full !== -1 && onView({ full: -1 })),
  });
  /** go shows something else of the same time. @param {Partial<View>} [to] */
  const go = (to) => onView({ ...plain, from: view.from, until: view.until, tz: view.tz, refresh: view.refresh, ...to });
  const keep = () =>
    boards().then((m) =>
      view.dashboard
        ? m.putBack(view).then(() => go({ dashboard: view.dashboard, vars: view.vars }))
        : m.keepGraph(view).then((name) => name && go({ dashboard: name })),
    );
  return html`<header class="top">
      <a class="skip" href="#work">to the graph</a>
      <button class="brand plain" onClick=${() => go()}><img src="icon.svg" alt="" width="20" height="20" /> logmetrics</button>
      <button aria-pressed=${String(!view.dashboard)} onClick=${() => go()}>explore</button>
      <button aria-pressed=${String(Boolean(view.dashboard))} aria-expanded=${String(list)} onClick=${() => setList(!list)}>dashboards</button>
      <${TimeBar} view=${view} onView=${onView} />
      <span class="end"><${Theme} /><button aria-label="help" title="help (?)" onClick=${() => setHelp(true)}>?</button></span>
    </header>
    ${list && html`<${DashboardList} onChoose=${(/** @type {string} */ dashboard, /** @type {Partial<View>} */ time) => (setList(false), setVisit(visit + 1), go({ ...time, dashboard }))} onClose=${() => setList(false)} />`}
    <div id="work" class="body" tabindex="-1">${
      view.dashboard && view.edit < 0
        ? html`<${Dashboard} key=${visit + view.dashboard} view=${view} onView=${onView} />`
        : html`<${Explore} view=${view} onView=${onView} onKeep=${keep} />`
    }</div>
    ${help && html`<${Help} onClose=${() => setHelp(false)} />`}`;
}

function Theme() {
  const [now, set] = useState(chosen());
  const next = /** @type {const} */ ({ auto: "light", light: "dark", dark: "auto" });
  const name = { auto: "as the system", light: "light", dark: "dark" };
  return html`<button aria-label=${"colours: " + name[now]} title=${"colours: " + name[now]} onClick=${() => (choose(next[now]), set(next[now]))}>${{ auto: "◐", light: "☀", dark: "☾" }[now]}</button>`;
}

keepToken();
addEventListener("hashchange", keepToken);
render(html`<${Page} />`, /** @type {HTMLElement} */ (document.getElementById("app")));
