// The picture of the network: a tile for each neuron, and the edges between them.

const GRID = 36; // samples of the plane in each direction
const CROWD = 10; // neurons that stand in one line
const STRONGEST = 24; // edges into a neuron that are drawn
const BLOCK = 16; // inputs that stand alone; more are one tile
const kind = width === 2 ? "plane" : width === 1 ? "line" : "point";
const blocked = width > BLOCK;
const side = Math.ceil(Math.sqrt(width)); // of a block

let ink = {};

function readInk() {
  const style = getComputedStyle(document.documentElement);
  const triple = (name) => style.getPropertyValue(name).trim().split(" ").map(Number);
  const of = (tone) => {
    const probe = html("i", { class: tone });
    document.body.append(probe);
    const found = getComputedStyle(probe);
    const colours = ["--line", "--tint", "--figure"].map((name) => found.getPropertyValue(name).trim());
    probe.remove();
    return { line: colours[0], tint: colours[1], figure: colours[2] };
  };
  ink = { none: triple("--h0"), minus: triple("--hn"), plus: triple("--hp"), n: of("n4"), p: of("p4"), soft: { n: of("n2"), p: of("p2"), zero: of("zero"), nan: of("nan") }, border: style.getPropertyValue("--border").trim(), accent: style.getPropertyValue("--accent").trim() };
}

const mixed = (from, to, share) => from.map((x, k) => x + (to[k] - x) * share);

// The colour of a number from -1 to 1; nan is grey.
function shade(x, most = 1) {
  if (Number.isNaN(x)) return [128, 128, 128];
  return mixed(ink.none, x < 0 ? ink.minus : ink.plus, most * Math.min(1, Math.abs(x)) ** 0.85);
}

const rgb = (colour) => `rgb(${colour.map(Math.round).join(" ")})`;

function nameOf(l, k) {
  if (l === 0) return blocked ? "inputs" : content.inputs[k];
  if (l === depth) return content.outputs[k];
  return `layer ${l - 1}, neuron ${k}`;
}

class Tile {
  constructor(l, k) {
    Object.assign(this, { l, k, x: 0, y: 0, size: 0, values: new Float64Array(GRID * GRID), most: 1 });
    this.canvas = html("canvas", { width: GRID, height: GRID });
    this.brush = this.canvas.getContext("2d");
    this.image = new ImageData(GRID, GRID);
    this.button = html("button", { type: "button", class: "tile" }, this.canvas);
    this.button.addEventListener("click", () => choose(this));
    for (const type of ["pointerenter", "focus"]) this.button.addEventListener(type, () => point(type === "focus" && !this.button.matches(":focus-visible") ? null : this));
    for (const type of ["pointerleave", "blur"]) this.button.addEventListener(type, () => point(null));
  }

  put(at, x) {
    this.values[at] = x;
    const [r, g, b] = shade(x / this.most);
    this.image.data.set([r, g, b, 255], 4 * at);
  }

  // What the neuron says over the plane, over the line, or for the point that is followed.
  paint(seen) {
    const { brush, l } = this;
    if (kind === "plane") return brush.putImageData(this.image, 0, 0);
    brush.clearRect(0, 0, GRID, GRID);
    if (blocked && l === 0) return paintBlock(brush, seen.a[0], 1);
    if (kind === "line") return this.paintLine();
    const values = l === 0 || l === depth ? seen.a[l] : [1];
    const x = seen.a[l][this.k] / (largest(values) || 1);
    brush.fillStyle = rgb(shade(x));
    const high = (Math.min(1, Math.abs(x)) * GRID) / 2;
    brush.fillRect(0, x < 0 ? GRID / 2 : GRID / 2 - high, GRID, high);
    brush.fillStyle = ink.border;
    brush.fillRect(0, GRID / 2 - 0.5, GRID, 1);
  }

  paintLine() {
    const { brush } = this;
    const most = largest(Array.from(this.values.subarray(0, GRID))) || 1;
    brush.strokeStyle = ink.accent;
    brush.lineWidth = 2.5;
    brush.beginPath();
    for (let c = 0; c < GRID; c++) brush.lineTo(c, GRID / 2 - (this.values[c] / most) * (GRID / 2 - 3));
    brush.stroke();
  }
}

