"""Compiles the hot modules with mypyc while a wheel is built, where a C compiler is at hand.

CHAINRULE_PURE=1 never compiles and CHAINRULE_PURE=0 fails where it cannot; unset, it compiles if it can and
otherwise packs the same source, interpreted, and says so in one line. All work is done on a copy: no
extension is ever written beside the source, and an editable install has none at all.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import textwrap
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# Asked before mypyc is: an answer comes at once, and in the compiler's own words.
PROBE_C = """
#include <Python.h>
static struct PyModuleDef probe = {PyModuleDef_HEAD_INIT, "probe"};
PyMODINIT_FUNC PyInit_probe(void) { return PyModule_Create(&probe); }
"""
PROBE = """
import sys
from setuptools import Extension, setup

extension = Extension("probe", sys.argv[1:])
setup(name="probe", ext_modules=[extension], script_args=["build_ext", "--build-lib", "."])
sys.path.insert(0, "")
try:
    import probe
except ImportError as failure:
    sys.exit(f"error: what the C compiler made cannot be imported: {failure}")
"""

# Contraction to fused multiply-add would give other bits than the interpreter does; mypyc asks for -Werror,
# but a warning of some future compiler is no reason to go without. Nobody replaces our symbols at run time:
# calls within the extension may be direct (3 % of a backward pass). What is not compiled is not checked.
COMPILE = """
import sys
from setuptools import setup
from mypyc.build import mypycify

files = ["--follow-imports=silent", *sys.argv[1:]]
extensions = mypycify(files, opt_level="3", debug_level="0", group_name="chainrule")
if sys.platform != "win32":
    for extension in extensions:
        extension.extra_compile_args += ["-Wno-error", "-ffp-contract=off", "-fno-semantic-interposition"]
setup(name="chainrule", packages=[], ext_modules=extensions, script_args=["build_ext", "--build-lib", "."])
"""

# What was built has to load as well.
PROVE = """
import importlib, sys

sys.path.insert(0, "")
for module in map(importlib.import_module, sys.argv[1:]):
    if module.__file__.endswith(".py"):
        sys.exit(f"error: there is no extension of {module.__name__}")
"""


NOT_SOURCE = shutil.ignore_patterns("*.so", "*.pyd", "__pycache__")


class CompilationError(Exception):
    """There is no compiler, or it does not work; the message is all it said."""


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Adds the compiled modules to the wheel, or the reason why there are none."""

    def dependencies(self) -> list[str]:
        return [] if os.environ.get("CHAINRULE_PURE") == "1" else ["mypy[mypyc]==2.4.1", "setuptools>=77"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="chainrule-")
        if version == "editable":
            return
        try:
            self.ship(self.compiled(Path(self.folder.name)), build_data)
        except CompilationError as failure:
            self.stay_interpreted(str(failure), build_data)

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        self.folder.cleanup()

    def compiled(self, work: Path) -> list[Path]:
        """The extension modules, built in a copy of the source and imported once as a proof."""
        if os.environ.get("CHAINRULE_PURE") == "1":
            raise CompilationError("CHAINRULE_PURE=1 was set")
        files = [file for pattern in self.config["compile"] for file in self.matching(pattern)]
        work.joinpath("probe.c").write_text(PROBE_C)
        run_python(PROBE, ["probe.c"], work)
        shutil.copytree(Path(self.root, "engine"), work / "engine", ignore=NOT_SOURCE)
        run_python(COMPILE, files, work)
        run_python(PROVE, [file.removesuffix(".py").replace("/", ".") for file in files], work)
        suffix = sysconfig.get_config_var("EXT_SUFFIX")
        return sorted(path for path in work.rglob(f"*{suffix}") if path.name != f"probe{suffix}")

    def matching(self, pattern: str) -> list[str]:
        files = sorted(path.relative_to(self.root).as_posix() for path in Path(self.root).glob(pattern))
        if not files:
            raise FileNotFoundError(f"pyproject.toml asks to compile {pattern}, which matches no file")
        return files

    def ship(self, extensions: list[Path], build_data: dict[str, Any]) -> None:
        for path in extensions:
            build_data["force_include"][str(path)] = str(path.relative_to(self.folder.name))
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def stay_interpreted(self, log: str, build_data: dict[str, Any]) -> None:
        """Says so now, and in the wheel for `python -m engine --version`: pip hides what is said now."""
        if os.environ.get("CHAINRULE_PURE") == "0":
            raise RuntimeError(f"CHAINRULE_PURE=0 asks for a compiled engine, but:\n{log}")
        reason = headline(log)
        self.app.display_warning(f"chainrule: the engine is not compiled ({reason}): it will run interpreted")
        note = Path(self.folder.name, "interpreted.txt")
        note.write_text(reason + "\n", encoding="utf-8")
        build_data["force_include"][str(note)] = "engine/interpreted.txt"


def run_python(script: str, arguments: list[str], folder: Path) -> None:
    """Runs a script in the folder. Raises CompilationError with all it said if it failed."""
    command = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        raise CompilationError(f"{done.stdout}{done.stderr}".strip() or f"exit status {done.returncode}")


def headline(log: str) -> str:
    """The line of a compiler's log that tells most: the first that speaks of an error, else the last."""
    lines = re.sub(r"Command '\['(.*?)'.*\]'", r"the C compiler \1", log).splitlines()
    return textwrap.shorten(next((line for line in lines if "error:" in line), lines[-1]), 120)
