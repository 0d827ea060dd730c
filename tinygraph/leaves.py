"""Leaves, the inputs of a computation: `parameter`, `constant`, and every bare array in an expression."""

from __future__ import annotations

import sys
from functools import partial
from types import FrameType
from typing import Any
from weakref import ref

import numpy as np
from numpy import ndarray

from tinygraph.decisions import recall
from tinygraph.jitted import refuse_jitted
from tinygraph.node import Leaf, Node
from tinygraph.place import user_frame
from tinygraph.sparse import Sparse, in_dtype, is_sparse, sparse_of, stored

FIXES = {  # for arrays of a kind of dtype that no leaf has
    "c": "use `.real`, `.imag` or `np.abs(value)`",
    "O": "write `np.asarray(value, dtype=float)`",
    "U": "write `np.asarray(value, dtype=float)` if it spells numbers",
}


def parameter(value: Any, *, copy: bool = True) -> Node:
    """A leaf that gets a gradient, which has its shape and dtype.

    An int becomes float64; a Node gives a fresh leaf of its value, without its history. `copy=False` shares the array.
    Raises TypeError for bool, complex, object and string values.

    >>> tg.parameter([1, 2])
    <parameter (2,) float64: [1. 2.]>
    """
    array = _real("parameter", value, copy)
    if array.dtype.kind in "iu":
        array = array.astype(np.float64)
    elif array.dtype.kind == "b":
        raise TypeError("a parameter cannot be bool: write `value.astype(float)`, or use `tg.constant` for a mask")
    return _leaf(array, "parameter")


def constant(value: Any, *, copy: bool = True) -> Node:
    """A leaf without a gradient, such as data, labels or a fixed number. `copy=False` shares the array.

    A matrix of scipy.sparse stays sparse, as a `csr_array`, and takes part in `X @ w`, `X.T` and `X[rows]` alone.
    Raises TypeError for complex, object and string values.

    >>> tg.constant([1, 2])
    <constant (2,) int64: [1 2]>
    """
    return _leaf(_real("constant", value, copy, may_be_sparse=True), "constant")


def seed_leaf(value: Any) -> Node:
    """A leaf that a backward pass starts from.

    >>> seed_leaf(1.0).kind
    'seed'
    """
    return _leaf(_real("constant", value, copy=True), "seed")


_leaves: dict[int, ref[Leaf]] = {}  # those that some graph holds, by the identity of the array


