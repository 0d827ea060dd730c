"""The paths of a page as data: the values between each output and the leaves, and what leads from one to the next.

A page finds the largest paths among them itself, since that changes with its leaves.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import Any, NamedTuple

import numpy as np

from tinygraph.express.equations import Equations
from tinygraph.express.holes import Hole, Text
from tinygraph.express.layout import Layout, Symbol
from tinygraph.express.plain import plain
from tinygraph.leaves import constant
from tinygraph.node import Node
from tinygraph.program.flow import Pass
from tinygraph.program.paths import Path, Routes
from tinygraph.program.statements import program_of
from tinygraph.stepping.stepper import Chapter
from tinygraph.stepping.templates import Slot

FEW = 8  # paths through arrays to one leaf, each of which has its contribution
ASKED, CLEAR = 6, 1.01  # paths of a question, and times that the largest is larger than the next
ARRIVES = Symbol("□")  # stands for the upstream gradient


def routes_data(chapter: Chapter) -> list[dict[str, Any]]:
    """The routes from each output that has derivatives."""
    program = program_of(chapter.graph)
    writer = _Writer(Equations(program))
    return [writer.data(routes) for routes in program.routes]


def nodes_of(routes: Routes) -> list[Node]:
    """The values of the routes from an output, in the order of the data."""
    passes = (one for several in routes.passes.values() for one in several)
    return list(dict.fromkeys([routes.output, *(x for one in passes for x in (one.reader.node, one.of))]))


class _Writer:
    def __init__(self, equations: Equations) -> None:
        self._equations = equations

    def data(self, routes: Routes) -> dict[str, Any]:
        """The values as symbols, the passes by the places of their two values, the leaves by theirs."""
        places = {node: i for i, node in enumerate(nodes_of(routes))}
        passes = [one for several in routes.passes.values() for one in several]
        order = {one: i for i, one in enumerate(passes)}
        ends = [x for x in self._equations.program.leaves if x in places]
        leaves = sorted(ends, key=lambda x: x.kind != "parameter")
        return {
            "values": [plain(self._equations.variable(node)) for node in places],
            "passes": [[places[one.reader.node], places[one.of], *self._passed(routes, one)] for one in passes],
            "ends": [self._end(routes, x, order) | {"place": places[x]} for x in leaves or list(places)[1:]],
        }

    def _passed(self, routes: Routes, one: Pass) -> Iterator[Any]:
        """The local derivative as a number; else what is passed on of what arrives."""
        number = routes.number(one)
        if number is not None:
            yield from ([Hole(number, "full")], Slot(number))
        else:
            notation = copy(self._equations.notation)
            notation.name = lambda node: self._name(node, one)
            yield plain(notation.layout(one.local if one.is_factor else one.contribution))

    def _name(self, node: Node, one: Pass) -> Layout:
        return ARRIVES if node is one.upstream else self._equations.name(node)

    def _end(self, routes: Routes, end: Node, order: dict[Pass, int]) -> dict[str, Any]:
        """A leaf, with its gradient and the contribution of each path where they are few and no products of numbers."""
        gradient = routes.gradients[end]
        found: dict[str, Any] = {"gradient": [Hole(gradient, "signed")], "slot": Slot(gradient), "shape": end.shape}
        if routes.count(end) <= FEW and not routes.is_numeric(end):
            found["contributions"] = {
                " ".join(str(order[one]) for one in path.passes): [[Hole(node, "signed")], Slot(node)]
                for path in routes.every(end)
                for node in [routes.contribution(path.passes)]
            }
        return found


class Carrying(NamedTuple):
    """Which of a few paths carries most: the choices, the values on each path, the products, and the answer at these leaves."""

    choices: tuple[str, ...]
    ways: tuple[str, ...]
    products: tuple[Node, ...]
    value: Text


def carries_most(routes: Routes, end: Node) -> Carrying | None:
    """The question about the paths to a value; None for one path, for many, and through arrays.

    Where no path stands out, the value is none of the choices: at other leaves, one may.
    """
    if not 2 <= routes.count(end) <= ASKED or not routes.is_numeric(end):
        return None
    paths = sorted(routes.every(end), key=lambda path: path.nodes)  # their order says nothing about their sizes
    with np.errstate(all="ignore"):
        products = tuple(_product(routes, path) for path in paths)
        sizes: Any = np.abs(np.stack(products))
        ordered = np.sort(sizes)
        largest: Any = np.where(ordered[-1] > CLEAR * ordered[-2], np.argmax(sizes) + 1, 0)
    choices = tuple(f"path {i}" for i, _ in enumerate(paths, 1))
    return Carrying(choices, tuple(" → ".join(path.nodes) for path in paths), products, Text("path ", Hole(largest)))


def _product(routes: Routes, path: Path) -> Node:
    """The product of the local derivatives as a recorded value."""
    found: Any = constant(1.0)
    for one in path.passes:
        found = found * routes.number(one)
    return found
