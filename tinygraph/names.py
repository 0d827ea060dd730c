"""What the nodes of one graph are called: the user's names first, then names made from them; each a Python identifier."""

from __future__ import annotations

import ast
import keyword
import re
import unicodedata
from collections import Counter, deque
from collections.abc import Collection, Container, Iterable, Iterator, KeysView, Mapping, Sequence
from types import CodeType, FrameType
from typing import Any, NamedTuple

import numpy as np

from tinygraph.backprop import by_number
from tinygraph.binding import Called, bindings_of, stored
from tinygraph.excerpt import excerpt
from tinygraph.leaves import is_bare
from tinygraph.node import Node
from tinygraph.ops import REGISTRY
from tinygraph.wanted import Wanted, brought, made

HISTORY = {"In", "Out"}  # IPython's own lists of what was typed and shown
RESERVED = {
    "np",
    "len",
    "bool",
    "slice",
    "ARRAY",
    "SHAPES",
    "SPARSE",
    "DTYPES",
    "_check",
    "_check_divisor",
    "_check_loop",
    "_check_size",
    "_decided",
    "_held",
    "hashlib",
    "max",
    "min",
    "range",
    *keyword.kwlist,
}  # what the source of a graph needs for itself
LONGEST = 60  # characters
ARRAYS = (Node, np.ndarray, np.generic)
CONTAINERS = (dict, list, tuple)
NAMED = ARRAYS + CONTAINERS  # what `names` are for; everything else is passed over
COMPREHENSIONS = {"<listcomp>", "<setcomp>", "<dictcomp>"}  # as Python 3.11 calls the frames that it gives them


class Spelling(NamedTuple):
    """A node or array among the user's names: its name, the longer one that it takes where that is gone, and its scope."""

    wanted: str
    fallback: str | None
    value: Any
    scope: tuple[str, ...]


