"""A Graph: an ordered, named view of the nodes behind an output, to which `backprop` adds the gradient nodes."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial, wraps
from threading import RLock
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any, Concatenate, Literal, NamedTuple, NoReturn, ParamSpec, TypeVar

from tinygraph.backprop import Path, Retraced, between, by_number, check_wrt, independent, reached, seed_for, sweep
from tinygraph.decisions import check_decisions, same_bits
from tinygraph.errors import NonFiniteError, meant
from tinygraph.names import Names
from tinygraph.node import NUMBERING, Leaf, Node, Recorded, constant, missing_attribute, summary, with_value
from tinygraph.ops import alias, rerun
from tinygraph.place import user_frame, variables
from tinygraph.written import entries_of

if TYPE_CHECKING:
    from tinygraph.draw.picture import Picture
    from tinygraph.draw.view import View
    from tinygraph.express.latex import Latex
    from tinygraph.express.program import Level, Program, Statement
    from tinygraph.stepping.quiz import Quiz
    from tinygraph.stepping.stepper import Stepper


Given = ParamSpec("Given")
Result = TypeVar("Result")


def locked(method: Callable[Concatenate[Graph, Given], Result]) -> Callable[Concatenate[Graph, Given], Result]:
    """A method that one thread at a time runs on one graph."""

    @wraps(method)
    def run(graph: Graph, /, *arguments: Given.args, **keywords: Given.kwargs) -> Result:
        with graph._lock:
            return method(graph, *arguments, **keywords)

    return run


class Request(NamedTuple):
    """One output whose gradients were computed: its own gradient, whether that is 1, and all gradients in order."""

    output: Node
    seed: Node
    unit: bool
    gradients: dict[Node, Node]


def partial_graph(nodes: Sequence[Node], names: Mapping[str, Any]) -> Graph:
    """The graph up to where something went wrong, which can be walked forward."""
    graph = Graph(*nodes, names=names)
    graph._is_partial = True
    return graph


class Gradients(Mapping[str, Node]):
    """Gradient nodes by what they belong to: `grads[w1]`, `grads["w1"]` and `grads["dw1"]` are the same node.

    As a mapping it goes from the names of the values to their gradient nodes, in order of the backward pass.
    """

    def __init__(self, nodes: dict[Node, Node], names: Names) -> None:
        self._nodes = nodes
        self._names = names
        self._of = {names.of(node) or names.of(g) or "": g for node, g in nodes.items()}

    def __getitem__(self, key: str | Node) -> Node:
        found = self._find(key)
        if found is None:
            there = ", ".join(f"{name} ({self._names.of(g)})" for name, g in self._of.items())
            raise KeyError(f"no gradient for {key!r}: there are {there}; ask for more by backprop(wrt=[...])")
        return found

    def _find(self, key: object) -> Node | None:
        """By the node, by any of its names, by the gradient's own name, or by `d` and a name."""
        if isinstance(key, Node):
            return self._nodes.get(key)
        if not isinstance(key, str):
            return None
        node = self._names.get(key)
        if node is not None and node in self._nodes:
            return self._nodes[node]
        own = next((g for g in self._of.values() if g is node), None)
        return self._of.get(key[1:]) if own is None and key.startswith("d") else own

    def __iter__(self) -> Iterator[str]:
        return iter(self._of)

    def __len__(self) -> int:
        return len(self._nodes)

    def __contains__(self, key: object) -> bool:
        return self._find(key) is not None

    def __getstate__(self) -> Any:
        from tinygraph.pickling import pack

        return pack(self)

    def __setstate__(self, state: Any) -> None:
        from tinygraph.pickling import unpack

        unpack(self, state)

    def __repr__(self) -> str:
        rows = [f"  {self._names.of(g)} = {summary(g._value).lstrip(' :')}" for g in self._nodes.values()]
        return "\n".join(["<gradients", *rows]) + ">"


def _numbers(names: Mapping[str, Any], frame: FrameType) -> dict[str, Any]:
    """The plain numbers among the names, and among the variables of the frame."""
    found = {**variables(frame, {*frame.f_globals, *_names_in(frame.f_code)}), **names}
    return {name: value for name, value in found.items() if type(value) in (int, float)}


def _names_in(code: CodeType) -> tuple[str, ...]:
    return code.co_names + code.co_varnames + code.co_cellvars + code.co_freevars


