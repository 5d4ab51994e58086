// Turning the leaves: sliders and fields, the curve of the root over one of them, and descent on all.

const ROWS = 40; // leaves that are listed at once
const SAMPLES = 120;

class Leaf {
  constructor(i) {
    const name = names[i];
    this.i = i;
    this.button = html("button", { type: "button", class: "icon", title: "Lets it swing to and fro" });
    this.slider = html("input", { type: "range", step: "any", "aria-label": `${name}, slider` });
    this.field = html("input", { type: "number", step: "any", "aria-label": name });
    this.gradient = html("output", { class: "figure", "aria-label": `gradient of ${name}` });
    this.row = html("div", { class: "leaf" }, this.button, html("span", { class: "name", title: name }, name), this.slider, this.field, this.gradient);
    this.slider.addEventListener("input", () => this.moved(Number(this.slider.value)));
    this.field.addEventListener("input", () => this.field.value !== "" && this.moved(Number(this.field.value)));
    this.row.addEventListener("focusin", () => turn(i));
    this.button.addEventListener("click", () => this.swing());
    this.rest();
    this.around(value(i));
  }

  around(x) {
    const middle = Number.isFinite(x) ? x : 0;
    const span = Math.max(2, 1.5 * Math.abs(middle));
    [this.slider.min, this.slider.max] = [middle - span, middle + span];
    [this.low, this.high] = [middle - span, middle + span];
  }

  moved(x) {
    page.leaf = this.i;
    moveLeaves(new Map([[this.i, x]]));
  }

  rest() {
    cancelAnimationFrame(this.swinging);
    this.swinging = null;
    setIcon(this.button, PLAY, `Let ${names[this.i]} swing`);
  }

  swing() {
    if (this.swinging) return this.rest();
    setIcon(this.button, PAUSE, `Stop ${names[this.i]}`);
    const middle = (this.low + this.high) / 2;
    const reach = (this.high - this.low) / 2;
    const start = Math.asin(Math.max(-1, Math.min(1, (value(this.i) - middle) / reach))) - performance.now() / 1400;
    const tick = (time) => {
      this.swinging = requestAnimationFrame(tick);
      this.moved(middle + reach * Math.sin(start + time / 1400));
    };
    this.swinging = requestAnimationFrame(tick);
  }

  show(seen, scale) {
    const x = value(this.i);
    if (x < this.low || x > this.high) this.around(x);
    const finite = Number.isFinite(x);
    if (document.activeElement !== this.slider && finite) this.slider.value = x;
    if (document.activeElement !== this.field) this.field.value = finite ? Number(x.toPrecision(4)) : "";
    this.field.placeholder = finite ? "" : figure(x);
    const known = seen.received[this.i] > 0;
    this.gradient.textContent = known ? figure(seen.gradient[this.i]) : practice.hides(this.i) ? "?" : "\u2013";
    paint(this.gradient, known ? tone(seen.gradient[this.i], scale) : "zero");
  }
}

// The next leaves of the list; all that are used keep their rows.
function listLeaves(count) {
  for (const i of leaves.slice(page.rows.length, page.rows.length + count)) page.rows.push(new Leaf(i));
  find("rows").replaceChildren(...page.rows.map((row) => row.row));
  find("more").hidden = page.rows.length === leaves.length;
  find("more").textContent = `${leaves.length - page.rows.length} more leaves`;
}

function turn(i) {
  if (page.leaf === i) return;
  page.leaf = i;
  showCurve();
}

function moveLeaves(changes) {
  page.moved = true;
  adopt(recomputed(nodes, leaves.map((i) => changes.get(i) ?? value(i)), RULES));
}

// All gradients at the numbers of now, whatever step is shown.
function gradientNow() {
  if (page.swept?.state !== page.state) {
    page.swept = { state: page.state, ...replay(nodes, page.state, page.steps, page.steps.length) };
  }
  return page.swept.gradient;
}

function rangeOf(i) {
  const row = page.rows.find((r) => r.i === i);
  const span = Math.max(2, 1.5 * Math.abs(value(i)) || 0);
  return row ? [row.low, row.high] : [value(i) - span, value(i) + span];
}

// The root over the range of a leaf, as all others are; kept until one of the others moves.
function samplesOf(i, low, high) {
  const xs = leaves.map(value);
  const at = leaves.indexOf(i);
  const key = [i, low, ...xs.map((x, k) => (k === at ? "" : x))].join();
  if (page.samples?.key !== key) {
    const over = Array.from({ length: SAMPLES + 1 }, (_, k) => low + ((high - low) * k) / SAMPLES);
    page.samples = { key, over, values: over.map((x) => recomputed(nodes, xs.with(at, x), RULES).data[root]) };
  }
  return page.samples;
}

