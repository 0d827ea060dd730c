"""Linear regression: the prediction z = X w + b, and its squared error. Least squares is maximum likelihood with Gaussian noise.

`python -m models.linear_regression` fits it to the diabetes data.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def parameters(features: int, random: np.random.RandomState) -> dict[str, Any]:
    """Small random weights w of shape (n,), and a bias b of 0."""
    return {"w": random.normal(scale=0.01, size=features), "b": np.zeros(())}


def forward(X: Any, w: Any, b: Any = 0.0) -> dict[str, Any]:
    """The predictions z of shape (m,) for examples X of shape (m, n)."""
    z = X @ w + b
    return {"z": z}


def loss(z: Any, y: Any) -> Any:
    """The squared error of each example with its target y.

    -log of the Gaussian density of y around z with variance 1 is (z - y)**2 / 2 and a constant, so the smallest sum of squares
    and the largest likelihood have the same parameters.
    """
    return (z - y) ** 2


if __name__ == "__main__":
    from models.command import main

    main("LinearRegression")
