"""Scalars one after the other: a function for every few hundred statements, the same one wherever the statements are the same.

What a loop recorded is a few functions, called again and again, however often the loop ran. So they call values by where they
come from: `t` from a statement of their own, `a` from another function, `c` from constants, which each call has of its own.
"""

from __future__ import annotations

import copy
from array import array
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

from tinygraph.compiler.executors import Executor
from tinygraph.compiler.ready import ShapeOf, constant_of
from tinygraph.compiler.script import Number, Places, Script, Written, is_plain
from tinygraph.decisions import NUMBERS
from tinygraph.node import Node
from tinygraph.program.value import exact_metadata
from tinygraph.wording import counted

STATEMENTS = 420  # of one function; loops of up to 7 statements, and many longer ones, start anew behind so many
SMALL = 10  # whole numbers below stand in the text; others are constants, as each round of a loop may have its own

Kept: TypeAlias = "Node | Number"  # a value that does not depend on the arguments


class Lines:
    """All at once, of scalars: `scripts` has the function of each call, in order."""

    strategy = "whole"

    def __init__(
        self, names: Callable[[Node], str], nodes: Sequence[Node], arguments: Sequence[Node], targets: Sequence[Node]
    ) -> None:
        self.names, self.arguments = names, arguments
        codes = _Codes()
        made: dict[Node, _Stretch | None] = dict.fromkeys(arguments)
        stretches = [_Stretch(nodes[i : i + STATEMENTS], codes, made) for i in range(0, len(nodes), STATEMENTS)]
        for x in targets:
            stretch = made.get(x)
            if stretch is not None:
                stretch.needed.add(x)
        self.fixed = [x for x in dict.fromkeys(targets) if x not in made]
        place = {x: i for i, x in enumerate([*arguments, *self.fixed])}
        known: dict[Hashable, Script] = {}
        self.calls = [stretch.call(place, known, codes.places) for stretch in stretches]
        self.scripts = [call.script for call in self.calls]
        self.returned = [place[x] for x in targets]

    def prepared(self, shape: ShapeOf, values: Mapping[Node, Any]) -> PreparedLines:
        """For the arguments, which have no shapes but ()."""
        return PreparedLines(self, shape, values)

    @property
    def source(self) -> str:
        """The functions, and how they are called."""
        return "\n\n\n".join([*dict.fromkeys(script.text for script in self.scripts), "\n".join(self._calls())])

    def _calls(self) -> Iterator[str]:
        yield f"def step({', '.join(map(self.names, self.arguments))}):"
        yield f"    v = [{', '.join(map(self.names, [*self.arguments, *self.fixed]))}]"
        for script, places, kept in self.calls:
            constants = "".join(f"{self.names(x) if isinstance(x, Node) else x.text}, " for x in kept)
            yield f"    v += {script.name}({''.join(f'{x}, ' for x in _read(places))}({constants.strip()}), ())"
        yield f"    return {', '.join(_read(self.returned))},"


class Call(NamedTuple):
    """A call of a function: which of the values so far it is given, and its constants."""

    script: Script
    places: Sequence[int]
    kept: Sequence[Kept]


class PreparedLines:
    """The calls of `Lines` with their constants."""

    bytes = 0

    def __init__(self, lines: Lines, shape: ShapeOf, values: Mapping[Node, Any]) -> None:
        self.executor: Executor = lines
        functions = len({id(script) for script in lines.scripts})
        self.why = f"scalars one after the other, in {counted(len(lines.calls), 'call')} of {counted(functions, 'function')}"
        self._fixed = [values[x] for x in lines.fixed]
        self._calls = [_ready(call, shape, values) for call in lines.calls]
        self._returned = lines.returned

    def run(self, *arguments: Any) -> tuple[Any, ...]:
        """The values of the targets."""
        values = [*arguments, *self._fixed]
        for function, read, constants in self._calls:
            values += function(*read(values), constants, ())
        return tuple([values[i] for i in self._returned])

    def timed(self, spent: Sequence[list[float]]) -> PreparedLines:
        """The same with scripts that add the seconds that each of their lines takes to `spent`."""
        timed = copy.copy(self)
        scripts = self.executor.scripts
        timed._calls = [
            (script.timed(own), read, constants)
            for script, own, (_, read, constants) in zip(scripts, spent, self._calls, strict=True)
        ]
        return timed


