"""Python source for libraries of arrays: NumPy, JAX and PyTorch, over numbers and arrays alike.

A row that a library lacks is a function of the module: its kernel, lowered to selects. Kernels are not to be
differentiated, so where the library does that by itself, the function has the row's partials as its rule.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, Final, NamedTuple, final

from engine.compiler.errors import Untranslatable
from engine.compiler.kernels.definition import lacking
from engine.compiler.kernels.lowering import Target, as_nodes
from engine.compiler.sources.namespaces import LISTS, NAMESPACES, Namespace
from engine.compiler.sources.parameters import arguments, literal
from engine.compiler.tape.names import stem, unused
from engine.compiler.tape.passes import simplified
from engine.compiler.tape.symbol import applied
from engine.compiler.tape.tape import Tape
from engine.compiler.tape.trace import trace
from engine.node import CONSTANT
from engine.primitive import ATOM, TABLE, Primitive
from engine.primitives.row import COMPARISON, PRODUCT, SIGN, SUM

WIDTH: Final = 60  # characters of an expression that is written where it is used, if that is one place
HIGHEST: Final = 1  # order of a derivative that a row takes as an operand, and still has derivatives itself
WHOLE: Final = 16  # up to here, what is whole and known is part of a function: x**3 is pow_3


class Text(NamedTuple):
    """An expression. rank: its precedence; truth: it is a truth value; known: what a literal is."""

    text: str
    rank: int = ATOM
    truth: bool = False
    known: float | None = None

    def within(self, rank: int = ATOM) -> str:
        """In an expression that binds so tight."""
        return self.text if self.rank >= rank else f"({self.text})"


def number_text(x: float) -> Text:
    text = literal(x)
    return Text(text, SIGN if text[0] == "-" else ATOM, known=x)


class Key(NamedTuple):
    """A function of the module: a row of so many operands, some of which are known."""

    row: Primitive
    size: int
    known: tuple[tuple[int, float], ...]

    def operands(self, xs: Sequence[Any]) -> list[Any]:
        """All of them, those that are known among the others."""
        known, rest = dict(self.known), iter(xs)
        return [known[i] if i in known else next(rest) for i in range(self.size)]

    def free(self, operands: Sequence[Any]) -> list[Any]:
        """Those of all operands that are not known."""
        known = dict(self.known)
        return [x for i, x in enumerate(operands) if i not in known]

    def title(self) -> str:
        """Its name, if nothing else has it."""
        count = f"_of_{self.size}" if self.row.gradient is not None else ""
        return self.row.name + count + "".join(f"_{x:g}" for _, x in self.known).replace("-", "_")

    def names(self) -> list[str]:
        free = self.size - len(self.known)
        return ["x"] if free == 1 else [f"x{i}" for i in range(free)]


def key_of(row: Primitive, known: Sequence[float | None]) -> Key:
    """Orders, as of a derivative, have to be known; other small whole numbers make a function simpler."""
    own = [(i, x) for i, x in enumerate(known) if x is not None and x.is_integer() and abs(x) <= WHOLE]
    return Key(row, len(known), tuple(own) if row.gradient is None and len(own) < len(known) else ())


@final
class Module:
    """A module as it grows: functions behind those that they call."""

    def __init__(self, namespace: str, taken: Sequence[str]) -> None:
        self.namespace = namespace
        self.library: Namespace = NAMESPACES[namespace]
        self.taken = {*taken, *dir(builtins), *self.library.names}
        self.names: dict[Key, str] = {}
        self.functions: dict[Key, str] = {}
        self.rules: dict[Key, str] = {}
        self.partials: dict[Key, str] = {}
        self.constants: dict[Key, Text] = {}
        self.missing: dict[str, str] = {}

    def applied(self, row: Primitive, operands: Sequence[Text], ruled: bool) -> Text:
        """A row at operands; ruled: where the library may differentiate."""
        ruled = ruled and bool(self.library.rule)
        if row.key in (self.library.alike if ruled else self.library.spelled):
            return self.spelled(row, operands)
        key = key_of(row, [x.known for x in operands])
        try:
            name = self.function(key)
        except Untranslatable as error:
            self.missing[row.name] = str(error)
            return operands[0]
        if key in self.constants:
            return self.constants[key]
        if ruled:
            self.give_rule(key)
        return Text(f"{name}({', '.join(map(self.passed, key.free(operands)))})")

    def spelled(self, row: Primitive, operands: Sequence[Text]) -> Text:
        if row.key == "select":
            return self.select(*operands)
        if row.key in self.library.calls:
            return Text(self.library.calls[row.key].format(*map(self.passed, operands)))
        xs = list(map(self.number, operands))
        if row.key in LISTS:
            return Text(LISTS[row.key]([x.within() for x in xs]), PRODUCT)
        # A right operand stands in brackets also where it binds as tight: x - (y - z)
        rank = row.precedence
        text = row.python.format(xs[0].within(rank), *[x.within(rank + 1) for x in xs[1:]])
        return Text(text, rank, truth=rank == COMPARISON)

    def passed(self, x: Text) -> str:
        """An operand of a function."""
        return self.number(x).text if x.known is None else self.library.number.format(x.text)

    def number(self, x: Text) -> Text:
        return Text(self.library.truth.format(x.within())) if x.truth else x

    def select(self, test: Text, a: Text, b: Text) -> Text:
        """Between truth values, "and", "or" and "not" are written as such."""
        if not test.truth:
            test = Text(f"{test.within(SUM)} != 0.0", COMPARISON, truth=True)
        no = Text(f"~{test.within()}", SIGN, truth=True)
        if (a.text, b.text) in (("1.0", "0.0"), ("0.0", "1.0")):
            return test if a.known == 1.0 else no
        for arm, other, yes, opposite in ((a, b, test, no), (b, a, no, test)):
            if arm.truth and other.text == "0.0":
                return Text(f"{yes.within(SIGN)} & {arm.within(SIGN)}", COMPARISON, truth=True)
            if arm.truth and other.text == "1.0":
                return Text(f"{opposite.within(SIGN)} | {arm.within(SIGN)}", COMPARISON, truth=True)
        known = a.known is not None and b.known is not None
        first = self.passed(a) if known else self.number(a).text  # two literals are no array
        return Text(f"{self.library.select}({test.text}, {first}, {self.number(b).text})")

    # Functions

    def function(self, key: Key) -> str:
        """The name of a row's function, which is its kernel. Raises Untranslatable."""
        if key not in self.names:
            row, names = key.row, key.names()
            self.names[key] = self.fresh(key.title())
            # Every other row is a function, too, or what the library has
            target = Target(TABLE.keys() - (set() if row.key in self.library.spelled else {row.key}))
            tape = simplified(trace(lambda xs: [target.row(row, key.operands(xs))], names))
            if tape.entries[tape.outputs[0]].primitive is CONSTANT:
                self.constants[key] = number_text(tape.entries[tape.outputs[0]].number)
                return ""
            lines, (result,) = self.written(tape, [Text(name) for name in names], ruled=False)
            self.functions[key] = definition(self.names[key], names, [*lines, f"return {result}"])
        elif key not in self.functions and key not in self.constants:
            raise Untranslatable(f"{key.row.name} calls itself")
        return self.names[key]

    def fresh(self, name: str) -> str:
        name = unused(name if name.isidentifier() and name.isascii() else "row", self.taken)
        self.taken.add(name)
        return name

    def give_rule(self, key: Key) -> None:
        """Partials for a row's function."""
        if key not in self.rules:
            partials, names = self.fresh(f"{self.names[key]}_partials"), key.names()
            self.rules[key] = f"@with_partials({partials})\n"
            self.partials[key] = definition(partials, names, self.slopes(key))

    def slopes(self, key: Key) -> list[str]:
        """The lines that compute them."""
        if any(abs(x) > HIGHEST for i, x in key.known if key.row.domain[i].whole):
            reason = f"a higher derivative of {key.row.name}: write out the function's own derivative instead"
            return [f"raise NotImplementedError({reason!r})"]
        names = key.names()
        there: list[bool] = []

        def gradient(xs: Sequence[Any]) -> list[Any]:
            partials = key.free(key.row.local_gradient(key.operands(xs)))
            there[:] = [partial is not None for partial in partials]
            return [partial for partial in partials if partial is not None]

        tape = simplified(trace(gradient, names))
        lines, results = self.written(tape, [Text(name) for name in names], ruled=True)
        given = iter(results)
        return [*lines, f"return [{', '.join(next(given) if some else 'None' for some in there)}]"]

    def written(
        self, tape: Tape, inputs: Sequence[Text], ruled: bool, v: str = "v"
    ) -> tuple[list[str], list[str]]:
        """The lines of a tape, and its results. What is used once and is short stands where it is used."""
        uses = tape.uses()
        slots, lines = list(inputs), list[str]()
        for slot, (primitive, operands, number) in enumerate(tape.entries[len(inputs) :], len(inputs)):
            if primitive is CONSTANT:
                slots.append(number_text(number))
                continue
            text = self.applied(primitive, [slots[i] for i in operands], ruled)
            if uses[slot] > 1 or (len(text.text) > WIDTH and slot not in tape.outputs):
                lines.append(f"{v}{len(lines)} = {text.text}")
                text = Text(f"{v}{len(lines) - 1}", truth=text.truth)
            slots.append(text)
        return lines, [self.passed(slots[i]) for i in tape.outputs]

    def text(self) -> list[str]:
        """All functions, each with its rule."""
        parts = []
        for key, function in self.functions.items():
            if key in self.rules:
                parts.append(self.partials[key])
            parts.append(self.rules.get(key, "") + function)
        return parts


