"""Chains of additions on a tape: x + a b - c d ... as one step that adds terms from left to right.

Nothing is regrouped: (-0.0) + x is x for every x, so a chain may start from -0.0 as well as from its
first term. Addition and multiplication commute to the bit, but for which nan comes out.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import copysign
from typing import Final, final

from engine.compiler.tape.tape import Tape, counted
from engine.node import CONSTANT
from engine.primitive import Primitive
from engine.primitives import add, dot, mul, neg, sub
from engine.primitives import sum as total

PLUS: Final = "a"  # + x
MINUS: Final = "s"  # - x
PRODUCT: Final = "p"  # + x y
DIFFERENCE: Final = "m"  # - x y
ZERO: Final = "0"  # starts from 0.0 and not from -0.0
TWICE: Final = 2  # a product that is used more often is kept, not computed again


@final
class Chain:
    """Terms, a letter for each, and their operands: one for a plain term, two for a product."""

    def __init__(self, kinds: list[str], operands: list[int]) -> None:
        self.kinds = kinds
        self.operands = operands


@final
class Chains:
    """The chains of a tape. `ending[slot]` is the one that ends there, None for all other slots."""

    def __init__(self, tape: Tape) -> None:
        self.lines = tape.entries
        self.primitives = tape.entries.primitives()
        self.operands = tape.entries.operands()
        self.uses = counted(self.operands, tape.outputs)
        self.ending: list[Chain | None] = [None] * len(tape)
        for slot, primitive in enumerate(self.primitives):
            if primitive is add or primitive is sub:
                x, y = self.operands[slot]
                self.ending[slot] = self.extended(x, y, primitive is sub)
            elif primitive is dot or primitive is total:
                self.ending[slot] = listed(primitive, self.operands[slot])
        for slot, chain in enumerate(self.ending):
            if chain is not None and trivial(chain):
                self.ending[slot] = None

    def extended(self, x: int, y: int, minus: bool) -> Chain:
        """The chain of x + y, or x - y: one that ends in x, or y, goes on if nobody else reads its sum."""
        for before, term in ((x, y),) if minus else ((x, y), (y, x)):
            chain = self.ending[before]
            if chain is not None and self.uses[before] == 1:
                self.ending[before] = None
                self.append(chain, term, minus)
                return chain
        if not minus and self.is_zero(y):
            x, y = y, x
        chain = Chain([], [])
        if self.is_zero(x):
            chain.kinds.append(ZERO)
        else:
            self.append(chain, x, False)
        self.append(chain, y, minus)
        return chain

    def append(self, chain: Chain, term: int, minus: bool) -> None:
        if self.primitives[term] is neg and self.uses[term] == 1:
            (term,), minus = self.operands[term], not minus
        if self.primitives[term] is mul and self.uses[term] <= TWICE:
            chain.kinds.append(DIFFERENCE if minus else PRODUCT)
            chain.operands.extend(self.operands[term])
        else:
            chain.kinds.append(MINUS if minus else PLUS)
            chain.operands.append(term)

    def is_zero(self, slot: int) -> bool:
        if self.primitives[slot] is not CONSTANT:
            return False
        number = self.lines[slot].number
        return number == 0.0 and copysign(1.0, number) == 1.0


def listed(primitive: Primitive, operands: Sequence[int]) -> Chain:
    """The rows `sum` and `dot`: they start from 0.0."""
    half = len(operands) // 2
    if primitive is total:
        return Chain([ZERO] + [PLUS] * len(operands), list(operands))
    pairs = zip(operands[:half], operands[half:], strict=True)
    return Chain([ZERO] + [PRODUCT] * half, [i for pair in pairs for i in pair])


def trivial(chain: Chain) -> bool:
    """A sum or difference of two slots: it is a row like any other."""
    return len(chain.kinds) == 2 and len(chain.operands) == 2 and chain.kinds[1] in (PLUS, MINUS)
