"""A tape as LaTeX: one formula, or lines for what is used more than once."""

from __future__ import annotations

from typing import Final

from engine.compiler.tape.tape import Tape
from engine.latex import LATEX
from engine.node import CONSTANT, INPUT
from engine.notation import Text

WIDEST: Final = 400  # characters of a formula that is written in place


def latex_source(tape: Tape) -> str:
    """A formula for a tape with one output and no shared parts; else lines of an `aligned` block."""
    uses = tape.uses()
    texts: list[Text] = []
    lines: list[str] = []
    for slot, (primitive, operands, number) in enumerate(tape.entries):
        if primitive is INPUT:
            texts.append(Text(name(tape.inputs[slot])))
            continue
        if primitive is CONSTANT:
            texts.append(LATEX.number(number))
            continue
        text = LATEX.simplified(primitive, [texts[i] for i in operands])
        if (uses[slot] > 1 or len(text.text) > WIDEST) and text.number is None:
            lines.append(f"v_{{{slot}}} &= {text.text}")
            text = Text(f"v_{{{slot}}}")
        texts.append(text)
    results = [texts[slot].text for slot in tape.outputs]
    if not lines and len(results) == 1:
        return results[0]
    lines += [f"y_{{{k}}} &= {result}" for k, result in enumerate(results)]
    return "\n".join([r"\begin{aligned}", " \\\\\n".join(lines), r"\end{aligned}"])


def name(written: str) -> str:
    """w[3] as a w with an index."""
    base, _, rest = written.partition("[")
    return f"{LATEX.name(base)}_{{{rest[:-1]}}}" if rest else LATEX.name(base)
