"""Which scalar nodes are computed together: those of one depth, one op and one set of metadata; nested sums are one sum of all terms.

A node is known by its place in the list of nodes, a Python number that an op reads by a place behind them.
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

Places: TypeAlias = ndarray[Any, np.dtype[np.intp]]
Kind: TypeAlias = type[Any]  # of a value: the class of a NumPy scalar, or of a Python number

UNEVEN = 4  # numbers of terms at one depth from which sums are computed together whatever their number of terms
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
    """Nodes that are computed together. `operands` has a row for each position, or for each term of sums."""

    signature: Signature
    members: Places
    operands: Places
    passes: tuple[bool, ...]  # whether the gradient passes to an operand of the op; of a sum, to any term
    signs: ndarray[Any, Any] | None = None  # of the terms of sums, in the shape of `operands`
    starts: Places | None = None  # of each sum among its terms, where the sums have different numbers of terms

    @property
    def is_sum(self) -> bool:
        """Whether each member is the sum of its operands."""
        return self.signs is not None


class Recorded:
    """Scalar nodes as arrays: the signature of each, and the places of its operands."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.nodes = nodes
        self.place = place = {node: i for i, node in enumerate(nodes)}
        inputs = [x for node in nodes for x in node.inputs]
        types = [*map(type, inputs)]
        self.numbers: list[float] = [x for x, kind in zip(inputs, types, strict=True) if kind in NUMBERS]
        behind = itertools.count(len(nodes))
        flat = [next(behind) if kind in NUMBERS else place[x] for x, kind in zip(inputs, types, strict=True)]
        self.flat = np.array(flat, np.intp)
        self.arities = np.array([len(node.inputs) for node in nodes], np.intp)
        self.starts = np.cumsum(self.arities) - self.arities
        self.kinds: list[Kind] = [*map(type, [*[node._value for node in nodes], *self.numbers])]
        if ndarray in self.kinds:
            self.kinds[: len(nodes)] = [kind_of(node._value) for node in nodes]
        self.signatures: list[Signature] = []
        self.signature = np.full(len(nodes), -1)
        self._sign()

    def _sign(self) -> None:
        """Give each node but the leaves its signature."""
        ops, kinds = _codes([node.op for node in self.nodes]), _codes(self.kinds)
        for same in _split(np.arange(len(self.nodes)), self.arities):
            if not self.arities[same[0]]:
                continue
            for alike in _split(same, ops[same], kinds[same], *kinds[self.operands(same)]):
                for members in self._by_metadata(alike):
                    self.signature[members] = len(self.signatures)
                    self.signatures.append(self._signature(members[0]))

    def _by_metadata(self, members: Places) -> list[Places]:
        """Nodes of one op and like operands in parts with the same metadata, and with the same numbers where those matter."""
        op = self.nodes[members[0]].op
        assert op is not None
        kinds = [self.kinds[place] for place in self.operands(members[:1])[:, 0]]
        numbers_matter = not NUMBERS.isdisjoint(kinds) and not may_differ(op, kinds)
        if not op.defaults and not numbers_matter:
            return [members]
        keys: list[Any] = []
        for node in [self.nodes[i] for i in members.tolist()]:
            keys.append((hashable(node.params), repr([x for x in node.inputs if type(x) in NUMBERS]) if numbers_matter else ""))
        return _split(members, _codes(keys))

    def _signature(self, member: int) -> Signature:
        node, kind = self.nodes[member], self.kinds[member]
        assert node.op is not None
        kinds = tuple(self.kinds[place] for place in self.operands(np.array([member]))[:, 0])
        return Signature(node.op, kind, kinds, node.params, sign_of_second(node.op, kind, kinds))

    def value(self, place: int) -> Any:
        """The recorded value of a node, or a Python number."""
        return self.nodes[place]._value if place < len(self.nodes) else self.numbers[place - len(self.nodes)]

    def operands(self, members: Places) -> Places:
        """The places of the operands of some nodes of the same arity: a row for each position."""
        return self.flat[self.starts[members] + np.arange(self.arities[members[0]])[:, None]]


def kind_of(value: Any) -> Kind:
    """The class of NumPy scalars of a value of shape ()."""
    return value.dtype.type if type(value) is ndarray else type(value)


