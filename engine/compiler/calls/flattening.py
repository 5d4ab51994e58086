"""Arguments with dicts in them, taken apart in Python by a function that is made once for their structure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.trees import keys_of

Flattener = Callable[[Any, list[Any]], bool]


def flattener(like: Any) -> Flattener:
    """A function of an argument and a list: what is no dict and holds none goes behind the list, in the order
    of `trees.parts`. It returns False for an argument whose dicts, or what holds them, are not like these."""
    if not holds_dict(like):
        return whole
    kind, count = type(like), len(like)
    if kind is dict:
        order, inner = list(like), [(key, flattener(like[key])) for key in keys_of(like)]
    else:
        order, inner = [], [(i, flattener(part)) for i, part in enumerate(like)]

    def taken(x: Any, leaves: list[Any]) -> bool:
        if type(x) is not kind or len(x) != count or (order and list(x) != order):
            return False
        return all(take(x[key], leaves) for key, take in inner)

    return taken


def whole(x: Any, leaves: list[Any]) -> bool:
    leaves.append(x)
    return True


def holds_dict(x: Any) -> bool:
    return type(x) is dict or (type(x) in (list, tuple) and any(map(holds_dict, x)))
