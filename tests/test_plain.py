"""Mathematics on one line: what cards are titled with."""

import numpy as np
import pytest

import tinygraph as tg
from tinygraph.express.layout import symbol
from tinygraph.express.notation import Notation
from tinygraph.express.plain import plain
from tinygraph.express.program import program

A, B, v, s, x = (
    tg.parameter(np.ones((2, 3))),
    tg.parameter(np.ones((3, 2))),
    tg.parameter(np.ones(3)),
    tg.parameter(2.0),
    tg.parameter(3.0),
)
NAMES = {"A": A, "B": B, "v": v, "s": s, "x1": x}


@pytest.mark.parametrize(
    ("node", "text"),
    [
        (s * x, "sx₁"),
        (s * x + 2, "sx₁ + 2"),
        (-(s + x), "−(s + x₁)"),
        (s / x, "s/x₁"),
        ((s + 1) / (x * s), "(s + 1)/(x₁s)"),
        (s**2, "s²"),
        (s**-1.5, "s^−1.5"),
        ((s + x) ** 2, "(s + x₁)²"),
        (A @ B, "AB"),
        (A.T @ B.T, "AᵀBᵀ"),
        (A * 2, "A·2"),
        (A**2, "A²"),
        (A * A, "A ⊙ A"),
        (tg.sigmoid(s), "σ(s)"),
        (s * np.log(x), "s ln(x₁)"),
        (np.sqrt(s + 1), "√(s + 1)"),
        (abs(s), "|s|"),
        (np.floor(s), "⌊s⌋"),
        (np.sum(v), "Σᵢ vᵢ"),
        (np.sum(A), "Σᵢⱼ Aᵢⱼ"),
        (np.mean(v), "(1/m) Σᵢ vᵢ"),
        (np.maximum(s, 0), "max(s, 0)"),
        (s * (x > 0), "s[x₁ > 0]"),
        (A[0, 1:], "A[0, 1:]"),
    ],
)
def test_one_line(node: tg.Node, text: str) -> None:
    told = program(tg.Graph(node, names=NAMES | {"out": node}))
    notation = Notation(lambda node: symbol(told.name(node)))
    assert plain(notation.layout(told.forward[-1].expression)) == text


def test_names_have_subscripts_where_unicode_has_them() -> None:
    assert [plain(symbol(name)) for name in ("w1", "W12", "x_train", "alpha", "lambda_", "z_i")] == [
        "w₁", "W₁₂", "xₜᵣₐᵢₙ", "α", "λ", "zᵢ",
    ]  # fmt: skip
