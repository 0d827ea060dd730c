"""MyGrad."""

import mygrad as mg

from benchmarks import data


def chain():
    def step():
        x = mg.tensor(data.CHAIN_START)
        data.chain(x, mg.tanh).sum().backward()
        return x.grad

    return step


def descent(f, parameters, rate):
    state = {"parameters": parameters}

    def step():
        tensors = [mg.tensor(p) for p in state["parameters"]]
        loss = f(tensors)
        loss.backward()
        state["parameters"] = [p - rate * t.grad for p, t in zip(state["parameters"], tensors, strict=True)]
        return loss.item()

    return step


def logistic(m, n, dtype):
    X, y, w, b = data.logistic(m, n, dtype)

    def f(parameters):
        z = mg.matmul(X, parameters[0]) + parameters[1]
        return mg.mean(mg.maximum(z, 0) - y * z + mg.log1p(mg.exp(-mg.abs(z))))

    return descent(f, [w, b], 0.1)


def mlp(batch, widths):
    X, Y, parameters = data.mlp(batch, widths)
    labels = Y.argmax(axis=1)

    def f(parameters):
        W1, b1, W2, b2, W3, b3 = parameters
        A1 = mg.nnet.relu(mg.matmul(X, W1) + b1)
        A2 = mg.nnet.relu(mg.matmul(A1, W2) + b2)
        return mg.nnet.softmax_crossentropy(mg.matmul(A2, W3) + b3, labels)

    return descent(f, parameters, 0.01)


WORKLOADS = data.workloads(chain, logistic, mlp)
