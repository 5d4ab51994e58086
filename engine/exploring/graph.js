// The picture: cards, wires and labels, drawn once for each layout and then kept up to date.

const SVG = "http://www.w3.org/2000/svg";
const svg = (tag, attributes, ...children) => element(SVG, tag, attributes, children);

const LEAST = 0.66;
const STRENGTHS = [0.01, 0.1, 0.5]; // shares of the largest gradient at which a colour deepens

function tone(x, scale) {
  if (x === 0) return "zero";
  if (Number.isNaN(x)) return "nan";
  const strength = 1 + STRENGTHS.filter((share) => Math.abs(x) >= share * scale).length;
  return (x > 0 ? "p" : "n") + strength;
}

class Graph {
  constructor(nodes, scene, choose) {
    this.nodes = nodes;
    this.scene = scene;
    this.arrows = nodes.flatMap((node, head) => node.parents.map((tail, operand) => ({ head, tail, operand })));
    this.wires = scene.wires.map((d) => svg("path", { class: "wire", d }));
    this.heads = scene.arrows.map((arrow) => svg("path", { class: "head", d: arrow.head }));
    this.labels = scene.arrows.map((arrow) => this.label(arrow.label));
    this.cards = nodes.map((node, i) => this.card(node, i, scene.cards[i], choose));
    const [width, height] = scene.size;
    this.picture = svg(
      "svg",
      { role: "group", "aria-label": "Expression graph", width, height, viewBox: `0 0 ${width} ${height}` },
      ...this.wires,
      ...this.heads,
      ...this.labels.map((label) => label.group),
      ...this.cards.map((card) => card.group),
    );
    this.picture.style.minWidth = `${LEAST * width}px`; // a wide graph shrinks so far, then its window scrolls
  }

  label(place) {
    const text = svg("text", { class: "sign" });
    const patch = svg("rect", { class: "patch", y: -9, height: 18, rx: 5 });
    const group = svg("g", { class: "label" }, patch, text);
    if (place) group.setAttribute("transform", `translate(${place[0]} ${place[1]})`);
    return { group, text, patch };
  }

  card(node, i, [x, y, width, height, chip], choose) {
    const role = node.kind === "constant" ? {} : { role: "button", tabindex: "0" };
    const value = svg("text", { class: "value", x: (chip + width) / 2, y: height * 0.27 });
    const gradient = svg("text", { class: "value ink", x: (chip + width) / 2, y: height * 0.75 });
    const corner = 9;
    const tint = svg("path", {
      class: "tint",
      d: `M${chip} ${height / 2}H${width}V${height - corner}a${corner} ${corner} 0 0 1 -${corner} ${corner}H${chip || corner}${chip ? "" : `a${corner} ${corner} 0 0 1 -${corner} -${corner}`}Z`,
    });
    const parts = [svg("rect", { class: "card", width, height, rx: corner }), tint];
    if (chip && node.kind === "operation") {
      parts.push(svg("path", { class: "chip", d: `M${corner} 0H${chip}V${height}H${corner}a${corner} ${corner} 0 0 1 -${corner} -${corner}V${corner}a${corner} ${corner} 0 0 1 ${corner} -${corner}Z` }));
    }
    if (chip) {
      const { symbol, name } = node;
      const style = symbol && symbol.length <= 2 ? "symbol" : "title";
      parts.push(svg("text", { class: style, x: chip / 2, y: symbol ? height * 0.36 : height / 2 }, symbol || name));
      if (symbol) parts.push(svg("text", { class: "small", x: chip / 2, y: height * 0.74 }, name));
    }
    parts.push(value, gradient, svg("rect", { class: "frame", width, height, rx: corner }));
    const group = svg("g", { class: `node ${node.kind}`, transform: `translate(${x} ${y})`, ...role }, ...parts);
    if (node.kind !== "constant") {
      group.addEventListener("click", () => choose(i));
      group.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        event.stopPropagation();
        choose(i);
      });
    }
    return { group, value, gradient, tint };
  }

  // Shows what is known after a step; `now` is that step.
  show(state, seen, now, chosen) {
    const scale = Math.max(0, ...seen.gradient.map(Math.abs).filter(Number.isFinite));
    this.cards.forEach((card, i) => this.fillCard(card, i, state, seen, now, chosen, scale));
    const flows = this.wires.map(() => 0);
    const active = new Set();
    this.arrows.forEach((arrow, i) => {
      const local = state.local[arrow.head][arrow.operand];
      const passed = seen.passed[arrow.head][arrow.operand];
      const flow = passed ? seen.gradient[arrow.head] * local : 0;
      const forward = now.kind === "forward" && now.node === arrow.head;
      const backward = now.kind === "backward" && now.node === arrow.head && now.operand === arrow.operand;
      this.scene.arrows[i].wires.forEach((wire) => {
        flows[wire] += flow;
        if (forward || backward) active.add(wire);
      });
      this.fillArrow(i, tone(flow, scale), passed ? short(local, 4) : "", forward, backward);
    });
    this.wires.forEach((wire, i) => {
      const moving = active.has(i) ? ` active ${now.kind}` : "";
      wire.setAttribute("class", `wire ${tone(flows[i], scale)}${moving}`);
    });
  }

  fillCard(card, i, state, seen, now, chosen, scale) {
    const node = this.nodes[i];
    const known = seen.known[i];
    const received = seen.received[i] > 0;
    const kind = received ? tone(seen.gradient[i], scale) : "zero";
    card.value.textContent = known ? short(state.data[i], 4) : "";
    card.gradient.textContent = received ? short(seen.gradient[i], 4) : "";
    card.gradient.setAttribute("class", `value ink ${kind}`);
    card.tint.setAttribute("class", `tint ${received ? kind : "empty"}`);
    const active = now.node === i || now.parent === i ? " active" : "";
    card.group.setAttribute("class", `node ${node.kind}${active}${chosen === i ? " chosen" : ""}${i === this.nodes.length - 1 ? " root" : ""}`);
    card.group.dataset.value = known ? exact(state.data[i]) : "";
    card.group.dataset.gradient = exact(seen.gradient[i]);
    if (node.kind === "constant") return;
    const words = [node.name, node.kind === "operation" ? filled(node.formula, node.parents.map((p) => this.nodes[p].name)) : "leaf"];
    if (known) words.push(`value ${short(state.data[i])}`);
    if (received) words.push(`gradient ${short(seen.gradient[i])}`);
    card.group.setAttribute("aria-label", words.join(", "));
    card.group.setAttribute("aria-pressed", String(chosen === i));
  }

  fillArrow(i, kind, text, forward, backward) {
    const moving = forward ? " active forward" : backward ? " active backward" : "";
    const half = 5 + 3.6 * text.length;
    const { group, text: line, patch } = this.labels[i];
    this.heads[i].setAttribute("class", `head ${kind}${moving}`);
    group.setAttribute("class", `label${text ? "" : " empty"}${backward ? " active" : ""}`);
    line.textContent = text;
    patch.setAttribute("x", -half);
    patch.setAttribute("width", 2 * half);
  }
}
