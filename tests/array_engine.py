"""An engine for NumPy arrays, which the tests break in one place after the other."""

import numpy as np


def unbroadcast(g, x):
    g = np.sum(g, axis=tuple(range(g.ndim - x.ndim)))
    return np.sum(g, axis=tuple(i for i, n in enumerate(x.shape) if n == 1 and g.shape[i] != 1), keepdims=True)


def spread(g, x, axis, keepdims):
    g = g if axis is None or keepdims else np.expand_dims(g, axis)
    return np.broadcast_to(g, x.shape)


def matmul(x, y):
    def rule(g):
        if x.ndim == 1 and y.ndim == 1:
            return g * y, g * x
        if y.ndim == 1:
            return np.outer(g, y), x.T @ g
        return g @ y.T, x.T @ g

    return x @ y, rule


def summed(x, axis=None, keepdims=False):
    return np.sum(x, axis=axis, keepdims=keepdims), lambda g: (spread(g, x, axis, keepdims),)


def mean(x, axis=None, keepdims=False):
    out = np.mean(x, axis=axis, keepdims=keepdims)
    return out, lambda g: (spread(g, x, axis, keepdims) * out.size / x.size,)


OPS = {
    "add": lambda x, y: (x + y, lambda g: (g, g)),
    "subtract": lambda x, y: (x - y, lambda g: (g, -g)),
    "multiply": lambda x, y: (x * y, lambda g: (g * y, g * x)),
    "divide": lambda x, y: (x / y, lambda g: (g / y, -g * x / y**2)),
    "power": lambda x, n: (x**n, lambda g: (g * n * x ** (n - 1),)),
    "negative": lambda x: (-x, lambda g: (-g,)),
    "exp": lambda x: (e := np.exp(x), lambda g: (g * e,)),
    "log": lambda x: (np.log(x), lambda g: (g / x,)),
    "tanh": lambda x: (a := np.tanh(x), lambda g: (g * (1 - a * a),)),
    "sigmoid": lambda x: (a := 1 / (1 + np.exp(-x)), lambda g: (g * a * (1 - a),)),
    "relu": lambda x: (np.maximum(x, 0), lambda g: (g * (x > 0),)),
    "matmul": matmul,
    "sum": summed,
    "mean": mean,
    "transpose": lambda x: (x.T, lambda g: (g.T,)),
}


class Tensor:
    def __init__(self, data, inputs=(), rule=None):
        self.data, self.inputs, self.rule, self.gradient = np.asarray(data), inputs, rule, None


class ArrayEngine:
    def leaf(self, array):
        return Tensor(array)

    def apply(self, op_name, *inputs, **params):
        tensors = [x if isinstance(x, Tensor) else Tensor(x) for x in inputs]
        data, rule = OPS[op_name](*(x.data if isinstance(x, Tensor) else x for x in inputs), **params)
        return Tensor(data, tensors, rule)

    def value(self, x):
        return x.data

    def backward(self, output):
        order = {}

        def visit(x):
            if x not in order:
                for y in x.inputs:
                    visit(y)
                order[x] = None

        visit(output)
        for x in order:
            x.gradient = np.zeros_like(x.data)
        output.gradient = np.ones_like(output.data)
        for x in reversed(order):
            for y, part in zip(x.inputs, x.rule(x.gradient) if x.inputs else (), strict=False):
                y.gradient = y.gradient + unbroadcast(part, y.data)

    def gradient(self, x):
        return x.gradient
