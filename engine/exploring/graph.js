// The picture: cards, wires, labels and frames, drawn once for each state of the folds and then kept up to date.

const HEIGHT = 54;
const FIGURES = 82; // room for any number of seven characters
const CHIP = 42;
const SIDE = 11;
const RADIUS = 10;
const CELLS = 10; // outputs of a box that are shown

class Graph {
  constructor(nodes, folds, down, { choose, toggle }) {
    Object.assign(this, { nodes, folds, choose, toggle }, folds.scene());
    this.faces = this.parts.map((part) => (part < 0 ? this.boxFace(~part) : this.nodeFace(part)));
    const frames = this.frames.map((frame) => frame.inside);
    Object.assign(this, arrange(this.faces, this.arrows, down, frames));
    this.wires = this.ways.map(({ path }) => svg("path", { class: "wire", d: path }));
    this.heads = this.runs.map(([last]) => svg("path", { class: "head", d: this.ways[last].head }));
    this.labels = this.runs.map(([last]) => this.label(this.ways[last].label));
    this.cards = this.faces.map((face, i) => this.card(face, this.places[i]));
    this.borders = this.frames.map((frame) => around(frame.inside.map((i) => this.places[i]), [FRAME_TOP, FRAME_GAP, FRAME_GAP, FRAME_GAP]));
    const outermostFirst = this.frames.map((frame, i) => this.frame(frame.group, this.borders[i])).reverse();
    this.elements = [...outermostFirst, ...this.wires, ...this.heads, ...this.labels.map((l) => l.group), ...this.cards.map((c) => c.group)];
  }

  boxFace(g) {
    const { title, size } = this.folds.groups[g];
    const count = size || `${this.folds.members[g].length} nodes`;
    const chip = Math.max(76, 2 * SIDE + Math.max(widthOf(title, 14, 620), widthOf(count, 11.5)));
    return { kind: "box", group: g, chip, title, count, outputs: this.folds.outputs[g], size: [chip + 96, 60] };
  }

  nodeFace(i) {
    const { kind, name, symbol, data } = this.nodes[i];
    if (kind === "constant") return { kind, node: i, chip: 0, size: [Math.max(44, 2 * SIDE + widthOf(figure(data), 14)), 34] };
    const words = symbol ? Math.max(widthOf(symbol, symbol.length > 2 ? 14 : 20, 620), widthOf(name, 12)) : widthOf(name, 14, 620);
    const chip = Math.max(CHIP, 2 * SIDE + words);
    return { kind, node: i, chip, outputs: [i], size: [chip + FIGURES, HEIGHT] };
  }

  label([x, y]) {
    const text = svg("text", { class: "sign" });
    const patch = svg("rect", { class: "patch", y: -9, height: 18, rx: 5 });
    return { group: svg("g", { class: "label", transform: `translate(${x} ${y})` }, patch, text), text, patch };
  }

  frame(g, [x, y, width, height]) {
    const { title } = this.folds.groups[g];
    const button = svg("g", { class: "node", role: "button", tabindex: "0", "aria-label": `Fold ${title}`, transform: `translate(${x + 8} ${y + 8})` },
      svg("rect", { class: "chip frame", width: 20, height: 20, rx: 6 }), svg("path", { class: "minus", d: "M5.5 10h9" }));
    onPress(button, () => this.toggle(g));
    return svg("g", {}, svg("rect", { class: "hull", x, y, width, height, rx: 16 }), svg("text", { class: "hull-title", x: x + 36, y: y + 18 }, title), button);
  }

  card(face, [x, y, width, height]) {
    const { chip, kind } = face;
    const half = height / 2;
    const middle = (chip + width) / 2;
    const parts = [svg("rect", { class: "card", width, height, rx: RADIUS })];
    const card = { face, value: svg("text", { class: "value", x: middle, y: kind === "constant" ? half : height * 0.27 }) };
    card.group = svg("g", { class: `node ${kind}`, transform: `translate(${x} ${y})` });
    if (kind !== "constant") {
      card.tint = svg("path", { class: "tint empty", d: `M${chip} ${half}H${width}V${height - RADIUS}a${RADIUS} ${RADIUS} 0 0 1 -${RADIUS} ${RADIUS}H${chip}Z` });
      card.gradient = svg("text", { class: "value ink", x: middle, y: height * 0.75 });
      card.cells = kind === "box" && face.outputs.length > 1 ? this.cells(face, width, height) : [];
      parts.push(card.tint, ...this.chip(face, height), ...card.cells.flat(), card.gradient);
      if (kind === "box") for (const back of [4, 8]) parts.unshift(svg("rect", { class: "card", x: back, y: -back, width: width - back, height, rx: RADIUS }));
      card.group.setAttribute("role", "button");
      card.group.setAttribute("tabindex", "0");
      onPress(card.group, () => (kind === "box" ? this.toggle(face.group) : this.choose(face.node)));
    }
    card.group.append(...parts, card.value, svg("rect", { class: "frame", width, height, rx: RADIUS }));
    return card;
  }

  chip({ chip, kind, title, count, node }, height) {
    const { name, symbol } = this.nodes[node] ?? {};
    const text = (style, y, words) => svg("text", { class: style, x: chip / 2, y: height * y }, words);
    const ground = svg("path", { class: "chip", d: `M${RADIUS} 0H${chip}V${height}H${RADIUS}a${RADIUS} ${RADIUS} 0 0 1 -${RADIUS} -${RADIUS}V${RADIUS}a${RADIUS} ${RADIUS} 0 0 1 ${RADIUS} -${RADIUS}Z` });
    if (kind === "box") return [ground, text("title", 0.37, title), text("tiny", 0.7, count)];
    if (kind === "leaf") return [text("title", 0.5, name)];
    return [ground, text(symbol.length <= 2 ? "symbol" : "title", 0.36, symbol), text("small", 0.74, name)];
  }

