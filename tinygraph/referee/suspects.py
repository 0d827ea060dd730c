"""Which wrong values a learner may get for one value of a program, each by one slip: the usual ones first."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from itertools import chain, combinations, islice, permutations
from typing import Any, NamedTuple

import numpy as np

from tinygraph.calculus import gradients
from tinygraph.express.python import python
from tinygraph.leaves import as_node, parameter
from tinygraph.node import Node
from tinygraph.ops import count, greater
from tinygraph.program.build import added, negated, product, quotient
from tinygraph.program.flow import Flow, Pass
from tinygraph.program.statements import Program, Statement
from tinygraph.program.value import Expression, Name, Number, applied, apply, atoms, evaluate, is_operator, replaced
from tinygraph.referee.variants import MOST, Variants, Words
from tinygraph.slips import Slip, joined, slip

MOST_PASSES = 6  # of which every part is tried as what was added up
MOST_TERMS = 12  # contributions of which a formula is made
MOST_ATOMS = 40  # numbers and names in it
MOST_OTHERS = 12  # values that may be taken for one, the nearest in the program


class Suspect(NamedTuple):
    """A slip, the value that it leads to as an expression, and how deep in the formula it was made."""

    said: Callable[[], Slip]
    expression: Expression
    depth: int = 0

    @property
    def slip(self) -> Slip:
        """The slip."""
        return self.said()


class Suspects:
    """The suspects about each value of a program; `flow` says which values pass gradients on."""

    def __init__(self, program: Program, flow: Flow) -> None:
        self.program = program
        self._flow = flow
        self._statements = {s.node: s for s in program.statements}
        self._variants = Variants(self._others)

    def usual(self, statement: Statement) -> Iterator[Suspect]:
        """Those of the chain rule: a part of it is forgotten, or comes twice."""
        passes, name, whole = self._flow.passes(statement.node), statement.name, Name(statement.node)
        if len(passes) > 1:
            yield from self._of_parts(passes, name, whole)
        for p in passes:
            through = f" through {p.reader.name}" if len(passes) > 1 else ""
            if p.is_factor:
                yield Suspect(partial(slip, "upstream", name, through=through), p.local)
                if not np.all(p.upstream._value == 1):
                    yield Suspect(partial(_without_sign, "upstream", name, through=through), negated(p.local))
                yield Suspect(partial(slip, "local", name, through=through), Name(p.upstream))

    def siblings(self, statement: Statement) -> Iterator[Suspect]:
        """Those that take the gradient of another operand of the same reader for this one."""
        for p in self._flow.passes(statement.node):
            for other in self._flow.passed(p.upstream).values():
                if other.of is not p.of and other.of.shape == p.of.shape:
                    yield self._instead(statement, other.gradient)

    def elsewhere(self, statement: Statement) -> Iterator[Suspect]:
        """Those that take another value of the program for this one."""
        for node in (*self._statements, *self.program.leaves):
            if node is not statement.node and node.shape == statement.shape and node not in self._hidden:
                yield self._instead(statement, node)

    def _instead(self, statement: Statement, node: Node) -> Suspect:
        return Suspect(partial(slip, "other gradient", statement.name, other=self.program.name(node)), Name(node))

    def written(self, statement: Statement) -> Iterator[Suspect]:
        """Those of a slip in writing the formula, and of a local derivative that is taken at another value."""
        name = statement.name
        for form in self.forms(statement):
            yield from islice(self._with_another_name(form, name), MOST)
            for key, words, expression, depth in self._variants.of(form):
                yield Suspect(partial(self._slip, key, name, words), expression, depth)
        for p in self._flow.passes(statement.node):
            yield from self._of_local(p, name)

    def terms(self, statement: Statement) -> Iterator[Suspect]:
        """Those of a term of a sum, which may be divided, that is missing or has the wrong sign."""
        within = int(is_operator(statement.expression, ast.Div))
        for key, words, expression, depth in self._variants.of(statement.expression):
            if depth > within:
                return
            if key == "term":
                yield Suspect(partial(self._slip, key, statement.name, words), expression, depth)

    def _with_another_name(self, form: Expression, name: str) -> Iterator[Suspect]:
        """The formula with another value in all places of one."""
        for node in dict.fromkeys(x.node for x in atoms(form) if isinstance(x, Name)):
            for other in self._others(node):
                words: Words = {"used": (Name(other),), "wanted": (Name(node),)}
                yield Suspect(partial(self._slip, "wrong value", name, words), _exchanged(form, node, other))

    def _slip(self, key: str, name: str, words: Words) -> Slip:
        """The slip in words that are parts of the program."""

        def spelled(part: str | Expression) -> str:
            return part if isinstance(part, str) else self._spelled(part)

        return slip(key, name, **{word: "".join(map(spelled, parts)) for word, parts in words.items()})

    def is_hidden(self, node: Node) -> bool:
        """Whether a value has no name of the user's."""
        return node in self._hidden

    def _of_parts(self, passes: Sequence[Pass], name: str, whole: Expression) -> Iterator[Suspect]:
        """Some of the contributions alone, one of them twice, or one of them without a factor."""
        value = self.program.name(passes[0].of)
        few = range(1, len(passes) if len(passes) <= MOST_PASSES else 2)
        for some in chain.from_iterable(combinations(passes, n) for n in few):
            yield Suspect(partial(slip, "overwritten", name, value=value, through=_readers(some)), _total(some))
        for p in passes:
            words, others = {"value": value, "through": p.reader.name}, added(whole, p.contribution, -1)
            if len(passes) > MOST_PASSES:
                yield Suspect(partial(slip, "overwritten: one left out", name, **words), others)
            yield Suspect(partial(slip, "twice", name, **words), added(whole, p.contribution))
            for key, part in (("upstream: of one", p.local), ("local: of one", Name(p.upstream))) if p.is_factor else ():
                yield Suspect(partial(slip, key, name, **words), added(others, part))

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
            yield from self._differences(statement.node)

    def _written_out(self, x: Expression) -> Expression:
        """An expression with what is no value of the user's written out, as far as it stays short."""

        def out(atom: Number | Name) -> Expression:
            is_part = isinstance(atom, Name) and atom.node in self._hidden and atom.node in self._statements
            return self._statements[atom.node].expression if is_part else atom  # type: ignore[union-attr]  # by is_part

        longer = replaced(x, out)
        return x if longer is x or sum(1 for _ in atoms(longer)) > MOST_ATOMS else self._written_out(longer)

    def _differences(self, gradient: Node) -> Iterator[Expression]:
        """A gradient as textbooks write it after a loss that fits: a - y, (a - y) / m, 2 * (a - y) / m."""
        alike = [x for x in self._named if x.shape == gradient.shape and x not in self._backward]
        for a, y in permutations(alike, 2):
            found = _ratio(gradient._value, a._value - y._value) if y.op is None and a.op is not None else None
            if found is not None:
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

    def _of_local(self, p: Pass, name: str) -> Iterator[Suspect]:
        """What a reader passes on if its local derivative is taken at another value."""
        if not p.is_factor:
            return
        expression = self._written_out(p.reader.expression)
        for other in self._others(p.of):
            try:
                local = _derivative(expression, p.of, other)
            except (TypeError, ValueError, ArithmeticError):
                continue
            words: Words = {"reader": (p.reader.name,), "used": (Name(other),), "wanted": (Name(p.of),)}
            taken = product(Name(p.upstream), Name(as_node(local)))
            yield Suspect(partial(self._slip, "wrong value: of a derivative", name, words), taken)

    def _others(self, node: Node) -> list[Node]:
        """The values of the user's of one shape and kind, in the same phase."""
        return self._alike.get(node, [])

    @cached_property
    def _named(self) -> list[Node]:
        return [x for x in (*self.program.leaves, *self._statements) if x not in self._hidden and x.dtype.kind == "f"]

    @cached_property
    def _backward(self) -> dict[Node, Node | None]:
        """What each gradient is the gradient of."""
        return {s.node: s.of for s in self.program.backward}

    @cached_property
    def _alike(self) -> dict[Node, list[Node]]:
        backward = self._backward

        def may_be_taken(y: Node, x: Node) -> bool:
            is_counterpart = backward.get(x) is y or backward.get(y) is x
            return y is not x and y.shape == x.shape and ((y in backward) == (x in backward) or is_counterpart)

        places = {x: i for i, x in enumerate(self._named)}

        def nearest(x: Node) -> list[Node]:
            alike = [y for y in self._named if may_be_taken(y, x)]
            return sorted(alike, key=lambda y: abs(places[y] - places[x]))[:MOST_OTHERS]

        return {x: nearest(x) for x in self._named}

    @cached_property
    def _hidden(self) -> set[Node]:
        """What has a name in the program and none of the user's: temporaries, their gradients, and seeds."""
        hidden = set(self.program.temporaries) | set(self.program.units)
        return hidden | {s.node for s in self.program.backward if s.of is None or s.of in self.program.temporaries}

    def _spelled(self, x: Expression) -> str:
        text = python(x, self.program.name)
        return text if len(text) <= 60 else f"{text[:57]}..."


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


