"""Local derivatives: each reader of a value says what it adds to its gradient, and all of that together is the gradient."""

from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tests.programs import MODELS, RANDOM, Build
from tinygraph.express.local import local_derivative
from tinygraph.express.program import program
from tinygraph.express.python import python
from tinygraph.node import Node
from tinygraph.program.value import evaluate


def contributions(graph: tg.Graph, x: Node) -> list[Any]:
    """What each statement that reads x adds to its gradient, by the expressions that are told."""
    told, gradients = program(graph), graph._requests()[0].gradients
    found = []
    for reader in told.forward:
        if x in set(reader.inputs) and reader.node in gradients:
            local = local_derivative(told, reader, x, gradients[reader.node])
            if local is not None:
                value = evaluate(local.expression, lambda node: node.value)
                found.append(value * gradients[reader.node].value if local.is_factor else value)
    return found


@pytest.mark.parametrize("build", [*MODELS.values(), *RANDOM.values()], ids=[*MODELS, *RANDOM])
def test_what_all_readers_add_is_the_gradient(build: Build) -> None:
    graph = build(5)
    graph.backprop()
    graph = graph._with_named(s.node for s in program(graph).forward)
    graph.backprop()
    for x, gradient in graph._requests()[0].gradients.items():
        if x is not graph.outputs[0]:
            total = sum(np.broadcast_to(part, x.shape) for part in contributions(graph, x))
            scale = np.max(np.abs(gradient.value), initial=1.0)
            np.testing.assert_allclose(total, gradient.value, rtol=0, atol=1e-12 * scale)


def locals_of(L: Node, **names: Node) -> dict[str, str]:
    """What the statement of L tells about each of its inputs."""
    graph = tg.Graph(L, names={**names, "L": L})
    gradients = graph.backprop()
    told = program(graph)
    reader = told.forward[-1]
    found = {told.name(x): local_derivative(told, reader, x, gradients["L"]) for x in reader.inputs}
    return {name: python(local.expression, told.name) for name, local in found.items() if local is not None}


def test_the_count_of_an_inner_sum_is_that_of_a_named_value() -> None:
    Y, S = tg.constant(np.eye(3)), tg.parameter(np.full((3, 3), 0.3))
    assert locals_of(-np.mean(np.sum(Y * np.log(S), axis=1)), Y=Y, S=S)["S"] == "-Y / S / len(Y)"
