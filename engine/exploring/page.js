// What is shown, and what the reader does.

const layer = svg("g");
const leader = svg("path", { class: "leader" });
const picture = svg("svg", { role: "group", "aria-label": "Expression graph" }, leader, layer);
const view = new View(find("stage"), layer, placed);

// How many steps are done at a stop: in a box closed over several, all of them.
function done(at) {
  const { kind } = page.steps[page.stops[at].at];
  const next = kind === "leaves" || kind === "forward" ? page.stops[at].at + 1 : page.stops[at + 1]?.at;
  return next ?? page.steps.length;
}

function render() {
  const step = practice.on ? { kind: "practice" } : page.steps[page.stops[page.at].at];
  const seen = practice.on ? practice.seen() : replay(nodes, page.state, page.steps, done(page.at));
  page.now = page.ended && !practice.on ? { kind: "end" } : step;
  page.graph.show(page.state, seen, page.now, page.chosen, practice.on ? practice.asked : undefined);
  showStep(step, seen);
  showRule(seen);
  const scale = largest(seen.gradient);
  for (const row of page.rows) row.show(seen, scale);
  find("over").hidden = practice.on || page.at > 0;
  find("bar").hidden = practice.on;
  find("quiz").hidden = !practice.on;
  if (practice.on) practice.show();
  showCurve();
  showTrace();
  fillTable(seen);
  find("pin").textContent = `${names[root]} = ${seen.known[root] ? figure(value(root)) : "?"}`;
  placed();
}

function showStep(step, seen) {
  const bubble = find("bubble");
  const scrub = find("scrub");
  const last = page.stops.length - 1;
  scrub.max = last;
  scrub.value = page.at;
  find("counter").textContent = `${page.at} / ${last}`;
  bubble.hidden = page.at === 0 || practice.on || page.ended;
  if (practice.on) return;
  const { at, count } = page.stops[page.at];
  const [title, lines] = count > 1 ? describeBox(step, count) : describe(step, seen, replay(nodes, page.state, page.steps, at));
  scrub.setAttribute("aria-valuetext", `step ${page.at} of ${last}: ${title}`);
  bubble.replaceChildren(html("h2", {}, title), ...lines);
}

function showRule(seen) {
  find("rule").replaceChildren(html("h2", {}, `Chain rule of ${names[page.chosen]}`), ...ruleLines(page.chosen, seen));
}

function fillTable(seen) {
  if (!find("all").open) return;
  find("table").replaceChildren(...nodes.map((node, i) =>
    html("tr", {},
      html("th", { scope: "row" }, node.name),
      html("td", {}, node.kind === "operation" ? clipped(operation(i), FORMULA) : node.kind),
      html("td", {}, seen.known[i] ? exact(value(i)) : ""),
      html("td", {}, seen.received[i] ? exact(seen.gradient[i]) : ""),
      html("td", {}, seen.known[i] && page.state === page.first ? node.digits.toFixed(0) : "")),
  ));
}

// After the picture moved: the formula beside its arrow, and the root named while it is out of sight.
function placed() {
  if (!page.graph) return;
  const [dx, dy] = view.outside(page.graph.boxOf(root));
  find("pin").hidden = Math.abs(dx) < 40 && Math.abs(dy) < 40;
  const bubble = find("bubble");
  leader.setAttribute("d", "");
  bubble.style.left = bubble.style.top = "";
  if (bubble.hidden || narrow.matches || page.now.node === undefined) return;
  const [x, y] = view.onScreen([...page.graph.spot(page.now), 0, 0]);
  const [left, top] = freePlace(x, y, bubble.offsetWidth, bubble.offsetHeight);
  bubble.style.left = `${left}px`;
  bubble.style.top = `${top}px`;
  const near = [Math.min(left + bubble.offsetWidth - 14, Math.max(left + 14, x)), Math.min(top + bubble.offsetHeight, Math.max(top, y))];
  if (Math.hypot(near[0] - x, near[1] - y) > 20) leader.setAttribute("d", `M${near.join(" ")}L${x} ${y}`);
}

