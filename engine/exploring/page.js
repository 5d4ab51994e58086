// What is shown, and what the reader does: steps, sliders, a node that is looked at.

const find = (id) => document.getElementById(id);
const content = JSON.parse(find("content").textContent);
const nodes = content.nodes;
const root = nodes.length - 1;
const names = nodes.map((node) => node.name);
const leaves = nodes.flatMap((node, i) => (node.kind === "leaf" ? [i] : []));
const narrow = matchMedia("(max-width: 720px)");

const page = {
  state: engineState(columns(nodes)),
  at: 0,
  chosen: leaves[0] ?? root,
  timer: null,
};
page.steps = plan(nodes, page.state.local);
page.at = page.steps.length - 1;

const named = (i) => nodes[i].parents.map((p) => names[p]);
const operation = (i) => filled(nodes[i].formula, named(i));
const value = (i) => page.state.data[i];
const local = (i, k) => page.state.local[i][k];

function describe(step, seen, before) {
  if (step.kind === "leaves") return ["The leaves have their numbers.", []];
  if (step.kind === "forward") {
    const numbers = filled(nodes[step.node].formula, nodes[step.node].parents.map((p) => short(value(p))));
    const result = [numeral(names[step.node]), sign("="), numeral(operation(step.node))];
    return [
      `Forward: ${names[step.node]}`,
      [formulaLine(...result), formulaLine(sign("="), numeral(numbers)), formulaLine(sign("="), numeral(short(value(step.node))))],
    ];
  }
  if (step.kind === "seed") {
    return ["Backward begins: a node moves with itself", [formulaLine(quotient(names[root], names[root]), sign("="), numeral("1"))]];
  }
  if (!seen.passed[step.node][step.operand]) {
    return [`Nothing passes from ${names[step.node]} to ${names[step.parent]}, which does not matter here`, []];
  }
  return [`Backward: from ${names[step.node]} to ${names[step.parent]}`, backwardLines(step, seen, before)];
}

function backwardLines(step, seen, before) {
  const { node, operand, parent } = step;
  const formula = filled(nodes[node].partials[operand], named(node));
  const slope = short(local(node, operand));
  const share = seen.gradient[node] * local(node, operand);
  const mid = formula && formula !== slope ? [sign("="), numeral(formula)] : [];
  const lines = [
    formulaLine(quotient(names[node], names[parent]), ...mid, sign("="), numeral(slope)),
    formulaLine(
      quotient(names[root], names[node]), sign("\u22c5"), quotient(names[node], names[parent]), sign("="),
      numeral(bracketed(seen.gradient[node])), sign("\u22c5"), numeral(bracketed(local(node, operand))), sign("="), numeral(short(share)),
    ),
  ];
  const sum = before.received[parent]
    ? [numeral(short(before.gradient[parent])), sign("+"), numeral(bracketed(share)), sign("=")]
    : [];
  lines.push(formulaLine(quotient(names[root], names[parent]), sign("="), ...sum, numeral(short(seen.gradient[parent]))));
  return lines;
}

// The gradient of a node as the sum over all that use it.
function ruleLines(i, seen) {
  const head = i === root || nodes[i].kind !== "operation" ? [numeral(names[i])] : [numeral(names[i]), sign("="), numeral(operation(i))];
  const lines = [formulaLine(...head, sign("="), numeral(seen.known[i] ? short(value(i)) : "?"))];
  if (i === root) {
    return [...lines, formulaLine(quotient(names[i], names[i]), sign("="), numeral("1"))];
  }
  const terms = page.graph.arrows.filter((arrow) => arrow.tail === i && seen.passed[arrow.head][arrow.operand]);
  if (terms.length === 0) return [...lines, html("p", { class: "faint" }, "No gradient has come here yet.")];
  const shown = terms.slice(-6).reverse();
  shown.forEach((arrow, k) => {
    const slope = local(arrow.head, arrow.operand);
    const lead = k === 0 ? [quotient(names[root], names[i]), sign("=")] : [sign("+")];
    lines.push(formulaLine(
      ...lead, quotient(names[root], names[arrow.head]), sign("\u22c5"), quotient(names[arrow.head], names[i]), sign("="),
      numeral(bracketed(seen.gradient[arrow.head])), sign("\u22c5"), numeral(bracketed(slope)),
      sign("="), numeral(short(seen.gradient[arrow.head] * slope)),
    ));
  });
  if (terms.length > shown.length) lines.push(html("p", { class: "faint" }, `and ${terms.length - shown.length} more`));
  return terms.length === 1 ? lines : [...lines, formulaLine(sign("="), numeral(short(seen.gradient[i])))];
}

