// One neuron: what comes from below, weight times activation, and what comes from above, weight times gradient.

const ROWS = 5; // of a table, the others as one

function partsTable(caption, heads, rows, sum, told) {
  const most = largest(rows.map((row) => row.part)) || 1;
  const shown = rows.length > ROWS ? rows.toSorted((a, b) => Math.abs(b.part) - Math.abs(a.part)).slice(0, ROWS - 1) : rows;
  const body = rows.filter((row) => shown.includes(row));
  const others = rows.filter((row) => !shown.includes(row));
  if (others.length) body.push({ name: `${others.length} others`, part: others.reduce((total, row) => total + row.part, 0) });
  const number = (x) => html("td", {}, x === undefined ? "" : figure(x));
  const bar = (x) => {
    const stroke = html("i", {});
    const share = 48 * Math.min(1, Math.abs(x) / most) || 0;
    Object.assign(stroke.style, { background: x < 0 ? ink.n.line : ink.p.line, width: `${share}%`, left: x < 0 ? `${50 - share}%` : "50%" });
    return html("td", { class: "bar" }, stroke);
  };
  const line = (row) => html("tr", {}, html("td", {}, clipped(row.name, 12)), number(row.weight), number(row.x), number(row.part), bar(row.part));
  return html("table", {},
    html("caption", {}, ...caption),
    html("thead", {}, html("tr", {}, ...heads.map((head) => html("th", { scope: "col" }, head)), html("td", {}))),
    html("tbody", {}, ...body.map(line), html("tr", { class: "sum" }, html("td", {}, sum[0]), html("td"), html("td"), number(sum[1]), html("td")), html("tr", {}, html("td", { colspan: "5", class: "told" }, told))));
}

const shortName = (l, k) => (l === 0 ? content.inputs[k] : l === depth ? content.outputs[k] : `n${k}`);

function forwardTable(l, k, seen) {
  const rows = seen.a[l - 1].map((x, i) => {
    const weight = net.weights[weightAt(l, k, i)];
    return { name: shortName(l - 1, i), weight, x, part: weight * x };
  });
  const bias = net.weights[biasAt(l, k)];
  rows.push({ name: "bias", weight: bias, part: bias });
  const told = content.activations[l - 1] === "linear" ? "" : `a = ${content.activations[l - 1]}(z) = ${figure(seen.a[l][k])}`;
  return partsTable([html("b", {}, "Forward"), " what comes from below"], ["from", "weight", l === 1 ? "\u00d7 x" : "\u00d7 a", "part"], rows, ["z", seen.z[l][k]], told);
}

function backwardTable(l, k, seen) {
  const rows = seen.dz[l + 1].map((x, j) => {
    const weight = net.weights[weightAt(l + 1, j, k)];
    return { name: shortName(l + 1, j), weight, x, part: weight * x };
  });
  const slope = seen.dz[l]?.[k] / seen.da[l][k];
  const told = l === 0 ? "" : `\u2202L/\u2202z = \u2202L/\u2202a \u00b7 f\u2032(z) = ${figure(seen.da[l][k])} \u00b7 ${figure(slope || 0)} = ${figure(seen.dz[l][k])}`;
  return partsTable([html("b", {}, "Backward"), " what comes from above"], ["to", "weight", "\u00d7 \u2202L/\u2202z", "part"], rows, ["\u2202L/\u2202a", seen.da[l][k]], told);
}

function showNeuron() {
  const { chosen: { l, k, canvas }, seen } = me;
  const many = l === 0 && blocked;
  const big = html("canvas", { class: "big", width: 84, height: 84 });
  const brush = big.getContext("2d");
  const looking = blocked && l === 1;
  if (looking) {
    const row = Array.from(net.weights.subarray(weightAt(1, k, 0), biasAt(1, k)));
    paintBlock(brush, row, largest(row));
  } else brush.drawImage(canvas, 0, 0, 84, 84);
  const title = many ? "The inputs" : l === 0 ? `Input ${content.inputs[k]}` : l === depth ? `Output ${content.outputs[k]}` : `Layer ${l - 1}, neuron ${k}`;
  const where = width > 4 ? `sample ${me.sample}` : `(${X[me.sample].map((x) => figure(x)).join(", ")})`;
  const tables = [...(l > 0 ? [forwardTable(l, k, seen)] : []), ...(l < depth && !many ? [backwardTable(l, k, seen)] : [])];
  if (l === depth) tables.push(formulaLine(quotient("L", "z"), sign("="), numeral(figure(seen.dz[l][k]))));
  find("neuron").replaceChildren(
    html("div", { class: "head" }, html("h2", {}, title), html("span", { class: "faint" }, `at ${where}, target ${targetWords()}${looking ? "; its weights as a picture" : ""}`)),
    html("div", { class: "tables" }, big, ...tables),
  );
}

const targetWords = () => (several ? content.outputs[labels[me.sample]] : figure(labels[me.sample]));
