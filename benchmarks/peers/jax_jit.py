"""JAX, compiled by jit."""

from functools import partial

import jax

jax.config.update("jax_enable_x64", True)
import jax.numpy as jnp  # noqa: E402  # the 64-bit switch comes first

from benchmarks import data  # noqa: E402


def chain(compiled):
    def f(x):
        return jnp.sum(data.chain(x, jnp.tanh))

    gradient = compiled(jax.grad(f))
    return lambda: gradient(data.CHAIN_START).block_until_ready()


def descent(compiled, f, parameters, rate):
    @compiled
    def update(parameters):
        loss, gradients = jax.value_and_grad(f)(parameters)
        return loss, [p - rate * g for p, g in zip(parameters, gradients, strict=True)]

    state = {"parameters": [jnp.asarray(p) for p in parameters]}

    def step():
        loss, state["parameters"] = update(state["parameters"])
        return float(loss)

    return step


def logistic(compiled, m, n, dtype):
    X, y, w, b = map(jnp.asarray, data.logistic(m, n, dtype))

    def f(parameters):
        z = X @ parameters[0] + parameters[1]
        return jnp.mean(jnp.maximum(z, 0) - y * z + jnp.log1p(jnp.exp(-jnp.abs(z))))

    return descent(compiled, f, [w, b], 0.1)


def mlp(compiled, batch, widths):
    X, Y, parameters = data.mlp(batch, widths)

    def f(parameters):
        W1, b1, W2, b2, W3, b3 = parameters
        Z3 = jax.nn.relu(jax.nn.relu(X @ W1 + b1) @ W2 + b2) @ W3 + b3
        return -jnp.mean(jnp.sum(Y * jax.nn.log_softmax(Z3), axis=1))

    return descent(compiled, f, parameters, 0.01)


def workloads(compiled):
    return data.workloads(*(partial(prepare, compiled) for prepare in (chain, logistic, mlp)))


WORKLOADS = workloads(jax.jit)
