// What the network decides: over the plane, along a line, as a table of classes, or point by point.

const CLASSES = "#4e79a7 #f28e2b #59a14f #e15759 #b07aa1 #9c755f #76b7b2 #edc948 #ff9da7 #79706e".split(" ");
const channels = CLASSES.map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));
const S = 10; // the side of the map, in its own units
const EDGE = 1.6; // of a table, for names
const several = task.kind === "classes";
const map = { canvas: find("heat"), values: new Float64Array(GRID * GRID), image: new ImageData(GRID, GRID) };
map.canvas.width = map.canvas.height = GRID;

const share = (i, x) => (x - content.domain[i][0]) / (content.domain[i][1] - content.domain[i][0]); // of the range of input i
const inputAt = (i, part) => content.domain[i][0] + part * (content.domain[i][1] - content.domain[i][0]);
const across = (x) => share(0, x) * S;
const upward = (y) => S - share(1, y) * S;
const level = (y) => S - 0.4 - ((y - task.low) / (task.high - task.low || 1)) * (S - 0.8); // of a target, or an output

function colourOf(i) {
  if (several) return CLASSES[labels[i] % CLASSES.length];
  return task.kind === "numbers" ? rgb(shade(meaning(labels[i]))) : labels[i] > task.middle ? "rgb(var(--hp))" : "rgb(var(--hn))";
}

// Where the point of sample i stands.
function spotOf(i) {
  if (kind === "plane") return [across(X[i][0]), upward(X[i][1])];
  if (kind === "line") return [across(X[i][0]), level(labels[i])];
  const said = outputs(X[i])[0];
  if (task.kind === "numbers") return [S - level(said), level(labels[i])];
  return [0.3 + ((Math.max(-1, Math.min(1, meaning(said))) + 1) / 2) * (S - 0.6), 0.4 + ((i * 0.618034) % 1) * (S - 0.8)];
}

function makeMap() {
  find("points").setAttribute("viewBox", `0 0 ${S} ${S}`);
  find("points").setAttribute("aria-label", `${X.length} points: ${content.about}`);
  map.table = kind === "point" && several;
  map.line = svg("path", { class: kind === "point" ? "half" : "edge" });
  map.ring = svg("circle", { class: "ring", r: 0.26 });
  map.points = map.table ? [] : X.map((_, i) => svg("circle", { r: X.length > 120 ? 0.13 : 0.16, fill: colourOf(i) }));
  find("points").replaceChildren(map.line, ...map.points, map.ring);
  map.canvas.hidden = kind !== "plane";
  const names = several ? [] : task.names;
  find("scale").replaceChildren(...(names.length ? [html("b", {}, names[0]), html("i", {}), html("b", {}, names[1])] : []));
  if (several && !map.table) find("classes").replaceChildren(...content.outputs.map((name, k) => {
    const swatch = html("i", {});
    swatch.style.background = CLASSES[k % CLASSES.length];
    return html("span", {}, swatch, clipped(name, 14));
  }));
}

// Computes rows of the plane: all tiles, and the map.
function heat(rows) {
  if (kind === "point") return;
  const part = (k) => k / (GRID - 1);
  for (const row of kind === "line" ? [0] : rows) {
    for (let c = 0; c < GRID; c++) {
      const place = kind === "line" ? [inputAt(0, part(c))] : [inputAt(0, part(c)), inputAt(1, 1 - part(row))];
      const said = neurons(place);
      const at = row * GRID + c;
      let next = 0;
      for (const tile of tiles) {
        const x = tile.l === 0 ? 2 * share(tile.k, place[tile.k]) - 1 : said[next++];
        tile.put(at, tile.l === depth && !several ? meaning(x) : x);
      }
      if (kind === "plane") heatPixel(at, said.slice(-sizes[depth]));
    }
  }
}

function heatPixel(at, zs) {
  map.values[at] = several ? best(zs) : meaning(zs[0]);
  const sharp = several ? softmax(zs) : null;
  const colour = sharp
    ? mixed(ink.none, [0, 1, 2].map((c) => sharp.reduce((sum, p, k) => sum + p * channels[k % channels.length][c], 0)), 0.5)
    : shade(map.values[at], 0.58);
  map.image.data.set([...colour, 255], 4 * at);
}

