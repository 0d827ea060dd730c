"""What is right of the values and gradients that were computed by hand: each is judged in the order of the walk, as it follows
from those before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tinygraph.graph import Graph
from tinygraph.node import Node
from tinygraph.program.statements import program_of
from tinygraph.referee.answers import UnreadableError, array_of
from tinygraph.referee.diagnosis import Diagnosis
from tinygraph.referee.report import Report, Verdict
from tinygraph.referee.rounding import Rounding, values_of
from tinygraph.wording import suggestion


def compare(graph: Graph, given: Mapping[str, Any]) -> Report:
    """The report on values and gradients by their names in a graph."""
    if graph._is_partial:
        raise ValueError("this graph ends where an op failed, so that it has no gradients")
    if not given:
        raise TypeError("compare takes values and gradients by name: graph.compare(dz=A - y, dw=X.T @ (A - y))")
    if not graph._requests():
        graph.backprop()
    return Judge(graph).report(given)


class Judge:
    """Judges answers about one graph."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._program = program = program_of(graph)
        self._rounding = Rounding(program)
        self._diagnosis = Diagnosis(program, self._rounding)
        self._inputs = {s.node: s.inputs for s in program.statements}
        self._nodes = {program.name(leaf): leaf for leaf in program.leaves} | {s.name: s.node for s in program.statements}

    def report(self, given: Mapping[str, Any]) -> Report:
        """The verdicts in the order of the walk, and behind them what cannot be judged."""
        answers, unreadable = {}, []
        for name, x in given.items():
            try:
                answers[name] = self._read(name, x)
            except UnreadableError as error:
                unreadable.append(Verdict(name, "not judged", f"not judged: {error}"))
        known = {self._nodes[name] for name in answers}
        wrong: dict[Node, Any] = {}  # what was given and is wrong, but has the right shape
        verdicts = [self._verdict(name, answers[name], known, wrong) for name in self._nodes if name in answers]
        return Report((*verdicts, *unreadable), self._graph)

    def _read(self, name: str, x: Any) -> Any:
        if name not in self._nodes:
            raise UnreadableError(f"this graph has no value of that name: {suggestion(name, self._nodes)}")
        return array_of(x, lambda name: self._nodes[name].value, list(self._nodes))

    def _verdict(self, name: str, answer: Any, known: set[Node], wrong: dict[Node, Any]) -> Verdict:
        node = self._nodes[name]
        close = self._rounding.close(node)
        if close(answer, node._value):
            return Verdict(name, "right")
        sources = " and ".join(f"your {self._program.name(x)}" for x in self._sources(node, wrong))
        values = values_of(self._program, wrong)
        if np.shape(answer) == node.shape and np.isfinite(answer).all():
            wrong[node] = answer
        if sources and close(answer, values[node]):
            return Verdict(name, "follows", f"follows from {sources}, and is right as far as that goes")
        found = self._diagnosis.of(answer, node, values, known)
        if not found and sources:  # the learner may have gone on from other values than were given
            found, sources = self._diagnosis.of(answer, node, values_of(self._program), known), ""
        lines = [one.text if one.of == name else f"{one.text} (in {one.of})" for one in found] or ["It is something else"]
        return Verdict(name, "wrong", "\n".join(f"{line}, starting from {sources}" if sources else line for line in lines), tuple(found))

    def _sources(self, node: Node, wrong: Mapping[Node, Any]) -> Iterator[Node]:
        """The nearest wrong values that a value is computed from."""
        stack, seen = [node], {node}
        while stack:
            for x in self._inputs.get(stack.pop(), ()):
                if x not in seen:
                    seen.add(x)
                    if x in wrong:
                        yield x
                    else:
                        stack.append(x)
