"""How the axes of an op's result arise from those of its arguments: the kind of the op, which it declares.

A kind speaks of axes alone: a loss is a `Contraction`, since its arguments must agree and its result has no axes. `Sum`,
`SumOfProducts` and `Repetition` say what the entries are too: that is what the normal form of gradients needs to know. `sizes`
gives the size of every axis of a recorded result, and demands what must be as it was recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from tinygraph.node import Node
from tinygraph.sizes import Axis, Size, Sizes, Sizing, is_firm

Shape: TypeAlias = tuple[int, ...]
Params: TypeAlias = Mapping[str, Any]
Letter: TypeAlias = str | int
Place: TypeAlias = tuple[int, int]  # an axis of an argument: the positions of both


class KindError(Exception):
    """Arguments that a declared kind does not fit."""


class Kind:
    """How the axes of a result arise; kinds with the same settings are equal."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((type(self), *vars(self).values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"

    def sizes(self, axes: Sizing, node: Node) -> Sizes:
        """The sizes of the axes of a result."""
        raise NotImplementedError


class Elementwise(Kind):
    """Every axis of the result is that of all operands that have it: they are broadcast."""

    def sizes(self, axes: Sizing, node: Node) -> Sizes:
        """Those of the operands, broadcast together."""
        return axes.met(node.inputs)


class Reduction(Kind):
    """The axes of the first argument without those in the metadata `axis`, all where it is None or there is no such metadata;
    with the metadata `keepdims` those have size 1.
    """

    def sizes(self, axes: Sizing, node: Node) -> Sizes:
        """Those that are left."""
        if not node.shape:  # a number is repeated along any axis as it is
            return ()
        gone, sizes = self.gone(node.inputs[0].ndim, node.params), axes.of(node.inputs[0])
        if node.params.get("keepdims"):
            return tuple(1 if i in gone else size for i, size in enumerate(sizes))
        return tuple(size for i, size in enumerate(sizes) if i not in gone)

    @staticmethod
    def gone(ndim: int, params: Params) -> tuple[int, ...]:
        """The axes that are reduced; NumPy lets a number be reduced along axis 0."""
        axis = params.get("axis")
        return tuple(range(ndim)) if axis is None or not ndim else normalize_axis_tuple(axis, ndim)

    def place(self, axis: int, ndim: int, params: Params) -> int | None:
        """Which axis of the argument an axis of the result is; None for one that was reduced to size 1."""
        gone = self.gone(ndim, params)
        if params.get("keepdims"):
            return None if axis in gone else axis
        return [i for i in range(ndim) if i not in gone][axis]


class Sum(Reduction):
    """A reduction to the sum of the entries along the axes."""


class Same(Kind):
    """The axes of the argument at a position; with `fits` the others are broadcast to them."""

    def __init__(self, argument: int = 0, fits: bool = False) -> None:
        self.argument = argument
        self.fits = fits

    def sizes(self, axes: Sizing, node: Node) -> Sizes:
        """Those of the argument."""
        return axes.met(node.inputs) if self.fits else axes.of(node.inputs[self.argument])


class EntryByEntry(Same):
    """Each entry of the result depends only on the entry at the same position of the first argument."""


class Repetition(Same):
    """The first argument, repeated along the axes of the argument at a position that it lacks or has with size 1."""

    def __init__(self, argument: int) -> None:
        super().__init__(argument, fits=True)


