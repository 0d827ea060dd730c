"""Text as every face shows it: what can be printed, what fits a width, and a value in a few characters."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from tinygraph.sparse import sparsity

DECIMALS = 3
SMALLEST = 10.0**-DECIMALS  # that prints with them, apart from 0
LARGEST = 1e5  # from which numbers print with an exponent
SHOWN = 200  # entries of an array that is shown in full
EDGE = 3  # entries at either end of an axis of a larger one
LINE = 60  # columns of a row of entries


def printable(text: str, instead: str = "") -> str:
    """Text without what cannot be printed, such as controls and marks of direction, or with something else instead."""
    return text if text.isprintable() else "".join(c if c.isprintable() else instead for c in text)


def width(text: str) -> int:
    """How many columns of a terminal a text takes: wide characters two, marks on others and invisible ones none."""
    return len(text) if text.isascii() else sum(map(_columns, text))


@cache
def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cut(text: str, columns: int) -> str:
    """Text that fits a width, on one line whatever is in it."""
    text = printable(text, "�")
    if width(text) <= columns:
        return text
    used = 1  # the ellipsis
    kept = []
    for character in text:
        used += _columns(character)
        if used > columns:
            break
        kept.append(character)
    return f"{''.join(kept)}…"


def cut_inside(text: str, columns: int) -> str:
    """Text that fits a width, with its first and last letters where it is longer: `the_weight_of…first_layer`."""
    text = printable(text, "�")
    if width(text) <= columns:
        return text
    head = cut(text, columns - columns // 2)
    tail = cut(text[::-1], columns // 2 + 1)[-2::-1]
    return head + tail


def padded(text: str, columns: int) -> str:
    """Text with spaces behind it, up to a width."""
    return text + " " * (columns - width(text))


# Values. `javascript/texts.js` prints the same, character by character.


def number(value: Any) -> str:
    """A value in a few characters: three decimals for a number of middling size, the range for an array."""
    if np.shape(value):
        return sparsity(value) or _range(value)
    return _middling(value, DECIMALS)


def _middling(value: Any, decimals: int) -> str:
    """A number with so many decimals, or as many digits where it is very small or large; zero has no sign here."""
    if not isinstance(value, float | np.floating) and np.asarray(value).dtype.kind != "f":
        return str(value)
    size = abs(float(value))
    if size and math.isfinite(size) and not 10.0**-decimals <= size < LARGEST:
        return f"{value:.{decimals - 1}e}"
    return f"{value + 0.0:.{decimals}f}"


def _range(value: np.ndarray[Any, Any]) -> str:
    """The entries of a short vector, else the smallest and the largest entry."""
    if value.size <= 3 and value.ndim == 1:
        return f"[{', '.join(map(number, value))}]"
    if not value.size:
        return "[]"
    if value.dtype.kind == "b":
        return f"{np.count_nonzero(value)} of {value.size} true"
    finite = value[np.isfinite(value)]
    parts = [f"min {number(finite.min())}  max {number(finite.max())}"] if finite.size else []
    odd = (("nan", np.isnan), ("inf", np.isposinf), ("-inf", np.isneginf))
    return ", ".join(parts + [f"{count} {name}" for name, is_odd in odd if (count := np.count_nonzero(is_odd(value)))])


def euclidean(value: Any) -> np.float64:
    """The Euclidean norm of an array of any magnitude; NaN and infinity are kept."""
    array = np.abs(np.asarray(value, dtype=np.float64))
    largest = np.max(array, initial=0.0)
    if largest == 0 or not np.isfinite(largest):
        return np.float64(largest)
    return np.float64(largest * np.sqrt(np.sum(np.square(array / largest))))


def in_full(value: Any) -> str:
    """A number with ten digits, or the entries of an array in rows and columns, of a large one those at its ends."""
    if text := sparsity(value):
        return text
    if np.shape(value):
        return _Entries(np.asarray(value)).text
    x = np.asarray(value).item()
    if not isinstance(x, float):
        return str(x)
    text = f"{x + 0.0:.10g}"
    return text if any(c in text for c in ".en") else f"{text}.0"


class _Entries:
    """The entries of an array as text, in brackets as NumPy writes them."""

    def __init__(self, value: np.ndarray[Any, Any]) -> None:
        self._shown = [_ends(n, value.size > SHOWN) for n in value.shape]
        kept = value[np.ix_(*([i for i in places if i is not None] for places in self._shown))]
        self._texts = iter(_aligned(kept.ravel()))
        self.text = self._block(0)

    def _block(self, axis: int) -> str:
        if axis == len(self._shown):
            return next(self._texts)
        items = ["…" if i is None else self._block(axis + 1) for i in self._shown[axis]]
        inner = len(self._shown) - 1 - axis
        indent = " " * (axis + 1)
        between = "\n" * inner + indent
        return f"[{between.join(items) if inner else _wrapped(items, indent)}]"


def _ends(length: int, is_long: bool) -> list[int | None]:
    """The places along an axis that are shown; None stands for those between."""
    if not is_long or length <= 2 * EDGE:
        return [*range(length)]
    return [*range(EDGE), None, *range(length - EDGE, length)]


def _aligned(entries: np.ndarray[Any, Any]) -> list[str]:
    """Entries in columns of one width, with as many decimals as they need, at most one more than a number alone."""
    texts = [_middling(x, DECIMALS + 1) for x in entries]
    if entries.dtype.kind == "f":
        decimals = {i: text.partition(".")[2] for i, text in enumerate(texts) if "." in text and "e" not in text}
        needed = max((len(digits.rstrip("0")) for digits in decimals.values()), default=0) or 1
        for i, digits in decimals.items():
            texts[i] = texts[i].removesuffix(digits) + digits[:needed]
    columns = max(map(len, texts), default=0)
    return [text.rjust(columns) for text in texts]


def _wrapped(items: Sequence[str], indent: str) -> str:
    """A row in lines that are not too long."""
    lines: list[str] = []
    for item in items:
        if lines and len(lines[-1]) + 1 + len(item) <= LINE:
            lines[-1] += f" {item}"
        else:
            lines.append(indent + item if lines else item)
    return "\n".join(lines)
