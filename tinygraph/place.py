"""Where in the user's code a node was made: the innermost frame that is not this package's own."""

from __future__ import annotations

import linecache
import os
import sys
from bisect import bisect_right
from collections.abc import Collection
from functools import lru_cache
from inspect import CO_OPTIMIZED
from types import CodeType, FrameType
from typing import Any, NamedTuple

HOLDERS = 3  # of a frame's copy of its variables: the frame, who looks at it, and the question how many there are

PACKAGE = os.path.dirname(__file__) + os.sep


class Place(NamedTuple):
    """A line of the user's code; prints as `file.py:12, in fit: z = X @ w + b`."""

    filename: str  #: The path of the file.
    line: int  #: The number of the line, from 1.
    function: str  #: The name of the function, `<module>` outside of one.

    @property
    def text(self) -> str:
        """The source of the line without its indentation, or an empty string where the file is gone."""
        return linecache.getline(self.filename, self.line).strip()

    def __str__(self) -> str:
        inside = "" if self.function == "<module>" else f", in {self.function}"
        text = f": {self.text}" if self.text else ""
        return f"{os.path.basename(self.filename)}:{self.line}{inside}{text}"


class _Own(dict[str, bool]):
    """Whether a source file is this package's; results are cached, because every recorded node needs one."""

    def __missing__(self, filename: str) -> bool:
        own = self[filename] = filename.startswith(PACKAGE)
        return own


OWN = _Own()


CALLERS: dict[FrameType | None, FrameType] = {}  # frames of this package at work, and the user's frame that each works for


def user_frame(frame: FrameType) -> FrameType:
    """The first frame outside this package, `frame` itself or a caller of it."""
    while OWN[frame.f_code.co_filename]:
        back = frame.f_back
        if back is None:
            break
        frame = CALLERS.get(back) or back
    return frame


def variables(frame: FrameType, names: Collection[str]) -> dict[str, Any]:
    """What a frame knows by some names: its own variables, else those of its module, else Python's own.

    Python keeps a copy of a function's variables with the frame once they were looked at, and with it what they held, until the
    function returns; where nobody else has that copy it is emptied.
    """
    own = frame.f_locals
    found = {name: own[name] for name in names if name in own}
    for scope in (frame.f_globals, frame.f_builtins) if len(found) < len(names) else ():
        found |= {name: scope[name] for name in names if name in scope and name not in found}
    if frame.f_code.co_flags & CO_OPTIMIZED and type(own) is dict and sys.getrefcount(own) == HOLDERS:
        own.clear()
    return found


class FixedUserFrame:
    """Look the user's frame up once for all that the calling function records, not at every node."""

    __slots__ = ("_frame",)

    def __enter__(self) -> None:
        self._frame = sys._getframe(1)
        CALLERS[self._frame] = user_frame(self._frame)

    def __exit__(self, *_: object) -> None:
        del CALLERS[self._frame]


@lru_cache(maxsize=1024)
def is_installed(filename: str) -> bool:
    """Whether a source file belongs to Python or to an installed package."""
    import sysconfig  # which takes a while to load, and only messages and printed source need it

    homes = {sysconfig.get_path(key) for key in ("stdlib", "platstdlib", "purelib", "platlib")}
    return filename.startswith("<frozen") or any(filename.startswith(home + os.sep) for home in homes)


def place_of(code: CodeType | Place, instruction: int) -> Place:
    """Turn a code object and the offset of its last instruction into a line, where it is none yet."""
    if isinstance(code, Place):  # as a pickled node has it
        return code
    starts, lines = _lines_of(code)
    return Place(code.co_filename, lines[bisect_right(starts, instruction)], code.co_name)


@lru_cache(maxsize=64)
def _lines_of(code: CodeType) -> tuple[list[int], list[int]]:
    """Where stretches of bytecode start, and the line before the first and of each: the last one known where it has none."""
    starts, lines = [], [code.co_firstlineno]
    for start, _, line in code.co_lines():
        starts.append(start)
        lines.append(lines[-1] if line is None else line)
    return starts, lines
