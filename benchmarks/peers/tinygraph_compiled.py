"""tinygraph with `graph.compile()`: recorded once, in the first call of each workload."""

from functools import partial

import numpy as np

import tinygraph as tg
from benchmarks import data
from benchmarks.peers.tinygraph_arrays import MLP, mlp_loss, moons_loss


def chain(settings):
    x = tg.parameter(data.CHAIN_START)
    gradient = tg.Graph(np.sum(data.chain(x, np.tanh)), names={"x": x}).compile(**settings)
    return lambda: gradient(x=data.CHAIN_START)[1]["x"]


def descent(settings, f, arrays, parameters, rate):
    constants = {name: tg.constant(x, copy=False) for name, x in arrays.items()}
    nodes = {name: tg.parameter(p) for name, p in parameters.items()}
    both = tg.Graph(f(**constants, **nodes), names=constants | nodes).compile(**settings)
    state = dict(parameters)

    def step():
        loss, gradients = both(**arrays, **state)
        for name, gradient in gradients.items():
            state[name] = state[name] - rate * gradient
        return loss

    return step


def logistic(settings, m, n, dtype):
    X, y, w, b = data.logistic(m, n, dtype)

    def f(X, y, w, b):
        return tg.binary_cross_entropy_with_logits(X @ w + b, y)

    return descent(settings, f, {"X": X, "y": y}, {"w": w, "b": b}, 0.1)


def mlp(settings, batch):
    X, Y, parameters = data.mlp(batch)
    names = ("W1", "b1", "W2", "b2", "W3", "b3")
    return descent(settings, mlp_loss, {"X": X, "Y": Y}, dict(zip(names, parameters, strict=True)), 0.01)


def moons(settings):
    model = MLP(2, [16, 16, 1])
    parameters = {f"p{i}": p for i, p in enumerate(model.parameters())}
    both = tg.Graph(moons_loss(model, *data.moons()), names=parameters).compile(**settings)
    values = {name: p.value for name, p in parameters.items()}
    return lambda: list(both(**values)[1].values())


def workloads(**settings):
    arrays = (partial(prepare, settings) for prepare in (chain, logistic, mlp))
    return data.workloads(*arrays) | data.moons_workloads(partial(moons, settings))


WORKLOADS = workloads()
