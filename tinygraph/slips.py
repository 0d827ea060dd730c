"""The slips that people make in gradients: what each is called, and which of them the numbers of an answer alone give away.

The quiz, `graph.compare`, `tg.check_op` and a page speak of slips in these words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

# The sentences, by the kind of the slip; what stands behind a colon is which of several of one kind it is.
SLIPS = {
    "sign": "The sign is wrong",
    "sign: of a term": "The minus before {term} is missing",
    "factor": "It is {size} {than}",
    "mean": "It is {size} {than}: {hint}",
    "upstream": "It is the local derivative{through} alone: the upstream gradient is forgotten",
    "upstream: of the other sign": (
        "It is the local derivative{through} alone: the upstream gradient is forgotten; also, the sign is wrong"
    ),
    "upstream: of one": "The upstream gradient through {through} is forgotten; the rest is right",
    "local": "It is the upstream gradient{through} alone: the local derivative is forgotten",
    "local: of one": "The local derivative through {through} is forgotten; the rest is right",
    "wrong value": "{used} is used where {wanted} belongs",
    "wrong value: of a derivative": "The derivative of {reader} is taken at {used}, not at {wanted}",
    "transposed": "It is transposed",
    "operands": "{used} should be {wanted}",
    "not summed": "Sum it over {axis}: {name} should {be}",
    "axis": "The axis is wrong: {used}",
    "axis: too many": "Do not sum it over {axis}: {name} should {be}",
    "overwritten": "It counts the use of {value} in {through} alone: add its other uses",
    "overwritten: one left out": "The use of {value} in {through} is left out",
    "overwritten: by slices": "Each part replaces the part before it: use += instead of =",
    "twice": "The use of {value} in {through} is counted twice",
    "term": "{term} {what}",
    "missing factor": "The factor {factor} {what}",
    "missing factor: of an op": "{op} is missing",
    "other gradient": "It is {other}",
    "index": "The slice is off by one: {used}",
    "entry": "It is wrong at {entries}, and right elsewhere",
    "digits": "It is right to {digits} digits: is the precision low, or the step of a difference too large?",
    "shape": "The numbers are right, but the shape is {shape}: {name} should {be}",
    "misfit": "The shape is {shape}: {name} should {be}",
    "nan": "It is NaN or infinite at {entries}",
    "zero": "It is 0 everywhere",
    "here alone": "It is right for these numbers only",
}
# The slips of engines, beside these: what each is.
ENGINE_SLIPS = {
    "no op": "the engine has no such op",
    "raised": "a method of the engine raised an error",
    "time": "a method of the engine did not end in time",
    "none": "a method of the engine returned None",
    "type": "a method of the engine returned what is no array of numbers",
    "broadcasting": "the operands are not broadcast",
    "dtype": "the dtype is not that of the operands",
    "other op": "what another op gives",
    "missing": "an op passes nothing on to an operand",
    "seed": "the gradient of the output does not start at 1",
    "order": "a gradient is passed on before it is complete",
    "stale": "gradients of an earlier backward pass are still there",
    "shared": "two gradients are one array, which is changed in place",
    "changed": "the backward pass writes into a value",
    "kink": "another value than tinygraph's where there is no derivative",
}
NEAR = 0.01  # a factor as near to 1 is lost digits
NOTHING = 1e-12  # of the largest right entry: what is left by rounding where all is 0
STARTS = {sentence.partition(" ")[0] for sentence in SLIPS.values()}  # the first words of sentences
FEW = 4  # entries that are listed
FACTORS = (2.0, 0.5, 4.0, 0.25)
FACTOR_HINTS = {
    2: ": is a ½ missing, or a use counted twice?",
    0.5: ": is the 2 from the derivative of a square missing?",
}
Close = Callable[[Any, Any], bool]


class Slip(NamedTuple):
    """A slip: its kind, a key of SLIPS, the sentence about it, and the name of the value in whose computation it was made."""

    kind: str
    text: str
    of: str


def slip(key: str, name: str, /, **words: Any) -> Slip:
    """A slip in the computation of a value.

    >>> slip("sign", "dw")
    Slip(kind='sign', text='The sign is wrong', of='dw')
    """
    return Slip(key.partition(":")[0], SLIPS[key].format(**words), name)


class Right(NamedTuple):
    """What an answer is compared with: the right value, its name, which values are equal to rounding, and what may be a factor by
    mistake: the sizes of axes and other numbers, each by its name."""

    name: str
    value: Any
    close: Close
    sizes: Mapping[str, int] = {}
    numbers: Mapping[str, float] = {}


def of_numbers(given: Any, right: Right) -> list[Slip]:
    """The slips that the numbers alone give away."""
    if np.shape(given) != np.shape(right.value):
        return _of_shape(given, right)
    largest = np.max(np.abs(right.value), where=np.isfinite(right.value), initial=0)
    if largest and np.max(np.abs(given)) <= NOTHING * largest:
        return [slip("zero", right.name)]
    if found := factors(given, right) or _any_factor(given, right):
        return found
    return [slip("transposed", right.name)] if _is_transposed(given, right) else []


def unexplained(given: Any, right: Right) -> list[Slip]:
    """What is said of an answer that no slip explains: its shape, the digits to which it is right, or its few wrong entries."""
    if np.shape(given) != np.shape(right.value):
        return [slip("misfit", right.name, shape=np.shape(given), **_wanted_shape(right))]
    scale = np.max(np.abs(right.value), initial=0)
    away = np.abs(given - right.value)
    for digits in (5, 4, 3, 2):
        if scale > 0 and (away <= 0.5 * 10.0**-digits * scale).all():
            return [slip("digits", right.name, digits=digits)]
    wrong = np.array([not right.close(x, y) for x, y in zip(np.ravel(given), np.ravel(right.value), strict=True)])
    if 0 < wrong.sum() <= min(FEW, wrong.size // 2):
        places = np.argwhere(wrong.reshape(np.shape(given)))
        return [slip("entry", right.name, entries=_listed(places, right.name))]
    return []


def joined(one: Slip, other: Slip) -> Slip:
    """Two slips at once."""
    return one._replace(text=f"{one.text}; also, {continued(other.text)}")


def continued(sentence: str) -> str:
    """A sentence behind a comma or a colon."""
    first = sentence.partition(" ")[0]
    return sentence[:1].lower() + sentence[1:] if first in STARTS else sentence


def not_finite(given: Any, right: Right) -> list[Slip]:
    """The entries that are NaN or infinite where the right value is not."""
    bad = ~np.isfinite(given)
    if np.shape(given) == np.shape(right.value):
        bad &= np.isfinite(right.value)
    return [slip("nan", right.name, entries=_listed(np.argwhere(bad), right.name))] if bad.any() else []


def _listed(places: Any, name: str) -> str:
    texts = [f"{name}[{', '.join(map(str, at))}]" if len(at) else name for at in places.tolist()]
    return ", ".join(texts[:FEW]) + (f" and {len(texts) - FEW} more" if len(texts) > FEW else "")


def factors(given: Any, right: Right) -> list[Slip]:
    """The slips by which an answer is the right value times -1, a size, or another number that is often forgotten."""
    if not np.any(right.value):
        return []
    known = [*right.sizes.values(), *FACTORS, *right.numbers.values()]
    for size in (1.0, *known, *(1 / x for x in known if x)):
        for sign in (1, -1):
            if sign * size != 1 and right.close(given, sign * size * right.value):
                return times(sign * size, right)
    return []


def _any_factor(given: Any, right: Right) -> list[Slip]:
    """The slip by which all entries of an answer are the right ones times one number."""
    sizes = np.abs(right.value)
    if np.count_nonzero(sizes) < 2 or np.ptp(sizes) <= 1e-9 * np.max(sizes):  # a number is some multiple of any other
        return []
    ratio = ratio_of(given, right.value, right.close)
    return [] if ratio is None or abs(ratio - 1) < NEAR else times(ratio, right)


def ratio_of(x: Any, y: Any, close: Close) -> float | None:
    """The number that one value is times another one; None where there is none, or 0."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if x.shape != y.shape or not np.any(y):
        return None
    at = np.unravel_index(np.argmax(np.abs(y)), y.shape)
    ratio = float(x[at] / y[at])
    return ratio if np.isfinite(ratio) and ratio and close(x, ratio * y) else None


