// Where everything stands: the layout of `draw`, to the same places, so that boxes can open in the page.
// Columns by distance to the root, long arrows cut into links, crossings reduced by barycentres, places by least
// squares. `along` runs from the leaves to the root, `across` within a column; only at the end they become x and y.
// What `draw` does not have are frames, lists of boxes that stand together.

const ROUNDS = 24;
const EFFORT = 200000;
const BENDS = 50000;
const SWEEPS = 12;
const MARGIN = 20;
const GAP = 16;
const JOINT_GAP = 10;
const MIN_BEND = 34;
const MAX_BEND = 110;
const HEAD = 8;
const ROW_GAP = 3;
const PAD = 5;
const FRAME_TOP = 36; // room for the title of a frame
const FRAME_GAP = 14;

const lists = (count) => Array.from({ length: count }, () => []);
const mean = (numbers, otherwise) => (numbers.length ? numbers.reduce((a, b) => a + b) / numbers.length : otherwise);
const most = (numbers, least) => numbers.reduce((a, b) => Math.max(a, b), least);

// Boxes are {kind, size: [width, height]}, arrows {tail, head, sign: size of the label or null}.
function arrange(boxes, arrows, down, frames = []) {
  const upright = ([x, y]) => (down ? [y, x] : [x, y]);
  const layers = layersOf(boxes.length, arrows, frames);
  for (const link of layers.links) link.sign = link.arrow?.sign ? upright(link.arrow.sign) : [0, 0];
  const sizes = evened(boxes, layers, boxes.map((box, i) => grown(upright(box.size), layers.inward[i])));
  const extents = layers.column.map((_, i) => (i < sizes.length ? sizes[i][1] : 0));
  attach(layers, extents);
  const across = placesAcross(layers, extents);
  frames.forEach((frame) => clearFrame(frame, layers, extents, across));
  return layout(layers, sizes, across, extents, down ? (a, c) => [c, a] : (a, c) => [a, c], upright, frames);
}

function layersOf(count, arrows, frames) {
  const layers = { column: distances(count, arrows, frames), links: [] };
  cutIntoLinks(layers, arrows);
  layers.inward = lists(layers.column.length);
  layers.outward = lists(layers.column.length);
  for (const link of layers.links) {
    layers.inward[link.head].push(link);
    layers.outward[link.tail].push(link);
  }
  setFirstOrder(layers, count - 1);
  untangle(layers);
  return layers;
}

// The longest way of each box to the root; what feeds a frame stands before all of it.
function distances(count, arrows, frames) {
  const column = new Array(count).fill(0);
  const sorted = arrows.toSorted((a, b) => b.head - a.head);
  const members = frames.map((frame) => new Set(frame));
  for (let moved = true; moved; ) {
    moved = false;
    for (const { tail, head } of sorted) {
      let least = column[head] + 1;
      frames.forEach((frame, k) => {
        if (members[k].has(head) && !members[k].has(tail)) least = most(frame.map((i) => column[i] + 1), least);
      });
      moved ||= frames.length > 0 && least > column[tail];
      column[tail] = Math.max(column[tail], least);
    }
  }
  return column;
}

// Arrows from the same tail share their way as long as they can.
function cutIntoLinks(layers, arrows) {
  const { column, links } = layers;
  const reach = column.map(() => 0);
  for (const { tail, head } of arrows) reach[tail] = Math.max(reach[tail], column[tail] - column[head] - 1);
  const longest = reach.reduce((a, b) => a + b, 0) <= BENDS ? column.length : Math.floor(BENDS / column.length);
  const joints = new Map();
  for (const arrow of arrows) {
    let piece = { tail: arrow.tail, head: arrow.head, arrow, port: 0 };
    links.push(piece);
    for (let stop = column[arrow.head] + 1; stop < column[arrow.tail] && reach[arrow.tail] <= longest; stop++) {
      const known = joints.get(`${arrow.tail} ${stop}`);
      piece.tail = known ?? column.length;
      if (known !== undefined) break;
      joints.set(`${arrow.tail} ${stop}`, column.length);
      column.push(stop);
      piece = { tail: arrow.tail, head: column.length - 1, port: 0 };
      links.push(piece);
    }
  }
}

// Depth first from the root, in argument order: for a tree no links cross in it.
function setFirstOrder(layers, root) {
  layers.columns = lists(most(layers.column, 0) + 1);
  const seen = new Set();
  const stack = [root];
  while (stack.length) {
    const slot = stack.pop();
    if (seen.has(slot)) continue;
    seen.add(slot);
    layers.columns[layers.column[slot]].push(slot);
    stack.push(...layers.inward[slot].map((link) => link.tail).reverse());
  }
  setRanks(layers);
}