def _ratio(x: Any, y: Any) -> float | None:
    """The number that one value is times another; for single numbers 1 alone counts."""
    found = np.ravel(x)[np.argmax(np.abs(y))] / np.ravel(y)[np.argmax(np.abs(y))] if np.any(y) else 0.0
    if not np.isfinite(found) or not found or (np.size(x) < 2 and not np.isclose(found, 1, rtol=1e-9)):
        return None
    return float(found) if np.allclose(x, found * y, rtol=1e-9, atol=1e-12 * np.max(np.abs(x))) else None


def _exchanged(form: Expression, node: Node, other: Node) -> Expression:
    return replaced(form, lambda x: Name(other) if isinstance(x, Name) and x.node is node else x)


def _readers(passes: Sequence[Pass]) -> str:
    return " and ".join(p.reader.name for p in passes)


def _without_sign(kind: str, name: str, **words: str) -> Slip:
    return joined(slip(kind, name, **words), slip("sign", name))


def _total(passes: Sequence[Pass]) -> Expression:
    return _added([p.contribution for p in passes])


def _added(found: Sequence[Expression]) -> Expression:
    whole = found[0]
    for one in found[1:]:
        whole = added(whole, one)
    return whole


def sizes_of(program: Program) -> dict[str, int]:
    """The sizes of the axes of a program by the names that the user has for them, or else by a leaf that has them."""
    sizes = {name: int(x) for name, x in program.numbers.items() if isinstance(x, int | np.integer) and x > 1}
    lengths = {n for leaf in (*program.leaves, *(s.node for s in program.statements)) for n in leaf.shape}
    found = {name: n for name, n in sizes.items() if n in lengths}
    products: dict[str, int] = {}
    applications = (x for s in program.statements for x in applied(s.expression))
    counted = {y.node for x in applications if x.op is count for y in x.inputs if isinstance(y, Name)}
    leaves = sorted((x for x in program.leaves if x.shape), key=lambda x: (x not in counted, x.kind == "parameter"))
    for leaf in leaves:
        for axis, n in enumerate(leaf.shape):
            text = f"{program.name(leaf)}.shape[{axis}]" if axis else f"len({program.name(leaf)})"
            if n > 1 and n not in found.values():
                found[text] = n
    for value in (*leaves, *(s.node for s in program.forward if s.node not in program.temporaries)):
        for first, second in combinations(range(len(value.shape)), 2):
            name, n = program.name(value), value.shape[first] * value.shape[second]
            text = f"{name}.size" if len(value.shape) == 2 else f"{name}.shape[{first}] * {name}.shape[{second}]"
            if n > 1 and n not in (*found.values(), *products.values()):
                products[text] = n
    return found | products


def numbers_of(program: Program, sizes: Mapping[str, int]) -> dict[str, float]:
    """The other numbers that the user has names for."""
    return {name: float(x) for name, x in program.numbers.items() if name not in sizes and isinstance(x, int | float) and x}
