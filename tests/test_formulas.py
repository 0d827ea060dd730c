"""The formulas of an explanation are true: what a docstring writes is what the op computes, its derivative that of the rule."""

from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tests.op_cases import LAYOUTS, Case, cases
from tests.oracles import assert_close
from tests.test_contract import differentiable, recorded, weights
from tinygraph.explaining.formulas import Formulas
from tinygraph.explaining.samples import sample_of
from tinygraph.explaining.words import words
from tinygraph.ops import REGISTRY, Op
from tinygraph.program.value import Apply, evaluate

OPS = [op for op in REGISTRY.values() if op.built_in]
CASES = [case for case in cases() if case.note not in LAYOUTS]


def formulas(op: Op) -> Formulas:
    return Formulas(op, words(op), sample_of(op))


def in_docstring(op: Op) -> Apply | None:
    return formulas(op).in_docstring()


def at(found: Formulas, x: Any, case: Case) -> Any:
    """The value of an expression over the operands of a sample, at those of a case."""
    given = dict(zip(found.leaves.values(), case.arguments, strict=True))
    with np.errstate(all="ignore"):
        return evaluate(x, lambda leaf: given[leaf])


WRITTEN = [op for op in OPS if in_docstring(op) is not None]


@pytest.mark.parametrize("op", WRITTEN, ids=str)
def test_the_formula_in_a_sentence_is_what_the_op_computes(op: Op) -> None:
    found = formulas(op)
    expression, tried = found.in_docstring(), 0
    assert expression is not None
    assert found.sample is not None
    own = Case(op, tuple(leaf.value for leaf in found.sample.leaves), dict(found.sample.params), "its sample")
    for case in [*CASES, own]:
        same_shapes = op.elementwise or [np.ndim(x) for x in case.arguments] == [x.ndim for x in found.sample.leaves]
        if case.op is op and same_shapes and case.params in ({}, dict(found.sample.params)):
            exact, got = op(*case.arguments, **case.params), at(found, expression, case)
            known = np.isfinite(got)
            np.testing.assert_allclose(np.asarray(got)[known], np.asarray(exact)[known], rtol=1e-12, atol=1e-15)
            tried += bool(np.any(known))
    assert tried


def test_the_ops_that_people_ask_about_have_a_formula_in_their_sentence() -> None:
    names = {op.name for op in WRITTEN}
    assert names >= {"sigmoid", "softplus", "softmax", "log_softmax", "logaddexp", "hypot", "clip", "binary_cross_entropy"}


@pytest.mark.parametrize("case", [case for case in CASES if case.op.elementwise and differentiable(case)], ids=str)
def test_the_derivative_that_is_typeset_is_that_of_the_rule(case: Case) -> None:
    found = formulas(case.op)
    if dict(case.params) != dict(found.sample.params if case.params and found.sample is not None else {}):
        return
    out, wrt = recorded(case)
    seed = weights(out.shape)
    for k, gradient in zip(differentiable(case), tg.gradients(out, *wrt, seed=seed), strict=True):
        if case.op is tg.ops.sinc_derivative:  # whose metadata is computed, which is not read
            continue
        expression = found.read(found.said.partials[case.op.arguments[k]])
        assert expression is not None
        partial = at(found, expression, case) * np.ones(out.shape)
        assert_close(gradient, REGISTRY["sum_like"](seed * partial, case.arguments[k]), 1e-9)


@pytest.mark.parametrize(
    ("op", "text"),
    [
        ("sigmoid", ["σ(z) = 1/(1 + exp(−z))", "∂/∂z = σ(z)(1 − σ(z))"]),
        ("sqrt", ["√x", "∂/∂x = 1/(2·√x)"]),
        ("alias", ["alias(x) = x", "∂/∂x = 1"]),
        ("matmul", ["xy", "dx = gyᵀ", "dy = xᵀg"]),
        ("inv", ["A⁻¹", "dA = −(A⁻¹)ᵀg(A⁻¹)ᵀ"]),
        ("softmax", ["softmax(z) = exp(z)/(Σᵢ exp(zᵢ))", "dz = softmax(z) ⊙ (g − Σᵢ gᵢ softmax(z)ᵢ)"]),
        ("sort", ["sort(x)"]),  # of which words say more than its rule, which has ops of tinygraph's own
    ],
)
def test_formulas_read_as_in_a_textbook(op: str, text: list[str]) -> None:
    found = tg.explain(op)
    assert [found.formula.text, *(x.text for x in found.derivatives.values() if x is not None)] == text


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')", "x.real", "x[0]", "lambda: x", "open(x)", "9**9**9**9 * y",
        "(" * 150 + "x" + ")" * 150, "x" + " + x" * 5000, "x +", "", "eval(x)", "x if x else x", "f'{x}'", "x := 1", "1j * x",
        "sum(*x)", "tile(x, reps=10**9)", "True", "'text'",
    ],
)  # fmt: skip
def test_nothing_but_a_formula_is_read(text: str) -> None:
    assert formulas(tg.ops.tanh).read(text) is None


def test_a_large_power_is_a_float_at_once() -> None:
    assert formulas(tg.ops.tanh).read("x + 9**9**9**9") is not None
