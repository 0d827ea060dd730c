"""On real data the models predict as well as scikit-learn's, over the same twenty splits."""

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import LogisticRegression as TheirLogisticRegression
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.neural_network import MLPClassifier as TheirMLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from models import LogisticRegression, MLPClassifier, SoftmaxRegression

NETWORK: dict[str, Any] = {"hidden_layer_sizes": (32,), "solver": "lbfgs", "random_state": 0}


@pytest.mark.parametrize(
    ("load", "ours", "theirs"),
    [
        (load_breast_cancer, LogisticRegression(l2=1 / 512, random_state=0), TheirLogisticRegression()),
        (load_digits, SoftmaxRegression(l2=1 / 1617, random_state=0), TheirLogisticRegression(max_iter=1000)),
        (
            load_digits,
            MLPClassifier(l2=1e-3, max_iter=150, **NETWORK),
            TheirMLPClassifier(max_iter=1000, **NETWORK),
        ),
    ],
    ids=["breast cancer", "digits by softmax", "digits by a network"],
)
def test_mean_test_accuracy(load: Any, ours: Any, theirs: Any) -> None:
    X, y = load(return_X_y=True)
    splits = list(StratifiedShuffleSplit(20, random_state=0).split(X, y))
    scores = [
        np.array([make_pipeline(StandardScaler(), model).fit(X[i], y[i]).score(X[j], y[j]) for i, j in splits])
        for model in (ours, theirs)
    ]
    print(f"ours {scores[0].mean():.4f}, lowest {scores[0].min():.4f}; theirs {scores[1].mean():.4f}, {scores[1].min():.4f}")
    assert scores[0].mean() >= scores[1].mean() - 0.002
