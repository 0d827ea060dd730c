"""Notations as ops declare them: what they read as, and that one that cannot be read is a name."""

from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tinygraph.express.layout import Digits, Row, Sign, Symbol
from tinygraph.express.pieces import ATOM, LOGIC, PRODUCT, RELATION, SUM, Typeset
from tinygraph.express.plain import plain
from tinygraph.express.template import Running, filled, is_form
from tinygraph.ops import REGISTRY

A: Typeset = (Symbol("a"), ATOM)
B: Typeset = (Symbol("b"), ATOM)
A_PLUS_B: Typeset = (Row((Symbol("a"), Sign("+"), Symbol("b"))), SUM)
A_B: Typeset = (Row((Symbol("a"), Symbol("b"))), PRODUCT)
A_AND_B: Typeset = (Row((Symbol("a"), Sign("∧"), Symbol("b"))), LOGIC)
A_OVER_0: Typeset = (Row((Symbol("a"), Sign(">"), Digits("0"))), RELATION)


def text(notation: str, *typeset: Typeset, running: Running | None = None) -> str:
    return plain(filled(notation, typeset, running, brackets=Digits("0"))[0])


@pytest.mark.parametrize(
    ("notation", "operands", "expected"),
    [
        ("|{}|", [A_PLUS_B], "|a + b|"),
        ("⌊{}/{}⌋", [A_PLUS_B, B], "⌊(a + b)/b⌋"),
        ("1/{}", [A_PLUS_B], "1/(a + b)"),
        ("{}²", [A_PLUS_B], "(a + b)²"),
        ("{}^{}", [A_B, B], "(ab)^b"),
        ("2^{}", [A], "2^a"),
        ("√{}", [A_PLUS_B], "√(a + b)"),
        ("f({}, {})", [A_PLUS_B, B], "f(a + b, b)"),
        ("f(g({}), {})", [A, B], "f(g(a), b)"),
        ("{1} − {0}", [A_PLUS_B, B], "b − (a + b)"),
        ("{} − {}", [A_PLUS_B, B], "a + b − b"),
        ("{} ⊕ {}", [A_PLUS_B, A_B], "(a + b) ⊕ ab"),
        ("{} ≥ {}", [A_PLUS_B, B], "a + b ≥ b"),
        ("{} ∧ {}", [A_OVER_0, B], "a > 0 ∧ b"),
        ("{} ∧ {}", [A_AND_B, A_OVER_0], "(a ∧ b) ∧ a > 0"),
        ("−{}", [A_B], "−ab"),
        ("¬{}", [A_OVER_0], "¬[a > 0]"),
        ("{} mod {}", [A, B], "a mod b"),
        ("{}[{template}]", [A_PLUS_B], "(a + b)[0]"),
        ("{1} if {0}, {2} otherwise", [A_OVER_0, A, B], "where(a > 0, a, b)"),
    ],
)
def test_a_notation_puts_parentheses_where_they_are_needed(notation: str, operands: Any, expected: str) -> None:
    assert is_form(notation, len(operands))
    assert text(notation, *operands) == expected


@pytest.mark.parametrize(
    ("notation", "body", "expected"),
    [
        ("Σ {}", A_PLUS_B, "Σᵢⱼ (a + b)"),
        ("Σ {}²", A_PLUS_B, "Σᵢⱼ (a + b)²"),
        ("1/n Σ {}", A, "(1/(mk)) Σᵢⱼ a"),
        ("max {}", A_B, "maxᵢⱼ ab"),
        ("∏ {}", A_PLUS_B, "∏ᵢⱼ (a + b)"),
        ("ln Σ exp({})", A, "ln Σᵢⱼ exp(a)"),
        ("√Σ {}²", A, "√(Σᵢⱼ a²)"),
    ],
)
def test_a_big_operator_has_the_index_of_what_it_runs_through(notation: str, body: Typeset, expected: str) -> None:
    running = Running(["i", "j"], lambda: [Symbol("m"), Symbol("k")])
    assert text(notation, body, running=running) == expected


def test_the_power_of_a_matrix_shows_that_it_is_elementwise() -> None:
    assert filled("{}²", [A], matrices=[0])[0].above == Row((Sign("⊙", tight=True), Digits("2")))  # type: ignore[union-attr]  # a power


@pytest.mark.parametrize(
    "notation",
    ["sin", "größe₁₂", "{", "{} +", "|{}", "f({}", "{}) {}", "{1}", r"\input{$%#&", "{}^ ²√ (| {} {}", "{} if {}", "Σ"],
)
def test_a_notation_that_cannot_be_read_is_no_form(notation: str) -> None:
    assert not is_form(notation, 1)


@pytest.mark.parametrize("op", [op for op in REGISTRY.values() if op.built_in], ids=lambda op: op.name)
def test_the_notation_of_every_op_is_a_name_or_can_be_read(op: tg.ops.Op) -> None:
    notation = op.notation if isinstance(op.notation, str) else op.notation(**op.defaults)
    assert notation in ("Σ", "{}⊤", "{} 1_{}") or "{" not in notation or is_form(notation, len(op.arguments))


def test_a_norm_is_a_root_of_a_sum_only_where_it_is_that() -> None:
    X = tg.parameter(np.ones((3, 2)))
    names: Any = {"X": X}
    for text, ord in ((r"\sqrt{\sum_{i} X_{ij}^{2}}", None), (r"\operatorname{norm}(X", 3)):
        r = np.linalg.norm(X, ord, axis=0)
        assert text in tg.Graph(r, names={**names, "r": r}).latex()
