"""A graph as a step that JAX compiles: the program that `graph.source()` prints, under `jax.jit`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import numpy as np

from tinygraph.bridges.promotion import check_dtypes, promoted
from tinygraph.compiler.arguments import fitted
from tinygraph.compiler.labels import Labels
from tinygraph.compiler.request import Wanted, Wrt
from tinygraph.compiler.sizes import Sizes, check_ops
from tinygraph.compiler.step import KNOWN, forget
from tinygraph.graph import Graph
from tinygraph.node import Node
from tinygraph.program.statements import program_of

INSTALL = 'pip install "tinygraph-autodiff[jax]"'
BATCH = "batch"  # the axis of a mesh


class LostProcessError(RuntimeError):
    """Another process of the mesh has ended, or cannot be reached: the step was not computed."""


class JaxStep:
    """A graph as a function of its leaves, as `tinygraph.compiler.step.Step` is one, that JAX compiles for each set of shapes.

    It takes arrays of NumPy and returns arrays of JAX, in double precision where the leaves have it. `source` is the program.
    """

    def __init__(self, graph: Graph, wrt: Wrt = None, bind: Mapping[str, Any] | None = None) -> None:
        self._jax = jax = jax_module()
        graph, wrt = promoted(graph, wrt)
        self._wanted = wanted = Wanted(graph, wrt, bind or {})
        twin = graph.with_leaves({})
        names = [graph.name(x) or "" for x in wanted.wrt]
        self._gradients = dict(zip(wanted.wrt, twin.backprop(wrt=names).values(), strict=True)) if names else {}
        self._twin = twin
        program = twin.function(jax.numpy)
        self.source: str = getattr(program, "source", "")
        self._compiled = jax.jit(program)
        self._constants = constants_of(twin)
        self._labels = Labels(graph, [*wanted.arguments.leaves, *wanted.bound])
        self._known: dict[Any, dict[Node, tuple[int, ...]]] = {}  # the shapes of nodes by those of arguments
        self._precision = precision(jax, graph)
        with self._precision():
            self._placed = {name: jax.device_put(value) for x, value in wanted.bound.items() if (name := graph.name(x))}

    def __call__(self, /, **leaves: Any) -> Any:
        """The outputs, and a dict of the gradients by name."""
        jax, wanted, twin = self._jax, self._wanted, self._twin
        values = values_of(jax, wanted, leaves)
        if self._labels:
            self._labels.check(values, self._shapes(values))
        given = {wanted.graph.name(x) or "": values[x] for x in wanted.arguments.leaves} | self._placed | self._constants
        try:
            with self._precision():
                found = jax.block_until_ready(self._compiled(**given))  # until then JAX reads the caller's arrays
        except TypeError:  # as JAX says it of operands that do not fit
            Sizes(wanted.graph, wanted.wrt).check(values)
            raise
        outputs, gradients = found if self._gradients else (found, {})
        of_leaves = {x: gradients[twin.name(g)] for x, g in self._gradients.items()}
        check_dtypes(wanted.graph, outputs if type(outputs) is tuple else (outputs,), of_leaves)
        return outputs, wanted.arguments.nested(of_leaves)

    def _shapes(self, values: Mapping[Node, Any]) -> Callable[[Node], tuple[int, ...]]:
        """The shapes of nodes, which NumPy computes once for arguments of some shapes."""
        key = tuple([np.shape(x) for x in values.values()])
        if key not in self._known:
            with np.errstate(all="ignore"):
                self._known[key] = check_ops(self._wanted.graph, values)
            forget(self._known, KNOWN)
        shapes = self._known[key]
        return lambda x: shapes.get(x, x.shape)

    def __repr__(self) -> str:
        return f"<{self._wanted.arguments.call} on JAX>"


def mesh(*, batch: Any) -> Any:
    """A mesh of devices that share the rows of a batch, for `graph.compile(backend="jax", mesh=...)`; in several processes
    `jax.devices()` are those of all.

    Raises TypeError for what is no device, ValueError where there is none, or one twice, ImportError without JAX.

    >>> import jax
    >>> tg.bridges.jax.mesh(batch=jax.devices()).axis_names
    ('batch',)
    """
    jax = jax_module()
    devices = list(batch) if isinstance(batch, Iterable) else [None]
    if not all(isinstance(x, jax.Device) for x in devices):
        raise TypeError(f"batch={batch!r} is not a list of devices: give it jax.devices()")
    if not devices:
        raise ValueError("batch=[] has no device: give it jax.devices()")
    if len(set(devices)) < len(devices):
        raise ValueError("batch= has a device twice: give it jax.devices()")
    return jax.sharding.Mesh(np.array(devices), (BATCH,))


def values_of(jax: Any, wanted: Wanted, leaves: Mapping[str, Any]) -> dict[Node, Any]:
    """The values of all leaves in a call, as arrays of NumPy; raises TypeError or ValueError for those that do not fit."""
    values = dict(wanted.bound)
    for x, value in wanted.arguments.flat(leaves).items():
        name = wanted.graph.name(x) or ""
        if isinstance(value, jax.Array) and x.dtype == np.float64 != value.dtype:
            raise TypeError(
                f"{name} is an array of JAX with dtype {value.dtype}, and was recorded with float64: outside a step JAX computes "
                f"in float32. Make an array of NumPy of each gradient, as np.asarray(grads[...]), before you compute {name} of "
                'it, or write jax.config.update("jax_enable_x64", True) first'
            )
        values[x] = fitted(x, name, value)
    return values


def constants_of(graph: Graph) -> dict[str, Any]:
    """The arrays of rules, which the program of a graph takes beside its leaves, by name."""
    program, own = program_of(graph), set(graph.forward)
    return {program.name(x): x.operand for x in program.leaves if x not in own}


def jax_module() -> Any:
    """JAX, which has types for a part of itself alone."""
    try:
        import jax
        import jax.experimental
        import jax.numpy
    except ImportError as error:
        raise ImportError(f'backend="jax" needs JAX: {INSTALL}') from error
    return jax


def precision(jax: Any, graph: Graph) -> Callable[[], AbstractContextManager[Any]]:
    """Makes contexts in which JAX computes in double precision if a value of the graph has 8 bytes, and else in single."""
    enable = jax.enable_x64 if hasattr(jax, "enable_x64") else jax.experimental.enable_x64
    return partial(enable, any(x.dtype.itemsize == 8 for x in graph.forward))
