"""The command line and the interactive mode."""

import io
import os
import shlex
import signal
import subprocess
import sys

import pytest

import engine.console
from engine.__main__ import main
from engine.console import Console
from engine.parser import ParseError


def printed(capsys, *words):
    assert main(words) == 0
    return capsys.readouterr().out


def refused(capsys, *words):
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    return err


def test_value_and_gradients(capsys):
    assert (
        printed(capsys, "x**2 + sin(x*y)", "x=2", "y=3")
        == """\
x**2 + sin(x*y) = 3.720584501801074

    value   gradient
x   2       6.880510859951098
y   3       1.920340573300732
"""
    )


def test_finite_differences_beside_them(capsys):
    head, row = printed(capsys, "exp(x)", "x=1", "--check").splitlines()[2:]
    assert head.split() == ["value", "gradient", "differences", "error"]
    assert float(row.split()[-1]) < 1e-12


def test_definitions_may_use_those_before_them(capsys):
    rows = printed(capsys, "x*y", "x=pi/2", "y=x*2", "--check").splitlines()[3:]
    name, _, gradient, differences, _ = rows[0].split()
    assert name == "x"
    assert float(gradient) == pytest.approx(float(differences)) == pytest.approx(2 * 3.141592653589793)


def test_explanation(capsys):
    assert "dv1/dx = 2 * x = 4" in printed(capsys, "x**2", "x=2", "--explain")


def test_pictures_and_pages(capsys, tmp_path):
    svg, html = tmp_path / "a.svg", tmp_path / "a.html"
    out = printed(capsys, "x*y", "x=2", "y=3", "--svg", str(svg), "--html", str(html))
    assert f"wrote {svg}" in out
    assert "<svg" in svg.read_text()
    assert "Content-Security-Policy" in html.read_text()


@pytest.mark.parametrize(
    "words", [["-x", "x=2"], ["x=2", "-x"][::-1], ["--check", "-(x)", "x=-2"], ["- x", "x=1"]]
)
def test_an_expression_may_begin_with_a_minus_sign(capsys, words):
    assert "-1" in printed(capsys, *words)


def test_no_names_no_table(capsys):
    assert printed(capsys, "1 + 2") == "1 + 2 = 3\n"


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["x +", "x=2"], "at character 4"),
        (["q"], "'q' has no value"),
        (["x", "x"], "written name=value, got 'x'"),
        (["x", "2=x"], "written name=value"),
        (["x", "x="], "an expression is needed"),
        (["x", "x=__import__('os')"], "no function '__import__'"),
        (["x", "x=2", "--svg", "/nowhere/a.svg"], "No such file"),
    ],
)
def test_bad_input_is_one_error_on_stderr(capsys, words, error):
    main(words)
    assert error in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "known"), [("--svg", ".svg, .html, .dot, .png, .pdf"), ("--html", "saved as .html")]
)
def test_an_unknown_format_is_answered_with_the_known_ones(capsys, tmp_path, option, known):
    assert main(["x", "x=2", option, str(tmp_path / "x.bmp")]) == 2
    assert known in capsys.readouterr().err


def test_it_runs_as_a_module_and_without_a_terminal():
    done = subprocess.run(
        [sys.executable, "-m", "engine"], input="x = 2\nx**2\n", capture_output=True, text=True, check=True
    )
    assert "x**2 = 4" in done.stdout
    assert done.stderr == ""


def session(*lines):
    console = Console()
    for line in lines[:-1]:
        console.run(line)
    return console.run(lines[-1])


def gradients(answer):
    return {row.split()[0]: float(row.split()[2]) for row in answer.splitlines()[3:]}


def test_names_live_as_in_a_spreadsheet():
    assert gradients(session("x = 2", "y = 3", "z = x*y")) == {"x": 3.0, "y": 2.0}
    assert gradients(session("x = 2", "y = 3", "z = x*y", "y = 5")) == {"x": 5.0, "y": 2.0}
    answer = session("x = 2", "y = x*x", "z = y*x", "y = 10*x")
    assert answer.startswith("y = 20")
    assert session("x = 2", "y = x*x", "z = y*x", "y = 10*x", "z").startswith("z = 40")