def times(ratio: float, right: Right) -> list[Slip]:
    """The slips of an answer that is the right value times a number.

    >>> [one.text for one in times(-1, Right("dw", 2.0, np.isclose))]
    ['The sign is wrong']
    >>> [one.text for one in times(6, Right("dw", 2.0, np.isclose, {"m": 6}))]
    ['It is 6 times too large: is a division by m missing?']
    """
    size = abs(ratio)
    if np.isclose(ratio, -1):
        return [slip("sign", right.name)]
    large, than = (size, "times too large") if size > 1 else (1 / size, "times too small")
    words = {"size": f"{large:.6g}", "than": than}
    mean = "is a division by {} missing?" if size > 1 else "is one division by {} too many?"
    found = [slip("mean", right.name, **words, hint=mean.format(name)) for name, n in right.sizes.items() if np.isclose(n, large)]
    number = next((name for name, x in right.numbers.items() if np.isclose(x, size)), None)
    hint = f": {number} is {size:.6g}" if number is not None else FACTOR_HINTS.get(round(size, 6), "")
    if not found or hint:
        factor = slip("factor", right.name, **words)
        found.append(factor._replace(text=factor.text + hint))
    return found if ratio > 0 else [one._replace(text=f"The sign is wrong, and {continued(one.text)}") for one in found]


