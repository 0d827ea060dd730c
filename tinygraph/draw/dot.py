"""A drawing in the DOT language: cards as HTML labels with generated ids, modules as frames, edges from port to port."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from graphviz import Digraph

from tinygraph.draw.cards import LONGEST, Card, Drawing, Edge
from tinygraph.draw.keys import edge_id, frame_ids
from tinygraph.draw.label import SIZE, clean, label
from tinygraph.draw.theme import Theme
from tinygraph.express.text import cut

# The sides on which edges leave and enter a card.
SIDES = {"LR": ("e", "w"), "RL": ("w", "e"), "TB": ("s", "n"), "BT": ("n", "s")}


def dot(drawing: Drawing, theme: Theme, direction: str) -> str:
    """The drawing as DOT, on the background of its theme, because the page around it may have another background."""
    graph = Digraph("tinygraph")
    graph.attr(
        "graph", rankdir=direction, bgcolor=theme.page,
        fontname="Helvetica", pad="0.25", nodesep="0.16", ranksep="0.45",
        fontsize=str(SIZE), fontcolor=theme.text, labelloc="b", label=_legend(drawing, theme),
    )  # fmt: skip
    graph.attr("node", shape="plain", fontname="Helvetica", fontsize=str(SIZE), fontcolor=theme.text)
    graph.attr("edge", fontname="Helvetica", color=theme.text, arrowsize="0.8", penwidth="1.3")
    _clusters(graph, drawing.cards, (), theme, direction)
    cards = {card.key: card for card in drawing.cards}
    for edge in drawing.edges:
        _edge(graph, edge, theme, SIDES[direction], cards[edge.source], cards[edge.target])
    return str(graph.source)


def _clusters(graph: Digraph, cards: Iterable[Card], path: tuple[str, ...], theme: Theme, direction: str) -> None:
    """The cards of one module; each module inside it gets a frame of its own."""
    depth = len(path)
    inner = []
    for card in cards:
        if len(card.module) == depth:
            graph.node(
                card.key, label=label(card, theme, direction), id=card.key, **{"class": _classes("card", card.kind, card.mark)}
            )
        else:
            inner.append(card)
    inner.sort(key=lambda card: card.module[: depth + 1])
    for module, group in groupby(inner, key=lambda card: card.module[: depth + 1]):
        members = list(group)
        with graph.subgraph(name=f"cluster_{members[0].key}_{depth}") as frame:
            frame.attr(
                id=frame_ids(members)[module],
                label=f"<{clean(cut(module[-1], LONGEST))}>", labeljust="l", labelloc="t", style="rounded,filled",
                fontsize=str(SIZE), margin="10",
                color=theme.cluster.line, fillcolor=theme.cluster.fill, fontcolor=theme.text, **{"class": "module"},
            )  # fmt: skip
            _clusters(frame, members, module, theme, direction)


def _edge(graph: Digraph, edge: Edge, theme: Theme, sides: tuple[str, str], source: Card, target: Card) -> None:
    leaves, enters = ("g", "g") if edge.backward else ("f", "i")
    start, end = sides
    ends = f"{edge.source}:{leaves}:{start}", f"{edge.target}:{enters}{min(edge.row, len(target.rows) - 1)}:{end}"
    length = {} if source.module == target.module else {"minlen": "2"}
    if edge.backward:
        graph.edge(
            *ends, id=edge_id(edge), dir="back", arrowtail="vee", style="dashed", color=theme.red, weight="3",
            penwidth=f"{1.4 * edge.weight:.3g}", **{"class": "backward"}, **length,
        )  # fmt: skip
    else:
        graph.edge(*ends, id=edge_id(edge), weight="3", **{"class": "forward"}, **length)


def _classes(*names: str) -> str:
    return " ".join(name for name in names if name)


def _legend(drawing: Drawing, theme: Theme) -> str:
    """What the two kinds of edges mean, and the notes below."""
    cells = [_line(theme.text, [22]), '<TD ALIGN="LEFT">►</TD>', '<TD ALIGN="LEFT">\xa0value forward</TD>']
    if any(edge.backward for edge in drawing.edges):
        arrow, words = (f'<FONT COLOR="{theme.red}">{text}</FONT>' for text in ("◄", "\xa0gradient backward"))
        dashes = _line(theme.red, [6, 3, 6, 3, 6])
        cells += ['<TD WIDTH="20"></TD>', f'<TD ALIGN="RIGHT">{arrow}</TD>', dashes, f'<TD ALIGN="LEFT">{words}</TD>']
    notes = "".join(f'<TR><TD COLSPAN="{len(cells)}">{clean(note)}</TD></TR>' for note in drawing.notes)
    return f'<<TABLE BORDER="0" CELLSPACING="1" CELLPADDING="0"><TR>{"".join(cells)}</TR>{notes}</TABLE>>'


def _line(colour: str, dashes: Sequence[int]) -> str:
    """A cell with a line drawn in it, each second one of its `dashes` a gap: fonts may lack the characters for lines."""
    drawn = f' BORDER="2" SIDES="B" COLOR="{colour}"'
    above = "".join(f'<TD WIDTH="{long}" HEIGHT="8"{"" if i % 2 else drawn}></TD>' for i, long in enumerate(dashes))
    below = f'<TD COLSPAN="{len(dashes)}" HEIGHT="5"></TD>'
    table = '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">'
    return f"<TD>{table}<TR>{above}</TR><TR>{below}</TR></TABLE></TD>"
