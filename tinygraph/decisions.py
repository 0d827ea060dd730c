"""Branches of the user's Python code: each condition is kept with the ops behind it, so that a replay evaluates it again.

`if z > 0` takes a number out of the record, and the branch that was not taken leaves no trace there. So the decision is noted
at every leaf behind it. A recipe holds ops and the values of leaves, never nodes, so that it keeps no graph alive and makes no
cycle.
"""

from __future__ import annotations

import ast
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tinygraph.excerpt import excerpt
from tinygraph.place import Place, place_of, user_frame

if TYPE_CHECKING:
    from tinygraph.node import Leaf, Node
    from tinygraph.ops import Op

KEPT = 10_000  # decisions at one leaf; older ones are dropped
LONGEST = 2_000  # ops behind a decision; one of more is dropped
SMALL = 1024  # bytes of a leaf's value that outlive the leaf

NUMBERS = frozenset([float, int, bool])  # what an op reads beside nodes

FIX = (
    "write np.where(condition, x, y), np.maximum or np.minimum, which record both branches; if nothing in the graph depends on "
    "the decision, decide by a plain number, as in `if loss.item() < best`; to forget a decision of code that you no longer "
    "use, create the leaf again"
)


class DecisionError(ValueError):
    """A replay on other values would take another branch than the recording did, or it is not known whether it would."""


class RecipeLeaf:
    """A leaf in a recipe: a copy of a small value; of a large value a weak reference, which does not keep it alive."""

    __slots__ = ("_array", "_small")
    recipes: tuple[Recipe, ...] = ()  # that it is computed from

    def __init__(self, value: Any, is_kept: bool = False) -> None:
        is_small = value.nbytes <= SMALL if not is_kept else True
        self._small = value if is_kept else value.copy() if is_small else None
        self._array = None if is_small else weakref.ref(value)

    @property
    def value(self) -> Any:
        """The value of the leaf, or None if it no longer exists."""
        return self._small if self._array is None else self._array()

    def __reduce__(self) -> tuple[Any, ...]:
        return RecipeLeaf, (self.value, True)


class RecipeOp:
    """An op in a recipe, and its inputs: ops, leaves and Python numbers."""

    __slots__ = ("inputs", "op", "params")

    def __init__(self, op: Op, inputs: tuple[Any, ...], params: dict[str, Any]) -> None:
        self.op = op
        self.inputs = inputs
        self.params = params

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        """The inputs that are no numbers."""
        return tuple(i for i in self.inputs if isinstance(i, RecipeOp | RecipeLeaf))

    def __reduce__(self) -> tuple[Any, ...]:
        return RecipeOp, (self.op, self.inputs, self.params)


Recipe: TypeAlias = RecipeLeaf | RecipeOp


class LostRecipe:
    """The recipe of a value that had more than `LONGEST` ops behind it when it decided something."""

    def __reduce__(self) -> str:
        return "LOST"


LOST = LostRecipe()


class Decision:
    """One decision: the answer that Python got by `ask` (such as bool) from a value, and where."""

    __slots__ = ("_text", "answer", "ask", "code", "instruction", "number", "recipe")

    def __init__(
        self,
        recipe: Recipe | LostRecipe,
        ask: Callable[[Any], Any],
        answer: Any,
        code: CodeType | Place,
        instruction: int,
        number: int,
        text: str | None = None,
    ) -> None:
        self.recipe = recipe
        self.ask = ask
        self.answer = answer
        self.code = code
        self.instruction = instruction
        self.number = number
        self._text = text

    def __reduce__(self) -> tuple[Any, ...]:  # as one made before everything that is recorded where it is loaded
        return Decision, (self.recipe, self.ask, self.answer, self.place, self.instruction, 0, self.text)

    @property
    def place(self) -> Place:
        """The user's line."""
        return place_of(self.code, self.instruction)

    @property
    def text(self) -> str:
        """What the user wrote there: `z > 0`, or the whole line where its parts are not known."""
        if self._text is None:
            found = excerpt(self.code, self.instruction)
            asked = None if found is None else found.expression
            while isinstance(asked, ast.UnaryOp) and isinstance(asked.op, ast.Not):  # turns the answer round
                asked = asked.operand
            self._text = ast.unparse(asked) if asked is not None else self.place.text or "a decision"
        return self._text


class Log:
    """The decisions that one leaf took part in, and the first of those that were not kept."""

    __slots__ = ("decisions", "lost")

    def __init__(self) -> None:
        self.decisions: deque[Decision] = deque(maxlen=KEPT)
        self.lost: Decision | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return _log_of, (list(_ordered(self.decisions)), list(self.decisions), self.lost)

    def note(self, decision: Decision) -> None:
        """Keep a decision, in place of the oldest where there are too many."""
        if isinstance(decision.recipe, LostRecipe):
            self.lost = self.lost or decision
        else:
            if len(self.decisions) == KEPT:
                self.lost = self.lost or self.decisions[0]
            self.decisions.append(decision)


