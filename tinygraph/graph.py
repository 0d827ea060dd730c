"""A Graph: an ordered, named view of the nodes behind an output, to which `backprop` adds the gradient nodes."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from threading import RLock
from typing import Any, NoReturn

import numpy as np

from tinygraph.backprop import Path, between, by_number, reached, sweep
from tinygraph.errors import Failure, NonFiniteError
from tinygraph.faces import Faces
from tinygraph.given_names import plain_numbers
from tinygraph.leaves import seed_leaf
from tinygraph.missing import missing_attribute
from tinygraph.naming import named
from tinygraph.node import NUMBERING, Node, Recorded
from tinygraph.ops import alias
from tinygraph.origins import Retraced
from tinygraph.pickling import pack, unpack
from tinygraph.place import user_frame
from tinygraph.replay import replayed
from tinygraph.requested import Gradients, Request, in_backward_order, is_unit
from tinygraph.requests import check_wrt, independent, seed_for
from tinygraph.wording import suggestion


def partial_graph(nodes: Sequence[Node], names: Mapping[str, Any], failure: Failure | None = None) -> Graph:
    """The graph up to where something went wrong, which can be walked forward; pictures show a failure behind its outputs."""
    graph = Graph(*nodes, names=names)
    graph._is_partial, graph._failure = True, failure
    return graph


class Graph(Faces):
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
        self.outputs = outputs  #: The outputs, in the order in which they were given.
        self._forward = reached(outputs)
        self._known = set(self._forward)
        frame = user_frame(sys._getframe(1))
        self._names = named(outputs, self._forward, names, frame)
        self._recorded_until = next(NUMBERING)  # decisions made later have no part in these values
        self._numbers = plain_numbers(names or {}, frame)
        self._gradients: dict[tuple[Node, Any], dict[Node, Node]] = {}
        self._asked: tuple[Node, Any] | None = None  # which of these backprop was asked for last
        self._temporaries: set[Node] = set()  # the values to which a program gave names
        self._start()
        self._is_partial = False  # whether it ends where something went wrong, so that there is no backward pass
        self._failure: Failure | None = None  # the op that failed there
        self.check_finite = check_finite  #: Whether a value that is NaN or infinite raises NonFiniteError.
        if check_finite:
            self._refuse_nonfinite({name: self._names[name] for name in self._names} if names is None else names)

    def _start(self) -> None:
        """What no copy shares: the programs that printers read, and the lock of whatever is added later."""
        self._programs: dict[Any, Any] = {}  # kept until more gradients are asked for
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
        ordered = in_backward_order(sorted(known, key=by_number))
        return Request(output, known[output], {node: known[node] for node in ordered})

    def _units(self) -> set[Node]:
        """The 1s that its backward passes started from, and those of earlier graphs whose gradients went into it, unless they
        have names."""
        own = {known[output] for (output, _), known in self._gradients.items()}
        earlier = {node for node in self._forward if not self._is_named_by_user(node)}
        return {node for node in own | earlier if is_unit(node)}

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

    def _with_named(self, nodes: Iterable[Node]) -> Graph:
        """The same graph and the same gradients asked for, with names `t`, `t_2`, ... for those of the nodes that have none."""
        with np.errstate(all="ignore"):  # the warnings were issued when the values were recorded
            return self._twin({node: node for node in self._forward}, nodes)

    def with_leaves(self, values: Mapping[Node, Any] | Mapping[str, Any]) -> Graph:
        """The same computation on other values of some leaves, given by node or name; with the same gradients.

        Raises ValueError for a value of another shape, and where Python would have decided otherwise on these values (an `if`, a
        loop's end); TypeError for a value that is no real number.
        """
        given = {self[node] if isinstance(node, str) else node: value for node, value in values.items()}
        return self._twin(replayed(self._forward, given, self._recorded_until, self.name))

    def _twin(self, new: Mapping[Node, Node], named: Iterable[Node] = (), forward: list[Node] | None = None) -> Graph:
        """The graph of the nodes that stand for this one's, with names for those of `named` too, and with the same gradients.

        `forward` has all its nodes, where they are more than these.
        """
        twin = Graph.__new__(Graph)
        with self._lock:
            vars(twin).update(vars(self), _names=self._names.translated(new, named), _gradients={}, check_finite=False)
            twin._temporaries = {new[node] for node in self._temporaries}
            twin.outputs = tuple(new[node] for node in self.outputs)
            twin._forward = [new[node] for node in self._forward] if forward is None else forward
            twin._known = set(twin._forward)
            twin._start()
            stands_for = dict(new)  # gradients too, which a later request may have been about
            for (output, spelling), known in self._gradients.items():
                found: dict[Node, Node] = {}
                own = stands_for.get(output, output)
                twin._gradients[own, spelling] = found
                asked = {node: stands_for.get(node, node) for node in known}
                if output not in self._known:  # a gradient, which may come from a value with a new name where it came from `da`
                    path = twin._between(own, list(asked.values()))
                    asked = {node: x for node, x in asked.items() if x in path}
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
        raise KeyError(f"no node is called {name!r}: {suggestion(name, self._names)}")

    def __contains__(self, item: object) -> bool:
        if isinstance(item, Node):
            return item in self._known or item in set(self._backward)
        return item in self._names

    def __len__(self) -> int:
        return len(self.nodes)

    def __getattr__(self, name: str) -> NoReturn:
        raise missing_attribute("graph", name)

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
        with self._lock:
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
        return in_backward_order(named)

    def _record(self, output: Node, asked: Sequence[Node], upstream: Any, known: dict[Node, Node]) -> None:
        """Sweep for what is asked and every named value on the way, and name the gradients of those."""
        path, wanted = self._between(output, asked), {output, *asked}
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
        name = self._names.of(output)
        prefix = "d" if output is self.outputs[0] or name is None else f"d{name}_d"
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
        return seed_leaf(upstream)

    def __getstate__(self) -> Any:
        with self._lock:
            return pack(self, without=("_programs", "_lock", "_sweeps", "_numbers"))

    def __setstate__(self, state: Any) -> None:
        unpack(self, state)
        self._start()
        self._numbers = {}  # what was loaded has no code to be read
        self._recorded_until = next(NUMBERING)
