"""Which wrong values a learner may get for one value of a program, each by one slip: the usual ones first."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, partial
from heapq import nsmallest
from itertools import chain, combinations, islice, takewhile
from itertools import product as cartesian
from typing import Any

import numpy as np

from tinygraph.calculus import gradients
from tinygraph.express.python import python
from tinygraph.leaves import as_node, parameter
from tinygraph.node import Node
from tinygraph.ops import count, greater
from tinygraph.program.build import added, negated, product, quotient
from tinygraph.program.flow import Flow, Pass
from tinygraph.program.statements import Program, Statement
from tinygraph.program.value import Expression, Name, Number, Shape, applied, apply, atoms, evaluate, is_operator, replaced
from tinygraph.referee.variants import MOST, Suspect, Variants
from tinygraph.slips import Slip, ratio_of, slip

MOST_PASSES = 6  # of which every part is tried as what was added up
MOST_TERMS = 12  # contributions of which a formula is made
MOST_ATOMS = 40  # numbers and names in it
MOST_OTHERS = 12  # values that may be taken for one, the nearest in the program
LONG = 60  # characters of an expression in a sentence


class Suspects:
    """The suspects about each value of a program; `flow` says which values pass gradients on."""

    def __init__(self, program: Program, flow: Flow) -> None:
        self.program = program
        self._flow = flow
        self._statements = {s.node: s for s in program.statements}
        self._near: dict[Node, list[Node]] = {}

    def usual(self, statement: Statement) -> Iterator[Suspect]:
        """Slips in the chain rule: a part of it is forgotten, or comes twice."""
        passes = self._flow.passes(statement.node)
        if len(passes) > 1:
            yield from self._of_parts(passes, statement)
        for p in passes:
            through = f" through {p.reader.name}" if len(passes) > 1 else ""
            if p.is_factor:
                yield self._suspect(statement, "upstream", p.local, through=through)
                if not np.all(p.upstream._value == 1):
                    yield self._suspect(statement, "upstream: of the other sign", negated(p.local), through=through)
                yield self._suspect(statement, "local", Name(p.upstream), through=through)

    def siblings(self, statement: Statement) -> Iterator[Suspect]:
        """The gradient of another operand of the same reader, taken for this one."""
        for p in self._flow.passes(statement.node):
            for other in self._flow.passed(p.upstream).values():
                if other.of is not p.of and other.of.shape == p.of.shape:
                    yield self._instead(statement, other.gradient)

    def elsewhere(self, statement: Statement) -> Iterator[Suspect]:
        """Another value of the program, taken for this one."""
        for node in (*self._statements, *self.program.leaves):
            if node is not statement.node and node.shape == statement.shape and not self.is_hidden(node):
                yield self._instead(statement, node)

    def _instead(self, statement: Statement, node: Node) -> Suspect:
        return self._suspect(statement, "other gradient", Name(node), other=Name(node))

    def written(self, statement: Statement) -> Iterator[Suspect]:
        """Slips in writing the formula, and a local derivative that is taken at another value."""
        for form in self.forms(statement):
            yield from islice(self._with_another_name(form, statement), MOST)
            yield from self._variants(statement).of(form)
        for p in self._flow.passes(statement.node):
            if p.is_factor:
                yield from self._of_local(p, statement)

    def terms(self, statement: Statement) -> Iterator[Suspect]:
        """A term of a sum, which may be divided, that is missing or has the wrong sign."""
        within = int(is_operator(statement.expression, ast.Div))
        outermost = takewhile(lambda one: one.depth <= within, self._variants(statement).of(statement.expression))
        return (one for one in outermost if one.slip.kind == "term")

    def _variants(self, statement: Statement) -> Variants:
        return Variants(partial(self._others, statement), partial(self._slip, statement.name))

    def _with_another_name(self, form: Expression, statement: Statement) -> Iterator[Suspect]:
        """The formula with another value in all places of one."""
        for name in dict.fromkeys(x for x in atoms(form) if isinstance(x, Name)):
            for other in map(Name, self._others(statement, name.node)):
                taken = replaced(form, partial(_exchanged, {name: other}))
                yield self._suspect(statement, "wrong value", taken, used=other, wanted=name)

    def _suspect(self, statement: Statement, key: str, expression: Expression, **words: str | Expression) -> Suspect:
        return Suspect(partial(self._slip, statement.name, key, **words), expression)

    def _slip(self, name: str, key: str, **words: str | Expression) -> Slip:
        """The slip in words that may be parts of the program."""
        return slip(key, name, **{word: x if isinstance(x, str) else self._spelled(x) for word, x in words.items()})

    def _spelled(self, x: Expression) -> str:
        text = python(x, self.program.name)
        return text if len(text) <= LONG else f"{text[: LONG - 3]}..."

    def is_hidden(self, node: Node) -> bool:
        """Whether a value has no name of the user's."""
        return node in self._hidden

    def _of_parts(self, passes: Sequence[Pass], statement: Statement) -> Iterator[Suspect]:
        """Some of the contributions alone, one of them twice, or one of them without a factor."""
        whole, value = Name(statement.node), self.program.name(passes[0].of)
        few = range(1, len(passes) if len(passes) <= MOST_PASSES else 2)
        for some in chain.from_iterable(combinations(passes, n) for n in few):
            readers = " and ".join(p.reader.name for p in some)
            yield self._suspect(statement, "overwritten", _total(some), value=value, through=readers)
        for p in passes:
            suspect = partial(self._suspect, statement, value=value, through=p.reader.name)
            others = added(whole, p.contribution, -1)
            if len(passes) > MOST_PASSES:
                yield suspect("overwritten: one left out", others)
            yield suspect("twice", added(whole, p.contribution))
            if p.is_factor:
                yield suspect("upstream: of one", added(others, p.local))
                yield suspect("local: of one", added(others, Name(p.upstream)))

    def forms(self, statement: Statement) -> Iterator[Expression]:
        """The ways in which people write what a statement computes."""
        yield self._written_out(statement.expression)
        passes = self._flow.passes(statement.node)
        if 0 < len(passes) <= MOST_TERMS:
            yield _total(passes)
            known = [self._textbook(p) for p in passes]
            if any(known):
                yield _added([form or p.contribution for form, p in zip(known, passes, strict=True)])
        if statement.of is not None:
            yield from self._differences(statement.node, statement.of)

    def _written_out(self, x: Expression) -> Expression:
        """An expression with what is no value of the user's written out, as far as it stays short."""

        def out(atom: Number | Name) -> Expression:
            is_part = isinstance(atom, Name) and atom.node in self._hidden and atom.node in self._statements
            return self._statements[atom.node].expression if is_part else atom  # type: ignore[union-attr]  # by is_part

        longer = replaced(x, out)
        return x if longer is x or sum(1 for _ in atoms(longer)) > MOST_ATOMS else self._written_out(longer)

    def _differences(self, gradient: Node, of: Node) -> Iterator[Expression]:
        """A gradient as textbooks write it after a loss that fits: a - y, (a - y) / m, 2 * (a - y) / m."""
        near = [of, *(x for x in self._nearest(of) if x not in self._gradients)]
        for a, y in cartesian((x for x in near if x.op is not None), [x for x in near if x.op is None]):
            found = ratio_of(gradient._value, a._value - y._value, _equal)
            if found is not None and (gradient.size > 1 or _equal(found, 1)):  # a number is some multiple of any other
                difference = added(Name(a), Name(y), -1)
                sizes = [n for n in (*gradient.shape, gradient.size) if n and np.isclose(found * n, round(found * n), rtol=1e-9)]
                factor = round(found * sizes[0]) if sizes else found
                whole = difference if factor == 1 else product(Number(factor), difference)
                yield quotient(whole, Number(sizes[0])) if sizes and found != factor else whole

    def _textbook(self, p: Pass) -> Expression | None:
        """A contribution with the local derivative as textbooks write it, in the value of the reader: a * (1 - a), 1 - a * a."""
        if not p.is_factor:
            return None
        for local in _textbook_locals(Name(p.reader.node), Name(p.of)):
            value = evaluate(local, lambda node: node._value)
            if np.shape(value) == np.shape(p.local_value) and np.allclose(value, p.local_value, rtol=1e-9):
                return product(Name(p.upstream), local)
        return None

    def _of_local(self, p: Pass, statement: Statement) -> Iterator[Suspect]:
        """What a reader passes on if its local derivative is taken at another value."""
        expression = self._written_out(p.reader.expression)
        for other in self._others(statement, p.of):
            try:
                local = _derivative(expression, p.of, other)
            except Exception:  # an op may raise anything at other values
                continue
            taken = product(Name(p.upstream), Name(as_node(local)))
            key = "wrong value: of a derivative"
            yield self._suspect(statement, key, taken, reader=p.reader.name, used=Name(other), wanted=Name(p.of))

    def _others(self, statement: Statement, node: Node) -> list[Node]:
        """What may be taken for a value in the formula of another one."""
        return [x for x in self._nearest(node) if x is not statement.node]

    def _nearest(self, node: Node) -> list[Node]:
        """The values of the shape and phase of one, and its gradient or value, those first that were recorded nearest to it."""
        if node not in self._near:
            alike = self._alike.get((node.shape, node in self._gradients), [])
            every = (*alike, self._counterparts.get(node, node))
            others = [x for x in every if x is not node and x.shape == node.shape and self._is_named(x)]
            near = nsmallest(MOST_OTHERS, others, key=lambda x: abs(x.number - node.number))
            self._near[node] = near if self._is_named(node) else []
        return self._near[node]

    def _is_named(self, node: Node) -> bool:
        return node not in self._hidden and node.dtype.kind == "f"

    @cached_property
    def _gradients(self) -> set[Node]:
        return {s.node for s in self.program.backward}

    @cached_property
    def _counterparts(self) -> dict[Node, Node]:
        """The gradient of each value, and the value of each gradient."""
        pairs = [(s.node, s.of) for s in self.program.backward if s.of is not None]
        return dict(pairs) | {of: node for node, of in pairs}

    @cached_property
    def _alike(self) -> dict[tuple[Shape, bool], list[Node]]:
        found: dict[tuple[Shape, bool], list[Node]] = {}
        for x in (*self.program.leaves, *self._statements):
            found.setdefault((x.shape, x in self._gradients), []).append(x)
        return found

    @cached_property
    def _hidden(self) -> set[Node]:
        """What has a name in the program and none of the user's: temporaries, their gradients, and seeds."""
        hidden = set(self.program.temporaries) | set(self.program.units)
        return hidden | {s.node for s in self.program.backward if s.of is None or s.of in self.program.temporaries}


