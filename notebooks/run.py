"""Executes the notebooks in fresh kernels and compares what comes out with what is committed.

    python notebooks/run.py            exit status 1, with a diff, if a number or a picture changed
    python notebooks/run.py --write    takes the new outputs over
    python notebooks/run.py gates      only the notebooks with "gates" in their names

Outputs are normalised, so that running a notebook twice gives the same file. Text and SVG have to be
the same to the last character; images of matplotlib, whose pixels depend on its version, have to look
the same. A cell with the tag "varies" (measured times) has to run, whatever it prints.
"""

from __future__ import annotations

import argparse
import difflib
import io
import re
import sys
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any

import nbformat
import numpy as np
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from PIL import Image, ImageSequence

HERE = Path(__file__).parent
LINES = 20  # of a difference that are printed for one cell
PATIENCE = 300  # seconds for one cell
IMAGE = re.compile(r"data:image/(?:png|gif);base64,([\w+/=]+)")  # inside of HTML
KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
QUIET = ["--IPKernelApp.log_level=40"]
LOOKS_THE_SAME = 0.02  # root mean square difference of pixels from 0 to 1; a moved curve makes 0.05
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
ADDRESS = re.compile(r"0x[0-9a-f]{6,}")


def main() -> int:
    options = arguments()
    paths = [path for path in sorted(HERE.glob("*.ipynb")) if options.name in path.name]
    if not paths:
        print(f"no notebook has {options.name!r} in its name")
        return 1
    start = perf_counter()
    with ThreadPoolExecutor(max_workers=2) as pool:  # the kernels are processes of their own
        reports = list(pool.map(processed, paths, [options.write] * len(paths)))
    failed = sum(map(bool, reports))
    print(f"{len(paths)} notebooks, {failed} not as committed, {perf_counter() - start:.0f} s")
    return 1 if failed else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", nargs="?", default="", help="part of the names of the notebooks to run")
    parser.add_argument("--write", action="store_true", help="write the outputs into the notebooks")
    return parser.parse_args()


def processed(path: Path, write: bool) -> str:
    """Executes one notebook; returns, and prints, what is not as it should be."""
    start = perf_counter()
    committed = nbformat.read(path, as_version=4)
    try:
        fresh = executed(committed)
    except CellExecutionError as error:
        report = COLOUR.sub("", f"{error}\n")
    else:
        report = "" if write else difference(committed, fresh)
        if write:
            nbformat.write(fresh, path)
    print(f"{path.name}: {perf_counter() - start:.0f} s\n{report}", end="", flush=True)
    return report


def executed(notebook: Any) -> Any:
    """The notebook with new, normalised outputs."""
    fresh = execute(notebook)
    fresh.metadata = nbformat.from_dict(KERNEL)
    for i, cell in enumerate(fresh.cells):
        cell.id = f"cell-{i:02}"
        cell.metadata = {key: value for key, value in cell.metadata.items() if key == "tags"}
        if cell.cell_type == "code":
            cell.outputs = [normal(output) for output in merged(cell.outputs)]
    return fresh


def execute(notebook: Any, attempts: int = 3) -> Any:
    """A copy of the notebook, executed in a fresh kernel."""
    here = {"metadata": {"path": str(HERE)}}
    fresh = nbformat.from_dict(notebook)
    try:
        NotebookClient(fresh, timeout=PATIENCE, extra_arguments=QUIET, resources=here).execute()
    except RuntimeError as error:  # a kernel may find its port taken just now
        if attempts == 1 or "Kernel died before" not in str(error):
            raise
        return execute(notebook, attempts - 1)
    return fresh


def merged(outputs: list[Any]) -> list[Any]:
    """Neighbouring pieces of one stream as one: where they were cut is an accident of timing."""
    whole: list[Any] = []
    for output in outputs:
        if whole and output.output_type == "stream" and whole[-1].get("name") == output.name:
            whole[-1].text += output.text
        else:
            whole.append(output)
    return whole


def normal(output: Any) -> Any:
    """An output without what differs from run to run: memory addresses, metadata of images."""
    if output.output_type == "stream":
        output.text = ADDRESS.sub("0x...", output.text)
    else:
        output.metadata = {}
        if "text/plain" in output.data:
            output.data["text/plain"] = ADDRESS.sub("0x...", output.data["text/plain"])
    return output


def difference(committed: Any, fresh: Any) -> str:
    """A unified diff of the outputs of all cells that have to be the same, "" if they are."""
    lines: list[str] = []
    for i, (old, new) in enumerate(zip(committed.cells, fresh.cells, strict=True)):
        if new.cell_type == "code" and "varies" not in new.metadata.get("tags", []):
            before, after = described(old.outputs), described(new.outputs, old.outputs)
            names = (f"cell {i}, committed", f"cell {i}, executed")
            changed = difflib.unified_diff(before, after, *names, n=0, lineterm="")
            lines += islice(changed, LINES)
    return "".join(f"{line[:200]}\n" for line in lines)


def described(outputs: list[Any], like: list[Any] | None = None) -> list[str]:
    """Outputs as lines to compare; an image that looks like the one at its place in `like` is equal."""
    lines: list[str] = []
    for i, output in enumerate(outputs):
        if output.output_type == "stream":
            lines += [f"[{output.name}]", *output.text.splitlines()]
        before = like[i].get("data", {}) if like is not None and i < len(like) else {}
        for kind, content in sorted(output.get("data", {}).items()):
            old, new = image_in(kind, before.get(kind, "")), image_in(kind, content)
            if new:
                content = "another image" if old and not alike(old, new) else "an image"
            lines += [f"[{kind}]", *str(content).splitlines()]
    return lines


def image_in(kind: str, content: Any) -> str:
    """The image of an output in base64, also of HTML that shows one; "" if there is none."""
    if kind in ("image/png", "image/gif"):
        return str(content)
    found = IMAGE.search(content) if kind == "text/html" else None
    return found[1] if found else ""


def alike(old: str, new: str) -> bool:
    """Whether two images, or animations, show the same within a small difference of pixels."""
    before, after = frames(old), frames(new)
    if before.shape != after.shape:
        return False
    return float(np.sqrt(np.mean((before - after) ** 2))) < LOOKS_THE_SAME


def frames(image: str) -> Any:
    """The pixels of all frames, from 0 to 1."""
    with Image.open(io.BytesIO(b64decode(image))) as opened:
        return np.stack(
            [np.asarray(frame.convert("RGB")) / 255.0 for frame in ImageSequence.Iterator(opened)]
        )


if __name__ == "__main__":
    sys.exit(main())