def _codes(values: Sequence[Any]) -> ndarray[Any, Any]:
    """A whole number for each value, the same for equal ones."""
    known: dict[Any, int] = {value: i for i, value in enumerate(dict.fromkeys(values))}
    return np.array([known[value] for value in values], np.min_scalar_type(len(known)))


def may_differ(op: Op, kinds: Collection[Kind]) -> bool:
    """Whether an op computes the same with an array of different numbers in place of a Python number.

    An exponent is read as the number that it is, and so may any operand of a user's op. Integers take a Python number that their
    dtype has no place for, as in `x < 300`.
    """
    return op.built_in and op.name != "power" and any(issubclass(kind, np.floating) for kind in kinds)


def sign_of_second(op: Op, kind: Kind, kinds: tuple[Kind, ...]) -> int:
    """The sign of the second term where the result is a sum in one dtype of floats; else 0."""
    sign = {np.add: 1, np.subtract: -1}.get(op.numpy, 0) if op.built_in else 0
    return sign if issubclass(kind, np.floating) and set(kinds) <= {kind, *NUMBERS} else 0


def hashable(params: dict[str, Any]) -> Any:
    """Metadata as a key; what cannot be one is the same as itself alone."""
    found = tuple(sorted(params.items()))
    try:
        hash(found)
    except TypeError:
        return id(params)
    return found


class Grouping:
    """The groups of a graph, in an order in which they can be computed, and where each value is first read.

    The gradient passes along `path`; `outputs` are no terms of other sums.
    """

    def __init__(self, recorded: Recorded, path: Collection[Node], outputs: Collection[Node]) -> None:
        count = len(recorded.nodes) + len(recorded.numbers)
        self.uses = np.bincount(recorded.flat, minlength=count)
        self.uses[[recorded.place[node] for node in outputs]] += 1
        sums = _Sums(recorded, self.uses)
        self.on_path = on_path = np.zeros(count, bool)
        on_path[[recorded.place[node] for node in path]] = True
        self.groups = [*_applications(recorded, sums, on_path), *sums.groups(on_path)]
        self.groups.sort(key=lambda group: sums.depth[group.members[0]])
        self.first_read = _arrange(self.groups, count)


class _Sums:
    """The sums among the nodes, and how many groups come before each node.

    Where a sum is the running total of another one, and nothing else reads it, both are one sum. Terms that are sums themselves
    stay so: in `total + (z - y * z)` what cancels has to cancel first.
    """

    def __init__(self, recorded: Recorded, uses: Places) -> None:
        self.recorded = recorded
        signs = np.array([signature.sign for signature in recorded.signatures] + [0])
        self.of_second = signs[recorded.signature]  # a leaf has -1 as its signature, which is the last
        self.is_sum = self.of_second != 0
        count = len(uses)
        into, depth, length = list(range(count)), [0] * count, [0] * count
        flat, at = recorded.flat.tolist(), 0
        once = (uses == 1).tolist()
        for i, (arity, sign) in enumerate(zip(recorded.arities.tolist(), self.of_second.tolist(), strict=True)):
            if arity == 2:
                x, y = flat[at], flat[at + 1]
                before, after = depth[x] + 1, depth[y] + 1
                if sign:
                    total = y if sign > 0 and length[y] > length[x] else x
                    if length[total]:
                        into[total] = i
                        before, after = (before - 1, after) if total == x else (before, after - 1)
                    length[i] = (length[total] + 1) * once[i]  # 0 for what no other sum takes in
                depth[i] = before if before > after else after
            elif arity:
                depth[i] = max([depth[place] for place in flat[at : at + arity]]) + 1
            at += arity
        self.depth, self.into = np.array(depth, np.intp), np.array(into, np.intp)

    def groups(self, on_path: Any) -> list[Group]:
        """The sums that no other takes in, with those of as many terms together."""
        recorded = self.recorded
        sums = np.flatnonzero(self.is_sum)
        if not len(sums):
            return []
        roots, taken_in = self._roots(), self.into != np.arange(len(self.into))
        terms = recorded.operands(sums).T
        signs = np.stack([np.ones(len(sums), np.int8), self.of_second[sums].astype(np.int8)], axis=1)
        of = np.broadcast_to(roots[sums][:, None], terms.shape)
        kept = ~taken_in[terms]
        terms, signs, of = terms[kept], signs[kept], of[kept]
        order = np.argsort(of, kind="stable")
        members, starts, counts = np.unique(of[order], return_index=True, return_counts=True)
        all_sums = _Terms(terms[order], signs[order], starts, counts)
        kinds = np.array([np.dtype(signature.kind).num for signature in recorded.signatures])[recorded.signature[members]]
        groups = []
        for chosen in _split(np.arange(len(members)), self.depth[members], kinds, on_path[members]):
            several = [chosen] if len(np.unique(counts[chosen])) > UNEVEN else _split(chosen, counts[chosen])
            for same in several:
                signature = recorded.signatures[recorded.signature[members[same[0]]]]
                groups.append(all_sums.group(signature, members[same], same, on_path))
        return groups

    def _roots(self) -> Places:
        """For each node the sum that takes it in, and is taken in by none."""
        roots = self.into
        while (roots[roots] != roots).any():  # each round doubles how far it looks
            roots = roots[roots]
        return roots


