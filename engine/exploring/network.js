// What is shown, and what the reader does: training, a recorded run, waves of one point.

const narrow = matchMedia("(max-width: 720px)");
const me = { mode: "live", by: "weight", sample: 0, wave: -1, pointed: null, captions: [], at: 0, playing: false, timer: null, logarithmic: true, turn: 0 };
const LAST = 2 * depth + 1; // forward through every layer, the loss, back through every layer

// The layer whose tiles are lit and the layer whose edges move, in the wave.
function waveLayer() {
  const { wave } = me;
  if (wave < 0) return {};
  if (wave <= depth) return { tiles: wave, edges: wave };
  const l = depth - (wave - depth - 1);
  return wave === depth + 1 ? { tiles: depth, back: true } : { tiles: l, edges: l + 1, back: true };
}

function tell() {
  const { wave, seen } = me;
  const strong = (words) => html("b", {}, words);
  const line = (...parts) => html("span", {}, ...parts);
  const say = (...parts) => find("tell").replaceChildren(...parts);
  find("track").replaceChildren(...Array.from({ length: LAST + 1 }, (_, k) => html("li", { class: k === wave ? "on" : k < wave ? "past" : "" })));
  if (wave < 0) return say(line(strong("Follow one point"), " through the network: forward, then back."));
  if (wave === 0) return say(line(strong(width > 4 ? `Sample ${me.sample}` : `Point (${X[me.sample].map((x) => figure(x, 6)).join(", ")})`), `, target ${targetWords()}, is the input.`));
  if (wave <= depth) {
    return say(line(strong(wave === depth ? "Forward: the output" : `Forward: layer ${wave - 1}`)), formulaLine(numeral("a"), sign("="), numeral(`${content.activations[wave - 1] === "linear" ? "" : content.activations[wave - 1]}(w\u00b7a + b)`)));
  }
  if (wave === depth + 1) {
    const one = sizes[depth] === 1 ? [formulaLine(quotient("L", "z"), sign("="), numeral(figure(seen.dz[depth][0])))] : [];
    return say(line(strong(`Loss ${figure(seen.loss)}`), ", and back it goes:"), ...one);
  }
  const l = depth - (wave - depth - 1) + 1;
  const down = formulaLine(quotient("L", "w"), sign("="), quotient("L", "z"), sign("\u22c5"), numeral("a"));
  const on = l > 1 ? formulaLine(quotient("L", "a"), sign("="), sign("\u2211"), numeral("w"), sign("\u22c5"), quotient("L", "z")) : line("Every weight knows which way is down.");
  say(line(strong(l === depth ? "Back through the output" : `Back through layer ${l - 1}`)), down, on);
}

function showLoss() {
  const mine = me.mode === "live" ? net.losses : [];
  const recorded = record?.loss ?? [];
  const length = Math.max(mine.length, me.mode === "live" && mine.length ? 0 : recorded.length, 20);
  const form = me.logarithmic ? (y) => Math.log10(y) : (y) => y;
  const visible = [...mine, ...recorded.slice(0, length)].filter((y) => Number.isFinite(form(y)));
  const [bottom, top] = bounds(visible.map(form), 0.06);
  const x = (k) => 4 + (k / (length - 1)) * (WIDE - 10);
  const y = (at) => 8 + ((top - form(at)) / (top - bottom)) * 104;
  const thin = (series) => series.flatMap((at, k) => (k % Math.ceil(series.length / 260) && k < series.length - 1 ? [] : [[x(k), y(at)]]));
  const marks = me.logarithmic ? Array.from({ length: 24 }, (_, k) => 10 ** (k - 18)) : [0.25, 0.5, 0.75].map((share) => bottom + share * (top - bottom));
  const parts = marks.filter((at) => y(at) > 16 && y(at) < 104).flatMap((at) => [svg("path", { class: "axis", d: `M0 ${y(at)}H${WIDE}` }), svg("text", { class: "start", x: 2, y: y(at) - 6 }, figure(Number(at.toPrecision(2))))]);
  parts.push(svg("path", { class: "axis", d: `M0 114H${WIDE}` }), svg("text", { class: "start", x: 0, y: 125 }, "0"), svg("text", { class: "end", x: WIDE, y: 125 }, `${length.toLocaleString("en")} ${me.mode === "live" ? "steps" : "epochs"}`));
  if (recorded.length) parts.push(svg("path", { class: me.mode === "live" ? "line recorded" : "line", d: curvePath(thin(recorded.slice(0, length))) }));
  if (me.mode !== "live" && record.validation.length) parts.push(svg("path", { class: "line validation", d: curvePath(thin(record.validation)) }));
  if (mine.length) parts.push(svg("path", { class: "line", d: curvePath(thin(mine)) }));
  const now = me.mode === "live" ? [Math.max(0, mine.length - 1), mine.at(-1) ?? me.loss] : [Math.min(record.epochs[me.at], recorded.length - 1), recorded[Math.min(record.epochs[me.at], recorded.length - 1)]];
  if (Number.isFinite(y(now[1]))) parts.push(svg("circle", { class: "dot", cx: x(now[0]), cy: y(now[1]), r: 5.5 }));
  find("loss-curve").replaceChildren(...parts);
}

