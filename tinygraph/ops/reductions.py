"""Reductions: many entries to one along an axis, a tuple of axes, or all of them (axis=None)."""

from __future__ import annotations

import numpy as np

from tinygraph.ops.declare import Array, op
from tinygraph.ops.likes import Axis, broadcast_like, cast_like, count


def keep_axes(g: Array, x: Array, axis: Axis, keepdims: bool) -> Array:
    """Give a reduced array back the axes, of size 1, that the reduction of x took away."""
    if keepdims or axis is None or not g.ndim:  # a number meets any shape as it is
        return g
    return np.expand_dims(g, np.lib.array_utils.normalize_axis_tuple(axis, x.ndim))


def _spread(g: Array, x: Array, axis: Axis, keepdims: bool) -> Array:
    return broadcast_like(keep_axes(g, x, axis, keepdims), x)


@op(lambda g, out, x, axis, keepdims: _spread(g, x, axis, keepdims), numpy=np.sum)
def sum(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """The sum over `axis`.

    >>> np.sum(tg.constant([[1.0, 2.0], [3.0, 4.0]]), 0)
    <node sum (2,) float64: [4. 6.]>
    """
    return np.sum(x, axis=axis, keepdims=keepdims)


@op(lambda g, out, x, axis, keepdims: _spread(g / count(x, axis=axis), x, axis, keepdims), numpy=np.mean)
def mean(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """The mean over `axis`.

    >>> tg.constant([[1.0, 2.0], [3.0, 4.0]]).mean()
    <node mean: 2.5>
    """
    return np.mean(x, axis=axis, keepdims=keepdims)


def _extreme_rule(g: Array, out: Array, x: Array, axis: Axis, keepdims: bool) -> Array:
    hit = cast_like(x == keep_axes(out, x, axis, keepdims), x)
    return keep_axes(g, x, axis, keepdims) * hit / np.sum(hit, axis=axis, keepdims=True)


@op(_extreme_rule, numpy=np.max)
def max(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """The largest entry along `axis`; entries that tie share the gradient equally.

    >>> x = tg.parameter([1.0, 3.0, 3.0])
    >>> tg.gradients(np.max(x), x)
    (array([0. , 0.5, 0.5]),)
    """
    return np.max(x, axis=axis, keepdims=keepdims)


@op(_extreme_rule, numpy=np.min)
def min(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """The smallest entry along `axis`; entries that tie share the gradient equally.

    >>> np.min(tg.constant([[1.0, 2.0], [0.0, 4.0]]), axis=1)
    <node min (2,) float64: [1. 0.]>
    """
    return np.min(x, axis=axis, keepdims=keepdims)


def _deviation(g: Array, x: Array, axis: Axis, keepdims: bool, ddof: float) -> Array:
    """(x - mean) g / (n - ddof), from which the gradients of variance and standard deviation follow."""
    away = x - np.mean(x, axis=axis, keepdims=True)
    return away * keep_axes(g, x, axis, keepdims) / (count(x, axis=axis) - ddof)


@op(lambda g, out, x, axis, keepdims, ddof: 2 * _deviation(g, x, axis, keepdims, ddof), numpy=np.var)
def var(x: Array, *, axis: Axis = None, keepdims: bool = False, ddof: float = 0) -> Array:
    """The variance over `axis`: the squared distance to the mean, summed and divided by n - ddof.

    >>> np.var(tg.constant([1.0, 2.0, 3.0]), ddof=1)
    <node var: 1>
    """
    return np.var(x, axis=axis, keepdims=keepdims, ddof=ddof)


@op(lambda g, out, x, axis, keepdims, ddof: _deviation(g / out, x, axis, keepdims, ddof), numpy=np.std)
def std(x: Array, *, axis: Axis = None, keepdims: bool = False, ddof: float = 0) -> Array:
    """The standard deviation over `axis`, the root of the variance; its gradient on constant entries is NaN.

    >>> np.std(tg.constant([1.0, 2.0, 3.0]), ddof=1)
    <node std: 1>
    """
    return np.std(x, axis=axis, keepdims=keepdims, ddof=ddof)


@op(lambda g, out, x, axis, keepdims: keep_axes(g, x, axis, keepdims) * np.exp(x - keep_axes(out, x, axis, keepdims)))
def logsumexp(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """log(sum(exp(x))) over `axis`, without overflow (largest entry taken out first).

    >>> tg.logsumexp(tg.constant([1000.0, 1000.0]))
    <node logsumexp: 1001>
    """
    top = np.max(x, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    result = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top
    return result if keepdims else np.squeeze(result, axis=axis)[()]