class _Terms(NamedTuple):
    """The terms of all sums in a row, and where those of each sum start."""

    places: Places
    signs: ndarray[Any, Any]
    starts: Places
    counts: Places

    def group(self, signature: Signature, members: Places, chosen: Places, on_path: Any) -> Group:
        """The group of some of the sums: a row of `operands` has one term of each sum, if all have as many."""
        counts = self.counts[chosen]
        at = _ranges(self.starts[chosen], counts)
        places, signs, starts = self.places[at], self.signs[at], np.cumsum(counts) - counts
        passes = (bool(on_path[members[0]] and on_path[places].any()),)
        if (counts == counts[0]).all():
            return Group(signature, members, places.reshape(len(members), -1).T, passes, signs.reshape(len(members), -1).T)
        return Group(signature, members, places, passes, signs, starts)


def _applications(recorded: Recorded, sums: _Sums, on_path: Any) -> list[Group]:
    """The groups that are no sums."""
    groups = []
    members = np.flatnonzero((recorded.signature >= 0) & ~sums.is_sum)
    for same in _split(members, recorded.signature[members]):
        signature = recorded.signatures[recorded.signature[same[0]]]
        operands = recorded.operands(same)
        has_rule = np.array([rule is not None for rule in signature.op.rules_for(len(operands))], bool)[:, None]
        passes = has_rule & on_path[operands] & on_path[same]
        for chosen in _split(np.arange(len(same)), sums.depth[same], *passes):
            passed = tuple(passes[:, chosen[0]].tolist())
            groups.append(Group(signature, same[chosen], operands[:, chosen], passed))
    return groups


def _split(places: Places, *keys: Any) -> list[Places]:
    """The places in parts that have the same keys, each in the order in which it was given."""
    if not len(places):
        return []
    order = np.lexsort(keys[::-1])
    changes = np.zeros(len(places) - 1, bool)
    for key in keys:
        ordered = key[order]
        changes |= ordered[1:] != ordered[:-1]
    return np.split(places[order], np.flatnonzero(changes) + 1)


def _ranges(starts: Places, counts: Places) -> Places:
    """The numbers start, start + 1, ... of each start, as many as its count."""
    own = np.cumsum(counts) - counts
    return np.arange(counts.sum()) + np.repeat(starts - own, counts)


def _arrange(groups: Sequence[Group], count: int) -> Places:
    """Bring the members of each group into the order in which they are read, so that many are read as slices.

    Returns how early each value is read, NEVER included.
    """
    first_read, read = np.full(count, NEVER), 0
    for group in reversed(groups):
        order = np.argsort(first_read[group.members], kind="stable")
        group.members = group.members[order]
        if group.starts is None:
            group.operands = group.operands[:, order]
            group.signs = None if group.signs is None else group.signs[:, order]
        else:
            _arrange_uneven(group, order)
        flat = group.operands.ravel()
        flat = flat[first_read[flat] == NEVER]
        first_read[flat[::-1]] = np.arange(read + len(flat), read, -1)
        read += len(flat)
    return first_read


def _arrange_uneven(group: Group, order: Places) -> None:
    """Bring sums of different numbers of terms into an order."""
    assert group.starts is not None and group.signs is not None
    counts = np.diff(group.starts, append=len(group.operands))[order]
    at = _ranges(group.starts[order], counts)
    group.operands, group.signs, group.starts = group.operands[at], group.signs[at], np.cumsum(counts) - counts
