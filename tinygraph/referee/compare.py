"""What is right of the values and gradients that were computed by hand: each is judged in the order of the walk, as it follows
from those before it."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from tinygraph.graph import Graph
from tinygraph.node import Node
from tinygraph.program.statements import program_of
from tinygraph.referee.answers import UnreadableError, array_of, with_data_of_its_own
from tinygraph.referee.diagnosis import Cause, Diagnosis, one_of_each
from tinygraph.referee.redrawn import on_other_leaves
from tinygraph.referee.report import Report, Verdict
from tinygraph.referee.rounding import Rounding, on_one_side, values_of
from tinygraph.slips import Slip, continued, slip
from tinygraph.wording import suggestion

UNKNOWN = "It is wrong, and no known slip explains it"


def compare(graph: Graph, given: Mapping[str, Any], decimals: int | None = None) -> Report:
    """The report on values and gradients by their names in a graph, which may be rounded to so many `decimals`."""
    if graph._is_partial:
        raise ValueError("this graph ends where an op failed, so that it has no gradients")
    if not given:
        raise TypeError("compare takes values and gradients by name: graph.compare(dz=A - y, dw=X.T @ (A - y))")
    if not graph._requests():
        graph.backprop()
    _request(graph, given)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # about values that are tried as what a slip may have led to
        return Judge(graph, decimals).report(given)


def _request(graph: Graph, names: Iterable[str]) -> None:
    """Record the gradients that names stand for and that were not asked for, such as that of a constant."""
    program = program_of(graph)
    known = {s.name for s in program.statements}
    for name in names:
        if name not in known and name.startswith("d") and name[1:] in graph.names:
            with suppress(ValueError, TypeError):  # the output does not depend on it
                graph.backprop(wrt=name[1:])


class Judge:
    """Judges answers about one graph."""

    def __init__(self, graph: Graph, decimals: int | None = None) -> None:
        self._graph = graph
        self._program = program = program_of(graph)
        self._rounding = Rounding(program, decimals)
        self._diagnosis = Diagnosis(program, self._rounding)
        self._statements = {s.node: s for s in program.statements}
        self._nodes = {program.name(leaf): leaf for leaf in program.leaves} | {s.name: s.node for s in program.statements}
        own = {name: graph[name] for name in graph.names}  # under which a program may have another name
        gradients = {f"d{name}": s.node for name, node in own.items() for s in program.backward if s.of is node}
        self._known = own | gradients | self._nodes

    def report(self, given: Mapping[str, Any]) -> Report:
        """The verdicts in the order of the walk, and behind them what cannot be judged."""
        answers, unreadable = {}, []
        for name, x in given.items():
            try:
                answers[name] = self._read(name, x)
            except UnreadableError as error:
                unreadable.append(Verdict(name, "not judged", f"not judged: {error}"))
        order = {node: i for i, node in enumerate(self._nodes.values())}
        named = {self._known[name]: name for name in answers}
        walk = Walk({node: answers[named[node]] for node in sorted(named, key=lambda node: order.get(node, -1))})
        own = {self._known[name] for name in answers if not _is_function(given[name])}  # which no right value went into
        verdicts = [self._with_later(self._verdict(node, walk), walk, own) for node in walk.answers]
        called = [replace(verdict, name=named[node]) for verdict, node in zip(verdicts, walk.answers, strict=True)]
        judged = [self._placed(self._elsewhere(verdict, given[verdict.name])) for verdict in called]
        return Report((*judged, *unreadable), self._graph)

    def _placed(self, verdict: Verdict) -> Verdict:
        """A verdict with the value on whose card it stands."""
        node = self._known[verdict.name]
        statement = self._statements.get(node)
        if statement is None or statement.of is None:
            return replace(verdict, node=node)
        return replace(verdict, node=statement.of, is_gradient=True)

    def _with_later(self, verdict: Verdict, walk: Walk, own: set[Node]) -> Verdict:
        """A verdict on a missing division, with what is right although it is computed from that value."""
        statement = self._statements.get(self._nodes[verdict.name])
        if statement is None or statement.of is None or not verdict.slips or verdict.slips[0].kind != "mean":
            return verdict
        readers = [x for x in walk.answers if x in self._statements and statement.node in {*self._statements[x].inputs}]
        behind = [x for x in readers if x in own and self._is_right(x, walk.answers[x])]
        if not behind:
            return verdict
        names = " and ".join(map(self._program.name, behind))
        verb = "is" if len(behind) == 1 else "are"
        return replace(verdict, text=f"{verdict.text} {names} {verb} right: is it divided later?")

    def _elsewhere(self, verdict: Verdict, given: Any) -> Verdict:
        """The verdict on a function with what other leaf values add to it: the slips that fit there too."""
        if not _is_function(given) or verdict.status == "follows" or with_data_of_its_own(given):
            return verdict
        slips = verdict.slips
        for other in self._others:
            node = other._known[verdict.name]
            try:
                answer = other._read(verdict.name, given)
            except UnreadableError:  # it may raise anything on other numbers
                continue
            if other._is_right(node, answer):
                continue
            if verdict.status == "right":
                return self._wrong(verdict.name, [slip("here alone", verdict.name)])
            there = other._diagnosis.own(answer, node, values_of(other._program))
            slips = tuple(one for one in slips if one in there)
        return verdict if slips == verdict.slips else self._wrong(verdict.name, slips)

    @cached_property
    def _others(self) -> list[Judge]:
        """Judges of the same graph with other leaf values."""
        return [Judge(graph) for graph in on_other_leaves(self._graph) if graph is not self._graph]

    def _read(self, name: str, x: Any) -> Any:
        if name not in self._known:
            raise UnreadableError(f"this graph has no value of that name: {suggestion(name, self._nodes)}")
        numbers = self._program.numbers

        def value(name: str) -> Any:
            return numbers[name] if name in numbers else np.array(self._known[name].value)[()]

        return array_of(x, value, [*self._known, *numbers])

    def _verdict(self, node: Node, walk: Walk) -> Verdict:
        name, answer = self._program.name(node), walk.answers[node]
        if self._is_right(node, answer):
            return Verdict(name, "right")
        before = dict(walk.wrong)
        walk.wrong[node] = answer
        if sources := list(self._sources(node, before)):
            text = " and ".join(self._program.name(x) for x in sources)
            values = values_of(self._program, before)
            if self._diagnosis.follows(answer, node, values):
                from_what = "from the same slip in" if walk.assumed.issuperset(sources) else "correctly from your"
                return Verdict(name, "follows", f"follows {from_what} {text}")
            found = self._diagnosis.own(answer, node, values)
            if any(one.kind != "misfit" for one in found):
                return self._wrong(name, found, f", even for your {text}")
        values = values_of(self._program)
        own = self._diagnosis.own(answer, node, values)
        found = self._behind(node, walk, least=1 if own else 0) or own
        return self._wrong(name, found or self._diagnosis.nearly(answer, node, values))

    def _is_right(self, node: Node, answer: Any) -> bool:
        if self._rounding.is_right(node, answer):
            return True
        sides = (side[node] for side in self._sides if np.isfinite(side[node]).all())
        return any(self._rounding.is_right(node, answer, side) for side in sides)

    @cached_property
    def _sides(self) -> list[Mapping[Node, Any]]:
        return [on_one_side(self._program, sign) for sign in (1, -1)]

    def _wrong(self, name: str, found: Sequence[Slip], more: str = "") -> Verdict:
        texts = [one.text if one.of == name else f"In {one.of}: {continued(one.text)}" for one in found] or [UNKNOWN]
        return Verdict(name, "wrong", "\n".join(text + more for text in texts), tuple(found))

    def _behind(self, node: Node, walk: Walk, least: int) -> list[Slip]:
        """The slips in a value that was not given that explain this answer, and with it the most others, and at least so many."""
        causes = list(self._diagnosis.behind(walk.answers[node], node, walk.answers))
        values = values_of(self._program, walk.wrong)
        later = {
            x: answer
            for x, answer in walk.answers.items()
            if x not in walk.wrong and not self._is_right(x, answer) and not self._diagnosis.follows(answer, x, values)
        }

        def explained(cause: Cause) -> int:
            return sum(self._rounding.close(x)(answer, cause.values.get(x, x._value)) for x, answer in later.items())

        found = max(causes, key=lambda cause: (explained(cause), cause.is_backward), default=None)
        if found is None or explained(found) < least:
            return []
        walk.wrong[found.node] = found.values[found.node]
        walk.assumed.add(found.node)
        return one_of_each(cause.slip for cause in causes if cause.node is found.node and explained(cause) == explained(found))

    def _sources(self, node: Node, wrong: Mapping[Node, Any]) -> Iterator[Node]:
        """The nearest wrong values that a value is computed from."""
        stack, seen = [node], {node}
        while stack:
            statement = self._statements.get(stack.pop())
            for x in statement.inputs if statement is not None else ():
                if x not in seen:
                    seen.add(x)
                    if x in wrong:
                        yield x
                    else:
                        stack.append(x)


def _is_function(given: Any) -> bool:
    return callable(given) and not isinstance(given, Node)


@dataclass
class Walk:
    """The answers in the order of the walk, and of those that were judged the wrong ones; `assumed` are the values that were not
    given, and hold a slip that explains the answers behind them."""

    answers: Mapping[Node, Any]
    wrong: dict[Node, Any] = field(default_factory=dict)
    assumed: set[Node] = field(default_factory=set)
