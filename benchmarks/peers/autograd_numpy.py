"""HIPS/autograd."""

import autograd.numpy as np
from autograd import grad, value_and_grad

from benchmarks import data


def chain():
    def f(x):
        return np.sum(data.chain(x, np.tanh))

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


def logistic(m, n, dtype):
    X, y, w, b = data.logistic(m, n, dtype)

    def f(parameters):
        z = np.dot(X, parameters[0]) + parameters[1]
        return np.mean(np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z))))

    return descent(f, [w, b], 0.1)


def mlp(batch, widths):
    X, Y, parameters = data.mlp(batch, widths)

    def f(parameters):
        W1, b1, W2, b2, W3, b3 = parameters
        A1 = np.maximum(np.dot(X, W1) + b1, 0)
        Z3 = np.dot(np.maximum(np.dot(A1, W2) + b2, 0), W3) + b3
        top = np.max(Z3, axis=1, keepdims=True)
        return np.mean(np.log(np.sum(np.exp(Z3 - top), axis=1)) + top[:, 0] - np.sum(Y * Z3, axis=1))

    return descent(f, parameters, 0.01)


WORKLOADS = data.workloads(chain, logistic, mlp)
