import random

from micrograd.engine import Value
from micrograd.nn import Module

random.seed(42)


class Neuron(Module):
    def __init__(self, nin, nonlin=True):
        self.w = [Value(random.uniform(-1, 1)) for _ in range(nin)]
        self.b = Value(0)
        self.nonlin = nonlin

    def __call__(self, x):
        act = sum((wi * xi for wi, xi in zip(self.w, x, strict=True)), self.b)
        return act.relu() if self.nonlin else act

    def parameters(self):
        return [*self.w, self.b]


class Net(Module):
    def __init__(self):
        self.hidden = [Neuron(2) for _ in range(4)]
        self.out = Neuron(4, nonlin=False)

    def __call__(self, x):
        return self.out([n(x) for n in self.hidden])

    def parameters(self):
        return [p for n in [*self.hidden, self.out] for p in n.parameters()]


net = Net()
data = [((0, 0), 0), ((0, 1), 1), ((1, 0), 1), ((1, 1), 0)]
history = []
for _ in range(40):
    loss = Value(0)
    for x, y in data:
        diff = net(x) - y
        loss += diff * diff
    net.zero_grad()
    loss.backward()
    for p in net.parameters():
        p.data -= 0.05 * p.grad
    history.append(loss.data)

result = [history, [net(x).data for x, _ in data], [int(net(x).data > 0.5) for x, _ in data]]