function setRanks(layers) {
  layers.rank = layers.column.map(() => 0);
  for (const column of layers.columns) column.forEach((slot, i) => (layers.rank[slot] = i));
}

// Sorts each column by the mean rank of its neighbours, to and fro; the best order seen stays.
function untangle(layers) {
  const { columns, rank } = layers;
  let best = columns.map((column) => [...column]);
  let fewest = crossings(layers);
  const turns = fewest ? Math.min(ROUNDS, Math.floor(EFFORT / layers.links.length)) : 0;
  for (let turn = 0; turn < turns; turn++) {
    const rootward = turn % 2 === 0;
    for (const column of rootward ? columns : columns.toReversed()) {
      const near = (slot) => (rootward ? layers.outward[slot].map((l) => rank[l.head]) : layers.inward[slot].map((l) => rank[l.tail]));
      const key = new Map(column.map((slot) => [slot, mean(near(slot), rank[slot])]));
      column.sort((a, b) => key.get(a) - key.get(b));
      column.forEach((slot, i) => (rank[slot] = i));
    }
    const count = crossings(layers);
    if (count < fewest) [best, fewest] = [columns.map((column) => [...column]), count];
  }
  layers.columns = best;
  setRanks(layers);
}

function crossings(layers) {
  if (layers.links.length > EFFORT) return 0;
  let count = 0;
  for (const column of layers.columns) {
    const passed = [];
    for (const slot of column) {
      const tails = layers.inward[slot].map((link) => layers.rank[link.tail]).sort((a, b) => a - b);
      const from = tails.map((tail) => firstAbove(passed, tail));
      from.forEach((at) => (count += passed.length - at));
      tails.forEach((tail) => passed.splice(firstAbove(passed, tail), 0, tail));
    }
  }
  return count;
}

function firstAbove(sorted, x) {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (x < sorted[middle]) high = middle;
    else low = middle + 1;
  }
  return low;
}

// The size with room for the labels of all operands beside each other.
function grown([along, across], inward) {
  return [along, Math.max(across, (most(inward.map((link) => link.sign[1]), 0) + ROW_GAP) * inward.length)];
}

// Boxes of one kind in one column, all as long as the longest.
function evened(boxes, layers, sizes) {
  const keys = boxes.map((box, i) => `${box.kind} ${layers.column[i]}`);
  const longest = new Map();
  keys.forEach((key, i) => longest.set(key, Math.max(sizes[i][0], longest.get(key) ?? 0)));
  return sizes.map((size, i) => [longest.get(keys[i]), size[1]]);
}

// Spreads the ports of a head over its side, in the order in which its links arrive.
function attach(layers, extents) {
  layers.inward.forEach((inward, slot) => {
    inward.sort((a, b) => layers.rank[a.tail] - layers.rank[b.tail]);
    inward.forEach((link, i) => (link.port = extents[slot] * ((i + 0.5) / inward.length - 0.5)));
  });
}

function placesAcross(layers, extents) {
  const across = layers.column.map(() => 0);
  const stacks = new Map(layers.columns.map((column) => [column, closePlaces(column, extents)]));
  for (const [column, stack] of stacks) column.forEach((slot, i) => (across[slot] = stack[i]));
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const rootward = sweep % 2 === 0;
    for (const column of rootward ? layers.columns : layers.columns.toReversed()) {
      const straight = (slot) =>
        rootward ? layers.outward[slot].map((l) => across[l.head] + l.port) : layers.inward[slot].map((l) => across[l.tail] - l.port);
      const wishes = column.map((slot) => mean(straight(slot), across[slot]));
      spreadPlaces(wishes, stacks.get(column)).forEach((place, i) => (across[column[i]] = place));
    }
  }
  return across;
}

function closePlaces(column, extents) {
  const places = [0];
  column.slice(1).forEach((below, i) => {
    const above = extents[column[i]];
    places.push(places[i] + (above + extents[below]) / 2 + (above && extents[below] ? GAP : JOINT_GAP));
  });
  return places;
}

// The places nearest to the wishes, by least squares, in the order of the stack and at least as far apart.
function spreadPlaces(wishes, stack) {
  const pools = [];
  wishes.forEach((want, i) => {
    let [middle, members] = [want - stack[i], 1];
    while (pools.length && pools.at(-1)[0] >= middle) {
      const [last, count] = pools.pop();
      members += count;
      middle += ((last - middle) * count) / members;
    }
    pools.push([middle, members]);
  });
  return pools.flatMap(([middle, members]) => new Array(members).fill(middle)).map((middle, i) => middle + stack[i]);
}

