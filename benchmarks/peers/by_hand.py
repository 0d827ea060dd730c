"""NumPy with the gradients written by hand."""

import numpy as np

from benchmarks import data


def chain():
    x = data.CHAIN_START

    def step():
        h, outs = x, []
        for _ in range(data.CHAIN_ROUNDS):
            h = np.tanh(h * 1.01 + x)
            outs.append(h)
            h = h - 0.1
        g, dx = np.ones_like(x), np.zeros_like(x)
        for out in reversed(outs):
            g = g * (1 - out**2)
            dx = dx + g
            g = g * 1.01
        return dx + g

    return step


def logistic(m, n, dtype):
    X, y, w, b = data.logistic(m, n, dtype)
    state = {"w": w, "b": b}

    def step():
        w, b = state["w"], state["b"]
        z = X @ w + b
        e = np.exp(-np.abs(z))
        loss = np.mean(np.maximum(z, 0) - y * z + np.log1p(e))
        dz = (np.where(z >= 0, 1, e) / (1 + e) - y) / len(y)
        state["w"], state["b"] = w - 0.1 * (X.T @ dz), b - 0.1 * np.sum(dz)
        return loss

    return step


def mlp(batch, widths):
    X, Y, parameters = data.mlp(batch, widths)
    state = {"parameters": parameters}

    def step():
        W1, b1, W2, b2, W3, b3 = state["parameters"]
        A1 = np.maximum(X @ W1 + b1, 0)
        A2 = np.maximum(A1 @ W2 + b2, 0)
        Z3 = A2 @ W3 + b3
        e = np.exp(Z3 - np.max(Z3, axis=1, keepdims=True))
        total = np.sum(e, axis=1, keepdims=True)
        loss = np.mean(np.log(total[:, 0]) + np.max(Z3, axis=1) - np.sum(Y * Z3, axis=1))
        dZ3 = (e / total - Y) / len(Y)
        dZ2 = (dZ3 @ W3.T) * (A2 > 0)
        dZ1 = (dZ2 @ W2.T) * (A1 > 0)
        gradients = [X.T @ dZ1, dZ1.sum(0), A1.T @ dZ2, dZ2.sum(0), A2.T @ dZ3, dZ3.sum(0)]
        state["parameters"] = [p - 0.01 * g for p, g in zip(state["parameters"], gradients, strict=True)]
        return loss

    return step


WORKLOADS = data.workloads(chain, logistic, mlp)
