"""The inputs of every workload, the same for every peer."""

import gc
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

CHAIN_START = np.linspace(0.1, 0.9, 8)
CHAIN_ROUNDS = 250  # of four ops
CLASSIFICATIONS = ("breast cancer", "digits", "1e5x50", "1e6x20")
SIZES = {"100x2": (100, 2), "1000x20": (1000, 20), "1000x1000": (1000, 1000), "1e5x20": (10**5, 20), "1e6x20": (10**6, 20)}
# The rows of each network, and its widths.
IMAGES = (784, 128, 64, 10)
NETWORKS = {"mlp 32": (32, IMAGES), "mlp 256": (256, IMAGES), "mlp 2e5x20": (200_000, (20, 32, 16, 2))}
L2, TOL = 1e-3, 1e-8  # of a fit: penalty, and the largest gradient entry at its end


def chain(x: Any, tanh: Callable[[Any], Any]) -> Any:
    """A thousand elementwise ops on 8 numbers, in whatever array x is."""
    h = x
    for _ in range(CHAIN_ROUNDS):
        h = h * 1.01
        h = h + x
        h = tanh(h)
        h = h - 0.1
    return h


def workloads(chain: Any, logistic: Any, mlp: Any) -> dict[str, Any]:
    """The workloads over arrays by name, from one preparation each."""
    return {"chain": chain, **logistics(logistic), **{name: partial(mlp, *sizes) for name, sizes in NETWORKS.items()}}


def logistics(logistic: Any) -> dict[str, Any]:
    """The logistic regressions by name, in float64 and float32."""
    return {
        f"logistic {name}{ending}": partial(logistic, *size, dtype)
        for ending, dtype in (("", "float64"), (" float32", "float32"))
        for name, size in SIZES.items()
    }


def moons_workloads(moons: Any) -> dict[str, Any]:
    """The demo of scalars with Python's collector of cycles, which runs when many objects are made, and without it."""

    def uncollected() -> Any:
        gc.disable()
        return moons()

    return {"moons": moons, "moons gc off": uncollected}


def logistic(m: int, n: int, dtype: str = "float64") -> tuple[Any, Any, Any, Any]:
    """X of shape (m, n), labels y, weights w and a bias b."""
    random = np.random.default_rng(0)
    X = random.normal(size=(m, n))
    y, w = X[:, 0] + random.normal(size=m) > 0, random.normal(size=n) / 10
    return X.astype(dtype, copy=False), y.astype(dtype), w.astype(dtype), np.dtype(dtype).type(0)


def mlp(batch: int, widths: tuple[int, int, int, int]) -> tuple[Any, Any, list[Any]]:
    """A batch X, one-hot labels Y, and the parameters W1, b1, W2, b2, W3, b3 of a network of three layers."""
    random = np.random.default_rng(0)
    X, Y, parameters = random.normal(size=(batch, widths[0])), np.eye(widths[-1])[random.integers(0, widths[-1], batch)], []
    for rows, columns in pairwise(widths):
        parameters += [random.normal(size=(rows, columns)) / np.sqrt(rows), np.zeros(columns)]
    return X, Y, parameters


def moons(m: int = 100) -> tuple[list[list[float]], list[int]]:
    """Two half circles of m points in all, with labels -1 and 1, as in micrograd's demo."""
    random = np.random.default_rng(1)
    angle = np.linspace(0, np.pi, m // 2)
    upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    lower = np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], axis=1)
    X = np.concatenate([upper, lower]) + random.normal(scale=0.1, size=(m, 2))
    return X.tolist(), [-1] * (m // 2) + [1] * (m // 2)


def classification(name: str) -> tuple[Any, Any]:
    """A data set of scikit-learn, its columns standardised; or, for a size, two classes that overlap."""
    if "x" in name:
        return logistic_sample(*(int(float(size)) for size in name.split("x")))
    from sklearn import datasets
    from sklearn.preprocessing import StandardScaler

    X, y = getattr(datasets, f"load_{name.replace(' ', '_')}")(return_X_y=True)
    return StandardScaler().fit_transform(X), y


def logistic_sample(m: int, n: int) -> tuple[Any, Any]:
    """X of shape (m, n), and labels 0 and 1 that a logistic model draws from it."""
    random = np.random.default_rng(0)
    X = random.normal(size=(m, n))
    return X, (X @ random.normal(size=n) / np.sqrt(n) + random.logistic(size=m) > 0).astype(int)
