"""Names that people bring from elsewhere raise an error with what to write; no message speaks of a class that users never see."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygraph as tg

w, v = tg.parameter(2.0), tg.parameter([1.0, 2.0])
graph = tg.Graph(w * 2)
SHOWN = 'write `graph.draw().save("graph.svg")` for a picture or `graph.view().save("graph.html")` for a page'
SHOWING: dict[str, Callable[[], Any]] = {
    "save": lambda: graph.save("x.svg"),
    "show": lambda: graph.draw().show(),
    "plot": lambda: graph.plot(),
    "render": lambda: graph.render("x"),
    "savefig": lambda: graph.draw().savefig("x.png"),
    "display": lambda: graph.view().display(),
    "visualize": lambda: (w * 2).visualize(),
}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("exp", "write `np.exp(node)`"),
        ("log", "write `np.log(node)`"),
        ("max", "write `np.max(node)`"),
        ("norm", "write `np.linalg.norm(node)`"),
        ("tensor", "write `tg.parameter(...)`"),
        ("no_grad", "write `node.value`"),
        ("optim", "write a loop in plain Python"),
        ("sigmiod", "did you mean sigmoid?"),
        ("Parameter", "did you mean parameter?"),
        ("zzz", "there are "),
    ],
)
def test_a_name_from_elsewhere_says_what_to_write(name: str, said: str) -> None:
    with pytest.raises(AttributeError, match=re.escape(f"tinygraph has no {name}: {said}")):
        getattr(tg, name)


def test_python_may_ask_for_what_it_likes() -> None:
    assert not hasattr(tg, "__wrapped__")
    assert not hasattr(tg, "exp")
    assert "exp" not in dir(tg)
    with pytest.raises(ImportError, match="cannot import name 'exp'"):
        exec("from tinygraph import exp")


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (lambda: w.exp(), "a tinygraph node has no .exp: write `np.exp(node)`"),
        (lambda: w.sigmoid(), "a tinygraph node has no .sigmoid: write `tg.sigmoid(node)`"),
        (lambda: w.name, "a tinygraph node has no .name: names live in a graph"),
        (lambda: w.frexp(), "a tinygraph node has no .frexp"),
        (lambda: w.nbytes, "a tinygraph node has no .nbytes: write `node.value.nbytes`"),
        *((use, f"has no .{name}: {SHOWN}") for name, use in SHOWING.items()),
        (lambda: w.draw(), "a tinygraph node has no .draw: write `graph.draw()`, where `graph = tg.Graph(L, names=locals())`"),
        (lambda: w.foo, "'Node' object has no attribute 'foo'"),
        (lambda: setattr(w, "foo", 1), "'Node' object has no attribute 'foo'"),
        (lambda: (w * 2).foo, "'Node' object has no attribute 'foo'"),
        (lambda: w(), "'Node' object is not callable"),
        (lambda: w << 1, "unsupported operand type(s) for <<: 'Node' and 'int'"),
        (lambda: len(w), "a node of shape () has no len(): it is one number"),
        (lambda: tg.find_nonfinite(w * 2), "write tg.find_nonfinite(tg.Graph(L, names=locals()))"),
    ],
)
def test_a_message_speaks_of_nodes(program: Callable[[], Any], said: str) -> None:
    with pytest.raises((AttributeError, TypeError), match=re.escape(said)):
        program()


def test_a_node_lists_what_it_has() -> None:
    assert not {"exp", "sigmoid", "name", "nbytes"} & set(dir(w))
    assert {"value", "sum", "T"} <= set(dir(w))
    assert len(v) == 2
    assert not hasattr(v, "exp")


def test_numpy_still_asks_nodes() -> None:
    assert np.exp(w).op is tg.ops.exp
