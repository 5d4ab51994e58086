"""The ways through a function that asks its numbers: for each a specialisation, right where its guards hold.

Paths that gave the same answers so far meet at a fork. Where a guard fails, another way leads on from its
fork, or a new path is traced. A function that asks nothing is a single path without guards.
"""

from __future__ import annotations

import threading
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any, Final, final

from engine.compiler.backend import Function, refused
from engine.compiler.cases import merged
from engine.compiler.errors import TracingError
from engine.compiler.specialisation import Specialisation
from engine.compiler.tape.conditions import conditions
from engine.compiler.tape.tape import Answer, Tape
from engine.primitive import Traceable
from engine.source import user_level

Trace = Callable[[Sequence[Answer]], Specialisation]  # a new one, of which so many answers are given
TRIES: Final = 8  # paths that one call may make: of exact arithmetic the first that is made is the right one


@final
class Fork:
    """A question behind the same answers to all before it: for each answer a path, and the next fork."""

    def __init__(self) -> None:
        self.ways: dict[Answer, tuple[Path, Fork]] = {}


@final
class Path:
    """One way through a function. `program` is its code, `entry` the same for arguments like the latest.
    `calls` says how often it was taken, by an example too, if the function asks at all."""

    def __init__(self, program: Specialisation) -> None:
        self.program = program
        self.entry: Function = refused
        self.turns: tuple[Turn, ...] = ()
        self.calls = 0

    @property
    def answers(self) -> tuple[Answer, ...]:
        return tuple(guard.answer for guard in self.program.recorded.guards)

    @property
    def tape(self) -> Tape:
        """What is computed on this path."""
        return self.program.tape

    @property
    def guards(self) -> list[str]:
        """What has to be so for the path to be taken, in the order in which it is asked."""
        return conditions(self.tape)

    def refuse_counted(self, arguments: Sequence[Any]) -> None:
        """Raises TracingError if a node stands for a whole number that is asked for: its gradient would be
        lost in silence."""
        for i in self.counted:
            if isinstance(arguments[i], Traceable):
                name = self.tape.inputs[i]
                raise TracingError(
                    f"{name} counts or indexes, so no derivative passes it, but it is a "
                    f"{type(arguments[i]).__name__}: pass a plain number, or make the argument static "
                    f"(static_argnums, static_argnames)"
                )

    @cached_property
    def counted(self) -> list[int]:
        """The inputs that whole numbers which are asked for depend on, but for what has no slope."""
        tape = self.program.recorded
        live = {guard.slot for guard in tape.guards if not isinstance(guard.answer, bool)}
        for slot in range(len(tape) - 1, len(tape.inputs) - 1, -1) if live else ():
            row = tape.entries[slot].primitive
            if slot in live and (row.gradient or any(row.partials)):
                live.update(tape.entries[slot].operands)
        return [i for i in range(len(tape.inputs)) if i in live]

    def go(self, inputs: Sequence[Any]) -> Any:
        """The outputs, or where another path turns off."""
        outputs, failed = self.program.attempt(inputs)
        return outputs if failed < 0 else self.turns[failed]

    def __repr__(self) -> str:
        return f"<path, {self.calls} calls: {', '.join(self.guards) or 'always'}>"


@final
class Turn:
    """Where a path is left, at its guard k: what compiled code returns there."""

    def __init__(self, path: Path, k: int, fork: Fork) -> None:
        self.fork = fork
        self.guard = path.program.recorded.guards[k]
        self.path = path
        self.k = k

    def others(self) -> list[Path]:
        """The paths with other answers."""
        ways, answer = self.fork.ways, self.guard.answer
        if isinstance(answer, bool):
            return [ways[not answer][0]] if (not answer) in ways else []
        return [path for other, (path, _) in list(ways.items()) if other != answer]

    def answers(self) -> tuple[Answer, ...]:
        """Those that are known to be right; of a question with two answers the other one."""
        before, answer = self.path.answers[: self.k], self.guard.answer
        return (*before, not answer) if isinstance(answer, bool) else before


