import random

from micrograd.nn import MLP

model = MLP(3, [4, 4, 1])
random.seed(1)
for p in model.parameters():
    p.data = random.uniform(-1, 1)


class Adam:
    def __init__(self, params, lr=0.05, betas=(0.9, 0.999), eps=1e-8):
        self.params = list(params)
        self.lr, self.betas, self.eps, self.t = lr, betas, eps, 0
        self.m = dict.fromkeys(self.params, 0.0)
        self.v = [0.0] * len(self.params)

    def zero_grad(self):
        for p in self.params:
            p.grad = 0

    def step(self):
        self.t += 1
        b1, b2 = self.betas
        for i, p in enumerate(self.params):
            self.m[p] = b1 * self.m[p] + (1 - b1) * p.grad
            self.v[i] = b2 * self.v[i] + (1 - b2) * p.grad**2
            mhat = self.m[p] / (1 - b1**self.t)
            vhat = self.v[i] / (1 - b2**self.t)
            p.data += -self.lr * mhat / (vhat**0.5 + self.eps)


xs = [[2.0, 3.0, -1.0], [3.0, -1.0, 0.5], [0.5, 1.0, 1.0], [1.0, 1.0, -1.0]]
ys = [1.0, -1.0, -1.0, 1.0]
opt = Adam(model.parameters())
losses = []
for _ in range(15):
    ypred = [model(x) for x in xs]
    loss = sum((yout - ygt) ** 2 for ygt, yout in zip(ys, ypred, strict=True)) / len(ys)
    opt.zero_grad()
    loss.backward()
    opt.step()
    losses.append(loss.data)

result = [losses, [p.data for p in model.parameters()]]
