"""How a program checks that Python decides as it did in the recording: what each decision was made by, as an expression."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygraph.decisions import (
    Decision,
    GoneError,
    LostRecipe,
    Recipe,
    RecipeLeaf,
    RecipeOp,
    Replay,
    decisions_behind,
    first_lost,
    lineage,
)
from tinygraph.graph import Graph
from tinygraph.node import Leaf, Node
from tinygraph.place import Place
from tinygraph.program.form import structural
from tinygraph.program.value import Apply, Expression, Name, Number, atoms
from tinygraph.sparse import is_sparse

LONGEST_TEXT = 60  # characters of what the user wrote
LONGEST = 20  # ops in a check; beyond it the leaves behind a decision are held to their values


@dataclass(frozen=True)
class Check:
    """The decisions of one place in the code: the answers, and the expressions that gave them."""

    text: str
    answers: tuple[Any, ...]
    expressions: tuple[Expression, ...]

    @property
    def reads(self) -> set[Node]:
        """The values that must be known before it."""
        return {x.node for expression in self.expressions for x in atoms(expression) if isinstance(x, Name)}


@dataclass(frozen=True)
class FixedLeaf:
    """A leaf that must keep its value, because a decision that it took part in cannot be written as an expression."""

    leaf: Node
    text: str

    @property
    def digest(self) -> str:
        """What the value is recognised by."""
        return digest(self.leaf.value)


def digest(value: Any) -> str:
    """A hash of the shape and the bytes of a value; of a sparse one, of where its entries stand too."""
    parts = (value.data, value.indices, value.indptr) if is_sparse(value) else (value,)
    return hashlib.sha256(repr(value.shape).encode() + b"".join(np.ascontiguousarray(x).tobytes() for x in parts)).hexdigest()


def decisions_of(graph: Graph) -> list[Decision]:
    """The decisions that the leaves of a graph took part in before it was made, in order."""
    return decisions_behind(_leaves(graph), graph._recorded_until)


def checks(graph: Graph, named: Sequence[Node]) -> tuple[list[Check], list[FixedLeaf]]:
    """What the program of a graph must check; `named` are the nodes that it has names for."""
    writer = _Writer(graph, named)
    places: dict[tuple[Place, str], list[tuple[Decision, Expression]]] = {}
    written: dict[tuple[Any, int], tuple[Place, str]] = {}  # Python compiles the condition of a loop twice
    held: dict[Node, str] = {}
    for decision in decisions_of(graph):
        assert isinstance(decision.recipe, RecipeOp | RecipeLeaf)
        expression = writer.expression(decision.recipe)
        if expression is None:
            for leaf in writer.leaves(decision.recipe):
                held.setdefault(leaf, place_and_text(decision))
        else:
            spot = decision.code, decision.instruction
            if spot not in written:
                written[spot] = decision.place, decision.text
            places.setdefault(written[spot], []).append((decision, expression))
    for leaf in _leaves(graph):
        lost = first_lost(leaf, graph._recorded_until)
        if lost is not None:
            held.setdefault(leaf, place_and_text(lost))
    found = [
        Check(
            place_and_text(group[-1][0]) + (writer.recorded(group[0][0].recipe) if len(group) == 1 else ""),
            tuple(decision.answer for decision, _ in group),
            tuple(expression for _, expression in group),
        )
        for group in places.values()
    ]
    return found, [FixedLeaf(leaf, text) for leaf, text in held.items()]


def place_and_text(decision: Decision) -> str:
    """Where a decision was made, and what the user wrote there."""
    text = decision.text
    return f"line {decision.place.line}: {text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + '…'}"


def _leaves(graph: Graph) -> list[Leaf]:
    return [node for node in graph.forward if isinstance(node, Leaf)]


class _Writer:
    """Recipes as expressions of the nodes that a program has names for."""

    def __init__(self, graph: Graph, named: Sequence[Node]) -> None:
        self._named = {node.recipe: node for node in named if isinstance(getattr(node, "recipe", None), RecipeOp)}
        self._leaf = {
            older.recipe: leaf
            for leaf in _leaves(graph)
            for older in lineage(leaf)
            if isinstance(getattr(older, "recipe", None), RecipeLeaf)
        }
        self._recorded = Replay(lambda leaf: leaf.value)
        self._known: dict[Recipe, Expression | None] = {}

    def expression(self, recipe: Recipe) -> Expression | None:
        """The recipe as an expression, or None where there is none of bearable length."""
        stack = [recipe]
        while stack:
            x = stack[-1]
            missing = [i for i in x.recipes if i not in self._known]
            if missing and x not in self._named:
                stack.extend(missing)
                continue
            if x not in self._known:
                self._known[x] = self._written(x)
            stack.pop()
        return self._known[recipe]

    def _written(self, x: Recipe) -> Expression | None:
        if isinstance(x, RecipeLeaf):
            leaf = self._leaf.get(x)
            value = x.value
            return Name(leaf) if leaf is not None else None if value is None or value.shape else Number(value.item())
        if x in self._named:
            return Name(self._named[x])
        inputs = [self._known[i] if isinstance(i, RecipeOp | RecipeLeaf) else Number(i) for i in x.inputs]
        given = [i for i in inputs if i is not None]
        if any(x.op.reads_shape) or len(given) < len(inputs) or sum(i.size for i in given) >= LONGEST:
            return None
        try:
            with np.errstate(all="ignore"):
                value = self._recorded.value(x)
        except GoneError:
            return None
        written: Expression = structural(x.op, given, x.params, value.shape, value.dtype.kind)
        return written

    def recorded(self, recipe: Recipe | LostRecipe) -> str:
        """The numbers that a decision was made by, apart from literals."""
        recipes = [recipe] if isinstance(recipe, RecipeLeaf) else [] if isinstance(recipe, LostRecipe) else recipe.recipes
        given = [np.asarray(self._recorded.value(i))[()] for i in recipes]
        numbers = [f"{x}" for x in given if not x.shape]
        return f", of {' and '.join(numbers)}," if numbers else ""

    def leaves(self, recipe: Recipe) -> Iterator[Node]:
        """The leaves of the graph that a recipe reads."""
        seen = {recipe}
        stack = [recipe]
        while stack:
            x = stack.pop()
            if isinstance(x, RecipeLeaf):
                if x in self._leaf:
                    yield self._leaf[x]
            else:
                fresh = [i for i in x.recipes if i not in seen]
                seen.update(fresh)
                stack += fresh


def compared(expression: Expression) -> tuple[Expression, ...]:
    """The numbers that a decision compares: the operands of its last op that are no literals."""
    return tuple(x for x in expression.inputs if not isinstance(x, Number)) if isinstance(expression, Apply) else (expression,)
