"""What was decided for a step, and why: its plan; and what its statements cost: its profile."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from tinygraph.compiler.primitives import is_buffered, is_ufunc, reads, summed_axes
from tinygraph.compiler.ready import Shape, ShapeOf
from tinygraph.node import Node
from tinygraph.wording import counted


class Applied(NamedTuple):
    """A rewrite of a plan, and how often it was applied."""

    name: str
    before: str
    after: str
    times: int


@dataclass(frozen=True)
class Plan:
    """What a step does for arguments of some sizes.

    `strategy` and `why`, the `rewrites`, how many `recorded` nodes became how many `statements`, the ops that run as they are
    (`opaque`), the `buffers` of a call and their `bytes`, how many `operations` on numbers a call takes, and how many bytes its
    statements read and write (`moved`).
    """

    strategy: str
    why: str
    arguments: Mapping[str, tuple[Shape, str]]
    kept: Sequence[str]
    rewrites: Sequence[Applied]
    recorded: int
    statements: int
    opaque: Sequence[str]
    buffers: int
    bytes: int
    operations: int | None = None
    moved: int | None = None

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"{self.strategy}: {self.why}"
        yield f"arguments: {', '.join(f'{name} {shape} {dtype}' for name, (shape, dtype) in self.arguments.items()) or 'none'}"
        if self.kept:
            yield f"kept: {', '.join(self.kept)}"
        yield f"{counted(self.recorded, 'op')} recorded, {counted(self.statements, 'statement')} run"
        yield from (f"  {x.times} × {x.name}: {x.before} → {x.after}" for x in self.rewrites)
        if self.opaque:
            yield f"run as they are: {', '.join(self.opaque)}"
        yield f"{counted(self.buffers, 'buffer')} of {_size(self.bytes)} beside arguments and results"
        if self.operations is not None and self.moved is not None:
            yield f"{self.operations:,} operations, {_size(self.moved)} read and written"

    __repr__ = __str__


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 1e5 else f"{count / 1e3:,.1f} kB"


def opaque(nodes: Sequence[Node]) -> list[str]:
    """The ops that NumPy does not compute into buffers, or that a step calls as a whole, each once."""
    plain = (x for x in nodes if x.shape and not is_buffered(x) and not is_ufunc(x) and not summed_axes(x))
    return list(dict.fromkeys(x.op.name for x in plain if x.op is not None and x.op.view is False))


def operations(nodes: Sequence[Node], shape: ShapeOf) -> int:
    """How many numbers are computed on the way to the values of nodes: in a product of matrices each factor counts."""
    total = 0
    for node in nodes:
        assert node.op is not None
        if node.op.name == "matmul":
            inner = shape(node.inputs[0])[-1:]
            total += 2 * math.prod(shape(node)) * math.prod(inner)
        else:
            total += max(math.prod(shape(x)) for x in (node, *reads(node)))
    return total


def moved(nodes: Sequence[Node], shape: ShapeOf) -> int:
    """The bytes that statements read and write, from wherever these are."""
    return sum(math.prod(shape(x)) * x.dtype.itemsize for node in nodes for x in (node, *reads(node)))


class Cost(NamedTuple):
    """What a statement costs in one call: the seconds, and the bytes of its result."""

    statement: str
    seconds: float
    bytes: int


class Profile:
    """The seconds of each statement of a step, of `seconds` in all, and the bytes of each result; the slowest first in print."""

    def __init__(self, costs: Sequence[Cost], seconds: float) -> None:
        self.costs, self.seconds = tuple(costs), seconds

    def __str__(self) -> str:
        width = max((len(x.statement) for x in self.costs), default=0)
        rows = [f"{'statement':<{width}}       ms      %       MB"]
        for x in sorted(self.costs, key=lambda x: -x.seconds):
            share = x.seconds / self.seconds if self.seconds else 0
            rows.append(f"{x.statement:<{width}} {x.seconds * 1e3:8.3f} {share:6.1%} {x.bytes / 1e6:8.2f}")
        rows.append(f"{'all':<{width}} {self.seconds * 1e3:8.3f}")
        return "\n".join(rows)

    __repr__ = __str__


def profiled(prepared: Any, arguments: Sequence[Any], shape: ShapeOf, repeat: int) -> Profile:
    """The costs of the statements of a prepared step, each the mean of `repeat` calls."""
    spent = [[0.0] * len(script.lines) for script in prepared.executor.scripts]
    run = prepared.timed(spent).run
    run(*arguments)
    for seconds in spent:
        seconds[:] = [0.0] * len(seconds)
    start = time.perf_counter()
    for _ in range(repeat):
        run(*arguments)
    total = (time.perf_counter() - start) / repeat
    costs = [
        Cost(line, seconds / repeat, 0 if node is None else math.prod(shape(node)) * node.dtype.itemsize)
        for script, own in zip(prepared.executor.scripts, spent, strict=True)
        for (line, node), seconds in zip(script.lines, own, strict=True)
    ]
    return Profile(costs, total)
