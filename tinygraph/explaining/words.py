"""What the docstring of an op says: a sentence, a formula in it, the shape of the result, its derivatives and remarks on them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tinygraph.ops import Op

PARTIAL = re.compile(r"∂/∂(\w+) = (.+?)[;.](?:\s|$)")  # Python for an argument of an elementwise op
SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[^\W\d_]|`)")  # where the next one begins
LONGEST = 400  # characters of a sentence


class Words(NamedTuple):
    """The parts of a docstring: `codes` are what stands in backticks in the sentence, `partials` Python for each argument."""

    sentence: str
    codes: Sequence[str]
    shape: str
    partials: Mapping[str, str]
    remarks: Sequence[str]


def words(op: Op) -> Words:
    """What is said of an op."""
    text = inspect.cleandoc(op.__doc__ or "").partition(">>>")[0]
    sentence = SENTENCE.split(_line(text.partition("\n\n")[0]))[0] or f"The op {op.name}, of which no docstring says more."
    derivative = _labelled(text, "Derivative")
    remarks = PARTIAL.sub("", f"{derivative} ").strip()
    return Words(
        _short(sentence if sentence[-1] in ".!?" else f"{sentence}."),
        re.findall(r"`([^`]+)`", sentence),
        _labelled(text, "Shape"),
        dict(PARTIAL.findall(derivative)),
        tuple(map(_short, SENTENCE.split(remarks))) if remarks else (),
    )


def _labelled(text: str, label: str) -> str:
    """The lines behind a label, up to the next label or an empty line."""
    found = re.search(rf"^{label}: (.*?)(?=^\w+: |^\s*$|\Z)", text, re.M | re.S)
    return "" if found is None else _line(found[1])


def _line(text: str) -> str:
    return " ".join(text.split())


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
