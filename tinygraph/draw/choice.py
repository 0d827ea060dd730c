"""A setting that is one of several: another one is refused with the list of them."""

from __future__ import annotations

from typing import TypeVar

import numpy as np

Choice = TypeVar("Choice")


def one_of(what: str, value: Choice, choices: tuple[Choice, ...]) -> Choice:
    """The value, if it is one of the choices; else an error that lists them."""
    if not isinstance(value, str | bool | np.bool) or value not in choices:  # an array would be compared entry by entry
        raise ValueError(f"{what} is {value!r}: choose one of {', '.join(map(str, choices))}")
    return value