function render() {
  const step = page.steps[page.at];
  const seen = replay(nodes, page.state, page.steps, page.at + 1);
  const before = replay(nodes, page.state, page.steps, page.at);
  page.graph.show(page.state, seen, step, page.chosen);
  const [title, lines] = describe(step, seen, before);
  find("step").replaceChildren(html("p", { class: `kind ${step.kind}` }, title), ...lines);
  find("rule").replaceChildren(...ruleLines(page.chosen, seen));
  const scrub = find("scrub");
  scrub.max = page.steps.length - 1;
  scrub.value = page.at;
  scrub.setAttribute("aria-valuetext", `step ${page.at + 1} of ${page.steps.length}: ${title}`);
  find("counter").textContent = `${page.at + 1} / ${page.steps.length}`;
  for (const row of page.rows ?? []) row.show(seen);
  fillTable(seen);
  follow(step);
}

function fillTable(seen) {
  if (!find("all").open) return;
  find("rows").replaceChildren(...nodes.map((node, i) =>
    html("tr", {},
      html("th", { scope: "row" }, node.name),
      html("td", {}, node.kind === "operation" ? operation(i) : node.kind),
      html("td", {}, seen.known[i] ? exact(value(i)) : ""),
      html("td", {}, seen.received[i] ? exact(seen.gradient[i]) : "")),
  ));
}

// Keeps the card at work in sight while the graph is larger than its window.
function follow(step) {
  const card = page.graph.scene.cards[step.parent ?? step.node];
  if (!card) return;
  const stage = find("stage");
  const [x, y, width, height] = card;
  const near = (start, size, from, room) => (start < from || start + size > from + room ? start + size / 2 - room / 2 : from);
  stage.scrollTo({ left: near(x, width, stage.scrollLeft, stage.clientWidth), top: near(y, height, stage.scrollTop, stage.clientHeight) });
}

function go(at) {
  page.at = Math.min(Math.max(at, 0), page.steps.length - 1);
  render();
}

function pause() {
  clearInterval(page.timer);
  page.timer = null;
  find("play").setAttribute("aria-label", "Play");
  find("play").classList.remove("on");
}

function play() {
  if (page.at === page.steps.length - 1) go(0);
  find("play").setAttribute("aria-label", "Pause");
  find("play").classList.add("on");
  page.timer = setInterval(() => {
    go(page.at + 1);
    if (page.at === page.steps.length - 1) pause();
  }, Number(find("pace").value));
}

function halt(at) {
  pause();
  go(at);
}

function choose(i) {
  page.chosen = i;
  render();
}

function draw() {
  const scene = content.scenes[narrow.matches ? "TB" : "LR"];
  page.graph = new Graph(nodes, scene, choose);
  find("stage").replaceChildren(page.graph.picture);
  render();
}

function adopt(state) {
  page.state = state;
  page.steps = plan(nodes, state.local);
  go(page.at);
}

// A row for each leaf: its name, a slider, the number itself, and its gradient.
class Leaf {
  constructor(i) {
    this.i = i;
    this.slider = html("input", { type: "range", step: "any", "aria-label": `${names[i]}, slider` });
    this.field = html("input", { type: "number", step: "any", "aria-label": names[i] });
    this.gradient = html("output", { class: "ink" });
    this.row = html("div", { class: "row leaf" }, html("span", { class: "name" }, names[i]), this.slider, this.field, this.gradient);
    this.slider.addEventListener("input", () => this.moved(Number(this.slider.value)));
    this.field.addEventListener("input", () => {
      if (this.field.value !== "") this.moved(Number(this.field.value));
    });
    this.around(value(i));
  }