// Where a bubble covers least and is near: its corner.
function freePlace(x, y, width, height) {
  const { clientWidth: wide, clientHeight: high } = find("stage");
  const labels = page.graph.arrows.flatMap(({ sign: size }, i) => {
    const [middle, level] = page.graph.ways[page.graph.runs[i][0]].label;
    return size ? [[middle - size[0] / 2, level - size[1] / 2, ...size]] : [];
  });
  const titles = page.graph.borders.map(([left, top]) => [left, top, 120, FRAME_TOP]);
  const taken = [...page.graph.places, ...labels, ...titles].map((box) => view.onScreen(box));
  taken.push([wide - 220, 0, 220, 50], [0, high - 40, 350, 40], [x - 16, y - 12, 32, 24]);
  const tries = [16, 40, 70, 110].flatMap((gap) => [-0.5, 0, -1].flatMap((dx) => [[x + dx * width, y - height - gap], [x + dx * width, y + gap]]));
  for (let i = 0; i <= 8; i++) for (let k = 0; k <= 6; k++) tries.push([((wide - width) * i) / 8, ((high - height) * k) / 6]);
  let best = [Infinity];
  for (const place of tries) {
    const left = Math.min(wide - width - 8, Math.max(8, place[0]));
    const top = Math.min(high - height - 8, Math.max(8, place[1]));
    const far = Math.hypot(Math.max(left - x, x - left - width, 0), Math.max(top - y, y - top - height, 0));
    const cost = 3 * covered([left, top, width, height], taken) + 6 * far + Math.abs(left + width / 2 - x);
    if (cost < best[0]) best = [cost, left, top];
  }
  return best.slice(1);
}

const covered = ([x, y, w, h], boxes) =>
  boxes.reduce((sum, [left, top, width, height]) => sum + Math.max(0, Math.min(x + w, left + width) - Math.max(x, left)) * Math.max(0, Math.min(y + h, top + height) - Math.max(y, top)), 0);

// Draws the picture anew, after boxes opened or closed; the step stays, as far as it still is one.
function draw(fits = true) {
  const step = page.stops?.[page.at].at ?? 0;
  const end = page.at > 0 && page.at === page.stops.length - 1;
  page.stops = page.folds.stops(page.steps);
  page.at = end ? page.stops.length - 1 : page.stops.findLastIndex(({ at }) => at <= step);
  page.graph = new Graph(nodes, page.folds, narrow.matches, { choose, toggle });
  layer.replaceChildren(...page.graph.elements);
  view.size = page.graph.size;
  view.root = page.graph.boxOf(root);
  setPadding();
  if (fits) view.fit();
  find("fold").hidden = content.groups.length === 0;
  find("fold").textContent = page.folds.open.size ? "Fold all" : "Unfold";
  showMarks();
  render();
}

// The corners that buttons, the legend and, on a phone, the formula stand in.
function setPadding() {
  view.pad = narrow.matches ? [50, 8, page.at ? 176 : 150, 8] : [48, 20, page.at || practice.on ? 36 : 120, 20];
}

function toggle(g) {
  page.folds.toggle(g);
  if (practice.on && !practice.hides(practice.asked ?? root)) practice.next();
  draw();
  const frame = page.graph.frames.findIndex(({ group }) => group === g);
  if (frame >= 0 && view.zoomed < 0.75) view.show(around([page.graph.borders[frame]], [20, 40, 20, 180]));
  const button = layer.querySelector(`[aria-label^="${CSS.escape(`Fold ${content.groups[g].title}`)}"]`);
  if (frame >= 0) button?.focus({ preventScroll: true });
  else page.graph.cards[page.graph.place.get(page.folds.part(page.folds.members[g][0]))].group.focus({ preventScroll: true });
}

function toggleAll() {
  page.folds.toggleAll();
  if (practice.on) practice.next();
  draw();
}

function showMarks() {
  const seed = page.stops.findIndex(({ at }) => page.steps[at].kind === "seed") / (page.stops.length - 1);
  [...find("marks").children].forEach((mark, i) => (mark.style.left = `${i ? 50 + 50 * seed : 50 * seed}%`));
}

function go(at) {
  const began = page.at > 0;
  page.at = Math.min(Math.max(at, 0), page.stops.length - 1);
  page.ended = false;
  setPadding();
  if (began !== page.at > 0 && !view.touched) view.fit();
  render();
  const { node, parent } = page.now;
  if (node !== undefined) view.follow(page.graph.boxOf(parent ?? node));
}

function pause() {
  clearInterval(page.timer);
  page.timer = null;
  setIcon(find("play"), PLAY, "Play");
}

function play() {
  const last = () => page.at === page.stops.length - 1;
  clearInterval(page.timer);
  setIcon(find("play"), PAUSE, "Pause");
  page.timer = setInterval(() => {
    if (!last()) return go(page.at + 1);
    pause();
    page.ended = true;
    render();
  }, Number(find("pace").value));
  go(last() ? 1 : page.at + 1);
}

const playOrPause = () => (page.timer ? pause() : play());

function halt(at) {
  pause();
  go(at);
}

