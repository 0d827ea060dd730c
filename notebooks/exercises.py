"""Exercises grade themselves: an answer is compared with what the notebook computed, or judged by a graph.

>>> check(None, 6.0)
Not answered yet: write your answer in place of None and run this cell again.
>>> check(-6, 6.0)
Not yet: the sign is wrong.
>>> check(6.003, 6.0)
Right.
>>> check(3, (3,))
Not yet: a shape is a tuple, such as (4, 2).
>>> check("6", 6.0)
Not yet: a number is wanted, without quotation marks.
>>> w, x = tg.parameter(3.0), tg.constant(2.0)
>>> z = w * x
>>> check({"dz": 12.0, "dw": lambda x, dz: -x * dz}, tg.Graph(z**2, names={"w": w, "x": x, "z": z}), wanted="dz dw")
Not yet:
dz  right
dw  The sign is wrong
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import tinygraph as tg

RELATIVE, ABSOLUTE = 1e-2, 5e-4  # as in the quiz; the latter is half of the last decimal that is printed


def check(answer: Any, right: Any, *, wanted: str = "") -> None:
    """Print whether an answer is right, and what is wrong with it if that can be seen.

    Both may be numbers, arrays, nodes, shapes, texts or lists of them. Floats may be off by 1 % or 0.0005, everything else must
    be equal. Where `right` is a graph, the answer is a dict of gradients, or of functions that compute them, with the names
    `wanted`. Where `right` is a function, it returns the report on the answer. None is an exercise that is not answered yet.
    """
    if answer is None:
        print("Not answered yet: write your answer in place of None and run this cell again.")
        return
    if isinstance(right, tg.Graph):
        _print_report(answer, lambda given: right.compare(**given), wanted.split())
        return
    if callable(right):
        _print_report(answer, right, [])
        return
    if isinstance(right, tuple):
        is_shape = isinstance(answer, tuple | list)
        same = is_shape and tuple(answer) == right
        print("Right." if same else "Not yet." if is_shape else "Not yet: a shape is a tuple, such as (4, 2).")
        return
    if isinstance(right, str) and isinstance(answer, str):
        answer, right = answer.strip().lower(), right.strip().lower()
    wrong = _mistake(_array(answer), _array(right))
    print("Right." if wrong is None else f"Not yet{wrong}.")


def _print_report(answer: Any, judge: Callable[[Any], Any], wanted: list[str]) -> None:
    """Print what a report says of an answer, which must be a dict if names are wanted."""
    if wanted and not isinstance(answer, dict):
        print(f'Not yet: a dict is wanted, such as {{"{wanted[0]}": ...}}.')
        return
    missing = [name for name in wanted if name not in answer]
    if missing:
        print(f"Not yet: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing.")
        return
    report = judge(answer)
    print("Right." if report.right else f"Not yet:\n{report}")


def _array(x: Any) -> np.ndarray[Any, Any]:
    return np.asarray(x.value if isinstance(x, tg.Node) else x)


def _mistake(answer: np.ndarray[Any, Any], right: np.ndarray[Any, Any]) -> str | None:
    """What to add to "Not yet", or None where the answer is right."""
    if answer.dtype.kind == "U" and right.dtype.kind in "biuf":
        return ": a number is wanted, without quotation marks"
    if answer.dtype.kind not in "biuf" or right.dtype.kind not in "biuf":
        return None if answer.dtype.kind == right.dtype.kind and np.array_equal(answer, right) else ""
    if answer.shape != right.shape:
        return f": its shape is {answer.shape}, and {right.shape} is wanted"
    if _same(answer, right):
        return None
    return ": the sign is wrong" if right.dtype.kind == "f" and _same(-1.0 * answer, right) else ""


def _same(answer: np.ndarray[Any, Any], right: np.ndarray[Any, Any]) -> bool:
    if right.dtype.kind != "f":
        return np.array_equal(answer, right)
    return bool((np.abs(answer - right) <= np.maximum(RELATIVE * np.abs(right), ABSOLUTE)).all())
