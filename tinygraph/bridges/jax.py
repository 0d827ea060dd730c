"""A graph as a step that JAX compiles: the program that `graph.source()` prints, under `jax.jit`."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from tinygraph.compiler.arguments import fitted
from tinygraph.compiler.request import Wanted, Wrt
from tinygraph.graph import Graph

INSTALL = 'pip install "tinygraph-autodiff[jax]"'


class JaxStep:
    """A graph as a function of its leaves, as `tinygraph.compiler.step.Step` is one, that JAX compiles for each set of shapes.

    It takes arrays of NumPy and returns arrays of JAX, in double precision where the leaves have it. `source` is the program.
    """

    def __init__(self, graph: Graph, wrt: Wrt = None, bind: Mapping[str, Any] | None = None) -> None:
        jax = _jax()
        self._wanted = wanted = Wanted(graph, wrt, bind or {})
        twin = graph.with_leaves({})
        names = [graph.name(x) or "" for x in wanted.wrt]
        self._gradients = dict(zip(wanted.wrt, twin.backprop(wrt=names).values(), strict=True)) if names else {}
        self._twin = twin
        program = twin.function(jax.numpy)
        self.source: str = getattr(program, "source", "")
        self._compiled = jax.jit(program)
        is_double = any(x.dtype.itemsize == 8 for x in graph.forward)
        self._precision = partial(_precision, jax, is_double)

    def __call__(self, **leaves: Any) -> Any:
        """The outputs, and a dict of the gradients by name."""
        wanted, twin = self._wanted, self._twin
        flat = wanted.arguments.flat(leaves)
        values = wanted.bound | {x: fitted(x, wanted.graph.name(x) or "", value) for x, value in flat.items()}
        with self._precision():
            found = self._compiled(**{wanted.graph.name(x) or "": value for x, value in values.items()})
        if not self._gradients:
            return found, {}
        outputs, gradients = found
        return outputs, wanted.arguments.nested({x: gradients[twin.name(g)] for x, g in self._gradients.items()})

    def __repr__(self) -> str:
        return f"<{self._wanted.arguments.call} on JAX>"


def _jax() -> Any:
    """JAX, which has types for a part of itself alone."""
    try:
        import jax
        import jax.experimental
        import jax.numpy
    except ImportError as error:
        raise ImportError(f'backend="jax" needs JAX: {INSTALL}') from error
    return jax


def _precision(jax: Any, is_double: bool) -> AbstractContextManager[Any]:
    """Where JAX has double precision, or has not, by the leaves."""
    enable = jax.enable_x64 if hasattr(jax, "enable_x64") else jax.experimental.enable_x64
    context: AbstractContextManager[Any] = enable(is_double)
    return context
