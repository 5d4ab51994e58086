"""What a user sees of a tape: its lines, or the loops that they are."""

from __future__ import annotations

from engine.compiler.loops.roller import regular
from engine.compiler.tape.names import SHOWN
from engine.compiler.tape.tape import Tape


class PrintedTape(Tape):
    """A tape that is printed as loops where it is long and regular."""

    def __str__(self) -> str:
        long = sum(1 for _ in self.operations()) > SHOWN
        loops = regular(self) if long and not self.guards else None
        return super().__str__() if loops is None else str(loops)


def printed(tape: Tape) -> PrintedTape:
    """The same tape, to be read by people."""
    return PrintedTape(tape.inputs, tape.entries, tape.outputs, tape.guards)