class Names:
    """A name for every node that has one, and the nodes that names and their aliases stand for."""

    def __init__(self, nodes: Sequence[Node], given: Mapping[str, Any] | None, frame: FrameType) -> None:
        self._name: dict[Node, str] = {}
        self._node: dict[str, Node] = {}
        self._counts: dict[str, int] = {}  # how often each name was wanted that was taken
        self.invented: set[Node] = set()  # the nodes whose names are not the user's
        self.scopes: dict[Node, tuple[str, ...]] = {}  # the nested dicts that a named node was found in, outermost first
        self.leaves = [node for node in nodes if node.op is None]
        if given is None:
            self._name_as_the_code_does(nodes, self.leaves, *variables_of(frame))
        else:
            self._name_as_given(nodes, self.leaves, given, frame.f_code)

    def _name_as_given(self, nodes: Sequence[Node], leaves: Sequence[Node], given: Mapping[str, Any], code: CodeType) -> None:
        """By the user's mapping, and leaves that it does not reach as the code calls them."""
        spellings = list(spelled(given))
        self._give_nodes(spellings, nodes)
        self._give_arrays(spellings, leaves)
        rebound = self._rebound(nodes, code) if self._node else {}
        stored = made(leaves, self.of)
        self._number(stored | _variables(rebound) | brought(self._unnamed(leaves, stored), nodes))

    def _name_as_the_code_does(
        self, nodes: Sequence[Node], leaves: Sequence[Node], variables: Mapping[str, Any], code: CodeType
    ) -> None:
        """By the variables of the calling frame, then by what the code stores nodes, or reads leaves, as.

        Entries of a list are looked up in the lists of the calling frame first; its bare arrays come last.
        """
        spellings = list(spelled(variables))
        self._give_nodes([spelling for spelling in spellings if spelling.fallback is None], nodes)
        rebound = self._rebound_by_calls(nodes, code)
        stored = made(nodes, self.of) | _variables(rebound)
        arrays = {id(spelling.value): spelling.wanted for spelling in spellings}
        nameless = [leaf for leaf in self._unnamed(leaves, stored) if id(leaf._value) not in arrays]
        coming = {arrays[id(leaf._value)] for leaf in leaves if id(leaf._value) in arrays}
        wanted = stored | brought(nameless, nodes)
        entries = {node: name for node, name in wanted.items() if name.called.kind == "entry"}
        self._number({node: name for node, name in wanted.items() if node not in entries} if entries else wanted, coming)
        self._give_nodes(spellings, nodes)
        self._number(entries)
        self._give_arrays(spellings, leaves)

    def _unnamed(self, nodes: Iterable[Node], *others: Container[Node]) -> list[Node]:
        """The nodes without a name, and without another that is still to come."""
        return [node for node in nodes if node not in self._name and not any(node in other for other in others)]

    def _give_nodes(self, spellings: Iterable[Spelling], nodes: Collection[Node]) -> None:
        named = [spelling for spelling in spellings if isinstance(spelling.value, Node)]
        known = set(nodes) if named else ()
        for wanted, fallback, value, scope in named:
            if value in known:
                self._give(value, wanted, fallback)
                self._place(value, scope)

    def _give_arrays(self, spellings: Iterable[Spelling], leaves: Sequence[Node]) -> None:
        """An array names a leaf that has no name of its own."""
        arrays = {id(leaf._value): leaf for leaf in leaves}
        named_here: set[Node] = set()
        for wanted, fallback, value, scope in spellings:
            leaf = None if isinstance(value, Node) else arrays.get(id(value))
            if leaf is not None and (leaf not in self._name or leaf in named_here):
                named_here.add(leaf)
                self._give(leaf, wanted, fallback)
                self._place(leaf, scope)

    def __getitem__(self, name: str) -> Node:
        return self._node[name]

    def __contains__(self, name: object) -> bool:
        return name in self._node

    def __iter__(self) -> Iterator[str]:
        return iter(self._node)

    def get(self, name: str) -> Node | None:
        """The node of that name, or None."""
        return self._node.get(name)

    def of(self, node: Node) -> str | None:
        """The node's name, or None."""
        return self._name.get(node)

    @property
    def nodes(self) -> KeysView[Node]:
        """The nodes that have a name."""
        return self._name.keys()

    def translated(self, new: Mapping[Node, Node], named: Iterable[Node] = ()) -> Names:
        """The same names for the nodes that stand for these, and names `t`, `t_2`, ... for those of `named` that have none."""
        letter = temporary(self._node)
        names = Names.__new__(Names)
        names._name = {new[node]: name for node, name in self._name.items() if node in new}
        names._node = {name: new[node] for name, node in self._node.items() if node in new}
        names._counts = {}
        names.invented = {new[node] for node in self.invented if node in new}
        names.scopes = {new[node]: scope for node, scope in self.scopes.items() if node in new}
        for node in named:
            names.invent(node, letter)
        return names

    def invent(self, node: Node, wanted: str) -> None:
        """Name a node that the user gave no name."""
        if node not in self._name:
            self.claim(node, wanted)
            self.invented.add(node)

    def claim(self, node: Node, wanted: str) -> str:
        """Name a node that has no name yet."""
        if node not in self._name:
            name = self.free(wanted)
            self._name[node] = name
            self._node[name] = node
        return self._name[node]

    def free(self, wanted: str) -> str:
        """The wanted name as an identifier, with a number behind it where it is taken."""
        name = wanted = identifier(wanted)
        while name in self._node:
            self._counts[wanted] = count = self._counts.get(wanted, 1) + 1
            name = f"{wanted}_{count}"
        return name

    def _give(self, node: Node, wanted: str, fallback: str | None) -> None:
        """A node's first name is its name; a further one, or the user's own spelling of it, is an alias."""
        taken = fallback is not None and identifier(wanted) in self._node
        name = self.claim(node, fallback if taken and fallback is not None else wanted)
        for alias in (identifier(wanted), wanted):
            if alias != name:
                self._node.setdefault(alias, node)

    def _place(self, node: Node, scope: tuple[str, ...]) -> None:
        if not self.scopes.get(node):
            self.scopes[node] = scope

    def _rebound(self, nodes: Sequence[Node], code: CodeType) -> dict[Node, str]:
        """What a name stood for earlier, made by the same place in the code.

        A sum that a loop of this code built up is part of it where its name got another value after the loop: `J = J / m`.
        """
        bindings = bindings_of(code)
        found: dict[Node, str] = {}
        earlier: dict[Any, list[Node]] = {}
        for node, place in _places(nodes, code):
            name = self._name.get(node)
            if name is None and (node.code is not code or bindings.repeats(node.instruction)):
                earlier.setdefault(place, []).append(node)
            if name is not None:
                found |= dict.fromkeys(earlier.pop(place, ()), name)
        for unnamed in earlier.values():
            last = unnamed[-1]
            variable = stored(code, last.instruction) if last.op is not None and last.code is code else None
            bound = None if variable is None else self._node.get(identifier(variable.name))
            if bound is not None and bound.code is code and not bindings.repeats(bound.instruction):
                found |= dict.fromkeys(unnamed, self._name[bound])
        return found

    def _rebound_by_calls(self, nodes: Sequence[Node], code: CodeType) -> dict[Node, str]:
        """What a variable of this code stood for earlier, made in other functions: `h = layer(h)`."""
        bindings = bindings_of(code)
        there = {node.code for node in self._name if node.op is not None} - {code}
        rebound = self._rebound([node for node in nodes if node.code in there], code) if there else {}
        variables = set(filter(bindings.rebinds, set(rebound.values())))
        return {node: name for node, name in rebound.items() if name in variables}

    def _number(self, several: Mapping[Node, Wanted], coming: Container[str] = ()) -> None:
        """Name nodes as the code does.

        Earlier values of a variable are numbered `h_1`, `h_2` before `h`, and the leaf that it started from is `h_0`. What
        several objects, calls of a function or entries of a list have is numbered from first to last: `W_1`, `W_2`, `W_3`.
        A name that is still to come for a bare array is not taken for another one.
        """
        groups: dict[str, list[Node]] = {}
        for node, wanted in several.items():
            groups.setdefault(wanted.called.name, []).append(node)
        for name, group in groups.items():
            group.sort(key=by_number)
            last = group[-1]
            free = identifier(name) not in self._node and not (name in coming and last.op is None and is_bare(last))
            if free and _keeps_its_name(group, several):
                self.claim(last, name)
            numbered = self._unnamed(group)
            for count, node in enumerate(numbered, 0 if _start_from_leaf([*numbered, self._node.get(identifier(name))]) else 1):
                self.claim(node, f"{name}_{count}")