function showNumbers(loss) {
  me.loss = loss;
  find("steps").textContent = (me.mode === "live" ? net.steps : record.epochs[me.at]).toLocaleString("en");
  find("loss").textContent = figure(loss);
}

function showRight() {
  if (task.kind === "numbers") return;
  find("right").textContent = `${((100 * all.filter(isRight).length) / all.length).toFixed(0)} %`;
}

const ROWS_OF_HEAT = Array.from({ length: GRID }, (_, i) => i);

function show() {
  me.seen = trace(me.sample);
  heat(ROWS_OF_HEAT);
  showMap();
  const loss = sweep(all);
  showEdges();
  showTiles();
  tell();
  showNeuron();
  showNumbers(loss);
  showLoss();
  showRight();
}

// One frame of training or of the recorded run. What costs much takes turns.
function frame() {
  if (!me.playing) return;
  me.turn += 1;
  requestAnimationFrame(frame);
  if (me.mode === "live") {
    let loss;
    for (let k = Number(find("pace").value); k > 0; k--) loss = trainStep(Number(find("rate").value), find("optimizer").value, Number(find("batch").value));
    showNumbers(loss);
  } else if (me.turn % 2 === 0) {
    if (me.at === record.frames.length - 1) return stop();
    seek(me.at + 1);
  }
  heat(ROWS_OF_HEAT.filter((row) => row % 4 === me.turn % 4));
  if (me.turn % (edges.length > 150 ? 4 : 2) === 0) showEdges();
  if (me.turn % 2 === 0) {
    if (kind !== "plane") me.seen = trace(me.sample);
    if (!map.table || me.turn % 16 === 0) showMap();
  } else if (me.turn % 4 === 1) showLoss();
  if (me.turn % 16 !== 3) return;
  me.seen = trace(me.sample);
  showTiles();
  showNeuron();
  if (all.length * count < 4e5 || me.turn % 64 === 3) showRight();
}

function start() {
  stopWave();
  me.wave = -1;
  me.playing = true;
  setIcon(find("play"), PAUSE, "Pause");
  if (me.mode !== "live" && me.at === record.frames.length - 1) seek(0);
  showEdges();
  showTiles();
  tell();
  requestAnimationFrame(frame);
}

function stop() {
  me.playing = false;
  setIcon(find("play"), PLAY, me.mode === "live" ? "Train" : "Play");
  show();
}

const startOrStop = () => (me.playing ? stop() : start());

function step() {
  if (me.mode !== "live") return showFrame(me.at + 1);
  if (me.playing) stop();
  trainStep(Number(find("rate").value), find("optimizer").value, Number(find("batch").value));
  show();
}

function reset() {
  if (me.playing) stop();
  forget();
  if (me.mode !== "live") return showFrame(0);
  net.weights.set(content.weights.map(toNumber));
  makeEdges();
  placeTiles();
  show();
}

function seek(at) {
  me.at = Math.min(record.frames.length - 1, Math.max(0, at));
  net.weights.set(record.frames[me.at]);
  find("scrub").value = me.at;
  find("scrub").setAttribute("aria-valuetext", `epoch ${record.epochs[me.at]}`);
}

function showFrame(at) {
  if (me.playing) stop();
  seek(at);
  show();
}