// Numbers as a square of cells: a sample of many inputs, or the weights that look at it.
function paintBlock(brush, numbers, most) {
  const cell = brush.canvas.width / side;
  numbers.forEach((x, i) => {
    brush.fillStyle = rgb(shade(x / (most || 1)));
    brush.fillRect((i % side) * cell, Math.floor(i / side) * cell, cell + 0.3, cell + 0.3);
  });
}

const layers = sizes.map((size, l) => Array.from({ length: l === 0 && blocked ? 1 : size }, (_, k) => new Tile(l, k)));
const tiles = layers.flat();
const edges = [];

// The edges of each neuron; of very many the strongest, from a block one.
function makeEdges() {
  edges.length = 0;
  for (let l = 1; l <= depth; l++) {
    for (const head of layers[l]) {
      const tails = layers[l - 1].map((tile) => tile.k);
      const size = (i) => Math.abs(net.weights[weightAt(l, head.k, i)]);
      const drawn = new Set(tails.length > STRONGEST ? tails.toSorted((a, b) => size(b) - size(a)).slice(0, STRONGEST) : tails);
      for (const i of tails) if (drawn.has(i)) edges.push({ l, head, tail: layers[l - 1][i], path: svg("path") });
    }
  }
  find("edges").replaceChildren(...edges.map((edge) => edge.path));
}

// What an edge carries; from a block the size of all its weights.
function carried(edge, source) {
  if (!blocked || edge.l > 1) return source[weightAt(edge.l, edge.head.k, edge.tail.k)];
  const from = weightAt(1, edge.head.k, 0);
  return Math.sqrt(source.subarray(from, from + width).reduce((sum, w) => sum + w * w, 0) / width);
}

// Layers from left to right; crowded ones in several staggered lines.
function placeTiles() {
  const { clientWidth: wide, clientHeight: high } = find("field");
  const small = narrow.matches;
  const [top, foot] = [46, 24];
  const lines = layers.map((layer) => (layer.length > CROWD ? Math.ceil(layer.length / 14) + (layer.length <= 14) : 1));
  const rows = Math.max(...layers.map((layer, l) => Math.ceil(layer.length / lines[l])));
  const room = high - top - foot;
  const size = Math.min((room / rows) * (Math.max(...lines) > 1 ? 0.84 : 0.68), small ? 38 : 58);
  const label = blocked ? 0 : Math.max(...content.inputs.map((name) => widthOf(name, 12.5)));
  const said = sizes[depth] > 1 ? Math.max(...content.outputs.map((name) => widthOf(name, 12.5))) : 0;
  const [left, right] = [small ? 14 : 26 + Math.min(110, label), small ? 20 : said ? 24 + Math.min(100, said) : 58];
  const span = (l) => lines[l] * size * 1.1;
  layers.forEach((layer, l) => layer.forEach((tile) => {
    const own = l === 0 && blocked ? Math.min(small ? 84 : 120, room) : size;
    const count = layer.length;
    const spread = lines[l] > 1 ? (room - size) / Math.max(1, count - 1) : Math.min(room / count, 88);
    tile.size = own;
    tile.y = top + room / 2 + (tile.k - (count - 1) / 2) * spread;
    tile.x = left + own / 2 + ((wide - left - right - (span(l) + own) / 2 - own / 2) * l) / depth + (tile.k % lines[l]) * size * 1.1;
    Object.assign(tile.button.style, { left: `${tile.x - own / 2}px`, top: `${tile.y - own / 2}px`, width: `${own}px`, height: `${own}px`, borderRadius: `${Math.max(4, own * 0.16)}px`, borderWidth: own < 22 ? "1.5px" : "2px" });
  }));
  for (const { head, tail, path } of edges) {
    const count = layers[tail.l].length;
    const y = head.y + ((tail.k + 0.5) / count - 0.5) * Math.min(size * 0.6, 4 * count);
    const [x0, x1] = [tail.x + tail.size / 2, head.x - head.size / 2];
    const middle = (x1 - x0) / 2;
    path.setAttribute("d", `M${x0} ${tail.y}C${x0 + middle} ${tail.y} ${x1 - middle} ${y} ${x1} ${y}`);
  }
  me.roomy = room / rows >= 40 && lines.every((n) => n === 1);
  captions(small, lines, size);
}