def _log_of(_: list[Recipe], decisions: list[Decision], lost: Decision | None) -> Log:
    """A log that was loaded; its recipes came first."""
    log = Log()
    log.decisions.extend(decisions)
    log.lost = lost
    return log


def _ordered(decisions: Iterable[Decision]) -> Iterator[Recipe]:
    """The recipes of decisions, inputs first, so that none is pickled inside another."""
    seen: set[Recipe] = set()
    for decision in decisions:
        stack = [decision.recipe] if not isinstance(decision.recipe, LostRecipe) else []
        while stack:
            x = stack[-1]
            fresh = [i for i in x.recipes if i not in seen]
            stack.extend(fresh)
            if not fresh:
                stack.pop()
                if x not in seen:
                    seen.add(x)
                    yield x


# Deciding


def decided(node: Node, ask: Callable[[Any], Any], frame: FrameType, number: int) -> Any:
    """The bool or number that Python reads from a node, noted at every leaf behind it; `frame` is the frame that reads it."""
    from tinygraph.leaves import held_leaf

    answer = ask(node._value)
    inner, leaves, is_whole = _behind(node)
    recipe: Recipe | LostRecipe = _recipe(node, inner) if is_whole else LOST
    if not is_whole:
        for x in inner:
            x.recipe = LOST
    user = user_frame(frame)
    decision = Decision(recipe, ask, answer, user.f_code, user.f_lasti, number)
    for leaf in leaves:
        _note(leaf, decision)
        if leaf.array is not None:  # of which the leaf is an entry, and the recipe knows nothing of the rest
            _note(held_leaf(leaf.array), Decision(LOST, ask, answer, user.f_code, user.f_lasti, number))
    return answer


def _note(leaf: Leaf, decision: Decision) -> None:
    if leaf.log is None:
        leaf.log = Log()
        _remember(leaf, decision)
    leaf.log.note(decision)


# A bare array has one leaf only as long as a graph holds it, and its next leaf must know what was decided by the first.
_logs: dict[int, tuple[weakref.ref[Any], Log, RecipeLeaf]] = {}  # by the identity of an array
_scalars: deque[Leaf] = deque(maxlen=KEPT)  # the latest leaves of NumPy scalars, which have no weak references
_forgotten: list[Decision] = []  # the first decision by a scalar that is no longer among those


def _remember(leaf: Leaf, decision: Decision) -> None:
    """Keep the log of the leaf of a bare array for as long as the array lives."""
    from tinygraph.leaves import is_bare

    value = leaf._value
    if not is_bare(leaf):
        return
    if isinstance(value, np.ndarray):
        recipe = _in_recipe(leaf)
        assert isinstance(recipe, RecipeLeaf)
        assert leaf.log is not None
        key = id(value)
        _logs[key] = weakref.ref(value, lambda _: _logs.pop(key, None)), leaf.log, recipe
    else:
        if len(_scalars) == KEPT and not _forgotten:
            _forgotten.append(decision)
        _scalars.append(leaf)


def recall(leaf: Leaf) -> None:
    """Give a new leaf of a bare array the log that an earlier leaf of the same array left."""
    if not _logs and not _forgotten:
        return
    array, log, recipe = _logs.get(id(leaf._value), (None, None, None))
    if array is not None and recipe is not None and array() is leaf._value and same_bits(recipe.value, leaf._value):
        leaf.log, leaf.recipe = log, recipe
    elif _forgotten and not isinstance(leaf._value, np.ndarray):
        leaf.log = Log()
        leaf.log.lost = _forgotten[0]


def _behind(node: Node) -> tuple[list[Node], list[Leaf], bool]:
    """The ops behind a node, the leaves, and whether those are all, and few enough for a recipe.

    Behind a value whose recipe is lost every leaf knows that already.
    """
    inner: list[Any] = []
    leaves: list[Any] = []
    (leaves if node.op is None else inner).append(node)
    seen = {node}
    is_whole = getattr(node, "recipe", None) is not LOST
    for x in inner if is_whole else ():  # grows as it is walked
        for i in x.inputs:
            if type(i) not in NUMBERS and i not in seen:
                seen.add(i)
                if i.op is None:
                    leaves.append(i)
                elif getattr(i, "recipe", None) is LOST:
                    is_whole = False
                else:
                    inner.append(i)
    return inner, leaves, is_whole and len(inner) <= LONGEST


def _recipe(node: Node, inner: Sequence[Node]) -> Recipe:
    """The recipe of a node, which shares those of the ops behind it."""
    for x in sorted(inner, key=lambda x: x.number):
        if not hasattr(x, "recipe"):
            assert x.op is not None
            x.recipe = RecipeOp(x.op, tuple([i if type(i) in NUMBERS else _in_recipe(i) for i in x.inputs]), x.params)
    return _in_recipe(node)