// What was computed, on the screen.
function showMap() {
  for (const tile of tiles) {
    tile.paint(me.seen);
    const whole = tile.l > 0 && tile.l < depth || several;
    if (kind === "plane" && whole) tile.most = Math.max(1, largest(Array.from(tile.values)));
  }
  if (kind === "plane") {
    map.canvas.getContext("2d").putImageData(map.image, 0, 0);
    if (!several) map.line.setAttribute("d", boundary(map.values));
  }
  if (kind === "line") map.line.setAttribute("d", curvePath(Array.from({ length: GRID }, (_, c) => [(c * S) / (GRID - 1), level(spoken(layers[depth][0].values[c]))])));
  if (kind === "point" && !map.table) map.line.setAttribute("d", task.kind === "numbers" ? `M0 ${S}L${S} 0` : `M${S / 2} 0V${S}`);
  if (map.table) showTable();
  else showPoints();
}

const spoken = (x) => (task.kind === "logit" ? (x + 1) / 2 : x * task.reach + task.middle); // what meaning() was made from

function showPoints() {
  if (kind === "point" || !map.placed) {
    map.points.forEach((circle, i) => {
      const [x, y] = spotOf(i);
      circle.setAttribute("cx", x.toFixed(2));
      circle.setAttribute("cy", y.toFixed(2));
    });
    map.placed = true;
  }
  const [x, y] = spotOf(me.sample);
  map.ring.setAttribute("cx", x);
  map.ring.setAttribute("cy", y);
}

// How often class by row was called class by column.
function showTable() {
  const size = sizes[depth];
  const counts = content.outputs.map(() => new Array(size).fill(0));
  for (const i of all) counts[labels[i]][best(outputs(X[i]))] += 1;
  const cell = (S - EDGE) / size;
  const text = (style, x, y, words) => svg("text", { class: style, x: x.toFixed(2), y: y.toFixed(2), "font-size": Math.min(0.44, cell * 0.45).toFixed(2) }, words);
  const parts = [text("faint", EDGE + (S - EDGE) / 2, 0.35, "what it says")];
  counts.forEach((row, r) => {
    const total = row.reduce((a, b) => a + b) || 1;
    const y = EDGE + r * cell;
    const name = clipped(content.outputs[r], 5);
    parts.push(text("faint end", EDGE - 0.15, y + cell / 2, name), text("faint", EDGE + r * cell + cell / 2, 1.1, name));
    row.forEach((n, c) => {
      const rect = svg("rect", { x: (EDGE + c * cell).toFixed(2), y: y.toFixed(2), width: (cell * 0.94).toFixed(2), height: (cell * 0.94).toFixed(2), rx: 0.1 });
      rect.style.fill = rgb(mixed(ink.none, r === c ? ink.minus : ink.plus, n ? 0.15 + 0.85 * (n / total) : 0.04));
      parts.push(rect);
      if (n) {
        const label = text("count", EDGE + c * cell + cell * 0.47, y + cell * 0.47, String(n));
        if (n / total > 0.6) label.classList.add("deep");
        parts.push(label);
      }
    });
  });
  find("points").replaceChildren(...parts);
}

// The line on which a grid of numbers is 0, square by square.
function boundary(grid) {
  const step = S / (GRID - 1);
  const corners = [[0, 0], [1, 0], [1, 1], [0, 1]];
  let path = "";
  for (let r = 0; r < GRID - 1; r++) {
    for (let c = 0; c < GRID - 1; c++) {
      const values = corners.map(([dx, dy]) => grid[(r + dy) * GRID + c + dx]);
      const cuts = corners.flatMap(([dx, dy], k) => {
        const [a, b] = [values[k], values[(k + 1) % 4]];
        if (a < 0 === b < 0) return [];
        const [ex, ey] = corners[(k + 1) % 4];
        const share = a / (a - b);
        return [`${((c + dx + (ex - dx) * share) * step).toFixed(2)} ${((r + dy + (ey - dy) * share) * step).toFixed(2)}`];
      });
      for (let k = 0; k + 1 < cuts.length; k += 2) path += `M${cuts[k]}L${cuts[k + 1]}`;
    }
  }
  return path;
}

// The sample nearest to a place on the map; of a table, one of its cell.
function sampleAt(x, y) {
  if (map.table) {
    const cell = (S - EDGE) / sizes[depth];
    const [row, column] = [Math.floor((y - EDGE) / cell), Math.floor((x - EDGE) / cell)];
    const found = all.filter((i) => labels[i] === row && best(outputs(X[i])) === column);
    return found[Math.floor(random() * found.length)] ?? me.sample;
  }
  const far = (i) => {
    const [u, v] = spotOf(i);
    return (u - x) ** 2 + (v - y) ** 2;
  };
  return all.reduce((nearest, i) => (far(i) < far(nearest) ? i : nearest), 0);
}
