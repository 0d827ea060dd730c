"""The equations of a program: each statement as mathematics, and each gradient with the chain rule that it follows from."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

from tinygraph.express.indices import Index
from tinygraph.express.layout import (
    Digits,
    Fence,
    Fraction,
    Layout,
    Raised,
    Row,
    Sign,
    Symbol,
    Times,
    Word,
    joined,
    lowered,
    symbol,
)
from tinygraph.express.notation import Notation
from tinygraph.express.pieces import Typeset, written_number
from tinygraph.node import Node
from tinygraph.program.statements import Program, Statement

PARTIAL = Sign("∂", tight=True)
SHOWN = 4  # paths of the chain rule that are written out

Sides: TypeAlias = tuple[Layout, ...]  # of an equation: the name, the chain rule of a gradient, the right-hand side


def variables(program: Program) -> Mapping[Node, Symbol]:
    """The variable of each leaf and statement; one that would look like another, as w_1 beside w1, is printed as spelled."""
    if program not in _variables:
        _variables[program] = _variables_of(program)
    return _variables[program]


_variables: WeakKeyDictionary[Program, Mapping[Node, Symbol]] = WeakKeyDictionary()


def _variables_of(program: Program) -> dict[Node, Symbol]:
    found: dict[Node, Symbol] = {}
    seen: set[Symbol] = set()
    for node in (*program.leaves, *(s.node for s in program.statements)):
        name = program.name(node)
        primed = (Symbol(name + "′" * n) for n in itertools.count())
        found[node] = next(x for x in itertools.chain([symbol(name)], primed) if x not in seen)
        seen.add(found[node])
    return found


class Equations:
    """A program in the notation of partial derivatives."""

    def __init__(self, program: Program, number: Callable[[Any], Typeset] = written_number) -> None:
        self.program = program
        self.partials: dict[Node, tuple[Node, Node]] = {}  # each gradient: of what, with respect to what
        self.known: dict[Node, set[Node]] = {}  # what each output has gradients with respect to
        for request in program.graph._requests():
            if not request.unit or request.output in self.known:
                continue  # of a seed of one's own there is no derivative to write, but a name: dw
            for node, gradient in request.gradients.items():
                self.partials.setdefault(gradient, (request.output, node))
                self.known.setdefault(request.output, set()).add(node)
        self._symbols = variables(program)
        self._names: dict[Node, Layout] = {}
        taken = [*self._symbols.values(), *map(symbol, program.numbers)]
        self.notation = Notation(self.name, [written.text for written in taken], program.size_of, number)

    def symbol(self, node: Node) -> Symbol:
        """A value's variable, even where it is a gradient."""
        return self._symbols.get(node) or symbol(self.program.name(node))

    def name(self, node: Node) -> Layout:
        """A value's variable, or the partial derivative that a gradient is."""
        if node not in self._names:
            is_partial = node in self.partials and self._are_named(*self.partials[node])
            self._names[node] = self.partial(*self.partials[node]) if is_partial else self.symbol(node)
        return self._names[node]

    def _are_named(self, of: Node, wrt: Node) -> bool:
        """Whether both have a name to write a partial derivative with."""
        return of in self._symbols and wrt in self._symbols

    def partial(self, of: Node, wrt: Node) -> Layout:
        """∂of/∂wrt; the derivative of one is of second order, and so on."""
        return Fraction(*self._quotient(of, wrt))

    def _quotient(self, of: Node, wrt: Node) -> tuple[Layout, Layout]:
        """What stands above and below the line."""
        by = [wrt]
        while of in self.partials and wrt not in self.partials:
            of, earlier = self.partials[of]
            by.insert(0, earlier)
        below: list[Layout] = []
        for _, again in itertools.groupby(by, key=id):
            node, *more = again
            below += [Times(), PARTIAL, _power(self.variable(node), 1 + len(more))]
        return Row((_power(PARTIAL, len(by)), self.variable(of))), Row(tuple(below[1:]))

    def variable(self, node: Node) -> Layout:
        """What a derivative is of, or by: a gradient as the derivative that it is itself, (∂L/∂x)."""
        if node not in self.partials or not self._are_named(*self.partials[node]):
            return self.symbol(node)
        above, below = self._quotient(*self.partials[node])
        return Fence("(", Row((above, Sign("/", tight=True), below)), ")")

    def local(self, of: Node, wrt: Node, immediate: bool = False) -> Layout:
        """The derivative of a statement by a value that it reads; ∂⁺ is the part that does not go through other values."""
        sign = Raised(PARTIAL, Sign("+", tight=True)) if immediate else PARTIAL
        return Fraction(Row((sign, self.variable(of))), Row((PARTIAL, self.variable(wrt))))

    def equation(self, statement: Statement) -> Sides:
        """A statement as an equation."""
        index, right = self.notation.entrywise(statement.expression)
        chain = self._chain(statement, index)
        left = self.name(statement.node)
        if statement.node in self.partials and statement.of is None:
            left = self.symbol(statement.node)
        left = lowered(left, index)
        return (left, right) if chain is None else (left, chain, right)

    def _chain(self, statement: Statement, index: Index) -> Layout | None:
        """Σ ∂L/∂reader · ∂reader/∂x over the readers of x, unless the output is the only one."""
        if statement.node not in self.partials or statement.of is None:
            return None
        output, node = self.partials[statement.node]
        readers = self.program.flow.readers(statement.node) if self._are_named(output, node) else []
        if all(s.node is output for s in readers):
            return None
        terms = [self.chain_rule_term(output, reader.node, node, index) for reader in readers[:SHOWN]]
        terms += [Word("…")] * (len(readers) > SHOWN)
        return joined(terms, Sign("+"))

    def chain_rule_term(self, output: Node, reader: Node, node: Node, index: Index) -> Layout:
        """The term of one reader in the chain rule, ∂L/∂reader · ∂reader/∂x; if the reader is L itself, ∂⁺L/∂x."""
        if reader is output:
            return lowered(self.local(output, node, immediate=True), index)
        return Row((self.partial(output, reader), Times(dot=True), lowered(self.local(reader, node), index)))


def _power(layout: Layout, times: int) -> Layout:
    return layout if times == 1 else Raised(layout, Digits(str(times)))


def equations_of(program: Program) -> Iterator[Sides]:
    """The sides of each statement in order, then the values of the letters for sizes."""
    equations = Equations(program)
    for statement in program.statements:
        yield equations.equation(statement)
    for letter, size in equations.notation.sizes:
        yield letter, Digits(str(size))
