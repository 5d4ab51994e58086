"""`Module`: anything that holds parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

from engine import Value
from engine.primitive import Traceable, as_float
from engine.trees import is_array


class Module:
    """The base class of a model: its parameters are the Values that its public attributes hold.

    Lists, tuples, dicts, arrays and other modules are searched, in the order of assignment;
    attributes that begin with an underscore, the place for what is computed, are not. Parameters
    without a label take their path for one, such as layers.0.neurons.2.b, by which drawings know
    what belongs to a neuron. Every transform takes a module as a tree of its parameters:
    `grad(loss)(model)` is a module of the same shape, filled with the gradients.

    >>> class Line(Module):
    ...     def __init__(self):
    ...         self.slope, self.offset = Value(2.0), Value(1.0)
    ...     def __call__(self, x):
    ...         return self.slope * x + self.offset
    >>> Line()(3.0), Line().state_dict()
    (Value(data=7.0, grad=0.0), {'slope': 2.0, 'offset': 1.0})
    """

    def __setattr__(self, name: str, part: object) -> None:
        super().__setattr__(name, part)
        if not name.startswith("_"):
            for path, parameter in walk(part, name, {id(self)}):
                # the path within the part, given before, grows with each module around it
                if isinstance(parameter, Value) and f".{path}".endswith(f".{parameter.label}".rstrip(".")):
                    parameter.label = path

    def __call__(self, x: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has to define __call__(self, x)")

    def named_parameters(self) -> list[tuple[str, Any]]:
        """Each parameter with its path, such as ("layers.0.neurons.2.b", Value); shared ones once."""
        return list(walk(self, "", set()))

    def parameters(self) -> list[Any]:
        """The parameters, in the order of their names."""
        return [parameter for _, parameter in self.named_parameters()]

    def zero_grad(self) -> None:
        """Sets the grad of every parameter to 0.0."""
        for parameter in self.parameters():
            parameter.grad = 0.0

    def state_dict(self) -> dict[str, float]:
        """The numbers of all parameters, by name."""
        return {name: parameter.data for name, parameter in self.named_parameters()}

    def load_state_dict(self, state: Mapping[str, object]) -> None:
        """Takes over the numbers of a `state_dict()`.

        Raises ValueError if a name is missing or unknown, TypeError for what is no number; then
        every parameter is as it was.
        """
        named = dict(self.named_parameters())
        if named.keys() != state.keys():
            missing, unknown = sorted(named.keys() - state.keys()), sorted(state.keys() - named.keys())
            raise ValueError(
                f"these are not the parameters of {type(self).__name__}: "
                f"missing {missing[:3] or 'none'}, unknown {unknown[:3] or 'none'}"
            )
        numbers = {name: as_float(number) for name, number in state.items()}
        for name, parameter in named.items():
            parameter.data = numbers[name]

    def tree_parts(self) -> tuple[list[Any], Callable[[Sequence[Any]], Module]]:
        """The parameters, and the function from new ones to a copy that holds them (`engine.trees`)."""
        parameters = self.parameters()

        def rebuild(new: Sequence[Any]) -> Module:
            # deepcopy hands out what its memo has: shared parameters stay shared, cycles are no matter
            memo: dict[int, Any] = {id(part): part for part in shared_parts(self, set())}
            memo.update((id(old), parameter_of(x)) for old, x in zip(parameters, new, strict=True))
            return deepcopy(self, memo)

        return parameters, rebuild

    def __repr__(self) -> str:
        return f"{type(self).__name__}({plural(len(self.parameters()), 'parameter')})"


def walk(holder: object, path: str, seen: set[int]) -> Iterator[tuple[str, Any]]:
    """The parameters below `holder` with their paths, each once."""
    waiting = [(path, holder)]
    while waiting:
        path, holder = waiting.pop()
        if id(holder) in seen:
            continue
        seen.add(id(holder))
        if isinstance(holder, Traceable):
            yield path, holder
        else:
            parts = [(f"{path}.{key}" if path else str(key), part) for key, part in contents(holder)]
            waiting.extend(reversed(parts))


def contents(holder: object) -> Iterator[tuple[object, object]]:
    """What a container holds, by key: nothing, if it is none."""
    if isinstance(holder, Module):
        yield from ((key, part) for key, part in vars(holder).items() if not key.startswith("_"))
    elif isinstance(holder, dict):
        yield from holder.items()
    elif isinstance(holder, (list, tuple)):
        yield from enumerate(holder)
    elif is_array(holder) and holder.dtype == object:  # type: ignore[attr-defined]
        yield from enumerate(holder.flat)  # type: ignore[attr-defined]


def shared_parts(holder: object, seen: set[int]) -> Iterator[object]:
    """What a copy with other parameters has in common with the original: all that holds none."""
    waiting = [holder]
    while waiting:
        holder = waiting.pop()
        for key, part in vars(holder).items() if isinstance(holder, Module) else contents(holder):
            if str(key).startswith("_") or next(walk(part, "", set()), None) is None:
                yield part
            elif not isinstance(part, Traceable) and id(part) not in seen:
                seen.add(id(part))
                waiting.append(part)


def parameter_of(x: Any) -> Any:
    """x as the parameter of a module: a number becomes a Value, a node or an array stays."""
    return Value(x) if isinstance(x, float) else x


def plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
