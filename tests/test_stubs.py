"""The stubs in a wheel: true of what runs, and a user's program is checked as it should be."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import engine

ROOT = Path(__file__).parent.parent
HOME = Path(engine.__file__).parent
PROGRAMS = Path(__file__).parent / "programs"
WRITE = "import sys; sys.path.insert(0, sys.argv[1]); import hatch_stubs; hatch_stubs.write(sys.argv[2])"
WRONG = {i for i, line in enumerate((PROGRAMS / "wrong.py").read_text().splitlines(), 1) if "# wrong" in line}


def python(*arguments: str, site: Path | None = None) -> subprocess.CompletedProcess[str]:
    paths = {"PYTHONPATH": str(HOME.parent), "MYPYPATH": str(site)}
    command = [sys.executable, "-P", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **paths}, cwd=site)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The packages as they lie in a wheel: stubs beside the source."""
    folder = tmp_path_factory.mktemp("site")
    done = python("-c", WRITE, str(ROOT), str(folder))
    assert done.returncode == 0, done.stderr
    for package in (HOME, HOME.parent / "nn"):
        for file in package.rglob("*.py*"):
            target = folder / file.relative_to(HOME.parent)
            if file.suffix in (".py", ".typed") and file.name != "__pycache__":
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(file.read_bytes())
    return folder


@pytest.mark.skipif(engine.compiled, reason="operators have the signatures of C there, positional ones")
def test_a_stub_says_what_runs(site):
    (site / "mypy.ini").write_text(
        "[mypy]\nfollow_imports = silent\ndisable_error_code = overload-overlap, misc\n"
    )
    stubs = [file.relative_to(site).with_suffix("") for file in site.rglob("*.pyi")]
    modules = [".".join(stub.parts).removesuffix(".__init__") for stub in stubs]
    (site / "known").write_text(
        "engine.compiler.function.Compiled.__call__  # a slot with code, no function\n"
    )
    options = ["--mypy-config-file", "mypy.ini", "--allowlist", "known"]
    done = python("-m", "mypy.stubtest", *options, *modules, site=site)
    assert done.returncode == 0, done.stdout + done.stderr


def complaints(output: str) -> dict[str, set[int]]:
    """The lines that a checker reports, by program."""
    found: dict[str, set[int]] = {"right.py": set(), "wrong.py": set()}
    for name, line in re.findall(r"(\w+\.py):(\d+)\S* ?-? error", output):
        found[name].add(int(line))
    return found


def test_mypy_finds_the_wrong_lines_and_no_other(site):
    options = ["--strict", "--follow-imports=silent", "--config-file", os.devnull]
    programs = map(str, sorted(PROGRAMS.glob("*.py")))
    done = python("-m", "mypy", *options, *programs, site=site)
    assert complaints(done.stdout) == {"right.py": set(), "wrong.py": WRONG}, done.stdout + done.stderr


def test_pyright_finds_the_wrong_lines_and_no_other(site):
    pytest.importorskip("pyright")
    if python("-m", "pyright", "--version", site=site).returncode != 0:
        pytest.skip("pyright fetches its program from npm, which cannot be reached")
    (site / "pyrightconfig.json").write_text(json.dumps({"extraPaths": [str(site)]}))
    programs = map(str, sorted(PROGRAMS.glob("*.py")))
    done = python("-m", "pyright", "--pythonpath", sys.executable, "-p", str(site), *programs, site=site)
    assert complaints(done.stdout) == {"right.py": set(), "wrong.py": WRONG}, done.stdout + done.stderr


def test_the_right_program_runs():
    done = python(str(PROGRAMS / "right.py"))
    assert done.returncode == 0, done.stderr
