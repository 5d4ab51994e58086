// The graph and the two sweeps over it. Nothing in this file knows of a document.

// The numbers of all nodes, as the engine computed them.
function engineState(source) {
  return {
    data: source.data.map(toNumber),
    local: source.local.map((row) => row.map((x) => (x === null ? null : toNumber(x)))),
    open: source.open,
  };
}

function columns(nodes) {
  return { data: nodes.map((n) => n.data), local: nodes.map((n) => n.local), open: nodes.map((n) => n.open) };
}

// The numbers of all nodes for other leaves, by the program that was generated from the table.
function recomputed(nodes, leaves, rules) {
  const results = rules(leaves);
  let next = 0;
  let leaf = 0;
  const given = { leaf: () => leaves[leaf++], constant: (node) => toNumber(node.data), operation: () => results[next++] };
  const data = [];
  const local = [];
  const open = [];
  for (const node of nodes) {
    data.push(given[node.kind](node));
    const slopes = [];
    open.push(node.local.map((x) => {
      slopes.push(x === null ? null : results[next++]);
      return x === null || !node.gated || results[next++] !== 0;
    }));
    local.push(slopes);
  }
  return { data, local, open };
}

// Which nodes a gradient can reach: not what only a jump, such as floor, looks at.
function reachable(nodes, local) {
  const alive = nodes.map(() => false);
  alive[nodes.length - 1] = true;
  for (let i = nodes.length - 1; i >= 0; i--) {
    if (!alive[i]) continue;
    nodes[i].parents.forEach((p, k) => {
      if (local[i][k] !== null) alive[p] = true;
    });
  }
  return alive;
}

// One step for the leaves, one for each operation, the seed, one for each arrow back.
function plan(nodes, local) {
  const steps = [{ kind: "leaves" }];
  nodes.forEach((node, i) => {
    if (node.kind === "operation") steps.push({ kind: "forward", node: i });
  });
  steps.push({ kind: "seed", node: nodes.length - 1 });
  const alive = reachable(nodes, local);
  for (let i = nodes.length - 1; i >= 0; i--) {
    if (!alive[i]) continue;
    nodes[i].parents.forEach((parent, operand) => {
      if (local[i][operand] !== null && nodes[parent].kind !== "constant") {
        steps.push({ kind: "backward", node: i, operand, parent });
      }
    });
  }
  return steps;
}

// What is known after the first `count` steps. Products and sums are those of the engine's sweep,
// in its order: after the last step the gradients are those of backward(), bit for bit.
function replay(nodes, state, steps, count) {
  const known = nodes.map((node) => node.kind !== "operation");
  const adjoint = nodes.map(() => -0);
  const received = nodes.map(() => 0);
  const passed = nodes.map((node) => node.parents.map(() => false)); // the arrows back that were taken
  for (const step of steps.slice(0, count)) {
    if (step.kind === "forward") known[step.node] = true;
    if (step.kind === "seed") {
      adjoint[step.node] = 1;
      received[step.node] = 1;
    }
    // Nothing passes to what a node does not look at, nor from what nothing came to: not even 0 times infinity.
    if (step.kind === "backward" && received[step.node] && state.open[step.node][step.operand]) {
      adjoint[step.parent] += adjoint[step.node] * state.local[step.node][step.operand];
      received[step.parent] += 1;
      passed[step.node][step.operand] = true;
    }
  }
  const gradient = nodes.map((node, i) => {
    if (node.kind === "constant" || !received[i]) return 0;
    return node.kind === "leaf" ? 0 + adjoint[i] : adjoint[i];
  });
  return { known, gradient, received, passed };
}
