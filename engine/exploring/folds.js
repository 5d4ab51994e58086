// What is visible: nodes, and closed boxes of nodes; the steps through them; and the picture they make.

class Folds {
  constructor(nodes, groups, home) {
    Object.assign(this, { nodes, groups, open: new Set() });
    // of each node the boxes around it, outermost first
    this.around = home.map((group) => {
      const found = [];
      for (let g = group; g >= 0; g = groups[g].parent) found.unshift(g);
      return found;
    });
    this.members = lists(groups.length);
    this.around.forEach((found, i) => found.forEach((g) => this.members[g].push(i)));
    const used = groups.map(() => new Set());
    nodes.forEach((node, i) => node.parents.forEach((parent) => this.around[parent].forEach((g) => {
      if (!this.around[i].includes(g)) used[g].add(parent);
    })));
    this.outputs = used.map((found) => [...found].sort((a, b) => a - b));
  }

  // A part is the place of a node, or ~g for the closed box g.
  part(i) {
    const closed = this.around[i].find((g) => !this.open.has(g));
    return closed === undefined ? i : ~closed;
  }

  hidden(i) {
    return this.part(i) < 0;
  }

  toggle(g) {
    if (!this.open.delete(g)) this.open.add(g);
    else for (const inner of this.open) if (this.members[g].includes(this.members[inner][0]) && this.depth(inner) > this.depth(g)) this.open.delete(inner);
  }

  depth(g) {
    return g < 0 ? 0 : 1 + this.depth(this.groups[g].parent);
  }

  // All closed, or open whatever has boxes in it; where none has, all.
  toggleAll() {
    const full = new Set(this.groups.map((group) => group.parent));
    if (this.open.size) return this.open.clear();
    this.groups.forEach((group, g) => group.parent < 0 && (full.has(g) || full.size === 1) && this.open.add(g));
  }

  // The parts in topological order, the arrows between them with all the edges they stand for, and frames around
  // what is open. Two nodes have an arrow for each operand; a box and another part have one.
  scene() {
    const { nodes } = this;
    const part = nodes.map((_, i) => this.part(i));
    const needs = new Map(part.map((p) => [p, new Set()]));
    nodes.forEach((node, i) => node.parents.forEach((p) => part[p] !== part[i] && needs.get(part[i]).add(part[p])));
    const parts = inOrder(needs);
    const place = new Map(parts.map((p, i) => [p, i]));
    const arrows = new Map();
    nodes.forEach((node, head) => node.parents.forEach((tail, operand) => {
      if (part[tail] === part[head]) return;
      const single = part[tail] >= 0 && part[head] >= 0;
      const key = `${part[tail]} ${part[head]} ${single ? operand : ""}`;
      const labelled = single && node.local[operand] !== null && nodes[tail].kind !== "constant";
      if (!arrows.has(key)) arrows.set(key, { tail: place.get(part[tail]), head: place.get(part[head]), edges: [], sign: labelled ? [48, 18] : null });
      arrows.get(key).edges.push([head, operand]);
    }));
    const inside = (g) => parts.flatMap((p, i) => (this.around[p < 0 ? this.members[~p][0] : p].includes(g) && p !== ~g ? [i] : []));
    const frames = [...this.open].filter((g) => this.groups[g].parent < 0 || this.open.has(this.groups[g].parent));
    frames.sort((a, b) => this.depth(b) - this.depth(a));
    return { part, parts, place, arrows: [...arrows.values()], frames: frames.map((g) => ({ group: g, inside: inside(g) })) };
  }

  // The steps at which the player stops, with how many it takes there: all inside a closed box, and all from one part
  // to another where one of them is a box, are taken in one.
  stops(steps) {
    const found = new Map();
    steps.forEach((step, at) => {
      const from = this.part(step.node ?? 0);
      const to = step.kind === "backward" ? this.part(step.parent) : from;
      if (step.kind === "backward" && from === to && from < 0) return;
      const boxed = /ward/.test(step.kind) && (from < 0 || to < 0);
      const key = boxed ? `${step.kind} ${from} ${to}` : at;
      found.set(key, { at, count: (found.get(key)?.count ?? 0) + 1 });
    });
    return [...found.values()].sort((a, b) => a.at - b.at);
  }

  // How a part is called.
  title(i) {
    const part = this.part(i);
    return part < 0 ? this.groups[~part].title : this.nodes[i].name;
  }
}

function inOrder(needs) {
  const done = new Set();
  for (const start of needs.keys()) {
    const stack = [start];
    while (stack.length) {
      const part = stack.at(-1);
      const missing = done.has(part) ? [] : [...needs.get(part)].filter((p) => !done.has(p));
      if (missing.length) stack.push(...missing);
      else done.add(stack.pop());
    }
  }
  return [...done];
}
