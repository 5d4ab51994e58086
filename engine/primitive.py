"""What a row of the table of primitives is, and how a primitive is applied.

A `Primitive` holds everything the project knows of one operation. Applied to plain numbers it
gives a number; applied to anything else it asks the first graph operand to record the application.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from importlib import import_module
from numbers import Real
from typing import Any, Final, final

from engine.arrays import elementwise
from engine.domain import REAL, Interval
from engine.modes import STATE
from engine.text import brief, printable
from engine.trees import is_array

Gate = bool | Callable[..., Any]  # an entry of the column `structural`
ATOM: Final = 100  # the precedence of a name or a call: it never needs brackets


class Traceable:
    """What can stand in a graph: it knows how to record that a primitive was applied to it."""

    __slots__ = ()

    # Abstract, as are Operators and Node: of three concrete classes or fewer, mypyc tests membership by
    # comparing types, without a call (8 % of a training step).
    @abstractmethod
    def record(self, primitive: Primitive, operands: tuple[object, ...]) -> Any:
        """The node of a primitive applied to operands, of which this is one."""

    @abstractmethod
    def select(self, a: object, b: object) -> Any:
        """`where(self, a, b)`."""

    @abstractmethod
    def item(self) -> float:
        """The number, without its history."""

    @abstractmethod
    def detach(self) -> Any:
        """The same number, with no history."""


def is_number(x: object) -> bool:
    """Whether x is a real number: int, float, Fraction, a NumPy scalar; not an array, not a Decimal."""
    # Real is an ABC, slow to ask: floats and ints go first. NumPy's bool is no Real, and NumPy is not loaded.
    return isinstance(x, (float, int, Real)) or type(x).__name__ in ("bool", "bool_")


def as_float(x: object) -> float:
    """x as an IEEE double. Raises TypeError for what is no real number, OverflowError for 10**400."""
    if is_number(x):
        return float(x)  # type: ignore[arg-type]
    advice = (
        "its number alone is .data"
        if isinstance(x, Traceable)
        else "convert it first; a collection needs one Value for each number"
    )
    raise TypeError(
        f"a real number is needed (int, float, Fraction or a NumPy scalar), got {type(x).__name__} "
        f"{brief(x)}: {advice}"
    )


@final
class Coefficient:
    """An entry of `structural` for a factor that is 0, as y is of x**y: nothing passes while the other
    operands are constants. Where they are variables what passes is 0, but their own slopes go through it.
    """

    def __init__(self, factor: Callable[..., Any]) -> None:
        self.factor = factor

    def __call__(self, *operands: Any) -> Any:
        return self.factor(*operands)


@final
class Primitive:
    """One row of the table.

    name        what `Value.op` says
    value       the kernel: floats to a float; an n-ary one takes a single list of floats
    partials    a straight expression per argument, written in primitives, so that the same line
                serves floats, Values and symbols; None where the derivative is 0 everywhere
    gradient    n-ary primitives have this instead: from the list of operands to all the partials
    domain      where the function is smooth, per argument (n-ary: one entry for every argument)
    kink        an expression in rows that is zero exactly on the kinks, if there are any
    structural  where the row does not look at an argument, so that nothing passes to it, not 0 times what
                came: per argument True, where its partial is 0, or an expression in rows that is 0 exactly
                there, or a Coefficient; False where a slope of 0 is only a slope (n-ary: for every argument)
    python      how it is written, "{0} + {1}"; by default a call of its name
    latex       the same for LaTeX; "{*}" stands for all operands
    precedence  of both spellings, as in Python's grammar; ATOM binds tightest
    formula     for readers: the textbook's expression of it in rows, like a partial, without care for
                rounding; of an n-ary one like the gradient, from the list. Nobody computes with it
    helper      readers do not know it by its name: it is written as its formula
    key         its name in the table, by which compilers know it; empty for what only is called like a row
    ulps        how far its value may be from the true one, in units in the last place; of a sum inside, in
                those of its largest term
    foreign     the rule is a user's code: it may do anything, even start another sweep
    solved      its first operand is its value already, found by other means: compiled code takes that
    """

    def __init__(
        self,
        name: str,
        value: Callable[..., float],
        *partials: Callable[..., Any] | None,
        gradient: Callable[[Sequence[Any]], Sequence[Any]] | None = None,
        domain: tuple[Interval, ...] | Interval = REAL,
        kink: Callable[..., Any] | None = None,
        structural: tuple[Gate, ...] | Gate = False,
        python: str = "",
        latex: str = "",
        precedence: int = ATOM,
        formula: Callable[..., Any] | None = None,
        helper: bool = False,
        ulps: float = 1.0,
        foreign: bool = False,
        solved: bool = False,
        doc: str = "",
    ) -> None:
        slots = "{*}" if gradient else ", ".join(f"{{{i}}}" for i in range(len(partials)))
        count = max(1, len(partials))  # an n-ary row has one entry for all
        self.name = name = printable(name)
        self.key = ""
        self.value = value
        self.partials = partials
        self.gradient = gradient
        self.domain = (domain,) * count if isinstance(domain, Interval) else domain
        self.kink = kink
        self.structural = structural if isinstance(structural, tuple) else (structural,) * count
        self.python = python or f"{name}({slots})"
        self.latex = latex
        self.precedence = precedence
        self.formula = formula
        self.helper = helper
        self.ulps = ulps
        self.foreign = foreign
        self.solved = solved
        STATE.foreign += foreign
        self.gated = any(entry is not False for entry in self.structural)
        # A gradient may not pass, or is asked for in advance:
        self.irregular = foreign or None in partials or self.gated
        self.doc = doc
        # Of what is no row of the table: the function that made it, and its arguments.
        self.recipe: tuple[Callable[..., Primitive], tuple[Any, ...]] | None = None

    def __call__(self, *operands: object, **keywords: object) -> Any:
        # A number for numbers; otherwise what the first graph operand records.
        return self.apply(self.in_order(operands, keywords) if keywords else operands)

    def in_order(self, operands: tuple[object, ...], keywords: dict[str, object]) -> tuple[object, ...]:
        """All operands of a primitive of a user, by the names that its function has for them."""
        if self.recipe is None:
            raise TypeError(f"{self.name} takes its operands by position, got {', '.join(keywords)}=")
        try:
            signature = import_module("inspect").signature(self.recipe[1][0])  # slow to import
            call = signature.bind(*operands, **keywords)
        except TypeError as error:
            raise TypeError(f"{self.name}: {error}") from None
        call.apply_defaults()
        return (*call.args, *call.kwargs.values())

    def apply(self, operands: tuple[object, ...]) -> Any:
        """The same for operands that stand in a tuple."""
        for operand in operands:
            if isinstance(operand, Traceable):
                return operand.record(self, operands)
            if not isinstance(operand, float) and is_array(operand):
                return elementwise(self, operands)
        return self.evaluate([as_float(operand) for operand in operands])

    def evaluate(self, xs: list[float]) -> float:
        """The value at floats. Raises TypeError if there are too few or too many."""
        if self.gradient is not None:
            return self.value(xs)
        if len(xs) != len(self.partials):
            raise TypeError(f"{self.name} takes {len(self.partials)} operands, got {len(xs)}")
        return self.value(*xs)

    def local_gradient(self, operands: Sequence[Any]) -> Sequence[Any]:
        """The partial derivative to each operand, numbers or nodes like these; None is no edge."""
        if self.gradient is not None:
            return self.gradient(operands)
        return [None if partial is None else partial(*operands) for partial in self.partials]

    def expressed(self, operands: Sequence[Any]) -> Any:
        """The formula of operands, as nodes. Raises TypeError for a row without one."""
        if self.formula is None:
            raise TypeError(f"{self.name} has no formula: give its row one (formula=)")
        return self.formula(operands) if self.gradient is not None else self.formula(*operands)

    def __repr__(self) -> str:
        return f"<primitive {self.name or 'leaf'}>"

    # The sweep knows rows by identity (`primitive is add`): a copy would be another row.

    def __copy__(self) -> Primitive:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Primitive:
        return self

    def __reduce__(self) -> Any:
        # Rules are lambdas, which do not pickle: a row of the table travels by its name.
        if TABLE.get(self.name) is self:
            return lookup, (self.name,)
        if self.recipe is None:
            raise TypeError(f"only rows of the table can be pickled: register({self!r}) first")
        return self.recipe


TABLE: Final[dict[str, Primitive]] = {}


def register(primitive: Primitive) -> Primitive:
    """Adds a row to the table. Raises ValueError if the name is taken."""
    if primitive.name in TABLE:
        raise ValueError(f"a primitive named {primitive.name!r} exists: choose another name")
    TABLE[primitive.name] = primitive
    primitive.key = primitive.name
    return primitive


def lookup(name: str) -> Primitive:
    """The row of that name. Raises KeyError."""
    return TABLE[name]


def custom(forward: Callable[..., object], local_gradient: Callable[..., Any], name: str = "") -> Primitive:
    """A primitive of yours: `forward(*xs)` returns a number, `local_gradient(*xs)` the partial
    derivative to each x, as a tuple (or alone, for a single x).

    Written with engine functions and operators, the local gradient can be differentiated again.
    """
    title = name or getattr(forward, "__name__", "custom").strip("<>")

    # An n-ary row, because nobody has said how many operands it takes.

    def value(xs: list[float]) -> float:
        return as_float(forward(*xs))

    def gradient(operands: Sequence[Any]) -> Sequence[Any]:
        returned = local_gradient(*operands)
        partials: Sequence[Any] = returned if isinstance(returned, (tuple, list)) else (returned,)
        if len(partials) != len(operands):
            raise ValueError(
                f"local_gradient of {title} has to return one number for each operand: "
                f"{len(operands)}, got {len(partials)}"
            )
        return partials

    primitive = Primitive(title, value, gradient=gradient, foreign=True)
    primitive.recipe = (custom, (forward, local_gradient, name))
    return primitive
