// Steps and chain rules in formulas.

const FORMULA = 64; // characters of an operation that are written out
const FEW_DIGITS = 14; // right ones of a value, below which it is worth a word

const named = (i) => nodes[i].parents.map((p) => names[p]);
const operation = (i) => filled(nodes[i].formula, named(i));
const value = (i) => page.state.data[i];
const local = (i, k) => page.state.local[i][k];

// A title and lines for one step.
function describe(step, seen, before) {
  const { node, operand, parent } = step;
  if (step.kind === "leaves") return ["The leaves have their numbers.", []];
  if (step.kind === "forward") {
    return [`Forward: ${names[node]}`, [formulaLine(numeral(names[node]), sign("="), numeral(clipped(operation(node), FORMULA)), sign("="), numeral(short(value(node), 5)))]];
  }
  if (step.kind === "seed") return ["Backward begins", [formulaLine(quotient(names[root], names[root]), sign("="), numeral("1"))]];
  if (!seen.passed[node][operand]) return [`Nothing passes from ${names[node]} to ${names[parent]}`, []];
  return [`Back from ${names[node]} to ${names[parent]}`, backwardLines(step, seen, before)];
}

// A step over a closed box, or from one to another.
function describeBox({ kind, node, parent }, count) {
  const words = `${count} ${kind === "forward" ? "operations" : "steps"} in one: open a box to see them.`;
  const title = kind === "forward" ? `Forward: ${page.folds.title(node)}` : `Back from ${page.folds.title(node)} to ${page.folds.title(parent)}`;
  return [title, [html("p", { class: "faint" }, words)]];
}

function backwardLines({ node, operand, parent }, seen, before) {
  const formula = filled(nodes[node].partials[operand], named(node));
  const slope = short(local(node, operand), 5);
  const share = seen.gradient[node] * local(node, operand);
  const middle = formula && formula !== slope && formula.length < FORMULA ? [sign("="), numeral(formula)] : [];
  const lines = [
    formulaLine(quotient(names[node], names[parent]), ...middle, sign("="), numeral(slope)),
    formulaLine(
      quotient(names[root], names[node]), sign("\u22c5"), quotient(names[node], names[parent]), sign("="),
      numeral(bracketed(seen.gradient[node], 5)), sign("\u22c5"), numeral(bracketed(local(node, operand), 5)), sign("="), numeral(short(share, 5)),
    ),
  ];
  if (!before.received[parent]) return lines;
  const sum = [numeral(short(before.gradient[parent], 5)), sign("+"), numeral(bracketed(share, 5)), sign("=")];
  return [...lines, formulaLine(quotient(names[root], names[parent]), sign("="), ...sum, numeral(short(seen.gradient[parent], 5)))];
}

// The terms of the sum that a gradient is: one for each use that something came back from.
function termsOf(i, seen) {
  return page.users[i].flatMap(([head, operand]) => (seen.passed[head][operand] ? [{ head, operand, arriving: seen.gradient[head], slope: local(head, operand) }] : []));
}

// A sum of products, of many terms the first three: `write` gives the parts of one.
function sumOf(terms, write) {
  const written = terms.slice(0, 3).flatMap((term, k) => [...(k ? [sign("+")] : []), ...write(term)]);
  return terms.length > 3 ? [...written, sign("+ \u2026")] : written;
}

const symbols = (i) => ({ head }) => [quotient(names[root], names[head]), sign("\u22c5"), quotient(names[head], names[i])];
const numbers = ({ arriving, slope }) => [numeral(bracketed(arriving, 4)), sign("\u22c5"), numeral(bracketed(slope, 4))];

// The gradient of a node as the sum over all that use it.
function ruleLines(i, seen) {
  const head = nodes[i].kind === "operation" ? [numeral(names[i]), sign("="), numeral(clipped(operation(i), FORMULA))] : [numeral(names[i])];
  const lines = [formulaLine(...head, sign("="), numeral(seen.known[i] ? short(value(i)) : "?"))];
  // Only of the numbers that came with the page is it known what rounding did.
  if (seen.known[i] && page.state === page.first && nodes[i].digits < FEW_DIGITS) {
    lines.push(html("p", { class: "faint" }, `Rounding has left ${nodes[i].digits.toFixed(0)} of 16 digits.`));
  }
  if (i === root) return [...lines, formulaLine(quotient(names[i], names[i]), sign("="), numeral("1"))];
  if (practice.hides(i)) return [...lines, html("p", { class: "faint" }, "Its gradient is yours to find.")];
  const terms = termsOf(i, seen);
  if (terms.length === 0) return [...lines, html("p", { class: "faint" }, "No gradient has come here yet.")];
  const result = [sign("="), numeral(short(seen.gradient[i]))];
  return [...lines, formulaLine(quotient(names[root], names[i]), sign("="), ...sumOf(terms, symbols(i)), sign("="), ...sumOf(terms, numbers), ...result)];
}