def test_what_was_asked_last_is_shown_again():
    answer = session("x = 2", "x**3", "x = 3")
    assert answer.startswith("x**3 = 27")
    assert gradients(answer) == {"x": 27.0}


def test_every_line_answers_with_its_own_result():
    assert session("x = 2", "y = 3").startswith("y = 3")
    assert session("x = 2", "y = x*x", "x = 3").startswith("y = 9")


def test_a_name_in_its_own_definition_is_that_of_before():
    assert gradients(session("x = 2", "x = x + 1", "x = x + 1", "x**2")) == {"x": 8.0}
    assert session("x = 2", "x = x + 1", ":names") == "x   = 3   3.0"
    assert session("x = 2", "y = x*x", "y = y + y", "y").startswith("y = 8")
    assert session("x = 2", "x2 = 5", "x2 = x2 * x", "x2").startswith("x2 = 10")


def test_an_underscore_is_the_last_expression():
    answer = session("x = 2", "x**3", "_ + x")
    assert answer.startswith("(x**3) + x = 10")
    assert gradients(answer) == {"x": 13.0}
    with pytest.raises(ParseError, match="'_' has no value"):
        session("_ + 1")


@pytest.mark.parametrize(
    ("names", "answer"),
    [
        ("x", "d(x**3 * y)/dx = 36.0"),
        ("x x", "d2(x**3 * y)/dx dx = 36.0"),
        ("x y", "d2(x**3 * y)/dx dy = 12.0"),
        ("x x x y", "d4(x**3 * y)/dx dx dx dy = 6.0"),
        ("y y", "d2(x**3 * y)/dy dy = 0.0"),
    ],
)
def test_derivatives_of_any_order(names, answer):
    head, _, number = session("x = 2", "y = 3", "x**3 * y", f":grad {names}").partition(" = ")
    assert head == answer.partition(" = ")[0]
    assert float(number) == float(answer.partition(" = ")[2])


def test_the_graph_in_words_draws_what_is_shared_once():
    assert session("x = 2", "z = x*x", "z + z", ":tree").splitlines() == [
        "add v1 = 8   gradient 1",
        "  mul z = 4   gradient 2",
        "    x = 2   gradient 8",
        "    x = 2   gradient 8",
        "  mul z = 4   gradient 2   (above)",
    ]


def test_functions_are_listed_and_help_needs_no_colon():
    assert "sigmoid" in session(":functions").split()
    assert session("help") == session(":help")


def test_colours_are_those_of_the_pictures_and_only_of_gradients():
    console = Console()
    console.run("x = 2")
    answer = engine.console.painted(console.run("-x**2"))
    assert answer == "\x1b[1m-x**2 = -4\x1b[0m\n\n    value   gradient\nx   2       \x1b[34m-4\x1b[0m"


def test_what_was_typed_is_kept_for_the_next_time(monkeypatch, tmp_path):
    pytest.importorskip("readline")
    monkeypatch.setattr(engine.console, "HISTORY", tmp_path / "deep/history")
    engine.console.readline.add_history("x = 2")
    engine.console.keep_history()
    assert "x = 2" in (tmp_path / "deep/history").read_text()
    monkeypatch.setattr(engine.console, "HISTORY", tmp_path / "deep/history/no/folder")
    engine.console.keep_history()


def test_gradients_do_not_pile_up():
    assert gradients(session("x = 2", "x**3", "x**3", "x**3")) == {"x": 12.0}


def test_the_graph_of_a_session_is_explained_and_drawn(tmp_path):
    lines = ["x = 2", "z = x*x + 1"]
    assert "dz/dx" in session(*lines, ":explain")
    assert "dz/dx" in session(*lines, ":explain x")
    path = tmp_path / "z.svg"
    assert session(*lines, f":draw {path}") == f"wrote {path}"
    assert path.exists()
    assert session(*lines, ":names").splitlines() == ["x   = 2   2", "z   = 5   x*x + 1"]
    assert ":explain" in session(":help")


