"""A step on arrays: its primitive nodes, the scripts that compute them, and which of these run at which sizes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from tinygraph.backprop import reached
from tinygraph.compiler.executors import BLOCK, Blocks, Executor, Prepared, Whole, Writer
from tinygraph.compiler.lines import Lines
from tinygraph.compiler.lowered import Lowered
from tinygraph.compiler.planning import Dimensions, NoRowsError
from tinygraph.compiler.primitives import function_of
from tinygraph.compiler.ready import Shape, ShapeOf
from tinygraph.compiler.report import Applied, Plan, Profile, moved, opaque, operations, profiled
from tinygraph.compiler.request import Wanted
from tinygraph.compiler.rewrites import shown
from tinygraph.compiler.sizes import Sizes
from tinygraph.node import Node
from tinygraph.ops.declare import scalar

ROWS_FROM = 4 * BLOCK  # bytes of data from which a step is computed block by block


class ArrayRun:
    """A step for arguments of some shapes: `run(*arguments)` gives the values of its targets."""

    def __init__(self, program: ArrayProgram, prepared: Prepared, shape: ShapeOf) -> None:
        self._program, self.prepared, self._shape = program, prepared, shape
        self.run = prepared.run

    def shape(self, node: Node) -> Shape:
        """The shape of a recorded node there."""
        stand_in = self._program.lowered.lowering.stands_for(node)
        return node.shape if stand_in is None else self._shape(stand_in)

    @property
    def source(self) -> str:
        """The program that runs."""
        return self.prepared.executor.source

    @property
    def plan(self) -> Plan:
        """What is done, and why."""
        program, executor, shape = self._program, self.prepared.executor, self._shape
        wanted = program.wanted
        nodes = [node for script in executor.scripts for node in script.nodes]
        names = zip(wanted.arguments.names, wanted.arguments.leaves, strict=True)
        return Plan(
            executor.strategy,
            self.prepared.why or program.why_whole or "the data are small",
            {name: (shape(x), f"{x.dtype}") for name, x in names},
            [wanted.graph.name(x) or "" for x in wanted.bound],
            [Applied(*shown(name), count) for name, count in program.lowered.lowering.applied.items()],
            len([x for x in reached(program.lowered.recorded) if x.op is not None]),
            sum(node is not None for script in executor.scripts for _, node in script.lines),
            opaque(nodes),
            sum(len(script.buffers) for script in executor.scripts),
            self.prepared.bytes,
            operations(nodes, shape),
            moved(nodes, shape),
        )

    def profile(self, arguments: Sequence[Any], repeat: int) -> Profile:
        """What each statement costs."""
        return profiled(self.prepared, arguments, self._shape, repeat)


class ArrayProgram:
    """The scripts of a step: `whole`, and `blocks` of rows where these apply.

    It `is_measured` where sizes of values depend on what arguments hold, so that each call has to measure them.

    Raises ValueError where blocks of rows are wanted and do not apply.
    """

    def __init__(self, wanted: Wanted, threads: int, strategy: str | None, copy: bool) -> None:
        self.wanted, self._strategy = wanted, strategy
        self._sizes = Sizes(wanted.graph, wanted.wrt)
        self.lowered = lowered = Lowered(wanted, [*wanted.graph.outputs, *wanted.gradients()])
        self.nodes, self.constants = lowered.nodes, lowered.constants
        leaves, has_arrays = wanted.arguments.leaves, lowered.has_arrays
        self.is_measured = has_arrays and any(_selects(x) and x not in self.constants for x in self.nodes)
        if lowered.is_long:
            self.whole: Executor = Lines(self._name_or_number, lowered.computed, leaves, lowered.targets)
        else:
            writer = Writer(self._name, Dimensions(self.nodes if has_arrays else ()).of_all, not copy)
            self.whole = Whole(writer, lowered.computed, leaves, lowered.targets)
        self.blocks: Blocks | None = None
        self.why_whole = "there are scalars alone"
        if has_arrays:
            self.blocks, self.why_whole = self._by_rows(writer, threads)
        if strategy == "rows" and self.blocks is None:
            raise ValueError(f'strategy="rows" does not apply: {self.why_whole}')

    def _by_rows(self, writer: Writer, threads: int) -> tuple[Blocks | None, str]:
        """The step block by block of rows, or else why there is none."""
        lowered, leaves = self.lowered, self.wanted.arguments.leaves
        try:
            found = lowered.phases(lowered.data)
            return Blocks(writer, found, self.constants, leaves, lowered.targets, threads), ""
        except NoRowsError as reason:
            return None, f"{reason}"

    def _name(self, node: Node) -> str:
        """What source calls a value."""
        return self.lowered.variables.of(node)

    def _name_or_number(self, node: Node) -> str:
        """What source calls a scalar, or the number that a leaf without a name keeps."""
        return repr(node.item()) if node.op is None and self.wanted.graph.name(node) is None else self._name(node)

    def at_recorded_sizes(self) -> ArrayRun:
        """The step for the sizes that were recorded."""
        return self._at(attrgetter("shape"), {x: x._value for x in self.constants})

    def at(self, values: Mapping[Node, Any]) -> ArrayRun:
        """The step for arguments of the shapes of these; raises SizeError where the recording does not hold for them."""
        leaves = self.wanted.bound | dict(values)
        is_recorded = all(np.shape(value) == x.shape for x, value in leaves.items())
        if not self.is_measured and is_recorded and all(value is x._value for x, value in self.wanted.bound.items()):
            return self.at_recorded_sizes()
        self._sizes.check(leaves)
        shapes, constants = self._computed(leaves)
        return self._at(shapes.__getitem__, constants)

    def _at(self, shape: ShapeOf, constants: Mapping[Node, Any]) -> ArrayRun:
        return ArrayRun(self, self._chosen(shape).prepared(shape, constants), shape)

    def _chosen(self, shape: ShapeOf) -> Executor:
        if self.blocks is None or self._strategy == "whole":
            return self.whole
        size = sum(math.prod(shape(x)) * x.dtype.itemsize for x in (*self.blocks.of_rows, *self.blocks.fixed_rows))
        return self.blocks if self._strategy == "rows" or size >= ROWS_FROM else self.whole

    def _computed(self, leaves: Mapping[Node, Any]) -> tuple[dict[Node, Shape], dict[Node, Any]]:
        """The shapes of all nodes, and the values of those that are constants, for other values of leaves."""
        readers = Counter(x for node in self.nodes for x in node.inputs if isinstance(x, Node))
        values: dict[Node, Any] = {}
        shapes: dict[Node, Shape] = {}
        for node in self.nodes:
            values[node] = leaves.get(node, node.operand) if node.op is None else _value(node, values)
            shapes[node] = np.shape(values[node])
            for x in node.inputs:
                if isinstance(x, Node):
                    readers[x] -= 1
                    if not readers[x] and x not in self.constants:
                        del values[x]
        return shapes, {x: values[x] for x in self.constants}


def _selects(node: Node) -> bool:
    """Whether the values of a mask decide how many entries a node has."""
    return (
        node.op is not None and node.op.name == "index" and any(isinstance(x, Node) and x.dtype == bool for x in node.inputs[1:])
    )


def _value(node: Node, values: Mapping[Node, Any]) -> Any:
    assert node.op is not None
    with np.errstate(all="ignore"):
        return scalar(function_of(node.op)(*[values[x] if isinstance(x, Node) else x for x in node.inputs], **node.params))
