"""The multilayer perceptron: each layer is Z = A W + b of the layer before it, and an activation between the layers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

import tinygraph as tg

ACTIVATIONS: dict[str, Any] = {"sigmoid": tg.sigmoid, "tanh": np.tanh, "relu": tg.relu}


def parameters(sizes: Sequence[int], scale: float, random: np.random.RandomState) -> dict[str, Any]:
    """Random weights W and biases b of 0 for the layers between `sizes`, such as (2, 8, 1) for 2 inputs, 8 units and 1 output.

    The weights have the standard deviation `scale` * sqrt(2 / (inputs + outputs)), by which signals and gradients neither grow
    nor fade from layer to layer (Glorot and Bengio, 2010). With a scale of 0 all units of a layer compute the same and stay
    alike: the network does not learn.
    """
    layers = {}
    for number, (inputs, outputs) in enumerate(pairwise(sizes), start=1):
        spread = scale * np.sqrt(2 / (inputs + outputs))
        layers[f"layer{number}"] = {"W": spread * random.normal(size=(inputs, outputs)), "b": np.zeros(outputs)}
    return layers


def forward(X: Any, activation: str, **layers: dict[str, Any]) -> dict[str, Any]:
    """The values Z and A = activation(Z) of every layer for examples X of shape (m, n); of the last layer, Z alone."""
    values: dict[str, Any] = {}
    A = X
    for name, layer in layers.items():
        Z = A @ layer["W"] + layer["b"]
        values[name] = {"Z": Z}
        if len(values) < len(layers):
            A = values[name]["A"] = ACTIVATIONS[activation](Z)
    return values
