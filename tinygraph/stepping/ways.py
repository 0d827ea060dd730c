"""The contributions to a gradient: for each statement that reads the value, upstream gradient times local derivative."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import reduce
from typing import Any, NamedTuple

import numpy as np

from tinygraph import ops
from tinygraph.express.local import Local, local_derivative, upstream_expression
from tinygraph.express.program import Program, Statement
from tinygraph.express.python import python
from tinygraph.node import Node
from tinygraph.program.form import simplified
from tinygraph.program.value import Apply, Expression, Name, Number, apply


class Way(NamedTuple):
    """One contribution to a gradient: the statement, its upstream gradient and local derivative, and their product."""

    reader: Statement
    upstream: Node
    local: Local
    expression: Expression
    value: Any


class Walk:
    """A program with what the backward pass needs at every step: the statements that read a value, and their gradients."""

    def __init__(self, told: Program) -> None:
        self.told = told
        # Each gradient with all that belong to the same output.
        requests = told.graph._requests()
        self.gradients = {g: request.gradients for request in requests for g in request.gradients.values()}
        self._of = {g: x for request in requests for x, g in request.gradients.items()}
        self.readers: dict[Node, list[Statement]] = {}
        for statement in told.statements:  # of gradients too, which those of a second order come back through
            for x in statement.inputs:
                self.readers.setdefault(x, []).append(statement)
        self._shared = {s.node: s for s in told.backward if s.of is None}

    def ways(self, statement: Statement) -> list[Way]:
        """All contributions to a gradient; empty if one of them cannot be written with the existing names."""
        with np.errstate(all="ignore"):  # the warnings were issued when the values were recorded
            found = list(self._told(statement))
            values = np.array([way.value for way in found])
            off = 1e-6 * np.fmax.reduce(np.abs(values), axis=None, initial=0)  # what rounding makes of parts of this size
            adds_up = np.allclose(values.sum(axis=0), statement.value, atol=off, equal_nan=True)
        return found if found and adds_up else []

    def _told(self, statement: Statement) -> Iterator[Way]:
        x = statement.of
        if x is None:
            return
        shared = {tuple(map(self._spelled, _factors(s.expression))): s.node for s in self._read(statement)}
        for reader in self.readers.get(x, ()):
            upstream = self.gradients[statement.node].get(reader.node)
            local = None if upstream is None else local_derivative(self.told, reader, x, upstream)
            if local is None or upstream is None:
                continue
            if not local.is_factor:
                local = local._replace(expression=self._with_shared(local.expression, shared))
            value = local.node.value * upstream.value if local.is_factor else local.node.value
            yield Way(reader, upstream, local, self._with_shared(self._product(local, upstream), shared), value)

    def _product(self, local: Local, upstream: Node) -> Expression:
        above = upstream_expression(self.told, upstream)
        if not local.is_factor or isinstance(above, Number):
            return local.expression
        return simplified(ops.multiply, [above, local.expression], {}, local.node.shape, "f")

    def origin(self, statement: Statement) -> Node:
        """The value that a statement of the backward pass belongs to: what it is the gradient of; for a part that several
        gradients share, the value of the upstream gradient."""
        while statement.of is None:
            inside = self._read(statement)
            if not inside:
                upstream = next((x for x in statement.inputs if x in self._of), None)
                return self._of[upstream] if upstream is not None else next(iter(statement.inputs), statement.node)
            statement = inside[0]
        return statement.of

    # The program names what several gradients share; so do their contributions.

    def _read(self, statement: Statement) -> list[Statement]:
        """The shared parts in a gradient, and those in them: a long sum of contributions is cut into parts itself."""
        found: dict[Statement, None] = {}
        unread = [statement]
        for known in unread:
            inside = [self._shared[x] for x in known.inputs if x in self._shared]
            unread += [part for part in inside if part not in found]
            found |= dict.fromkeys(inside)
        return list(found)

    def _spelled(self, x: Expression) -> str:
        return python(x, self.told.name)

    def _with_shared(self, x: Expression, shared: Mapping[tuple[str, ...], Node]) -> Expression:
        """The expression with a name for each run of factors that has one."""
        if not isinstance(x, Apply) or not shared:
            return x
        factors = self._named_runs(_factors(x), shared)
        if len(factors) > 1:
            return reduce(lambda left, right: apply(ops.multiply, left, right), (self._with_shared(f, shared) for f in factors))
        if factors[0] is not x:
            return factors[0]
        inputs = tuple(self._with_shared(i, shared) for i in x.inputs)
        return Apply(x.op, inputs, x.params, x.shape, x.kind, 1 + sum(i.size for i in inputs))

    def _named_runs(self, factors: list[Expression], shared: Mapping[tuple[str, ...], Node]) -> list[Expression]:
        """The factors with a name in place of each run that has one, of the longest first."""
        texts = list(map(self._spelled, factors))
        for size in range(len(factors), 0, -1):
            for i in range(len(factors) - size, -1, -1):
                node = shared.get(tuple(texts[i : i + size]))
                if node is not None:
                    factors[i : i + size], texts[i : i + size] = [Name(node)], [self.told.name(node)]
        return factors


def _factors(x: Expression) -> list[Expression]:
    """The factors of a product, else the expression alone."""
    if isinstance(x, Apply) and x.op is ops.multiply:
        return [*_factors(x.inputs[0]), x.inputs[1]]
    return [x]
