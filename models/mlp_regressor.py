"""The multilayer perceptron for regression: its last layer has one unit, whose loss is that of linear regression.

`python -m models.mlp_regressor` fits it to the diabetes data.
"""

from typing import Any

from models.linear_regression import loss as squared_error
from models.multilayer_perceptron import forward, parameters

__all__ = ["forward", "loss", "parameters"]


def loss(Z: Any, y: Any) -> Any:
    """The squared error of each example; Z of shape (m, 1), or (1,) for one example."""
    return squared_error(Z[..., 0], y)


if __name__ == "__main__":
    from models.command import main

    main("MLPRegressor")
