"""Standard errors of the coefficients: the inverse of the Hessian of -log of the likelihood is their covariance."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from models.chunked import is_chunked
from models.estimator import Estimator
from models.objective import Examples, Objective
from models.trainer import Training
from models.tree import Layout, Tree


class LastFit(NamedTuple):
    """The last fit: its loss function, its examples by reference, the sum of their weights, and the loss at its end."""

    objective: Objective
    data: Examples
    size: float
    loss: float


class Statistics(Estimator):
    """Standard errors for a model with weights w of shape (n,) and a bias b."""

    def _keep(self, training: Training, data: Examples, size: float) -> None:
        if not is_chunked(data.X):
            self._training_data = LastFit(training.objective, data, size, training.loss())

    def _dispersion(self, data: Examples, size: float, count: int) -> float:
        """The factor from the inverse Hessian of the mean loss, over m, to the covariance; `count` parameters were fitted."""
        return 1.0

    @property
    def standard_errors_(self) -> Tree:
        """The standard error of each parameter, in a tree like `parameters_`, from the Hessian that the engine computes.

        With a penalty they are those of the posterior. They are computed when they are read, from the examples of the last `fit`.
        Raises AttributeError where these are gone (after pickling, loading, `partial_fit`, `fit_batches` or a fit to dask arrays)
        and ValueError where they were changed, where columns of X depend on each other, or where there is no optimum; warns where
        training stopped before it.
        """
        check_is_fitted(self)
        if self.stop_reason_.startswith(("no finite optimum", "diverged")):
            raise ValueError(f"there is no optimum, so no standard errors ({self.stop_reason_})")
        if not self.stop_reason_.startswith(("gradient", "plateau", "rounding")):
            message = f"the parameters are not at an optimum ({self.stop_reason_}), and neither are their standard errors"
            warnings.warn(message, ConvergenceWarning, stacklevel=2)
        last_fit: LastFit | None = getattr(self, "_training_data", None)
        if last_fit is None:
            lost = "which are not kept of dask arrays, and neither saved nor pickled"
            raise AttributeError(f"standard errors need the examples of the fit, {lost}: fit again")
        parameters = self.parameters_
        if not np.isclose(last_fit.objective.measure(parameters, last_fit.data)[0], last_fit.loss, rtol=1e-9, atol=0):
            raise ValueError("the examples were changed after the fit, so its standard errors are lost: fit again")
        hessian = last_fit.objective.hessian(parameters, last_fit.data)
        scale = np.sqrt(np.diag(hessian))  # columns of any unit are compared alike
        correlations = hessian / np.outer(scale, scale) if np.all(scale) else hessian
        if not np.linalg.cond(correlations) < 1 / np.finfo(float).eps:
            raise ValueError("columns of X depend on each other: leave some out, or set l2 above 0")
        variances = np.diag(np.linalg.inv(correlations)) / scale**2 / last_fit.size
        variances *= self._dispersion(last_fit.data, last_fit.size, len(variances))
        return Layout(parameters, float).tree(np.sqrt(variances))

    def summary(self) -> Any:
        """A data frame with coefficient, standard error, z (their ratio) and, for a classifier, odds ratio of every feature.

        z has a standard normal distribution where the true coefficient is 0. The odds of class 1 are multiplied by the odds ratio
        exp(w) where the feature rises by 1.
        """
        import pandas as pd

        names = getattr(self, "feature_names_in_", [f"x{i + 1}" for i in range(self.n_features_in_)])
        columns = {"coefficient": self.parameters_, "standard error": self.standard_errors_}
        table = pd.DataFrame(
            {column: np.append(tree["w"], tree.get("b", [])) for column, tree in columns.items()},
            index=[*names, "intercept"] if "b" in self.parameters_ else list(names),
        )
        table["z"] = table["coefficient"] / table["standard error"]
        if hasattr(self, "classes_"):
            table["odds ratio"] = np.exp(table["coefficient"])
        return table
