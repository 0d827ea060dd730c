"""tinygraph with `graph.compile()`: recorded once, on a few rows, in the first call of each workload."""

from functools import partial

import numpy as np

import tinygraph as tg
from benchmarks import data
from benchmarks.peers.tinygraph_arrays import MLP, mlp_loss, moons_loss

RECORDED = 8  # rows


def compiled(graph, arrays, **settings):
    return partial(graph.compile(**settings), **arrays)


def chain(make):
    x = tg.parameter(data.CHAIN_START)
    gradient = make(tg.Graph(np.sum(data.chain(x, np.tanh)), names={"x": x}), {})
    return lambda: gradient(x=data.CHAIN_START)[1]["x"]


def descent(make, f, arrays, parameters, rate):
    constants = {name: tg.constant(x[:RECORDED]) for name, x in arrays.items()}
    nodes = {name: tg.parameter(p) for name, p in parameters.items()}
    both = make(tg.Graph(f(**constants, **nodes), names=constants | nodes), arrays)
    state = dict(parameters)

    def step():
        loss, gradients = both(**state)
        for name, gradient in gradients.items():
            state[name] = state[name] - rate * np.asarray(gradient)
        return loss

    return step


def logistic(make, m, n, dtype):
    X, y, w, b = data.logistic(m, n, dtype)

    def f(X, y, w, b):
        return tg.binary_cross_entropy_with_logits(X @ w + b, y)

    return descent(make, f, {"X": X, "y": y}, {"w": w, "b": b}, 0.1)


def mlp(make, batch, widths):
    X, Y, parameters = data.mlp(batch, widths)
    names = ("W1", "b1", "W2", "b2", "W3", "b3")
    return descent(make, mlp_loss, {"X": X, "Y": Y}, dict(zip(names, parameters, strict=True)), 0.01)


def moons(make):
    model = MLP(2, [16, 16, 1])
    parameters = {f"p{i}": p for i, p in enumerate(model.parameters())}
    both = make(tg.Graph(moons_loss(model, *data.moons()), names=parameters), {})
    values = {name: p.value for name, p in parameters.items()}
    return lambda: list(both(**values)[1].values())


def workloads(make):
    arrays = (partial(prepare, make) for prepare in (chain, logistic, mlp))
    return data.workloads(*arrays) | data.moons_workloads(partial(moons, make))


WORKLOADS = workloads(compiled)
