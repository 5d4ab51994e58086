from micrograd.engine import Value


def topological(root):
    topo, visited = [], set()

    def build_topo(v):
        if v not in visited:
            visited.add(v)
            for child in v._prev:
                build_topo(child)
            topo.append(v)

    build_topo(root)
    return topo


a = Value(-4.0)
b = Value(2.0)
c = a + b
d = a * b + b**3
c += c + 1
c += 1 + c + (-a)
d += d * 2 + (b + a).relu()
d += 3 * d + (b - a).relu()
e = c - d
f = e**2
g = f / 2.0
g += 10.0 / f

g.grad = 1.0
for node in reversed(topological(g)):
    node._backward()
by_hand = [a.grad, b.grad, c.grad, f.grad]

for node in topological(g):
    node.grad = 0.0
g.backward()
result = [
    g.data,
    by_hand,
    [a.grad, b.grad, c.grad, f.grad],
    a in topological(g),
    Value(-4.0) in set(topological(g)),
]
