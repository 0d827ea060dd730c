"""The picture of a graph with the card of one verdict marked; the room `draw` is read when a picture is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tinygraph.graph import Graph
from tinygraph.referee.verdicts import Verdict

if TYPE_CHECKING:
    from tinygraph.draw.picture import Picture


def pictured(graph: Graph, verdict: Verdict | None, settings: Mapping[str, Any]) -> Picture:
    """The picture with a red card where the verdict is; of values without a name there is one for each op."""
    from tinygraph.draw.compose import draw

    if verdict is None:
        return draw(graph, **settings)
    node, is_backward = verdict.step.part_of, verdict.phase != "forward"
    is_named = node.op is None or graph.name(node) is not None
    return draw(graph, **{"level": "named" if is_named else "op", **settings}, found={node: (verdict.text, is_backward)})