// Moves aside what would stand inside a frame, or too near.
function clearFrame(frame, layers, extents, across) {
  const inside = new Set(frame);
  const columns = frame.map((i) => layers.column[i]);
  const [first, last] = [Math.min(...columns), Math.max(...columns)];
  const top = Math.min(...frame.map((i) => across[i] - extents[i] / 2)) - FRAME_TOP - GAP;
  const bottom = Math.max(...frame.map((i) => across[i] + extents[i] / 2)) + FRAME_GAP + GAP;
  const above = (i) => across[i] < (top + bottom) / 2;
  let [up, down] = [0, 0];
  extents.forEach((extent, i) => {
    if (!extent || inside.has(i) || layers.column[i] < first || layers.column[i] > last) return;
    if (above(i)) up = Math.max(up, across[i] + extent / 2 - top);
    else down = Math.max(down, bottom - across[i] + extent / 2);
  });
  extents.forEach((_, i) => {
    if (!inside.has(i)) across[i] += above(i) ? -up : down;
  });
}

// Gives each column its stretch along, with room to bend before it, and everything its place.
function layout(layers, sizes, across, extents, turn, upright, frames) {
  const top = Math.min(...across.map((middle, i) => middle - extents[i] / 2)) - MARGIN - (frames.length ? FRAME_TOP : 0);
  const shifted = across.map((middle) => middle - top);
  const bottom = Math.max(...shifted.map((middle, i) => middle + extents[i] / 2)) + MARGIN;
  const stretches = columnStretches(layers, sizes, shifted);
  const places = sizes.map((size, i) => {
    const corner = turn(stretches[layers.column[i]].end - size[0], shifted[i] - size[1] / 2);
    return [...corner, ...upright(size)];
  });
  const ways = layers.links.map((link) => way(link, layers, sizes, shifted, stretches, turn));
  return { places, ways, runs: runs(layers), size: turn(stretches[0].end + MARGIN, bottom) };
}

function columnStretches(layers, sizes, across) {
  const stretches = [];
  let begin = MARGIN;
  for (let c = layers.columns.length - 1; c >= 0; c--) {
    const inward = layers.columns[c].flatMap((slot) => layers.inward[slot]);
    const rises = inward.map((link) => Math.abs(across[link.tail] - across[link.head] - link.port));
    if (inward.length) begin += Math.min(MAX_BEND, MIN_BEND + most(rises, 0) / 4);
    const ends = inward.filter((link) => link.arrow);
    const label = ends.length ? HEAD + 2 * PAD + most(ends.map((link) => link.sign[0]), 0) : 0;
    const cards = layers.columns[c].map((slot) => sizes[slot]?.[0] ?? 0);
    stretches[c] = { begin, end: begin + label + most(cards, 0) };
    begin = stretches[c].end;
  }
  return stretches;
}

// From its tail in a curve, then straight to its head, with the label on the straight part.
function way(link, layers, sizes, across, stretches, turn) {
  const { begin, end } = stretches[layers.column[link.head]];
  const start = stretches[layers.column[link.tail]].end;
  const half = (start + begin) / 2;
  const [high, low] = [across[link.tail], across[link.head] + link.port];
  const tip = link.arrow ? end - sizes[link.head][0] : end;
  const stop = link.arrow ? tip - HEAD : end;
  const text = (...points) => points.map(([a, c]) => turn(a, c).map((x) => Math.round(10 * x) / 10).join(" ")).join(" ");
  return {
    path: `M${text([start, high])}C${text([half, high], [half, low], [begin, low])}L${text([stop, low])}`,
    head: link.arrow && `M${text([tip, low])}L${text([stop, low - HEAD / 2])}L${text([stop, low + HEAD / 2])}Z`,
    label: turn(stop - PAD - link.sign[0] / 2, low),
  };
}

// The ways of each arrow, from its head back to its tail; arrows may share some.
function runs(layers) {
  const at = new Map(layers.links.map((link, i) => [link, i]));
  const feeding = new Map(layers.links.flatMap((link) => (link.arrow ? [] : [[link.head, link]])));
  return layers.links.flatMap((link) => {
    if (!link.arrow) return [];
    const run = [at.get(link)];
    for (let before = feeding.get(link.tail); before; before = feeding.get(before.tail)) run.push(at.get(before));
    return [run];
  });
}