def _in_recipe(x: Any) -> Recipe:
    """What a recipe holds of a node."""
    if not hasattr(x, "recipe"):
        x.recipe = RecipeLeaf(x._value)
    recipe: Recipe = x.recipe
    return recipe


# Deciding again


def lineage(leaf: Leaf) -> Iterator[Leaf]:
    """A leaf, and the leaves for which it stands in a replay."""
    older: Leaf | None = leaf
    while older is not None:
        yield older
        older = older.stands_for


def decisions_behind(leaves: Iterable[Leaf], until: int) -> list[Decision]:
    """The decisions before a creation number that any of the leaves took part in, in order."""
    found = {
        decision: None
        for leaf in leaves
        for older in lineage(leaf)
        if older.log is not None
        for decision in list(older.log.decisions)
        if decision.number < until
    }
    return sorted(found, key=lambda decision: decision.number)


def first_lost(leaf: Leaf, until: int) -> Decision | None:
    """A decision before a creation number that the leaf took part in, and that was not kept."""
    for older in lineage(leaf):
        lost = None if older.log is None else older.log.lost
        if lost is not None and lost.number < until:
            return lost
    return None


def check_decisions(values: Mapping[Leaf, Any], until: int) -> None:
    """Raise DecisionError where the program would decide otherwise, or might, if its leaves had these values."""
    current: dict[RecipeLeaf, Any] = {}
    changed: list[Leaf] = []
    for leaf, value in values.items():
        for older in lineage(leaf):
            if older.log is not None:
                recipe = _in_recipe(older)
                assert isinstance(recipe, RecipeLeaf)
                current[recipe] = value
                if not same_bits(value, older._value):
                    changed.append(leaf)
    for leaf in changed:
        lost = first_lost(leaf, until)
        if lost is not None:
            raise DecisionError(
                f"a replay on other values might take another branch than the recording: decisions that depend on {leaf!r} "
                f"were not stored: over {KEPT:,}, or one with more than {LONGEST:,} ops before it, or one by a single entry\n"
                f"  at {lost.place}\n  fix: {FIX}"
            )
    again = Replay(lambda leaf: current.get(leaf, leaf.value))
    for decision in decisions_behind(changed, until):
        again.check(decision)


def same_bits(x: Any, y: Any) -> bool:
    """Whether two values of the same shape and dtype are the same to the last bit."""
    return x is y or bool(x.tobytes() == y.tobytes())


class GoneError(LookupError):
    """The value of a leaf behind a decision no longer exists."""


class Replay:
    """Recipes on other values of their leaves, each op computed once."""

    def __init__(self, value_of: Callable[[RecipeLeaf], Any]) -> None:
        self._value_of = value_of
        self._known: dict[Recipe, Any] = {}

    def value(self, recipe: Recipe) -> Any:
        """The value of a recipe; raises GoneError if the value of a leaf no longer exists."""
        stack = [recipe]
        known = self._known
        while stack:
            x = stack[-1]
            if isinstance(x, RecipeLeaf):
                known[x] = self._value_of(x)
                if known[x] is None:
                    raise GoneError
            missing = [i for i in x.recipes if i not in known]
            if missing:
                stack.extend(missing)
                continue
            if isinstance(x, RecipeOp) and x not in known:
                known[x] = x.op(*self.inputs(x), **x.params)
            stack.pop()
        return known[recipe]

    def inputs(self, made: RecipeOp) -> list[Any]:
        """The values of the inputs of an op."""
        return [self._known[i] if isinstance(i, RecipeOp | RecipeLeaf) else i for i in made.inputs]

    def check(self, decision: Decision) -> None:
        """Raise DecisionError where a decision would be another one."""
        recipe = decision.recipe
        assert not isinstance(recipe, LostRecipe)
        try:
            with np.errstate(all="ignore"):  # the replay itself warns
                now = decision.ask(self.value(recipe))
        except GoneError:
            raise DecisionError(
                f"a replay on other values might take another branch: the array that decided `{decision.text}` no longer exists\n"
                f"  at {decision.place}\n  fix: keep the array that the decision reads, or {FIX}"
            ) from None
        if now != decision.answer:
            then = Replay(lambda leaf: leaf.value)
            raise DecisionError(
                f"a replay on other values would take another branch: `{decision.text}` was decided by {then.numbers(recipe)} = "
                f"{decision.answer!r} when it was recorded; now it would be decided by {self.numbers(recipe)} = {now!r}\n"
                f"  at {decision.place}\n  fix: {FIX}"
            )

    def numbers(self, recipe: Recipe) -> str:
        """The last op of a recipe and the numbers that it was given, as in `greater(6, 0)`."""
        from tinygraph.node import summary

        with np.errstate(all="ignore"):
            value = self.value(recipe)
        given = [np.asarray(x)[()] for x in (self.inputs(recipe) if isinstance(recipe, RecipeOp) else [value])]
        text = ", ".join(summary(x).lstrip(" :") for x in given)
        return f"{recipe.op.name}({text})" if isinstance(recipe, RecipeOp) else text
