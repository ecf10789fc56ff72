// A target in parts: what it reads, and the functions around it in the order in
// which they work. Each can be changed, moved and taken away.
import "./sheet.js";
import { html, useEffect, useRef, useState } from "./dom.js";
import { functions } from "./api.js";
import { chain, join } from "./target.js";
import { firstSentence } from "./hints.js";
import { TargetInput } from "./search.js";

/** @typedef {import("./api.js").Fn} Fn */

/** @param {{target: string, id: string, onChange: (s: string) => void}} props */
export function Chips({ target, id, onChange }) {
  const [known, setKnown] = useState(/** @type {Record<string, Fn>} */ ({}));
  useEffect(() => void functions().then(setKnown, () => {}), []);
  const c = chain(target);
  const change = (/** @type {(steps: typeof c.steps) => void} */ fn) => {
    const steps = c.steps.map((s) => ({ ...s, args: [...s.args] }));
    fn(steps);
    onChange(join({ source: c.source, steps }));
  };
  return html`<div class="chips" role="group" aria-label="parts of the target">
    <span class="chip source"><${TargetInput} id=${id + "-source"} label="series" value=${c.source} onDone=${(/** @type {string} */ s) => onChange(join({ source: s, steps: c.steps }))} /></span>
    ${c.steps.map(
      (s, i) => html`<${Chip} key=${i + s.name} step=${s} fn=${known[s.name]} last=${i === c.steps.length - 1}
      onArg=${(/** @type {number} */ k, /** @type {string} */ v) => change((l) => void (l[i].args[k] = v))} onRemove=${() => change((l) => void l.splice(i, 1))}
      onMove=${(/** @type {number} */ by) => change((l) => void l.splice(i + by, 0, ...l.splice(i, 1)))} first=${i === 0} />`,
    )}
    <${Add} known=${known} id=${id} onAdd=${(/** @type {Fn} */ f) => change((l) => void l.push({ name: f.name, args: firstArgs(f) }))} />
  </div>`;
}

/** firstArgs are what a function begins with. @param {Fn} f */
function firstArgs(f) {
  return (f.params || [])
    .slice(1)
    .filter((p) => p.required)
    .map((p) => {
      const v = p.default ?? p.suggestions?.[0] ?? p.options?.[0]?.name ?? p.options?.[0] ?? (/int|float|node/i.test(p.type) ? 1 : "");
      return argument(p.type, v);
    });
}

/** argument writes a value as a target has it. @param {string} type @param {any} v */
const argument = (type, v) => (/int|float|bool|node|series|any/i.test(type) && v !== "" ? String(v) : `'${v}'`);

/** @param {any} props */
function Chip({ step, fn, first, last, onArg, onRemove, onMove }) {
  const params = fn?.params?.slice(1) ?? [];
  const many = params.at(-1)?.multiple;
  const count = Math.max(step.args.length + (many ? 1 : 0), params.length);
  return html`<span class="chip" title=${fn ? firstSentence(fn.description) : "the server knows no such function"}>
    <button class="plain tiny" aria-label=${"move " + step.name + " before"} disabled=${first} onClick=${() => onMove(-1)}>‹</button>
    <b>${step.name}</b>
    ${Array.from({ length: count }, (_, k) => {
      const p = params[Math.min(k, params.length - 1)] ?? { name: "argument", type: "string" };
      const options = p.options?.map((/** @type {any} */ o) => o.name ?? o) ?? p.suggestions ?? [];
      const list = options.length ? `options-${step.name}-${p.name}` : undefined;
      const value = bare(step.args[k] ?? "");
      return html`<${Field} key=${k} class="arg" aria-label=${`${p.name} of ${step.name}`} title=${p.name} placeholder=${p.name} list=${list} value=${value} style=${{ width: Math.min(Math.max(value.length, value ? 2 : p.name.length), 30) + (list ? 4 : 2) + "ch" }}
        onChange=${(/** @type {any} */ e) => onArg(k, shaped(p.type, e.target.value))} />${list && html`<datalist id=${list}>${options.map((/** @type {any} */ o) => html`<option value=${o} />`)}</datalist>`}`;
    })}
    <button class="plain tiny" aria-label=${"move " + step.name + " behind"} disabled=${last} onClick=${() => onMove(1)}>›</button>
    <button class="plain tiny" aria-label=${"remove " + step.name} onClick=${onRemove}>×</button>
  </span>`;
}

/** Field is an input that keeps what is typed, whatever is drawn around it, until that is done or the value changes. @param {any} props */
function Field({ value, ...rest }) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  return html`<input ...${rest} value=${text} onInput=${(/** @type {any} */ e) => setText(e.target.value)} />`;
}

/** bare is an argument without the quotes around it. @param {string} v */
const bare = (v) => /^(["'])([^"']*)\1$/.exec(v)?.[2] ?? v;

/** shaped puts quotes around what needs them. @param {string} type @param {string} v */
function shaped(type, v) {
  v = v.trim();
  if (v === "" || /^(["']).*\1$|^[A-Za-z_]+\s*=/.test(v)) return v;
  const plain = /^([-+]?[\d.]+(e[-+]?\d+)?|true|false|none)$/i.test(v) || v.includes("(") || /series/i.test(type);
  return plain && !/^string|date/i.test(type) ? v : `'${v.replace(/'/g, "")}'`;
}

/** Add is the list of all functions. @param {{known: Record<string, Fn>, id: string, onAdd: (f: Fn) => void}} props */
function Add({ known, id, onAdd }) {
  const [text, setText] = useState("");
  const waits = useRef(false); // Enter comes as two events
  const add = async (/** @type {string} */ s) => {
    if (waits.current) return;
    waits.current = true;
    const all = await functions().catch(() => known); // they may be on their way when somebody types fast
    waits.current = false;
    const f = all[s] ?? Object.values(all).find((f) => f.name.toLowerCase() === s.toLowerCase());
    if (!f) return;
    setText("");
    onAdd(f);
  };
  return html`<span class="add"><input list=${id + "-functions"} aria-label="add a function" placeholder="+ function" value=${text}
      onInput=${(/** @type {any} */ e) => (/insertReplacement|undefined/.test(String(e.inputType)) ? add(e.target.value) : setText(e.target.value))}
      onKeyDown=${(/** @type {any} */ e) => e.key === "Enter" && add(e.target.value)} onChange=${(/** @type {any} */ e) => add(e.target.value)} />
    <datalist id=${id + "-functions"}>${Object.values(known).map((f) => html`<option key=${f.name} value=${f.name}>${f.group}: ${firstSentence(f.description)}</option>`)}</datalist></span>`;
}
