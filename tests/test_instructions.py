"""Instructions as data: one slot for a value, numbers that read back exactly, bodies of ops, and what is recorded."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tests import drawings
from tinygraph.express.instructions import LARGEST, Instructions
from tinygraph.program.value import Name, Number, apply


def instructions(*values: Any) -> dict[str, Any]:
    """The data of the instructions for some values, as a page reads it."""
    program = Instructions()
    for x in values:
        program.slot(x)
    data: dict[str, Any] = json.loads(program.json)
    return data


def code(*values: Any) -> list[list[Any]]:
    found: list[list[Any]] = instructions(*values)["code"]
    return found


# One slot for one value


def test_what_was_recorded_twice_has_one_slot() -> None:
    x, y = tg.parameter(2.0), tg.parameter(3.0)
    program = Instructions()
    assert program.slot(x * y) == program.slot(x * y) != program.slot(y * x)
    assert len(program.data["code"]) == 2


def test_an_expression_has_the_slot_of_the_node_that_computes_the_same() -> None:
    x = tg.parameter([1.0, 2.0])
    program, node = Instructions(), np.sum(x * 2.0) + 1
    total = apply(tg.ops.sum, apply(tg.ops.multiply, Name(x), Number(2.0)), shape=(), axis=None, keepdims=False)
    assert program.slot(apply(tg.ops.add, total, Number(1))) == program.slot(node)
    assert program.slot(Name(x)) == program.slot(x)


def test_values_of_other_metadata_are_others() -> None:
    x = tg.parameter(np.ones((2, 3)))
    assert len(code(np.sum(x, axis=0), np.sum(x, axis=1), np.sum(x), np.sum(x, axis=0, keepdims=True))) == 4


def test_leaves_have_slots_of_their_own_though_they_are_equal() -> None:
    a, b = tg.parameter(1.0), tg.parameter(1.0)
    assert instructions(a + b)["init"] == {"0": 1, "1": 1}
    assert code(a + b) == [[2, "add", [0, 1]]]


def test_numbers_that_are_equal_in_value_and_dtype_have_one_slot() -> None:
    x, single = tg.parameter(0.5), tg.parameter(np.float32(0.5))
    assert instructions(x * 2 + 2.0)["init"] == {"0": 0.5, "1": 2}
    assert len(instructions(x * 2, single * 2)["init"]) == 4
    assert list(instructions(x * 0.0, x * -0.0)["init"].values()) == [0.5, 0, -0.0]


def test_operands_come_before_what_is_made_of_them_however_deep() -> None:
    x = tg.parameter(0.5)
    for _ in range(5_000):
        x = np.sin(x)
    made = {0}
    for slot, _, operands in code(x):
        assert made.issuperset(operands)
        made.add(slot)
    assert len(made) == 5_001


# Numbers


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_floats_read_back_exactly(dtype: Any) -> None:
    bits = np.random.default_rng(0).integers(0, 2**63, 500).view(np.float64)
    values = np.array([0.0, -0.0, 1.0, -3.0, 0.1, 1e22, 2.0**53, 1e300, 5e-324, np.inf, -np.inf, np.nan, *bits])
    with np.errstate(all="ignore"):
        values = values.astype(dtype)
    found = [dtype(x) for x in instructions(tg.constant(values))["init"]["0"]]
    np.testing.assert_array_equal(found, values)
    assert [math.copysign(1, x) for x in found[:2]] == [1, -1]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2.0, "2"),
        (0.5, "0.5"),
        (-0.0, "-0.0"),
        (1e100, "1e+100"),
        (np.inf, '"inf"'),
        (-np.inf, '"-inf"'),
        (np.nan, '"nan"'),
        (np.float32(0.1), "0.1"),
        (np.float32(1) / 3, "0.33333334"),
        (True, "1"),
        (np.int64(LARGEST), str(LARGEST)),
        (np.int64(LARGEST + 1), f'"{LARGEST + 1}"'),
        (np.uint64(2**64 - 1), f'"{2**64 - 1}"'),
        ([1.0, 2.5], "[1,2.5]"),
        ([[1, 2], [3, 4]], "[1,2,3,4]"),
        (np.zeros((2, 0)), "[]"),
    ],
)
def test_a_number_is_as_short_as_it_reads_back_exactly(value: Any, text: str) -> None:
    program = Instructions()
    program.slot(tg.constant(value))
    assert f'"init":{{"0":{text}}}' in program.json


def test_a_slot_has_dtype_and_shape() -> None:
    data = instructions(tg.constant(np.ones((2, 3), np.float32)) > 0.5)
    assert [data["types"][k] for k in data["slots"]] == [["f4", [2, 3]], ["f4", []], ["b1", [2, 3]]]


@pytest.mark.parametrize(
    ("value", "number", "dtype"),
    [
        (np.float32(2), 0.1, "f4"),
        (np.int8(2), 3, "i1"),
        (np.int64(2), 0.5, "f8"),
        (np.int8(2), 0.5, "f8"),
        (np.bool_(1), 2, "i8"),
    ],
)
def test_a_python_number_takes_the_dtype_of_what_is_beside_it(value: Any, number: Any, dtype: str) -> None:
    data = instructions(tg.constant(value) * number)
    assert data["types"][data["slots"][1]] == [dtype, []]


def test_metadata_is_plain_and_says_nothing_of_none_and_false() -> None:
    x, chosen = tg.parameter(np.ones((4, 3))), np.array([0, 2])
    assert code(np.sum(x)) == [[1, "sum", [0]]]
    assert code(np.sum(x, axis=(0, -1), keepdims=True)) == [[1, "sum", [0], {"axis": [0, -1], "keepdims": True}]]
    assert code(x[1:, None, 0]) == [[1, "index", [0], {"template": [[1, None, None], None, 0]}]]
    assert code(x[..., chosen]) == [[2, "index", [0, 1], {"template": ["...", "array"]}]]
    assert code(x.astype(np.float32)) == [[1, "cast", [0], {"dtype": "f4"}]]
    assert code(tg.ops.norm(x, ord=np.inf, axis=0)) == [[1, "norm", [0], {"ord": "inf", "axis": 0}]]


# Bodies


def test_an_op_without_a_spelling_is_what_its_body_is_made_of() -> None:
    z = tg.parameter(0.5)
    names = [name for _, name, *_ in code(tg.softmax(np.stack([z, -z])))]
    assert names == ["negative", "stack", "max", "subtract", "exp", "sum", "divide"]


def test_what_bodies_have_in_common_is_computed_once() -> None:
    z = tg.parameter(0.5)
    alone = len(code(tg.sigmoid(z)))
    assert len(code(tg.sigmoid(z), tg.softplus(z))) < alone + len(code(tg.softplus(z)))


@tg.op(lambda g, out, x: g)
def by_rank(x: Any) -> Any:
    return x + 1 if x.ndim else x - 1


def test_a_body_is_that_of_operands_of_such_a_shape() -> None:
    assert [name for _, name, *_ in code(by_rank(tg.parameter([1.0])), by_rank(tg.parameter(1.0)))] == ["add", "subtract"]


def is_recorded(node: tg.Node) -> bool:
    """Whether a value is taken from the recording, though it is made of others."""
    data = instructions(node)
    slot, *_ = data["code"][-1]
    return str(slot) in data["init"]


@tg.op(lambda g, out, x: g)
def deciding(x: Any) -> Any:
    return x + 1 if np.all(x > 0) else x - 1


@tg.op(lambda g, out, x: g)
def failing(x: Any) -> Any:
    if not isinstance(x, np.ndarray | np.generic):
        raise ArithmeticError("made for arrays")
    return x + 1


@tg.op(None)
def constant_of(x: Any) -> Any:
    return np.ones(x.shape)


@tg.op(lambda g, out, x: g)
def different(x: Any) -> Any:
    return x + 1 if isinstance(x, np.ndarray | np.generic) else x + 2


@tg.op(lambda g, out, x: g)
def of_itself(x: Any) -> Any:
    return x + 1 if isinstance(x, np.ndarray | np.generic) else of_itself(x)


@pytest.mark.parametrize("op", [deciding, failing, constant_of, different, of_itself], ids=str)
def test_a_body_that_is_no_composition_of_ops_is_recorded(op: Any) -> None:
    x = tg.parameter([1.0, 2.0])
    assert is_recorded(op(x))
    assert instructions(op(x))["init"]["1"] == op(x).value.tolist()


@pytest.mark.parametrize(
    "value",
    [
        tg.constant(np.float16(0.5)) * 2,
        tg.constant(np.longdouble(0.5)) + 1,
        tg.constant(np.int64(2**60)) + 1,
        tg.constant(np.int64(2**60)) * 0.5,
        tg.ops.left_singular_vectors(tg.parameter(np.eye(2))),
    ],
    ids=str,
)
def test_what_a_page_does_not_compute_exactly_is_recorded(value: tg.Node) -> None:
    assert is_recorded(value)


def test_a_value_in_another_byte_order_is_computed() -> None:
    assert not is_recorded(tg.parameter(np.array([1.0, 2.0], ">f8")) * 2)


def test_a_neuron_takes_less_than_a_thousand_characters() -> None:
    graph, program = drawings.neuron(), Instructions()
    for gradient in graph.backprop().values():
        program.slot(gradient)
    assert len(program.json) < 1000
    assert {op.name for op in program.ops} == {name for _, name, *_ in program.data["code"]}
