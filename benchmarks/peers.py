"""The engines on the other side of the table, and what they need to do the same work."""

from __future__ import annotations

import math
from typing import Any

from micrograd.engine import Value as Micrograd


def exp(self: Any) -> Any:
    out = Micrograd(math.exp(self.data), (self,), "exp")

    def backward() -> None:
        self.grad += out.data * out.grad

    out._backward = backward
    return out


def log(self: Any) -> Any:
    out = Micrograd(math.log(self.data), (self,), "log")

    def backward() -> None:
        self.grad += out.grad / self.data

    out._backward = backward
    return out


# What a language model needs besides, in micrograd's own way.
Micrograd.exp = exp
Micrograd.log = log


class Slotted:
    """The plain-Python design to beat: slots, and the local gradients stored as numbers (microgpt)."""

    __slots__ = ("children", "data", "grad", "local_gradients")

    def __init__(self, data: float, children: Any = (), local_gradients: Any = ()) -> None:
        self.data = data
        self.grad = 0.0
        self.children = children
        self.local_gradients = local_gradients

    def __add__(self, other: Any) -> Slotted:
        other = other if isinstance(other, Slotted) else Slotted(other)
        return Slotted(self.data + other.data, (self, other), (1, 1))

    def __mul__(self, other: Any) -> Slotted:
        other = other if isinstance(other, Slotted) else Slotted(other)
        return Slotted(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, n: float) -> Slotted:
        return Slotted(self.data**n, (self,), (n * self.data ** (n - 1),))

    def log(self) -> Slotted:
        return Slotted(math.log(self.data), (self,), (1 / self.data,))

    def exp(self) -> Slotted:
        e = math.exp(self.data)
        return Slotted(e, (self,), (e,))

    def relu(self) -> Slotted:
        return Slotted(max(0, self.data), (self,), (float(self.data > 0),))

    def __neg__(self) -> Slotted:
        return self * -1

    def __radd__(self, other: float) -> Slotted:
        return self + other

    def __sub__(self, other: Any) -> Slotted:
        return self + (-other)

    def __rsub__(self, other: float) -> Slotted:
        return other + (-self)

    def __rmul__(self, other: float) -> Slotted:
        return self * other

    def __truediv__(self, other: Any) -> Slotted:
        return self * other**-1

    def __rtruediv__(self, other: float) -> Slotted:
        return other * self**-1

    def backward(self) -> None:
        order: list[Slotted] = []
        visited: set[Slotted] = set()

        def visit(node: Slotted) -> None:
            if node not in visited:
                visited.add(node)
                for child in node.children:
                    visit(child)
                order.append(node)

        visit(self)
        self.grad = 1.0
        for node in reversed(order):
            for child, local in zip(node.children, node.local_gradients, strict=True):
                child.grad += local * node.grad
