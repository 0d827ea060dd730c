"""How the parameters move: gradient descent with its updates and learning rates, SciPy's methods, and Newton's, on one engine."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import numpy as np

from models.objective import Evaluation, Examples
from models.tree import Vector


class Problem(Protocol):
    """The training as a solver sees it. Parameters, gradients and directions are flat vectors."""

    def evaluate(self, vector: Vector, data: Examples | None = None) -> Evaluation:
        """Loss, gradient and accuracy at the parameters, on a batch or on all examples."""

    def evaluate_with_hessian(self, vector: Vector) -> tuple[Evaluation, Any]:
        """The same on all examples, and the Hessian."""

    def product(self, vector: Vector, direction: Vector) -> Vector:
        """The product of the Hessian with a direction."""

    def report(self, vector: Vector, found: Evaluation) -> bool:
        """Add an epoch to the history; whether to stop."""

    def measure(self, vector: Vector, data: Examples) -> tuple[float, float]:
        """Loss and accuracy at the parameters on a batch."""

    def start_over(self, loss: float, accuracy: float) -> None:
        """Change loss and accuracy of the start in the history."""


class Update(Protocol):
    """How a gradient becomes a step."""

    def __call__(self, gradient: Vector, rate: float) -> Vector:
        """The step to take away from the parameters."""


class GradientDescent:
    """step = rate * gradient"""

    usual_rate = 0.5

    def __call__(self, gradient: Vector, rate: float) -> Vector:
        """The step to take away from the parameters."""
        return gradient.dtype.type(rate) * gradient


class Momentum:
    """velocity = 0.9 * velocity + gradient, step = rate * velocity (Polyak, 1964)."""

    usual_rate = 0.05
    kept = 0.9

    def __init__(self) -> None:
        self.velocity: Any = 0.0

    def __call__(self, gradient: Vector, rate: float) -> Vector:
        """The step to take away from the parameters."""
        self.velocity = gradient + self.kept * self.velocity
        return gradient.dtype.type(rate) * self.velocity


class Adam:
    """Steps of about `rate` a parameter: running mean of the gradient over root of that of its square (Kingma and Ba, 2015)."""

    usual_rate = 0.01
    kept, kept_squares, least = 0.9, 0.999, 1e-8

    def __init__(self) -> None:
        self.count = 0
        self.mean: Any = 0.0
        self.square: Any = 0.0

    def __call__(self, gradient: Vector, rate: float) -> Vector:
        """The step to take away from the parameters."""
        self.count += 1
        self.mean = self.kept * self.mean + (1 - self.kept) * gradient
        self.square = self.kept_squares * self.square + (1 - self.kept_squares) * gradient**2
        mean, square = self.mean / (1 - self.kept**self.count), self.square / (1 - self.kept_squares**self.count)
        return gradient.dtype.type(rate) * mean / (np.sqrt(square) + gradient.dtype.type(self.least))


UPDATES: dict[str, type[GradientDescent | Momentum | Adam]] = {"gd": GradientDescent, "momentum": Momentum, "adam": Adam}
SCHEDULES: dict[str, Callable[[int, int], float]] = {
    "constant": lambda epoch, epochs: 1.0,
    "inverse": lambda epoch, epochs: 1 / (1 + epoch),
    "cosine": lambda epoch, epochs: (1 + np.cos(np.pi * min(epoch / epochs, 1))) / 2,
}
REJECTED = 60  # steps of "trust-ncg" in a row that do not help, each a quarter of the one before
_WITHOUT_END = {"maxiter": 2**31 - 1}  # the stopping rules of the trainer decide, not SciPy's
SCIPY: dict[str, tuple[str, dict[str, float]]] = {
    "lbfgs": ("L-BFGS-B", {"gtol": 0.0, "ftol": 0.0, "maxls": 50, "maxcor": 30, "maxfun": 2**31 - 1, **_WITHOUT_END}),
    "cg": ("CG", {"gtol": 0.0, **_WITHOUT_END}),
    "newton-cg": ("trust-ncg", {"gtol": 0.0, "max_trust_radius": 1e100, **_WITHOUT_END}),
}


SOLVERS = [*SCIPY, "newton", *UPDATES, "auto"]
LEAST_RATE = 2.0**-40  # of a step of "newton"
AUTO = 10**7  # examples times squared parameters, up to which "auto" means "newton"


def chosen(solver: str, linear: bool, parameters: int, data: Examples | None) -> str:
    """The solver that "auto" means: "newton" where the Hessian of a convex loss costs little, else "lbfgs"."""
    if solver != "auto":
        return solver
    is_small = linear and data is not None and type(data.X) is np.ndarray and len(data.y) * parameters**2 <= AUTO
    return "newton" if is_small else "lbfgs"


def descend(problem: Problem, vector: Vector, update: Update, rate: Callable[[int], float]) -> str:
    """Gradient descent on all examples at once; an epoch is one update."""
    for epoch in itertools.count():
        found = problem.evaluate(vector)
        if problem.report(vector, found):
            break
        vector = vector - update(found.gradient, rate(epoch))
    return ""


def descend_in_batches(
    problem: Problem, vector: Vector, update: Update, rate: Callable[[int], float], epochs: Iterable[Iterable[Examples]]
) -> str:
    """Gradient descent with one update a batch; an epoch is one pass over the batches. Batches of weight 0 are left out.

    A row of the history holds means over the batches of an epoch: the first row of the losses at the start, the others of losses
    and gradients at the parameters of each batch. Returns a reason to stop that comes from no stopping rule.
    """
    start = vector
    for epoch, batches in enumerate(epochs):
        size = 0.0
        sums: tuple[Any, ...] = (0.0, 0.0, 0.0)
        before = np.zeros(2)
        for batch in batches:
            if not batch.size:
                continue
            found = problem.evaluate(vector, batch)
            if epoch == 0 and size == 0 and problem.report(vector, found._replace(gradient=found.gradient * np.nan)):
                return ""
            if epoch == 0:
                before += batch.size * np.array(problem.measure(start, batch))
            size += batch.size
            sums = tuple(total + batch.size * part for total, part in zip(sums, found, strict=True))
            vector = vector - update(found.gradient, rate(epoch))
        if size == 0:
            raise ValueError("the batches hold no example: pass an iterable of (X, y) with at least one")
        if epoch == 0:
            problem.start_over(*(before / size))
        if problem.report(vector, Evaluation(*(total / size for total in sums))):
            break
    return "data: the batches ended"


def with_scipy(problem: Problem, vector: Vector, solver: str, axes: Any = None) -> str:
    """One of SciPy's methods on the gradients of the engine; an epoch is one of its iterations.

    The columns of `axes`, a matrix, are the directions along which it moves, by default those of the parameters. Returns SciPy's
    reason if SciPy stops first: it finds no lower loss, because of rounding.
    """
    from scipy.optimize import minimize

    method, options = SCIPY[solver]
    point: Callable[[Vector], Vector] = (lambda u: u) if axes is None else (lambda u: vector + axes @ u)
    first = vector if axes is None else np.zeros(len(vector))
    latest: list[Any] = [first, problem.evaluate(vector)]
    if problem.report(vector, latest[1]):
        return ""

    def evaluate(u: Vector) -> Evaluation:
        if not np.array_equal(u, latest[0]):
            latest[:] = u.copy(), problem.evaluate(point(u))
        found: Evaluation = latest[1]
        return found

    def loss_and_gradient(u: Vector) -> tuple[float, Vector]:
        found = evaluate(u)
        return found.loss, found.gradient if axes is None else found.gradient @ axes

    accepted, rejected = first, 0

    def callback(intermediate_result: Any) -> None:
        nonlocal accepted, rejected
        u = np.array(intermediate_result.x)
        if np.array_equal(u, accepted):  # "trust-ncg" calls for a step that it takes back, too
            rejected += 1
        else:
            accepted, rejected = u, 0
        if rejected > REJECTED or (not rejected and problem.report(point(u), evaluate(u))):
            raise StopIteration

    products = {"hessp": problem.product} if method == "trust-ncg" else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a line search that fails; the reason says so
        result = minimize(loss_and_gradient, first, jac=True, method=method, options=options, callback=callback, **products)
    says = "its steps are too small to change it" if rejected > REJECTED else f"SciPy says: {result.message}"
    return f"rounding: {solver} cannot make the loss any smaller ({says})"


def newton(problem: Problem, vector: Vector) -> str:
    """Newton's method for a convex loss: a step to the minimum of the parabola that has its gradient and its Hessian.

    A step is halved until it lowers the loss enough (Armijo, 1966) or, where losses differ by rounding alone, the gradient. An
    epoch is one step. Returns a reason where no step does.
    """
    found, hessian = problem.evaluate_with_hessian(vector)
    while not problem.report(vector, found):
        if not np.isfinite(hessian).all():
            return "rounding: newton cannot make the loss any smaller (its second derivatives are not finite; scale X)"
        step, rate = newton_step(hessian, found.gradient), 1.0
        slope = float(found.gradient @ step)
        while True:
            there = vector - vector.dtype.type(rate) * step
            trial, hessian = problem.evaluate_with_hessian(there)
            if is_better(trial, found, 1e-4 * rate * slope):
                break
            rate /= 2
            if rate < LEAST_RATE:
                return "rounding: newton cannot make the loss any smaller"
        vector, found = there, trial
    return ""


def is_better(trial: Evaluation, found: Evaluation, least: float) -> bool:
    """Whether the loss is smaller by `least` or, as far as it can be known, no larger and its gradient is smaller."""
    rounding = 10 * np.finfo(found.gradient.dtype).eps * abs(found.loss)
    if trial.loss <= found.loss - least and least > rounding:
        return True
    return bool(trial.loss <= found.loss + rounding and np.max(np.abs(trial.gradient)) < np.max(np.abs(found.gradient)))


def newton_step(hessian: Any, gradient: Vector) -> Vector:
    """The solution of H step = gradient, where H is positive definite; else that of H and a small multiple of its diagonal.

    Some of it is always added, no more than rounding: a direction in which the loss is flat, as where columns of X depend on each
    other, would get a step without bounds.
    """
    from scipy.linalg.lapack import dposv  # by Cholesky's factors

    diagonal = hessian.diagonal()
    scale = 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1))  # columns of any units count alike
    scaled = np.multiply(hessian, scale, order="C")
    scaled *= scale[:, np.newaxis]
    diagonal = scaled.reshape(-1)[:: len(gradient) + 1]
    damping, failed = 10 * len(gradient) * float(np.finfo(gradient.dtype).eps), True
    while failed:
        diagonal += damping
        _, solution, failed = dposv(scaled, scale * gradient)
        damping *= 100
    step: Vector = scale * solution
    return step.astype(gradient.dtype, copy=False)
