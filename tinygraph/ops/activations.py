"""Activations: sigmoid, relu, softplus and softmax, silent where an exponential in them over- or underflows."""

from __future__ import annotations

import numpy as np

from tinygraph.ops.declaration import Array
from tinygraph.ops.declare import op
from tinygraph.ops.dtypes import of_ufunc
from tinygraph.ops.kinds import Same


@op(
    lambda g, a, z: g * a * (1 - a),
    elementwise=True,
    notation="σ",
    quiet=True,
    dtype=of_ufunc(np.exp),
    squashes=True,
)
def sigmoid(z: Array) -> Array:
    """The logistic function `1 / (1 + exp(-z))`, between 0 and 1.

    Shape: that of z.
    Derivative: ∂/∂z = sigmoid(z) * (1 - sigmoid(z)).

    >>> tg.sigmoid(tg.constant([-1000.0, 0.0, 1000.0]))
    <node sigmoid (3,) float64: [0. 0.5 1. ]>
    """
    e = np.exp(-np.abs(z))
    return np.maximum(e, z >= 0) / (1 + e)  # the numerator is 1 where z >= 0, else e


@op(lambda g, a, z: g * (z > 0), elementwise=True, dtype=lambda z: of_ufunc(np.maximum)(z, int), onnx="Relu")
def relu(z: Array) -> Array:
    """max(z, 0), the rectified linear unit.

    Shape: that of z.
    Derivative: ∂/∂z = where(z > 0, 1, 0). At 0 it is taken as 0.

    >>> tg.relu(tg.constant([-2.0, 3.0]))
    <node relu (2,) float64: [0. 3.]>
    """
    return np.maximum(z, 0)


@op(
    lambda g, a, z: g * sigmoid(z),
    elementwise=True,
    quiet=True,
    dtype=of_ufunc(np.exp),
)
def softplus(z: Array) -> Array:
    """`log(1 + exp(z))`, a smooth relu; it is the cross-entropy of the logit z with the label 0.

    Shape: that of z.
    Derivative: ∂/∂z = sigmoid(z).

    >>> tg.softplus(tg.constant([-1000.0, 1000.0]))
    <node softplus (2,) float64: [ 0. 1000.]>
    """
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


@op(
    lambda g, a, z, axis: a * (g - np.sum(g * a, axis=axis, keepdims=True)),
    quiet=True,
    kind=Same(),
    dtype=of_ufunc(np.exp),
    onnx="Softmax({}, axis={axis})",
)
def softmax(z: Array, *, axis: int = -1) -> Array:
    """`exp(z) / sum(exp(z))` along `axis`: positive entries that sum to 1.

    Shape: that of z.
    Derivative: dz = a * (g - sum(g * a)) for the result a.

    >>> tg.softmax(tg.constant([1.0, 2.0, 3.0]))
    <node softmax (3,) float64: [0.09 0.2447 0.6652]>
    >>> tg.softmax(tg.constant([1000.0, 1000.0]))
    <node softmax (2,) float64: [0.5 0.5]>
    """
    e = np.exp(z - np.max(z, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


@op(
    lambda g, a, z, axis: g - np.exp(a) * np.sum(g, axis=axis, keepdims=True),
    quiet=True,
    kind=Same(),
    dtype=of_ufunc(np.exp),
)
def log_softmax(z: Array, *, axis: int = -1) -> Array:
    """`log(softmax(z))` along `axis`, finite where the softmax itself underflows.

    Shape: that of z.
    Derivative: dz = g - softmax(z) * sum(g).

    >>> tg.log_softmax(tg.constant([0.0, 1000.0]))
    <node log_softmax (2,) float64: [-1000. 0.]>
    """
    z = z - np.max(z, axis=axis, keepdims=True)
    return z - np.log(np.sum(np.exp(z), axis=axis, keepdims=True))
