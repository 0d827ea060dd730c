"""`python -m tinygraph`: the walk in and outside a terminal, the page, the quiz, and messages instead of tracebacks."""

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.browser import data_of
from tinygraph.__main__ import main
from tinygraph.stepping.command import TYPED, graph_of, walk
from tinygraph.stepping.formula import data
from tinygraph.stepping.parsing import parse
from tinygraph.stepping.stepper import Stepper

NEURON = "z = w*x + b; a = sigmoid(z); L = -(y*log(a) + (1-y)*log(1-a))"
LEAVES = ["w=0.3", "x=2", "b=0.2", "y=1"]


def neuron() -> Stepper:
    return Stepper(graph_of(parse(NEURON), {"w": 0.3, "x": 2.0, "b": 0.2, "y": 1.0}, wrt=["w", "b"]))


@pytest.fixture
def run(capsys: Any, monkeypatch: Any) -> Any:
    """Run the command with what is typed behind it; gives exit code, output and errors."""

    def run(*argv: str, typed: str = "") -> tuple[Any, str, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        code = None
        try:
            main(argv)
        except SystemExit as end:
            code = end.code
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


# The walk


def test_outside_a_terminal_the_whole_walk_is_printed(run: Any) -> None:
    code, out, err = run("step", NEURON, *LEAVES, "--wrt", "w,b")
    assert (code, err) == (None, "")
    loss = next(step.text for step in neuron().steps if step.name == "L")
    assert loss.startswith("L = -(y * np.log(a) + (1 - y) * np.log(1 - a)) = ")
    assert loss.endswith(" = 0.371")
    assert out == (
        "forward\n"
        "  z = w * x + b = 0.300 * 2.000 + 0.200 = 0.800\n"
        "  a = sigmoid(z) = 0.690\n"
        f"  {loss}\n"
        "backward\n"
        "  dL = 1 = 1.000\n"
        "  da = -y / a + (1 - y) / (1 - a) = -1.000 / 0.690 + 0.000 / 0.310 = -1.449\n"
        "  dz = da * a * (1 - a) = -1.449 * 0.690 * 0.310 = -0.310\n"
        "  dw = dz * x = -0.310 * 2.000 = -0.620\n"
        "  db = dz = -0.310\n"
    )


def test_without_wrt_every_leaf_has_a_gradient(run: Any) -> None:
    out = run("step", "L = w * x + b", "w=1", "x=2", "b=3")[1]
    assert [line.split()[0] for line in out.split("backward\n")[1].splitlines()] == ["dL", "dw", "dx", "db"]


def test_a_formula_alone_is_walked_op_by_op(run: Any) -> None:
    assert run("step", "-w*x**2", "w=3", "x=2", "--wrt", "w")[1] == (
        "forward\n  t = -w = -3.000\n  t_2 = x ** 2 = 2.000 ** 2 = 4.000\n  output = t * t_2 = -3.000 * 4.000 = -12.000\n"
        "backward\n  doutput = 1 = 1.000\n  dt = t_2 = 4.000\n  dw = -dt = -4.000\n"
    )
    assert run("step", "-w*x**2", "w=3", "x=2", "--wrt", "w", "--level", "named")[1].startswith(
        "forward\n  output = -w * x ** 2 "
    )


def test_a_value_may_be_called_output(run: Any) -> None:
    assert run("step", "output = w*2; output**2", "w=1")[1].startswith(
        "forward\n  output = w * 2 = 1.000 * 2 = 2.000\n  output_2 = output ** 2 = 2.000 ** 2 = 4.000\nbackward\n"
    )


def test_arrays_fractions_constants_and_options_in_any_order(run: Any) -> None:
    out = run(
        "step", "--wrt", "w", "c = 2; e = w*x - y; L = c*mean(e**2)", "w=1/2", "--level", "named", "x=[1, 2, 3]", "y=[1,1,1]"
    )[1]
    assert "  e = w * x - y = 0.500 * (3,) - (3,) = [-0.500, 0.000, 0.500]\n" in out
    assert "  L = c * np.mean(e ** 2) " in out
    assert out.splitlines()[-1].startswith("  dw = np.sum(de * x)")


def test_each_step_shows_the_typed_line() -> None:
    graph = graph_of(parse("z = w*x; L = z**2\n"), {"w": 2.0, "x": [3.0][0]})
    assert [graph[name].place.text for name in ("w", "x", "z", "L")] == ["w = 2.0", "x = 3.0", "z = w*x", "L = z**2"]
    assert str(graph["L"].place) == f"{TYPED}:4: L = z**2"


def walked(monkeypatch: Any, capsys: Any, *typed: str) -> list[str]:
    lines = iter(typed)

    def answer(prompt: str) -> str:
        for line in lines:
            print(f"{prompt}{line}")
            return line
        raise EOFError

    monkeypatch.setattr("builtins.input", answer)
    walk(neuron())
    out: str = capsys.readouterr().out
    return out.splitlines()


def test_in_a_terminal_keys_move(monkeypatch: Any, capsys: Any) -> None:
    keys = ["", "", "b", "b", "b", "run da", "", "r", "run db", "", "run z", "run q", "what now"]
    lines = [line for line in walked(monkeypatch, capsys, *keys) if not line.startswith("  3/8")]  # the loss, a long line
    z, a = "  1/8 forward   z = w * x + b = 0.300 * 2.000 + 0.200 = 0.800", "  2/8 forward   a = sigmoid(z) = 0.690"
    d = [
        "  4/8 backward  dL = 1 = 1.000",
        "  5/8 backward  da = -y / a + (1 - y) / (1 - a) = -1.000 / 0.690 + 0.000 / 0.310 = -1.449",
        "                upstream dL, local ∂L/∂a = -y / a + (1 - y) / (1 - a) = -1.449",
        "  6/8 backward  dz = da * a * (1 - a) = -1.449 * 0.690 * 0.310 = -0.310",
        "                upstream da, local ∂a/∂z = a * (1 - a) = 0.214",
        "  7/8 backward  dw = dz * x = -0.310 * 2.000 = -0.620",
        "                upstream dz, local ∂z/∂w = x = 2.000",
        "  8/8 backward  db = dz = -0.310",
        "                upstream dz, local ∂z/∂b = 1",
    ]
    assert lines == [
        "w = 0.300, x = 2.000, b = 0.200, y = 1.000",
        "8 steps: Enter step, b back, r rewind, c run on, run NAME, q quit",
        *("> ", z, "> ", a, "> b", z, "> b", "at the start"),
        *("> b", "at the start: Enter step, b back, r rewind, c run on, run NAME, q quit"),
        *("> run da", z, a, *d[:3], "> ", *d[3:5], "> r", "at the start"),
        *("> run db", z, a, *d),
        *("> ", "at the end: Enter step, b back, r rewind, c run on, run NAME, q quit"),
        *("> run z", "'z' is behind the cursor: rewind first"),
        *("> run q", "no step is called 'q': there are z, a, L, dL, da, dz, dw, db"),
        *("> what now", "'what now' is no command: Enter step, b back, r rewind, c run on, run NAME, q quit"),
        "",
    ]


def test_in_a_terminal_a_contribution_is_not_called_a_local_derivative(monkeypatch: Any, capsys: Any) -> None:
    graph = graph_of(parse("z = X @ w; L = sum(z**2)"), {"X": [[1.0, 2.0], [3.0, 4.0]], "w": [0.5, -0.5]}, wrt=["w"])
    keys = iter(["run dw", "q"])
    monkeypatch.setattr("builtins.input", lambda prompt: next(keys))
    walk(Stepper(graph))
    out = capsys.readouterr().out
    assert "upstream dL, contribution dz = 2 * z\n" in out
    assert out.endswith(f"{'':16}upstream dz, contribution dw = X.T @ dz\n")


def test_in_a_terminal_a_command_reads_keys_until_the_input_ends() -> None:
    """A pseudo-terminal: what is typed there, and what is shown there."""
    pty = pytest.importorskip("pty", reason="needs a pseudo-terminal, which Windows has not")
    head, tail = pty.openpty()
    argv = [sys.executable, "-m", "tinygraph", "step", NEURON, *LEAVES, "--wrt=w,b"]
    process = subprocess.Popen(argv, stdin=tail, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    os.close(tail)
    os.write(head, b"\n\nrun dw\n\x04")
    out, err = process.communicate(timeout=60)
    os.close(head)
    assert process.returncode == 0
    assert err == ""
    assert "  2/8 forward   a = sigmoid(z) = 0.690" in out
    assert "upstream da, local ∂a/∂z = a * (1 - a) = 0.214" in out
    assert "  7/8 backward  dw = dz * x = -0.310 * 2.000 = -0.620" in out
    assert "db =" not in out


def test_a_reader_that_stops_early_is_no_error() -> None:
    command = f"{sys.executable} -m tinygraph step '{NEURON}' {' '.join(LEAVES)} < /dev/null | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("forward\n", "")


# The page and the quiz


def test_html_writes_the_page(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "walk.html"
    assert run("step", NEURON, *LEAVES, "--wrt", "w,b", "--html", str(path)) == (None, f"wrote {path}: 8 steps\n", "")
    text = path.read_text(encoding="utf-8")
    assert text.lower().startswith("<!doctype html>")
    lines = [line for file in data_of(text)["data"]["source"] for _, line in file["lines"]]
    assert "z = w*x + b" in lines
    code, out, err = run("step", NEURON, *LEAVES, "--html", str(tmp_path / "no" / "walk.html"))
    assert (code, out) == (2, "")
    assert "No such file" in err


@pytest.mark.parametrize(("name", "start"), [("walk.json", b'{"data": {'), ("walk.SVG", b"<svg"), ("walk.gif", b"GIF89a")])
def test_save_writes_the_walk_in_the_format_of_the_ending(run: Any, tmp_path: Path, name: str, start: bytes) -> None:
    path = tmp_path / name
    assert run("step", "w*x", "w=1", "x=2", "--wrt", "w", "--save", str(path)) == (None, f"wrote {path}: 3 steps\n", "")
    assert path.read_bytes().startswith(start)


@pytest.mark.parametrize("name", ["walk.svg", "walk.gif"])
def test_without_a_layout_engine_there_is_no_moving_picture(run: Any, tmp_path: Path, monkeypatch: Any, name: str) -> None:
    monkeypatch.setenv("TINYGRAPH_DOT", "/nowhere/dot")
    code, out, err = run("step", "w*x", "w=1", "x=2", "--save", str(tmp_path / name))
    assert (code, out) == (2, "")
    assert "TINYGRAPH_DOT='/nowhere/dot' is no program" in err
    assert not list(tmp_path.iterdir())


def test_without_the_extra_its_line_is_said(run: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    code, out, err = run("step", "w*x", "w=1", "x=2", "--save", str(tmp_path / "walk.gif"))
    assert (code, out) == (2, "")
    assert '.gif needs resvg-py and pillow: pip install "tinygraph-autodiff[export]"' in err


def test_without_a_layout_engine_the_page_is_written_and_a_line_says_what_it_lacks(
    run: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setenv("TINYGRAPH_DOT", "/nowhere/dot")
    code, out, err = run("step", "z = w*x", "w=1", "x=2", "--html", str(tmp_path / "walk.html"))
    assert code is None
    assert out == f"wrote {tmp_path / 'walk.html'}: 4 steps\n"
    assert err.startswith("There is no picture: TINYGRAPH_DOT='/nowhere/dot' is no program")
    assert err.count("\n") == 1


def test_a_quiz_is_saved_as_a_page(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "quiz.html"
    assert run("step", NEURON, *LEAVES, "--wrt", "w,b", "--quiz", "--save", str(file))[1] == f"wrote {file}: 6 questions\n"
    assert data_of(file.read_text(encoding="utf-8"))["quiz"] is True


def test_quiz_asks_in_the_terminal(run: Any) -> None:
    out = run("step", NEURON, *LEAVES, "--wrt", "w,b", "--quiz", typed="reveal\na - y\n3\n")[1]
    assert "> dz = da * a * (1 - a) = -0.310: right\n" in out
    assert "> dw: not yet. Even the sign is off\n" in out
    assert "3/6  dw = ?" in out


def test_a_seed_asks_with_other_numbers(run: Any) -> None:
    one, same, other = (run("step", NEURON, *LEAVES, "--quiz", "--seed", seed)[1] for seed in ("7", "7", "8"))
    assert one == same != other
    assert "w = 0.300, x = 2.000" not in one


# Help and errors


def test_help_lists_all_commands(run: Any) -> None:
    assert "step" in run()[1]
    assert run()[0] is None
    code, out, _ = run("step", "--help")
    assert code == 0
    for word in (
        "--wrt",
        "--level",
        "--save FILE",
        "--html FILE",
        ".json",
        ".svg",
        ".gif",
        "--quiz",
        "--seed",
        "name=value",
        "Enter step",
        NEURON,
    ):
        assert word in out
    code, out, _ = run("--version")
    assert (code, out.split()[0]) == (0, "tinygraph")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["stop"], "invalid choice: 'stop'"),
        (["step"], "the following arguments are required: program\n"),
        (["step", "w*x", "w=1"], "column 3: `x` has no value: there are w; give it one by x=..."),
        (["step", "w*x", "w=1", "x=2", "v=3"], "v=... is not used: the program reads w, x"),
        (["step", "z = w; L = z*w", "w=1", "z=2"], "`z` is computed by the program, so it takes no value"),
        (["step", "w*x", "w=1", "x"], "`x` is no name=value, such as w=0.3"),
        (["step", "w*x", "w=1", "x="], "x=: there is no number"),
        (["step", "w*x", "w=1", "x=__import__('os')"], "x=__import__('os'): column 1: `__import__` is no function here"),
        (["step", "w*x", "w=1", "x=w"], "x=w: column 1: `w` has no value"),
        (["step", "w*x", "w=1", "x=[1,[2]]"], "has rows of different lengths"),
        (["step", "w*x", "w=1", "w=2"], "`w` is given twice"),
        (["step", "w*x", "w=1", "x x=2"], "`x x` is no name"),
        (["step", "w*x", "w=1", "exp=2"], "`exp` has a meaning of its own"),
        (["step", "w*x", "w=1", "x=[1,2]"], "the formula has the shape (2,): the backward pass starts from a scalar"),
        (["step", "w @ x", "w=[1,2]", "x=[1,2,3]"], "column 1: matmul"),
        (["step", "z = w*2; L = w", "w=1"], "`z` does not come into the last statement"),
        (["step", "w > 1", "w=1"], "there are no gradients: the formula depends on w only through what has no derivative"),
        (
            ["step", "L = round(w*x)", "w=1", "x=2"],
            "there are no gradients: L depends on w, x only through what has no derivative",
        ),
        (["step", "1 + 2"], "there are no gradients: the program has no leaves"),
        (["step", "w*w", "w=1", "--wrt", "x"], "--wrt x: the leaves are w"),
        (["step", "w*w", "w=1", "--wrt", ""], "--wrt : the leaves are w"),
        (["step", "w.real", "w=1"], "the only attributes are .T and .size"),
        (["step", "w*" * 6000 + "w", "w=1"], "at most 10,000 are read"),
        (["step", "(" * 3000, "w=1"], "too long or nested too deeply"),
        (["step", "", "w=1"], "there is no formula"),
        (["step", "w*w", "w=1", "--seed", "3"], "--seed goes with --quiz"),
        (["step", "w*w", "w=1", "--quiz", "--seed", "-3"], "seed=-3 must be a whole number from 0 on"),
        (["step", "w*w", "w=1", "--level", "all"], "invalid choice: 'all'"),
        (
            ["step", "w*w", "w=1", "--save", "walk.png"],
            "--save writes .html, .htm, .json, .svg, .gif: give it a name such as walk.html",
        ),
        (["step", "w*w", "w=1", "--save", "walk"], "give it a name such as walk.html"),
        (["step", "w*w", "w=1", "--save", "walk.svg", "--quiz"], "--quiz --save writes a page: give it a name such as quiz.html"),
        (["step", "w*w", "w=1", "--unknown"], "unrecognized arguments: --unknown"),
        (["step", "log(0*w)", "w=1", "--quiz", "--seed", "1"], "no numbers were found on which every gradient is finite"),
    ],
)
def test_what_is_wrong_is_said_without_a_traceback(run: Any, argv: list[str], said: str) -> None:
    code, out, err = run(*argv)
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


def test_infinite_numbers_are_shown_without_warnings(run: Any) -> None:
    code, out, err = run("step", "L = log(w)*x + 9**9**9", "w=0", "x=0")
    assert (code, err) == (None, "")
    assert "nan" in out
    assert np.isposinf(data("9**9**9"))
