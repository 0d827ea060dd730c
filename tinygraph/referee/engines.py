"""The comparison of an engine with a recorded graph, op by op: the first place where the two part, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygraph.graph import Graph
from tinygraph.referee.judge import Judge
from tinygraph.referee.limits import ends_within
from tinygraph.referee.playing import METHODS, Engine, Player, missing_methods
from tinygraph.referee.report import Report
from tinygraph.referee.verdicts import StepVerdict
from tinygraph.wording import counted, listed

if TYPE_CHECKING:
    from tinygraph.draw.picture import Picture

SHOWN = 6  # wrong verdicts that are printed
LONG = 12  # names in a list
PASSES = {"forward": "forward pass", "backward": "backward pass", "second backward": "second backward pass"}
NEEDED = {"leaf", "apply", "value"}  # methods without which nothing can be compared


def compare(graph: Graph, engine: Engine, timeout: float | None) -> EngineReport:
    """The report of a comparison; `tg.compare_engines` documents it."""
    _refuse(graph, engine, timeout)
    player = Player(graph, engine)
    if not ends_within(timeout, player.play, player.over) and timeout is not None:
        player.cut_off(timeout)
    with np.errstate(all="ignore"):  # what overflows in the engine does so here too
        judge = Judge(player, type(engine).__name__, missing_methods(engine))
        return EngineReport(tuple(judge.verdicts), graph, judge.engine, tuple(judge.notes), judge.is_whole)


def _refuse(graph: Any, engine: Any, timeout: Any) -> None:
    """Raise an error for what cannot be compared at all."""
    if not isinstance(graph, Graph):
        write = "tg.compare_engines(tg.Graph(L), engine)"
        raise TypeError(f"compare_engines takes a graph, not a {type(graph).__name__}: write {write}")
    if timeout is not None and not (isinstance(timeout, int | float) and 0 < timeout < float("inf")):
        raise ValueError(f"timeout={timeout!r} must be a number of seconds above 0, or None")
    if isinstance(engine, type):
        raise TypeError(f"compare_engines takes an engine, not its class: write {engine.__name__}()")
    missing = missing_methods(engine)
    if not NEEDED.isdisjoint(missing):
        methods = f"an engine has the methods {listed(METHODS)}, which an adapter can give it"
        raise TypeError(f"{type(engine).__name__} has no {listed(missing)}: {methods}")
    output = graph.outputs[0]
    if output.shape:
        mend = "make the output one, for example by np.sum"
        raise ValueError(f"{graph.name(output)} has shape {output.shape}, and backward starts from a number: {mend}")


@dataclass(frozen=True, repr=False)
class EngineReport(Report):
    """What `tg.compare_engines` returns: `right`, the `first` wrong verdict, all `verdicts` in order, and `notes`.

    `report["dw"]` is the verdict of a value or gradient. A notebook shows the picture of the graph with the wrong card marked.
    """

    verdicts: tuple[StepVerdict, ...]
    engine: str = ""
    notes: tuple[str, ...] = ()
    is_whole: bool = True

    @property
    def right(self) -> bool:
        """Whether nothing is wrong, and the gradient of every parameter is known to be right."""
        return self.first is None and self.is_whole

    @property
    def first(self) -> StepVerdict | None:
        """The first wrong verdict, or None."""
        return next((verdict for verdict in self.verdicts if verdict.status == "wrong"), None)

    def __str__(self) -> str:
        return "\n".join(self._lines())

    __repr__ = __str__

    def _lines(self) -> Iterator[str]:
        first, of = self.first, self.graph.name(self.graph.outputs[0])
        if first is None and self.right:
            yield f"{self.engine} agrees with the graph of {of}: {self._counts()}"
        elif first is None:
            yield f"{self.engine} agrees with the graph of {of} as far as it was compared"
        else:
            yield f"{self.engine} parts from the graph of {of} at {first.name}, in the {PASSES[first.phase]}"
        wrong = [verdict for verdict in self.verdicts if verdict.status == "wrong"]
        yield from (f"  {verdict.text}{_place(verdict)}" for verdict in wrong[:SHOWN])
        if len(wrong) > SHOWN:
            yield f"  … {len(wrong) - SHOWN} more are wrong"
        if not self.right:
            yield from self._others()
        yield from self.notes

    def _counts(self) -> str:
        values, gradients = (sum(v.phase == phase for v in self.verdicts) for phase in ("forward", "backward"))
        again = ", also in a second backward pass" if gradients else ""
        return f"{counted(values, 'value')} and {counted(gradients, 'gradient')}{again}"

    def _others(self) -> Iterator[str]:
        """What is right, what follows from a wrong number, and what was not judged, by name."""
        for status, words in (("right", "right"), ("follows", "right, as far as it follows from what is wrong")):
            names = [verdict.name for verdict in self.verdicts if verdict.status == status]
            if names:
                yield f"{words}: {_some(names)}"
        reasons: dict[str, list[str]] = {}
        for verdict in self.verdicts:
            if verdict.status == "not judged":
                reasons.setdefault(verdict.text, []).append(verdict.name)
        for reason, names in reasons.items():
            yield f"not judged: {_some(names)} ({reason})"

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data."""
        return {"engine": self.engine, **super().to_dict(), "notes": [*self.notes]}

    def draw(self, **settings: Any) -> Picture:
        """The picture of the graph with ✗ where the engine parts from it; of values without a name there is one card an op.

        Takes the settings of `graph.draw`, except `lens`.
        """
        if not self.graph._requests() and any(x.kind == "parameter" for x in self.graph.forward):
            self.graph.backprop()
        node = None if self.first is None else self.first.node
        is_named = node is None or node.op is None or self.graph.name(node) is not None
        return super().draw(**{"level": "named" if is_named else "op", **settings})


def _place(verdict: StepVerdict) -> str:
    """The line of code of a value that has no name."""
    return "" if verdict.step.name.isidentifier() else f" ({verdict.step.part_of.place})"


def _some(names: list[str]) -> str:
    more = f", … {len(names) - LONG} more" if len(names) > LONG else ""
    return f"{', '.join(names[:LONG])}{more}"
