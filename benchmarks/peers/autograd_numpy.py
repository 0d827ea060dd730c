"""HIPS/autograd."""

from functools import partial

import autograd.numpy as np
from autograd import grad, value_and_grad

from benchmarks import data


def chain():
    def f(x):
        h = x
        for _ in range(data.CHAIN_ROUNDS):
            h = h * 1.01
            h = h + x
            h = np.tanh(h)
            h = h - 0.1
        return np.sum(h)

    gradient = grad(f)
    return lambda: gradient(data.CHAIN_START)


def descent(f, parameters, rate):
    both = value_and_grad(f)
    state = {"parameters": parameters}

    def step():
        loss, gradients = both(state["parameters"])
        state["parameters"] = [p - rate * g for p, g in zip(state["parameters"], gradients, strict=True)]
        return loss

    return step


def logistic(m, n):
    X, y, w = data.logistic(m, n)

    def f(parameters):
        z = np.dot(X, parameters[0]) + parameters[1]
        return np.mean(np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z))))

    return descent(f, [w, 0.0], 0.1)


def mlp(batch):
    X, Y, parameters = data.mlp(batch)

    def f(parameters):
        W1, b1, W2, b2, W3, b3 = parameters
        A1 = np.maximum(np.dot(X, W1) + b1, 0)
        Z3 = np.dot(np.maximum(np.dot(A1, W2) + b2, 0), W3) + b3
        top = np.max(Z3, axis=1, keepdims=True)
        return np.mean(np.log(np.sum(np.exp(Z3 - top), axis=1)) + top[:, 0] - np.sum(Y * Z3, axis=1))

    return descent(f, parameters, 0.01)


WORKLOADS = {
    "chain": chain,
    "logistic 100x2": partial(logistic, 100, 2),
    "logistic 1000x20": partial(logistic, 1000, 20),
    "logistic 1e5x20": partial(logistic, 100_000, 20),
    "mlp 32": partial(mlp, 32),
    "mlp 256": partial(mlp, 256),
}
