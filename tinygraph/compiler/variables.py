"""What values are called in the source of a step: as the user calls them, or `t1`, `t2`, ..."""

from __future__ import annotations

import itertools
import keyword
import re
from collections.abc import Iterable

import numpy as np

from tinygraph.node import Node
from tinygraph.ops import REGISTRY

OWN = re.compile(
    r"[cmut]\d+|.*_0d|constants|buffers|scalar|array|asarray|float|spent|clock|before|now|rows|own|added|step"
)  # what a script has itself


class Variables:
    """Gives each node a name of its own."""

    def __init__(self) -> None:
        self._name: dict[Node, str] = {}
        self._taken: set[str] = set()
        self._numbers = itertools.count(1)

    def give(self, names: Iterable[tuple[Node, str]]) -> None:
        """Call nodes as the user does, each by the first of its names."""
        for node, name in names:
            if node not in self._name:
                while name in self._taken or _is_taken(name):
                    name += "_"
                self._name[node] = name
                self._taken.add(name)

    def of(self, node: Node) -> str:
        """The name of a node."""
        if node not in self._name:
            self._name[node] = f"t{next(self._numbers)}"
        return self._name[node]


def _is_taken(name: str) -> bool:
    """Whether the source of a step calls something else by a name."""
    return bool(OWN.fullmatch(name)) or name in REGISTRY or hasattr(np, name) or keyword.iskeyword(name)
