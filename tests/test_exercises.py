"""The exercises of the notebooks: which answers are right, and what is said of the others."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygraph as tg

check = runpy.run_path(str(Path(__file__).parent.parent / "notebooks" / "exercises.py"))["check"]


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        (2, 2.0),
        (2.01, 2.0),
        (0.0004, 0.0),
        (np.float32(2), 2.0),
        ([1, 2], np.array([1.0, 2.0])),
        (tg.constant(2.0) * 3, 6.0),
        (6, tg.constant(2.0) * 3),
        ((2, 3), np.ones((2, 3)).shape),
        (2.0, 2),
        (True, np.True_),
        ("down", "down"),
        (["dL", "da"], ("dL", "da")),
    ],
    ids=repr,
)
def test_an_answer_is_right_that_is_equal_but_for_rounding(answer: Any, right: Any, capsys: Any) -> None:
    check(answer, right)
    assert capsys.readouterr().out == "Right.\n"


@pytest.mark.parametrize(
    ("answer", "right", "said"),
    [
        (2.03, 2.0, "Not yet."),
        (-2, 2.0, "Not yet: the sign is wrong."),
        ([-1, 2], np.array([1.0, -2.0]), "Not yet: the sign is wrong."),
        (2.0, np.array([2.0, 2.0]), "Not yet: its shape is (), and (2,) is wanted."),
        (np.nan, 2.0, "Not yet."),
        (101, 100, "Not yet."),
        (-1, 1, "Not yet."),
        ((2, 3), (3, 2), "Not yet."),
        ((2, 3), (2,), "Not yet."),
        (3, (3,), "Not yet: a shape is a tuple, such as (4, 2)."),
        ("5", 5.0, "Not yet: a number is wanted, without quotation marks."),
        (False, True, "Not yet."),
        ("up", "down", "Not yet."),
        (["da", "dL"], ["dL", "da"], "Not yet."),
        (["da"], ["dL", "da"], "Not yet."),
        (len, 2.0, "Not yet."),
        (None, 2.0, "Not answered yet: write your answer in place of None and run this cell again."),
    ],
    ids=repr,
)
def test_any_other_answer_is_not_and_what_is_wrong_is_said(answer: Any, right: Any, said: str, capsys: Any) -> None:
    check(answer, right)
    assert capsys.readouterr().out == f"{said}\n"


def neuron() -> tg.Graph:
    w, x, b, y = tg.parameter(0.3), tg.constant(2.0), tg.parameter(0.2), tg.constant(1.0)
    z = w * x + b
    a = tg.sigmoid(z)
    L = (a - y) ** 2 / 2
    return tg.Graph(L, names={"w": w, "x": x, "b": b, "y": y, "z": z, "a": a, "L": L})


RIGHT = {"da": lambda a, y: a - y, "dz": lambda da, a: da * a * (1 - a), "dw": lambda dz, x: dz * x, "db": lambda dz: dz}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (RIGHT, "Right."),
        (RIGHT | {"dw": lambda dz, x: -dz * x}, "Not yet:\nda  right\ndz  right\ndw  The sign is wrong\ndb  right"),
        ({"da": 1.0, "dz": 1.0}, "Not yet: dw, db are missing."),
        ({"da": 1.0, "dz": 1.0, "dw": 1.0}, "Not yet: db is missing."),
        (3.0, 'Not yet: a dict is wanted, such as {"da": ...}.'),
        (None, "Not answered yet: write your answer in place of None and run this cell again."),
    ],
    ids=["right", "sign", "missing", "one missing", "number", "none"],
)
def test_gradients_are_judged_by_their_graph(answer: Any, said: str, capsys: Any) -> None:
    check(answer, neuron(), wanted="da dz dw db")
    assert capsys.readouterr().out == f"{said}\n"


def test_an_answer_may_be_judged_by_a_function_that_returns_a_report(capsys: Any) -> None:
    for factor in (1.0, -1.0):
        check(factor, lambda answer: neuron().compare(da=lambda a, y: answer * (a - y)))
    assert capsys.readouterr().out == "Right.\nNot yet:\nda  The sign is wrong\n"
