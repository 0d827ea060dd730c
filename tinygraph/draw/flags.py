"""What is remarkable of the numbers on cards: NaN, infinity and underflow, and inputs to which no gradient is passed on.

A flag is the last piece of a line, a hole like that of its number, so that it follows where leaves move.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from tinygraph.express.holes import Hole, Text
from tinygraph.node import Node
from tinygraph.ops import divide, multiply
from tinygraph.program.flow import Pass
from tinygraph.sparse import is_sparse

MOST = 8  # products that a value is computed by, and that are watched
VISITED = 60  # ops that are searched for them


def flag(node: Node, elsewhere: Collection[Node]) -> Hole:
    """The warning behind the number of a value; nodes that stand `elsewhere` have flags of their own."""
    triples = list(_products(node, elsewhere))[:MOST]
    return Hole(node, "flag", beside=tuple(x for triple in triples for x in triple))


def _products(node: Node, elsewhere: Collection[Node]) -> Iterator[tuple[Node, Node, Node]]:
    """The products inside a value, each with its factors; a factor that is a number is left out, as the other one twice."""
    seen, found = {node}, [node]
    for x in found:  # grows as it is walked
        inputs = [y for y in x.inputs if isinstance(y, Node)]
        factors = [y for y in x.inputs if isinstance(y, Node) or not y]
        if x.op in (multiply, divide) and x.dtype.kind == "f" and not any(map(_is_no_factor, factors)):
            yield x, inputs[0], inputs[-1]
        if len(found) < VISITED:
            new = [y for y in dict.fromkeys(inputs) if y.op is not None and y not in elsewhere and y not in seen]
            seen.update(new)
            found += new


def _is_no_factor(x: Node | float) -> bool:
    """Whether a product with this is 0 by right, or cannot be looked into."""
    return not isinstance(x, Node) or is_sparse(x.value)


def inactive(found: Pass) -> Text:
    """What is said of an input to which a statement passes no gradient on, though one arrives: its local derivative is 0."""
    return Text(Hole(found.node, "inactive", beside=(found.upstream,)))
