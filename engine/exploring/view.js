// A drawing that fits its window: zoom by wheel, pinch, buttons and keys; pan by dragging.

const LEAST_ZOOM = 0.3; // of a graph that would be smaller the part around the root shows

class View {
  constructor(stage, layer, changed) {
    Object.assign(this, { stage, layer, changed, zoomed: 1, x: 0, y: 0, size: [1, 1], root: [0, 0, 0, 0], pad: [0, 0, 0, 0], touched: false });
    this.fingers = new Map();
    stage.addEventListener("wheel", (event) => this.turn(event), { passive: false });
    stage.addEventListener("pointerdown", (event) => {
      if (event.target.closest("button, [role=button], .bubble, .over")) return;
      stage.setPointerCapture(event.pointerId);
      this.fingers.set(event.pointerId, this.at(event));
    });
    stage.addEventListener("pointermove", (event) => this.drag(event));
    for (const end of ["pointerup", "pointercancel"]) {
      stage.addEventListener(end, (event) => this.fingers.delete(event.pointerId));
    }
    new ResizeObserver(() => (this.touched ? this.apply() : this.fit())).observe(stage);
  }

  at(event) {
    const { left, top } = this.stage.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  }

  // The wheel alone scrolls the page where there is a page to scroll.
  turn(event) {
    const scrolls = document.documentElement.scrollHeight > innerHeight + 1;
    if (scrolls && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    this.zoom(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0016)), ...this.at(event));
  }

  drag(event) {
    const old = this.fingers.get(event.pointerId);
    if (!old) return;
    const now = this.at(event);
    const [other] = [...this.fingers].flatMap(([id, place]) => (id === event.pointerId ? [] : [place]));
    const far = (place) => Math.max(8, Math.hypot(place[0] - other[0], place[1] - other[1]));
    if (other) this.zoom(far(now) / far(old), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
    else this.move(now[0] - old[0], now[1] - old[1]);
    this.fingers.set(event.pointerId, now);
  }

  zoom(factor, x = this.stage.clientWidth / 2, y = this.stage.clientHeight / 2) {
    const zoomed = Math.min(4, Math.max(0.1, this.zoomed * factor));
    const grown = zoomed / this.zoomed;
    this.place(zoomed, x - (x - this.x) * grown, y - (y - this.y) * grown, true);
  }

  move(dx, dy) {
    this.place(this.zoomed, this.x + dx, this.y + dy, true);
  }

  place(zoomed, x, y, touched) {
    Object.assign(this, { zoomed, x, y, touched });
    this.apply();
  }

  // The free part of the window: [left, top, width, height].
  room() {
    const [top, right, bottom, left] = this.pad;
    return [left, top, this.stage.clientWidth - left - right, this.stage.clientHeight - top - bottom];
  }

  fit() {
    const [left, top, width, height] = this.room();
    const zoomed = Math.max(LEAST_ZOOM, Math.min(width / this.size[0], height / this.size[1], 1.35));
    const near = (room, size, from, length) =>
      size * zoomed < room ? (room - size * zoomed) / 2 : Math.max(room - size * zoomed, Math.min(0, room / 2 - (from + length / 2) * zoomed));
    const [x, y, wide, high] = this.root;
    this.place(zoomed, left + near(width, this.size[0], x, wide), top + near(height, this.size[1], y, high), false);
  }

  // Shows these boxes as large as they go.
  show([x, y, width, height]) {
    const [left, top, wide, high] = this.room();
    const zoomed = Math.min(1.1, wide / width, high / height);
    this.place(zoomed, left + (wide - width * zoomed) / 2 - x * zoomed, top + (high - height * zoomed) / 2 - y * zoomed, true);
  }

  onScreen([x, y, width, height]) {
    return [x * this.zoomed + this.x, y * this.zoomed + this.y, width * this.zoomed, height * this.zoomed];
  }

  // How far a box is outside of the free part of the window.
  outside(box) {
    const [x, y, width, height] = this.onScreen(box);
    const [left, top, wide, high] = this.room();
    const near = (from, size, begin, room) => (from < begin ? begin - from : Math.min(0, begin + room - from - size));
    return [near(x, width, left, wide), near(y, height, top, high)];
  }

  follow(box) {
    const [dx, dy] = this.outside(box);
    if (dx || dy) this.move(dx, dy);
  }

  apply() {
    this.layer.setAttribute("transform", `translate(${this.x} ${this.y}) scale(${this.zoomed})`);
    this.changed();
  }
}

// The box around boxes [x, y, width, height].
function around(boxes, [top, right, bottom, left]) {
  const x = Math.min(...boxes.map((box) => box[0])) - left;
  const y = Math.min(...boxes.map((box) => box[1])) - top;
  return [x, y, most(boxes.map((b) => b[0] + b[2]), 0) + right - x, most(boxes.map((b) => b[1] + b[3]), 0) + bottom - y];
}
