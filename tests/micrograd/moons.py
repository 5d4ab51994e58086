import math
import random

from micrograd.engine import Value
from micrograd.nn import MLP

random.seed(1337)
X, y = [], []
for i in range(20):
    t = math.pi * random.random()
    upper = i % 2 == 0
    X.append([math.cos(t) if upper else 1 - math.cos(t), math.sin(t) if upper else 0.5 - math.sin(t)])
    y.append(1 if upper else -1)

model = MLP(2, [8, 8, 1])
random.seed(7)
for p in model.parameters():
    p.data = random.uniform(-1, 1)


def loss():
    inputs = [list(map(Value, xrow)) for xrow in X]
    scores = list(map(model, inputs))

    # svm "max-margin" loss
    losses = [(1 + -yi * scorei).relu() for yi, scorei in zip(y, scores, strict=True)]
    data_loss = sum(losses) * (1.0 / len(losses))
    # L2 regularization
    alpha = 1e-4
    reg_loss = alpha * sum(p * p for p in model.parameters())
    total_loss = data_loss + reg_loss

    accuracy = [(yi > 0) == (scorei.data > 0) for yi, scorei in zip(y, scores, strict=True)]
    return total_loss, sum(accuracy) / len(accuracy)


steps = []
for k in range(10):
    total_loss, acc = loss()
    model.zero_grad()
    total_loss.backward()
    learning_rate = 1.0 - 0.9 * k / 100
    for p in model.parameters():
        p.data -= learning_rate * p.grad
    steps.append([total_loss.data, acc])

result = [len(model.parameters()), steps, [p.grad for p in model.parameters()]]
