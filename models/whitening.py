"""Coordinates in which a convex loss curves alike in all directions, as the Hessian of a sample of the examples has it.

L-BFGS needs few steps there, however different the units of the columns of X are, and however much they depend on each other.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from models.objective import Examples
from models.solvers import AUTO

WORTH = 30  # the condition of a Hessian from which other coordinates are worth their sample
FEWEST = 20  # examples of a sample for each parameter


def sample(data: Examples, parameters: int) -> Examples | None:
    """As many examples as Newton's method is quick for; None where these would be too few, or X is sparse or a dask array."""
    count = AUTO // parameters**2
    m = data.y.shape[0]
    if type(data.X) is not np.ndarray or not FEWEST * parameters <= count < m:
        return None
    return data.rows(np.sort(np.random.default_rng(0).integers(m, size=count))).normalised()


def is_worth_it(hessian: Any) -> bool:
    """Whether a loss curves much more in some directions than in others."""
    values = np.linalg.eigvalsh(hessian) if np.isfinite(hessian).all() else np.zeros(1)
    return bool(values[-1] > WORTH * values[0])


def axes(hessian: Any) -> Any:
    """As columns, directions along which the second derivative is 1, but where the loss is flat to rounding."""
    values, vectors = np.linalg.eigh(hessian)
    return vectors / np.sqrt(np.maximum(values, values[-1] * len(values) * np.finfo(float).eps))
