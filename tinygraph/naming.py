"""The naming of a graph's nodes: first by the user's names, then by those of the code; values of one variable are numbered."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from types import CodeType, FrameType
from typing import Any

from tinygraph.backprop import by_number
from tinygraph.binding import Called, bindings_of, stored
from tinygraph.code_names import CodeName, brought, made
from tinygraph.excerpt import excerpt
from tinygraph.given_names import GivenName, given_names
from tinygraph.leaves import is_bare
from tinygraph.names import Names, identifier
from tinygraph.node import Node

COMPREHENSIONS = {"<listcomp>", "<setcomp>", "<dictcomp>"}  # as Python 3.11 calls the frames that it gives them


def named(outputs: Sequence[Node], nodes: Sequence[Node], given: Mapping[str, Any] | None, frame: FrameType) -> Names:
    """The names of outputs and what they are made of: by the user's mapping, or else by the variables of a frame.

    Leaves without a name are called p_1, p_2, ... or c_1, c_2, ....
    """
    names = Names()
    leaves = [node for node in nodes if node.op is None]
    if given is None:
        _name_as_the_code_does(names, nodes, leaves, *variables_of(frame))
    else:
        _name_as_given(names, nodes, leaves, given, frame.f_code)
    for output in outputs:
        names.invent(output, "output")
    nameless = _unnamed(names, leaves)
    for kind, letter in (("parameter", "p"), ("constant", "c")):
        for i, leaf in enumerate((leaf for leaf in nameless if leaf.kind == kind), 1):
            names.invent(leaf, f"{letter}_{i}")
    return names


def _name_as_given(names: Names, nodes: Sequence[Node], leaves: Sequence[Node], given: Mapping[str, Any], code: CodeType) -> None:
    """By the user's mapping; leaves that are not in it, by the names of the code."""
    spellings = sorted(given_names(given), key=_is_respelled)
    _give_nodes(names, spellings, nodes)
    _give_arrays(names, spellings, leaves)
    rebound = _rebound(names, nodes, code) if names.nodes else {}
    stored = made(leaves, names.of)
    _number(names, stored | _variables(rebound) | brought(_unnamed(names, leaves, stored), nodes))


def _name_as_the_code_does(
    names: Names, nodes: Sequence[Node], leaves: Sequence[Node], variables: Mapping[str, Any], code: CodeType
) -> None:
    """By the variables of the calling frame, then by the names under which the code stores nodes or reads leaves.

    Entries of a list are looked up in the lists of the calling frame first; its bare arrays come last.
    """
    spellings = sorted(given_names(variables), key=_is_respelled)
    _give_nodes(names, [spelling for spelling in spellings if spelling.fallback is None], nodes)
    rebound = _rebound_by_calls(names, nodes, code)
    stored = made(nodes, names.of) | _variables(rebound)
    arrays = {id(spelling.value): spelling.wanted for spelling in spellings}
    nameless = [leaf for leaf in _unnamed(names, leaves, stored) if id(leaf._value) not in arrays]
    coming = {arrays[id(leaf._value)] for leaf in leaves if id(leaf._value) in arrays}
    wanted = stored | brought(nameless, nodes)
    entries = {node: name for node, name in wanted.items() if name.called.kind == "entry"}
    _number(names, {node: name for node, name in wanted.items() if node not in entries} if entries else wanted, coming)
    _give_nodes(names, spellings, nodes)
    _number(names, entries)
    _give_arrays(names, spellings, leaves)


def _is_respelled(one: GivenName) -> bool:
    """Whether a name has to be spelled otherwise: it leaves that spelling to another name that is spelled so."""
    return identifier(one.wanted) != one.wanted


def _unnamed(names: Names, nodes: Iterable[Node], *others: Container[Node]) -> list[Node]:
    """The nodes that have no name and are in none of `others`, which will get one."""
    return [node for node in nodes if node not in names.nodes and not any(node in other for other in others)]


