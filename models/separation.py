"""Whether some line, plane or set of planes separates the classes, so that the loss of a linear classifier has no finite minimum.

The answer comes from a linear program (Albert and Anderson, 1984; Konis, 2007): is there a direction of the parameters in which
the margin of no example falls, and that of some example rises? It starts with the examples that the fitted model knows worst
and adds others only where they could change the answer, so that large data cost little.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import linprog
from scipy.sparse.linalg import lsqr

AT_ONCE = 1000  # margins that are added at a time
NOTHING = 1e-6  # below this, relative to the largest, a margin is taken for 0


def separable(X: Any, labels: Any, outputs: Any, intercept: bool) -> bool:
    """Whether the optimum is infinite for X of shape (m, n), labels 0 to K - 1, and the fitted model's outputs of shape (m, K).

    The margin of example i against class k is its output for its own class less that for k. Class 0 is the reference, whose
    parameters stay 0.

    >>> X = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    >>> outputs = np.hstack([-X, X])
    >>> separable(X, np.array([0, 0, 1, 1]), outputs, True), separable(X, np.array([0, 1, 0, 1]), outputs, True)
    (True, False)
    """
    classes = outputs.shape[1]
    margins = _margins(outputs, labels)
    chosen = np.argsort(margins, axis=None)[: max(AT_ONCE, 2 * X.shape[1] * (classes - 1))]
    chosen = chosen[np.isfinite(margins.flat[chosen])]
    while True:
        rows = _rows(X, labels, chosen, classes, intercept)
        direction, strict = _best_direction(rows)
        if not strict:
            # Nothing in the chosen rows can rise. Does anything else depend on a direction that leaves them all as they are?
            direction = _unseen_direction(rows)
        margins = _margins(_outputs(X, direction, classes, intercept), labels)
        margins.flat[chosen] = 0  # they are in the program already
        margins[np.isinf(margins)] = 0
        size = np.max(np.abs(margins), initial=0)
        value = margins if strict else -np.abs(margins)
        worst = np.argsort(value, axis=None)[:AT_ONCE]
        worst = worst[value.flat[worst] < -NOTHING * max(size, NOTHING)]
        if not len(worst):
            return strict
        chosen = np.concatenate([chosen, worst])


def _margins(outputs: Any, labels: Any) -> Any:
    """The margin of each example against each class, of shape (m, K); infinite against its own."""
    margins = np.take_along_axis(outputs, labels[:, np.newaxis], axis=1) - outputs
    np.put_along_axis(margins, labels[:, np.newaxis], np.inf, axis=1)
    return margins


def _outputs(X: Any, direction: Any, classes: int, intercept: bool) -> Any:
    """The outputs of the parameters `direction`, with 0 for the reference class."""
    W = direction.reshape(classes - 1, -1).T
    outputs = X @ W[: X.shape[1]] + (W[-1] if intercept else 0)
    return np.hstack([np.zeros((len(outputs), 1)), outputs])


def _rows(X: Any, labels: Any, chosen: Any, classes: int, intercept: bool) -> Any:
    """The chosen margins as linear functions of the parameters: one sparse row each."""
    examples, others = np.divmod(chosen, classes)
    inputs = sparse.csr_array(X[examples])
    if intercept:
        inputs = sparse.hstack([inputs, np.ones((len(examples), 1))], format="csr")
    sides = np.zeros((len(chosen), classes))
    sides[np.arange(len(chosen)), labels[examples]] = 1
    sides[np.arange(len(chosen)), others] = -1
    return sparse.hstack([inputs.multiply(sides[:, [k]]) for k in range(1, classes)], format="csr")


def _best_direction(rows: Any) -> tuple[Any, bool]:
    """A direction in which no row falls and their sum rises as far as a box lets it, and whether it rises at all."""
    scale = abs(rows).max(axis=0).toarray().ravel()
    scale[scale == 0] = 1
    rows = rows @ sparse.diags_array(1 / scale)
    result = linprog(-rows.sum(axis=0), A_ub=-rows, b_ub=np.zeros(rows.shape[0]), bounds=(-1, 1), method="highs")
    if result.status != 0:
        raise RuntimeError(f"the linear program on separability ended without an answer: {result.message}")
    return result.x / scale, -result.fun > NOTHING * rows.shape[0]


def _unseen_direction(rows: Any) -> Any:
    """A random direction of the parameters, less its part that the rows depend on."""
    direction = np.random.default_rng(0).normal(size=rows.shape[1])
    seen = lsqr(rows, rows @ direction, atol=1e-14, btol=1e-14, iter_lim=20 * rows.shape[1])[0]
    return direction - seen