def _variables(names: Mapping[Node, str]) -> dict[Node, Wanted]:
    """Earlier values of variables as what is wanted for them."""
    wanted = {name: Wanted(Called(name, "variable"), None, True) for name in set(names.values())}
    return {node: wanted[name] for node, name in names.items()}


def _keeps_its_name(group: Sequence[Node], several: Mapping[Node, Wanted]) -> bool:
    """Whether the last of a group needs no number: it is alone, or the last value of a variable in one call of a function."""
    if len(group) == 1:
        return several[group[0]].called.kind != "entry"
    spots = Counter(wanted for node in group if not (wanted := several[node]).in_loop)
    return all(several[node].called.kind == "variable" for node in group) and max(spots.values(), default=1) == 1


def _start_from_leaf(values: Sequence[Node | None]) -> bool:
    """Whether a variable had a leaf first, and from there on what ops made; None is a value that it has no longer."""
    leaves = [node.op is None for node in values if node is not None]
    return leaves[:1] == [True] and len(leaves) > 1 and not any(leaves[1:])


def variables_of(frame: FrameType) -> tuple[Mapping[str, Any], CodeType]:
    """The variables that can be seen in a frame, and its code; those of a comprehension are the ones around it too."""
    found = excerpt(frame.f_code, frame.f_lasti)
    call = found.expression if found is not None else None
    given = [x.id for x in call.args if isinstance(x, ast.Name)] if isinstance(call, ast.Call) else []
    own = frame.f_locals
    variables = {name: own[name] for name in given if name in own} | own  # an output is called as it is given
    while frame.f_code.co_name in COMPREHENSIONS and frame.f_back is not None:  # as from Python 3.12 on
        frame = frame.f_back
        variables = {**frame.f_locals, **variables}
    return variables, frame.f_code


