"""The report of a comparison: a verdict for each value that was given, in the order of the walk."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any, Literal

from tinygraph.slips import Slip
from tinygraph.wording import counted, suggestion

if TYPE_CHECKING:
    from tinygraph.draw.picture import Picture
    from tinygraph.graph import Graph
    from tinygraph.node import Node

Status = Literal["right", "wrong", "follows", "not judged"]


@dataclass(frozen=True)
class Verdict:
    """What is said of one value: its name, "right", "wrong", "follows" (from an earlier wrong value) or "not judged", the slips
    that explain it, and the sentence.
    """

    name: str
    status: Status
    text: str = ""
    slips: tuple[Slip, ...] = ()
    node: Node | None = field(default=None, compare=False, repr=False)  # on whose card it is shown
    is_gradient: bool = field(default=False, compare=False, repr=False)  # of that node

    def __str__(self) -> str:
        return f"{self.name}  {self.text or self.status}"

    def to_dict(self) -> dict[str, Any]:
        """The verdict as plain data."""
        slips = [one._asdict() for one in self.slips]
        return {"name": self.name, "status": self.status, "text": self.text, "slips": slips}


@dataclass(frozen=True, repr=False)
class Report:
    """The verdicts on values and gradients that were computed by hand, in the order in which the program computes them.

    `right` says whether all are right, `first` is the first wrong verdict or None, and `report["dw"]` the verdict of a name.
    `to_dict` and `to_json` return it as plain data; a notebook shows the picture with the wrong card marked.
    """

    verdicts: tuple[Verdict, ...]
    graph: Graph = field(compare=False)

    @property
    def right(self) -> bool:
        """Whether everything that was given is right."""
        return all(v.status == "right" for v in self.verdicts)

    @property
    def first(self) -> Verdict | None:
        """The first wrong value; None if no value is wrong."""
        return next((v for v in self.verdicts if v.status == "wrong"), None)

    @property
    def summary(self) -> str:
        """How many values are right: `1 of 2 values right`."""
        return f"{sum(v.status == 'right' for v in self.verdicts)} of {counted(len(self.verdicts), 'value')} right"

    def __getitem__(self, name: str) -> Verdict:
        """The verdict of a name. Raises KeyError for a name that has none."""
        names = [v.name for v in self.verdicts]
        if name not in names:
            raise KeyError(f"{name} was not judged: {suggestion(name, names)}")
        return self.verdicts[names.index(name)]

    def __iter__(self) -> Iterator[Verdict]:
        return iter(self.verdicts)

    def __len__(self) -> int:
        return len(self.verdicts)

    def __str__(self) -> str:
        return "\n".join(_lines(self.verdicts))

    __repr__ = __str__

    def draw(self, **settings: Any) -> Picture:
        """The picture of the graph with ✓ at what is right, and ✗ with the reason at what is wrong; the first wrong card is red.

        Takes the settings of `graph.draw`, except `lens`.
        """
        from tinygraph.draw.compose import draw
        from tinygraph.draw.judged import mark

        return draw(self.graph, lens=partial(mark, self), **settings)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        shown = self.draw()._repr_mimebundle_()
        page = f'<pre style="text-align: left">{escape(str(self))}</pre>{shown.get("text/html", "")}'
        return {"text/html": page, "text/plain": str(self)}

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data."""
        return {
            "right": self.right,
            "first": None if self.first is None else self.first.name,
            "verdicts": [v.to_dict() for v in self.verdicts],
        }

    def to_json(self) -> str:
        """The report as JSON."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False)


def _lines(verdicts: Sequence[Verdict]) -> Iterator[str]:
    wide = max((len(v.name) for v in verdicts), default=0)
    for v in verdicts:
        first, *more = (v.text or v.status).split("\n")
        yield f"{v.name:{wide}}  {first}"
        yield from (f"{'':{wide}}  {line}" for line in more)
