"""Code that may never end, run in bounded time: in a thread of its own, which is stopped when its time is over.

Python has no way to stop a thread from outside but an exception, which it raises before the next instruction of Python code. A
call into compiled code ends first; until then the thread, a daemon, goes on by itself.
"""

from __future__ import annotations

import contextvars
import ctypes
import threading
from collections.abc import Callable

RAISED = 10  # times, as the code may catch the exception
PAUSE = 0.02  # seconds after each


class StoppedError(BaseException):
    """Raised inside code whose time is over. It is no Exception, which the code may catch."""


def ends_within(seconds: float | None, function: Callable[[], None], over: threading.Event) -> bool:
    """Run a function and say whether it ended within some seconds; None, without a limit, runs it in the calling thread.

    `over` is set when the time is over, before the function is stopped. Raises whatever the function raises.

    >>> ends_within(1, lambda: None, threading.Event())
    True
    """
    if seconds is None:
        function()
        return True
    context = contextvars.copy_context()  # with it NumPy's handling of errors, such as np.errstate
    errors: list[BaseException] = []

    def run() -> None:
        try:
            context.run(function)
        except StoppedError:
            pass
        except BaseException as error:  # raised again below, in the thread of the caller
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True, name="engine")
    thread.start()
    try:
        thread.join(seconds)
        ended = not thread.is_alive()
    finally:  # also where the user interrupts
        over.set()
        _stop(thread)
    if errors:
        raise errors[0]
    return ended


def _stop(thread: threading.Thread) -> None:
    for _ in range(RAISED):
        if not thread.is_alive() or thread.ident is None:
            return
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(StoppedError))
        thread.join(PAUSE)
