"""What is installed: the right files, the right engine, nothing but the standard library."""

import importlib
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import engine
from engine.build_info import __version__, compiled, describe

ROOT = Path(__file__).parent.parent
HOME = Path(engine.__file__).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PATTERNS = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]["compile"]
HOT = [file.relative_to(ROOT) for pattern in PATTERNS for file in ROOT.glob(pattern)]


def python(*arguments: str, **environment: str) -> str:
    """What a fresh interpreter prints; it sees the same engine as this one."""
    done = subprocess.run(
        [sys.executable, "-P", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(HOME.parent), **environment},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("package", ["engine", "nn"])
def test_import_takes_the_standard_library_only(package):
    loaded = python("-c", f"import sys, {package}; print(*{{name.split('.')[0] for name in sys.modules}})")
    bare = python("-c", "import sys; print(*{name.split('.')[0] for name in sys.modules})")
    ours = {"engine", "nn", "chainrule__mypyc", "_xxsubinterpreters"}  # the last one is Python's, unlisted
    assert set(loaded.split()) - set(bare.split()) - ours <= sys.stdlib_module_names


def test_import_leaves_the_slow_part_of_the_standard_library_alone():
    loaded = python("-S", "-c", "import sys, engine; print(*sys.modules)")
    slow = "ast asyncio dataclasses inspect json pathlib random subprocess tempfile unittest urllib".split()
    assert not set(loaded.split()) & set(slow)


def test_the_version_line_says_which_engine_runs():
    assert python("-m", "engine", "--version").strip() == describe()
    assert engine.compiled is compiled
    assert describe().startswith(f"chainrule {__version__}, {'compiled' if compiled else 'interpreted'}")


def test_a_subinterpreter_is_told_where_the_compiled_engine_runs_and_leaves_it_whole():
    said = python(
        "-c",
        """
import _xxsubinterpreters as interpreters
import engine

for _ in range(3):
    other = interpreters.create()
    try:
        interpreters.run_string(other, "import engine; assert (engine.Value(2.0) * 3.0).data == 6.0")
    except interpreters.RunFailedError as error:
        print(error)
    interpreters.destroy(other)
assert (engine.Value(2.0) * 3.0).data == 6.0
""",
    )
    assert said.count("ImportError") == said.count("main interpreter") == (3 if compiled else 0)


def test_the_hot_modules_are_all_compiled_or_none_is():
    modules = [".".join(file.with_suffix("").parts).removesuffix(".__init__") for file in HOT]
    files = [importlib.import_module(name).__file__ or "" for name in modules]
    assert [not file.endswith(".py") for file in files] == [compiled] * len(HOT)


def test_the_source_stands_beside_the_extension():
    assert all((HOME.parent / file).is_file() for file in HOT)


def test_both_packages_are_typed():
    assert (HOME / "py.typed").is_file()
    assert (HOME.parent / "nn" / "py.typed").is_file()


def test_no_extension_ever_stands_in_the_source_tree():
    stray = [file for folder in ("engine", "nn") for file in (ROOT / folder).rglob("*.so")]
    assert not stray, f"they would shadow edited source, delete them: {stray}"


def test_the_changelog_knows_the_version():
    assert re.search(rf"^## \[{re.escape(__version__)}\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


def test_the_citation_knows_the_version():
    assert f"\nversion: {__version__}\n" in (ROOT / "CITATION.cff").read_text()


def built(kind: str, folder: Path, **environment: str) -> tuple[Path, str]:
    """A wheel, editable or sdist made by the build backend, and all that was said."""
    script = f"import sys, hatchling.build; hatchling.build.build_{kind}(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONSAFEPATH": "1", **environment},
    )
    assert done.returncode == 0, done.stdout
    return next(folder.iterdir()), done.stdout


def names(archive: Path) -> list[str]:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return wheel.namelist()
    with tarfile.open(archive) as sdist:
        return [name.partition("/")[2] for name in sdist.getnames()]


def is_extension(name: str) -> bool:
    return name.endswith((".so", ".pyd"))


def test_asked_for_purity_the_wheel_is_pure_and_says_so(tmp_path):
    wheel, said = built("wheel", tmp_path, CHAINRULE_PURE="1")
    assert wheel.name.endswith("-py3-none-any.whl")
    assert not any(map(is_extension, names(wheel)))
    assert said.count("CHAINRULE_PURE=1 was set") == len(said.strip().splitlines()) == 1


@pytest.mark.parametrize("compiler", ["false", "true", "/nowhere/cc"])
def test_with_a_broken_compiler_the_wheel_is_pure_and_says_so_in_one_line(tmp_path, compiler):
    wheel, said = built("wheel", tmp_path, CC=compiler, LDSHARED=compiler)
    assert wheel.name.endswith("-py3-none-any.whl")
    assert said.startswith("chainrule: the engine is not compiled (")
    assert len(said.strip().splitlines()) == 1


def test_an_interpreted_install_works_and_knows_the_reason(tmp_path):
    wheel, _ = built("wheel", tmp_path, CHAINRULE_PURE="1")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    said = python("-S", "-m", "engine", "--version", PYTHONPATH=str(tmp_path / "site"))
    assert said.strip() == f"chainrule {__version__}, interpreted (CHAINRULE_PURE=1 was set)"


def test_out_of_an_archive_kernels_are_read_and_compiled(tmp_path):
    with zipfile.ZipFile(tmp_path / "program.zip", "w") as archive:
        for file in HOME.rglob("*.py"):
            archive.write(file, file.relative_to(HOME.parent))
    program = "from engine import *; f = jit(logit); f(0.3); print(f.backend, 'logit(' in f.to_c('f'))"
    assert python("-c", program, PYTHONPATH=str(tmp_path / "program.zip")).split() == ["llvm", "True"]


def test_asked_for_an_extension_a_broken_compiler_is_an_error(tmp_path):
    with pytest.raises(AssertionError, match="CHAINRULE_PURE=0 asks for a compiled engine"):
        built("wheel", tmp_path, CHAINRULE_PURE="0", CC="false")


def test_an_editable_install_is_never_compiled(tmp_path):
    wheel, _ = built("editable", tmp_path)
    assert not any(map(is_extension, names(wheel)))


def test_the_sdist_holds_all_that_a_build_needs(tmp_path):
    sdist, _ = built("sdist", tmp_path)
    wanted = {
        "pyproject.toml",
        "hatch_build.py",
        "hatch_stubs.py",
        "README.md",
        "LICENSE",
        "engine/py.typed",
        "nn/py.typed",
    }
    assert set(names(sdist)) >= wanted
    assert not any(map(is_extension, names(sdist)))


def test_the_wheel_holds_every_module_the_stubs_and_the_licence(tmp_path):
    wheel, _ = built("wheel", tmp_path, CHAINRULE_PURE="1")
    files = [file for folder in ("engine", "nn") for file in (ROOT / folder).rglob("*.py")]
    modules = {str(file.relative_to(ROOT)) for file in files}
    others = {"engine/value.pyi", f"chainrule-{__version__}.dist-info/licenses/LICENSE"}
    assert set(names(wheel)) >= modules | others
