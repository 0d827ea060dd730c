"""Derivatives found without the chain rule, by a step into the complex plane; `tinygraph.check` has differences."""

from collections.abc import Callable
from typing import Any

import numpy as np

Arrays = tuple[Any, ...]


def complex_step(function: Callable[..., Any], arguments: Arrays, k: int, seed: Any) -> Any:
    """The gradient of sum(seed * function) in argument k, exact to rounding where the function is analytic."""

    def at(entry: Any) -> Any:
        moved = np.array(arguments[k], dtype=complex)
        moved[entry] += 1e-30j
        return np.sum(seed * np.imag(function(*arguments[:k], moved[()], *arguments[k + 1 :]))) / 1e-30

    result = np.zeros(np.shape(arguments[k]))
    for entry in np.ndindex(result.shape):
        result[entry] = at(entry)
    return result


def assert_close(actual: Any, expected: Any, tolerance: float) -> None:
    """Within the tolerance relative to max(1, max |expected|)."""
    assert np.shape(actual) == np.shape(expected)
    scale = max(1.0, float(np.max(np.abs(expected), initial=0.0)))
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * scale)
