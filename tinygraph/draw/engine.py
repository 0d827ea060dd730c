"""Layout engines: the first of $TINYGRAPH_DOT, `dot` on the path and graphviz-pure that exists, with a time limit."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sysconfig
from pathlib import Path

SECONDS = 20.0  # for one layout
VARIABLE = "TINYGRAPH_DOT"


class LayoutError(RuntimeError):
    """There is no layout engine, or it failed, or it took too long."""


def find_engine() -> str:
    """The path of the layout engine; if there is none, raises LayoutError with two ways to install one."""
    chosen = os.environ.get(VARIABLE)
    if chosen:
        found = shutil.which(chosen)
        if found is None:
            raise LayoutError(f"{VARIABLE}={chosen!r} is no program: unset it, or set it to the path of Graphviz's `dot`")
        return found
    scripts = sysconfig.get_path("scripts")
    found = shutil.which("dot") or shutil.which("graphviz-pure", path=scripts) or shutil.which("graphviz-pure")
    if found is None:
        raise LayoutError(
            'no layout engine: `pip install "tinygraph-autodiff[draw]"` brings one (graphviz-pure), or install Graphviz '
            "(`apt-get install graphviz`, `brew install graphviz`)"
        )
    return found


def draws_pdf() -> bool:
    """Whether the layout engine can write PDF, which graphviz-pure cannot."""
    return Path(find_engine()).stem != "graphviz-pure"


def lay_out(dot: str, kind: str = "svg", seconds: float = SECONDS, what: str = "") -> bytes:
    """Lay a graph out; `kind` is svg, png or pdf. Raises LayoutError, with the engine's message, on failure.

    `what` is the end of the message after a timeout: how large the graph is, and what can be done.
    """
    engine = find_engine()
    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen([engine, f"-T{kind}"], stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True)
    except OSError as error:
        raise LayoutError(f"{engine} could not be started: {error}") from error
    try:
        output, errors = process.communicate(dot.encode(), timeout=seconds)
    except subprocess.TimeoutExpired:
        _stop(process)
        raise LayoutError(f"{engine} took longer than {seconds:.3g} s{what}") from None
    except BaseException:  # an interrupted notebook cell stops the engine too
        _stop(process)
        raise
    if process.returncode or not output:
        said = errors.decode(errors="replace").strip()
        raise LayoutError(f"{engine} failed (exit code {process.returncode}): {said[:2000] or 'it said nothing'}")
    return output


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop an engine and, where there are process groups, all processes that it started."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=1)
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
    process.wait()