def _textbook_locals(a: Expression, z: Expression) -> Iterator[Expression]:
    """The local derivatives of sigmoid, tanh, exp and relu in the value a and in z, which it is of."""
    one = Number(1)
    yield product(a, added(one, a, -1))
    yield added(one, product(a, a), -1)
    yield a
    yield apply(greater, z, Number(0), kind="b")


def _derivative(expression: Expression, of: Node, at: Node) -> Any:
    """The derivative of an expression, entry by entry, where a value of it has that of another one."""
    x = parameter(at._value)

    def value(node: Node) -> Any:
        return x if node is of else node._value

    y = as_node(evaluate(expression, value))
    return gradients(y, x, seed=np.ones(y.shape))[0]


def _equal(x: Any, y: Any) -> bool:
    return np.allclose(x, y, rtol=1e-9, atol=1e-12 * np.max(np.abs(x)))


def _exchanged(others: Mapping[Expression, Expression], x: Expression) -> Expression:
    return others.get(x, x)


def _total(passes: Sequence[Pass]) -> Expression:
    return _added([p.contribution for p in passes])


def _added(found: Sequence[Expression]) -> Expression:
    whole = found[0]
    for one in found[1:]:
        whole = added(whole, one)
    return whole


def sizes_of(program: Program) -> dict[str, int]:
    """The sizes of the axes of a program by the names that the user has for them, or else by a leaf that has them."""
    numbers = {name: int(x) for name, x in program.numbers.items() if isinstance(x, int | np.integer) and x > 1}
    lengths = {n for value in (*program.leaves, *(s.node for s in program.statements)) for n in value.shape}
    found = {name: n for name, n in numbers.items() if n in lengths}
    for text, n in chain(_lengths(program), _products_of_lengths(program)):
        if n > 1 and n not in found.values():
            found[text] = n
    return found


