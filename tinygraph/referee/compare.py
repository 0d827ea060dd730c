"""What is right of the values and gradients that were computed by hand: each is judged in the order of the walk, as it follows
from those before it."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

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
        return Comparison(graph, decimals).report(given)


def _request(graph: Graph, names: Iterable[str]) -> None:
    """Record the gradients that names stand for and that were not asked for, such as that of a constant."""
    program = program_of(graph)
    known = {s.name for s in program.statements}
    for name in names:
        if name not in known and name.startswith("d") and name[1:] in graph.names:
            with suppress(ValueError, TypeError):  # the output does not depend on it
                graph.backprop(wrt=name[1:])


class Answer(NamedTuple):
    """What was given under a name, and the array that it is."""

    name: str
    given: Any
    value: Any

    @property
    def is_function(self) -> bool:
        """Whether it was called with right values, whatever else was given."""
        return callable(self.given) and not isinstance(self.given, Node)

    @property
    def is_formula(self) -> bool:
        """Whether it was computed from right values alone, so that it has a value on other numbers, too."""
        return self.is_function and not with_data_of_its_own(self.given)


@dataclass
class Walk:
    """The answers in the order of the walk, and of those that were judged the wrong ones; `assumed` are the values that were not
    given, and hold a slip that explains the answers behind them."""

    answers: Mapping[Node, Answer]
    wrong: dict[Node, Any] = field(default_factory=dict)
    assumed: set[Node] = field(default_factory=set)


class Comparison:
    """Judges the answers about one graph."""

    def __init__(self, graph: Graph, decimals: int | None = None) -> None:
        self._graph = graph
        self._program = program = program_of(graph)
        self._rounding = Rounding(program, decimals)
        self._diagnosis = Diagnosis(program, self._rounding)
        self._inputs = {s.node: s.inputs for s in program.statements}
        self._gradients = {s.node: s.of for s in program.backward if s.of is not None}
        self._nodes = {program.name(leaf): leaf for leaf in program.leaves} | {s.name: s.node for s in program.statements}
        own = {name: graph[name] for name in graph.names}  # under which a program may have another name
        gradients = {f"d{name}": gradient for name, node in own.items() for gradient, of in self._gradients.items() if of is node}
        self._known = own | gradients | self._nodes

    def report(self, given: Mapping[str, Any]) -> Report:
        """The verdicts in the order of the walk, and behind them what cannot be judged."""
        answers: dict[Node, Answer] = {}
        unreadable = []
        for name, x in given.items():
            try:
                answer = Answer(name, x, self._read(name, x))
                if answers.setdefault(self._known[name], answer) is not answer:
                    raise UnreadableError(f"it is the same value as {answers[self._known[name]].name}")
            except UnreadableError as error:
                unreadable.append(Verdict(name, "not judged", f"not judged: {error}"))
        order = {node: i for i, node in enumerate(self._nodes.values())}
        walk = Walk({node: answers[node] for node in sorted(answers, key=lambda node: order.get(node, -1))})
        return Report((*[self._judged(node, walk) for node in walk.answers], *unreadable), self._graph)

    def _read(self, name: str, x: Any) -> Any:
        if name not in self._known:
            raise UnreadableError(f"this graph has no value of that name: {suggestion(name, self._nodes)}")
        numbers = self._program.numbers

        def value(name: str) -> Any:
            return numbers[name] if name in numbers else np.array(self._known[name].value)[()]

        return array_of(x, value, [*self._known, *numbers])

    def _judged(self, node: Node, walk: Walk) -> Verdict:
        """The verdict on an answer, with the card on which it stands."""
        answer, verdict = walk.answers[node], self._verdict(node, walk)
        if answer.is_formula:
            verdict = self._elsewhere(verdict, node, answer)
        text = verdict.text + self._divided_later(verdict, node, walk)
        card = self._gradients.get(node, node)
        return replace(verdict, name=answer.name, text=text, node=card, is_gradient=card is not node)

    def _verdict(self, node: Node, walk: Walk) -> Verdict:
        """The verdict on an answer as it follows from those before it."""
        name, answer = self._program.name(node), walk.answers[node].value
        if self._is_right(node, answer):
            return Verdict(name, "right")
        before = {} if walk.answers[node].is_formula else dict(walk.wrong)
        walk.wrong[node] = answer
        if sources := list(self._sources(node, before)):
            text = " and ".join(map(self._program.name, sources))
            values = values_of(self._program, before)
            if self._diagnosis.follows(answer, node, values):
                from_what = "from the same slip in" if walk.assumed.issuperset(sources) else "correctly from your"
                return Verdict(name, "follows", f"follows {from_what} {text}")
            if found := self._diagnosis.own(answer, node, values) or self._diagnosis.both(answer, node, values):
                return self._wrong(name, found, f", even for your {text}")
        own = self._diagnosis.own(answer, node)
        found = self._behind(node, walk, least=1 if own else 0) or own
        return self._wrong(name, found or self._diagnosis.both(answer, node) or self._diagnosis.unexplained(answer, node))

    def _divided_later(self, verdict: Verdict, node: Node, walk: Walk) -> str:
        """What to say of a missing division where that which is computed from the value is right all the same."""
        if node not in self._gradients or not verdict.slips or verdict.slips[0].kind != "mean":
            return ""
        read = {x: answer for x, answer in walk.answers.items() if node in {*self._inputs.get(x, ())} and not answer.is_function}
        right = [self._program.name(x) for x, answer in read.items() if self._is_right(x, answer.value)]
        return f" {' and '.join(right)} {'is' if len(right) == 1 else 'are'} right: is it divided later?" if right else ""

    def _elsewhere(self, verdict: Verdict, node: Node, answer: Answer) -> Verdict:
        """The verdict on a function with what other leaf values add to it: the slips that fit there too."""
        slips = verdict.slips
        for other in self._others:
            at = other._known[answer.name]
            try:
                value = other._read(answer.name, answer.given)
            except UnreadableError:  # it may raise anything on other numbers
                continue
            if other._is_right(at, value):
                continue
            if verdict.status == "right":
                return self._wrong(verdict.name, [slip("here alone", verdict.name)])
            there = other._diagnosis.own(value, at) or other._diagnosis.both(value, at) or other._diagnosis.unexplained(value, at)
            slips = tuple(one for one in slips if one in there)
        return verdict if slips == verdict.slips else self._wrong(verdict.name, slips)

    @cached_property
    def _others(self) -> list[Comparison]:
        """The same graph with other leaf values."""
        return [Comparison(graph) for graph in on_other_leaves(self._graph) if graph is not self._graph]

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
        causes = list(self._diagnosis.behind(walk.answers[node].value, node, walk.answers))
        values = values_of(self._program, walk.wrong)
        later = {
            x: answer.value
            for x, answer in walk.answers.items()
            if x not in walk.wrong
            and not self._is_right(x, answer.value)
            and not self._diagnosis.follows(answer.value, x, values)
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
            for x in self._inputs.get(stack.pop(), ()):
                if x not in seen:
                    seen.add(x)
                    if x in wrong:
                        yield x
                    else:
                        stack.append(x)
