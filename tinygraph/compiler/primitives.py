"""What a compiled step knows of primitive nodes: what they read, and how NumPy computes them into a given array."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygraph.node import Node
from tinygraph.ops import Op
from tinygraph.ops.declare import result_of

SHORT = 32  # entries of a row, up to which NumPy takes less time to compare whole columns
FLOATS = (np.dtype(np.float64), np.dtype(np.float32))


def _op_of(ufunc: np.ufunc) -> Op:
    """An op of a ufunc that graphs do not record."""

    def function(x: Any, y: Any) -> Any:
        return ufunc(x, y)

    function.__name__ = ufunc.__name__
    op = Op(function, (None, None), {"elementwise": True, "numpy": ufunc})
    op.built_in, op.compute = True, ufunc
    return op


FMAX, FMIN = _op_of(np.fmax), _op_of(np.fmin)


def read(node: Node) -> Sequence[Any]:
    """What an op reads the values of, numbers too; not nodes of which it reads the shape alone."""
    op = node.op
    if op is None or True not in op.reads_shape:
        return node.inputs
    return [x for i, x in enumerate(node.inputs) if not op.reads_shape_at(i)]


def reads(node: Node) -> list[Node]:
    """The nodes whose values an op reads, each as often as it does."""
    return [x for x in read(node) if isinstance(x, Node)]


def needed(nodes: Sequence[Node], targets: Sequence[Node]) -> list[Node]:
    """Those of the nodes, in order of creation, whose values the values of the targets are computed from."""
    wanted: set[Any] = set(targets)
    for node in reversed(nodes):
        if node in wanted:
            wanted.update(read(node))
    return [node for node in nodes if node in wanted]


def is_ufunc(node: Node) -> bool:
    """Whether a node is what a ufunc of NumPy gives, which writes into an array where it is given one."""
    op = node.op
    if op is None or not op.built_in or not isinstance(op.numpy, np.ufunc) or not op.elementwise or node.params:
        return False
    return op.compute is op.numpy or op.of_numbers


def function_of(op: Op) -> Callable[..., Any]:
    """What computes an op: of a user's op a function that returns an array of numbers, and writes to none of its operands."""
    if op.built_in:
        return op.compute
    compute = guarded(op.compute)
    return lambda *inputs, **params: result_of(op, compute(*inputs, **params))


def guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of the user's, on arrays that it cannot write to."""
    return lambda *inputs, **params: function(*map(_read_only, inputs), **params)


def _read_only(x: Any) -> Any:
    if not isinstance(x, np.ndarray):
        return x
    view = x.view()
    view.flags.writeable = False
    return view


def is_product(node: Node) -> bool:
    """Whether a node is a product of dense vectors and matrices of floats, all of one dtype."""
    if node.op is None or node.op.name != "matmul":
        return False
    dense = all(isinstance(x, Node) and 1 <= x.ndim <= 2 and isinstance(x._value, np.ndarray) for x in node.inputs)
    return dense and node.dtype in FLOATS and {x.dtype for x in node.inputs} == {node.dtype}


def summed_axes(node: Node) -> tuple[int, ...] | None:
    """The axes that a plain sum of floats is over; None for any other node."""
    if node.op is None or node.op.name != "sum":
        return None
    (x,), axis = node.inputs, node.params["axis"]
    if not isinstance(x, Node) or x.dtype not in FLOATS or not x.shape or node.dtype != x.dtype:
        return None
    if axis is None:
        return tuple(range(x.ndim))
    return tuple(sorted(i % x.ndim for i in (axis if isinstance(axis, tuple) else (axis,))))


def sums_matrix(node: Node) -> bool:
    """Whether a node is the sum of a matrix along one axis, which a product with ones gives."""
    axes = summed_axes(node)
    return axes is not None and len(axes) == 1 and node.inputs[0].ndim == 2 and isinstance(node.inputs[0]._value, np.ndarray)


def is_short_extreme(node: Node) -> bool:
    """Whether a node is the largest or smallest entry of each row of a matrix with short rows."""
    if node.op is None or node.op.name not in ("max", "min"):
        return False
    x = node.inputs[0]
    is_matrix = isinstance(x, Node) and x.ndim == 2 and isinstance(x._value, np.ndarray)
    return is_matrix and node.params["axis"] in (1, -1, (1,), (-1,)) and x.shape[1] <= SHORT


def owns(node: Node) -> bool:
    """Whether the op of a node makes an array of its own, or a number."""
    return not node.shape or is_ufunc(node) or (node.op is not None and node.op.view is False)


def is_buffered(node: Node) -> bool:
    """Whether a value can be computed into a given array."""
    if not node.shape or node.op is None:
        return False
    if is_ufunc(node):
        return any(isinstance(x, Node) and x.shape for x in node.inputs)
    return is_product(node) or sums_matrix(node)
