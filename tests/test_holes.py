"""Texts that remember their numbers: filled as they print, with the brackets that a number needs, and written as templates."""

from __future__ import annotations

import pickle
import re
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tinygraph.express.holes import BARE, IF_LONG, IF_NEGATIVE, Blanks, Hole, Text, bracketed, joined
from tinygraph.express.mathml import print_layout
from tinygraph.express.notation import Notation
from tinygraph.program.statements import program_of
from tinygraph.stepping.numbers import with_numbers, with_values
from tinygraph.stepping.templates import Templates, shortened


def test_a_text_is_a_string_that_has_its_holes_filled() -> None:
    w, W = tg.parameter(-0.5), tg.parameter(np.ones((2, 3)))
    text = Text("w = ", Hole(w, "signed"), Text(", W ", Hole(W)), "")
    assert text == "w = −0.500, W min 1.000  max 1.000"
    assert [piece if isinstance(piece, str) else piece.node for piece in text.pieces] == ["w = ", w, ", W ", W]
    assert pickle.loads(pickle.dumps(text)) == text


def test_texts_are_joined_with_their_holes() -> None:
    a = Hole(tg.parameter(1.0))
    assert [joined(" + ", x) for x in ([], [a], [a, "…", a])] == ["", "1.000", "1.000 + … + 1.000"]
    assert joined(" + ", [a, Text("b ", a)]).pieces == (a, " + ", "b ", a)


@pytest.mark.parametrize(
    ("value", "brackets", "text", "mathematics"),
    [
        (0.5, IF_NEGATIVE, "0.500", "0.500"), (-0.5, BARE, "-0.500", "−0.500"), (-0.5, IF_NEGATIVE, "(-0.500)", "(−0.500)"),
        (1e-7, IF_NEGATIVE, "1.00e-07", "1.00·10−7"), (1e-7, IF_LONG, "1.00e-07", "(1.00·10−7)"),
        (-2e9, IF_LONG, "(-2.00e+09)", "(−2.00·109)"), (np.nan, IF_NEGATIVE, "nan", "NaN"), (-np.inf, BARE, "-inf", "−∞"),
        (0.5, IF_LONG, "0.500", "0.500"),
    ],
)  # fmt: skip
def test_a_number_has_the_brackets_that_it_needs(value: float, brackets: int, text: str, mathematics: str) -> None:
    node = tg.constant(value)
    assert str(Hole(node, brackets=brackets)) == text
    assert re.sub("<[^>]*>", "", str(Hole(node, brackets=brackets, is_math=True))) == mathematics


def numbers_of(a: float, b: float) -> dict[str, tuple[str, str]]:
    """The statements of a graph of two numbers with numbers in place of names, as source and as mathematics."""
    x, y = tg.parameter(a), tg.parameter(b)
    graph = tg.Graph(x - y, x * y, -x * y, x**2, x - x * y, x / y, (x + y) * y, names={"x": x, "y": y})
    found = {}
    for statement in program_of(graph).forward:
        blanks = Blanks()
        layout = bracketed(Notation(blanks.layout).layout(with_values(statement.expression)))
        found[statement.right] = (
            str(with_numbers(statement.expression)),
            re.sub("<[^>]*>", "", blanks.filled(print_layout(layout))),
        )
    return found


def test_source_and_mathematics_have_brackets_where_numbers_are_negative() -> None:
    assert numbers_of(2.0, 3.0) == {
        "x - y": ("2.000 - 3.000", "2.000 − 3.000".replace(" ", "")), "x * y": ("2.000 * 3.000", "2.000·3.000"),
        "-x * y": ("-2.000 * 3.000", "−2.000·3.000"), "x ** 2": ("2.000 ** 2", "2.0002"),
        "x - x * y": ("2.000 - 2.000 * 3.000", "2.000−2.000·3.000"), "x / y": ("2.000 / 3.000", "2.0003.000"),
        "(x + y) * y": ("5.000 * 3.000", "5.000·3.000"),
    }  # fmt: skip
    assert numbers_of(-2.0, -3.0) == {
        "x - y": ("-2.000 - -3.000", "−2.000−(−3.000)"), "x * y": ("-2.000 * -3.000", "−2.000·(−3.000)"),
        "-x * y": ("-(-2.000) * -3.000", "−(−2.000)·(−3.000)"), "x ** 2": ("(-2.000) ** 2", "(−2.000)2"),
        "x - x * y": ("-2.000 - -2.000 * -3.000", "−2.000−(−2.000)·(−3.000)"), "x / y": ("-2.000 / -3.000", "−2.000−3.000"),
        "(x + y) * y": ("-5.000 * -3.000", "−5.000·(−3.000)"),
    }  # fmt: skip


@pytest.mark.parametrize(("a", "b"), [(2.0, 3.0), (-2.0, 3.0), (1e-9, -1e9), (0.0, np.nan), (np.inf, -np.inf)])
def test_the_source_is_what_python_computes(a: float, b: float) -> None:
    with np.errstate(all="ignore"):
        texts = {source: text for source, (text, _) in numbers_of(a, b).items()}
        for source, text in texts.items():
            names: dict[str, Any] = {"x": np.float64(a), "y": np.float64(b), "nan": np.nan, "inf": np.inf}
            numbers = re.sub(r"-?[\d.]+(e[-+]\d+)?(?=$|[ )])", lambda found: f"np.float64({found[0]})", text)
            np.testing.assert_allclose(eval(numbers, {"np": np} | names), eval(source, {}, names), rtol=2e-2)


def test_templates_have_each_number_once() -> None:
    w = tg.parameter(0.5)
    templates = Templates()
    found = templates.of({"a": Text("w = ", Hole(w)), "b": [Text(Hole(w)), Text(Hole(w, "signed"))], "c": "", "d": None, "e": 0})
    assert found == {"a": ["w = ", 0], "b": [[0], [1]], "e": 0}
    assert [str(hole) for hole in templates.holes] == ["0.500", "0.500"]


def test_a_character_stands_for_each_tag() -> None:
    markup = [["<mi>a</mi>", 3, "<mo>=</mo>"], "<mi>b</mi>"]
    short, tags = shortened(markup)
    long = "".join(str(piece) for template in short for piece in template)
    assert "<" not in long
    assert re.sub("[\ue000-\uf8ff]", lambda found: tags[ord(found[0]) - 0xE000], long) == "<mi>a</mi>3<mo>=</mo><mi>b</mi>"