class Contraction(Kind):
    """Subscripts as of an explicit einsum, or a function `(ranks, params)` that returns them: axes with one letter must agree,
    and those that `...` stands for are broadcast.
    """

    def __init__(self, subscripts: str | Callable[[Sequence[int], Params], str]) -> None:
        self.subscripts = subscripts

    def letters(self, ranks: tuple[int, ...], params: Params) -> tuple[list[list[Letter]], list[Letter]]:
        """The name of every axis of the arguments, and of the result; those of `...` are numbers, counted from the last."""
        return _letters(self.subscripts if isinstance(self.subscripts, str) else self.subscripts(ranks, params), ranks)

    def sizes(self, axes: Sizing, node: Node) -> Sizes:
        """Of every letter of the result, where those of the arguments meet."""
        terms, result = self.letters(tuple(x.ndim if isinstance(x, Node) else 0 for x in node.inputs), node.params)
        places: dict[Letter, list[tuple[Node, int]]] = {}
        for term, x in zip(terms, node.inputs, strict=True):
            axes.of(x)
            for i, letter in enumerate(term):
                places.setdefault(letter, []).append((x, i))
        met = {letter: axes.meeting(own) for letter, own in places.items()}
        return tuple(met[letter] for letter in result)


class SumOfProducts(Contraction):
    """A contraction to the product of the operands' entries, summed over the letters that are missing from the result."""


@lru_cache(maxsize=256)
def _letters(subscripts: str, ranks: tuple[int, ...]) -> tuple[list[list[Letter]], list[Letter]]:
    before, _, after = subscripts.partition("->")
    terms = before.split(",")
    if len(terms) != len(ranks):
        raise KindError(f"there are {len(ranks)}")
    free = [rank - len(term.replace("...", "")) for term, rank in zip(terms, ranks, strict=True)]
    if any(n < 0 or (n and "..." not in term) for term, n in zip(terms, free, strict=True)):
        raise KindError(f"they have {', '.join(map(str, ranks))} axes")
    most = max([0, *(n for term, n in zip(terms, free, strict=True) if "..." in term)])
    return [_named(term, n) for term, n in zip(terms, free, strict=True)], _named(after, most)


def _named(term: str, free: int) -> list[Letter]:
    before, dots, after = term.partition("...")
    return [*before, *(range(-free, 0) if dots else ()), *after]


class Rearrangement(Kind):
    """A function `(shapes, params)` that returns, for every axis of the result, the argument and the axis that it is, or None for
    a new axis of size 1.
    """

    def __init__(self, places: Callable[[Sequence[Shape], Params], Sequence[Place | None]]) -> None:
        self.places = places

    def sizes(self, axes: Sizing, node: Node) -> Sizes:
        """Those of the axes in their new places; a size on which the places depend must be as it was recorded."""
        shapes = [x.shape if isinstance(x, Node) else () for x in node.inputs]
        sizes = [axes.of(x) for x in node.inputs]
        places = self.places(shapes, node.params)
        for k, shape in enumerate(shapes):
            for i, n in enumerate(shape):
                as_one = [*shapes[:k], (*shape[:i], 1, *shape[i + 1 :]), *shapes[k + 1 :]]
                if n != 1 and not is_firm(sizes[k][i]) and self.places(as_one, node.params) != places:
                    axes.demand(node.inputs[k], [i], sizes[k][i], n)
        return tuple(1 if place is None else sizes[place[0]][place[1]] for place in places)


class Opaque(Kind):
    """Anything else; `rule(axes, node)` gives the sizes where they are known, and otherwise they are measured.

    `rowwise(node)` gives the axes of the result of which each row is computed from the same rows of the arguments.
    """

    def __init__(
        self,
        rule: Callable[[Sizing, Node], Sequence[Size]] | None = None,
        rowwise: Callable[[Node], Sequence[int]] = lambda node: (),
    ) -> None:
        self.rule = rule
        self.rowwise = rowwise

    def sizes(self, axes: Sizing, node: Node) -> Sizes:
        """By the rule; operands that may have been broadcast stay equally long where there is none."""
        if self.rule is not None:
            return tuple(self.rule(axes, node))
        if _broadcast([x.shape for x in node.inputs if isinstance(x, Node)]) == node.shape:
            axes.met(node.inputs)
        return tuple(Axis(node, i) for i in range(node.ndim))


def _broadcast(shapes: Sequence[Shape]) -> Shape | None:
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        return None
