"""PyTorch, eager."""

import torch

from benchmarks import data

torch.set_num_threads(1)


def chain():
    def step():
        x = torch.tensor(data.CHAIN_START, requires_grad=True)
        data.chain(x, torch.tanh).sum().backward()
        return x.grad

    return step


def descend(parameters, loss, rate):
    loss.backward()
    with torch.no_grad():
        for p in parameters:
            p -= rate * p.grad
            p.grad = None
    return loss.item()


def logistic(m, n):
    X, y, w = map(torch.tensor, data.logistic(m, n))
    w.requires_grad_()
    b = torch.zeros((), dtype=torch.float64, requires_grad=True)
    return lambda: descend([w, b], torch.nn.functional.binary_cross_entropy_with_logits(X @ w + b, y), 0.1)


def mlp(batch):
    X, Y, parameters = data.mlp(batch)
    X, Y = torch.tensor(X), torch.tensor(Y)
    tensors = [torch.tensor(p, requires_grad=True) for p in parameters]

    def step():
        W1, b1, W2, b2, W3, b3 = tensors
        A2 = torch.relu(torch.relu(X @ W1 + b1) @ W2 + b2)
        return descend(tensors, torch.nn.functional.cross_entropy(A2 @ W3 + b3, Y), 0.01)

    return step


WORKLOADS = data.workloads(chain, logistic, mlp)
