"""Binary logistic regression: the logit z = X w + b, the probability a = σ(z), and the cross-entropy of a with the label y.

`python -m models.logistic_regression` fits it to the breast-cancer data.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

import tinygraph as tg

Reduction = Literal["mean", "none"]


def parameters(features: int, random: np.random.RandomState) -> dict[str, Any]:
    """Small random weights w of shape (n,), and a bias b of 0."""
    return {"w": random.normal(scale=0.01, size=features), "b": np.zeros(())}


def forward(X: Any, w: Any, b: Any = 0.0) -> dict[str, Any]:
    """The logits z of shape (m,) for examples X of shape (m, n)."""
    z = X @ w + b
    return {"z": z}


def probabilities(z: Any) -> dict[str, Any]:
    """The probability a of label 1 for each logit."""
    a = tg.sigmoid(z)
    return {"a": a}


def loss(z: Any, y: Any, reduction: Reduction = "mean") -> Any:
    """The cross-entropy of logits z with labels y, 0 or 1, finite however sure the model is; "none" gives that of each."""
    return tg.binary_cross_entropy_with_logits(z, y, reduction=reduction)


def textbook_loss(a: Any, y: Any) -> Any:
    """The loss of each example as textbooks write it, from its probability: infinite where the model is sure and wrong."""
    return -(y * np.log(a) + (1 - y) * np.log(1 - a))


if __name__ == "__main__":
    from models.extras import main

    main("LogisticRegression")
