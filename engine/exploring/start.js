// The content, and what the page is at any moment.

const content = JSON.parse(find("content").textContent);
const nodes = content.nodes;
for (const node of nodes) node.data = toNumber(node.data);
const root = nodes.length - 1;
const names = nodes.map((node) => node.name);
const leaves = nodes.flatMap((node, i) => (node.kind === "leaf" ? [i] : []));
const narrow = matchMedia("(max-width: 720px)");
const first = engineState(columns(nodes));

const page = {
  first,
  state: first,
  folds: new Folds(nodes, content.groups, content.home),
  users: lists(nodes.length),
  steps: plan(nodes, first.local),
  at: 0, // among the stops
  chosen: leaves[0] ?? root,
  leaf: leaves[0], // that the curve is over
  rows: [],
  trace: [],
  timer: null,
  moved: false, // whether a leaf was
  ended: false, // whether the last step has had its time
};
nodes.forEach((node, i) => node.parents.forEach((parent, operand) => page.users[parent].push([i, operand])));