  // For the values and for the gradients, a cell for each output.
  cells({ chip, outputs }, width, height) {
    const shown = outputs.slice(0, CELLS);
    const step = (width - chip - 16) / shown.length;
    return [0.13, 0.57].map((y) => shown.map((_, k) => svg("rect", { x: chip + 8 + k * step, y: height * y, width: step - 2, height: height * 0.3, rx: 3 })));
  }

  // Shows what is known; `now` is the running step, `asked` a node whose gradient is asked for.
  show(state, seen, now, chosen, asked) {
    const scale = largest(seen.gradient.filter((_, i) => seen.received[i]));
    const range = largest(state.data.filter((_, i) => seen.known[i]));
    const busy = [now.node, now.parent].map((i) => this.part[i]);
    for (const card of this.cards) {
      if (card.face.kind === "constant") this.note(card, state.data[card.face.node], 0);
      else this.fill(card, state, seen, { busy, chosen, asked, scale, range });
    }
    const flows = this.ways.map(() => 0);
    const active = new Set();
    this.arrows.forEach((arrow, i) => {
      const taken = arrow.edges.filter(([head, operand]) => seen.passed[head][operand]);
      const flow = taken.reduce((sum, [head, operand]) => sum + seen.gradient[head] * state.local[head][operand], 0);
      const forward = now.kind === "forward" && this.part[now.node] === this.parts[arrow.head];
      const backward = now.kind === "backward" && arrow.edges.some(([head, operand]) => head === now.node && operand === now.operand);
      for (const way of this.runs[i]) {
        flows[way] += flow;
        if (forward || backward) active.add(way);
      }
      const slope = taken.length && arrow.sign ? figure(state.local[taken[0][0]][taken[0][1]], 6) : "";
      this.fillArrow(i, tone(flow, scale), slope, forward || backward, backward);
    });
    this.wires.forEach((wire, i) => wire.setAttribute("class", `wire ${tone(flows[i], scale)}${active.has(i) ? ` active ${now.kind}` : ""}`));
  }

  fill(card, state, seen, { busy, chosen, asked, scale, range }) {
    const { kind, outputs, node, group } = card.face;
    const i = outputs[0] ?? node;
    const known = outputs.every((o) => seen.known[o]);
    const received = seen.received[i] > 0;
    const one = card.cells.length === 0;
    const colour = received && one ? tone(seen.gradient[i], scale) : "empty";
    card.gradient.textContent = asked === i ? "?" : one && received ? figure(seen.gradient[i]) : "";
    card.gradient.setAttribute("class", `value ink ${colour}`);
    card.tint.setAttribute("class", `tint ${colour}`);
    card.cells[0]?.forEach((cell, k) => cell.setAttribute("class", `tint ${seen.known[outputs[k]] ? tone(state.data[outputs[k]], range) : "zero"}`));
    card.cells[1]?.forEach((cell, k) => cell.setAttribute("class", `tint ${seen.received[outputs[k]] ? tone(seen.gradient[outputs[k]], scale) : "zero"}`));
    const part = node ?? ~group;
    const marks = { active: busy.includes(part), root: this.parts.at(-1) === part, chosen: chosen === node, asked: asked === node };
    card.group.setAttribute("class", ["node", kind, ...Object.keys(marks).filter((mark) => marks[mark] && (node !== undefined || !/cho|ask/.test(mark)))].join(" "));
    this.note(card, one && known ? state.data[i] : null, one ? seen.gradient[i] : null);
    const words = kind === "box" ? [card.face.title, card.face.count] : [this.nodes[i].name, kind === "leaf" ? "leaf" : operation(i)];
    if (one && known) words.push(`value ${short(state.data[i])}`);
    if (one && received) words.push(`gradient ${short(seen.gradient[i])}`);
    if (kind === "box") words.push("folded: opens");
    else card.group.setAttribute("aria-pressed", String(chosen === i));
    card.group.setAttribute("aria-label", words.join(", "));
  }

  // A card keeps all digits for whoever asks.
  note({ group, value }, x, gradient) {
    value.textContent = x === null ? "" : figure(x);
    group.dataset.value = x === null ? "" : exact(x);
    group.dataset.gradient = gradient === null ? "" : exact(gradient);
  }

  fillArrow(i, colour, text, moving, backward) {
    const half = 5 + 3.7 * text.length;
    const { group, text: line, patch } = this.labels[i];
    this.heads[i].setAttribute("class", `head ${colour}${moving ? " active" : ""}`);
    group.setAttribute("class", `label${text ? "" : " empty"}${backward && text ? " active" : ""}`);
    line.textContent = text;
    patch.setAttribute("x", -half);
    patch.setAttribute("width", 2 * half);
  }

  // Where a step happens: [x, y] at its arrow, or above its card.
  spot(step) {
    const at = this.arrows.findIndex((arrow) => step.kind === "backward" && arrow.edges.some(([head, operand]) => head === step.node && operand === step.operand));
    if (at >= 0) return this.ways[this.runs[at][0]].label;
    const [x, y, width] = this.boxOf(step.node);
    return [x + width / 2, y];
  }

  boxOf(node) {
    return this.places[this.place.get(this.part[node])];
  }
}
