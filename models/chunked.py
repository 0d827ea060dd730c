"""Examples in dask arrays: checked and predicted chunk by chunk, so that a few chunks at a time are in memory."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

import numpy as np

FLOATS = (np.dtype(np.float64), np.dtype(np.float32))
NUMBERS = "biufO"  # the kinds of dtypes that are cast to floats
Method = TypeVar("Method", bound=Callable[..., Any])


def is_chunked(x: Any) -> bool:
    """Whether x is a dask array."""
    return hasattr(x, "dask") and hasattr(x, "chunks")


def refuse_frames(*examples: Any) -> None:
    """Raise TypeError for a data frame of dask, which would be read into memory as a whole."""
    if any(hasattr(x, "to_dask_array") for x in examples):
        raise TypeError("a data frame of dask is not an array: pass its to_dask_array(lengths=True)")


def examples(X: Any, y: Any, of_numbers: bool) -> tuple[Any, Any]:
    """X of shape (m, n), of floats, and targets y of shape (m,), with the same chunks of rows; m is 2 or more.

    Raises TypeError where only one of them is a dask array, and ValueError for other shapes, for chunks of unknown sizes, and for
    values that are not finite. Targets are `of_numbers`, or any labels.
    """
    da = _arrays()
    for name, x in (("X", X), ("y", y)):
        if not is_chunked(x):
            raise TypeError(f"X and y must both be dask arrays: pass dask.array.from_array({name}, chunks=...)")
        if np.isnan(x.shape[0]):
            raise ValueError(f"{name} has chunks of unknown sizes: call {name}.compute_chunk_sizes() first")
    X = features(X)
    if min(X.shape[0], X.shape[1] + 1) < 2:
        raise ValueError(f"X must have two rows or more, and a column, and has shape {X.shape}")
    if y.dtype.kind not in NUMBERS and (of_numbers or y.dtype.kind == "c"):
        raise ValueError(f"y must hold real numbers, and has dtype {y.dtype}")
    if y.shape != X.shape[:1]:
        raise ValueError(f"y must have shape ({X.shape[0]},), a target for each row of X, and has {y.shape}")
    y = y.rechunk({0: X.chunks[0]})
    are_finite = [da.isfinite(x).all() for x in (X, y) if x.dtype.kind == "f"]
    if not all(da.compute(*are_finite)):
        raise ValueError("Input X or y contains NaN, infinity or a value too large")
    return X, y


def _arrays() -> Any:
    """The module of dask's arrays, which has types for a part of itself alone; whoever has made one has it."""
    import dask.array

    return dask.array


def features(X: Any) -> Any:
    """X as floats, with one chunk of columns."""
    if X.ndim != 2:
        raise ValueError(f"X must have shape (m, n), and has {X.shape}")
    if X.dtype.kind not in NUMBERS or hasattr(X._meta, "tocsr"):
        raise ValueError(f"X must hold dense real numbers, and has chunks of {type(X._meta).__name__} with dtype {X.dtype}")
    return (X if X.dtype in FLOATS else X.astype(np.float64)).rechunk({1: -1})


def classes_of(y: Any) -> Any:
    """The labels that occur, sorted."""
    return _arrays().unique(y).compute()


def mapped(function: Callable[[Any], Any], x: Any) -> Any:
    """The results of a function of rows for each chunk of rows, as a dask array; they have one or two axes."""
    example = function(np.zeros((2, *x.shape[1:]), x.dtype))
    chunks = (x.chunks[0], *((n,) for n in example.shape[1:]))
    dropped = list(range(example.ndim, x.ndim))
    new = list(range(x.ndim, example.ndim))

    def computed(rows: Any) -> Any:
        return function(rows) if len(rows) else example[:0]

    return x.map_blocks(computed, dtype=example.dtype, chunks=chunks, drop_axis=dropped, new_axis=new, meta=example[:0])


def by_chunks(method: Method) -> Method:
    """A method of an estimator that for X as a dask array returns one, too, which computes it for each chunk."""

    @wraps(method)
    def predict(self: Any, X: Any) -> Any:
        if not is_chunked(X):
            return method(self, X)
        return mapped(lambda rows: method(self, rows), features(X))

    return cast("Method", predict)
