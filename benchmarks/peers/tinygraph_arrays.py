"""tinygraph with `tg.gradients`, whose sweep computes arrays."""

from functools import partial

import numpy as np

import tinygraph as tg
from benchmarks import data


def gradients(L, nodes):
    return tg.gradients(L, *nodes)


def chain(differentiate):
    def step():
        x = tg.parameter(data.CHAIN_START)
        return differentiate(np.sum(data.chain(x, np.tanh)), [x])

    return step


def logistic(differentiate, m, n, dtype):
    X, y, w, b = data.logistic(m, n, dtype)
    state = {"w": w, "b": b}

    def step():
        w, b = tg.parameter(state["w"], copy=False), tg.parameter(state["b"])
        L = tg.binary_cross_entropy_with_logits(X @ w + b, y)
        dw, db = differentiate(L, [w, b])
        state["w"], state["b"] = state["w"] - 0.1 * dw, state["b"] - 0.1 * db
        return L.item()

    return step


def mlp_loss(X, Y, W1, b1, W2, b2, W3, b3):
    A1 = tg.relu(X @ W1 + b1)
    A2 = tg.relu(A1 @ W2 + b2)
    return tg.softmax_cross_entropy(A2 @ W3 + b3, Y)


def mlp(differentiate, batch, widths):
    X, Y, parameters = data.mlp(batch, widths)
    state = {"parameters": parameters}

    def step():
        nodes = [tg.parameter(p, copy=False) for p in state["parameters"]]
        L = mlp_loss(X, Y, *nodes)
        state["parameters"] = [p - 0.01 * g for p, g in zip(state["parameters"], differentiate(L, nodes), strict=True)]
        return L.item()

    return step


class Neuron:
    def __init__(self, inputs, nonlinear):
        self.w = [tg.parameter(v) for v in np.random.default_rng(inputs).uniform(-1, 1, inputs)]
        self.b = tg.parameter(0.0)
        self.nonlinear = nonlinear

    def __call__(self, x):
        act = sum((wi * xi for wi, xi in zip(self.w, x, strict=True)), self.b)
        return tg.relu(act) if self.nonlinear else act

    def parameters(self):
        return [*self.w, self.b]


class MLP:
    """micrograd's demo network, neuron by neuron."""

    def __init__(self, inputs, outputs):
        sizes = [inputs, *outputs]
        self.layers = [[Neuron(sizes[i], i != len(outputs) - 1) for _ in range(sizes[i + 1])] for i in range(len(outputs))]

    def __call__(self, x):
        for layer in self.layers:
            out = [neuron(x) for neuron in layer]
            x = out[0] if len(out) == 1 else out
        return x

    def parameters(self):
        return [p for layer in self.layers for neuron in layer for p in neuron.parameters()]


def moons_loss(model, X, y):
    scores = [model(row) for row in X]
    losses = [tg.relu(1 + -yi * score) for yi, score in zip(y, scores, strict=True)]
    data_loss = sum(losses) * (1.0 / len(losses))
    return data_loss + 1e-4 * sum(p * p for p in model.parameters())


def moons(differentiate):
    X, y = data.moons()
    model = MLP(2, [16, 16, 1])
    return lambda: differentiate(moons_loss(model, X, y), model.parameters())


def workloads(differentiate):
    arrays = (partial(prepare, differentiate) for prepare in (chain, logistic, mlp))
    return data.workloads(*arrays) | data.moons_workloads(partial(moons, differentiate))


WORKLOADS = workloads(gradients)