class Graph:
    """The nodes that one or more outputs depend on, in order and by name; after `backprop` also their gradients.

    Nodes get the names of the user's variables. `names` gives other names: a dict of nodes and arrays, such as `locals()`, where
    dicts, lists and tuples may be nested and other objects are ignored. `graph["z"]` is a node by name, `graph.nodes` all of
    them, `graph.name(node)` a node's name.

    With `check_finite` a NaN or infinity among the values, and later among the gradients, raises NonFiniteError, whose `graph`
    leads up to it.

    >>> w, x = tg.parameter(3.0), tg.constant(2.0)
    >>> L = w * x
    >>> graph = tg.Graph(L)
    >>> graph.backprop()["w"].value
    np.float64(2.0)
    >>> graph
    Graph of L: 2 leaves, 1 statement forward, 2 backward
    leaves
      w parameter             3.000
      x constant              2.000
    forward
      L = w * x               6.000
    backward
      dL = 1                  1.000
      dw = x                  2.000
    """

    def __init__(self, *outputs: Recorded, names: Mapping[str, Any] | None = None, check_finite: bool = False) -> None:
        if not outputs:
            raise TypeError("a graph needs an output: tg.Graph(L)")
        for output in outputs:
            if not isinstance(output, Node):
                raise TypeError(
                    f"a graph is drawn from nodes, not {type(output).__name__}: no tg.parameter went into it, or a decision such "
                    "as max(0, z) chose a plain number, where np.maximum(0, z) records"
                )
        if names is not None and not isinstance(names, Mapping):
            raise TypeError(f"names must map names to nodes, as locals() does, not be a {type(names).__name__}")
        self.outputs = outputs
        self._forward = reached(outputs)
        self._known = set(self._forward)
        frame = user_frame(sys._getframe(1))
        self._names = Names(self._forward, names, frame)
        self._recorded_until = next(NUMBERING)  # decisions made later have no part in these values
        self._numbers = _numbers(names or {}, frame)
        self._gradients: dict[tuple[Node, Any], dict[Node, Node]] = {}
        self._asked: tuple[Node, Any] | None = None  # which of these backprop was asked for last
        for output in outputs:
            self._names.invent(output, "output")
        leaves = [node for node in self._names.leaves if self._names.of(node) is None]
        for kind, letter in (("parameter", "p"), ("constant", "c")):
            for i, node in enumerate((node for node in leaves if node.kind == kind), 1):
                self._names.invent(node, f"{letter}_{i}")
        self._start()
        self._is_partial = False  # whether it ends where an op failed, so that there is no backward pass
        self.check_finite = check_finite
        if check_finite:
            self._refuse_nonfinite({name: self._names[name] for name in self._names} if names is None else names)

    def _start(self) -> None:
        """What no copy shares: the programs that printers read, and the lock of whatever is added later."""
        self._programs: dict[Any, Program] = {}  # kept until more gradients are asked for
        self._sweeps: list[Retraced] = []  # what recorded the gradients
        self._lock = RLock()

    def _refuse_nonfinite(self, names: Mapping[str, Any]) -> None:
        from tinygraph.check import find_nonfinite

        found = find_nonfinite(self)
        if found is not None:
            known = found.node in self._known
            raise NonFiniteError(f"{found}", partial_graph([found.node], names) if known and names else self)

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All nodes: the forward ones in order of creation, then the gradient nodes so far."""
        return (*self._forward, *self._backward)

    @property
    def forward(self) -> tuple[Node, ...]:
        """The nodes behind the outputs, leaves included, in order of creation."""
        return tuple(self._forward)

    @property
    def names(self) -> tuple[str, ...]:
        """All names, aliases included."""
        return tuple(self._names)

    @property
    def _gradient_count(self) -> int:
        """How many gradients `backprop` recorded so far."""
        return sum(map(len, self._gradients.values()))

    def _requests(self) -> list[Request]:
        """What `backprop` was asked for so far."""
        return [self._request(key) for key in self._gradients]

    @property
    def _latest_request(self) -> Request | None:
        """What `backprop` was asked for last, be it for the first time or again."""
        return None if self._asked is None else self._request(self._asked)

    def _request(self, key: tuple[Node, Any]) -> Request:
        output, known = key[0], self._gradients[key]
        seed = known[output]
        unit = seed.op is None and seed.shape == () and seed.item() == 1
        ordered = self._backward_order(sorted(known, key=by_number))
        return Request(output, seed, unit, {node: known[node] for node in ordered})

    def without_gradient(self) -> list[Node]:
        """The parameters, and the named values computed from them, that get no gradient.

        The output depends on them only through comparisons, `tg.stop_gradient` and other ops without a gradient.
        """
        request = self._latest_request
        if request is None:
            return []
        parameters = [node for node in self._forward if node.kind == "parameter"]
        path = self._between(request.output, parameters)
        made = set(parameters)
        for node in self._forward:
            if not made.isdisjoint(node.inputs):
                made.add(node)
        return [
            node
            for node in reached([request.output])
            if node in made and node not in path and node.dtype.kind == "f" and (node.op is None or self._is_named_by_user(node))
        ]

    def _numbers_read(self) -> dict[str, Any]:
        """The plain numbers that the code which made the nodes may have written by name, as the graph was made."""
        codes = {id(node.code): node.code for node in self._forward}.values()
        read = {name for code in codes if isinstance(code, CodeType) for name in _names_in(code)}
        return {name: value for name, value in self._numbers.items() if name in read}

    def _scopes(self) -> dict[Node, tuple[str, ...]]:
        """The nested dicts of `names` that a node was found in, outermost first."""
        return self._names.scopes

    @locked
    def _with_named(self, nodes: Iterable[Node]) -> Graph:
        """The same graph and the same gradients asked for, with names `t`, `t_2`, ... for those of the nodes that have none."""
        return self._twin(self._names.translated({node: node for node in self._forward}, nodes), {})

    @locked
    def with_leaves(self, values: Mapping[Node, Any] | Mapping[str, Any]) -> Graph:
        """The same computation on other values of some leaves, given by node or name; with the same gradients.

        Raises ValueError for a value of another shape, and where Python would have decided otherwise on these values (an `if`, a
        loop's end); TypeError for a value that is no real number.
        """
        given = {self[node] if isinstance(node, str) else node: value for node, value in values.items()}
        leaves = [node for node in self._forward if isinstance(node, Leaf)]
        for node in given.keys() - set(leaves):
            raise ValueError(f"{node!r} is no leaf of this graph, and only leaves are given other values")
        new: dict[Node, Node] = {leaf: with_value(leaf, given[leaf]) for leaf in leaves if leaf in given}
        new |= entries_of(new, leaves)
        self._check_beside(new, leaves)
        check_decisions({leaf: new.get(leaf, leaf)._value for leaf in leaves}, self._recorded_until)
        for node in self._forward:
            if node.op is None:
                new.setdefault(node, node)
            else:
                new[node] = rerun(node, [new[x] if isinstance(x, Node) else x for x in node.inputs])
        return self._twin(self._names.translated(new), new)

    def _check_beside(self, new: Mapping[Node, Node], leaves: Sequence[Leaf]) -> None:
        """Raise an error for a new value of an array from which another leaf was computed without recording."""
        changed = {id(old._value): old for old, leaf in new.items() if not same_bits(old._value, leaf._value)}
        for leaf in leaves if changed else ():
            if leaf not in new:
                old = next((changed[id(x)] for ref in leaf.beside if id(x := ref()) in changed), None)
                if old is not None:
                    name, of = self.name(leaf), self.name(old)
                    raise ValueError(
                        f"{name} was computed of {of} by code that the graph cannot follow, so that it would keep its old value\n"
                        f"  at {leaf.place}\n  fix: give {name} a value too, or make {of} a node first: {of} = tg.constant({of})"
                    )

    def _twin(self, names: Names, new: Mapping[Node, Node]) -> Graph:
        """The graph of the nodes that stand for this one's, which has their gradients recorded too."""
        twin = Graph.__new__(Graph)
        twin.outputs = tuple(new.get(node, node) for node in self.outputs)
        twin._forward = [new.get(node, node) for node in self._forward]
        twin._known = set(twin._forward)
        twin._names = names
        twin._recorded_until = self._recorded_until
        twin._gradients, twin._numbers = {}, self._numbers
        twin._is_partial, twin.check_finite = self._is_partial, False
        twin._start()
        stands_for = dict(new)  # gradients too, which a later request may have been about
        for (output, spelling), known in self._gradients.items():
            found: dict[Node, Node] = {}
            own = stands_for.get(output, output)
            twin._gradients[own, spelling] = found
            asked = {node: stands_for.get(node, node) for node in known}
            twin._record(own, list(asked.values()), stands_for.get(known[output], known[output]), found)
            stands_for |= {known[node]: found[x] for node, x in asked.items()}
        twin._asked = None if self._asked is None else (stands_for.get(self._asked[0], self._asked[0]), self._asked[1])
        return twin

    @property
    def _backward(self) -> list[Node]:
        """What backprop recorded: everything behind the gradient nodes that is not in the forward graph."""
        found = [g for known in self._gradients.values() for g in known.values()]
        return [node for node in reached(found) if node not in self._known]

    def name(self, node: Node) -> str | None:
        """The node's name in this graph, or None for an unnamed intermediate value."""
        return self._names.of(node)

    def _is_named_by_user(self, node: Node) -> bool:
        """Whether the node's name comes from `names`, be it with a number behind it."""
        return self._names.of(node) is not None and node not in self._names.invented

    def __getitem__(self, name: str) -> Node:
        if name in self._names:
            return self._names[name]
        if not isinstance(name, str):
            raise TypeError(f"graph[...] takes a name, not {type(name).__name__}: graph.name(node) gives a node's")
        if name.startswith("d") and name[1:] in self._names:
            raise KeyError(f"{name!r} is not computed: call graph.backprop() first")
        raise KeyError(f"no node is called {name!r}: {meant(name, self._names)}")

    def __contains__(self, item: object) -> bool:
        if isinstance(item, Node):
            return item in self._known or item in set(self._backward)
        return item in self._names

    def __len__(self) -> int:
        return len(self.nodes)

    def __getattr__(self, name: str) -> NoReturn:
        raise missing_attribute("graph", name)

    @locked
    def backprop(
        self, of: Node | str | None = None, wrt: Node | str | Sequence[Node | str] | None = None, seed: Any = None
    ) -> Gradients:
        """Record the gradients of `of` (by default the first output) with respect to `wrt`, and return their nodes.

        `wrt=None` means the parameters and every named value between them and the output. A non-scalar output needs a `seed` of
        its shape. The same request gives the same nodes. Raises ValueError for a wrong seed, for a node of another graph and for
        one that the output does not depend on; KeyError for an unknown name.

        >>> w = tg.parameter([1.0, 2.0])
        >>> grads = tg.Graph(np.sum(w**2), names={"w": w}).backprop()
        >>> grads["dw"].value
        array([2., 4.])
        """
        output = self.outputs[0] if of is None else self._own(of)
        upstream = seed_for(output, seed)
        if wrt is None:
            asked = self._everything_named(output)
        else:
            asked = [self._own(x) for x in ([wrt] if isinstance(wrt, Node | str) else wrt)]
            check_wrt(asked)
        spelling = upstream if isinstance(upstream, Node) else upstream.tobytes()
        key = output, spelling
        known = dict(self._gradients.get(key, {}))
        if not all(node in known for node in asked):
            self._record(output, asked, upstream, known)
        self._gradients = {**self._gradients, key: known}  # new dicts, since another thread may be reading the old ones
        self._asked = key
        if self.check_finite:
            self._refuse_nonfinite({})
        return Gradients({node: known[node] for node in asked}, self._names)

    def _own(self, x: Node | str) -> Node:
        if isinstance(x, str):
            return self[x]
        if not isinstance(x, Node):
            raise TypeError(f"backprop takes nodes and names, not {type(x).__name__}")
        if x not in self:
            raise ValueError(f"{x!r} is not a node of this graph: pass a node that its output depends on, or its name")
        return x

    def _between(self, output: Node, wrt: Sequence[Node]) -> Path:
        only = output is self.outputs[0] and len(self.outputs) == 1
        return between(output, wrt, self._forward if only else ())

    def _origin(self, node: Node) -> Node | None:
        """The node whose rule recorded a node of the backward pass, or None for what no rule did."""
        return next((found for sweep in reversed(self._sweeps) if (found := sweep.origin(node)) is not None), None)

    def _everything_named(self, output: Node) -> list[Node]:
        """The parameters and every named value between them and the output, in the order in which backprop gets to them."""
        parameters = [node for node in self._forward if node.kind == "parameter"]
        if not parameters:
            raise ValueError("there is no tg.parameter in this graph: make one, or name nodes by backprop(wrt=[...])")
        path = self._between(output, parameters)
        if output not in path:
            raise independent(output, parameters)
        named = [node for node in path if node.kind == "parameter" or self._names.of(node) is not None]
        return self._backward_order(named)

    def _backward_order(self, nodes: Sequence[Node]) -> list[Node]:
        """Statements from last to first; behind each the leaves that it is the first to read, in reading order."""
        wanted = set(nodes)
        read: set[Node] = set()
        order: list[list[Node]] = []
        for node in nodes:
            if node.op is None:
                continue
            leaves = []
            stack = [node]
            while stack:
                x = stack.pop()
                if x is not node and x.op is None and x in wanted:
                    leaves.append(x)
                elif x is node or x not in wanted:
                    unread = [i for i in x.inputs if isinstance(i, Node) and i not in read]
                    read.update(unread)
                    stack.extend(reversed(unread))
            order.append([node, *leaves])
        direct = [node for node in nodes if node.op is None and node not in read]
        return direct + [node for group in reversed(order) for node in group]

    def _record(self, output: Node, asked: Sequence[Node], upstream: Any, known: dict[Node, Node]) -> None:
        """Sweep for what is asked and every named value on the way, and name the gradients of those."""
        path, wanted = self._between(output, asked), set(asked)
        known_names = self._names.nodes
        named = [node for node in path if node in wanted or node in known_names]
        seed = self._seed(upstream)
        again = partial(sweep, output, named, seed, on_nodes=True, named=named, known=dict(known), path=path)
        retraced = Retraced(again, path)
        found = again()
        retraced.end()
        self._sweeps.append(retraced)
        missing = [node for node in asked if node not in found]
        if missing:
            raise independent(output, missing)
        prefix = "d" if output is self.outputs[0] else f"d{self._names.of(output)}_d"
        unnamed = itertools.count(1)
        for node, gradient in found.items():
            if node not in known:
                known[node] = gradient
                self._names.invent(gradient, f"{prefix}{self._names.of(node) or next(unnamed)}")

    @staticmethod
    def _seed(upstream: Any) -> Node:
        """A node of its own to start a sweep from."""
        if isinstance(upstream, Node) and upstream.op is not None:
            return alias(upstream)
        leaf = constant(upstream)
        return Leaf(leaf._value, "seed", leaf.code, leaf.instruction)

    @locked
    def __getstate__(self) -> Any:
        from tinygraph.pickling import pack

        return pack(self, without=("_programs", "_lock", "_sweeps", "_numbers"))

    def __setstate__(self, state: Any) -> None:
        from tinygraph.pickling import unpack

        unpack(self, state)
        self._start()
        self._numbers = {}  # what was loaded has no code to be read
        self._recorded_until = next(NUMBERING)

    def statements(self, level: Level = "named") -> tuple[Statement, ...]:
        """The graph as a program: one statement for every named value, forward and then backward.

        `level="op"` has one for every op. Each has `name`, `right` (NumPy source), `value`, `shape`, `phase`, `inputs`, `place`.

        >>> w = tg.parameter(3.0)
        >>> L = w * w + 1
        >>> graph = tg.Graph(L, names={"w": w, "L": L})
        >>> grads = graph.backprop()
        >>> graph.statements()
        (<statement L = w * w + 1>, <statement dL = 1>, <statement dw = 2 * w>)
        """
        return self._program(level).statements

    def source(self, level: Level = "named", *, update: Literal["gd"] | None = None) -> str:
        """The graph as a Python module that needs NumPy alone, forward and, after `backprop`, backward.

        It has one function, of the leaves, which returns the output, or the output and a dict of the gradients. It runs at any
        size: the number of axes, the axes of size 0 and 1, and other sizes that the recording took for granted are checked when
        it is called. With `update="gd"` the function is one step of training: it takes a `learning_rate` too, moves every
        parameter down its gradient, and returns the output and a dict of the new parameters.

        >>> w = tg.parameter(3.0)
        >>> graph = tg.Graph(w * w, names={"w": w})
        >>> grads = graph.backprop()
        >>> print(graph.source().partition("def forward_backward")[2])
        (w):
            [w] = _check(w=w)
            # forward
            output = w * w
            # backward
            dw = 2 * w
            return output, {"dw": dw}
        <BLANKLINE>
        >>> print(graph.source(update="gd").partition("# backward")[2])
        <BLANKLINE>
            dw = 2 * w
            # update
            w = w - learning_rate * dw
            return output, {"w": w}
        <BLANKLINE>
        """
        from tinygraph.express.source import source

        return source(self._program(level), update)

    def function(self, np: Any = None) -> Callable[..., Any]:
        """The function of `source()`, compiled; its text is `function.source`.

        `np` is the module that it computes with, NumPy by default; with `jax.numpy` it can be given to `jax.jit`. Raises
        TypeError for an op that JAX cannot trace.

        >>> w = tg.parameter(3.0)
        >>> tg.Graph(w * w, names={"w": w}).function()(5.0)
        np.float64(25.0)
        """
        from tinygraph.express.source import function

        return function(self._program("named"), np)

    def latex(self, level: Level = "named") -> Latex:
        r"""The derivation in LaTeX: an `align` environment, which a notebook typesets, offline too.

        >>> w = tg.parameter(3.0)
        >>> print(tg.Graph(w * w, names={"w": w}).latex())
        \begin{align}
          \mathit{output} &= w w
        \end{align}
        """
        from tinygraph.express.latex import latex

        return latex(self._program(level))

    def mathml(self, level: Level = "named") -> str:
        """The derivation in MathML, which browsers typeset offline.

        >>> w = tg.parameter(3.0)
        >>> tg.Graph(w * w, names={"w": w}).mathml().startswith("<math")
        True
        """
        from tinygraph.express.mathml import mathml

        return mathml(self._program(level))

    def draw(
        self,
        *,
        level: Level = "named",
        values: bool = True,
        direction: str = "LR",
        theme: str = "auto",
        fold: str | Sequence[str] | bool | None = None,
        backward: bool = True,
        lens: str | None = None,
    ) -> Picture:
        """The graph as a picture: a card for each statement, black edges forward and, after `backprop`, dashed red ones back.

        `level="op"` draws every op; `values` and `backward` switch numbers and gradients on or off; `direction` is LR, TB, RL or
        BT; `theme` light, dark or auto, which follows the reader's setting. `fold` names the modules to draw as one card, True
        folds all of them and repeated lines, False none; by default a picture folds itself where it is too large. `lens` analyses
        the numbers: "check", "finite", "saturation" or "norm". Notebooks show the picture; `save("g.svg")` writes it.

        Raises ValueError for an unknown setting and for too many cards, LayoutError, when the picture is looked at, without a
        layout engine.

        >>> w = tg.parameter(3.0)
        >>> tg.Graph(w * w, names={"w": w}).draw()
        <picture: Computation graph of output: 2 cards, 0 backward edges>
        """
        from tinygraph.draw.compose import draw

        return draw(self, level, values, direction, theme, fold, backward, lens)

    def view(self, **settings: Any) -> View:
        """The picture as a page to explore, in one file that needs no network: click a card for its whole value, search, fold.

        Takes the settings of `draw`. A notebook shows it; `save("g.html")` writes it.

        >>> w = tg.parameter(3.0)
        >>> tg.Graph(w * w, names={"w": w}).view()
        <view: Computation graph of output: 2 cards, 0 backward edges>
        """
        from tinygraph.draw.view import View

        return View(self.draw(**settings))

    def stepper(self, level: Level = "named") -> Stepper:
        """A walk through the graph, forward and backward, one statement (or, with `level="op"`, one op) at a time.

        >>> w = tg.parameter(3.0)
        >>> s = tg.Graph(w * 2, names={"w": w}).stepper()
        >>> s.step()
        <step output = w * 2 = 3.000 * 2 = 6.000>
        """
        from tinygraph.stepping.stepper import Stepper

        return Stepper(self, level)

    def quiz(self, seed: int | None = None) -> Quiz:
        """A quiz on each gradient, in the order of the backward pass; `quiz.run()` runs it in a terminal.

        A `seed` gives parameters and named scalars other numbers, the same ones for everybody who takes that seed.

        >>> w = tg.parameter(3.0)
        >>> q = tg.Graph(w * w, names={"w": w}).quiz()
        >>> q.answer("2 * w").message
        'dw = 2 * w = 6.000: right'
        """
        from tinygraph.stepping.quiz import Quiz

        return Quiz(self, seed)

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        return self.draw()._repr_mimebundle_(**kwargs)

    def _program(self, level: Level) -> Program:
        from tinygraph.express.program import program

        return program(self, level)

    def __repr__(self) -> str:
        from tinygraph.express.table import table

        return table(self)
