"""Random graphs, and every op, compiled: the engine's values and gradients at other sizes, in each way to run that applies."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tests.compiled import assert_same
from tests.op_cases import Case, cases
from tests.programs import reaches
from tests.random_programs import Program, random_program
from tinygraph.compiler.sizes import SizeError

FUZZ = int(os.environ.get("TINYGRAPH_FUZZ", "150"))  # programs; 1500 for the full run
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")


def steps(graph: tg.Graph, wrt: list[tg.Node]) -> list[Any]:
    """The compiled graph in every way that applies."""
    found = [graph.compile(wrt=wrt)]
    try:
        found.append(graph.compile(wrt=wrt, strategy="rows"))
    except ValueError:
        return found
    return found


def check(step: Any, graph: tg.Graph, wrt: list[tg.Node], rounding: float) -> None:
    """Compare a step with a recording, in two calls."""
    given = {name: graph[name].value for name in step.plan.arguments}
    expected = tg.gradients(graph.outputs[0], *wrt) if wrt else ()
    for _ in range(2):
        output, gradients = step(**given)
        assert_same(output, graph.outputs[0].value, rounding)
        for node, gradient in zip(wrt, expected, strict=True):
            assert_same(gradients[graph.name(node)], gradient, rounding)


def at_another_size(step: Any, program: Program, graph: tg.Graph, wrt: list[tg.Node]) -> bool:
    """Compare a step with a recording at another batch size; whether it could be called there."""
    try:
        other = program.graph(program.values(5, 1))
    except (ValueError, TypeError, IndexError, ArithmeticError):
        return False
    names = [graph.name(x) for x in graph.forward if x.op is None]
    if any(name not in other or other[name].ndim != graph[name].ndim for name in names if name is not None):
        return False
    kept = [graph.name(x) for x in step._wanted.bound]
    if any(graph[name].shape != other[name].shape or np.any(graph[name].value != other[name].value) for name in kept):
        return False
    try:
        check(step, other, [other[graph.name(x)] for x in wrt], program.rounding)
    except (SizeError, tg.DecisionError):
        return False
    return True


def test_random_graphs() -> None:
    compared = 0
    for seed in range(FUZZ):
        program = random_program(seed)
        graph = program.graph(program.values(3, 0))
        wrt = [x for x in graph.forward if x.kind == "parameter" and reaches(graph.outputs[0], x)]
        try:
            for step in steps(graph, wrt):
                check(step, graph, wrt, program.rounding)
                compared += at_another_size(step, program, graph, wrt)
        except Exception as error:
            error.add_note(str(program))
            raise
    assert compared > FUZZ / 4


def differentiable(case: Case) -> tuple[tg.Graph, list[tg.Node]]:
    """A case of an op as a graph with a scalar output, and the parameters that have a gradient."""
    arrays = (np.ndarray, np.generic, list)
    make = lambda x: tg.parameter(x) if np.asarray(x).dtype.kind == "f" else tg.constant(x)
    inputs = [make(x) if isinstance(x, arrays) else x for x in case.arguments]
    node = case.op(*inputs, **case.params)
    names = {f"a{i}": x for i, x in enumerate(inputs) if isinstance(x, tg.Node)}
    L = np.sum(np.sin(node)) if node.dtype.kind == "f" else node
    wrt = [x for x in names.values() if x.kind == "parameter" and L.dtype.kind == "f" and reaches(L, x)]
    return tg.Graph(L, names=names), wrt


@pytest.mark.parametrize("case", list(cases()), ids=str)
def test_every_op(case: Case) -> None:
    graph, wrt = differentiable(case)
    for step in steps(graph, wrt):
        check(step, graph, wrt, 1e-10)
