"""Formulas of an op as mathematics: those in its docstring, which are Python, and else what its function and its rules record."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygraph import ops
from tinygraph.decisions import decisions_behind
from tinygraph.explaining.samples import FAILURES, Sample, again, operand_names
from tinygraph.explaining.words import Words
from tinygraph.express.indices import Index
from tinygraph.express.latex import print_layout as latex
from tinygraph.express.layout import Fence, Fraction, Layout, Row, Sign, Symbol, Word, lowered, symbol
from tinygraph.express.mathml import equation
from tinygraph.express.notation import Notation
from tinygraph.express.pieces import listed
from tinygraph.express.plain import plain
from tinygraph.express.roles import Role, role_of
from tinygraph.graph import Graph
from tinygraph.leaves import constant
from tinygraph.node import NUMBERING, Leaf, Node
from tinygraph.operators import NUMPY
from tinygraph.ops import REGISTRY, Op
from tinygraph.ops.declare import OPERATORS
from tinygraph.program.statements import Statement, program_of
from tinygraph.program.value import Apply, Expression, Name, Number
from tinygraph.syntax import parsed

LONGEST = 200  # characters of a formula in a docstring
LARGEST = 10  # ops of a formula that is shown
UPSTREAM = "g"  # as rules call it
LOGICAL = {ast.BitAnd: ops.logical_and, ast.BitOr: ops.logical_or}
RESULT = "w"  # the result, as the derivatives in docstrings call it


class Formula(NamedTuple):
    """Sides that are equal."""

    sides: tuple[Layout, ...]

    @property
    def text(self) -> str:
        """The formula as one line of text."""
        return " = ".join(map(plain, self.sides))

    @property
    def latex(self) -> str:
        """The formula in LaTeX, for math mode."""
        return " = ".join(map(latex, self.sides))

    @property
    def mathml(self) -> str:
        """The formula in MathML."""
        return equation(self.sides)


class Formulas:
    """The formulas of one op: on numbers where it is elementwise, else on the operands of its sample."""

    def __init__(self, op: Op, said: Words, sample: Sample | None) -> None:
        self.op = op
        self.said = said
        self.sample = sample
        names = operand_names(op, len(op.arguments)) if sample is None else sample.names
        leaves = tuple(constant(0.5) for _ in names) if sample is None else sample.leaves
        self.leaves = dict(zip(names, leaves, strict=True))
        self._symbols: dict[Node, Layout] = {leaf: symbol(name) for name, leaf in self.leaves.items()}

    def formula(self) -> Formula:
        """The op in its notation, and what it computes where its docstring or its function says that in other words."""
        own = self._own()
        if own is None:
            names = listed(list(self._symbols.values()))
            return Formula((Row((Word(self.op.name), Fence("(", names, ")"))),))
        other = self.in_docstring() or self._recorded()
        if own.notation == "{}":  # which shows nothing of the op
            call, value = self._notation().call(own, None)[0], self._layout(own)
            return Formula((call,) if call == value else (call, value))
        if other is None:
            return Formula((self._whole(own, self._notation().entrywise(own)[1]),))
        index, right = self._notation().entrywise(other)
        return Formula((lowered(self._layout(own), index), self._whole(other, right)))

    def derivative(self, name: str) -> Formula | None:
        """The derivative by an operand: ∂/∂x of an elementwise op, else dx by the upstream gradient g; None where it is long."""
        if self.op.elementwise:
            expression = self.read(self.said.partials.get(name, ""))
            left: Layout = Fraction(Sign("∂", tight=True), Row((Sign("∂", tight=True), self._symbols[self.leaves[name]])))
        else:
            expression, left = None, symbol(f"d{name}")
        if expression is not None:
            return Formula((left, self._whole(expression, self._notation().entrywise(expression)[1])))
        found = self._traced(name)
        return None if found is None else Formula((lowered(left, found[0]), found[1]))

    def _own(self) -> Apply | None:
        """The op itself on its operands."""
        if self.sample is None:
            return None
        out = self.sample.out
        inputs = tuple(map(Name, self.leaves.values()))
        return Apply(self.op, inputs, self.sample.params, out.shape, out.dtype.kind, 1)

    def _notation(self) -> Notation:
        return Notation(lambda node: self._symbols[node], [*self.leaves, UPSTREAM])

    def _layout(self, x: Expression) -> Layout:
        """An expression as mathematics, without an index that its sums do not need."""
        return self._notation().typeset(x, None)[0]

    def _whole(self, x: Expression, written: Layout) -> Layout:
        """The layout of an expression; of a choice both values, each with its condition."""
        if isinstance(x, Apply) and role_of(x) is Role.CHOICE:
            return self._notation().function(x, None)[0]
        return written

    # From the docstring

    def in_docstring(self) -> Apply | None:
        """The formula in the sentence, which every operand is in, unless it is the op itself."""
        for code in self.said.codes:
            found = self.read(code)
            if isinstance(found, Apply) and found.op is not self.op and {*self.leaves} <= _names(code):
                return found
        return None

    def read(self, text: str) -> Expression | None:
        """Python in a docstring as an expression, of which nothing is executed but ops; None where it is anything else."""
        if not 0 < len(text) <= LONGEST or self.sample is None:
            return None
        values: dict[str, Any] = {name: leaf.value for name, leaf in self.leaves.items()}
        known: dict[str, tuple[Expression, Any]] = {name: (Name(leaf), values[name]) for name, leaf in self.leaves.items()}
        known["pi"] = Number(np.pi), np.pi
        for name, value in self.sample.params.items():
            if type(value) in (int, float):
                known[name] = Number(float(value), name), np.float64(value)
        own = self._own()
        assert own is not None
        known.setdefault(RESULT, (own, self.sample.out.value))
        try:
            with np.errstate(all="ignore"):
                return _Reader(known).read(parsed(text, mode="eval").body)[0]
        except (*FAILURES, SyntaxError, RecursionError, MemoryError):
            return None

    # From what is recorded

    def _recorded(self) -> Expression | None:
        """What the function of an elementwise op consists of, where that can be recorded and is short."""
        if not self.op.elementwise or self.sample is None:
            return None
        sample = self._again(self.sample)
        try:
            with np.errstate(all="ignore"):
                made = self.op.function(*sample.leaves, **sample.params)
        except FAILURES:
            return None
        if not isinstance(made, Node) or made.op is None or (made.op is self.op and made.inputs == sample.leaves):
            return None
        statements = program_of(Graph(made, names=dict(zip(sample.names, sample.leaves, strict=True)))).forward
        return self._short(statements[0], sample) if len(statements) == 1 else None

    def _traced(self, name: str) -> tuple[Index, Layout] | None:
        """What the rule of an operand makes of the upstream gradient, with its index; that is 1 for an elementwise op."""
        own = self._own()
        if own is None or self.sample is None:
            return None
        sample = self._again(self.sample)
        leaves = dict(zip(sample.names, sample.leaves, strict=True))
        try:
            graph = Graph(sample.out, names={"out": sample.out, **leaves})
            with np.errstate(all="ignore"):
                seed = None if self.op.elementwise else np.full(sample.out.shape, 2.0, sample.out.dtype)[()]
                gradient = graph.backprop(wrt=leaves[name], seed=seed)[leaves[name]]
        except FAILURES:
            return None
        program = program_of(graph)
        statement = next((s for s in program.backward if s.node is gradient), None)
        if statement is None or (self.said.remarks and _is_internal(statement.expression)):  # of which the words say more
            return None
        upstream = {s.node for s in program.backward if s.of is sample.out} | {x for x in statement.inputs if x.kind == "seed"}
        self._symbols |= {sample.out: self._closed(self._layout(own)), **dict.fromkeys(upstream, Symbol(UPSTREAM, name=UPSTREAM))}
        expression = self._short(statement, sample)
        return None if expression is None else self._notation().entrywise(expression)

    def _again(self, sample: Sample) -> Sample:
        """The sample on leaves that no decision has read yet."""
        fresh = again(sample.op, sample.given, sample.params)
        self._symbols |= {leaf: symbol(name) for name, leaf in zip(fresh.names, fresh.leaves, strict=True)}
        return fresh

    def _short(self, statement: Statement, sample: Sample) -> Expression | None:
        """The expression of a statement, where it is short, made of what has a letter, and the same for all numbers."""
        is_short = statement.expression.size <= LARGEST and self._symbols.keys() >= {*statement.inputs}
        leaves = [leaf for leaf in sample.leaves if isinstance(leaf, Leaf)]
        return statement.expression if is_short and not decisions_behind(leaves, next(NUMBERING)) else None

    @staticmethod
    def _closed(x: Layout) -> Layout:
        """A layout that an exponent or an index may follow: a letter, a function, something in brackets."""
        is_call = isinstance(x, Row) and len(x.items) == 2 and isinstance(x.items[1], Fence)
        return x if is_call or isinstance(x, Symbol | Fence) else Fence("(", x, ")")


def _is_internal(x: Expression) -> bool:
    """Whether it is an op of tinygraph that neither NumPy nor mathematics has."""
    return isinstance(x, Apply) and x.op.built_in and x.op.numpy is None and x.op.notation == x.op.name


class _Reader:
    """Reads Python's syntax tree as an expression, and computes the value of each part for its shape."""

    def __init__(self, known: Mapping[str, tuple[Expression, Any]]) -> None:
        self.known = known

    def read(self, x: ast.expr) -> tuple[Expression, Any]:
        """The expression and its value; raises ValueError for what is no formula."""
        if isinstance(x, ast.Name) and x.id in self.known:
            return self.known[x.id]
        if isinstance(x, ast.Constant) and isinstance(x.value, int | float) and not isinstance(x.value, bool):
            return Number(x.value), np.float64(x.value)
        if isinstance(x, ast.UnaryOp | ast.BinOp) and type(x.op) in OPERATORS | LOGICAL:
            operands = [x.operand] if isinstance(x, ast.UnaryOp) else [x.left, x.right]
            return self.apply((OPERATORS | LOGICAL)[type(x.op)], operands, {})
        if isinstance(x, ast.Compare) and len(x.ops) == 1 and type(x.ops[0]) in OPERATORS:
            return self.apply(OPERATORS[type(x.ops[0])], [x.left, *x.comparators], {})
        if isinstance(x, ast.Call) and isinstance(x.func, ast.Name):
            op = REGISTRY.get(x.func.id) or NUMPY.get(getattr(np, x.func.id, None))
            keywords = {keyword.arg: self.read(keyword.value)[0] for keyword in x.keywords if keyword.arg is not None}
            if isinstance(op, Op) and all(isinstance(value, Number) for value in keywords.values()):
                return self.apply(op, x.args, keywords)
        raise ValueError("this is no formula")

    def apply(self, op: Op, operands: Sequence[ast.expr], keywords: Mapping[str, Any]) -> tuple[Expression, Any]:
        """An op on parts of the formula."""
        program = [self.read(operand) for operand in operands]
        params = op.defaults | {name: number.value for name, number in keywords.items()}
        value = np.asarray(op(*(value for _, value in program), **params))
        inputs = tuple(expression for expression, _ in program)
        return Apply(op, inputs, params, value.shape, value.dtype.kind, 1 + sum(x.size for x in inputs)), value


def _names(code: str) -> set[str]:
    return {x.id for x in ast.walk(parsed(code, mode="eval")) if isinstance(x, ast.Name)}
