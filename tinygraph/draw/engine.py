"""Layout engines: the first of $TINYGRAPH_DOT, `dot` on the path and graphviz-pure that is there, with a limit on its time."""

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
    """No layout engine is there, or it failed, or it took too long."""


def find_engine() -> str:
    """Find the program that lays graphs out; raises LayoutError, with two ways to install one, if there is none."""
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


def lay_out(dot: str, kind: str = "svg", seconds: float = SECONDS, what: str = "") -> bytes:
    """Lay a graph out; `kind` is svg, png or pdf. Raises LayoutError, with the engine's message, on failure.

    `what` says behind the time, should it be over, how large the graph is and what can be done.
    """
    engine = find_engine()
    if kind == "pdf" and Path(engine).stem == "graphviz-pure":
        raise LayoutError("PDF needs a system Graphviz (`apt-get install graphviz`, `brew install graphviz`); SVG and PNG do not")
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
    except BaseException:  # an interrupted cell leaves nothing running either
        _stop(process)
        raise
    if process.returncode or not output:
        said = errors.decode(errors="replace").strip()
        raise LayoutError(f"{engine} failed (exit code {process.returncode}): {said[:2000] or 'it said nothing'}")
    return output


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End an engine and, where there are process groups, all that it started."""
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