function setMode(mode) {
  if (me.playing) stop();
  if (me.mode === "live" && mode !== "live") me.kept = net.weights.slice();
  me.mode = mode;
  const live = mode === "live";
  find("live").setAttribute("aria-pressed", String(live));
  find("recorded").setAttribute("aria-pressed", String(!live));
  find("scrub").hidden = live;
  find("count-title").textContent = live ? "steps" : "epoch";
  for (const option of document.querySelectorAll(".option")) option.hidden = !live;
  setIcon(find("play"), PLAY, live ? "Train" : "Play");
  if (!live) return showFrame(record.frames.length - 1);
  net.weights.set(me.kept);
  show();
}

function stopWave() {
  clearInterval(me.timer);
  me.timer = null;
  setIcon(find("wave-play"), PLAY, "Play the waves of one point");
}

function wave(k) {
  if (me.playing) stop();
  const back = me.wave > depth;
  me.wave = k > LAST ? -1 : k < -1 ? LAST : k;
  if (back !== me.wave > depth) me.by = back ? "weight" : "gradient";
  me.seen = trace(me.sample);
  showBy();
  showTiles();
  tell();
  showNeuron();
}

function playWave() {
  if (me.timer) return stopWave();
  setIcon(find("wave-play"), PAUSE, "Pause the waves");
  wave(0);
  me.timer = setInterval(() => (me.wave >= LAST ? stopWave() : wave(me.wave + 1)), 1300);
}

function oneWave(way) {
  stopWave();
  wave(me.wave + way);
}

function showBy() {
  find("by-weight").setAttribute("aria-pressed", String(me.by === "weight"));
  find("by-gradient").setAttribute("aria-pressed", String(me.by === "gradient"));
  showEdges();
}

function setBy(what) {
  me.by = what;
  showBy();
}

function pick(i) {
  me.sample = i;
  show();
}

function choose(tile) {
  me.chosen = tile;
  showTiles();
  showNeuron();
}

function point(tile) {
  me.pointed = tile;
  showEdges();
}

const press = (id, act) => find(id).addEventListener("click", act);
const other = () => pick(Math.floor(random() * all.length));
press("play", startOrStop);
press("step", step);
press("reset", reset);
press("live", () => setMode("live"));
press("recorded", () => setMode("recorded"));
press("wave-play", playWave);
press("wave-back", () => oneWave(-1));
press("wave-next", () => oneWave(1));
press("by-weight", () => setBy("weight"));
press("by-gradient", () => setBy("gradient"));
press("other", other);
press("log", () => {
  me.logarithmic = !me.logarithmic;
  find("log").setAttribute("aria-pressed", String(me.logarithmic));
  showLoss();
});
find("scrub").addEventListener("input", () => showFrame(Number(find("scrub").value)));
find("map").addEventListener("click", (event) => {
  const { left, top, width: wide } = find("map").getBoundingClientRect();
  pick(sampleAt(((event.clientX - left) / wide) * S, ((event.clientY - top) / wide) * S));
});
listenToKeys({
  " ": startOrStop,
  s: step,
  r: reset,
  w: playWave,
  n: other,
  g: () => setBy(me.by === "weight" ? "gradient" : "weight"),
  ArrowRight: () => oneWave(1),
  ArrowLeft: () => oneWave(-1),
});

const option = (value, words, selected) => html("option", selected ? { value, selected: "" } : { value }, words);
const rates = [...new Set([0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, content.rate])].sort((a, b) => a - b);
find("rate").append(...rates.map((rate) => option(rate, short(rate, 3), rate === content.rate)));
find("optimizer").append(...Object.keys(content.optimizers).map((name) => option(name, name, name === content.optimizer)));
const batches = [...new Set([10, 32, content.batch])].filter((size) => size && size < all.length);
find("batch").append(...batches.sort((a, b) => a - b).map((size) => option(size, size, size === content.batch)), option(0, "all", !content.batch));
find("title").textContent = content.title;
find("about").textContent = content.about;
find("note").textContent = content.note;
find("note").hidden = !content.note;
find("recorded").parentElement.hidden = !record;
find("right").parentElement.hidden = task.kind === "numbers";
find("tiles").append(...tiles.map((tile) => tile.button));
if (record) find("scrub").max = record.frames.length - 1;
find("scrub").hidden = true;
me.chosen = layers[1][0];
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  readInk();
  show();
});
setIcon(find("play"), PLAY, "Train");
stopWave();
readInk();
forget();
makeMap();
makeEdges();
placeTiles();
show();
new ResizeObserver(() => {
  placeTiles();
  showEdges();
  showTiles();
}).observe(find("field"));
if (record) setMode("recorded");
