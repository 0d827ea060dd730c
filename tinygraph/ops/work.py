"""How many entries an op computes, or more, which follows from shapes alone: what bounds a formula's time and memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Any, TypeAlias

import numpy as np

from tinygraph.ops.kinds import Params

Work: TypeAlias = Callable[[Sequence[Any], Params], int]  # of the operands and the metadata of a call


def entry_by_entry(operands: Sequence[Any], params: Params) -> int:
    """Of arrays that are broadcast together."""
    try:
        return math.prod(np.broadcast_shapes(*map(np.shape, operands)))
    except ValueError:
        return together(operands, params)


def together(operands: Sequence[Any], params: Params) -> int:
    """As many entries as all operands have."""
    return sum(map(np.size, operands))


def each_with_each(operands: Sequence[Any], params: Params) -> int:
    """Of each entry of one with each of the other."""
    return math.prod(map(np.size, operands))


def largest(operands: Sequence[Any], params: Params) -> int:
    """Of arrays that meet along all axes but one, which they need not share."""
    return math.prod(map(max, zip_longest(*(np.shape(x)[::-1] for x in operands), fillvalue=1)))


def product(operands: Sequence[Any], params: Params) -> int:
    """Of two matrices, each entry of which is a sum over the axis that both have."""
    first, second = map(np.shape, operands)
    inner = first[-1] if first and second else 1
    return each_with_each(operands, params) // max(inner, 1) * (100 + inner) // 100


def of_a_matrix(operands: Sequence[Any], params: Params) -> int:
    """Of what is computed of whole matrices."""
    shape = np.shape(operands[0])
    return math.prod(shape) * (100 + max(shape, default=0)) // 100


def summed_product(operands: Sequence[Any], params: Params) -> int:
    """Of a sum of products by letters, of which each product counts for a part of one."""
    terms, _, result = str(params.get("subscripts", "...")).replace(" ", "").partition("->")
    if "." in terms:
        return each_with_each(operands, params)
    sizes: dict[str, int] = {}
    for term, x in zip(terms.split(","), operands, strict=False):
        for letter, size in zip(term, np.shape(x), strict=False):
            sizes[letter] = max(size, sizes.get(letter, 0))
    return math.prod(sizes.get(letter, 1) for letter in result) + math.prod(sizes.values()) // 10


def _numbers(value: Any) -> list[int]:
    """The numbers in metadata, without their signs."""
    if isinstance(value, tuple):
        return [number for part in value for number in _numbers(part)]
    return [abs(value)] if isinstance(value, int) else []


def tiled(operands: Sequence[Any], params: Params) -> int:
    """Of whole copies."""
    return np.size(operands[0]) * math.prod(_numbers(params.get("reps")))


def repeated(operands: Sequence[Any], params: Params) -> int:
    """Of copies of each entry."""
    return np.size(operands[-1]) * max(_numbers(params.get("repeats")), default=1)


def padded(operands: Sequence[Any], params: Params) -> int:
    """Of an array with its margins."""
    margins = 2 * max(_numbers(params.get("pad_width")), default=0)
    return math.prod(size + margins for size in np.shape(operands[-1]))


def from_shape(operands: Sequence[Any], params: Params) -> int:
    """Of an array of a shape in numbers."""
    return math.prod(_numbers(params.get("shape")))


def square_of_vector(operands: Sequence[Any], params: Params) -> int:
    """Of a square matrix with a vector on a diagonal."""
    return (np.size(operands[0]) + sum(_numbers(params.get("k", 0)))) ** 2


def row_each(operands: Sequence[Any], params: Params) -> int:
    """Of a row as long as those of the second operand, for each entry of the first."""
    return np.size(operands[0]) * (np.shape(operands[1]) or (1,))[-1]


def term_each(operands: Sequence[Any], params: Params) -> int:
    """Of a series of as many terms as the order says, for each entry."""
    return np.size(operands[0]) * (12 + sum(_numbers(params.get("order"))))