def _leaves(program: Program) -> list[Node]:
    """Arrays among the leaves: first those whose sizes the program counts, and parameters last."""
    applications = (x for s in program.statements for x in applied(s.expression))
    counted = {y.node for x in applications if x.op is count for y in x.inputs if isinstance(y, Name)}
    return sorted((x for x in program.leaves if x.shape), key=lambda x: (x not in counted, x.kind == "parameter"))


def _lengths(program: Program) -> Iterator[tuple[str, int]]:
    for name, leaf in ((program.name(leaf), leaf) for leaf in _leaves(program)):
        for axis, n in enumerate(leaf.shape):
            yield f"{name}.shape[{axis}]" if axis else f"len({name})", n


def _products_of_lengths(program: Program) -> Iterator[tuple[str, int]]:
    for value in (*_leaves(program), *(s.node for s in program.forward if s.node not in program.temporaries)):
        name = program.name(value)
        for first, second in combinations(range(len(value.shape)), 2):
            text = f"{name}.size" if len(value.shape) == 2 else f"{name}.shape[{first}] * {name}.shape[{second}]"
            yield text, value.shape[first] * value.shape[second]


def numbers_of(program: Program, sizes: Mapping[str, int]) -> dict[str, float]:
    """The other numbers that the user has names for."""
    return {name: float(x) for name, x in program.numbers.items() if name not in sizes and isinstance(x, int | float) and x}
