"""Forms in which source writes an op: what they print, and that they are read back."""

import ast
import gc
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tinygraph.syntax import ATOM, BINARY, SUM, UNARY, Operand, SourceForm, operator_of, parsed

X = Operand("x", ATOM, (3,))
SUMMED = Operand("a + b", SUM, (3,))
ONE = Operand("1", ATOM, (), 1)


def written(form: SourceForm, *operands: Operand, **params: Any) -> Any:
    return form.written(["x", "y"], {"axis": 0}, operands, params)


@pytest.mark.parametrize(
    ("form", "operands", "params", "text"),
    [
        ("{}.T", [SUMMED], {}, "(a + b).T"),
        ("{}.T", [ONE], {}, "np.asarray(1).T"),
        ("{}.size", [ONE], {}, "1.size"),
        ("np.exp({})", [SUMMED], {}, "np.exp(a + b)"),
        ("np.exp(-{})", [SUMMED], {}, "np.exp(-(a + b))"),
        ("{1} - {0}", [SUMMED, X], {}, "x - (a + b)"),
        ("{0} - {1}", [SUMMED, X], {}, "a + b - x"),
        ("{} > {}", [SUMMED, SUMMED], {}, "a + b > a + b"),
        ("{0} * np.tanh({0})", [SUMMED], {}, "(a + b) * np.tanh(a + b)"),
        ("np.f({*})", [X, SUMMED], {}, "np.f(x, a + b)"),
        ("np.f({}{axis=})", [X], {"axis": 0}, "np.f(x)"),
        ("np.f({}{axis=})", [X], {"axis": 1}, "np.f(x, axis=1)"),
        ("np.f({}, {axis})[{place}]", [X], {"axis": (0, 1), "place": -1}, "np.f(x, (0, 1))[-1]"),
    ],
)
def test_a_form_puts_parentheses_where_they_are_needed(form: str, operands: Any, params: Any, text: str) -> None:
    assert written(SourceForm(form), *operands, **params)[0] == text


@pytest.mark.parametrize("form", ["{} + {}", "{} * {}", "-{}", "{} ** {}", "{} > {}", "{}.T", "np.exp({})", "{}[0]"])
def test_a_form_binds_as_python_reads_it(form: str) -> None:
    text, binds = written(SourceForm(form), X, X)
    assert Operand(text, binds, ()).inside(ATOM) in (text, f"({text})")
    for operator in BINARY.values():
        inner = Operand(text, binds, ()).inside(operator.left)
        tree = ast.parse(f"{inner} {operator.text} y", mode="eval").body
        left = tree.left if isinstance(tree, ast.BinOp | ast.Compare) else None
        assert left is not None
        assert ast.dump(left) == ast.dump(ast.parse(text, mode="eval").body)


@pytest.mark.parametrize("operator", [*BINARY.values(), *UNARY.values()], ids=lambda x: x.text)
def test_the_table_of_operators_is_pythons(operator: Any) -> None:
    """An operand that binds as tightly as it says stands without parentheses, and the function computes what Python does."""
    operands = {"x": True, "y": False} if operator.text in "&|" else {"x": 7, "y": 2}
    text = f"{operator.text} x" if operator in UNARY.values() else f"x {operator.text} y"
    tree = ast.parse(text, mode="eval").body
    assert type(getattr(tree, "op", None) or tree.ops[0]) is operator.syntax  # type: ignore[attr-defined]
    if operator.text != "@":
        assert operator.function(*list(operands.values())[: 1 + (operator in BINARY.values())]) == eval(text, operands)


def test_a_form_holds_for_what_it_names() -> None:
    assert written(SourceForm("np.ones_like({1})", x=1), ONE, X) == ("np.ones_like(x)", ATOM)
    assert written(SourceForm("np.ones_like({1})", x=1), X, X) is None
    assert written(SourceForm("{}.T", axes=None), X, axes=(1, 0)) is None
    assert written(SourceForm("{}.T", when=lambda x: len(x.shape) == 1), X) == ("x.T", ATOM)
    assert written(SourceForm("{}.T", when=lambda x: len(x.shape) == 2), X) is None


@pytest.mark.parametrize(
    ("form", "text", "found"),
    [
        ("{}.T", "(a + b).T", {"0": "a + b"}),
        ("{}.T", "a.S", None),
        ("np.f({}, {k})[{i}]", "np.f(x, 3)[0]", {"0": "x", "k": "3", "i": "0"}),
        ("np.f({}, {k})[{i}]", "f(x, 3)[0]", {"0": "x", "k": "3", "i": "0"}),
        ("np.f({}{axis=})", "np.f(x, axis=1)", {"0": "x", "axis": "1"}),
        ("np.f({}{axis=})", "np.f(x)", {"0": "x"}),
        ("np.f({}{axis=})", "np.f(x, out=1)", None),
        ("np.f({}, {})", "np.f(x)", None),
        ("np.f({*})[0]", "np.f(x)[1]", None),
    ],
)
def test_an_expression_in_a_form_is_taken_apart(form: str, text: str, found: Any) -> None:
    read = SourceForm(form).read(ast.parse(text, mode="eval").body)
    assert (read and {key: ast.unparse(x) for key, x in read.items()}) == found


@pytest.mark.parametrize(
    ("text", "operands", "message"),
    [("+-", 2, "those are"), ("~", 2, "those are"), ("/", 1, r"those are - \+ ~"), ("+", 3, "operators take one or two")],
)
def test_an_operator_that_python_has_not_raises(text: str, operands: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        operator_of(text, operands)


def test_a_form_may_name_numpy_alone() -> None:
    with pytest.raises(ValueError, match=r"may name np and Python's own functions alone"):

        @tg.op(lambda g, out, x: g, source="helper({})")
        def helped(x: Any) -> Any:
            return np.exp(x)


def test_several_threads_parse_while_the_collector_runs_python() -> None:
    """As in a worker of dask, which measures the collector: in a callback of it the threads take turns."""
    text = Path(tg.ops.elementary.__file__).read_text()
    faults: list[Exception] = []

    def parse() -> None:
        try:
            for _ in range(3):
                parsed(text)
        except Exception as fault:
            faults.append(fault)

    def callback(phase: str, info: Any) -> None:
        sum(i for i in range(100))

    threshold, interval = gc.get_threshold(), sys.getswitchinterval()
    gc.callbacks.append(callback)
    try:
        gc.set_threshold(200)
        sys.setswitchinterval(1e-6)
        threads = [threading.Thread(target=parse) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        gc.callbacks.remove(callback)
        gc.set_threshold(*threshold)
        sys.setswitchinterval(interval)
    assert not faults
