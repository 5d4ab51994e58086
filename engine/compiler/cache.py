"""What has been compiled of one function."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import Final, final

from engine.compiler.paths import Paths

KEPT: Final = 128  # structures of arguments of one function


@final
class Cache:
    """The paths for each key of a call; the least recently used go. Safe to use from several threads."""

    def __init__(self, items: Sequence[tuple[Hashable, Paths]] = ()) -> None:
        self.known = OrderedDict(items)
        self.lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.known)

    def __reduce__(self) -> tuple[type, tuple[list[tuple[Hashable, Paths]]]]:
        return Cache, (list(self.known.items()),)

    @property
    def latest(self) -> Paths:
        return next(reversed(self.known.values()))

    def get(self, key: Hashable) -> Paths | None:
        with self.lock:
            if key in self.known:
                self.known.move_to_end(key)
            return self.known.get(key)

    def keep(self, key: Hashable, paths: Paths) -> Paths:
        """Keeps them, or those that another thread has made meanwhile."""
        with self.lock:
            kept = self.known.setdefault(key, paths)
            if len(self.known) > KEPT:
                self.known.popitem(last=False)
            return kept
