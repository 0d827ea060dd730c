"""Sparse matrices in a graph: products with dense arrays, transposes and selected rows; any other operation raises an error.

A node of a sparse matrix holds a `Sparse`, which answers Python's and NumPy's protocols with these three alone. So no op knows of
it, nor any gradient rule: what computes with it is one of the three, or gets the TypeError that it raises. SciPy is never
imported here: who has a sparse matrix has imported it.
"""

from __future__ import annotations

import math
import sys
from typing import Any, NoReturn

import numpy as np

OPS = {"alias", "index", "matmul", "transpose"}  # which take one; `alias` gives it another name
TAKES = "a sparse matrix takes part in `X @ w`, `X.T` and `X[rows]` alone"
FIX = "make the node of a dense array: tg.constant(X.toarray()), or of some of the rows, tg.constant(X[rows].toarray())"


class SparseError(TypeError, AttributeError):
    """An operation that needs a dense array was applied to a sparse matrix; an AttributeError too, for `hasattr`."""

    fix = FIX


def refuse(*_: Any, **__: Any) -> NoReturn:
    """Raise a SparseError that lists the supported operations."""
    raise SparseError(TAKES)


class Sparse:
    """A constant matrix that stores few of its entries; `matrix` is SciPy's, a `csr_array` or the transpose of one."""

    ndim = 2

    def __init__(self, matrix: Any) -> None:
        self.matrix = matrix

    @property
    def shape(self) -> tuple[int, int]:
        """The shape, as of the dense matrix."""
        rows, columns = self.matrix.shape
        return rows, columns

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the entries."""
        dtype: np.dtype[Any] = self.matrix.dtype
        return dtype

    @property
    def size(self) -> int:
        """The number of entries, as of the dense matrix."""
        rows, columns = self.shape
        return rows * columns

    @property
    def nnz(self) -> int:
        """How many entries are stored."""
        return int(self.matrix.nnz)

    @property
    def parts(self) -> tuple[Any, Any, Any]:
        """The arrays that the matrix consists of: the stored entries, and where they stand."""
        return self.matrix.data, self.matrix.indices, self.matrix.indptr

    @property
    def nbytes(self) -> int:
        """The memory of these arrays."""
        return sum(part.nbytes for part in self.parts)

    def copy(self) -> Sparse:
        """The same matrix in memory of its own."""
        return Sparse(self.matrix.copy())

    def tobytes(self) -> bytes:
        """The bytes of the matrix; two matrices have equal bytes only if both store the same entries in the same order."""
        return b"".join(part.tobytes() for part in self.parts)

    def plain(self) -> Any:
        """SciPy's matrix for the user: its arrays are read-only, and assigning to it does not change this one."""
        parts = [part.view() for part in self.parts]
        for part in parts:
            part.flags.writeable = False
        return type(self.matrix)(tuple(parts), shape=self.shape, copy=False)

    # What it takes part in

    @property
    def T(self) -> Sparse:
        """The transposed matrix, on the same memory."""
        return Sparse(self.matrix.T)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Sparse:
        rows, *rest = key if isinstance(key, tuple) else (key,)
        is_rows = isinstance(rows, slice) or (isinstance(rows, np.ndarray) and rows.ndim == 1)
        if not is_rows or len(rest) > 1 or not all(part is Ellipsis or _is_all(part) for part in rest):
            raise SparseError(f"{TAKES}: rows are a slice or a list, as in X[2:5], X[[2]] and X[order]")
        return Sparse(self.matrix[rows])

    def __eq__(self, other: object) -> NoReturn:
        refuse()  # Python would compare by identity

    def __ne__(self, other: object) -> NoReturn:
        refuse()

    __hash__ = object.__hash__

    def __matmul__(self, other: Any) -> Any:
        return self.matrix @ _factor(other)

    def __rmatmul__(self, other: Any) -> Any:
        return _factor(other) @ self.matrix

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if ufunc is not np.matmul or method != "__call__" or kwargs:
            refuse()
        x, y = inputs
        return self.__matmul__(y) if x is self else self.__rmatmul__(x)

    def __array_function__(self, function: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if function in (np.shape, np.ndim, np.size):
            return getattr(self, function.__name__)
        axes = args[1] if len(args) > 1 else kwargs.get("axes")
        if function is not np.transpose or axes not in (None, (1, 0)):
            refuse()
        return self.T

    # What raises a SparseError: all of these protocols, and every attribute of an array

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):  # Python and pickle ask for many of these
            raise AttributeError(name)
        raise SparseError(TAKES)

    __array__ = __bool__ = __int__ = __float__ = __index__ = __iter__ = __format__ = refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __pow__ = __rpow__ = refuse
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __neg__ = __lt__ = __le__ = __gt__ = __ge__ = refuse


