"""Whether some line, plane or set of planes separates the classes, so that the loss of a linear classifier has no finite minimum.

The answer is that of a linear program (Albert and Anderson, 1984; Konis, 2007): is there a direction of the parameters in which
the margin of no example falls, and that of some example rises? Near an optimum the residuals give a solution of its dual, which
proves that there is none. Otherwise the program is solved, first for the examples that the fitted model knows worst, then with
others that could change the answer, so that large data cost little.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import linprog
from scipy.sparse.linalg import lsqr
from scipy.special import softmax

AT_ONCE = 1000  # margins that are added at a time, at least
BLOCK = 10_000  # margins that are looked at together
LARGEST_PROOF = 2000  # parameters, beyond which a matrix of them is too large
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
    if _proves_overlap(X, labels, outputs, intercept):
        return False
    margins = _margins(outputs, labels)
    at_once = max(AT_ONCE, 4 * X.shape[1] * (classes - 1))  # fewer are separable by chance (Cover, 1965)
    chosen = np.argsort(margins, axis=None)[:at_once]
    chosen = chosen[np.isfinite(margins.flat[chosen])]
    centre, spread = _units(X, chosen // classes, intercept)
    while True:
        rows, _ = _rows(X, labels, chosen, classes, intercept, centre, spread)
        direction, strict = _best_direction(rows)
        if not strict:
            # Nothing in the chosen rows can rise. Does anything else depend on a direction that leaves them all as they are?
            direction = _unseen_direction(rows)
        margins = _margins(_outputs(X, direction, classes, intercept, centre, spread), labels)
        margins.flat[chosen] = 0  # they are in the program already
        margins[np.isinf(margins)] = 0
        size = np.max(np.abs(margins), initial=0)
        value = margins if strict else -np.abs(margins)
        worst = np.argsort(value, axis=None)[:at_once]
        worst = worst[value.flat[worst] < -NOTHING * max(size, NOTHING)]
        if not len(worst):
            return strict
        chosen = np.concatenate([chosen, worst])


def _proves_overlap(X: Any, labels: Any, outputs: Any, intercept: bool) -> bool:
    """Whether the residuals prove that no direction D t of all margins has D t >= 0 but for D t = 0.

    By Gordan's theorem there is none if D' w = 0 for some w > 0. The residuals r nearly are such weights where the gradient D' r
    is small, and r (1 - D s) are, exactly, for the s of a Newton step. Rounding leaves D' w = e, which still proves it where
    |e| < min(w) σ for the smallest singular value σ of rows with weights of at least min(w) (the others have weights >= 0).
    """
    classes = outputs.shape[1]
    size = (classes - 1) * (X.shape[1] + intercept)
    if size > LARGEST_PROOF:
        return False
    residuals = softmax(outputs, axis=1)
    residuals[np.arange(len(labels)), labels] = 0
    units = _units(X, np.arange(min(len(labels), AT_ONCE)), intercept)
    blocks = [np.arange(start, min(start + BLOCK, residuals.size)) for start in range(0, residuals.size, BLOCK)]

    def parts() -> Iterator[tuple[Any, Any]]:
        for block in blocks:
            margins = block[labels[block // classes] != block % classes]
            rows, scale = _rows(X, labels, margins, classes, intercept, *units)
            yield rows, residuals.flat[margins] * scale

    curvature, gradient, total = np.zeros((size, size)), np.zeros(size), 0.0
    for rows, weights in parts():
        curvature += (rows.T @ (rows * weights[:, np.newaxis])).toarray()
        gradient += rows.T @ weights
        total += np.sum(weights)
    if not np.isfinite(curvature).all():
        return False
    newton = np.linalg.lstsq(curvature, gradient)[0]
    least = 0.1 * total / residuals.size
    gram, rest = np.zeros((size, size)), np.zeros(size)
    for rows, weights in parts():
        weights = weights * (1 - rows @ newton)
        if np.any(weights < 0) or not np.all(np.isfinite(weights)):
            return False
        heavy = rows[weights >= least]
        gram += (heavy.T @ heavy).toarray()
        rest += rows.T @ weights
    smallest = np.sqrt(max(np.linalg.eigvalsh(gram)[0], 0.0))
    return bool(np.linalg.norm(rest) < least * smallest / 2 and smallest > NOTHING * np.sqrt(np.trace(gram)))


def _margins(outputs: Any, labels: Any) -> Any:
    """The margin of each example against each class, of shape (m, K); infinite against its own."""
    margins = np.take_along_axis(outputs, labels[:, np.newaxis], axis=1) - outputs
    np.put_along_axis(margins, labels[:, np.newaxis], np.inf, axis=1)
    return margins


def _units(X: Any, examples: Any, intercept: bool) -> tuple[Any, Any]:
    """A centre and a spread of each column, by which the columns are alike; a sparse matrix keeps its zeros, and 0 as centre."""
    inputs = X[examples]
    if sparse.issparse(inputs):
        centre, spread = np.zeros(X.shape[1]), abs(inputs).max(axis=0).toarray().ravel()
    else:
        centre = np.median(inputs, axis=0) if intercept else np.zeros(X.shape[1])
        away = np.abs(inputs - centre)
        spread = np.median(away, axis=0)
        spread = np.where(spread > 0, spread, np.max(away, axis=0))
    return centre, np.where(spread > np.finfo(float).tiny, spread, 1.0)


def _outputs(X: Any, direction: Any, classes: int, intercept: bool, centre: Any, spread: Any) -> Any:
    """The outputs of the parameters `direction`, with 0 for the reference class."""
    W = direction.reshape(classes - 1, -1).T
    if sparse.issparse(X):
        outputs = X @ (W[: X.shape[1]] / spread[:, np.newaxis])
    else:
        blocks = [slice(start, start + AT_ONCE) for start in range(0, len(X), AT_ONCE)]  # no second X in memory
        outputs = np.concatenate([((X[block] - centre) / spread) @ W[: X.shape[1]] for block in blocks])
    outputs = outputs + (W[-1] if intercept else 0)
    return np.hstack([np.zeros((len(outputs), 1)), outputs])


def _rows(X: Any, labels: Any, chosen: Any, classes: int, intercept: bool, centre: Any, spread: Any) -> tuple[Any, Any]:
    """The chosen margins as linear functions of the parameters: sparse rows whose largest entry is 1, and what they were."""
    examples, others = np.divmod(chosen, classes)
    inputs = X[examples]
    if sparse.issparse(inputs):
        inputs = sparse.csr_array(inputs) @ sparse.diags_array(1 / spread)
    else:
        inputs = sparse.csr_array((inputs - centre) / spread)
    if intercept:
        inputs = sparse.hstack([inputs, np.ones((len(examples), 1))], format="csr")
    sides = np.zeros((len(chosen), classes))
    sides[np.arange(len(chosen)), labels[examples]] = 1
    sides[np.arange(len(chosen)), others] = -1
    rows = sparse.hstack([inputs.multiply(sides[:, [k]]) for k in range(1, classes)], format="csr")
    largest = abs(rows).max(axis=1).toarray().ravel()
    largest[largest == 0] = 1
    return sparse.diags_array(1 / largest) @ rows, largest


def _best_direction(rows: Any) -> tuple[Any, bool]:
    """A direction in which no row falls and their sum rises as far as a box lets it, and whether it rises at all."""
    result = linprog(-rows.sum(axis=0), A_ub=-rows, b_ub=np.zeros(rows.shape[0]), bounds=(-1, 1), method="highs")
    if result.status != 0:
        raise RuntimeError(f"the linear program on separability ended without an answer: {result.message}")
    return result.x, -result.fun > NOTHING * rows.shape[0]


def _unseen_direction(rows: Any) -> Any:
    """A random direction of the parameters, less its part that the rows depend on."""
    direction = np.random.default_rng(0).normal(size=rows.shape[1])
    seen = lsqr(rows, rows @ direction, atol=1e-14, btol=1e-14, iter_lim=20 * rows.shape[1])[0]
    return direction - seen