def test_the_page_opens_in_a_browser(monkeypatch, tmp_path):
    opened = []
    monkeypatch.setattr(engine.console.webbrowser, "open", lambda url: opened.append(url) or True)
    monkeypatch.setattr(engine.console, "scratch", lambda name: tmp_path / name)
    assert session("x = 2", "x*x", ":open") == f"wrote {tmp_path / 'graph.html'}"
    assert opened == [(tmp_path / "graph.html").as_uri()]


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("x = q", ParseError),
        ("q", ParseError),
        ("x ==", ParseError),
        ("x = x", ParseError),
        (":foo", ValueError),
        (":explain", ValueError),
        (":explain q", ValueError),
        (":grad x", ValueError),
        (":draw", ValueError),
    ],
)
def test_an_error_changes_nothing(line, error):
    console = Console()
    with pytest.raises(error):
        console.run(line)
    assert console.texts == console.values == {}
    assert console.run("y = 2").startswith("y = 2")


def test_a_name_that_others_need_cannot_become_circular():
    console = Console()
    for line in ("x = 2", "y = x*x"):
        console.run(line)
    with pytest.raises(ParseError):
        console.run("x = y")
    assert console.run("y").startswith("y = 4")


def test_words_are_completed():
    console = Console()
    console.run("sigma = 1")
    assert console.completions("si") == ["sigma", "sigmoid(", "sign(", "silu(", "sin(", "sinh("]
    assert console.completions(":e") == [":explain"]


@pytest.mark.parametrize("end", [":quit\n", ":q\n", "quit\n", "exit\n", ""])
def test_the_loop_answers_errors_and_goes_on_until_the_end(monkeypatch, capsys, end):
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"q\n\nx = 2\n:draw x.bmp\n{end}"))
    Console().loop()
    out = capsys.readouterr().out
    assert "'q' has no value" in out
    assert "x = 2" in out
    assert ".svg" in out


def test_ctrl_c_at_the_prompt_starts_a_new_line(monkeypatch, capsys):
    lines = iter([KeyboardInterrupt, "1 + 1", EOFError])

    def typed(prompt):
        line = next(lines)
        if isinstance(line, str):
            return line
        raise line

    monkeypatch.setattr("builtins.input", typed)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    Console().loop()
    assert "1 + 1 = 2" in capsys.readouterr().out


BUFFERED = {name: text for name, text in os.environ.items() if name != "PYTHONUNBUFFERED"}


def engine_with(*words, **options):
    """The program as a shell starts it, without a terminal."""
    command = [sys.executable, "-m", "engine", *words]
    return subprocess.Popen(command, env=BUFFERED, stderr=subprocess.PIPE, **options)


def ended(process):
    """Its exit status and what it complained of."""
    _, errors = process.communicate(timeout=20)
    return process.returncode, errors


@pytest.mark.parametrize(
    ("shell", "status", "errors"),
    [
        ("{} <&-", 0, ""),
        ("{} >&-", 1, "error: standard output is closed\n"),
        ("{} 1+1 >&-", 1, "error: standard output is closed\n"),
        ("echo 1+1 | {} 2>&-", 0, ""),
        ("{} 1+1 >/dev/full", 1, "error: [Errno 28] No space left on device\n"),
        ("{} --version >/dev/full", 1, "error: [Errno 28] No space left on device\n"),
        ("{} 0>/dev/null", 1, "error: [Errno 9] Bad file descriptor\n"),
        ("printf '\\377\\n' | {}", 0, ""),
    ],
)
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a shell on Linux")
def test_streams_that_are_closed_full_or_strange_end_it_quietly(shell, status, errors):
    words = shell.format(f"{shlex.quote(sys.executable)} -m engine")
    done = subprocess.run(
        ["sh", "-c", words], env=BUFFERED, capture_output=True, text=True, timeout=20, check=False
    )
    assert (done.returncode, done.stderr) == (status, errors)


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("words", [[], ["1+1"], ["x", "x=2", "--explain"]])
def test_a_reader_that_has_seen_enough_ends_it_as_any_other_program(words):
    reading, writing = os.pipe()
    process = engine_with(*words, stdin=subprocess.PIPE, stdout=writing)
    os.close(writing)
    os.close(reading)
    assert ended(process) == (-signal.SIGPIPE, b"")


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_without_a_terminal_ends_it_as_any_other_program():
    default = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    try:
        process = engine_with(stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    finally:
        signal.signal(signal.SIGINT, default)
    assert process.stdout.read(1)  # it is up
    process.send_signal(signal.SIGINT)
    assert ended(process) == (-signal.SIGINT, b"")