function showCurve() {
  if (RULES === null || leaves.length === 0) return;
  const i = page.leaf;
  const [low, high] = rangeOf(i);
  const { over, values } = samplesOf(i, low, high);
  const [x0, y0, slope] = [value(i), value(root), gradientNow()[i]];
  const [bottom, top] = bounds([...values, y0], 0.12);
  const x = (at) => 8 + ((at - low) / (high - low)) * (WIDE - 16);
  const y = (at) => 134 - ((at - bottom) / (top - bottom)) * 126;
  const parts = [svg("path", { class: "line", d: curvePath(over.map((at, k) => [x(at), y(values[k])])) })];
  if (bottom < 0 && top > 0) parts.unshift(svg("path", { class: "axis", d: `M0 ${y(0)}H${WIDE}` }));
  if (low < 0 && high > 0) parts.unshift(svg("path", { class: "axis", d: `M${x(0)} 0V136` }));
  const reach = (high - low) / 5;
  const hidden = practice.hides(i);
  if (!hidden && Number.isFinite(y0) && Number.isFinite(slope)) {
    parts.push(svg("path", { class: `tangent wire ${tone(slope, Math.abs(slope))}`, d: `M${x(x0 - reach)} ${y(y0 - slope * reach)}L${x(x0 + reach)} ${y(y0 + slope * reach)}` }));
  }
  if (Number.isFinite(y0)) parts.push(svg("circle", { class: "dot", cx: x(x0), cy: y(y0), r: 6.5 }));
  else parts.push(svg("text", { x: WIDE / 2, y: 70 }, `${names[root]} is ${figure(y0)} here`));
  parts.push(svg("text", { class: "start", x: 8, y: 145 }, figure(low)), svg("text", { class: "end", x: WIDE - 8, y: 145 }, figure(high)));
  find("curve").replaceChildren(...parts);
  find("curve").setAttribute("aria-label", `${names[root]} as ${names[i]} moves`);
  find("curve-title").textContent = `${names[root]} as ${names[i]} moves`;
  find("slope").textContent = hidden ? "slope ?" : `slope ${figure(slope)}`;
  paint(find("slope"), hidden ? "zero" : tone(slope, Math.abs(slope)));
}

function dragCurve(event) {
  if (event.type === "pointerdown") event.target.closest("svg").setPointerCapture(event.pointerId);
  if (event.buttons === 0) return;
  const { left, width } = find("curve").getBoundingClientRect();
  const [low, high] = rangeOf(page.leaf);
  const share = (((event.clientX - left) / width) * WIDE - 8) / (WIDE - 16);
  moveLeaves(new Map([[page.leaf, low + Math.min(1, Math.max(0, share)) * (high - low)]]));
}

// One step of gradient descent: every leaf a little against its gradient.
function descend() {
  const gradient = gradientNow();
  const rate = Number(find("rate").value);
  page.trace.push(...(page.trace.length ? [] : [value(root)]));
  moveLeaves(new Map(leaves.map((i) => [i, value(i) - rate * gradient[i]])));
  page.trace.push(value(root));
  showTrace();
}

function showTrace() {
  const trace = page.trace.slice(-400);
  find("idle").hidden = trace.length > 0;
  find("trace").toggleAttribute("hidden", trace.length === 0);
  const steps = page.trace.length - 1;
  find("root-now").textContent = `${steps > 0 ? `step ${steps}: ` : ""}${names[root]} = ${figure(value(root))}`;
  if (trace.length === 0) return;
  const [bottom, top] = bounds(trace, 0);
  const points = trace.map((at, k) => [6 + (k / Math.max(12, trace.length - 1)) * (WIDE - 12), 56 - ((at - bottom) / (top - bottom)) * 46]);
  const dots = points.filter(([, y]) => Number.isFinite(y)).slice(points.length > 40 ? -1 : 0);
  find("trace").replaceChildren(
    svg("path", { class: "axis", d: `M0 61H${WIDE}` }),
    svg("path", { class: "line", d: curvePath(points) }),
    ...dots.map(([cx, cy], k) => svg("circle", k === dots.length - 1 ? { class: "dot", cx, cy, r: 5.5 } : { class: "past", cx, cy, r: 2.4 })),
  );
}

function run() {
  clearInterval(page.running);
  page.running = page.running ? null : setInterval(descend, 90);
  find("run").textContent = page.running ? "Stop" : "Run";
}

function reset() {
  if (page.running) run();
  page.trace = [];
  for (const row of page.rows) {
    row.rest();
    row.around(page.first.data[row.i]);
  }
  adopt(page.first);
  showTrace();
}
