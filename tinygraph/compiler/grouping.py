"""Which scalar nodes are computed together: those of one depth, one op and one set of metadata; a running total is one sum.

A node is known by its index in the list of nodes, a Python number that an op reads by an index behind those.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy import ndarray

from tinygraph.decisions import NUMBERS
from tinygraph.node import Node
from tinygraph.ops import Op
from tinygraph.program.value import exact_metadata

Indices: TypeAlias = ndarray[Any, np.dtype[np.intp]]
Kind: TypeAlias = type[Any]  # of a value: the class of a NumPy scalar, or of a Python number

UNEVEN = 4  # from more different numbers of terms on, sums of one depth are one group
NEVER = np.iinfo(np.intp).max


class Signature(NamedTuple):
    """What nodes have in common that one call of an op computes, apart from their depth."""

    op: Op
    kind: Kind
    operands: tuple[Kind, ...]
    params: dict[str, Any]
    sign: int  # of the second term, where the result is a sum; else 0


@dataclass
class Group:
    """Nodes that are computed together. `operands` has a row for each position, or of sums a row with one term of each.

    Where sums have different numbers of terms, all terms are in one row, and `starts` says where those of each sum start.
    """

    signature: Signature
    members: Indices
    operands: Indices
    passes: tuple[bool, ...]  # whether the gradient passes to an operand; of sums, to any term
    signs: Any = None  # of the terms of sums, in the shape of `operands`
    starts: Indices | None = None

    @property
    def is_sum(self) -> bool:
        """Whether each member is the sum of its operands."""
        return self.signs is not None

    def arrange(self, order: Indices) -> None:
        """Bring the members into an order."""
        self.members = self.members[order]
        if self.starts is None:
            self.operands = self.operands[:, order]
            self.signs = None if self.signs is None else self.signs[:, order]
        else:
            counts = np.diff(self.starts, append=len(self.operands))[order]
            terms = _ranges(self.starts[order], counts)
            self.operands, self.signs, self.starts = self.operands[terms], self.signs[terms], np.cumsum(counts) - counts


class Recorded:
    """Scalar nodes as arrays: the signature of each, -1 for leaves, and the indices of its operands.

    `uses` is how often nodes read each value, `all_uses` counts it as an output too.
    """

    def __init__(self, nodes: Sequence[Node], outputs: Collection[Node]) -> None:
        self.nodes = nodes
        self.index = index = {node: i for i, node in enumerate(nodes)}
        operands = [node.inputs for node in nodes]
        inputs = [*itertools.chain.from_iterable(operands)]
        types = [*map(type, inputs)]
        self._numbers = [x for x, kind in zip(inputs, types, strict=True) if kind in NUMBERS]
        self.size = len(nodes) + len(self._numbers)
        behind = itertools.count(len(nodes))
        flat = [next(behind) if kind in NUMBERS else index[x] for x, kind in zip(inputs, types, strict=True)]
        self.flat = np.array(flat, np.intp)
        self.arities = np.array([*map(len, operands)], np.intp)
        self.uses = np.bincount(self.flat, minlength=self.size)
        self.all_uses = self.uses.copy()
        self.all_uses[[index[node] for node in outputs]] += 1
        self._starts = np.cumsum(self.arities) - self.arities
        self.kinds: list[Kind] = [*map(type, [*[node._value for node in nodes], *self._numbers])]
        if ndarray in self.kinds:
            self.kinds[: len(nodes)] = [kind_of(node._value) for node in nodes]
        self.signatures: list[Signature] = []
        self.signature = np.full(len(nodes), -1)
        ops, kinds = _codes([node.op for node in nodes]), _codes(self.kinds)
        for same in _split(np.flatnonzero(self.arities), self.arities[self.arities > 0]):
            for alike in _split(same, ops[same], kinds[same], *kinds[self.operands(same)]):
                for members in self._by_metadata(alike):
                    self.signature[members] = len(self.signatures)
                    self.signatures.append(self._signature(members[0]))

    def _by_metadata(self, members: Indices) -> list[Indices]:
        """Nodes of one op and like operands in parts with the same metadata, and the same numbers where an op reads those."""
        nodes = [self.nodes[i] for i in members.tolist()]
        op = nodes[0].op
        assert op is not None
        kinds = [self.kinds[i] for i in self.operands(members[:1])[:, 0]]
        if NUMBERS.isdisjoint(kinds) or _may_differ(op, kinds):
            keys = [exact_metadata(node.params) for node in nodes] if op.defaults else []
        else:
            keys = [(exact_metadata(node.params), repr([x for x in node.inputs if type(x) in NUMBERS])) for node in nodes]
        return _split(members, _codes(keys)) if keys else [members]

    def _signature(self, member: int) -> Signature:
        node, kind = self.nodes[member], self.kinds[member]
        assert node.op is not None
        kinds = tuple(self.kinds[i] for i in self.operands(np.array([member]))[:, 0])
        return Signature(node.op, kind, kinds, node.params, _sign_of_second(node.op, kind, kinds))

    def has_one_end(self, node: Node) -> bool:
        """Whether all nodes but leaves are computed for this node."""
        return np.flatnonzero((self.uses[: len(self.nodes)] == 0) & (self.signature >= 0)).tolist() == [self.index[node]]

    def operands(self, members: Indices) -> Indices:
        """The operands of some nodes that have as many: a row for each position."""
        return self.flat[self._starts[members] + np.arange(self.arities[members[0]])[:, None]]

    def value(self, i: int) -> Any:
        """The recorded value of a node, or a number."""
        return self.nodes[i]._value if i < len(self.nodes) else self._numbers[i - len(self.nodes)]


def kind_of(value: Any) -> Kind:
    """The class of NumPy scalars of a value of shape ()."""
    return value.dtype.type if type(value) is ndarray else type(value)


def _may_differ(op: Op, kinds: Collection[Kind]) -> bool:
    """Whether an op computes the same with an array of different numbers in place of a Python number.

    An exponent is read as the number that it is, and so may any operand of a user's op. Integers take Python numbers that their
    dtype does not hold, as in `x < 300`.
    """
    return op.built_in and op.name != "power" and any(issubclass(kind, np.floating) for kind in kinds)


def _sign_of_second(op: Op, kind: Kind, kinds: tuple[Kind, ...]) -> int:
    """The sign of the second term where the result is a sum in one dtype of floats; else 0."""
    sign = {np.add: 1, np.subtract: -1}.get(op.numpy, 0) if op.built_in else 0
    return sign if issubclass(kind, np.floating) and set(kinds) <= {kind, *NUMBERS} else 0


def count_groups(sums: Sums) -> int:
    """About how many groups nodes have, in a fraction of the time that it takes to make them where they are many.

    A group takes as long as some 20 nodes computed one by one, forward and backward; how many nodes it has hardly matters.

    >>> w, x = tg.parameter(3.0), tg.parameter(2.0)
    >>> L = np.exp(w) + np.exp(x)
    >>> count_groups(Sums(Recorded([w, x, *L.inputs, L], [L])))
    2
    """
    recorded, nodes = sums.recorded, len(sums.recorded.nodes)
    own = np.flatnonzero((recorded.signature >= 0) & ~sums.is_taken_in[:nodes])
    return len(_split(own, sums.depth[own], np.where(sums.of_second[own], -1, recorded.signature[own])))


class Grouping:
    """The groups of a graph in an order in which they can be computed, and how early the last of them read a value.

    The gradient passes along `path`; outputs are terms of no other sum.
    """

    def __init__(self, sums: Sums, path: Collection[Node]) -> None:
        recorded = sums.recorded
        self.uses = recorded.all_uses
        self.on_path = np.zeros(recorded.size, bool)
        self.on_path[[recorded.index[node] for node in path]] = True
        self.groups = [*_applications(recorded, sums, self.on_path), *sums.groups(self.on_path)]
        self.groups.sort(key=lambda group: sums.depth[group.members[0]])
        self.first_read = self._arranged()

    def _arranged(self) -> Indices:
        """Bring the members of each group into the order in which they are read, so that they can be read as slices."""
        first_read, count = np.full(len(self.uses), NEVER), 0
        for group in reversed(self.groups):
            group.arrange(np.argsort(first_read[group.members], kind="stable"))
            flat = group.operands.ravel()
            flat = flat[first_read[flat] == NEVER]
            first_read[flat[::-1]] = np.arange(count + len(flat), count, -1)  # of an operand that is there twice, the first
            count += len(flat)
        return first_read


class Sums:
    """The sums among the nodes, and how many groups come before each node.

    Where a sum is the running total of another one, and nothing else reads it, the other one takes it in. A term that is a sum
    itself stays so: in `total + (z - y * z)` what cancels has to cancel first.
    """

    def __init__(self, recorded: Recorded) -> None:
        self.recorded = recorded
        signs = np.array([signature.sign for signature in recorded.signatures] + [0])  # the last one for leaves
        self.of_second = signs[recorded.signature]
        into, depth, length = list(range(recorded.size)), [0] * recorded.size, [0] * recorded.size
        flat, at, once = recorded.flat.tolist(), 0, (recorded.all_uses == 1).tolist()
        for i, (arity, sign) in enumerate(zip(recorded.arities.tolist(), self.of_second.tolist(), strict=True)):
            if arity == 2:
                x, y = flat[at], flat[at + 1]
                left, right = depth[x], depth[y]
                if sign:
                    total = y if sign > 0 and length[y] > length[x] else x
                    if length[total]:  # it is no group of its own
                        into[total] = i
                        left, right = (left - 1, right) if total == x else (left, right - 1)
                    length[i] = length[total] + 1 if once[i] else 0
                depth[i] = 1 + (left if left > right else right)
            elif arity:
                depth[i] = 1 + max([depth[j] for j in flat[at : at + arity]])
            at += arity
        self.depth, self._into = np.array(depth, np.intp), np.array(into, np.intp)
        self.is_taken_in = self._into != np.arange(recorded.size)

    def groups(self, on_path: Any) -> list[Group]:
        """The sums that no other takes in, with those of as many terms together."""
        sums = np.flatnonzero(self.of_second)
        if not len(sums):
            return []
        recorded, found = self.recorded, self._terms(sums)
        members = np.unique(self._roots()[sums])
        kinds = _codes([signature.kind for signature in recorded.signatures])[recorded.signature[members]]
        groups = []
        for chosen in _split(np.arange(len(members)), self.depth[members], kinds, on_path[members]):
            counts = found.counts[chosen]
            for same in [chosen] if len(np.unique(counts)) > UNEVEN else _split(chosen, counts):
                signature = recorded.signatures[recorded.signature[members[same[0]]]]
                groups.append(found.group(signature, members[same], same, on_path))
        return groups

    def _terms(self, sums: Indices) -> _Terms:
        """The terms of all sums that no other takes in, in the order in which they are added."""
        terms = self.recorded.operands(sums).T
        signs = np.stack([np.ones_like(sums), self.of_second[sums]], axis=1).astype(np.int8)
        of = np.broadcast_to(self._roots()[sums][:, None], terms.shape)
        is_own = ~self.is_taken_in[terms]
        order = np.argsort(of[is_own], kind="stable")
        _, starts, counts = np.unique(of[is_own][order], return_index=True, return_counts=True)
        return _Terms(terms[is_own][order], signs[is_own][order], starts, counts)

    def _roots(self) -> Indices:
        """For each node what takes it in, and is taken in by nothing."""
        roots = self._into
        while (roots[roots] != roots).any():  # each round doubles how far it looks
            roots = roots[roots]
        return roots


class _Terms(NamedTuple):
    """The terms of all sums in a row, and where those of each sum start."""

    terms: Indices
    signs: ndarray[Any, Any]
    starts: Indices
    counts: Indices

    def group(self, signature: Signature, members: Indices, chosen: Indices, on_path: Any) -> Group:
        """The group of some of the sums."""
        counts = self.counts[chosen]
        at = _ranges(self.starts[chosen], counts)
        terms, signs = self.terms[at], self.signs[at]
        passes = (bool(on_path[members[0]] and on_path[terms].any()),)
        if (counts == counts[0]).all():
            return Group(signature, members, terms.reshape(len(members), -1).T, passes, signs.reshape(len(members), -1).T)
        return Group(signature, members, terms, passes, signs, np.cumsum(counts) - counts)


def _applications(recorded: Recorded, sums: Sums, on_path: Any) -> list[Group]:
    """The groups that are no sums."""
    groups = []
    members = np.flatnonzero((recorded.signature >= 0) & (sums.of_second == 0))
    for same in _split(members, recorded.signature[members]):
        signature = recorded.signatures[recorded.signature[same[0]]]
        operands = recorded.operands(same)
        has_rule = np.array([rule is not None for rule in signature.op.rules_for(len(operands))], bool)[:, None]
        passes = has_rule & on_path[operands] & on_path[same]
        for chosen in _split(np.arange(len(same)), sums.depth[same], *passes):
            passed = tuple(passes[:, chosen[0]].tolist())
            groups.append(Group(signature, same[chosen], operands[:, chosen], passed))
    return groups


def _codes(values: Sequence[Any]) -> ndarray[Any, Any]:
    """A whole number for each value, the same for equal ones."""
    known = {value: i for i, value in enumerate(dict.fromkeys(values))}
    return np.array([known[value] for value in values], np.min_scalar_type(len(known)))


def _split(indices: Indices, *keys: Any) -> list[Indices]:
    """The indices in parts that have the same keys, each in the order in which it was given."""
    if not len(indices):
        return []
    order = np.lexsort(keys[::-1])
    changes = np.zeros(len(indices) - 1, bool)
    for key in keys:
        ordered = key[order]
        changes |= ordered[1:] != ordered[:-1]
    return np.split(indices[order], np.flatnonzero(changes) + 1)


def _ranges(starts: Indices, counts: Indices) -> Indices:
    """The whole numbers from each start on, as many as its count."""
    return np.arange(counts.sum()) + np.repeat(starts - np.cumsum(counts) + counts, counts)
