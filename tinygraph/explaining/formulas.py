"""Formulas of an op as mathematics: those in its docstring, which are Python, and else what its function and its rules record."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygraph import ops
from tinygraph.explaining.examples import FAILURES, Example, operand_names
from tinygraph.explaining.words import Words
from tinygraph.express.latex import print_layout as latex
from tinygraph.express.layout import Fence, Fraction, Layout, Row, Sign, Symbol, Word, lowered, symbol
from tinygraph.express.mathml import equation
from tinygraph.express.notation import Notation
from tinygraph.express.pieces import listed
from tinygraph.express.plain import plain
from tinygraph.express.roles import Role, role_of
from tinygraph.graph import Graph
from tinygraph.leaves import constant
from tinygraph.node import Node
from tinygraph.ops import REGISTRY, Op
from tinygraph.ops.declare import NUMPY, OPERATORS
from tinygraph.program.statements import program
from tinygraph.program.value import Apply, Expression, Name, Number

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
    """The formulas of one op: on numbers where it is elementwise, else on the operands of its example."""

    def __init__(self, op: Op, said: Words, example: Example | None) -> None:
        self.op = op
        self.said = said
        self.example = example
        names = operand_names(op, len(op.arguments)) if example is None else example.names
        leaves = tuple(constant(0.5) for _ in names) if example is None else example.leaves
        self.leaves = dict(zip(names, leaves, strict=True))
        self._symbols: dict[Node, Layout] = {leaf: symbol(name) for name, leaf in self.leaves.items()}

    def formula(self) -> Formula:
        """The op in its notation, and what it computes where its docstring or its function says that in other words."""
        own = self._own()
        if own is None:
            names = listed(list(self._symbols.values()))
            return Formula((Row((Word(self.op.name), Fence("(", names, ")"))),))
        other = self.in_docstring() or self._recorded(own)
        if own.notation == "{}":  # which shows nothing of the op
            return Formula((self._notation().call(own, None)[0], self._layout(own)))
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
        if self.example is None:
            return None
        out = self.example.out
        inputs = tuple(map(Name, self.leaves.values()))
        return Apply(self.op, inputs, self.example.params, out.shape, out.dtype.kind, 1)

    def _notation(self) -> Notation:
        return Notation(lambda node: self._symbols[node], [*self.leaves, UPSTREAM])

    def _layout(self, x: Expression) -> Layout:
        """An expression as mathematics, without an index that its sums do not need."""
        return self._notation().told(x, None)[0]

    def _whole(self, x: Expression, written: Layout) -> Layout:
        """The layout of an expression; of a choice both values, each with its condition."""
        if isinstance(x, Apply) and role_of(x) is Role.CHOICE:
            notation = self._notation()
            return notation.filled(x, [notation.told(i, None) for i in x.inputs])[0]
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
        if not 0 < len(text) <= LONGEST or self.example is None:
            return None
        values: dict[str, Any] = {name: leaf.value for name, leaf in self.leaves.items()}
        known: dict[str, tuple[Expression, Any]] = {name: (Name(leaf), values[name]) for name, leaf in self.leaves.items()}
        known["pi"] = Number(np.pi), np.pi
        for name, value in self.example.params.items():
            if type(value) in (int, float):
                known[name] = Number(float(value), name), np.float64(value)
        own = self._own()
        assert own is not None
        known.setdefault(RESULT, (own, self.example.out.value))
        try:
            with np.errstate(all="ignore"):
                return _Reader(known).read(ast.parse(text, mode="eval").body)[0]
        except (*FAILURES, SyntaxError, RecursionError, MemoryError):
            return None

    # From what is recorded

    def _recorded(self, own: Apply) -> Expression | None:
        """What the function of an elementwise op consists of, where that can be recorded and is short."""
        if not self.op.elementwise or self.example is None:
            return None
        try:
            with np.errstate(all="ignore"):
                made = self.op.function(*self.example.leaves, **self.example.params)
        except FAILURES:
            return None
        if not isinstance(made, Node) or made.op is None or (made.op is self.op and made.inputs == self.example.leaves):
            return None
        statements = program(Graph(made, names=self.leaves)).forward
        statement = statements[0]
        is_short = len(statements) == 1 and statement.expression.size <= LARGEST
        return statement.expression if is_short and self._symbols.keys() >= {*statement.inputs} else None

    def _traced(self, name: str) -> tuple[str, Layout] | None:
        """What the rule of an operand makes of the upstream gradient, with its index; that is 1 for an elementwise op."""
        assert self.example is not None
        out, leaf = self.example.out, self.leaves[name]
        try:
            graph = Graph(out, names=self.leaves | {"out": out} if "out" not in self.leaves else self.leaves)
            with np.errstate(all="ignore"):
                seed = None if self.op.elementwise else np.full(out.shape, 2.0, out.dtype)[()]
                gradient = graph.backprop(wrt=leaf, seed=seed)[leaf]
        except FAILURES:
            return None
        told = program(graph)
        own = self._own()
        statement = next((s for s in told.backward if s.node is gradient), None)
        if statement is None or own is None or statement.expression.size > LARGEST:
            return None
        if self.said.remarks and _is_internal(statement.expression):  # the words say more
            return None
        upstream = {s.node for s in told.backward if s.of is out} | {x for x in statement.inputs if x.kind == "seed"}
        self._symbols |= {out: self._closed(self._layout(own)), **dict.fromkeys(upstream, Symbol(UPSTREAM, name=UPSTREAM))}
        return self._notation().entrywise(statement.expression) if self._symbols.keys() >= {*statement.inputs} else None

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
        told = [self.read(operand) for operand in operands]
        params = op.defaults | {name: number.value for name, number in keywords.items()}
        value = np.asarray(op(*(value for _, value in told), **params))
        inputs = tuple(expression for expression, _ in told)
        return Apply(op, inputs, params, value.shape, value.dtype.kind, 1 + sum(x.size for x in inputs)), value


def _names(code: str) -> set[str]:
    return {x.id for x in ast.walk(ast.parse(code, mode="eval")) if isinstance(x, ast.Name)}
