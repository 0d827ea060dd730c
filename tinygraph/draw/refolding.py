"""The foldings of a page whose reader folds: which there are, which of them are laid out, and which leads to which."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from tinygraph.draw.engine import LayoutError
from tinygraph.draw.folding import modules_of
from tinygraph.draw.picture import Picture
from tinygraph.draw.size import MANY, is_quick

FOLDINGS = 8  # that are all laid out; of more, some are, and can be selected from a list
AS_DRAWN, ALL_OPEN, ALL_FOLDED = "as drawn", "all open", "all folded"


class Folding(NamedTuple):
    """One way to fold: the outermost modules that are shown as one card, and its label in the list."""

    folded: tuple[str, ...]
    label: str


class Refolded(NamedTuple):
    """A picture with another folding, and its layout as a part of a page."""

    folding: Folding
    picture: Picture
    svg: str


def all_modules(picture: Picture) -> list[str]:
    """All modules, also those that the picture folds."""
    return modules_of(picture.refold(False).drawing) if picture.refold is not None else []


def foldings_of(picture: Picture) -> tuple[list[Folding], bool]:
    """The foldings of a page, first that of the picture, and whether they include all combinations of folded modules.

    If there are too many combinations, the foldings are: all open, all folded, and each module open alone.
    """
    modules, folded = all_modules(picture), set(picture.drawing.folded)
    start = Folding(tuple(name for name in modules if name in folded), AS_DRAWN)
    if picture.refold is None:
        return [start], False
    children: dict[str, list[str]] = {name: [] for name in ("", *modules)}
    for name in modules:
        children[name.rpartition("/")[0]].append(name)
    if not folded <= set(modules):
        return [start, *_few(children)], False
    independent = _combinations_of(children) <= FOLDINGS
    found = [Folding(x, _label(x, children[""])) for x in _combinations("", children)] if independent else _few(children)
    same = next((folding for folding in found if set(folding.folded) == folded), start)
    return [same, *(folding for folding in found if folding is not same)], independent


def refolded(picture: Picture, folding: Folding) -> Picture:
    """The same picture with another folding."""
    assert picture.refold is not None
    return picture.refold(list(folding.folded) or False)


def refoldings(picture: Picture, foldings: Sequence[Folding], cards: int, end: float, prefix: str = "") -> Iterator[Refolded]:
    """Lay out further foldings of a picture until they have so many cards together, or it is so late; large ones are left out.

    The ids of each have a prefix in which `{}` is its number, from 1 on.
    """
    total, count = len(picture.drawing.cards), 0
    for folding in foldings:
        one = refolded(picture, folding)
        if not is_quick(one.drawing):
            continue
        total += len(one.drawing.cards)
        if total > cards or time.monotonic() > end:
            return
        count += 1
        try:
            yield Refolded(folding, one, one.part_of_page(prefix.format(count), max(end - time.monotonic(), 0.1)))
        except LayoutError:
            return


class Ways:
    """Which of the foldings of a page another one leads to, as its place; None where there is none."""

    def __init__(self, foldings: Sequence[Folding], independent: bool) -> None:
        self._independent = independent
        self._places = {frozenset(one.folded): i for i, one in enumerate(foldings) if one.label != AS_DRAWN}
        self._labels = {one.label: i for i, one in enumerate(foldings)}

    def opening(self, at: Folding, module: str) -> int | None:
        """Where a folded module is open: it alone, unless each module folds by itself."""
        if self._independent:
            return self._places.get(frozenset(at.folded) - {module})
        return self._labels.get(_only(module))

    def closing(self, at: Folding, module: str) -> int | None:
        """Where an open module is folded, and all others are as they were."""
        rest = (name for name in at.folded if not name.startswith(f"{module}/"))
        return self._places.get(frozenset([*rest, module]))

    def labelled(self, label: str) -> int | None:
        """The one of a label."""
        return self._labels.get(label)


def _only(module: str) -> str:
    return f"only {module} open"


def _label(folded: tuple[str, ...], outermost: Sequence[str]) -> str:
    if not folded:
        return ALL_OPEN
    return ALL_FOLDED if len(folded) == len(outermost) and set(folded) == set(outermost) else f"{', '.join(folded)} folded"


def _few(children: Mapping[str, Sequence[str]]) -> list[Folding]:
    """All folded, all open, and where there are not very many modules, each of them open alone."""
    modules = [name for name in children if name]
    found = [Folding(tuple(children[""]), ALL_FOLDED)] if modules else []
    found.append(Folding((), ALL_OPEN))
    few = modules if len(children[""]) <= MANY else []
    return found + [Folding(tuple(_beside(name, children)), _only(name)) for name in few]


def _combinations_of(children: dict[str, list[str]]) -> int:
    """How many combinations of folded modules there are."""
    counts: dict[str, int] = {}
    for name in reversed(children):
        counts[name] = math.prod(counts[child] for child in children[name]) + (name != "")
    return counts[""]


def _combinations(name: str, children: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, ...]]:
    """All combinations of folded modules inside an open module."""
    choices = [[(child,), *_combinations(child, children)] for child in children[name]]
    for combination in itertools.product(*choices):
        yield tuple(itertools.chain(*combination))


def _beside(name: str, children: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """The modules to fold so that one module alone is open: all but those that contain it."""
    here = ""
    while True:
        inner = next((child for child in children[here] if name == child or name.startswith(f"{child}/")), None)
        yield from (child for child in children[here] if child != inner)
        if inner is None:
            return
        here = inner
