"""The multilayer perceptron for regression: its last layer has one unit, whose loss is that of linear regression.

`python -m models.mlp_regressor` fits it to the diabetes data.
"""

from typing import Any

from models.linear_regression import Reduction
from models.linear_regression import loss as squared_error
from models.multilayer_perceptron import forward, parameters

__all__ = ["forward", "loss", "parameters"]


def loss(Z: Any, Y: Any, reduction: Reduction = "mean") -> Any:
    """The mean squared error of predictions Z with targets Y, both of shape (m, 1); "none" gives that of each example."""
    errors = squared_error(Z, Y, reduction)
    return errors if reduction == "mean" else errors[..., 0]


if __name__ == "__main__":
    from models.extras import main

    main("MLPRegressor")
