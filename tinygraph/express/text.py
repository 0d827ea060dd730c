"""Text as every face shows it: what can be printed, what fits a width, and a value in a few characters."""

from __future__ import annotations

import unicodedata
from typing import Any

import numpy as np

from tinygraph.sparse import sparsity

SMALLEST = 1e-3  # that prints with three decimals, apart from 0


def printable(text: str, instead: str = "") -> str:
    """Text without what cannot be printed, such as controls and marks of direction, or with something else instead."""
    return text if text.isprintable() else "".join(c if c.isprintable() else instead for c in text)


def width(text: str) -> int:
    """How many columns of a terminal a text takes: wide characters two, marks on others and invisible ones none."""
    return len(text) if text.isascii() else sum(map(_columns, text))


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


def padded(text: str, columns: int) -> str:
    """Text with spaces behind it, up to a width."""
    return text + " " * (columns - width(text))


def number(value: Any) -> str:
    """A value in a few characters: three decimals for a number of middling size, the range for an array."""
    if np.shape(value):
        return sparsity(value) or _range(value)
    if np.asarray(value).dtype.kind != "f":
        return str(value)
    size = abs(float(value))
    if size and np.isfinite(size) and not SMALLEST <= size < 1e5:
        return f"{value:.2e}"
    return f"{value + 0.0:.3f}"  # zero has no sign here


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
