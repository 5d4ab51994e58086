"""One way to write a file: all or nothing, whatever stands at the path, whoever else writes."""

import os
import resource
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import engine
import nn
from engine import Value
from engine.files import read_file, write_file

X = Value(2.0, "x")
WRITERS = {
    "a.svg": engine.draw(X * X).save,
    "a.html": engine.explore(X * X).save,
    "a.json": lambda path: nn.save(nn.Neuron(2, rng=0), path),
    "a.png": nn.History(loss=[2.0, 1.0]).plot,
    "a.onnx": engine.jit(lambda x: x * x).to_onnx,
}
posix = pytest.mark.skipif(os.name != "posix", reason="modes, links and limits as POSIX has them")


@pytest.fixture(params=WRITERS)
def written(request, tmp_path):
    """A file that there is already, and what writes it."""
    path = tmp_path / request.param
    path.write_bytes(b"old")
    return path, WRITERS[request.param]


def test_every_writer_takes_text_paths_and_bytes_and_leaves_nothing_else_behind(written):
    path, write = written
    for form in (str(path), path, os.fsencode(path)):
        path.write_bytes(b"old")
        write(form)
        assert path.read_bytes() != b"old"
    assert list(path.parent.iterdir()) == [path]


@posix
def test_a_file_keeps_its_mode_and_a_link_its_target(written):
    path, write = written
    path.chmod(0o640)
    link = path.with_name(f"link{path.suffix}")
    link.symlink_to(path.name)
    write(link)
    assert link.is_symlink()
    assert path.read_bytes() != b"old"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@posix
def test_a_new_file_has_the_mode_that_others_have(tmp_path):
    write_file(tmp_path / "ours", b"")
    (tmp_path / "theirs").write_bytes(b"")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "theirs").stat().st_mode


@posix
def test_what_cannot_be_written_whole_leaves_the_old_file(written):
    path, write = written
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))  # a disk that is nearly full
    try:
        with pytest.raises(OSError, match="too large"):
            write(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == b"old"
    assert list(path.parent.iterdir()) == [path]


@posix
def test_a_pipe_is_written_to_and_stays(tmp_path):
    program = "from engine.files import write_file; write_file('/dev/stdout', b'seen')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout == b"seen"
    write_file(os.devnull, b"seen")
    assert not Path(os.devnull).is_file()


def test_threads_that_write_one_path_leave_one_of_their_files(tmp_path):
    contents = [bytes([i]) * 10_000 for i in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda content: write_file(tmp_path / "one", content), contents * 10))
    assert (tmp_path / "one").read_bytes() in contents
    assert len(list(tmp_path.iterdir())) == 1


def test_no_more_is_read_than_the_limit(tmp_path):
    write_file(tmp_path / "ten", b"0123456789")
    assert read_file(tmp_path / "ten", 10) == b"0123456789"
    with pytest.raises(ValueError, match="more than 9 bytes"):
        read_file(tmp_path / "ten", 9)
