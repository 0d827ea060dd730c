"""Which outputs of a graph are sums or means over rows, so that those of parts of the rows, added up, give those of all.

Every value is a power of the number of rows times what does not depend on it: a mean is a sum over rows with the power -1. What
is linear in such sums is one itself; anything else that needs several rows couples them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tinygraph.compiler.lowered import Lowered
from tinygraph.compiler.planning import NoRowsError
from tinygraph.compiler.primitives import needed, read, reads
from tinygraph.compiler.request import Wanted
from tinygraph.node import Node
from tinygraph.ops import Op, Reduction, Sum, SumOfProducts

# Built-in ops that are linear in their first argument, the second in all; a kind speaks of axes alone.
LINEAR = {
    *("alias", "broadcast_like", "cast", "cast_like", "diagonal", "expand_dims", "flip", "index", "negative", "reshape", "roll"),
    *("squeeze", "transpose", "tril", "triu"),
}
JOINING = {"concatenate", "stack"}


class Split(NamedTuple):
    """The axis of the rows of each leaf that is given in parts, and whether each output is a mean over rows or else a sum."""

    axis: dict[Node, int]
    is_mean: list[bool]


class _Value(NamedTuple):
    """What is known of a value: the power of the number of rows in it, and whether it is a sum over all rows."""

    power: int
    is_total: bool


def split(wanted: Wanted, given: Collection[Node]) -> Split:
    """How outputs are computed from parts of the rows of the `given` leaves; raises NoRowsError with the reason."""
    lowered = Lowered(wanted, wanted.graph.outputs)
    try:
        axis = lowered.phases(given).axis
    except NoRowsError:
        axis = lowered.phases(lowered.data).axis  # raises the error again where no array is missing
        missing = [x for x in lowered.nodes if x in lowered.data and x in axis and x not in given]
        if not missing:
            raise
        name = wanted.graph.name(missing[0])
        which = f"{name} has" if missing[0] in set(wanted.arguments.leaves) else "an array without a name has"
        raise NoRowsError(f"{which} an entry for each row, and is not given with the others") from None
    names = [[wanted.graph.name(x) for x in given if (x in axis) == is_tied] for is_tied in (False, True)]
    if names[0]:
        raise NoRowsError(f"nothing in the graph says that {names[0][0]} has the rows of {names[1][0]}")
    found = _Powers(axis)
    for node in needed(lowered.nodes, lowered.targets):
        found.add(node)
    return Split({x: axis[x] for x in given}, [_is_mean(found.of(x), x) for x in lowered.targets])


def _is_mean(output: _Value, node: Node) -> bool:
    """Whether an output is a mean; one that has nothing to do with rows is the mean of itself."""
    if output.power == (-1 if output.is_total else 0):
        return True
    if not output.is_total or output.power:
        raise NoRowsError(f"an output is neither a sum nor a mean over rows, but depends on how many there are, at {node.place}")
    return False


class _Powers:
    """What is known of each value of a graph, of which some have an `axis` of the rows."""

    def __init__(self, axis: Mapping[Node, int]) -> None:
        self._axis = axis
        self._known: dict[Node, _Value] = {}

    def of(self, x: Any) -> _Value:
        """Of an operand."""
        return self._known[x] if isinstance(x, Node) else _Value(0, False)

    def add(self, node: Node) -> None:
        """Find out about a value; its operands are known."""
        self._known[node] = _Value(0, False) if node.op is None else self._found(node)

    def _found(self, node: Node) -> _Value:
        assert node.op is not None
        if node not in self._axis and self._is_count(node):
            return _Value(1, False)
        power, is_total = self._combined(node, [*map(self.of, read(node))])
        sums = isinstance(node.op.kind, Sum | SumOfProducts)
        return _Value(power, is_total or (sums and node not in self._axis and any(x in self._axis for x in reads(node))))

    def _is_count(self, node: Node) -> bool:
        """Whether a value is the number of rows, of which a number of entries is a multiple."""
        assert node.op is not None
        values = set(reads(node))
        shapes = [x for x in node.inputs if isinstance(x, Node) and x in self._axis and x not in values]
        if not shapes:
            return False
        (x,) = shapes[:1]
        if _name(node.op) != "count":
            raise NoRowsError(f"{node.op.name} depends on how many rows there are, at {node.place}")
        return self._axis[x] in Reduction.gone(x.ndim, node.params)

    def _combined(self, node: Node, values: Sequence[_Value]) -> tuple[int, bool]:
        """The power of a result, and whether it is linear in a sum over all rows; raises NoRowsError where it is not linear."""
        op = node.op
        assert op is not None
        totals, powers = [x for x in values if x.is_total], [x.power for x in values]
        name = _name(op)
        if name in ("add", "subtract"):
            return self._added(node, values)
        if name == "multiply" or isinstance(op.kind, SumOfProducts):
            if len(totals) < 2:
                return sum(powers), bool(totals)
        elif name == "divide":
            if not values[1].is_total:
                return powers[0] - powers[1], bool(totals)
        elif name in JOINING and len(set(values)) == 1:
            return values[0]
        elif (name in LINEAR and not _rounds(node)) or isinstance(op.kind, Sum):
            if set(values[1:]) <= {_Value(0, False)}:
                return values[0]
        elif not totals and not any(powers):
            return 0, False
        raise NoRowsError(f"{op.name} is not linear in {_what(totals)}, at {node.place}")

    def _added(self, node: Node, values: Iterable[_Value]) -> tuple[int, bool]:
        kinds = set(values)
        if len(kinds) == 1 or kinds == {_Value(-1, True), _Value(0, False)}:  # a mean, and what is the same for any rows
            return min(kinds)
        if kinds == {_Value(0, True), _Value(0, False)}:
            raise NoRowsError(
                f"a sum over rows and a value that is none are added, at {node.place}: take the mean over rows, or add the "
                "value to the result"
            )
        raise NoRowsError(f"values that depend differently on how many rows there are are added, at {node.place}")


def _rounds(node: Node) -> bool:
    """Whether an op casts floats to whole numbers."""
    return node.dtype.kind != "f" and any(x.dtype.kind == "f" for x in reads(node))


def _name(op: Op) -> str:
    """The name of a built-in op: a user's may have the same, and another meaning."""
    return op.name if op.built_in else ""


def _what(totals: Sequence[_Value]) -> str:
    return "a sum over all rows" if totals else "the number of rows"