def definition(name: str, parameters: Sequence[str], lines: Sequence[str]) -> str:
    return "\n".join([f"def {name}({', '.join(parameters)}):", *(f"    {line}" for line in lines)])


def row_function(key: Key) -> Callable[..., Any]:
    """A row as a function of NumPy arrays. Raises Untranslatable."""
    names, module = key.names(), Module("numpy", ["f"])
    if key.row.key in module.library.spelled:
        operands = key.operands(list(map(Text, names)))
        texts = [x if isinstance(x, Text) else number_text(x) for x in operands]
        text = module.number(module.spelled(key.row, texts))
        return eval(f"lambda {', '.join(names)}: {text.text}", {"numpy": import_module("numpy")})  # type: ignore[no-any-return]
    tape = trace(lambda xs: [applied(key.row, as_nodes(key.operands(xs)))], names)
    functions: dict[str, Any] = {}
    exec(array_source(tape, "numpy", "f", "float64"), functions)
    return functions["f"]  # type: ignore[no-any-return]


def array_source(tape: Tape, namespace: str, name: str, dtype: str) -> str:
    """The module. Raises Untranslatable with all the operations that the library lacks."""
    library = NAMESPACES[namespace]
    parameters, names = arguments(tape, library.names)
    module = Module(namespace, [name, *parameters])
    x, v = stem("x", parameters), stem("v", parameters)
    inputs = [name if name in parameters else f"{x}{i}" for i, name in enumerate(names)]
    lines, results = module.written(tape, list(map(Text, inputs)), True, v)
    if module.missing:
        raise lacking(module.missing, namespace)
    uses = tape.uses()
    rounded = library.single if dtype == "float32" else "{0}"
    head = [
        f"{own} = {library.argument.format(rounded.format(name))}"
        for i, (own, name) in enumerate(zip(inputs, names, strict=True))
        if uses[i]
    ]
    body = [*head, *lines, f"return {', '.join(map(rounded.format, results))}"]
    rule = library.rule if module.rules else ""
    return (
        "\n\n\n".join(
            part.strip()
            for part in (
                library.imports,
                library.helpers,
                rule,
                *module.text(),
                library.decorator + definition(name, parameters, body),
            )
            if part
        )
        + "\n"
    )