  around(x) {
    const center = Number.isFinite(x) ? x : 0;
    const span = 2 * Math.max(1, Math.abs(center));
    this.slider.min = center - span;
    this.slider.max = center + span;
  }

  moved(x) {
    adopt(recomputed(nodes, leaves.map((j) => (j === this.i ? x : value(j))), RULES));
  }

  show(seen) {
    const x = value(this.i);
    if (x < Number(this.slider.min) || x > Number(this.slider.max)) this.around(x);
    if (document.activeElement !== this.slider) this.slider.value = x;
    if (document.activeElement !== this.field) this.field.value = x;
    this.gradient.textContent = seen.received[this.i] ? `gradient ${short(seen.gradient[this.i], 4)}` : "";
  }
}

function setUpLeaves() {
  find("leaves").hidden = leaves.length === 0;
  if (RULES === null) {
    find("note").textContent = content.reason;
    find("note").hidden = false;
    find("reset").hidden = true;
    return;
  }
  page.rows = leaves.map((i) => new Leaf(i));
  find("sliders").replaceChildren(...page.rows.map((row) => row.row));
  find("reset").addEventListener("click", () => adopt(engineState(columns(nodes))));
}

function setUpHistory() {
  const frames = content.history;
  if (frames.length === 0) return;
  const epoch = find("epoch");
  const heights = frames.map((frame) => toNumber(frame.data[root]));
  const finite = heights.filter(Number.isFinite);
  const low = Math.min(...finite);
  const range = Math.max(...finite) - low || 1;
  const x = (k) => (300 * k) / Math.max(1, frames.length - 1);
  const points = heights.map((h, k) => `${x(k)},${Number.isFinite(h) ? 84 - (78 * (h - low)) / range : 0}`);
  const mark = svg("path", { class: "mark", d: `M${x(frames.length - 1)} 0V90` });
  find("curve").replaceChildren(svg("polyline", { class: "loss", points: points.join(" ") }), mark);
  epoch.max = frames.length - 1;
  epoch.value = frames.length - 1;
  find("history").hidden = false;
  find("epoch-number").textContent = "as it is now";
  epoch.addEventListener("input", () => {
    const k = Number(epoch.value);
    mark.setAttribute("d", `M${x(k)} 0V90`);
    find("epoch-number").textContent = `${k + 1} / ${frames.length}: ${short(heights[k], 4)}`;
    adopt(engineState(frames[k]));
  });
}

const KEYS = {
  ArrowRight: () => halt(page.at + 1),
  ArrowLeft: () => halt(page.at - 1),
  Home: () => halt(0),
  End: () => halt(page.steps.length - 1),
  " ": () => (page.timer ? pause() : play()),
};

function pressed(event) {
  const busy = event.target.closest?.("input, select, textarea");
  const button = event.key === " " && event.target.closest?.("button, summary, [role=button]");
  const act = KEYS[event.key];
  if (!act || busy || button || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  act();
}

find("expression").textContent = nodes[root].kind === "operation" && names[root] !== content.expression ? `${names[root]} = ${content.expression}` : content.expression;
find("first").addEventListener("click", () => halt(0));
find("back").addEventListener("click", () => halt(page.at - 1));
find("next").addEventListener("click", () => halt(page.at + 1));
find("last").addEventListener("click", () => halt(page.steps.length - 1));
find("play").addEventListener("click", () => (page.timer ? pause() : play()));
find("scrub").addEventListener("input", (event) => halt(Number(event.target.value)));
find("pace").addEventListener("change", () => {
  if (page.timer) {
    pause();
    play();
  }
});
find("all").addEventListener("toggle", render);
document.addEventListener("keydown", pressed);
narrow.addEventListener("change", draw);
setUpLeaves();
setUpHistory();
draw();
