"""A model of standardised columns as the same model of the columns as they are.

A standardised column is (x - mean) / scale, and a layer takes sums of columns times weights, so that both fit into its weights.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Scaling(NamedTuple):
    """Mean and scale of each column of X, and of the target (0 and 1 where it holds classes)."""

    mean: Any
    scale: Any
    target_mean: float = 0.0
    target_scale: float = 1.0


def of_raw_columns(parameters: dict[str, Any], scaling: Scaling) -> dict[str, Any]:
    """The parameters that give for X what `parameters` give for (X - mean) / scale, in the units of the target.

    In the first layer W becomes W / scale and b becomes b - (mean / scale) @ W; what the last layer gives is stretched and moved.

    >>> of_raw_columns({"w": np.array([4.0, 3.0]), "b": 1.0}, Scaling(mean=np.array([2.0, 0.0]), scale=np.array([2.0, 1.0])))
    {'w': array([2., 3.]), 'b': np.float64(-3.0)}
    """
    network = "layer1" in parameters
    layers = list(parameters.values()) if network else [parameters]
    name = "w" if "w" in parameters else "W"
    W, b = layers[0][name], layers[0]["b"]
    layers[0] = {name: (W.T / scaling.scale).T, "b": b - (scaling.mean / scaling.scale) @ W}
    W, b = layers[-1][name], layers[-1]["b"]
    layers[-1] = {name: W * scaling.target_scale, "b": b * scaling.target_scale + scaling.target_mean}
    return dict(zip(parameters, layers, strict=True)) if network else layers[0]