def refuse_masked(value: Any, what: str, name: str = "value") -> None:
    """Raise TypeError for a masked array, whose masked entries would count as data."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{what} cannot be a masked array: fill it first, `{name}.filled(0)`, or use np.where with the mask")


def refuse_list_of_nodes(value: Any) -> None:
    """Raise TypeError where an operand is a list or tuple, however nested, that holds a node."""
    if isinstance(value, list | tuple) and _holds_node(value):
        raise TypeError(
            f"a {type(value).__name__} of nodes cannot be an operand, because it would become an array without gradients: "
            "write np.stack([...])"
        )


def _holds_node(value: Any) -> bool:
    return isinstance(value, Node) or (isinstance(value, list | tuple) and any(map(_holds_node, value)))


def leaf_of(value: Any) -> Node:
    """The constant for a bare array, the same one as long as any graph holds it; or the node that computes the array, where the
    user's expression computed it from other arrays.
    """
    known = _leaves.get(id(value))
    leaf = None if known is None else known()
    if leaf is not None:
        return leaf
    if isinstance(value, np.bool):  # NumPy has one True and one False, so that many names may share one
        from tinygraph import array_expressions  # which reads the ops

        made = array_expressions.computed(value)
        return _leaf(np.array(value), "constant") if made is None else made
    if not isinstance(value, ndarray | np.generic):
        refuse_list_of_nodes(value)
        return _leaf(_real("constant", value, copy=False), "constant")
    return leaf_or_computed(value)


def leaf_or_computed(value: Any) -> Node:
    """What `tinygraph.array_expressions` does, which puts its function here: it reads the ops, so it is imported later."""
    from tinygraph import array_expressions

    return array_expressions.leaf_or_computed(value)


def held_leaf(value: Any) -> Leaf:
    """The constant for an array that the user holds."""
    leaf = _kept(value)
    return new_leaf(value, user_frame(sys._getframe(1))) if leaf is None else leaf


def new_leaf(value: Any, frame: FrameType) -> Leaf:
    """A constant that stands for an array as long as any graph holds it."""
    array = _real("constant", value, copy=False)
    leaf = Leaf(array, "constant", frame.f_code, frame.f_lasti)
    if array is value:
        key = id(value)
        _leaves[key] = ref(leaf, partial(_leaves.pop, key))  # the leaf holds the array, so that no other one has this key
        recall(leaf)
    return leaf


def _kept(value: Any) -> Leaf | None:
    """The leaf that stands for an array already."""
    known = _leaves.get(id(value))
    return None if known is None else known()


def is_bare(leaf: Node) -> bool:
    """Whether a leaf is a bare array in an expression, or an entry of one, and not a leaf that the user made."""
    return _kept(leaf._value) is leaf or (isinstance(leaf, Leaf) and leaf.array is not None)


def as_node(x: Any) -> Node:
    """x itself if it is a node, or the constant for an array, list or number."""
    return x if isinstance(x, Node) else leaf_of(as_array(x))


def as_array(x: Any) -> Any:
    """A bare operand as an array, or a NumPy scalar as it is; raises TypeError for a list of nodes."""
    refuse_list_of_nodes(x)
    return x if isinstance(x, np.generic) else np.asarray(x)


def with_value(leaf: Node, value: Any) -> Node:
    """A leaf of the same kind, dtype and place with another value; raises ValueError for another shape."""
    array = _real(leaf.kind, value, copy=True, may_be_sparse=type(leaf._value) is Sparse)
    if array.shape != leaf.shape:
        raise ValueError(f"the new value has shape {array.shape}, and {leaf!r} has shape {leaf.shape}: give it that shape")
    assert isinstance(leaf, Leaf)
    if type(leaf._value) is Sparse and type(array) is not Sparse:
        array = sparse_of(array, copy=False)
    with np.errstate(invalid="ignore"):
        cast = in_dtype(array, leaf.dtype)
    if leaf.dtype.kind in "biu" and not np.array_equal(stored(cast), stored(array)):
        raise ValueError(
            f"the new value does not fit {leaf.dtype}, the dtype of {leaf!r}: record the program again with {array.dtype}"
        )
    return Leaf(cast, leaf.kind, leaf.code, leaf.instruction, leaf.decided)


def _leaf(value: Any, kind: str) -> Leaf:
    frame = user_frame(sys._getframe(2))
    return Leaf(value, kind, frame.f_code, frame.f_lasti)


def _real(kind: str, value: Any, copy: bool, may_be_sparse: bool = False) -> Any:
    """`value` as a real array, or as a scalar if the shape is (); a sparse matrix, where one is allowed, is unchanged."""
    if type(value) is ndarray and not copy and value.dtype.kind in "biuf":
        return value
    if isinstance(value, Node):
        refuse_jitted(value, f"tg.{kind}(node)")
        value = value.value
    refuse_masked(value, f"a {kind}")
    if isinstance(value, np.generic):
        array: Any = value
    else:
        try:
            array = np.array(value, copy=copy or None)
        except ValueError as error:
            raise TypeError(f"a {kind} must be one array of numbers, not rows of different lengths: {error}") from error
    if array.dtype.kind not in "biuf":
        fix = FIXES.get(array.dtype.kind, FIXES["O"])
        if is_sparse(value):
            if may_be_sparse:
                return sparse_of(value, copy)
            raise TypeError(
                f"a sparse matrix ({type(value).__name__}) is no {kind}: its gradient would be dense, so write "
                "tg.parameter(X.toarray()); data is tg.constant(X)"
                if kind == "parameter"
                else f"a sparse matrix ({type(value).__name__}) becomes a node by tg.constant(X), which takes part in `X @ w`, "
                "`X.T` and `X[rows]`; for anything else write X.toarray()"
            )
        raise TypeError(f"a {kind} must be real numbers, not {array.dtype} ({type(value).__name__}): {fix}")
    return array if array.shape or not copy else array[()]
