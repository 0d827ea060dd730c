"""The settings of a training, what each of them means, and which values make sense."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np

from models.multilayer_perceptron import ACTIVATIONS
from models.solvers import SCHEDULES, SOLVERS, UPDATES


@dataclass(kw_only=True, eq=False, repr=False)
class Settings:
    """How to train a model."""

    solver: str = "lbfgs"
    """"lbfgs", "cg" or "newton-cg" of SciPy, the last by its "trust-ncg" on Hessian-vector products; "newton" (Newton's method)
    for linear models; "gd" (gradient descent), "momentum" or "adam"; or "auto": "newton" for a linear model of p parameters on m
    examples, dense, with m p² of at most 1e7, else "lbfgs", in the coordinates of a sample where these help."""
    l2: float = 0.0
    """The loss is the mean over the examples plus l2 / 2 times the sum of squared weights: 1 / (C m) in terms of scikit-learn."""
    learning_rate: float | None = None
    """Size of a step of "gd", "momentum" and "adam"; None means 0.5, 0.05 and 0.01."""
    schedule: str | Callable[[int], float] = "constant"
    """The factor of the learning rate by epoch, from 0: "constant", "inverse" (1 / (1 + epoch)), "cosine", or a function."""
    batch_size: int | None = None
    """Examples an update of "gd", "momentum" and "adam", shuffled in every epoch; None means all of them."""
    max_iter: int = 1000
    """Epochs at most: passes over the examples, or iterations of SciPy."""
    tol: float = 1e-4
    """Training stops where no entry of the gradient is larger, or than this share of the first gradient where that is below 1."""
    loss_tol: float = 0.0
    """Training stops where `n_iter_no_change` epochs make the training loss smaller by no more than this share of it."""
    early_stopping: bool | str = False
    """True holds examples out and stops where their loss no longer falls, "accuracy" where their accuracy no longer rises. Then
    the parameters of the best epoch come back."""
    validation_fraction: float = 0.1
    """The share of the examples that early stopping holds out."""
    n_iter_no_change: int = 10
    """Epochs without improvement that end the training; for "momentum" and "adam", ten times as many on the training loss."""
    restarts: int = 1
    """Trainings from different random parameters, of which the best is kept."""
    warm_start: bool = False
    """Whether `fit` goes on from the parameters of the last one."""
    random_state: Any = None
    """Seed of the initial parameters, the batches and the held-out examples."""
    verbose: bool = False
    """Whether to show a progress bar."""

    @property
    def _batch(self) -> int | None:
        """The examples an update, or None where each update takes all of them."""
        return self.batch_size if self.solver in UPDATES else None

    def _rate(self, epoch: int) -> float:
        """The learning rate of an epoch, counted from 0."""
        first = UPDATES[self.solver].usual_rate if self.learning_rate is None else self.learning_rate
        factor = self.schedule(epoch) if callable(self.schedule) else SCHEDULES[self.schedule](epoch, self.max_iter)
        if not (_number(factor) and factor >= 0):
            raise ValueError(f"schedule gives the factor {factor!r} for epoch {epoch}: it must be a finite number of at least 0")
        return first * factor

    def _check(self) -> None:
        """Raise ValueError for the first setting that makes no sense."""
        for name, (fits, wanted) in VALUES.items():
            if name in vars(self) and not fits(getattr(self, name)):
                raise ValueError(f"{name}={getattr(self, name)!r} must be {wanted}")


def _whole(x: Any) -> bool:
    return isinstance(x, Integral) and not isinstance(x, bool) and int(x) > 0


def _number(x: Any) -> bool:
    try:
        return isinstance(x, Real) and not isinstance(x, bool) and bool(np.isfinite(float(x)))
    except OverflowError:
        return False


_AT_LEAST_0 = (lambda x: _number(x) and x >= 0, "a finite number of at least 0")
_TRUE_OR_FALSE = (lambda x: isinstance(x, bool | np.bool), "True or False")
_COUNT = (_whole, "a whole number above 0")
# What each setting must be: a test and its words. Those of single models stand here too.
VALUES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "solver": (lambda x: isinstance(x, str) and x in SOLVERS, f"one of {', '.join(SOLVERS)}"),
    "l2": _AT_LEAST_0,
    "learning_rate": (lambda x: x is None or (_number(x) and x > 0), "a finite number above 0, or None"),
    "schedule": (
        lambda x: callable(x) or (isinstance(x, str) and x in SCHEDULES),
        f"one of {', '.join(SCHEDULES)}, or a function of the epoch",
    ),
    "batch_size": (lambda x: x is None or _whole(x), "a whole number above 0, or None"),
    "max_iter": _COUNT,
    "tol": _AT_LEAST_0,
    "loss_tol": _AT_LEAST_0,
    "fit_intercept": _TRUE_OR_FALSE,
    "warm_start": _TRUE_OR_FALSE,
    "early_stopping": (lambda x: isinstance(x, bool | np.bool) or x == "accuracy", 'True, False or "accuracy"'),
    "validation_fraction": (lambda x: _number(x) and 0 < x < 1, "a number between 0 and 1"),
    "n_iter_no_change": _COUNT,
    "restarts": _COUNT,
    "class_weight": (lambda x: x is None or isinstance(x, dict) or x == "balanced", 'None, "balanced" or a dict of classes'),
    "multi": (lambda x: x in ("softmax", "ovr"), "one of softmax, ovr"),
    "hidden_layer_sizes": (
        lambda x: isinstance(x, tuple | list) and all(_whole(units) for units in x),
        "a tuple of whole numbers above 0, such as (16, 8)",
    ),
    "activation": (lambda x: isinstance(x, str) and x in ACTIVATIONS, f"one of {', '.join(ACTIVATIONS)}"),
    "init_scale": _AT_LEAST_0,
}
