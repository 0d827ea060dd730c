"""PyTorch, eager."""

from functools import partial

import torch

from benchmarks import data

torch.set_num_threads(1)


def chain(compiled):
    f = compiled(lambda x: data.chain(x, torch.tanh).sum())

    def step():
        x = torch.tensor(data.CHAIN_START, requires_grad=True)
        f(x).backward()
        return x.grad

    return step


def descent(f, parameters, rate):
    def step():
        loss = f(*parameters)
        loss.backward()
        with torch.no_grad():
            for p in parameters:
                p -= rate * p.grad
                p.grad = None
        return loss.item()

    return step


def logistic(compiled, m, n, dtype):
    X, y, w, b = map(torch.tensor, data.logistic(m, n, dtype))

    @compiled
    def f(w, b):
        return torch.nn.functional.binary_cross_entropy_with_logits(X @ w + b, y)

    return descent(f, [w.requires_grad_(), b.requires_grad_()], 0.1)


def mlp(compiled, batch, widths):
    X, Y, parameters = data.mlp(batch, widths)
    X, Y = torch.tensor(X), torch.tensor(Y)

    @compiled
    def f(W1, b1, W2, b2, W3, b3):
        A2 = torch.relu(torch.relu(X @ W1 + b1) @ W2 + b2)
        return torch.nn.functional.cross_entropy(A2 @ W3 + b3, Y)

    return descent(f, [torch.tensor(p, requires_grad=True) for p in parameters], 0.01)


def workloads(compiled):
    return data.workloads(*(partial(prepare, compiled) for prepare in (chain, logistic, mlp)))


WORKLOADS = workloads(lambda f: f)