def _is_all(part: Any) -> bool:
    return isinstance(part, slice) and part == slice(None)


def _factor(x: Any) -> Any:
    """The dense vector or matrix that a sparse matrix is multiplied with."""
    if isinstance(x, Sparse):
        raise SparseError("a sparse matrix is multiplied with a dense vector or matrix, not with another sparse one")
    if np.ndim(x) not in (1, 2):
        raise SparseError(f"a sparse matrix is multiplied with a vector or a matrix, not with an array of shape {np.shape(x)}")
    return x


def is_sparse(x: Any) -> bool:
    """Whether x is a matrix, or an array, of scipy.sparse."""
    module = sys.modules.get("scipy.sparse")
    return module is not None and bool(module.issparse(x))


def holds_sparse(x: Any) -> bool:
    """Whether x is a node of a sparse matrix, which is data and has no gradient."""
    return type(getattr(x, "_value", None)) is Sparse


def sparse_of(value: Any, copy: bool) -> Sparse:
    """The constant for a matrix of scipy.sparse; if possible, and `copy` is False, it shares the memory."""
    if value.ndim != 2 or value.dtype.kind not in "biuf":
        raise TypeError(
            f"a sparse constant is a matrix of real numbers, not {value.dtype} of shape {value.shape}: write X.toarray() for "
            "a vector, and `X.real`, `X.imag` or `abs(X)` for complex numbers"
        )
    matrix = sys.modules["scipy.sparse"].csr_array(value, copy=copy)
    if copy:
        matrix.sum_duplicates()  # in place, so not in the user's
    return Sparse(matrix)


def sparsity(value: Any) -> str:
    """The text in place of the entries of a sparse matrix, `sparse, 3 % filled`; "" for any other value."""
    if not (isinstance(value, Sparse) or is_sparse(value)):
        return ""
    share = 100 * value.nnz / max(math.prod(value.shape), 1)
    few = f"{share:.0f}" if share >= 1 or not share else f"{share:.1g}" if share >= 0.001 else "less than 0.001"
    return f"sparse, {few} % filled"


def in_dtype(value: Any, dtype: Any) -> Any:
    """A value, dense or sparse, in another dtype."""
    return Sparse(value.matrix.astype(dtype)) if isinstance(value, Sparse) else value.astype(dtype)


def stored(value: Any) -> Any:
    """The entries of a value in memory: all entries of an array, the stored entries of a sparse matrix."""
    return value.data if is_sparse(value) else value.matrix.data if isinstance(value, Sparse) else value


def entry_at(value: Any, index: Any) -> Any:
    """The index in a value of one of its `stored` entries."""
    if not is_sparse(value):
        return index
    entries = value.tocoo()
    return entries.row[index[0]], entries.col[index[0]]


def with_entries(value: Any, entries: Any) -> Any:
    """A value with other `stored` entries: these entries as an array, or a sparse matrix of them."""
    if not is_sparse(value):
        return entries
    return type(value)((entries, value.indices, value.indptr), shape=value.shape)
