"""Losses: how far predictions are from targets, as a mean over the examples, a sum, or one number each ("none")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from tinygraph.ops.activations import log_softmax, sigmoid, softmax
from tinygraph.ops.arithmetic import ratio
from tinygraph.ops.declaration import Array
from tinygraph.ops.declare import op
from tinygraph.ops.dtypes import Dtype, of_ufunc, together
from tinygraph.ops.kinds import Contraction, Params
from tinygraph.ops.likes import cast_like, count, one_hot_like
from tinygraph.ops.selection import where

Reduction = Literal["mean", "sum", "none"]


def _check_pair(prediction: Array, target: Array, *, reduction: Reduction) -> None:
    _check_reduction(reduction)
    if prediction.shape != target.shape:
        raise ValueError(
            f"predictions of shape {prediction.shape} and targets of shape {target.shape} must have the same shape "
            "(broadcasting them would compare every example with every other): reshape the targets, for example "
            "y.reshape(z.shape)"
        )


def _as_numbers(labels: Array, prediction: Array) -> Array:
    """Integer and bool labels in the dtype of the predictions, so that float32 stays float32."""
    return labels.astype(prediction.dtype) if labels.dtype.kind in "biu" and prediction.dtype.kind == "f" else labels


def _check_reduction(reduction: Reduction) -> None:
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"reduction={reduction!r}: choose one of mean, sum, none")


def _reduce(losses: Array, reduction: Reduction) -> Array:
    return losses.mean() if reduction == "mean" else losses.sum() if reduction == "sum" else losses


def _over(g: Array, prediction: Array, reduction: Reduction) -> Array:
    """The upstream gradient of one example's loss."""
    return g / count(prediction) if reduction == "mean" else g


def _pair(ranks: Sequence[int], params: Params) -> str:
    return f"...,...->{'...' * (params['reduction'] == 'none')}"


def _of_numbers(x: Dtype, other: Dtype) -> Dtype:
    """The dtype of `_as_numbers`."""
    return other if np.dtype(x).kind in "biu" and np.dtype(other).kind == "f" else x


def _of_logarithms(prediction: Dtype, target: Dtype) -> Dtype:
    return together(of_ufunc(np.log)(prediction), _of_numbers(target, prediction))


@op(
    lambda g, out, a, y, reduction: _over(g, a, reduction) * (-ratio(y, a) + ratio(1 - y, 1 - a)),
    lambda g, out, a, y, reduction: _over(g, a, reduction) * (np.log(1 - a) - np.log(a)),
    check=_check_pair,
    notation="BCE",
    kind=Contraction(_pair),
    dtype=_of_logarithms,
)
def binary_cross_entropy(a: Array, y: Array, *, reduction: Reduction = "mean") -> Array:
    """`mean(-(y * log(a) + (1 - y) * log(1 - a)))` for probabilities a and labels y.

    `reduction` may be "sum" or "none" in place of the mean. The loss is infinite for a = 0 with y = 1, or a = 1 with y = 0. A
    label of exactly 0 or 1 leaves the other logarithm out, so a sure and right answer costs 0. Where logits are at hand,
    `binary_cross_entropy_with_logits` keeps the digits that 1 - a loses. Raises ValueError for different shapes.

    Shape: a and y have the same shape; the mean and the sum are numbers, "none" keeps the shape.
    Derivative: da = g * (-y / a + (1 - y) / (1 - a)); dy = g * (log(1 - a) - log(a)); for the mean, both are divided by the
    number of entries.

    >>> tg.binary_cross_entropy(tg.constant([0.5, 0.0]), np.array([1, 0]))
    <node binary_cross_entropy: 0.3466>
    """
    y = _as_numbers(y, a)
    positive, negative = where(y == 0, 1, a), where(y == 1, 1, 1 - a)
    return _reduce(-(y * np.log(positive) + (1 - y) * np.log(negative)), reduction)


@op(
    lambda g, out, z, y, reduction: _over(g, z, reduction) * (sigmoid(z) - y),
    lambda g, out, z, y, reduction: _over(g, z, reduction) * -z,
    check=_check_pair,
    quiet=True,
    notation="BCE(σ({}), {})",
    kind=Contraction(_pair),
    dtype=_of_logarithms,
)
def binary_cross_entropy_with_logits(z: Array, y: Array, *, reduction: Reduction = "mean") -> Array:
    """The binary cross-entropy of sigmoid(z) with labels y, finite at any logit z.

    Computed as max(z, 0) - y z + log(1 + exp(-|z|)), whose first two terms cancel exactly for a label of 0 or 1: then the loss is
    right to its last digits however small it is. Its gradient sigmoid(z) - y is right to about 1e-16: that of a sure and right
    answer may be 0 in place of a tiny number.
    Raises ValueError for different shapes.

    Shape: z and y have the same shape; the mean and the sum are numbers, "none" keeps the shape.
    Derivative: dz = g * (sigmoid(z) - y); dy = -g * z; for the mean, both are divided by the number of entries.

    >>> tg.binary_cross_entropy_with_logits(tg.constant([1000.0, 0.0]), np.array([1, 0]))
    <node binary_cross_entropy_with_logits: 0.3466>
    """
    y = _as_numbers(y, z)
    return _reduce(np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z))), reduction)


