"""Compiles the hot modules with mypyc while a wheel is built, where a C compiler is at hand.

CHAINRULE_PURE=1 never compiles and CHAINRULE_PURE=0 fails where it cannot; unset, it compiles if it can and
otherwise packs the same source, interpreted, and says so in one line. All work is done on a copy: no
extension is ever written beside the source, and an editable install has none at all.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import textwrap
from collections.abc import Iterator, Sequence
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
# mypyc leaves docstrings in the source: they are written into its C before that is compiled. It fills all
# slots of a number but that of `__index__`, by which traced numbers count.
COMPILE = """
import sys
from setuptools import Extension, setup
from mypyc.build import mypycify
from mypyc.codegen import emitclass

sys.path.insert(0, "")
from hatch_build import write_docstrings

files = sys.argv[1:]
options = ["--follow-imports=silent"]
emitclass.AS_NUMBER_SLOT_DEFS["__index__"] = ("nb_index", emitclass.generate_dunder_wrapper)
extensions = mypycify(options + files, opt_level="3", debug_level="0", group_name="chainrule")
write_docstrings(extensions[0].sources[0], files)
extensions.append(Extension("engine._collector", ["engine/collector.c"]))
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

# The stubs need the table: they are written by the engine itself.
STUBS = """
import sys

sys.path.insert(0, "")
sys.dont_write_bytecode = True
import hatch_stubs

hatch_stubs.write(sys.argv[1])
"""

# Where C has room for a docstring: behind the signature of functions and classes, or instead of NULL.
ROOM = re.compile(
    r'(?P<before>\(PyCFunction\)CPyPy_(?P<call>\w+),[^"{}]*PyDoc_STR\('
    r'|CPyType_(?P<type>\w+)_template_ = \{[^"]*"\w+",[^"]*\.tp_doc = PyDoc_STR\('
    r"|\(getter\)(?P<get>\w+),\s*(?:\(setter\)\w+|NULL),\s*"
    r'|PyModuleDef_HEAD_INIT,\s*"(?P<module>[\w.]+)",\s*)(?P<signature>NULL|"(?:[^"\\]|\\.)*")'
)
Documented = ast.Module | ast.ClassDef | ast.FunctionDef
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
        self.ship_stubs(Path(self.folder.name, "stubs"), build_data)
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
        shutil.copy(__file__, work)
        run_python(COMPILE, files, work)
        modules = [file.removesuffix(".py").replace("/", ".") for file in files]
        run_python(PROVE, [*modules, "engine._collector"], work)
        suffix = sysconfig.get_config_var("EXT_SUFFIX")
        return sorted(path for path in work.rglob(f"*{suffix}") if path.name != f"probe{suffix}")

    def matching(self, pattern: str) -> list[str]:
        files = sorted(path.relative_to(self.root).as_posix() for path in Path(self.root).glob(pattern))
        if not files:
            raise FileNotFoundError(f"pyproject.toml asks to compile {pattern}, which matches no file")
        return files

    def ship_stubs(self, folder: Path, build_data: dict[str, Any]) -> None:
        run_python(STUBS, [str(folder)], Path(self.root))
        for path in folder.rglob("*.pyi"):
            build_data["force_include"][str(path)] = str(path.relative_to(folder))

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


def write_docstrings(c: str, sources: Sequence[str]) -> None:
    """Gives the C that mypyc wrote the docstrings of its sources. Exits if one of them finds no room."""
    texts: dict[str, tuple[str, str]] = {}
    for source in sources:
        module = source.removesuffix(".py").replace("/", "___")
        texts.update(docstrings(ast.parse(Path(source).read_bytes()), module))
    placed = set()

    def filled(room: re.Match[str]) -> str:
        short = room["call"] or room["type"] or room["get"] or room["module"].replace(".", "___")
        # mypyc shortens a module to what tells it from the others.
        name = next((name for name in texts if f"___{name}".endswith(f"___{short}")), "")
        if not name:
            return room[0]
        placed.add(name)
        signature, text = texts[name]
        written = c_string(signature) if room["signature"] == "NULL" else room["signature"]
        return room["before"] + written + c_string(text)

    code = Path(c).read_text(encoding="utf-8")
    Path(c).write_text(ROOM.sub(filled, code), encoding="utf-8")
    if lost := texts.keys() - placed:
        sys.exit(f"error: the C of mypyc has no room for the docstrings of {', '.join(sorted(lost))}")


def docstrings(tree: Documented, path: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """Signature and docstring of a module, its classes and functions, by what mypyc calls them in C."""
    if text := ast.get_docstring(tree):
        yield path, (signature(tree), text)
    for node in () if isinstance(tree, ast.FunctionDef) else tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield from docstrings(node, f"{path}{'_get_' if is_property(node) else '___'}{node.name}")


def is_property(node: Documented) -> bool:
    return any(ast.unparse(decorator) == "property" for decorator in getattr(node, "decorator_list", ()))


def signature(node: Documented) -> str:
    """As CPython reads it; mypyc writes none where a default is no number or text: `...` stands for it."""
    if isinstance(node, ast.ClassDef):
        functions = (part for part in node.body if isinstance(part, ast.FunctionDef))
        written = next((signature(part) for part in functions if part.name == "__init__"), "")
        return written.replace("__init__(self, ", f"{node.name}(")
    if isinstance(node, ast.Module) or is_property(node):
        return ""
    for argument in ast.walk(node.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    for defaults in node.args.defaults, node.args.kw_defaults:
        for i, default in enumerate(defaults):
            if isinstance(default, ast.Name | ast.Attribute):
                defaults[i] = ast.Constant(...)
    return f"{node.name}({ast.unparse(node.args)})\n--\n\n"


def c_string(text: str) -> str:
    """A literal of C, in ASCII."""
    plain = {byte: chr(byte) for byte in range(32, 127) if chr(byte) not in '"\\?'}
    return '"' + "".join(plain.get(byte) or rf"\{byte:03o}" for byte in text.encode()) + '"'