def _places(nodes: Sequence[Node], code: CodeType) -> Iterator[tuple[Node, Any]]:
    """Each node with what must be the same when a loop makes it again: its place, op and metadata; for a leaf, which a helper
    may make for many names, also that it was made where the names are, and as which operand of its reader.
    """
    operand: dict[Node, tuple[Any, int]] = {}
    for node in nodes:
        for i, x in enumerate(node.inputs):
            if isinstance(x, Node) and x.op is None:
                operand.setdefault(x, (node.op, i))
    swept = {(node.code, node.instruction) for node in nodes if node.kind == "seed"}  # each by one backward pass
    for node in nodes:
        if (node.op is not None or node.code is code) and (node.code, node.instruction) not in swept:
            yield node, (node.code, node.instruction, node.op, repr(node.params) if node.params else "", operand.get(node))


def spelled(given: Mapping[str, Any]) -> Iterator[Spelling]:
    """Each array and node among the names.

    Direct names come first. In a dict, `params["W1"]` is W1, else params_W1; `layers[0]` of a list, tuple or dict is layers_0.
    """
    queue: deque[Spelling] = deque(Spelling(str(name), None, x, ()) for name, x in given.items())
    entered = set()
    while queue:
        name, fallback, value, scope = queue.popleft()
        if name.startswith("_") or (fallback is None and name in HISTORY):
            continue
        if isinstance(value, ARRAYS):
            yield Spelling(name, fallback, value, scope)
        elif isinstance(value, CONTAINERS) and id(value) not in entered:
            entered.add(id(value))
            path = fallback or name
            if isinstance(value, dict):
                inner = (*scope, *levels(name))
                queue.extend(
                    Spelling(key if isinstance(key, str) else f"{path}_{key}", f"{path}_{key}", item, inner)
                    for key, item in value.items()
                    if isinstance(item, NAMED)
                )
            else:
                queue.extend(
                    Spelling(f"{path}_{i}", f"{path}_{i}", item, scope) for i, item in enumerate(value) if isinstance(item, NAMED)
                )


def temporary(taken: Iterable[str]) -> str:
    """The letter of values without a name: `t`, or another one beside a `t`, of which `t_2` would read as a part."""
    heads = {re.sub(r"_?\d*$", "", name) for name in taken}
    return next((letter for letter in "tuvsrq" if letter not in heads), "temporary")


def levels(name: str) -> tuple[str, ...]:
    """The scopes that the name of a dict stands for, without what cannot be printed: a path reads as nested dicts do.

    >>> levels("encoder"), levels("encoder/layer 1"), levels(""), levels("/ /")
    (('encoder',), ('encoder', 'layer 1'), (), ())
    """
    readable = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)
    return tuple(level for level in readable.split("/") if not level.isspace() and level)


def identifier(name: str) -> str:
    """The name as a Python identifier of bearable length that hides neither a keyword, nor `np`, nor an op.

    >>> identifier("lambda"), identifier("layer 1/w"), identifier("exp"), identifier("2x")
    ('lambda_', 'layer_1_w', 'exp_', '_2x')
    """
    name = unicodedata.normalize("NFKC", name)  # as Python reads it
    if not name.isidentifier():
        name = re.sub(r"\W", "_", name)
        name = name if name.isidentifier() else f"_{name}"
    name = name[:LONGEST]
    return f"{name}_" if name in RESERVED or name in REGISTRY else name
