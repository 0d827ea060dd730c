"""NumPy's warnings (division by zero, overflow, invalid value) at the user's line, not at a line of this package.

A filter turns such a warning into an exception while an op or a rule computes. The op catches it, computes again in silence, and
warns at the user's line, where the user's own filters decide; a sweep starts again, and NumPy calls back where it would warn. A
filter costs nothing as long as there is nothing to warn of. One that the user puts in front of it, as
`warnings.simplefilter("always")` does, leaves the warning at this package's line.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import numpy as np

KINDS = {"divide by zero": "divide", "overflow": "over", "underflow": "under", "invalid value": "invalid"}

warnings.filterwarnings("error", f"({'|'.join(KINDS)}) encountered in ", RuntimeWarning, r"tinygraph\.(ops\.|backprop)")


def warn_at(frame: FrameType, message: str, category: type[Warning]) -> None:
    """Warn at the current line of a frame, as `warnings.warn` there would."""
    scope, code = frame.f_globals, frame.f_code
    seen = scope.setdefault("__warningregistry__", {})
    try:
        warnings.warn_explicit(message, category, code.co_filename, frame.f_lineno, scope.get("__name__", code.co_filename), seen)
    except Warning as error:  # a filter makes it an error, which what came before it does not explain
        raise error from None


def computed_again(compute: Callable[[], Any], warning: RuntimeWarning, frame: FrameType) -> Any:
    """The result of `compute`, which stopped at `warning`; each kind of warning is issued once, at the line of `frame`."""
    texts: list[str] = []
    silent: dict[str, Any] = {}
    while True:
        text = str(warning)
        kind = KINDS.get(text.partition(" encountered in ")[0])
        if kind is None or kind in silent:  # the warning is none of NumPy's, so that it cannot be silenced
            raise warning
        texts.append(text)
        silent[kind] = "ignore"
        try:
            with np.errstate(**silent):
                value = compute()
            break
        except RuntimeWarning as another:
            warning = another
    for text in texts:
        warn_at(frame, text, RuntimeWarning)
    return value


@contextmanager
def warnings_reported(report: Callable[[str], None]) -> Iterator[None]:
    """Call `report("overflow")` in place of each floating-point warning."""
    kinds = np.geterr()
    if "warn" not in kinds.values() or "call" in kinds.values():  # there is nothing to hear, or the user hears it already
        yield
        return
    calls: dict[str, Any] = {kind: "call" for kind, how in kinds.items() if how == "warn"}
    with np.errstate(call=lambda text, flag: report(text), **calls):
        yield
