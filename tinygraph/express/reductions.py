"""Sums and their kin as mathematics: a big operator over an index that runs through everything it sums."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from tinygraph import ops
from tinygraph.express.layout import Digits, Fence, Fraction, Layout, Raised, Row, Sigma, Sign, Times, Word, lowered
from tinygraph.express.pieces import ATOM, BIG, PRODUCT, SUM, Index, Told, axes_of, fenced, several
from tinygraph.express.products import TRANSPARENT, Factor, as_product, stretches, unsigned
from tinygraph.ops import Op
from tinygraph.program.value import Apply, Expression, Shape, is_literal

if TYPE_CHECKING:
    from tinygraph.express.notation import Notation

Sizes: TypeAlias = Callable[[], list[Layout]]  # the letters for the sizes of what an index runs through
Reduction: TypeAlias = "Callable[[Notation, list[str], Sizes, Told], Told]"


def reduced(notation: Notation, x: Apply, index: Index | None) -> Told:
    """A sum, mean, product, greatest or smallest entry over axes, with the index of what it runs through."""
    signed, body = unsigned(x.inputs[0]) if x.op in (ops.sum, ops.mean) else (False, x.inputs[0])
    axes = axes_of(x)
    letters = _letters(notation, x, axes, index)
    running = [letters[i] for i in axes if letters[i]]
    with notation.scope(letters):
        told = notation.told(body if running else x.inputs[0], letters)
    if not running:
        whole = told
    else:
        whole = REDUCTIONS[x.op](notation, running, lambda: [notation.size(x.inputs[0], i) for i in axes if letters[i]], told)
        whole = (Row((Sign("−", tight=True), whole[0])), SUM) if signed else whole
    if index is None and several(x.shape):  # inside something that takes the whole array
        rest = ",".join(letter for i, letter in enumerate(letters) if letter and i not in axes)
        return lowered(Fence("(", whole[0], ")"), rest), ATOM
    return whole


def _letters(notation: Notation, x: Apply, axes: Sequence[int], index: Index | None) -> Index:
    """The index inside of a reduction: that of the outside on the axes that stay, new letters on those that go."""
    shape = x.inputs[0].shape
    letters = [""] * len(shape)
    if index is not None and x.shape:
        staying = range(len(shape)) if x.params["keepdims"] else [i for i in range(len(shape)) if i not in axes]
        for i, letter in zip(staying, index[-len(x.shape) :], strict=True):
            letters[i] = "" if i in axes else letter
    fresh = notation.fresh()
    return tuple(letter or ("" if size == 1 else next(fresh)) for letter, size in zip(letters, shape, strict=True))


def _summation(notation: Notation, running: list[str], sizes: Sizes, body: Told) -> Told:
    return Sigma(",".join(running), None, fenced(body, BIG)), BIG


def _mean(notation: Notation, running: list[str], sizes: Sizes, body: Told) -> Told:
    counts = sizes()
    top = counts[0] if len(counts) == 1 else None
    return Row((Fraction(Digits("1"), _multiplied(counts)), Times(), Sigma(",".join(running), top, fenced(body, BIG)))), BIG


def _big(sign: Layout) -> Reduction:
    """An operator with its index below it."""

    def reduce(notation: Notation, running: list[str], sizes: Sizes, body: Told) -> Told:
        return Row((lowered(sign, ",".join(running)), Times(), fenced(body, PRODUCT))), BIG

    return reduce


def _log_sum_exp(notation: Notation, running: list[str], sizes: Sizes, body: Told) -> Told:
    terms = Row((Word("exp"), Fence("(", body[0], ")")))
    return Row((Word("ln"), Times(), Sigma(",".join(running), None, terms))), BIG


def einstein_sum(notation: Notation, x: Apply, index: Index | None) -> Told:
    """A product of entries, summed over the letters that the result does not have."""
    operands, result = x.params["subscripts"].split("->")
    if "." in operands or (index is None and several(x.shape)):
        return notation.function(x, index)
    terms = operands.split(",")
    sizes = {letter: size for term, i in zip(terms, x.inputs, strict=True) for letter, size in zip(term, i.shape, strict=True)}
    letters = dict(zip(result, index[-len(result) :], strict=True)) if index is not None and result else {}
    fresh = notation.fresh()
    letters |= {letter: "" if size == 1 else next(fresh) for letter, size in sizes.items() if letter not in letters}
    with notation.scope([*letters.values()]):
        told = [notation.told(i, tuple(letters[letter] for letter in term)) for term, i in zip(terms, x.inputs, strict=True)]
    body = as_product([Factor(layout, binds, False) for layout, binds in told])
    running = [letters[letter] for letter in sizes if letter not in result and letters[letter]]
    return _summation(notation, running, list, body) if running else body


def counted(notation: Notation, x: Apply, index: Index | None) -> Told:
    """The number of entries along axes, by the letters for sizes."""
    sizes = [notation.size(x.inputs[0], i) for i in axes_of(x) if x.inputs[0].shape[i] != 1]
    return _multiplied(sizes), ATOM if len(sizes) < 2 else PRODUCT


def _multiplied(sizes: Sequence[Layout]) -> Layout:
    powers = [size if count == 1 else Raised(size, Digits(str(count))) for size, count in Counter(sizes).items()]
    if len(powers) <= 1:
        return powers[0] if powers else Digits("1")
    return Row(tuple(item for power in powers for item in (Times(), power))[1:])


REDUCTIONS: Mapping[Op, Reduction] = {
    ops.sum: _summation,
    ops.mean: _mean,
    ops.logsumexp: _log_sum_exp,
    ops.max: _big(Word("max")),
    ops.min: _big(Word("min")),
    ops.prod: _big(Sign("∏", tight=True)),
}


BY_ENTRY = {*REDUCTIONS, ops.expand_dims, ops.einsum, ops.where, ops.norm}  # need an index to be written


def needs_index(x: Expression) -> bool:
    """Whether an array must be written component-wise: where axes are summed, added, or matched with another array's."""
    if not isinstance(x, Apply) or not several(x.shape):
        return False
    if x.op in BY_ENTRY and not (x.op is ops.where and any(is_literal(i) and i.value == 0 for i in x.inputs[1:])):
        return "." not in x.params.get("subscripts", "")
    if stretches(x):
        return True
    if x.op is ops.broadcast_like:
        return several(x.inputs[0].shape)
    return (x.op.elementwise or x.op in TRANSPARENT) and any(map(needs_index, x.inputs))


def summed_shapes(x: Expression) -> Iterator[tuple[Shape, list[int]]]:
    """The shapes that an expression sums over, with the axes that go."""
    if isinstance(x, Apply) and x.op in REDUCTIONS and several(x.shape) and not x.params["keepdims"]:
        yield x.inputs[0].shape, axes_of(x)
    if isinstance(x, Apply) and x.op.elementwise:
        for i in x.inputs:
            yield from summed_shapes(i)
