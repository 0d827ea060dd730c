"""The ways to run a step: all at once, or block by block of rows, in several threads too."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from contextvars import copy_context  # in which NumPy keeps what np.errstate sets
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from tinygraph.compiler.planning import Phases
from tinygraph.compiler.primitives import reads
from tinygraph.compiler.ready import Ready, Shape, ShapeOf
from tinygraph.compiler.script import Script, Written
from tinygraph.node import Node

BLOCK = 2**21  # bytes of rows that are read for one block, so that they stay in the cache
FEWEST = 16  # rows of a block
FEWEST_IN_THREADS = 2**14  # where threads take turns at Python's lock


class Executor(Protocol):
    """A way to run a step: its scripts, and what it is for arguments of some shapes."""

    strategy: str
    scripts: list[Script]

    @property
    def source(self) -> str:
        """The program."""

    def prepared(self, shape: ShapeOf, values: Mapping[Node, Any]) -> Prepared:
        """For arguments of some shapes; `values` has those of constants."""


class Prepared(Protocol):
    """A step for arguments of some shapes."""

    @property
    def executor(self) -> Executor:
        """What it was prepared from."""

    @property
    def run(self) -> Callable[..., tuple[Any, ...]]:
        """Gives the values of the targets for those of the arguments."""

    @property
    def why(self) -> str:
        """What it does, as a sentence."""

    @property
    def bytes(self) -> int:
        """The size of the buffers of one call."""

    def timed(self, spent: Sequence[list[float]]) -> Prepared:
        """The same with scripts that add the seconds that each of their lines takes to `spent`."""


class Writer:
    """Writes the scripts of one step: what names nodes have there, and which are of the same sizes."""

    def __init__(self, names: Callable[[Node], str], sizes: Callable[[Node], Hashable], lent: bool) -> None:
        self._names, self._sizes, self._lent = names, sizes, lent

    def script(
        self, name: str, nodes: Sequence[Node], inputs: Sequence[Node], outputs: Sequence[Node], lent: bool = False
    ) -> Script:
        """The function of some nodes."""
        return Script(name, Written(nodes, inputs, outputs, self._names, self._sizes, lent and self._lent))


class Whole:
    """All at once: one script."""

    strategy = "whole"

    def __init__(self, writer: Writer, nodes: Sequence[Node], arguments: Sequence[Node], targets: Sequence[Node]) -> None:
        self.scripts = [writer.script("step", nodes, arguments, targets, lent=True)]
        self.source = self.scripts[0].text

    def prepared(self, shape: ShapeOf, values: Mapping[Node, Any]) -> PreparedWhole:
        """For arguments of some shapes."""
        return PreparedWhole(self, shape, values)


class PreparedWhole:
    """The script of `Whole` for arguments of some shapes."""

    def __init__(self, executor: Whole, shape: ShapeOf, values: Mapping[Node, Any]) -> None:
        self.executor: Executor = executor
        self._ready = Ready(executor.scripts[0], shape, values)
        self.run = self._ready.run
        self.why = ""
        self.bytes = self._ready.bytes

    def timed(self, spent: Sequence[list[float]]) -> Prepared:
        """The same with scripts that add the seconds that each of their lines takes to `spent`."""
        timed = copy.copy(self)
        timed.run = self._ready.timed(spent[0]).run
        return timed


class Blocks:
    """Block by block of rows: what does not depend on rows is computed before, and sums over all rows are added up."""

    strategy = "blocks of rows"

    def __init__(
        self,
        writer: Writer,
        phases: Phases,
        constants: Collection[Node],
        arguments: Sequence[Node],
        targets: Sequence[Node],
        threads: int,
    ) -> None:
        self.threads = threads
        axis = phases.axis
        in_block, behind = _read_by(phases.block), {*_read_by(phases.after), *targets}
        whole = [x for x in arguments if x not in axis]
        made = [x for x in phases.before if x in in_block or x in behind]
        self.before = writer.script("before", phases.before, whole, made)
        self.of_rows = [x for x in arguments if x in axis and x in in_block]
        self.fixed_rows = [x for x in constants if x in axis and x in in_block]  # constants with an entry for each row
        self.beside = [x for x in (*whole, *made) if x in in_block]
        self.block = writer.script("rows", phases.block, [*self.of_rows, *self.fixed_rows, *self.beside], phases.sums)
        late = [x for x in (*whole, *made, *phases.sums) if x in behind]
        self.after = writer.script("after", phases.after, late, targets)
        self.scripts = [self.before, self.block, self.after]
        self.source = "\n\n\n".join(script.text for script in self.scripts)
        self.arguments, self.whole, self.made, self.late, self.phases = arguments, whole, made, late, phases

    @cached_property
    def pool(self) -> Any:
        """The threads beside that of the caller."""
        from concurrent.futures import ThreadPoolExecutor

        return ThreadPoolExecutor(self.threads - 1)

    def prepared(self, shape: ShapeOf, values: Mapping[Node, Any]) -> PreparedBlocks:
        """For arguments of some shapes."""
        return PreparedBlocks(self, shape, values)


def _read_by(nodes: Sequence[Node]) -> set[Node]:
    return {x for node in nodes for x in reads(node)}


class PreparedBlocks:
    """The scripts of `Blocks` for arguments of some shapes."""

    def __init__(self, step: Blocks, shape: ShapeOf, values: Mapping[Node, Any]) -> None:
        self.executor: Executor = step
        self.step = step
        axis = step.phases.axis
        rows = [*step.of_rows, *step.fixed_rows]
        self.total = shape(rows[0])[axis[rows[0]]]
        together = [*rows, *(x for x in step.block.buffers if x in axis)]
        width = sum(math.prod(shape(x)) * x.dtype.itemsize for x in together) // max(self.total, 1)
        self.rows = rows_of_a_block(self.total, width, step.threads)

        def of_block(count: int) -> ShapeOf:
            def shape_there(x: Node) -> Shape:
                whole = shape(x)
                return (*whole[: axis[x]], count, *whole[axis[x] + 1 :]) if x in axis else whole

            return shape_there

        self.before = Ready(step.before, shape, values)
        self.block = Ready(step.block, of_block(self.rows), values)
        self.rest = Ready(step.block, of_block(self.total % self.rows), values)
        self.after = Ready(step.after, shape, values)
        self._axes = [axis[x] for x in rows]
        self._fixed_rows = [values[x] for x in step.fixed_rows]

    @property
    def why(self) -> str:
        """What it does."""
        threads = f" in {self.step.threads} threads" if self.step.threads > 1 else ""
        return f"{self.rows:,} of {self.total:,} rows at a time{threads}, so that all that is computed of them stays in the cache"

    @property
    def bytes(self) -> int:
        """The size of the buffers of one call."""
        return sum(x.bytes for x in (self.before, self.block, self.after)) + self.block.bytes * (self.step.threads - 1)

    def timed(self, spent: Sequence[list[float]]) -> Prepared:
        """The same with scripts that add the seconds that each of their lines takes to `spent`."""
        timed = copy.copy(self)
        timed.before, timed.block, timed.rest = self.before.timed(spent[0]), self.block.timed(spent[1]), self.rest.timed(spent[1])
        timed.after = self.after.timed(spent[2])
        return timed

    def run(self, *arguments: Any) -> tuple[Any, ...]:
        """The values of the targets."""
        step = self.step
        known = dict(zip(step.arguments, arguments, strict=True))
        known.update(zip(step.made, self.before.run(*[known[x] for x in step.whole]), strict=True))
        of_rows = [*(known[x] for x in step.of_rows), *self._fixed_rows]
        sums = self._sums(of_rows, [known[x] for x in step.beside])
        known.update(zip(step.phases.sums, sums, strict=True))
        return self.after.run(*[known[x] for x in step.late])

    def _sums(self, of_rows: Sequence[Any], beside: Sequence[Any]) -> Sequence[Any]:
        if self.step.threads == 1 or self.rows >= self.total:
            return self._added(of_rows, beside, 0, self.total)
        blocks = -(-self.total // self.rows)
        part = -(-blocks // self.step.threads) * self.rows  # of one thread
        starts = range(part, self.total, part)
        submit, added = self.step.pool.submit, self._added
        others = [submit(copy_context().run, added, of_rows, beside, i, min(i + part, self.total)) for i in starts]
        sums = added(of_rows, beside, 0, part)
        for other in others:
            sums = _sum(sums, other.result())
        return sums

    def _added(self, of_rows: Sequence[Any], beside: Sequence[Any], start: int, stop: int) -> list[Any]:
        """The sums over the rows from `start` to `stop`."""
        if not self.total:
            return list(self.rest.run(*of_rows, *beside))
        buffers = self.block.buffers()
        sums = None
        for i in range(start, stop, self.rows):
            j = i + self.rows
            part = [_slice(x, axis, i, min(j, stop)) for x, axis in zip(of_rows, self._axes, strict=True)]
            found = self.block.run_with(buffers, *part, *beside) if j <= stop else self.rest.run(*part, *beside)
            sums = list(found) if sums is None else _sum(sums, found)
        self.block.spare.append(buffers)
        assert sums is not None
        return sums


def _slice(x: Any, axis: int, start: int, stop: int) -> Any:
    return x[start:stop] if not axis else x[(*[slice(None)] * axis, slice(start, stop))]


def _sum(sums: Sequence[Any], others: Sequence[Any]) -> list[Any]:
    return [np.add(x, y, out=x) if x.shape else x + y for x, y in zip(sums, others, strict=True)]


def rows_of_a_block(total: int, width: int, threads: int) -> int:
    """How many rows make a block, where one has `width` bytes: a power of two, or all that there are."""
    rows = max(FEWEST, 2 ** round(math.log2(BLOCK / max(width, 1))))
    return max(1, min(total, max(rows, FEWEST_IN_THREADS) if threads > 1 else rows, -(-total // threads)))
