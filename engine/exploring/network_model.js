// The network and its training. STEP and NEURONS are made from the tapes of the model: the loss of one example with
// its gradient, and what every neuron says.

const content = JSON.parse(find("content").textContent);
const { sizes, X, Y, labels, task } = content;
const depth = sizes.length - 1;
const width = sizes[0];
const offsets = [0];
for (let l = 1; l <= depth; l++) offsets.push(offsets[l - 1] + sizes[l] * (sizes[l - 1] + 1));
const count = offsets[depth];

// Where the weight of neuron k in layer l for what neuron i before it says is; its bias is behind the last.
const weightAt = (l, k, i) => offsets[l - 1] + k * (sizes[l - 1] + 1) + i;
const biasAt = (l, k) => weightAt(l, k, sizes[l - 1]);

const net = { weights: Float64Array.from(content.weights, toNumber), gradient: new Float64Array(count), steps: 0, losses: [] };
const input = new Float64Array(count + width + Y[0].length);

function example(i) {
  input.set(net.weights);
  input.set(X[i], count);
  input.set(Y[i], count + width);
  return STEP(input);
}

function neurons(point) {
  input.set(net.weights);
  input.set(point, count);
  return NEURONS(input);
}

const outputs = (point) => neurons(point).slice(-sizes[depth]);

// The mean loss over these examples; its gradient is left in the net.
function sweep(batch) {
  const total = net.gradient.fill(0);
  let loss = 0;
  for (const i of batch) {
    const result = example(i);
    loss += result[0];
    for (let j = 0; j < count; j++) total[j] += result[j + 1];
  }
  for (let j = 0; j < count; j++) total[j] /= batch.length;
  return loss / batch.length;
}

// The rules of nn.optim: what to subtract from weight j, whose gradient is g; a and b are its memories.
const CHANGES = {
  SGD(j, g, rate, { momentum, nesterov }) {
    net.a[j] = momentum * net.a[j] + g;
    return rate * (nesterov ? g + momentum * net.a[j] : net.a[j]);
  },
  Adam(j, g, rate, { beta1, beta2, eps }) {
    net.a[j] = beta1 * net.a[j] + (1 - beta1) * g;
    net.b[j] = beta2 * net.b[j] + (1 - beta2) * g * g;
    return (rate * (net.a[j] / (1 - beta1 ** net.steps))) / (Math.sqrt(net.b[j] / (1 - beta2 ** net.steps)) + eps);
  },
  AdamW: (j, g, rate, settings) => rate * settings.weight_decay * net.weights[j] + CHANGES.Adam(j, g, rate, settings),
  RMSProp(j, g, rate, { alpha, eps, momentum }) {
    net.a[j] = alpha * net.a[j] + (1 - alpha) * g * g;
    net.b[j] = momentum * net.b[j] + g / (Math.sqrt(net.a[j]) + eps);
    return rate * net.b[j];
  },
  Adagrad(j, g, rate, { eps }) {
    net.a[j] += g * g;
    return (rate * g) / (Math.sqrt(net.a[j]) + eps);
  },
};

const all = X.map((_, i) => i);
let random; // from 0 to 1, the same after every reset
let deck;

function shuffled() {
  const order = [...all];
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

function nextBatch(size) {
  if (!size || size >= all.length) return all;
  if (deck.length < size) deck = shuffled();
  return deck.splice(0, size);
}

// One step: loss, gradient, update. Returns the mean loss before the update.
function trainStep(rate, name, size) {
  const settings = content.optimizers[name];
  const decays = name === "AdamW" ? 0 : settings.weight_decay;
  const loss = sweep(nextBatch(size));
  net.steps += 1;
  for (let j = 0; j < count; j++) {
    net.weights[j] -= CHANGES[name](j, net.gradient[j] + decays * net.weights[j], rate, settings);
  }
  net.losses.push(loss);
  return loss;
}

function forget() {
  let seed = 7;
  random = () => (seed = (seed * 1664525 + 1013904223) >>> 0) / 4294967296;
  deck = [];
  Object.assign(net, { a: new Float64Array(count), b: new Float64Array(count), steps: 0, losses: [] });
}

// One point forward and back: activations a and sums z, the gradients da and dz of the loss, by layer.
function trace(i) {
  const result = example(i);
  const said = Array.from(neurons(X[i]));
  const gradient = Float64Array.from(result.slice(1));
  const a = [X[i]];
  const z = [null];
  const dz = [null];
  for (let l = 1; l <= depth; l++) {
    a.push(said.splice(0, sizes[l]));
    z.push(a[l].map((_, k) => a[l - 1].reduce((sum, x, j) => sum + x * net.weights[weightAt(l, k, j)], 0) + net.weights[biasAt(l, k)]));
    dz.push(a[l].map((_, k) => gradient[biasAt(l, k)]));
  }
  const da = a.map((layer, l) => (l === depth ? dz[l] : layer.map((_, j) => dz[l + 1].reduce((sum, d, k) => sum + d * net.weights[weightAt(l + 1, k, j)], 0))));
  return { loss: result[0], gradient, a, z, dz, da };
}

// What the outputs say: from -1 to 1 for two classes, shares for several, else a number.
const softmax = (zs) => {
  const top = Math.max(...zs);
  const powers = zs.map((z) => Math.exp(z - top));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((p) => p / sum);
};
const meaning = (z) => (task.kind === "logit" ? Math.tanh(z / 2) : (z - task.middle) / task.reach);
const best = (zs) => zs.reduce((at, z, k) => (z > zs[at] ? k : at), 0);
const isRight = (i) => {
  const said = outputs(X[i]);
  return task.kind === "classes" ? best(said) === labels[i] : meaning(said[0]) > 0 === labels[i] > task.middle;
};

// A recorded run.
const record = content.history && { ...content.history, frames: decoded(content.history.weights) };

function decoded(text) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const numbers = new Float32Array(bytes.buffer);
  return Array.from({ length: numbers.length / count }, (_, k) => numbers.subarray(k * count, (k + 1) * count));
}
