from micrograd.engine import *  # noqa: F403

x = [Value(0.5), Value(-1.5), Value(2.0)]  # noqa: F405
w = [Value(1.0), Value(0.25), Value(-0.75)]  # noqa: F405
b = Value(6.8)  # noqa: F405

n = sum((wi * xi for wi, xi in zip(w, x, strict=True)), b)
o = n.relu() ** 2
o.backward()

largest = max(x[0].data, x[1].data, x[2].data)
smallest = min([v.data for v in x])
spread = abs(pow(largest - smallest, 2))
losses = sum([1.5, 2.5], 1.0)
result = [
    o.data,
    [v.grad for v in x + w + [b]],
    largest,
    smallest,
    spread,
    losses,
    round(o.data, 2),
    round(2.5),
]
