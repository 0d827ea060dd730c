"""NumPy's warnings point at the user's line, and the user's filters and `np.errstate` decide as they do for plain NumPy."""

import subprocess
import sys
import textwrap
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tinygraph import warned

HERE = sys._getframe().f_code.co_filename


@contextmanager
def collected() -> Iterator[list[warnings.WarningMessage]]:
    """What is issued beside the filter of the package, which comes first as it does after `import tinygraph`."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        warnings.filterwarnings("error", "", RuntimeWarning, r"tinygraph\.")
        yield found


zero, big, one = tg.parameter(0.0), tg.parameter([1e308, 1.0]), tg.parameter(1.0)
FORWARD: dict[str, tuple[Callable[[], Any], list[str]]] = {
    "of one operand": (lambda: np.log(zero), ["divide by zero encountered in log"]),
    "of two operands": (lambda: one / zero, ["divide by zero encountered in scalar divide"]),
    "of a number": (lambda: big * 10.0, ["overflow encountered in multiply"]),
    "of an array": (lambda: big * np.array([10.0, 0.0]), ["overflow encountered in multiply"]),
    "of a call": (lambda: tg.ops.exp(big), ["overflow encountered in exp"]),
    "on arrays": (lambda: tg.ops.log(np.zeros(2)), ["divide by zero encountered in log"]),
    "of two kinds": (
        lambda: tg.parameter([1.0, 0.0]) / np.zeros(2),
        ["divide by zero encountered in divide", "invalid value encountered in divide"],
    ),
    "in a function of several steps": (
        lambda: tg.binary_cross_entropy(tg.parameter([0.0]), np.array([0.5])),
        ["divide by zero encountered in log"],
    ),
}


@pytest.mark.parametrize(("program", "texts"), FORWARD.values(), ids=FORWARD)
def test_an_op_warns_at_the_line_that_records_it(program: Callable[[], Any], texts: list[str]) -> None:
    with collected() as found:
        program()
    line = program.__code__.co_firstlineno
    assert sorted(str(x.message) for x in found) == texts
    assert {x.filename for x in found} == {HERE}
    assert {x.lineno for x in found} == {line}


@pytest.mark.parametrize(("program", "texts"), FORWARD.values(), ids=FORWARD)
def test_an_op_that_warns_has_the_value_that_it_has_in_silence(program: Callable[[], Any], texts: list[str]) -> None:
    with collected():
        loud = program()
    with np.errstate(all="ignore"):
        quiet = program()
    loud, quiet = (x.value if isinstance(x, tg.Node) else x for x in (loud, quiet))
    assert loud.tobytes() == quiet.tobytes()
    assert type(loud) is type(quiet)


def test_a_replay_warns_at_the_line_that_asks_for_it() -> None:
    L = np.log(one)
    graph = tg.Graph(L, names={"x": one, "L": L})
    with collected() as found:
        graph.with_leaves({one: 0.0})
    assert [(str(x.message), x.filename) for x in found] == [("divide by zero encountered in log", HERE)]


def test_a_sweep_warns_at_the_line_that_asks_for_gradients_and_names_the_op() -> None:
    L = np.sqrt(zero)
    with collected() as found:
        (g,) = tg.gradients(L, zero)
    (warning,) = found
    assert str(warning.message).startswith("divide by zero encountered in the gradient of sqrt, recorded at test_warned.py:")
    assert (warning.filename, warning.lineno) == (HERE, sys._getframe().f_lineno - 3)
    assert g == np.inf


def test_recorded_gradients_warn_at_the_line_that_asks_for_them() -> None:
    L = np.sqrt(zero)
    with collected() as found:
        grads = tg.Graph(L, names={"x": zero, "L": L}).backprop()
    assert {x.filename for x in found} == {HERE}
    assert grads["x"].value == np.inf


def test_a_sum_of_contributions_warns_too() -> None:
    x = tg.parameter(0.0)
    with collected() as found:
        tg.gradients(x * 1e308 + x * 1e308, x)
    assert [str(warning.message).startswith("overflow encountered in the gradient of multiply") for warning in found] == [True]


@pytest.mark.parametrize("program", [lambda: np.log(zero), lambda: tg.gradients(np.sqrt(zero), zero)], ids=["op", "sweep"])
def test_an_error_by_the_users_filter_is_one_error(program: Callable[[], Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning, match="divide by zero") as caught:
            program()
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("program", [lambda: np.log(zero), lambda: tg.gradients(np.sqrt(zero), zero)], ids=["op", "sweep"])
def test_a_filter_on_the_users_module_decides(program: Callable[[], Any]) -> None:
    with collected() as found:
        warnings.filterwarnings("ignore", module=__name__)
        program()
    assert not found


def test_what_ignores_everything_is_heeded() -> None:
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("ignore")
        np.log(zero)
    assert not found


def test_errstate_raises_as_for_numpy() -> None:
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError, match=r"log\(zero\): divide by zero"):
        np.log(zero)
    with collected(), np.errstate(divide="raise"), pytest.raises(FloatingPointError, match=r"divide by zero"):
        tg.parameter([0.0, 1.0]) / np.zeros(2)  # where 0 / 0 warns and 1 / 0 raises


def test_whoever_hears_of_numbers_by_a_function_of_their_own_still_does() -> None:
    heard: list[str] = []
    with np.errstate(all="call", call=lambda text, flag: heard.append(text)):
        tg.gradients(np.sqrt(zero), zero)
    assert heard == ["divide by zero"]


def test_an_op_of_the_users_own_warns_where_it_computes() -> None:
    @tg.op(lambda g, out, x: g / x, elementwise=True)
    def own_logarithm(x: Any) -> Any:
        return np.log(x)

    with collected() as found:
        own_logarithm(zero)
    code = own_logarithm.function.__code__
    assert [(x.filename, x.lineno) for x in found] == [(HERE, code.co_firstlineno + 2)]


def test_what_numpy_does_not_silence_is_passed_on() -> None:
    def stubborn() -> None:
        raise RuntimeWarning("overflow encountered in everything")

    with pytest.raises(RuntimeWarning, match="in everything"):
        warned.computed_again(stubborn, RuntimeWarning("overflow encountered in everything"), sys._getframe())


def test_a_plain_program_warns_once_a_line() -> None:
    program = """
        import numpy as np
        import tinygraph as tg
        w = tg.parameter(0.0)
        for _ in range(3):
            np.log(w)
        np.log(w)
        L = np.sqrt(w)
        for _ in range(3):
            tg.gradients(L, w)
        """
    run = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True)
    lines = [line.partition(", recorded")[0] for line in run.stderr.splitlines()]
    assert lines == [
        "<string>:6: RuntimeWarning: divide by zero encountered in log",
        "<string>:7: RuntimeWarning: divide by zero encountered in log",
        "<string>:10: RuntimeWarning: divide by zero encountered in the gradient of sqrt",
    ]


@pytest.mark.parametrize("face", ["latex", "mathml", "source", "statements", "__str__"])
def test_no_face_repeats_the_warnings_of_what_it_shows(face: str) -> None:
    x = tg.parameter([0.0, 1.0])
    with np.errstate(all="ignore"):
        n = np.sqrt(np.log(x) * x)
        L = np.sum(n)
        graph = tg.Graph(L, names={"x": x, "L": L})
        graph.backprop()
    with collected() as found:
        getattr(graph, face)(*(["op"] if face != "__str__" else []))
    assert not found
