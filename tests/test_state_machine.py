"""Everything a user may do to a graph, in any order, against a model that recomputes all from scratch."""

import copy
from dataclasses import dataclass, field

import pytest
import reference
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from engine import StaleGraphError, Value, no_grad

INTEGERS = st.integers(-4, 4)
SYMBOLS = st.sampled_from(["+", "-", "*", "neg"])


@dataclass(eq=False)
class Model:
    """What a Value should be: whole numbers, so that floats are exact."""

    value: Value
    data: int
    symbol: str = ""
    operands: tuple["Model", ...] = ()
    time: int = 0
    grad: int = 0
    slopes: dict["Model", int] = field(default_factory=dict)

    def applied(self, numbers):
        return reference.OPERATORS[self.symbol](numbers[0], numbers[-1])

    def below(self) -> list["Model"]:
        found: dict[Model, None] = {}
        stack = [(self, False)]
        while stack:
            model, ready = stack.pop()
            if ready:
                found.setdefault(model)
            elif model not in found:
                stack += [(model, True), *((operand, False) for operand in model.operands)]
        return list(found)

    def slope_to(self, target: "Model") -> int:
        """By forward differentiation along every path."""
        slopes: dict[Model, int] = {}
        for model in self.below():
            if model is target:
                slopes[model] = 1
            elif model.operands:
                duals = [reference.Dual(o.data, slopes[o]) for o in model.operands]
                slopes[model] = model.applied(duals).slope
            else:
                slopes[model] = 0
        return slopes[self]

    @property
    def stale(self) -> bool:
        return any(o.time > model.time for model in self.below() for o in model.operands)


class Graphs(RuleBasedStateMachine):
    roots = Bundle("roots")

    def __init__(self):
        super().__init__()
        self.clock = 0
        self.models: list[Model] = []

    def keep(self, model):
        self.models.append(model)
        return model

    @rule(target=roots, number=INTEGERS)
    def create(self, number):
        return self.keep(Model(Value(number), number, time=0))

    @rule(target=roots, symbol=SYMBOLS, x=roots, y=roots)
    def apply(self, symbol, x, y):
        number = reference.OPERATORS[symbol](x.data, y.data)
        if abs(number) > 2**16 or len(x.below()) + len(y.below()) > 24:
            return multiple()
        value = reference.OPERATORS[symbol](x.value, y.value)
        return self.keep(Model(value, number, symbol, (x,) if symbol == "neg" else (x, y), self.clock))

    @rule(target=roots, symbol=SYMBOLS, x=roots, y=roots)
    def apply_without_recording(self, symbol, x, y):
        with no_grad():
            value = reference.OPERATORS[symbol](x.value, y.value)
        assert value.parents == ()
        number = reference.OPERATORS[symbol](x.data, y.data)
        return self.keep(Model(value, number)) if abs(number) <= 2**16 else multiple()

    @rule(root=roots, k=st.integers(-2, 2))
    def backward(self, root, k):
        if root.stale:
            with pytest.raises(StaleGraphError):
                root.value.backward(2.0**k)
            return
        root.value.backward(2.0**k)
        reached = {id(node) for node in nodes(root.value)}
        for model in root.below():
            if id(model.value) in reached:
                slope = 2.0**k * root.slope_to(model)
                model.grad = slope if model.operands else model.grad + slope

    @rule(root=roots)
    def zero_grad(self, root):
        root.value.zero_grad()
        reached = {id(node) for node in nodes(root.value)}
        for model in root.below():
            if id(model.value) in reached:
                model.grad = 0

    @rule(root=roots, number=INTEGERS)
    def mutate_a_leaf(self, root, number):
        leaf = next(model for model in root.below() if not model.operands)
        self.clock += 1
        leaf.value.data = number
        leaf.data, leaf.time = number, self.clock

    @rule(root=roots)
    def forward(self, root):
        self.clock += 1
        changed = set()
        for model in root.below():
            if any(o.time > model.time or o in changed for o in model.operands):
                model.data = model.applied([o.data for o in model.operands])
                changed.add(model)
        for model in changed:
            model.time = self.clock
        root.value.forward()

    @rule(root=consumes(roots))
    def delete_a_root(self, root):
        """Its graph lives on below other roots, and nowhere else."""
        if not any(root in model.operands for model in self.models):
            self.models.remove(root)
            root.value = None

    @rule(target=roots, root=roots)
    def deepcopy(self, root):
        value = copy.deepcopy(root.value)
        twins: dict[Model, Model] = {}
        pairs = dict(zip(map(id, nodes(root.value)), nodes(value), strict=True))
        for model in root.below():
            operands = tuple(twins[o] for o in model.operands)
            node = pairs.get(id(model.value))
            twins[model] = Model(node, model.data, model.symbol, operands, model.time, model.grad)
            self.keep(twins[model])
        return twins[root]

    @invariant()
    def every_number_is_that_of_the_model(self):
        for model in self.models:
            assert model.value.data == model.data
            assert model.value.grad == model.grad


def nodes(root):
    """The nodes of a graph in a fixed order."""
    found, stack = {}, [root]
    while stack:
        node = stack.pop()
        if id(node) not in found:
            found[id(node)] = node
            stack.extend(node.parents)
    return list(found.values())


MANY = max(60, settings.default.max_examples // 5)
Graphs.TestCase.settings = settings(max_examples=MANY, stateful_step_count=30, deadline=None)
TestGraphs = Graphs.TestCase
