"""The standardisation of columns and target, folded into the first and the last layer."""

from typing import Any

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from models.scaling import Scaling, of_raw_columns


def outputs(X: Any, parameters: dict[str, Any]) -> Any:
    """A linear model, or a network of tanh units."""
    A = X
    for layer in parameters.values() if "layer1" in parameters else [parameters]:
        A = (A if A is X else np.tanh(A)) @ layer.get("W", layer.get("w")) + layer["b"]
    return A


def tree(kind: str) -> dict[str, Any]:
    normal = np.random.default_rng(0).normal
    if kind == "vector":
        return {"w": normal(size=4), "b": normal()}
    if kind == "matrix":
        return {"W": normal(size=(4, 3)), "b": normal(size=3)}
    return {"layer1": {"W": normal(size=(4, 5)), "b": normal(size=5)}, "layer2": {"W": normal(size=(5, 2)), "b": normal(size=2)}}


@pytest.mark.parametrize("kind", ["vector", "matrix", "network"])
@pytest.mark.parametrize("target", [(0.0, 1.0), (150.0, 77.0)])
def test_raw_columns_give_the_outputs_of_the_standardised_ones(kind: str, target: tuple[float, float]) -> None:
    X = np.random.default_rng(1).normal(size=(50, 4)) * [1e-3, 1.0, 1e3, 0.0] + [5.0, -2.0, 1e4, 7.0]
    scaler = StandardScaler().fit(X)
    parameters = tree(kind)
    raw = of_raw_columns(parameters, Scaling(scaler.mean_, scaler.scale_, *target))
    expected = outputs(scaler.transform(X), parameters) * target[1] + target[0]
    np.testing.assert_allclose(outputs(X, raw), expected, rtol=1e-8, atol=1e-8)


def test_the_given_parameters_stay_as_they_are() -> None:
    parameters = tree("network")
    before = str(parameters)
    of_raw_columns(parameters, Scaling(np.ones(4), np.full(4, 2.0), 3.0, 4.0))
    assert str(parameters) == before
