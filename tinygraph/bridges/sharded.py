"""A step whose rows are shared by the devices of a mesh: each computes its rows, and one all-reduce adds up what they found."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from tinygraph.bridges.jax import BATCH, constants_of, jax_module, precision, values_of
from tinygraph.bridges.processes import answered, check_agreement
from tinygraph.bridges.promotion import check_dtypes, promoted
from tinygraph.bridges.rows import Rows
from tinygraph.compiler.labels import Labels
from tinygraph.compiler.request import Wanted, Wrt
from tinygraph.compiler.sizes import SizeError
from tinygraph.compiler.step import KNOWN, forget
from tinygraph.graph import Graph
from tinygraph.node import Node
from tinygraph.sparse import holds_sparse
from tinygraph.wording import counted


class ShardedStep:
    """A graph as a function of its leaves, as `tinygraph.bridges.jax.JaxStep` is one, of which each device computes some rows.

    In several processes all are called with the same arrays, of which each reads its rows alone. `source` is the program.

    Raises ValueError for a mesh with other axes than "batch" and for a graph that does not split over rows, TypeError for an op
    that JAX cannot trace. A call raises LostProcessError where another process has ended.
    """

    def __init__(self, graph: Graph, wrt: Wrt, bind: Mapping[str, Any] | None, mesh: Any) -> None:
        jax = jax_module()
        self._jax, self.mesh = jax, _checked(jax, mesh)
        graph, wrt = promoted(graph, wrt)
        self._wanted = wanted = Wanted(graph, wrt, bind or {}, copy=False)
        sparse = [graph.name(x) or repr(x) for x in graph.forward if holds_sparse(x)]
        if sparse:
            raise TypeError(
                f"{', '.join(sparse)}: a sparse matrix cannot be shared by devices: record the graph with {sparse[0]}.toarray()"
            )
        twin = graph.with_leaves({})
        if wanted.wrt:
            twin.backprop(wrt=[graph.name(x) or "" for x in wanted.wrt])
        self._recorded = twin.function(jax.numpy)  # which checks whether what was recorded holds for other sizes
        self._constants = constants_of(twin)
        self._rows = Rows(wanted)
        if any(x.op is None and x in self._rows.axis for x in self._rows.constants):
            raise ValueError("the graph does not split over rows: the rule of an op has an array with an entry for each row")
        self.source: str = self._rows.source
        self._labels = Labels(graph, [*wanted.arguments.leaves, *wanted.bound])
        self._precision = precision(jax, graph)
        self._compiled: dict[int, tuple[Any, Any]] = {}  # by the number of rows, with their weights
        bound = {x: wanted.bound[x] for x in (*self._rows.of_rows, *self._rows.whole) if x in wanted.bound}
        with self._precision():
            self._placed = {x: self._place(x, value, keep=True) for x, value in bound.items()}

    def __call__(self, /, **leaves: Any) -> Any:
        """The outputs, and a dict of the gradients by name."""
        with self._precision():
            compiled, arguments = self._prepared(leaves)
            found = answered(self._jax, lambda: compiled(*arguments))
        count, wanted = len(self._wanted.graph.outputs), self._wanted
        gradients = dict(zip(wanted.wrt, found[count:], strict=True))
        check_dtypes(wanted.graph, found[:count], gradients)
        return found[0] if count == 1 else found[:count], wanted.arguments.nested(gradients)

    def compiled(self, /, **leaves: Any) -> str:
        """The program that XLA runs for these arguments, as text."""
        with self._precision():
            text: str = self._prepared(leaves)[0].as_text()
        return text

    def __repr__(self) -> str:
        return f"<{self._wanted.arguments.call} on {counted(self.mesh.devices.size, 'device')} of JAX>"

    def _prepared(self, leaves: Mapping[str, Any]) -> tuple[Any, list[Any]]:
        """What is run, and its arguments on the devices."""
        wanted, rows = self._wanted, self._rows
        values = values_of(self._jax, wanted, leaves)
        total = self._total(values)
        known = self._compiled.get(total)
        if known is None:
            self._check(values)
        self._labels.check(values, lambda x: self._shape(x, total))
        placed = [self._placed[x] if x in self._placed else self._place(x, values[x]) for x in (*rows.of_rows, *rows.whole)]
        if known is None:
            weights = self._weights(total)
            known = self._compiled[total] = self._made(total).lower(*placed, weights).compile(), weights
            forget(self._compiled, KNOWN)
        compiled, weights = known
        return compiled, [*placed, weights]

    def _made(self, total: int) -> Any:
        """The step for a number of rows."""
        jax, rows = self._jax, self._rows
        spec = jax.sharding.PartitionSpec
        each = self._padded(total) // self.mesh.devices.size
        own = _own if self._padded(total) > total else lambda x, rows, axis: x
        program = rows.function(jax.numpy, each, total, partial(own, jax.numpy) if own is _own else own)
        specs = [*(self._spec(rows.axis[x]) for x in rows.of_rows), *(spec() for _ in rows.whole), self._spec(0)]
        shard_map = getattr(jax, "shard_map", None) or _old_shard_map()
        added = partial(_added, jax)
        local = shard_map(lambda *x: program(*x, added), mesh=self.mesh, in_specs=tuple(specs), out_specs=spec())
        return jax.jit(local)

    # Rows

    def _total(self, values: Mapping[Node, Any]) -> int:
        """How many rows there are; raises SizeError for other sizes than those that were recorded."""
        rows, name = self._rows, self._wanted.graph.name
        counts = {name(x) or repr(x): np.shape(values[x])[rows.axis[x]] for x in rows.of_rows}
        if len(set(counts.values())) > 1:
            raise SizeError(f"the numbers of rows differ: {', '.join(f'{x} has {n}' for x, n in counts.items())}")
        total = next(iter(counts.values()))
        for x in (*rows.of_rows, *rows.whole):
            if np.shape(values[x]) != rows.sized(x, total):
                raise SizeError(
                    f"{name(x)} has shape {np.shape(values[x])}, and was recorded with {x.shape}: on a mesh only the number of "
                    "rows may differ, so record the graph again"
                )
        return total

    def _shape(self, node: Node, total: int) -> tuple[int, ...]:
        stand_in = self._rows.stands_for(node)
        return node.shape if stand_in is None else self._rows.sized(stand_in, total)

    def _check(self, values: Mapping[Node, Any]) -> None:
        """Raise an error where what was recorded does not hold for arrays of these shapes, or other processes have others."""
        name = self._wanted.graph.name
        shapes = {
            own: self._jax.ShapeDtypeStruct(np.shape(value), x.dtype)
            for x, value in values.items()
            if (own := name(x)) is not None
        }
        self._jax.eval_shape(self._recorded, **shapes, **self._constants)
        of_rows = {name(x) or repr(x): np.moveaxis(values[x], self._rows.axis[x], 0) for x in self._rows.of_rows}
        whole = {name(x) or repr(x): values[x] for x in self._rows.whole}
        whole["step.source"] = np.frombuffer(self.source.encode(), np.uint8)
        check_agreement(self._jax, self.mesh, of_rows, whole)

    def _padded(self, total: int) -> int:
        """The number of rows that all devices have together."""
        devices: int = self.mesh.devices.size
        return -(-total // devices) * devices

    # Places

    def _weights(self, total: int) -> Any:
        """The weights of the rows: 1, or 0 for those that fill the last devices."""
        return self._on_rows(np.arange(self._padded(total)) < total, 0, keep=True)

    def _spec(self, axis: int) -> Any:
        return self._jax.sharding.PartitionSpec(*[None] * axis, BATCH)

    def _place(self, x: Node, value: Any, keep: bool = False) -> Any:
        """A leaf on the devices: some rows on each, or all of it; what is kept there is a copy, as the caller may change it."""
        axis = self._rows.axis.get(x)
        if axis is not None:
            return self._on_rows(value, axis, keep)
        array = np.array(value, copy=keep or None)
        sharding = self._jax.sharding.NamedSharding(self.mesh, self._jax.sharding.PartitionSpec())
        return self._jax.make_array_from_callback(array.shape, sharding, lambda index: array[index])

    def _on_rows(self, value: Any, axis: int, keep: bool) -> Any:
        """An array of which each device has its rows; where some are missing, 0."""
        total = value.shape[axis]
        shape = (*value.shape[:axis], self._padded(total), *value.shape[axis + 1 :])
        sharding = self._jax.sharding.NamedSharding(self.mesh, self._spec(axis))

        def part(index: Any) -> Any:
            start, stop, _ = index[axis].indices(shape[axis])
            own = value[(*[slice(None)] * axis, slice(start, stop))]
            if stop <= total:
                return np.array(own, copy=keep or None)
            return np.pad(own, [(0, stop - max(start, total) if i == axis else 0) for i in range(value.ndim)])

        return self._jax.make_array_from_callback(shape, sharding, part)


def _own(np: Any, x: Any, rows: Any, axis: int) -> Any:
    """An array with 0 in the rows that were added to fill a device."""
    return np.where(rows.reshape(-1, *[1] * (x.ndim - axis - 1)), x, 0)


def _added(jax: Any, *parts: Any) -> tuple[Any, ...]:
    """The sums over all devices, by one reduction for all that have a dtype in common."""
    found: dict[int, Any] = {}
    for dtype in dict.fromkeys(x.dtype for x in parts):
        own = [i for i, x in enumerate(parts) if x.dtype == dtype]
        whole = jax.lax.psum(jax.numpy.concatenate([parts[i].ravel() for i in own]), BATCH)
        for i in own:
            found[i], whole = whole[: parts[i].size].reshape(parts[i].shape), whole[parts[i].size :]
    return tuple(found[i] for i in range(len(parts)))


def _checked(jax: Any, mesh: Any) -> Any:
    """A mesh of one axis, the batch, with a device of this process."""
    if not isinstance(mesh, jax.sharding.Mesh) or mesh.axis_names != (BATCH,):
        raise ValueError(f"mesh={mesh!r}: give tg.bridges.jax.mesh(batch=jax.devices())")
    if not any(device.process_index == jax.process_index() for device in mesh.devices.flat):
        raise ValueError("the mesh has no device of this process: give it those of all processes, jax.devices()")
    return mesh


def _old_shard_map() -> Any:
    """Where JAX had it before 0.6."""
    from jax.experimental.shard_map import shard_map

    return shard_map