def _targets(y: Array, Z: Array) -> Array:
    """The labels as one row of probabilities per example."""
    return cast_like(y, Z) if y.ndim == Z.ndim else one_hot_like(y, Z)


def _check_labels(Z: Array, y: Array, *, reduction: Reduction) -> None:
    _check_reduction(reduction)
    classes = Z.shape[-1]
    if y.shape == Z.shape:
        if not np.allclose(np.sum(y, axis=-1), 1, rtol=0, atol=1e-6):
            raise ValueError("every row of one-hot or probability labels must sum to 1")
    elif y.shape != Z.shape[:-1]:
        raise ValueError(
            f"logits of shape {Z.shape} need integer labels of shape {Z.shape[:-1]} or one-hot labels of shape {Z.shape}, "
            f"not shape {y.shape}"
        )
    elif y.dtype.kind not in "iu":
        raise TypeError(f"class labels must be integers, not {y.dtype}: write y.astype(int)")
    elif y.size and not (np.min(y) >= 0 and np.max(y) < classes):
        raise ValueError(f"labels from {np.min(y)} to {np.max(y)} do not fit {classes} classes, numbered from 0")


def _softmax_rule(g: Array, out: Array, Z: Array, y: Array, reduction: Reduction) -> Array:
    targets = _targets(y, Z)
    upstream = np.expand_dims(g, -1) if reduction == "none" else g
    if reduction == "mean":
        upstream = g / count(targets, axis=tuple(range(Z.ndim - 1)))
    return upstream * (softmax(Z) - targets)


def _of_classes(ranks: Sequence[int], params: Params) -> str:
    logits, labels = ranks
    return f"...c,...{'c' * (labels == logits)}->{'...' * (params['reduction'] == 'none')}"


@op(
    _softmax_rule,
    None,
    check=_check_labels,
    quiet=True,
    notation="CE(softmax({}), {})",
    kind=Contraction(_of_classes),
    dtype=lambda Z, y: of_ufunc(np.log)(Z),
)
def softmax_cross_entropy(Z: Array, y: Array, *, reduction: Reduction = "mean") -> Array:
    """-log(p), where p is the probability that softmax(Z) gives to the right class.

    Labels y are integers of shape (...) or one-hot rows (probabilities summing to 1) of the shape of Z; they are data, so no
    gradient flows into them. Raises ValueError or TypeError for labels that do not fit.

    Shape: Z (..., classes), y (...) or (..., classes); the mean and the sum are numbers, "none" gives (...).
    Derivative: dZ = g * (softmax(Z) - Y) for the one-hot labels Y; for the mean, it is divided by the number of examples.

    >>> Z = tg.constant([[0.0, 0.0], [1000.0, 0.0]])
    >>> tg.softmax_cross_entropy(Z, np.array([0, 0]))
    <node softmax_cross_entropy: 0.3466>
    """
    targets = (y if y.ndim == Z.ndim else np.expand_dims(y, -1) == np.arange(Z.shape[-1])).astype(Z.dtype)
    return _reduce(-np.sum(targets * where(targets == 0, 0, log_softmax(Z)), axis=-1), reduction)


@op(
    lambda g, out, prediction, target, reduction: _over(g, prediction, reduction) * (2 * (prediction - target)),
    lambda g, out, prediction, target, reduction: _over(g, prediction, reduction) * (2 * (target - prediction)),
    check=_check_pair,
    notation="MSE",
    kind=Contraction(_pair),
    dtype=lambda x, y: together(_of_numbers(x, y), _of_numbers(y, x)),
)
def mean_squared_error(prediction: Array, target: Array, *, reduction: Reduction = "mean") -> Array:
    """`mean((prediction - target)**2)`, or what `reduction` says in place of the mean; raises ValueError for different shapes.

    Shape: both have the same shape; the mean and the sum are numbers, "none" keeps the shape.
    Derivative: d prediction = g * 2 * (prediction - target), d target its negative; for the mean, both are divided by the
    number of entries.

    >>> tg.mean_squared_error(tg.constant([1.0, 2.0]), np.array([1.0, 4.0]))
    <node mean_squared_error: 2>
    """
    prediction, target = _as_numbers(prediction, target), _as_numbers(target, prediction)
    return _reduce(np.square(prediction - target), reduction)