class _Stretch:
    """Statements in a row that are one function. `inputs` are the values that they read of other stretches, and arguments.
    `needed` are those that others read.

    `made` has the stretch of each value so far, and no stretch for an argument. Stretches of one `key` that return the values of
    the same statements are the same function.
    """

    def __init__(self, nodes: Sequence[Node], codes: _Codes, made: dict[Node, _Stretch | None]) -> None:
        self.nodes = nodes
        self.inputs: list[Node] = []
        self.kept: list[Kept] = []
        self.needed: set[Node] = set()
        self.key = array("i")
        local: dict[Any, int] = {x: i for i, x in enumerate(nodes)}
        append = self.key.append
        for node in nodes:
            append(codes.of_op(node))
            op = node.op
            assert op is not None
            shape_only = True in op.reads_shape
            for i, x in enumerate(node.inputs):
                what, code = x, None
                if type(x) in NUMBERS:
                    what = Number(x, repr(x))
                    code = codes.of(what) if type(x) is not float and abs(x) < SMALL else None
                elif shape_only and op.reads_shape_at(i):
                    code = codes.of(x.dtype)
                if code is None:
                    code = local.get(what)
                if code is None:
                    code = local[what] = self._outside(what, made)
                append(code)
        made.update(dict.fromkeys(nodes, self))

    def _outside(self, x: Kept, made: Mapping[Node, _Stretch | None]) -> int:
        """The code of what is read from outside."""
        if isinstance(x, Number) or x not in made:
            self.kept.append(x)
            return -2 * len(self.kept)  # `_Codes` has the odd ones
        self.inputs.append(x)
        stretch = made[x]
        if stretch is not None:
            stretch.needed.add(x)
        return len(self.nodes) + len(self.inputs)

    def call(self, place: dict[Node, int], known: dict[Hashable, Script], places: Places) -> Call:
        """The call of the function, which is in `known` from then on; so are the places of its values in `place`."""
        inputs = tuple([place[x] for x in self.inputs])
        outputs = [(i, x) for i, x in enumerate(self.nodes) if x in self.needed]
        key = self.key.tobytes(), tuple([i for i, _ in outputs])
        for _, x in outputs:
            place[x] = len(place)
        if key not in known:
            names = {x: f"a{i}" for i, x in enumerate(self.inputs)} | {x: f"t{i}" for i, x in enumerate(self.nodes)}
            returned = [x for _, x in outputs]
            inside = self._inside(places)
            written = Written(self.nodes, self.inputs, returned, names.__getitem__, id, kept=self.kept, inside=inside)
            known[key] = Script(f"lines{len(known)}", written, places)
        return Call(known[key], inputs, self.kept)

    def _inside(self, places: Places) -> set[Node]:
        """The values that one op alone reads, on the same line of the user's: they stand in its expression."""
        readers: dict[Any, Node | None] = {}
        for node in self.nodes:
            for x in node.inputs:
                if type(x) not in NUMBERS:
                    readers[x] = None if x in readers else node
        found = set()
        for x in self.nodes:
            reader = readers.get(x)
            if reader is None or x in self.needed or places.of(x)[:2] != places.of(reader)[:2]:
                continue
            if all(node.op is not None and is_plain(node.op) for node in (x, reader)):
                found.add(x)
        return found


class _Codes:
    """Whole numbers for what statements consist of, the same where the text is the same."""

    def __init__(self) -> None:
        self.places = Places()
        self._codes: dict[Hashable, int] = {}
        self._plain: dict[Hashable, int] = {}

    def of_op(self, node: Node) -> int:
        """The code of an op with its metadata, on one line of the user's."""
        if node.params:
            return self.of((node.op, self.places.of(node), len(node.inputs), exact_metadata(node.params)))
        key = node.op, id(node.code), node.instruction, len(node.inputs)
        if key not in self._plain:
            self._plain[key] = self.of((node.op, self.places.of(node), len(node.inputs)))
        return self._plain[key]

    def of(self, key: Hashable) -> int:
        """The code of something else."""
        return self._codes.setdefault(key, -1 - 2 * len(self._codes))


def _ready(call: Call, shape: ShapeOf, values: Mapping[Node, Any]) -> Any:
    """The function of a call, what reads its arguments, and its constants."""
    script, places, kept = call
    constants = [*kept, *list(script.constants)[len(kept) :]]
    read = itemgetter(*places) if len(places) > 1 else lambda known: [known[i] for i in places]
    return script.function, read, tuple([constant_of(x, shape, values) for x in constants])


def _read(places: Sequence[int]) -> Iterator[str]:
    """How source reads some of the values, three or more in a row, up or down, as a slice."""
    start = 0
    while start < len(places):
        first, stop = places[start], start + 1
        step = -1 if stop < len(places) and places[stop] < first else 1
        while stop < len(places) and places[stop] == first + step * (stop - start):
            stop += 1
        end = first + step * (stop - start)
        if stop - start < 3:
            yield from (f"v[{i}]" for i in places[start:stop])
        else:
            yield f"*v[{first}:{end}]" if step > 0 else f"*v[{first}:{end if end >= 0 else ''}:-1]"
        start = stop
