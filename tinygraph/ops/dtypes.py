"""The dtype of an op's result, which it declares: that of arguments, of metadata, one of its own, or what NumPy gives.

Where a program is printed, the dtype of an argument may be the type of a Python number, which takes the dtype of the array beside
it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

Dtype: TypeAlias = Any  # a dtype, or the type of a Python number
Rule: TypeAlias = Callable[..., Dtype]  # of the dtypes of the arguments

FLOAT = np.dtype(float)


def together(*found: Dtype) -> np.dtype[Any]:
    """The dtype of an array made of these."""
    arrays = {dtype for dtype in found if not isinstance(dtype, type)}
    if arrays == {FLOAT}:  # mostly; whatever Python number is beside it
        return FLOAT
    return np.result_type(*[np.zeros((), dtype)[()].item() if isinstance(dtype, type) else dtype for dtype in found])


def floating(*found: Dtype) -> np.dtype[Any]:
    """That dtype where it is one of floats: NumPy computes what has a fraction of integers in float64."""
    dtype = together(*found)
    return dtype if dtype.kind == "f" else FLOAT


def summed(*found: Dtype) -> np.dtype[Any]:
    """The dtype that NumPy adds up or multiplies in: narrow integers are made wide."""
    return np.sum(np.zeros(0, together(*found))).dtype


def of_ufunc(ufunc: np.ufunc) -> Rule:
    """The dtype that a ufunc gives."""

    def rule(*found: Dtype) -> np.dtype[Any]:
        alone = all(isinstance(dtype, type) for dtype in found)
        given = [np.dtype(dtype) if alone or dtype is bool else dtype for dtype in found]
        return ufunc.resolve_dtypes((*given, None))[-1]

    return rule
