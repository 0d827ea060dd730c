"""Mathematics on one line: what cards are titled with."""

import numpy as np
import pytest

import tinygraph as tg
from tinygraph.express.layout import lowered, symbol
from tinygraph.express.notation import Notation
from tinygraph.express.plain import plain
from tinygraph.program.statements import program_of

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
        (s * (x > 0), "s·[x₁ > 0]"),
        (A[0, 1:], "A[0, 1:]"),
        (v @ B, "Bᵀv"),
        (np.where(s > x, 0, x), "x₁·[s ≤ x₁]"),
        (np.where(np.logical_and(s > x, x > 1), 0, 1.0), "1 − [s > x₁ ∧ x₁ > 1]"),
        (s + np.where(s > x, s, x), "s + where(s > x₁, s, x₁)"),
    ],
)
def test_one_line(node: tg.Node, text: str) -> None:
    program = program_of(tg.Graph(node, names=NAMES | {"out": node}))
    notation = Notation(lambda node: symbol(program.name(node)))
    assert plain(notation.layout(program.forward[-1].expression)) == text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("w1", "w₁"), ("W_1", "W₁"), ("W12", "W₁₂"), ("z_i", "zᵢ"), ("W_xh", "Wₓₕ"), ("alpha", "α"), ("lambda_", "λ"),
        ("dalpha", "dα"), ("dbeta1", "dβ₁"), ("dβ2", "dβ₂"), ("dw1", "dw₁"),
    ],
)  # fmt: skip
def test_names_have_subscripts_and_greek_letters(name: str, text: str) -> None:
    assert plain(symbol(name)) == text


@pytest.mark.parametrize(
    "name",
    ["layer2_W", "layer2_h", "block1_r", "params_layer1_W", "x_batch_1", "x_train", "mu_hat", "do2_dx", "W1_2", "b_q",
     "the_very_long_name_of_an_array"],
)  # fmt: skip
def test_a_name_that_subscripts_would_turn_into_another_one_stays(name: str) -> None:
    assert plain(symbol(name)) == name


@pytest.mark.parametrize(
    ("name", "text"), [("A", "Aᵢⱼ"), ("w1", "w₁ᵢⱼ"), ("W_x", "Wₓ[ij]"), ("layer2_W", "layer2_W[ij]"), ("x_train", "x_train[ij]")]
)
def test_an_index_stays_apart_from_the_subscript_of_a_name(name: str, text: str) -> None:
    assert plain(lowered(symbol(name), ("i", "j"))) == text


def test_a_value_repeated_in_the_shape_of_another_reads_as_in_code() -> None:
    total = np.mean(v)
    graph = tg.Graph(total, names={"some_values": v, "total": total})
    graph.backprop()
    program = program_of(graph)
    notation = Notation(lambda node: symbol(program.name(node)))
    assert plain(notation.layout(program.backward[-1].expression)) == "(1/m)·ones_like(some_values)"
