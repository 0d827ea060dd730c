"""Linear regression: the prediction z = X w + b, and its squared error. Least squares is maximum likelihood with Gaussian noise.

`python -m models.linear_regression` fits it to the diabetes data.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

import tinygraph as tg

Reduction = Literal["mean", "none"]


def parameters(features: int, random: np.random.RandomState) -> dict[str, Any]:
    """Weights w of shape (n,) and a bias b, all 0: the one minimum is reached from anywhere, whatever the units of y."""
    return {"w": np.zeros(features), "b": np.zeros(())}


def forward(X: Any, w: Any, b: Any = 0.0) -> dict[str, Any]:
    """The predictions z of shape (m,) for examples X of shape (m, n)."""
    z = X @ w + b
    return {"z": z}


def loss(z: Any, y: Any, reduction: Reduction = "mean") -> Any:
    """The mean squared error of predictions z with targets y; "none" gives that of each example.

    -log of the Gaussian density of y around z with variance 1 is (z - y)**2 / 2 and a constant, so the smallest sum of squares
    and the largest likelihood have the same parameters.
    """
    return tg.mean_squared_error(z, y, reduction=reduction)


if __name__ == "__main__":
    from models.extras import main

    main("LinearRegression")
