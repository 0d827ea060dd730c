"""Write `numpy.md`, what each NumPy function does when it is given a node: `python docs/numpy_table.py`."""

from pathlib import Path
from typing import Any

import numpy as np

from tinygraph.ops import NUMPY, Op
from tinygraph.ops.numpy_functions import QUERIES

DECIDES = {np.allclose, np.array_equal}
OF_VALUES = {np.unique, np.nonzero, np.flatnonzero, np.argwhere}

# The functions of two pages of NumPy's reference, and those of np.linalg.
PAGES = {
    "Mathematical functions": """
        sin cos tan arcsin arccos arctan hypot arctan2 degrees radians unwrap deg2rad rad2deg sinh cosh tanh arcsinh arccosh
        arctanh round around rint fix floor ceil trunc prod sum nanprod nansum cumulative_sum cumulative_prod cumprod cumsum
        nancumprod nancumsum diff ediff1d gradient cross trapezoid exp expm1 exp2 log log10 log2 log1p logaddexp logaddexp2 i0
        sinc signbit copysign frexp ldexp nextafter spacing lcm gcd add reciprocal positive negative multiply divide power
        subtract floor_divide float_power fmod modf remainder divmod angle real imag conj maximum max amax fmax nanmax minimum
        min amin fmin nanmin convolve clip sqrt cbrt square absolute fabs sign heaviside nan_to_num real_if_close interp
        bitwise_count isnan isinf isfinite isclose allclose array_equal all any count_nonzero""",
    "Array manipulation": """
        copyto ndim shape size reshape ravel moveaxis rollaxis swapaxes transpose permute_dims matrix_transpose atleast_1d
        atleast_2d atleast_3d broadcast_to broadcast_arrays expand_dims squeeze asarray asanyarray asmatrix asfortranarray
        ascontiguousarray asarray_chkfinite require concatenate stack block
        vstack hstack dstack column_stack split array_split dsplit hsplit vsplit unstack tile repeat delete insert append resize
        trim_zeros unique nonzero flatnonzero argwhere pad flip fliplr flipud roll rot90""",
    "Products, order, statistics": """
        dot vdot inner outer matmul tensordot einsum kron trace diagonal diag tril triu where select take take_along_axis
        compress sort argsort argmax argmin searchsorted mean average median var std ptp nanmean
        meshgrid linspace astype copy""",
    "np.linalg": "cholesky det eig eigh eigvalsh inv lstsq norm pinv qr slogdet solve svd",
}


def functions() -> list[Any]:
    """All of them."""
    return [function for page in PAGES for _, function in named(page)]


def named(page: str) -> list[tuple[str, Any]]:
    """The functions of one page as a user writes them, with those that this NumPy has."""
    home, prefix = (np.linalg, "np.linalg.") if page == "np.linalg" else (np, "np.")
    return [(prefix + name, getattr(home, name)) for name in PAGES[page].split() if hasattr(home, name)]


def entry(function: Any) -> str:
    """One of: records, records by other ops, answers, decides, raises TypeError."""
    if function in QUERIES:
        return "answers"
    if function in DECIDES:
        return "decides"
    own = NUMPY.get(function)
    if own is None:
        asks = isinstance(function, np.ufunc) or hasattr(function, "_implementation")
        if function in OF_VALUES:
            return "raises TypeError: the size of the result depends on values, write `node.value`"
        return "raises TypeError" if asks else "raises TypeError: it reads the value, write `node.value`"
    return f"records `{own.name}`" if isinstance(own, Op) else "records, by other ops"


def table() -> str:
    """The whole page."""
    lines = [
        "# NumPy functions on nodes", "",
        "Written by `docs/numpy_table.py` from the registry. A function that *records* has a gradient wherever one exists; one",
        "that *answers* gives plain values, which follow from shape and dtype; one that *decides* gives True or False, and a",
        "replay that would decide otherwise raises ValueError. A TypeError says what is near.", "",
    ]  # fmt: skip
    for page in PAGES:
        lines += [f"## {page}", "", "| function | given a node |", "|---|---|"]
        lines += [f"| `{name}` | {entry(function)} |" for name, function in named(page)]
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    (Path(__file__).parent / "numpy.md").write_text(table(), encoding="utf-8")
