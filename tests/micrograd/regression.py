from micrograd.engine import Value

xs = [x / 4 for x in range(-8, 9)]
ys = [3 * x**2 - 2 * x + 1 for x in xs]
params = [Value(0.1), Value(-0.2), Value(0.3)]
velocity = dict.fromkeys(params, 0.0)
losses = []

for _ in range(30):
    a, b, c = params
    errors = [((a * x**2 + b * x + c) - y) ** 2 for x, y in zip(xs, ys, strict=True)]
    loss = sum(errors) / len(errors)
    for p in params:
        p.grad = 0.0
    loss.backward()
    for p in params:
        velocity[p] = 0.5 * velocity[p] - 0.05 * p.grad
        p.data += velocity[p]
    losses.append(loss.data)

result = [
    losses,
    [p.data for p in params],
    sorted(params, key=lambda p: p.data) == [params[1], params[2], params[0]],
]
