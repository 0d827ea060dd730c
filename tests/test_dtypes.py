"""The dtype that an expression is said to have is the one that NumPy gives it."""

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tinygraph import ops
from tinygraph.program.dtypes import dtype_of
from tinygraph.program.value import Apply, Expression, Name, Number, apply, evaluate

LEAVES: dict[str, Expression] = {
    "float64": Name(tg.constant(np.ones(2))),
    "float32": Name(tg.constant(np.ones(2, np.float32))),
    "scalar float32": Name(tg.constant(np.float32(1))),
    "int": Name(tg.constant(np.ones(2, int))),
    "uint8": Name(tg.constant(np.ones(2, np.uint8))),
    "bool": Name(tg.constant(np.ones(2, bool))),
    "1": Number(1),
    "1.0": Number(1.0),
}
BINARY: list[Any] = [ops.add, ops.multiply, ops.divide, ops.maximum]


def kind(expression: Expression) -> str:
    return np.asarray(evaluate(expression, lambda node: node.value)).dtype.kind


def dtype(value: Any) -> Any:
    return value.dtype if isinstance(value, np.ndarray | np.generic) else type(value)


@pytest.mark.parametrize(("left", "right"), list(itertools.product(LEAVES, LEAVES)))
def test_of_two_operands(left: str, right: str) -> None:
    for op in BINARY:
        bare = apply(op, LEAVES[left], LEAVES[right])
        value = evaluate(bare, lambda node: node.value)
        found = dtype_of(Apply(op, bare.inputs, {}, np.shape(value), np.asarray(value).dtype.kind, 1))
        assert found == dtype(value) or (isinstance(found, type) and np.dtype(found) == np.asarray(value).dtype)


@pytest.mark.parametrize("leaf", LEAVES)
def test_of_a_sum_and_a_choice(leaf: str) -> None:
    x = LEAVES[leaf]
    mask = LEAVES["bool"]
    bare = apply(ops.sum, x, shape=(), axis=None, keepdims=False)
    total = replace(bare, kind=kind(bare))
    assert np.dtype(dtype_of(total)).kind == total.kind
    chosen = apply(ops.where, mask, x, Number(0), kind=kind(x))
    assert np.dtype(dtype_of(chosen)) == np.where(mask.node.value, evaluate(x, lambda node: node.value), 0).dtype