def _is_transposed(given: Any, right: Right) -> bool:
    return np.ndim(given) >= 2 and right.close(np.transpose(given), right.value)


def _of_shape(given: Any, right: Right) -> list[Slip]:
    """The slip by which an answer has another shape."""
    shape, wanted, words = np.shape(given), np.shape(right.value), _wanted_shape(right)
    if _is_transposed(given, right):
        return [slip("transposed", right.name)]
    if np.size(given) == np.size(right.value) and right.close(np.reshape(given, wanted), right.value):
        return [slip("shape", right.name, shape=shape, **words)]
    for axes, summed in _sums(given):
        if _without_ones(np.shape(summed)) == _without_ones(wanted):
            found = slip("not summed", right.name, axis=_listed_axes(axes), **words)
            whole = np.reshape(summed, wanted)
            if right.close(whole, right.value):
                return [found]
            if besides := factors(whole, right):
                return [joined(found, one) for one in besides]
    for axes, summed in _sums(right.value):
        if np.shape(summed) == shape and right.close(given, summed):
            return [slip("axis: too many", right.name, axis=_listed_axes(axes), **words)]
    return []


def _wanted_shape(right: Right) -> dict[str, str]:
    wanted = np.shape(right.value)
    return {"name": right.name, "be": f"have the shape {wanted}" if wanted else "be a number"}


def _without_ones(shape: Sequence[int]) -> list[int]:
    return [n for n in shape if n != 1]


def _sums(x: Any) -> Iterator[tuple[tuple[int, ...], Any]]:
    """The sums of an array over one or some of its axes."""
    for count in range(1, np.ndim(x) + 1):
        for axes in combinations(range(np.ndim(x)), count):
            yield axes, np.sum(x, axes)


def _listed_axes(axes: Sequence[int]) -> str:
    return f"axis {axes[0]}" if len(axes) == 1 else f"the axes {' and '.join(map(str, axes))}"
