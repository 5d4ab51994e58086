from micrograd.engine import Value

x1, x2 = Value(2.0), Value(0.0)
w1, w2 = Value(-3.0), Value(1.0)
b = Value(6.8813735870195432)
names = {"x1": x1, "x2": x2, "w1": w1, "w2": w2, "b": b}
for name, v in names.items():
    v.label = name

x1w1 = x1 * w1
x1w1.label = "x1*w1"
x2w2 = x2 * w2
x2w2.label = "x2*w2"
n = x1w1 + x2w2 + b
n.label = "n"
o = n.relu() * 0.5 - 1 / n
o.backward()


def numeric(name, h=1e-6):
    def value(shift):
        v = {k: Value(p.data + (shift if k == name else 0.0)) for k, p in names.items()}
        m = v["x1"] * v["w1"] + v["x2"] * v["w2"] + v["b"]
        return (m.relu() * 0.5 - 1 / m).data

    return (value(h) - value(-h)) / (2 * h)


close = [abs(numeric(name) - v.grad) < 1e-6 for name, v in names.items()]
result = [
    str(Value(1.5)).startswith("Value(data=1.5, grad=0"),
    o.data,
    close,
    [[v.label, v.data, v.grad] for v in (x1, w1, x1w1, x2w2, n)],
]
