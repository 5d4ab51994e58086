// Numbers, names and formulas as they are read.

const MINUS = "\u2212";

// Whole numbers below a million in full, others in so many significant digits.
function short(x, digits = 6) {
  if (Number.isNaN(x)) return "nan";
  if (!Number.isFinite(x)) return x > 0 ? "\u221e" : MINUS + "\u221e";
  if (x === 0) return "0";
  const small = Math.abs(x) < 1e-3 && digits < 6;
  const rounded = small ? x.toExponential(digits - 1).replace(/\.?0+e/, "e") : String(Number(x.toPrecision(digits)));
  const text = Number.isInteger(x) && Math.abs(x) < 1e6 ? String(x) : rounded;
  return text.replace("e+", "e").replaceAll("-", MINUS);
}

const exact = (x) => (Object.is(x, -0) ? "-0" : String(x)); // all digits

const bracketed = (x) => (x < 0 ? `(${short(x)})` : short(x));

// A formula with {0}, {1} ... and something for each of them; negative numbers in brackets where they need it.
function filled(formula, parts) {
  const open = (before) => before === "" || /[([{,] ?$/.test(before);
  return formula.replace(/\{(\d+)\}/g, (slot, i, at) => {
    const part = parts[Number(i)];
    const power = formula[at + slot.length] === "^";
    return part.startsWith(MINUS) && (power || !open(formula.slice(0, at))) ? `(${part})` : part;
  });
}

const MATHML = "http://www.w3.org/1998/Math/MathML";

function element(space, tag, attributes, children) {
  const made = space ? document.createElementNS(space, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) made.setAttribute(name, value);
  made.append(...(children ?? []));
  return made;
}

const html = (tag, attributes, ...children) => element(null, tag, attributes, children);
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
