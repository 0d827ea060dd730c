"""A compiled step: a function of the leaves of a graph that returns its outputs and gradients without recording anything."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from threading import Lock
from typing import Any

import numpy as np

from tinygraph.backprop import reached
from tinygraph.compiler.arguments import fitted
from tinygraph.compiler.entry import entry
from tinygraph.compiler.executors import BLOCK, Blocks, Prepared, Whole, Writer
from tinygraph.compiler.hoisting import hoisted
from tinygraph.compiler.lowering import Lowering
from tinygraph.compiler.planning import Dimensions, NoRowsError, fixed, phases
from tinygraph.compiler.primitives import ordered, reads
from tinygraph.compiler.ready import ShapeOf
from tinygraph.compiler.report import Applied, Plan, Profile, moved, opaque, operations, profiled
from tinygraph.compiler.request import Wanted, Wrt
from tinygraph.compiler.rewrites import REWRITES, shown
from tinygraph.compiler.sizes import check_sizes
from tinygraph.compiler.variables import Variables
from tinygraph.decisions import check_decisions, decisions_behind, first_lost
from tinygraph.graph import Graph
from tinygraph.node import Leaf, Node
from tinygraph.ops import Op
from tinygraph.ops.declare import scalar

STRATEGIES = ("whole", "rows")
KNOWN = 16  # combinations of shapes that stay prepared
ROWS_FROM = 4 * BLOCK  # bytes of data from which a step is computed block by block


class Step:
    """A compiled graph: `step(**leaves)` returns its output (a tuple of several), and a dict of gradients by name.

    It is called with an array for each leaf by name, nested as the names are. `source` is the program that ran last, `plan` says
    what it does and why, `profile(**leaves)` measures each statement. Several threads may call it at the same time.
    """

    def __init__(
        self,
        graph: Graph,
        wrt: Wrt = None,
        bind: Mapping[str, Any] | None = None,
        threads: int = 1,
        strategy: str | None = None,
        copy: bool = True,
    ) -> None:
        if strategy not in (None, *STRATEGIES):
            raise ValueError(f"strategy={strategy!r}: choose {' or '.join(map(repr, STRATEGIES))}, or None for the faster one")
        if not isinstance(threads, int) or threads < 1:
            raise ValueError(f"threads={threads!r}: give a whole number, 1 or more")
        self.graph = graph
        self._wanted = wanted = Wanted(graph, wrt, bind or {})
        self._arguments, self._strategy = wanted.arguments, strategy
        self.lowering = Lowering(REWRITES, wanted.entries)
        self._recorded = [*graph.outputs, *wanted.gradients]
        self.targets = hoisted(self.lowering, self.lowering.of(self._recorded))
        self.nodes = ordered(self.targets)
        self.constants = fixed(self.nodes, self._arguments.leaves)
        self._write(threads, copy)
        self._checks = list(_label_checks(graph, set(self._arguments.leaves)))
        self._decides = _decides(graph)
        self._known: dict[Any, Callable[..., Any]] = {}  # what runs for arguments of some shapes
        self._shapes: dict[Any, ShapeOf] = {}
        self._lock = Lock()  # of these two
        self.prepared: Prepared | None = None  # what was prepared last
        self._shape: ShapeOf = lambda node: node.shape
        places = dict(zip(wanted.wrt, range(len(graph.outputs), len(self.targets)), strict=True))
        known = {} if self._checks or self._decides else self._known
        outputs, names = len(graph.outputs), self._arguments.names
        self._enter = entry(names, self._arguments.leaves, known, self._slowly, outputs, self._arguments.nested(places))

    def _write(self, threads: int, copy: bool) -> None:
        """Write the programs that the step may run."""
        graph, leaves = self.graph, self._arguments.leaves
        variables = Variables()
        names = [(self.lowering.stands_for(x), graph.name(x)) for x in graph.forward]
        variables.give(zip(leaves, self._arguments.names, strict=True))
        called = [*(graph.name(x) or "" for x in graph.outputs), *(f"d{graph.name(x)}" for x in self._wanted.wrt)]
        variables.give((x, name) for x, name in zip(self.targets, called, strict=True) if x.op is not None)
        variables.give((x, name) for x, name in names if x is not None and name is not None)
        computed = [x for x in ordered(self.targets, reads) if x.op is not None and x not in self.constants]
        writer = Writer(variables.of, Dimensions(self.nodes).of_all, not copy)
        self.whole = Whole(writer, computed, leaves, self.targets)
        self.blocks: Blocks | None = None
        self.why_whole = ""
        data = {x for x in self.nodes if x.op is None and x.kind == "constant"}
        try:
            found = phases(computed, self.nodes, self.targets, data)
            self.blocks = Blocks(writer, found, self.constants, leaves, self.targets, threads)
        except NoRowsError as reason:
            self.why_whole = f"{reason}"
            if self._strategy == "rows":
                raise ValueError(f'strategy="rows" does not apply: {reason}') from None

    def __call__(self, **leaves: Any) -> Any:
        """The outputs and the gradients; the arrays are the caller's own unless the graph was compiled with `copy=False`."""
        return self._enter(**leaves)

    @property
    def source(self) -> str:
        """The program that ran last, or that would run for arguments of the recorded sizes."""
        executor = self._chosen(self._shape) if self.prepared is None else self.prepared.executor
        return "\n\n\n".join(script.text for script in executor.scripts) + "\n"

    @property
    def plan(self) -> Plan:
        """What the step does for the sizes of the last call, or for the recorded ones, and why."""
        shape = self._shape
        executor = self._chosen(shape) if self.prepared is None else self.prepared.executor
        prepared = executor.prepared(shape, {x: x._value for x in self.constants}) if self.prepared is None else self.prepared
        nodes = [node for script in executor.scripts for node in script.nodes]
        names = zip(self._arguments.names, self._arguments.leaves, strict=True)
        return Plan(
            executor.strategy,
            prepared.why or self.why_whole or "the data are small",
            {name: (shape(x), f"{x.dtype}") for name, x in names},
            [self.graph.name(x) or "" for x in self._wanted.bound],
            [Applied(*shown(name), count) for name, count in self.lowering.applied.items()],
            len([x for x in reached(self._recorded) if x.op is not None]),
            len(nodes),
            opaque(nodes),
            sum(len(script.buffers) for script in executor.scripts),
            prepared.bytes,
            operations(nodes, shape),
            moved(nodes, shape),
        )

    def profile(self, *, repeat: int = 10, **leaves: Any) -> Profile:
        """The time of each statement in a call with these arguments, the mean over `repeat` calls, and the size of its result."""
        values = self._values(leaves)
        _, shape = self._ready_for(values)
        assert self.prepared is not None
        return profiled(self.prepared, list(values.values()), shape, repeat)

    def __repr__(self) -> str:
        return f"<{self._arguments.call}>"

    def _slowly(self, given: Mapping[str, Any]) -> Any:
        """A call with arguments that are nested, that are to be made to fit, or of shapes that are new."""
        values = self._values({name: value for name, value in given.items() if value is not None})
        run, shape = self._ready_for(values)
        self._check(values, shape)
        outputs = run(*values.values())
        count = len(self.graph.outputs)
        gradients = self._arguments.nested(dict(zip(self._wanted.wrt, outputs[count:], strict=True)))
        return outputs[0] if count == 1 else outputs[:count], gradients

    def _values(self, given: Mapping[str, Any]) -> dict[Node, Any]:
        """The value of each argument, as it was recorded."""
        flat = self._arguments.flat(given)
        names = zip(self._arguments.leaves, self._arguments.names, strict=True)
        return {x: fitted(x, name, flat[x]) for x, name in names}

    def _check(self, values: Mapping[Node, Any], shape: ShapeOf) -> None:
        """Raise an error where Python would decide otherwise on these values, and for labels that an op does not take."""
        if self._decides:
            every = self._wanted.bound | dict(values)
            leaves = {x: every.get(x, x._value) for x in self.graph.forward if isinstance(x, Leaf)}
            check_decisions(leaves, self.graph._recorded_until)
        for op, inputs, params in self._checks:
            check = op.check
            assert check is not None
            check(*[self._operand(x, values, shape) for x in inputs], **params)

    def _operand(self, x: Any, values: Mapping[Node, Any], shape: ShapeOf) -> Any:
        """What a check reads: labels that a call gives, and of anything else the shape and dtype."""
        if not isinstance(x, Node) or x in values:
            return values[x] if isinstance(x, Node) else x
        stand_in = self.lowering.stands_for(x)
        return np.broadcast_to(np.zeros((), x.dtype), x.shape if stand_in is None else shape(stand_in))

    # Preparing

    def _ready_for(self, values: Mapping[Node, Any]) -> tuple[Callable[..., Any], ShapeOf]:
        """The function for arguments of these shapes, and the shapes of all nodes then."""
        key = tuple([np.shape(x) for x in values.values()])
        run, shape = self._known.get(key), self._shapes.get(key)
        if run is None or shape is None:
            self.prepared, shape = self._prepared(values)
            run = self.prepared.run
            with self._lock:
                while len(self._known) >= KNOWN:
                    oldest = next(iter(self._known))
                    del self._known[oldest], self._shapes[oldest]
                self._shapes[key], self._known[key] = shape, run
        return run, shape

    def _prepared(self, values: Mapping[Node, Any]) -> tuple[Prepared, ShapeOf]:
        leaves = self._wanted.bound | dict(values)
        is_recorded = all(np.shape(value) == x.shape for x, value in leaves.items())
        if is_recorded and all(value is x._value for x, value in self._wanted.bound.items()):
            shapes: Mapping[Node, Any] = {x: x.shape for x in self.nodes}
            constants: Mapping[Node, Any] = {x: x._value for x in self.constants}
        else:
            if not is_recorded:
                check_sizes(self.graph, leaves)
            shapes, constants = self._computed(leaves)
        shape = shapes.__getitem__
        self._shape = shape
        return self._chosen(shape).prepared(shape, constants), shape

    def _computed(self, leaves: Mapping[Node, Any]) -> tuple[dict[Node, Any], dict[Node, Any]]:
        """The shapes of all nodes, and the values of those that are constants, for other values of leaves."""
        readers = Counter(x for node in self.nodes for x in node.inputs if isinstance(x, Node))
        values: dict[Node, Any] = {}
        shapes: dict[Node, Any] = {}
        with np.errstate(all="ignore"):
            for node in self.nodes:
                if node.op is None:
                    values[node] = leaves.get(node, node.operand)
                else:
                    operands = [values[x] if isinstance(x, Node) else x for x in node.inputs]
                    values[node] = scalar(node.op.compute(*operands, **node.params))
                    for x in node.inputs:
                        if isinstance(x, Node):
                            readers[x] -= 1
                            if not readers[x] and x not in self.constants:
                                del values[x]
                shapes[node] = np.shape(values[node])
        return shapes, {x: values[x] for x in self.constants}

    def _chosen(self, shape: Any) -> Whole | Blocks:
        if self.blocks is None or self._strategy == "whole":
            return self.whole
        size = sum(math.prod(shape(x)) * x.dtype.itemsize for x in (*self.blocks.of_rows, *self.blocks.fixed_rows))
        return self.blocks if self._strategy == "rows" or size >= ROWS_FROM else self.whole


def _decides(graph: Graph) -> bool:
    """Whether Python decided by a value of the graph."""
    leaves = [x for x in graph.forward if isinstance(x, Leaf)]
    until = graph._recorded_until
    return bool(decisions_behind(leaves, until)) or any(first_lost(x, until) is not None for x in leaves)


def _label_checks(graph: Graph, arguments: set[Node]) -> Iterator[tuple[Op, tuple[Any, ...], Mapping[str, Any]]]:
    """The checks of ops that read whole numbers which a call gives, such as labels of classes, with their inputs."""
    for node in graph.forward:
        has_labels = any(isinstance(x, Node) and x in arguments and x.dtype.kind in "iu" for x in node.inputs)
        if node.op is not None and node.op.check is not None and has_labels:
            yield node.op, node.inputs, node.params
