"""Softmax regression: K logits Z = X W + b, probabilities A = softmax(Z), and the cross-entropy of A with one-hot labels Y.

With `sigmoids` in place of softmax the K outputs are K logistic regressions side by side, one for each class against the rest.
`python -m models.softmax_regression` fits it to the digits.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

import tinygraph as tg

Reduction = Literal["mean", "none"]


def parameters(features: int, classes: int, random: np.random.RandomState) -> dict[str, Any]:
    """Small random weights W of shape (n, K), and K biases b of 0."""
    return {"W": random.normal(scale=0.01, size=(features, classes)), "b": np.zeros(classes)}


def forward(X: Any, W: Any, b: Any = 0.0) -> dict[str, Any]:
    """The logits Z of shape (m, K) for examples X of shape (m, n)."""
    Z = X @ W + b
    return {"Z": Z}


def probabilities(Z: Any) -> dict[str, Any]:
    """The probability A of each class; every row sums to 1."""
    A = tg.softmax(Z)
    return {"A": A}


def loss(Z: Any, Y: Any, reduction: Reduction = "mean") -> Any:
    """The cross-entropy of logits Z with one-hot labels Y, finite however sure the model is; "none" gives that of each."""
    return tg.softmax_cross_entropy(Z, Y, reduction=reduction)


def textbook_loss(A: Any, Y: Any) -> Any:
    """The loss of each example as textbooks write it: -log of the probability that the right class has."""
    return -np.sum(Y * np.log(A), axis=-1)


def sigmoids(Z: Any) -> dict[str, Any]:
    """The probability A of each class against the rest; the rows need not sum to 1."""
    A = tg.sigmoid(Z)
    return {"A": A}


def loss_of_sigmoids(Z: Any, Y: Any, reduction: Reduction = "mean") -> Any:
    """The sum of the K binary cross-entropies of an example, from its logits, as a mean over the examples or of each."""
    losses = np.sum(tg.binary_cross_entropy_with_logits(Z, Y, reduction="none"), axis=-1)
    return np.mean(losses) if reduction == "mean" else losses


def textbook_loss_of_sigmoids(A: Any, Y: Any) -> Any:
    """The loss of each example as textbooks write it, from the probabilities."""
    return -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A), axis=-1)


if __name__ == "__main__":
    from models.extras import main

    main("SoftmaxRegression")