def _give_nodes(names: Names, spellings: Iterable[GivenName], nodes: Collection[Node]) -> None:
    named = [spelling for spelling in spellings if isinstance(spelling.value, Node)]
    known = set(nodes) if named else ()
    for wanted, fallback, value, scope in named:
        if value in known:
            names.give(value, wanted, fallback, scope)


def _give_arrays(names: Names, spellings: Iterable[GivenName], leaves: Sequence[Node]) -> None:
    """Name the leaves of arrays that have no name yet."""
    arrays = {id(leaf._value): leaf for leaf in leaves}
    named_here: set[Node] = set()
    for wanted, fallback, value, scope in spellings:
        leaf = None if isinstance(value, Node) else arrays.get(id(value))
        if leaf is not None and (leaf not in names.nodes or leaf in named_here):
            named_here.add(leaf)
            names.give(leaf, wanted, fallback, scope)


def _rebound(names: Names, nodes: Sequence[Node], code: CodeType) -> dict[Node, str]:
    """The earlier values of a name, made by the same place in the code.

    A sum that a loop of this code built up is part of it where its name got another value after the loop: `J = J / m`.
    """
    bindings = bindings_of(code)
    found: dict[Node, str] = {}
    earlier: dict[Any, list[Node]] = {}
    for node, place in _places(nodes, code):
        name = names.of(node)
        if name is None and (node.code is not code or bindings.repeats(node.instruction)):
            earlier.setdefault(place, []).append(node)
        if name is not None:
            found |= dict.fromkeys(earlier.pop(place, ()), name)
    for unnamed in earlier.values():
        last = unnamed[-1]
        variable = stored(code, last.instruction) if last.op is not None and last.code is code else None
        bound = None if variable is None else names.get(identifier(variable.name))
        name = None if bound is None else names.of(bound)
        if bound is not None and name is not None and bound.code is code and not bindings.repeats(bound.instruction):
            found |= dict.fromkeys(unnamed, name)
    return found


def _rebound_by_calls(names: Names, nodes: Sequence[Node], code: CodeType) -> dict[Node, str]:
    """The earlier values of a variable of this code that other functions made: `h = layer(h)`."""
    bindings = bindings_of(code)
    there = {node.code for node in names.nodes if node.op is not None} - {code}
    rebound = _rebound(names, [node for node in nodes if node.code in there], code) if there else {}
    variables = set(filter(bindings.rebinds, set(rebound.values())))
    return {node: name for node, name in rebound.items() if name in variables}


def _number(names: Names, several: Mapping[Node, CodeName], coming: Container[str] = ()) -> None:
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
        free = identifier(name) not in names and not (name in coming and last.op is None and is_bare(last))
        if free and _keeps_its_name(group, several):
            names.claim(last, name)
        numbered = _unnamed(names, group)
        for count, node in enumerate(numbered, 0 if _start_from_leaf([*numbered, names.get(identifier(name))]) else 1):
            names.claim(node, f"{name}_{count}")


def _variables(names: Mapping[Node, str]) -> dict[Node, CodeName]:
    """The names of earlier values of variables, as names of the code."""
    wanted = {name: CodeName(Called(name, "variable"), None, True) for name in set(names.values())}
    return {node: wanted[name] for node, name in names.items()}


def _keeps_its_name(group: Sequence[Node], several: Mapping[Node, CodeName]) -> bool:
    """Whether the last of a group needs no number: it is alone, or the last value of a variable in one call of a function."""
    if len(group) == 1:
        return several[group[0]].called.kind != "entry"
    spots = Counter(wanted for node in group if not (wanted := several[node]).in_loop)
    return all(several[node].called.kind == "variable" for node in group) and max(spots.values(), default=1) == 1


def _start_from_leaf(values: Sequence[Node | None]) -> bool:
    """Whether the first value of a variable was a leaf and all later values are results of ops; None is a value that is gone."""
    leaves = [node.op is None for node in values if node is not None]
    return leaves[:1] == [True] and len(leaves) > 1 and not any(leaves[1:])


def variables_of(frame: FrameType) -> tuple[Mapping[str, Any], CodeType]:
    """The variables of a frame, and its code; a comprehension has the variables around it too."""
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
