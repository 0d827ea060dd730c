"""Equal is identical: expressions that are made of the same parts are one object, and others are not."""

import copy
import gc
import pickle
import weakref
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tinygraph import ops
from tinygraph.ops import Visited
from tinygraph.program.value import KNOWN, Apply, Expression, Like, Name, Number, apply, atoms, exact, unbound

X = tg.constant(np.ones((2, 3)))
Y = tg.constant(np.ones((2, 3)))


def total(node: tg.Node, **params: Any) -> Apply:
    return apply(ops.sum, Name(node), shape=(), **{"axis": None, "keepdims": False, **params})


@pytest.mark.parametrize(
    ("make", "other"),
    [
        (lambda: Number(2), lambda: Number(2.0)),
        (lambda: Number(1), lambda: Number(True)),
        (lambda: Number(0.0), lambda: Number(-0.0)),
        (lambda: Number(np.nan), lambda: Number(np.inf)),
        (lambda: Number(2.0), lambda: Number(np.float64(2.0))),
        (lambda: Number(2, "n"), lambda: Number(2)),
        (lambda: Name(X), lambda: Name(Y)),
        (lambda: Name(X), lambda: Like(X)),
        (lambda: apply(ops.add, Name(X), Name(Y)), lambda: apply(ops.add, Name(Y), Name(X))),
        (lambda: apply(ops.add, Name(X), Number(1)), lambda: apply(ops.add, Name(X), Number(1.0))),
        (lambda: apply(ops.exp, total(X)), lambda: apply(ops.exp, total(Y))),
        (lambda: total(X, axis=(0, 1)), lambda: total(X)),
        (lambda: total(X, axis=1), lambda: total(X, axis=True)),
        (lambda: total(X, keepdims=False), lambda: total(X, keepdims=0)),
    ],
)
def test_the_same_parts_make_one_object_and_others_another(make: Any, other: Any) -> None:
    first: Expression = make()
    assert make() is first
    assert other() is not first


@pytest.mark.parametrize(
    ("one", "another"),
    [
        ((slice(1, None), 0), (slice(True, None), 0)),
        ((slice(None),), (slice(None, None, 1),)),
        ((0,), (Visited(0),)),
        ((..., None), (None, ...)),
        (("a",), "a"),
    ],
)
def test_metadata_of_other_types_differs(one: Any, another: Any) -> None:
    assert exact(one) == exact(one)
    assert hash(exact(one)) == hash(exact(one))
    assert exact(one) != exact(another)


@pytest.mark.parametrize("x", [Number(-0.0), Number(3, "m"), Name(X), Like(X), total(X, axis=(0, 1))], ids=repr)
def test_a_copy_is_made_of_copies(x: Expression) -> None:
    for copied in (pickle.loads(pickle.dumps(x)), copy.deepcopy(x)):
        assert repr(copied) == repr(x)
        assert copied is x or not isinstance(x, Number)


def test_what_was_recorded_twice_is_the_same_without_the_recorded_values() -> None:
    first, second = (apply(ops.exp, Name(X)) for _ in range(2))
    bound = [Apply(x.op, x.inputs, x.params, x.shape, x.kind, x.size, np.exp(X)) for x in (first, second)]
    assert bound[0] is not bound[1]
    assert unbound(bound[0]) is unbound(bound[1]) is first
    assert unbound(apply(ops.log, bound[0])) is apply(ops.log, first)


def test_what_is_not_in_use_is_forgotten() -> None:
    kept = apply(ops.exp, apply(ops.log, Name(tg.constant(2.0))))
    made = [weakref.ref(x) for x in (kept, kept.inputs[0], *atoms(kept))]
    assert unbound(kept) is kept
    assert all(x() in KNOWN.values() for x in made)
    del kept
    gc.collect()
    assert not any(x() for x in made)
