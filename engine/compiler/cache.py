"""What has been compiled of one function."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import Final, final

from engine.compiler.specialisation import Specialisation

KEPT: Final = 128  # specialisations of one function


@final
class Cache:
    """Specialisations by the key of a call; the least recently used go. Safe to use from several threads."""

    def __init__(self, items: Sequence[tuple[Hashable, Specialisation]] = ()) -> None:
        self.known = OrderedDict(items)
        self.lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.known)

    def __reduce__(self) -> tuple[type, tuple[list[tuple[Hashable, Specialisation]]]]:
        return Cache, (list(self.known.items()),)

    @property
    def latest(self) -> Specialisation:
        return next(reversed(self.known.values()))

    def get(self, key: Hashable) -> Specialisation | None:
        with self.lock:
            if key in self.known:
                self.known.move_to_end(key)
            return self.known.get(key)

    def keep(self, key: Hashable, specialisation: Specialisation) -> None:
        with self.lock:
            self.known[key] = specialisation
            self.known.move_to_end(key)
            if len(self.known) > KEPT:
                self.known.popitem(last=False)
