// Numbers, names and formulas as they are read, and the elements that hold them.

const MINUS = "\u2212";

const toNumber = (x) => (typeof x === "string" ? Number(x.replace("inf", "Infinity")) : x);
const special = (x) => (Number.isNaN(x) ? "nan" : `${x > 0 ? "" : MINUS}\u221e`);
const typeset = (text) => text.replace("e+", "e").replaceAll("-", MINUS);
const power = (x, digits) => x.toExponential(digits - 1).replace(/\.?0+e/, "e");

// Whole numbers below a million in full, others in so many significant digits.
function short(x, digits = 6) {
  if (!Number.isFinite(x)) return special(x);
  if (Number.isInteger(x) && Math.abs(x) < 1e6) return String(Math.abs(x) && x).replace("-", MINUS);
  const small = Math.abs(x) < (digits < 6 ? 1e-3 : 1e-4);
  return typeset(small ? power(x, digits) : String(Number(x.toPrecision(digits))));
}

// The same in at most so many characters: four digits where they fit, one at least.
function figure(x, room = 7) {
  for (let digits = 4; digits > 1; digits--) {
    const text = short(x, digits);
    if (text.length <= room) return text;
  }
  return Math.abs(x) >= 1e-3 && Math.abs(x) < 1e6 ? short(x, 1) : typeset(power(x, 1));
}

const exact = (x) => (Object.is(x, -0) ? "-0" : String(x)); // all digits

const bracketed = (x, digits) => (x < 0 ? `(${short(x, digits)})` : short(x, digits));

const clipped = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}\u2026` : text);

// A formula with {0}, {1} ... and something for each of them; negative numbers in brackets where they need it.
function filled(formula, parts) {
  const open = (before) => before === "" || /[([{,] ?$/.test(before);
  return formula.replace(/\{(\d+)\}/g, (slot, i, at) => {
    const part = parts[Number(i)];
    const raised = formula[at + slot.length] === "^";
    return part.startsWith(MINUS) && (raised || !open(formula.slice(0, at))) ? `(${part})` : part;
  });
}

const STRENGTHS = [0.01, 0.1, 0.5]; // shares of the largest number at which a colour deepens

function tone(x, scale) {
  if (x === 0) return "zero";
  if (Number.isNaN(x)) return "nan";
  return (x > 0 ? "p" : "n") + (1 + STRENGTHS.filter((share) => Math.abs(x) >= share * scale).length);
}

const largest = (numbers) => numbers.reduce((most, x) => (Number.isFinite(x) ? Math.max(most, Math.abs(x)) : most), 0);

const paint = (element, kind) => (element.className = `figure ${kind}`);

const MATHML = "http://www.w3.org/1998/Math/MathML";
const SVG = "http://www.w3.org/2000/svg";

function element(space, tag, attributes, children) {
  const made = space ? document.createElementNS(space, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) made.setAttribute(name, value);
  made.append(...(children ?? []));
  return made;
}

const find = (id) => document.getElementById(id);
const html = (tag, attributes, ...children) => element(null, tag, attributes, children);
const svg = (tag, attributes, ...children) => element(SVG, tag, attributes, children);
const math = (tag, ...children) => element(MATHML, tag, {}, children);

const quotient = (head, tail) =>
  math("mfrac", math("mrow", math("mo", "\u2202"), math("mi", head)), math("mrow", math("mo", "\u2202"), math("mi", tail)));
const sign = (text) => math("mo", text);
const numeral = (text) => math(/^\u2212?[\d.]/.test(text) ? "mn" : "mi", text);

// A line of mathematics, which may be broken before each equals sign.
function formulaLine(...parts) {
  const groups = [[]];
  for (const part of parts) {
    if (part.textContent === "=" && groups.at(-1).length) groups.push([]);
    groups.at(-1).push(part);
  }
  return html("p", { class: "formula" }, ...groups.map((group) => math("math", math("mrow", ...group))));
}

const WIDE = 316; // of the plots, in their own units

// Bounds of what a plot shows, with room around it.
function bounds(numbers, room) {
  const finite = numbers.filter(Number.isFinite);
  const [low, high] = finite.length ? [Math.min(...finite), Math.max(...finite)] : [0, 0];
  const space = (high - low) * room || 1;
  return [low - space, high + space];
}

function curvePath(points) {
  let pen = "M";
  return points.map(([x, y]) => {
    const text = Number.isFinite(y) ? `${pen}${x.toFixed(1)} ${y.toFixed(1)}` : "";
    pen = text ? "L" : "M";
    return text;
  }).join("");
}

const measure = html("canvas").getContext("2d");

function widthOf(text, size, weight = 400) {
  measure.font = `${weight} ${size}px system-ui, sans-serif`;
  return measure.measureText(text).width;
}

const PLAY = ["M8 5v14l11-7z", "fill"];
const PAUSE = ["M8 5v14M16 5v14", ""];

function setIcon(button, [d, style], label) {
  button.replaceChildren(svg("svg", { viewBox: "0 0 24 24" }, svg("path", { class: style, d })));
  button.setAttribute("aria-label", label);
}

// A click, or Enter or space where the element is no button by itself.
function onPress(group, act) {
  group.addEventListener("click", act);
  group.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation();
    act();
  });
}

// A button that was clicked gives up the focus, so that space belongs to the page again; keys leave it there.
document.addEventListener("click", (event) => {
  if (event.detail && event.target.closest("button, [role=button]")) document.activeElement.blur();
});

// Keys of the page, unless something with the focus takes them for itself.
function listenToKeys(keys) {
  document.addEventListener("keydown", (event) => {
    const act = keys[event.key] ?? keys[event.key.toLowerCase()];
    const typing = event.target.closest?.("select, textarea, input:not([type=range])");
    const sliding = event.target.closest?.("input") && /^(Arrow|Home|End)/.test(event.key);
    const pressing = event.key === " " && event.target.closest?.("button, summary, [role=button]");
    if (!act || typing || sliding || pressing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  });
}