function choose(i) {
  page.chosen = i;
  if (practice.on && practice.hides(i)) {
    practice.ask(i);
    practice.say();
  }
  if (nodes[i].kind === "leaf") {
    page.leaf = i;
    if (RULES !== null && !page.rows.some((row) => row.i === i)) listLeaves(leaves.indexOf(i) + 1 - page.rows.length);
    page.rows.find((row) => row.i === i)?.row.scrollIntoView({ block: "nearest" });
  }
  render();
}

// New numbers: the page shows all of them, unless the reader is on the way through the steps.
function adopt(state) {
  const stand = page.at > 0 && page.at < page.stops.length - 1;
  page.state = state;
  page.steps = plan(nodes, state.local);
  page.stops = page.folds.stops(page.steps);
  page.at = stand ? Math.min(page.at, page.stops.length - 1) : page.stops.length - 1;
  page.ended = !stand;
  setPadding();
  render();
}

function setUpHistory() {
  const frames = content.history;
  if (frames.length === 0) return;
  const states = frames.map((frame) => (Array.isArray(frame) ? recomputed(nodes, frame.map(toNumber), RULES) : engineState(frame)));
  const heights = states.map((state) => state.data[root]);
  const [bottom, top] = bounds(heights, 0);
  const points = heights.map((height, k) => [6 + (k / Math.max(1, frames.length - 1)) * (WIDE - 12), 56 - ((height - bottom) / (top - bottom)) * 46]);
  const dot = svg("circle", { class: "dot", r: 5.5 });
  find("run-curve").replaceChildren(svg("path", { class: "line", d: curvePath(points) }), dot);
  find("history").hidden = false;
  find("epoch").max = find("epoch").value = frames.length - 1;
  const mark = (k, words) => {
    dot.setAttribute("cx", points[k][0]);
    dot.setAttribute("cy", Number.isFinite(points[k][1]) ? points[k][1] : 0);
    find("epoch-number").textContent = words;
  };
  mark(frames.length - 1, "as it is now");
  find("epoch").addEventListener("input", () => {
    const k = Number(find("epoch").value);
    mark(k, `${k + 1} / ${frames.length}: ${short(heights[k], 4)}`);
    adopt(states[k]);
  });
}

function setUpLeaves() {
  if (leaves.length === 0) for (const id of ["leaves", "curve-panel", "descent"]) find(id).hidden = true;
  if (content.note) find("note").textContent = content.note;
  if (RULES === null) {
    for (const id of ["curve-panel", "descent", "more", "leaf-heads"]) find(id).hidden = true;
  } else listLeaves(ROWS);
}

const press = (id, act) => find(id).addEventListener("click", act);
press("begin", play);
press("play", playOrPause);
press("first", () => halt(0));
press("back", () => halt(page.at - 1));
press("next", () => halt(page.at + 1));
press("last", () => halt(page.stops.length - 1));
press("in", () => view.zoom(1.25));
press("out", () => view.zoom(0.8));
press("fit", () => view.fit());
press("pin", () => view.follow(page.graph.boxOf(root)));
press("fold", toggleAll);
press("descend", descend);
press("run", run);
press("reset", reset);
press("more", () => {
  listLeaves(ROWS);
  render();
});
find("scrub").addEventListener("input", () => halt(Number(find("scrub").value)));
find("pace").addEventListener("change", () => page.timer && play());
find("all").addEventListener("toggle", render);
for (const kind of ["pointerdown", "pointermove"]) find("curve").addEventListener(kind, dragCurve);
narrow.addEventListener("change", () => draw());
layer.addEventListener("focusin", ({ target }) => {
  const card = page.graph.cards.findIndex(({ group }) => group === target);
  if (card >= 0 && target.matches(":focus-visible")) view.follow(page.graph.places[card]);
});
const unlessPractising = (act) => () => practice.on || act();
const unlessStanding = (act) => () => RULES === null || act();
listenToKeys({
  ArrowRight: unlessPractising(() => halt(page.at + 1)),
  ArrowLeft: unlessPractising(() => halt(page.at - 1)),
  Home: unlessPractising(() => halt(0)),
  End: unlessPractising(() => halt(page.stops.length - 1)),
  " ": unlessPractising(playOrPause),
  "+": () => view.zoom(1.25),
  "=": () => view.zoom(1.25),
  "-": () => view.zoom(0.8),
  0: () => view.fit(),
  f: () => content.groups.length && toggleAll(),
  p: () => practice.switch(!practice.on),
  d: unlessStanding(descend),
  r: unlessStanding(reset),
});

find("headline").textContent = find("headline").title = content.title;
find("stage").prepend(picture);
setIcon(find("play"), PLAY, "Play");
setUpLeaves();
setUpHistory();
draw();
find("promise").textContent = `${nodes.filter((node) => node.kind === "operation").length} operations forward, then the chain rule back: ${page.stops.length - 1} steps`;