function captions(small, lines, size) {
  const middleOf = (l) => layers[l][0].x + ((lines[l] - 1) * size * 1.1) / 2;
  const anchor = (l) => (l === 0 ? "start" : l === depth && small ? "end" : "middle");
  const edge = (l) => (l === 0 ? layers[0][0].x - layers[0][0].size / 2 : l === depth && small ? layers[l][0].x + size / 2 : middleOf(l));
  me.captions = layers.flatMap((_, l) => {
    const [title, line] = l === 0 ? ["inputs", blocked ? `${width} numbers` : ""] : [l === depth ? "output" : `layer ${l - 1}`, content.activations[l - 1]];
    return [svg("text", { class: `title ${anchor(l)}`, x: edge(l), y: 17 }, title), svg("text", { class: anchor(l), x: edge(l), y: 33 }, line)];
  });
  const named = small ? [] : [...(blocked ? [] : layers[0].map((t) => [t, "end", t.x - t.size / 2 - 8, content.inputs[t.k]])), ...(sizes[depth] > 1 ? layers[depth].map((t) => [t, "start", t.x + t.size / 2 + 6, clipped(content.outputs[t.k], 14)]) : [])];
  me.captions.push(...named.map(([tile, style, x, name]) => svg("text", { class: style, x, y: tile.y }, name)));
}

// Width and colour of the edges: by weight, or by gradient, that of the followed point in its waves.
function showEdges() {
  const source = me.by === "weight" ? net.weights : me.wave >= 0 ? me.seen.gradient : net.gradient;
  const carry = edges.map((edge) => carried(edge, source));
  const most = largest(carry) || 1;
  const moving = waveLayer();
  edges.forEach((edge, i) => {
    const share = Math.min(1, Math.abs(carry[i]) / most) || 0;
    const near = me.pointed && (edge.head === me.pointed || edge.tail === me.pointed);
    const on = moving.edges === edge.l;
    const dim = me.pointed ? !near : me.wave >= 0 && !on;
    const sign = Number.isNaN(carry[i]) ? "nan" : carry[i] < 0 ? "n" : "p";
    const key = `${Math.round(share * 24)} ${sign} ${on} ${moving.back} ${dim}`;
    if (edge.key === key && edge.ink === ink) return;
    Object.assign(edge, { key, ink });
    edge.path.setAttribute("stroke", (ink[sign] ?? ink.soft.nan).line);
    edge.path.setAttribute("stroke-width", ((0.6 + 5 * share) * (edges.length > 150 ? 0.75 : 1)).toFixed(2));
    edge.path.setAttribute("stroke-opacity", (dim ? 0.08 + 0.12 * share : 0.22 + 0.7 * share).toFixed(2));
    edge.path.setAttribute("class", on && share > 0.03 ? (moving.back ? "flow back" : "flow") : "");
  });
}

// Frames and numbers at the tiles.
function showTiles() {
  const { seen, wave } = me;
  const moving = waveLayer();
  const parts = [...me.captions];
  for (const tile of tiles) {
    const { l, k } = tile;
    tile.button.classList.toggle("lit", moving.tiles === l);
    tile.button.classList.toggle("chosen", me.chosen === tile);
    tile.button.setAttribute("aria-pressed", String(me.chosen === tile));
    const many = l === 0 && blocked;
    const words = [nameOf(l, k), ...(many ? [] : [`says ${figure(seen.a[l][k])}`]), ...(l ? [`gradient ${figure(seen.dz[l][k])}`] : [])];
    tile.button.setAttribute("aria-label", words.join(", "));
    const back = wave > depth && l > 0 && depth - (wave - depth - 1) <= l;
    if (!me.roomy || many || wave < 0 || (wave <= depth ? wave < l : l === 0)) continue;
    const x = back ? seen.dz[l][k] : seen.a[l][k];
    const text = (back ? "\u2202 " : "") + figure(x, 6);
    const half = 6 + text.length * 3.6;
    const y = tile.y + tile.size / 2 + 4;
    const { tint, figure: colour } = ink.soft[x < 0 ? "n" : x > 0 ? "p" : x === 0 ? "zero" : "nan"];
    const label = svg("text", { class: "number", x: tile.x, y: y + 0.5 }, text);
    label.style.fill = colour;
    parts.push(svg("rect", { class: "pill", x: tile.x - half, y: y - 8.5, width: 2 * half, height: 17, rx: 8.5, fill: tint }), label);
  }
  find("top").replaceChildren(...parts);
}
