"""A second engine of another design, to compare with: dual numbers over exact fractions, forward only.

A program is a list of steps (operator, places of the operands); it runs on whatever it is given.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from fractions import Fraction

OPERATORS = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "neg": lambda x, y: -x,
}


@dataclass(frozen=True)
class Dual:
    """A number and its derivative in one direction."""

    value: Fraction
    slope: Fraction = Fraction(0)

    def __add__(self, other):
        return Dual(self.value + other.value, self.slope + other.slope)

    def __sub__(self, other):
        return Dual(self.value - other.value, self.slope - other.slope)

    def __mul__(self, other):
        return Dual(self.value * other.value, self.slope * other.value + self.value * other.slope)

    def __truediv__(self, other):
        quotient = self.value / other.value
        return Dual(quotient, (self.slope - quotient * other.slope) / other.value)

    def __neg__(self):
        return Dual(-self.value, -self.slope)


def run(program, inputs):
    """All the numbers the program computes, the inputs first."""
    stack = list(inputs)
    for symbol, i, j in program:
        stack.append(OPERATORS[symbol](stack[i], stack[j]))
    return stack


def gradient(program, inputs):
    """The exact derivatives of the last number, one direction after the other."""
    slopes = []
    for i in range(len(inputs)):
        duals = [Dual(Fraction(x), Fraction(int(i == j))) for j, x in enumerate(inputs)]
        slopes.append(run(program, duals)[-1].slope)
    return slopes
