"""Layout engines: the first of $TINYGRAPH_DOT, `dot` on the path and graphviz-pure that is there, with a limit on its time."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

SECONDS = 20.0  # for one layout
VARIABLE = "TINYGRAPH_DOT"


class LayoutError(RuntimeError):
    """No layout engine is there, or it failed, or it took too long."""


def find_engine() -> str:
    """The program that lays graphs out; raises LayoutError, with the two ways to get one, where there is none."""
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


def lay_out(dot: str, kind: str = "svg", seconds: float = SECONDS) -> bytes:
    """Lay a graph out; `kind` is svg, png or pdf. Raises LayoutError for a failure, with what the engine said."""
    engine = find_engine()
    if kind == "pdf" and Path(engine).stem == "graphviz-pure":
        raise LayoutError("PDF needs a system Graphviz (`apt-get install graphviz`, `brew install graphviz`); SVG and PNG do not")
    try:
        done = subprocess.run([engine, f"-T{kind}"], input=dot.encode(), capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        raise LayoutError(
            f"{engine} took longer than {seconds:g} s over {dot.count('label=')} cards: fold modules by fold=[...]"
        ) from None
    except OSError as error:
        raise LayoutError(f"{engine} could not be started: {error}") from error
    if done.returncode or not done.stdout:
        said = done.stderr.decode(errors="replace").strip()
        raise LayoutError(f"{engine} failed (exit code {done.returncode}): {said[:2000] or 'it said nothing'}")
    return done.stdout
