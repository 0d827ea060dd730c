"""Scans: every entry depends on those before it along an axis. Products are right where factors are 0."""

from __future__ import annotations

import numpy as np

from tinygraph.ops.declaration import Array
from tinygraph.ops.declare import op
from tinygraph.ops.dtypes import summed
from tinygraph.ops.kinds import Same
from tinygraph.ops.likes import broadcast_like, index
from tinygraph.ops.shapes import concatenate, flip


def _along(axis: int, ndim: int, part: slice) -> tuple[slice, ...]:
    return (slice(None),) * (axis % ndim) + (part,)


def _delayed(x: Array, axis: int, first: float) -> Array:
    """x one place later along the axis, with `first` in front."""
    ahead = broadcast_like(first, index(x, template=_along(axis, x.ndim, slice(None, 1))))
    return concatenate(ahead, index(x, template=_along(axis, x.ndim, slice(None, -1))), axis=axis)


def _cumsum_rule(g: Array, out: Array, x: Array, axis: int) -> Array:
    return flip(cumsum(flip(g, axis=axis), axis=axis), axis=axis)


@op(_cumsum_rule, numpy=np.cumsum, kind=Same(), dtype=summed, onnx="CumSum({}, int64({axis}))")
def cumsum(x: Array, *, axis: int) -> Array:
    """The cumulative sum along `axis`: out[i] = x[0] + ... + x[i].

    Shape: that of x.
    Derivative: dx[i] = g[i] + g[i + 1] + ... up to the end.

    >>> np.cumsum(tg.constant([1.0, 2.0, 3.0]))
    <node cumsum (3,) float64: [1. 3. 6.]>
    """
    return np.cumsum(x, axis=axis)


def _adjoint(g: Array, factor: Array, axis: int) -> Array:
    """What reaches each term of a recurrence from all later results."""
    ahead = flip(_delayed(flip(factor, axis=axis), axis, 0.0), axis=axis)
    return flip(recurrence(flip(g, axis=axis), flip(ahead, axis=axis), axis=axis), axis=axis)


@op(
    lambda g, out, term, factor, axis: _adjoint(g, factor, axis),
    lambda g, out, term, factor, axis: _adjoint(g, factor, axis) * _delayed(out, axis, 0.0),
    kind=Same(fits=True),
    untraceable="it writes in place",
)
def recurrence(term: Array, factor: Array, *, axis: int) -> Array:
    """r[i] = term[i] + factor[i] * r[i - 1] along `axis`, starting from r[-1] = 0.

    Shape: that of term and of factor, which are the same.
    Derivative: dterm[i] = g[i] + factor[i + 1] * dterm[i + 1]; dfactor[i] = dterm[i] * r[i - 1].

    >>> tg.ops.recurrence(np.array([1.0, 1.0, 1.0]), np.array([9.0, 2.0, 3.0]), axis=0)
    array([ 1.,  3., 10.])
    """
    result = np.array(term, dtype=np.result_type(term, factor))
    rows, factors = np.moveaxis(result, axis, 0), np.moveaxis(factor, axis, 0)
    for i in range(1, len(rows)):
        rows[i] += factors[i] * rows[i - 1]
    return result


def _cumprod_rule(g: Array, out: Array, x: Array, axis: int) -> Array:
    return _delayed(out, axis, 1.0) * _adjoint(g, x, axis)


@op(_cumprod_rule, numpy=np.cumprod, kind=Same(), dtype=summed)
def cumprod(x: Array, *, axis: int) -> Array:
    """The cumulative product along `axis`: out[i] = x[0] * ... * x[i].

    Shape: that of x.
    Derivative: dx[i] = the sum over j >= i of g[j] times x[0] * ... * x[j] without the factor x[i].

    >>> np.cumprod(tg.constant([1.0, 2.0, 3.0]))
    <node cumprod (3,) float64: [1. 2. 6.]>
    """
    return np.cumprod(x, axis=axis)


def _others_rule(g: Array, out: Array, x: Array, axis: int) -> Array:
    backward = flip(x, axis=axis)
    before = _delayed(cumprod(x, axis=axis), axis, 1.0)
    after = flip(_delayed(cumprod(backward, axis=axis), axis, 1.0), axis=axis)
    through_before = _delayed_cumprod_rule(g * after, x, axis)
    through_after = flip(_delayed_cumprod_rule(flip(g * before, axis=axis), backward, axis), axis=axis)
    return through_before + through_after


def _delayed_cumprod_rule(g: Array, x: Array, axis: int) -> Array:
    """The contribution to x of a cumulative product that stands one place later, whose last entry no result has."""
    ahead = flip(_delayed(flip(g, axis=axis), axis, 0.0), axis=axis)
    return _cumprod_rule(ahead, cumprod(x, axis=axis), x, axis)


@op(_others_rule, kind=Same(), dtype=summed, notation="∏≠ {}")
def product_of_others(x: Array, *, axis: int) -> Array:
    """For each entry, the product of all other entries along `axis`.

    It is computed without a division, so that it is right where entries are 0.

    Shape: that of x.
    Derivative: dx[i] = the sum over j != i of g[j] times the product of all entries but x[i] and x[j].

    >>> tg.ops.product_of_others(np.array([2.0, 0.0, 4.0]), axis=0)
    array([0., 8., 0.])
    """
    x = np.moveaxis(x, axis, 0)
    first = np.ones_like(x[:1])
    before = np.cumprod(np.concatenate([first, x[:-1]]), axis=0)
    after = np.flip(np.cumprod(np.concatenate([first, np.flip(x[1:], 0)]), axis=0), 0)
    return np.moveaxis(before * after, 0, axis)


def _prod_rule(g: Array, out: Array, x: Array, axis: int, keepdims: bool) -> Array:
    return (g if keepdims else np.expand_dims(g, axis)) * product_of_others(x, axis=axis)


@op(_prod_rule, numpy=np.prod, dtype=summed, notation="∏ {}")
def prod(x: Array, *, axis: int, keepdims: bool = False) -> Array:
    """The product along `axis`.

    Shape: that of x without `axis`; with `keepdims` that axis has size 1.
    Derivative: dx[i] = g times the product of all other entries.

    >>> x = tg.parameter([2.0, 0.0, 4.0])
    >>> tg.gradients(np.prod(x), x)
    (array([0., 8., 0.]),)
    """
    return np.prod(x, axis=axis, keepdims=keepdims)
