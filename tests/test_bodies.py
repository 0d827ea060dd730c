"""Parts of a program: the same code is one body, and what becomes of it is what becomes of the expressions that it stands for."""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tinygraph import ops
from tinygraph.program import bodies
from tinygraph.program.bodies import Part, like, made, read, whole
from tinygraph.program.form import simplified, structural
from tinygraph.program.value import Apply, Expression, Like, Name, Number

A, B, C = (tg.parameter(np.full((4, 3), x)) for x in (0.5, 1.5, 2.5))
ROW, TALL = tg.parameter(np.ones(3)), tg.parameter(np.ones((5, 3)))
NARROW = tg.parameter(np.ones((4, 3), np.float32))


def both(op: ops.Op, *operands: Part, kind: str = "f", **params: Any) -> tuple[Part, Expression]:
    """What becomes of parts, and of the expressions that they stand for."""
    shape = np.broadcast_shapes(*(x.body.expression.shape for x in operands)) if op.elementwise else ROW.shape
    part = made(simplified, op, operands, params, shape, kind)
    return part, simplified(op, [x.expression for x in operands], params, shape, kind)


def product(*nodes: tg.Node) -> Part:
    part = read(nodes[0])
    for node in nodes[1:]:
        part = made(simplified, ops.multiply, [part, read(node)], {}, (4, 3), "f")
    return part


CASES: dict[str, Callable[[], tuple[Part, Expression]]] = {
    "names": lambda: both(ops.multiply, read(A), read(B)),
    "one name twice": lambda: both(ops.add, read(A), read(A)),
    "like terms": lambda: both(ops.add, product(A, B), product(B, A)),
    "terms that differ": lambda: both(ops.add, product(A, B), product(C, A)),
    "in another order": lambda: both(ops.multiply, product(C, A), product(B, C)),
    "a sign that goes": lambda: both(ops.negative, both(ops.negative, read(B))[0]),
    "numbers": lambda: both(ops.multiply, whole(Number(2)), both(ops.multiply, read(A), whole(Number(3)))[0]),
    "a number with a name": lambda: both(ops.divide, read(A), whole(Number(4, "m"))),
    "a shape": lambda: both(ops.broadcast_like, read(ROW), like(A)),
    "a shape that goes": lambda: both(ops.multiply, both(ops.broadcast_like, whole(Number(2)), like(A))[0], read(B)),
    "a sum": lambda: both(ops.sum, product(A, B, A), axis=0, keepdims=False),
}


@pytest.mark.parametrize("case", CASES)
def test_what_becomes_of_parts_is_what_becomes_of_their_expressions(case: str) -> None:
    for _ in range(2):  # the second time it is known
        part, expected = CASES[case]()
        assert part.expression is expected


def test_the_same_code_is_one_body() -> None:
    assert product(A, B).body is product(B, C).body
    assert all(map(operator.is_, product(B, A).fills, (B, A)))
    assert product(A, A).body is not product(A, B).body
    h, names = A, {"h": A}
    for i in range(10):
        h = names[f"h{i}"] = np.tanh(h) * 0.5
    graph = tg.Graph(np.sum(h), names=names)
    graph.backprop()
    found = {s.name: s.part.body for s in graph.statements()}
    assert len({found[f"h{i}"] for i in range(10)}) == 1
    assert len({found[f"dh{i}"] for i in range(9)}) == 1


@pytest.mark.parametrize("other", [TALL, NARROW, ROW], ids=["size", "dtype", "rank"])
def test_a_hole_is_filled_by_nodes_of_one_shape_and_dtype(other: tg.Node) -> None:
    parts = [made(structural, ops.exp, [read(x)], {}, x.shape, "f") for x in (A, other)]
    assert parts[0].body is not parts[1].body


@pytest.mark.parametrize("numbers", [(1, 1.0), (0.0, -0.0), (True, 1), (2, Number(2, "m"))], ids=repr)
def test_numbers_that_python_takes_for_equal_are_not(numbers: tuple[Any, Any]) -> None:
    parts = [whole(x if isinstance(x, Number) else Number(x)) for x in numbers]
    first, second = (made(structural, ops.multiply, [x, read(A)], {}, (4, 3), "f") for x in parts)
    assert first.body is not second.body


def test_a_node_and_its_shape_fill_a_hole_each() -> None:
    part = made(structural, ops.cast_like, [product(A, B), like(A)], {}, (4, 3), "f")
    assert all(map(operator.is_, part.reads, (A, B, Like(A))))


def test_a_recorded_value_stays_with_its_op() -> None:
    first, second = np.exp(A), np.exp(B)
    parts = [made(structural, ops.exp, [read(x)], {}, (4, 3), "f", y) for x, y in ((A, first), (B, second))]
    assert parts[0].body is parts[1].body
    assert [x.expression.node for x in parts if isinstance(x.expression, Apply)] == [first, second]
    assert parts[0].reads[0] is A
    assert len(parts[0].reads) == 1


def test_only_so_many_results_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "_MADE", {})
    monkeypatch.setattr(bodies, "MOST", 2)
    found = [made(structural, ops.multiply, [read(A), whole(Number(i))], {}, (4, 3), "f").expression for i in range(5)]
    assert [x.inputs[1] for x in found if isinstance(x, Apply)] == [Number(i) for i in range(5)]
    assert len(bodies._MADE) <= 2
    assert all(isinstance(x, Apply) and x.inputs[0] is Name(A) for x in found)


def test_what_a_users_op_makes_is_not_kept() -> None:
    @tg.op(lambda g, out, x, *, table: g * table[1])
    def owntable(x: Any, *, table: tuple[float, ...]) -> Any:
        return x * table[0]

    known = len(bodies._MADE)
    for i in range(5):
        x = tg.parameter(np.ones(2))
        y = owntable(x, table=(float(i), 1.0))
        L = np.sum(y * y)
        graph = tg.Graph(L, names={"x": x, "L": L})
        graph.backprop()
        assert "owntable" in str(graph)
        if i == 0:
            known = len(bodies._MADE)
    assert len(bodies._MADE) == known
