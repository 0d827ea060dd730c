"""scikit-learn's LogisticRegression with its default solver."""

from functools import partial

from sklearn.linear_model import LogisticRegression

from benchmarks import data


def fit(name):
    X, y = data.classification(name)
    model = LogisticRegression(C=1 / (data.L2 * len(y)), tol=data.TOL, max_iter=10_000)
    return lambda: model.fit(X, y)


WORKLOADS = {f"fit {name}": partial(fit, name) for name in data.CLASSIFICATIONS}
