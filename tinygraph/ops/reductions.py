"""Reductions: many entries to one along an axis, a tuple of axes, or all of them (axis=None)."""

from __future__ import annotations

import numpy as np

from tinygraph.ops.activations import softmax
from tinygraph.ops.declaration import Array
from tinygraph.ops.declare import op
from tinygraph.ops.dtypes import floating, of_ufunc, summed
from tinygraph.ops.kinds import Same, Sum
from tinygraph.ops.likes import Axis, broadcast_like, cast_like, count, keep_axes
from tinygraph.ops.linear_algebra import direction


def _spread(g: Array, x: Array, axis: Axis, keepdims: bool) -> Array:
    return broadcast_like(keep_axes(g, x, axis, keepdims), x)


@op(lambda g, out, x, axis, keepdims: _spread(g, x, axis, keepdims), numpy=np.sum, kind=Sum(), dtype=summed, notation="Σ {}")
def sum(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """The sum over `axis`.

    Shape: that of x without `axis`; with `keepdims` those axes have size 1.
    Derivative: dx = g, broadcast to the shape of x.

    >>> np.sum(tg.constant([[1.0, 2.0], [3.0, 4.0]]), 0)
    <node sum (2,) float64: [4. 6.]>
    """
    return x.sum(axis=axis, keepdims=keepdims)


@op(
    lambda g, out, x, axis, keepdims: _spread(g / count(x, axis=axis), x, axis, keepdims),
    numpy=np.mean,
    dtype=floating,
    notation="1/n Σ {}",
)
def mean(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """The mean over `axis`.

    Shape: that of x without `axis`; with `keepdims` those axes have size 1.
    Derivative: dx = g / n, broadcast to the shape of x; n is the number of entries averaged.

    >>> tg.constant([[1.0, 2.0], [3.0, 4.0]]).mean()
    <node mean: 2.5>
    """
    return x.mean(axis=axis, keepdims=keepdims)


def _extreme_rule(g: Array, out: Array, x: Array, axis: Axis, keepdims: bool) -> Array:
    hit = cast_like(x == keep_axes(out, x, axis, keepdims), x)
    return keep_axes(g, x, axis, keepdims) * hit / np.sum(hit, axis=axis, keepdims=True)


@op(_extreme_rule, numpy=np.max, notation="max {}")
def max(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """The largest entry over `axis`.

    Shape: that of x without `axis`; with `keepdims` those axes have size 1.
    Derivative: dx = g at the largest entry and 0 elsewhere; equal largest entries share g equally.

    >>> x = tg.parameter([1.0, 3.0, 3.0])
    >>> tg.gradients(np.max(x), x)
    (array([0. , 0.5, 0.5]),)
    """
    return x.max(axis=axis, keepdims=keepdims)


@op(_extreme_rule, numpy=np.min, notation="min {}")
def min(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """The smallest entry over `axis`.

    Shape: that of x without `axis`; with `keepdims` those axes have size 1.
    Derivative: dx = g at the smallest entry and 0 elsewhere; equal smallest entries share g equally.

    >>> np.min(tg.constant([[1.0, 2.0], [0.0, 4.0]]), axis=1)
    <node min (2,) float64: [1. 0.]>
    """
    return x.min(axis=axis, keepdims=keepdims)


def _var_rule(g: Array, out: Array, x: Array, axis: Axis, keepdims: bool, ddof: float) -> Array:
    away = x - np.mean(x, axis=axis, keepdims=True)
    return 2 * (away * keep_axes(g, x, axis, keepdims) / (count(x, axis=axis) - ddof))


@op(_var_rule, numpy=np.var, dtype=floating)
def var(x: Array, *, axis: Axis = None, keepdims: bool = False, ddof: float = 0) -> Array:
    """The variance over `axis`: sum((x - mean(x))**2) / (n - ddof), for n entries.

    Shape: that of x without `axis`; with `keepdims` those axes have size 1.
    Derivative: dx = g * 2 * (x - mean(x)) / (n - ddof).

    >>> np.var(tg.constant([1.0, 2.0, 3.0]), ddof=1)
    <node var: 1>
    """
    return x.var(axis=axis, keepdims=keepdims, ddof=ddof)


def _deviations_rule(g: Array, out: Array, x: Array, axis: Axis) -> Array:
    return deviations(g, axis=axis)


@op(_deviations_rule, kind=Same(), dtype=floating)
def deviations(x: Array, *, axis: Axis = None) -> Array:
    """`x - mean(x)` over `axis`, and exactly 0 where all entries are equal, even if their mean is rounded.

    Shape: that of x.
    Derivative: dx = g - mean(g).

    >>> x = np.full(3, 0.1)
    >>> x - np.mean(x), tg.ops.deviations(x)
    (array([-1.38777878e-17, -1.38777878e-17, -1.38777878e-17]), array([0., 0., 0.]))
    """
    away = x - np.mean(x, axis=axis, keepdims=True)
    equal = np.max(x, axis=axis, keepdims=True, initial=-np.inf) == np.min(x, axis=axis, keepdims=True, initial=np.inf)
    return np.where(equal, 0, away)[()]


def _std_rule(g: Array, out: Array, x: Array, axis: Axis, keepdims: bool, ddof: float) -> Array:
    """The standard deviation is the length of the deviations, over the root of n - ddof."""
    towards = direction(deviations(x, axis=axis), axis=axis)
    return towards * keep_axes(g, x, axis, keepdims) / np.sqrt(count(x, axis=axis) - ddof)


@op(_std_rule, numpy=np.std, dtype=floating)
def std(x: Array, *, axis: Axis = None, keepdims: bool = False, ddof: float = 0) -> Array:
    """The standard deviation over `axis`, sqrt(var(x)).

    Shape: that of x without `axis`; with `keepdims` those axes have size 1.
    Derivative: dx = g * (x - mean(x)) / (std(x) * (n - ddof)) for n entries; taken as 0 where all entries are equal.

    >>> np.std(tg.constant([1.0, 2.0, 3.0]), ddof=1)
    <node std: 1>
    """
    return x.std(axis=axis, keepdims=keepdims, ddof=ddof)


def _weights_rule(g: Array, out: Array, x: Array, axis: Axis) -> Array:
    return out * (g - np.sum(g * out, axis=axis, keepdims=True))


@op(_weights_rule, quiet=True, notation="softmax", kind=Same(), dtype=floating)
def logsumexp_weights(x: Array, *, axis: Axis = -1) -> Array:
    """exp(x) / sum(exp(x)) over `axis`; entries that tie for the largest share equally if it is infinite.

    Shape: that of x.
    Derivative: dx = w * (g - sum(g * w)) for the result w.

    >>> tg.ops.logsumexp_weights(np.array([[-np.inf, -np.inf], [1000.0, -1000.0]]), axis=1)
    array([[0.5, 0.5],
           [1. , 0. ]])
    """
    largest = np.finfo(x.dtype).max
    return softmax(np.clip(x, -largest, largest), axis=axis)


def _logsumexp_rule(g: Array, out: Array, x: Array, axis: Axis, keepdims: bool) -> Array:
    return keep_axes(g, x, axis, keepdims) * logsumexp_weights(x, axis=-1 if x.ndim == 1 else axis)


@op(_logsumexp_rule, quiet=True, dtype=of_ufunc(np.exp), notation="ln Σ exp({})")
def logsumexp(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """log(sum(exp(x))) over `axis`, without overflow; -inf if all entries are -inf.

    Shape: that of x without `axis`; with `keepdims` those axes have size 1.
    Derivative: dx = g * softmax(x).

    >>> tg.logsumexp(tg.constant([1000.0, 1000.0]))
    <node logsumexp: 1001>
    """
    top = np.max(x, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    total = np.sum(np.exp(x - top), axis=axis, keepdims=True)
    result = np.where(total == 0, -np.inf, np.log(np.where(total == 0, 1, total)) + top)
    return result if keepdims else np.squeeze(result, axis=axis)[()]