@final
class Paths:
    """All known paths for one structure of arguments; the latest is tried first. More than `limit` are not
    made for calls. Safe to use from several threads."""

    def __init__(self, limit: int, programs: Sequence[Specialisation]) -> None:
        self.limit = limit
        self.root = Fork()
        self.known: list[Path] = []
        self.lines: Counter[str] = Counter()  # how many paths turned off where
        self.warned = False
        self.lock = threading.Lock()
        self.latest = [self.add(program) for program in programs][-1]

    def __reduce__(self) -> tuple[type, tuple[int, list[Specialisation]]]:
        return Paths, (self.limit, [path.program for path in self.known])

    def add(self, program: Specialisation) -> Path:
        """The path of a program: the known one with the same answers, or a new one."""
        with self.lock:
            path, forks, way = Path(program), [self.root], (self.known[0] if self.known else None, self.root)
            for answer in path.answers:
                way = forks[-1].ways.get(answer) or (None, Fork())
                forks.append(way[1])
            if way[0] is not None:
                return way[0]
            # Forks get to know the path when it is whole: other threads look there.
            path.turns = tuple(Turn(path, k, fork) for k, fork in enumerate(forks[:-1]))
            for turn, following in zip(path.turns, forks[1:], strict=True):
                turn.fork.ways.setdefault(turn.guard.answer, (path, following))
            self.known.append(path)
            return path

    def take(self, inputs: Sequence[Any], trace: Trace, bounded: bool = True) -> tuple[Path, Any] | None:
        """The path that inputs take, with the outputs. None if it is not known, and there are enough."""
        path: Path | None = self.latest
        found = self.latest.go(inputs)
        for _ in range(TRIES):
            if type(found) is Turn:
                path, found = self.follow(found, partial(Path.go, inputs=inputs))
            if path is not None:
                self.latest = path
                path.calls += 1
                return path, found
            path = self.grow(found, trace, bounded)
            if path is None:
                break
            found = path.go(inputs)
        return None

    def grow(self, turn: Turn, trace: Trace, bounded: bool = True) -> Path | None:
        """A new path behind a turn; None if there are enough."""
        self.lines[turn.guard.line] += 1
        if bounded and len(self.known) >= self.limit:
            return None
        return self.add(trace(turn.answers()))

    def follow(self, turn: Turn, go: Callable[[Path], Any]) -> tuple[Path | None, Any]:
        """The path behind a turn on which `go` comes to an end, and what it returns; None and the last turn,
        where the way on is not known."""
        for _ in range(len(self.known)):
            for path in turn.others():
                found = go(path)
                if type(found) is not Turn:
                    return path, found
                if found.fork is not turn.fork:
                    turn = found
                    break
            else:
                break
        return None, turn

    def fast_path(self, path: Path, args: Sequence[Any], has_array: bool) -> Function:
        """From arguments like these to the results, as short as it can be."""
        self.latest = path
        path.entry = path.program.fast_path(args, has_array, path.turns)
        return self.run if path.turns else path.entry

    def run(self, *args: Any, **keywords: Any) -> Any:
        """The fast path of what has guards."""
        path: Path | None = self.latest
        found = self.latest.entry(*args, **keywords)
        if type(found) is Turn:
            path, found = self.follow(found, lambda path: path.entry(*args, **keywords))
        if path is None or found is NotImplemented:
            return NotImplemented
        self.latest = path
        path.calls += 1
        return found

    def or_else(self, otherwise: Function) -> Function:
        """The same, with another function for what it refuses: one frame of Python's for a call."""

        def call(*args: Any, **keywords: Any) -> Any:
            path = self.latest
            found = path.entry(*args, **keywords)
            if type(found) is Turn or found is NotImplemented:
                found = self.run(*args, **keywords)
                return otherwise(*args, **keywords) if found is NotImplemented else found
            path.calls += 1
            return found

        return call

    def merged(self) -> Specialisation:
        """A program of all known paths that asks nothing. Raises Untranslatable."""
        programs = [path.program for path in self.known]
        return merged(programs) if self.latest.turns else self.latest.program

    def warn(self) -> None:
        """Says once, if there are enough, which line makes them so many."""
        if self.warned or len(self.known) < self.limit:
            return
        self.warned = True
        ((line, _),) = self.lines.most_common(1)
        warnings.warn(
            f"there are {self.limit} paths: calls that take another one run eagerly, right and slower. "
            f"What keeps asking for more is {line}: engine.where(condition, a, b), maximum or "
            f"minimum in its place keep to one path; max_paths allows more of them",
            RuntimeWarning,
            stacklevel=user_level(),
        )
