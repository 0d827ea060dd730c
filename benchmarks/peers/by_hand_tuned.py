"""NumPy with the gradients written by hand, into arrays that are kept."""

import numpy as np

from benchmarks import data


def logistic(m, n, dtype):
    X, y, w, b = data.logistic(m, n, dtype)
    z, e, losses, dz = (np.empty(m, dtype) for _ in range(4))
    state = {"w": w, "b": b}

    def step():
        np.dot(X, state["w"], out=z)
        np.add(z, state["b"], out=z)
        np.copysign(z, -1, out=e)  # -|z|
        np.exp(e, out=e)
        np.maximum(z, 0, out=losses)
        np.multiply(y, z, out=dz)
        np.subtract(losses, dz, out=losses)
        np.log1p(e, out=dz)
        np.add(losses, dz, out=losses)
        np.copysign(1, z, out=dz)
        np.maximum(e, dz, out=dz)  # the sigmoid's numerator: 1, or e where z < 0
        np.add(e, 1, out=e)
        np.divide(dz, e, out=dz)
        np.subtract(dz, y, out=dz)
        state["w"], state["b"] = state["w"] - (0.1 / m) * dz.dot(X), state["b"] - (0.1 / m) * dz.sum()
        return losses.sum() / m

    return step


WORKLOADS = data.logistics(logistic)
