"""The estimators of `models`, with the solver that they choose. The first fit compiles their program; it is not timed."""

from functools import partial

from benchmarks import data
from models import LogisticRegression, SoftmaxRegression


def fit(name):
    X, y = data.classification(name)
    estimator = LogisticRegression if y.max() == 1 else SoftmaxRegression
    model = estimator(l2=data.L2, tol=data.TOL, max_iter=10_000, random_state=0, solver="auto")
    # Below 1, the largest entry of the first gradient is the unit of their tolerance, and not of scikit-learn's.
    model.tol /= min(1, model.fit(X, y).history_["gradient_norm"][0])
    return lambda: model.fit(X, y)


WORKLOADS = {f"fit {name}": partial(fit, name) for name in data.CLASSIFICATIONS}
