"""One example of a batch: its row of a value, or its contribution to a gradient that is a sum over the examples."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Collection
from typing import Any, NamedTuple, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np

from tinygraph.decisions import DecisionError
from tinygraph.express.python import python
from tinygraph.graph import Graph
from tinygraph.node import Node
from tinygraph.program.build import part
from tinygraph.program.statements import Program, program_of
from tinygraph.program.value import Apply, Expression, Name, atoms, computed, evaluate
from tinygraph.sparse import is_sparse
from tinygraph.stepping.timeline import Step
from tinygraph.wording import counted


class Example(NamedTuple):
    """The row of one example in a value, or its contribution to a gradient."""

    example: int
    equation: str
    result: Node
    is_contribution: bool

    @property
    def value(self) -> Any:
        """The value."""
        return self.result.value


def batch_size(graph: Graph) -> int | None:
    """The number of examples: the most common first size of the constants, if a computed value has a row for each example."""
    if graph not in _known_sizes:
        _known_sizes[graph] = _batch_size(graph)
    return _known_sizes[graph]


_known_sizes: WeakKeyDictionary[Graph, int | None] = WeakKeyDictionary()


def _batch_size(graph: Graph) -> int | None:
    sizes = Counter(leaf.shape[0] for leaf in _constants(graph) if leaf.shape)
    size = sizes.most_common(1)[0][0] if sizes else None
    return size if size is not None and any(node.op is not None for node in _rows(graph, size)) else None


def check_example(graph: Graph, index: int | None) -> None:
    """Raise an IndexError for an example that does not exist."""
    if index is None:
        return
    size = batch_size(graph)
    if size is None:
        raise ValueError("this graph has no batch: nothing has a row for each example; write examples as rows, as in X @ W")
    try:
        there = not isinstance(index, bool) and 0 <= operator.index(index) < size
    except TypeError:
        there = False
    if not there:
        raise IndexError(f"example={index!r}: there {'is' if size == 1 else 'are'} {counted(size, 'example')}, numbered from 0")


def example_of(graph: Graph, step: Step, index: int) -> Example | None:
    """The result of a step for one example; None if it does not depend on examples or slicing cannot separate them."""
    size = batch_size(graph)
    if size is None or step.statement is None:
        return None
    rows, backward = _with_gradients(graph, size, index)
    if step.node in rows:
        rows_of = [index] if is_sparse(step.result.value) else index  # of a sparse matrix a row is a matrix too
        return Example(index, f"{step.name}[{index}]", step.result[rows_of], False)
    program = program_of(graph)
    gradients = _read(step, backward)
    if not gradients:
        return None

    def others_left_out(node: Node) -> Any:
        """A gradient with zeros for the other examples; every contribution is linear in it."""
        if node not in gradients:
            return node.operand
        one = np.zeros_like(node.value)
        one[index] = node.value[index]
        return one

    value = evaluate(step.expression, others_left_out)
    alone = _alone(step.expression, rows, index)
    if not _is_same(_value(alone), value):
        return None
    return Example(index, python(alone, program.name), computed(alone), True)


def linear_in(graph: Graph, step: Step) -> list[Node] | None:
    """The gradients in which the result is linear, with a row for each example: zeros in the others leave what one example adds.

    None of them where the result itself has a row for each example; None in place of a list where examples cannot be separated.
    """
    size = batch_size(graph)
    if size is None or example_of(graph, step, 0) is None:
        return None
    rows, backward = _with_gradients(graph, size, 0)
    return [] if step.node in rows else list(_read(step, backward))


def _read(step: Step, gradients: Collection[Node]) -> dict[Node, None]:
    """Which of some gradients a step reads, in its order."""
    return {x.node: None for x in atoms(step.expression) if isinstance(x, Name) and x.node in gradients}


_known: WeakKeyDictionary[Graph, frozenset[Node]] = WeakKeyDictionary()


def _rows(graph: Graph, size: int) -> frozenset[Node]:
    """The constants and forward values with a row for each example: if the examples are permuted, so are these rows."""
    if graph not in _known:
        found = {leaf for leaf in _constants(graph) if leaf.shape[:1] == (size,)}
        try:
            with np.errstate(all="ignore"):  # the recording warned already
                moved = graph.with_leaves({leaf: _moved(leaf.value) for leaf in found})
        except DecisionError:  # a decision of Python depends on one of the examples
            return frozenset(found)
        twins = dict(zip(graph.forward, moved.forward, strict=True))
        for statement in program_of(graph).forward:
            could_have = statement.shape[:1] == (size,) and not found.isdisjoint(statement.inputs)
            if could_have and _is_same(twins[statement.node].value, _moved(statement.value)):
                found.add(statement.node)
        _known[graph] = frozenset(found)
    return _known[graph]


def _moved(value: Any) -> Any:
    """A value with its rows shifted by one, the last one to the front."""
    return value[np.roll(np.arange(value.shape[0]), 1)]


def _constants(graph: Graph) -> list[Node]:
    return [node for node in graph.forward if node.kind == "constant"]


Rows: TypeAlias = tuple[Collection[Node], Collection[Node]]
_known_gradients: WeakKeyDictionary[Program, dict[int, Rows]] = WeakKeyDictionary()


def _with_gradients(graph: Graph, size: int, index: int) -> Rows:
    """The values with rows, their gradients, and what the backward pass shares whose row slicing gives; and these two alone."""
    program = program_of(graph)
    known = _known_gradients.setdefault(program, {})
    if index not in known:
        rows = _gradients_too(program, _rows(graph, size), index)
        known[index] = rows, {s.node for s in program.backward} & rows
    return known[index]


def _gradients_too(program: Program, rows: Collection[Node], index: int) -> set[Node]:
    found = set(rows)
    for statement in program.backward:
        if statement.of is not None:
            has_rows = statement.of in found
        else:
            has_rows = _is_same(_value(_alone(statement.expression, found, index)), statement.value[index : index + 1])
        if has_rows:
            found.add(statement.node)
    return found


def _alone(x: Expression, rows: Collection[Node], index: int) -> Expression:
    """An expression on the rows of one example; counts of examples stay as they are."""
    if isinstance(x, Name) and x.node in rows:
        return part(x, index, index + 1)
    if isinstance(x, Apply) and x.op.reads_values:
        return Apply(x.op, tuple(_alone(x_i, rows, index) for x_i in x.inputs), x.params, x.shape, x.kind, x.size)
    return x


def _value(x: Expression) -> Any:
    """The value of an expression; None where its shapes do not fit."""
    try:
        with np.errstate(all="ignore"):
            return evaluate(x, lambda node: node.operand)
    except (ValueError, IndexError):
        return None


def _is_same(value: Any, other: Any) -> bool:
    if value is None or np.shape(value) != np.shape(other):
        return False
    if is_sparse(value) and is_sparse(other):
        value, other = (value - other).data, 0
    return np.allclose(value, other, equal_nan=True)
