from micrograd.engine import Value


def trace(root):
    nodes, edges = set(), set()

    def build(v):
        if v not in nodes:
            nodes.add(v)
            for child in v._prev:
                edges.add((child, v))
                build(child)

    build(root)
    return nodes, edges


a = Value(2.0)
b = Value(-3.0)
c = Value(10.0)
e = a * b
d = e + c
f = Value(-2.0)
L = (d * f + 3).relu() + d * d
a.label, b.label, c.label, d.label, e.label, f.label, L.label = "abcdefL"
L.backward()

nodes, edges = trace(L)
lines = []
for n in nodes:
    uid = str(id(n))
    if n._op:
        lines.append(f"{uid + n._op} -> {uid}")
for n1, n2 in edges:
    lines.append(f"{id(n1)!s} -> {id(n2)!s}{n2._op}")

result = [
    len(nodes),
    len(edges),
    len(set(lines)),
    sorted(n._op for n in nodes),
    sorted([n.data, n.grad] for n in nodes if n._op),
    [[v.label, v.data, v.grad] for v in (a, b, c, d, e, f, L)],
]
