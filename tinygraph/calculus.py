"""Derivatives of recorded nodes and of functions, as plain arrays.

A function of arrays is turned into a function of arrays: `grad(f)(x)`. Given Nodes, or where `f` reads a parameter from
elsewhere, the result is Nodes, so that the transformations compose to any order. Arguments and results may be nested dicts,
lists and tuples of arrays.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

import numpy as np

from tinygraph.backprop import Path, between, reached, sweep, typed
from tinygraph.jitted import refuse_jitted
from tinygraph.leaves import constant, parameter, seed_leaf
from tinygraph.node import Node, Recorded
from tinygraph.ops import alias, broadcast_like, cast
from tinygraph.requests import check_wrt, independent, seed_for
from tinygraph.sparse import holds_sparse
from tinygraph.tree import arrays_of, map_arrays, matching, rebuild

Function = Callable[..., Any]


def gradients(of: Recorded, *wrt: Recorded, seed: Any = None) -> tuple[Any, ...]:
    """The gradients of `of` with respect to each node of `wrt`: a tuple of arrays (NumPy scalars for shape ()).

    Each has the shape and dtype of its node's value and is the caller's own. An output that is not a scalar needs a `seed` of
    its shape, the upstream gradient. Raises ValueError for a missing or misshapen seed and for a node that `of` does not depend
    on, TypeError for what has no gradient.

    >>> w, b = tg.parameter(3.0), tg.parameter(1.0)
    >>> tg.gradients(w * w + b, w, b)
    (np.float64(6.0), np.float64(1.0))
    """
    if not isinstance(of, Node):
        raise TypeError(f"gradients are taken of a node, not {type(of).__name__}, which no tg.parameter went into")
    if not wrt:
        raise TypeError("name the nodes to differentiate with respect to: tg.gradients(L, w, b)")
    check_wrt(wrt)
    refuse_jitted(of, "tg.gradients")
    if isinstance(seed, Node):
        refuse_jitted(seed, "tg.gradients")
        seed = seed._value
    found = sweep(of, wrt, seed_for(of, seed))
    missing = [node for node in wrt if node not in found]
    if missing:
        raise independent(of, missing)
    results = []
    for node in wrt:
        results.append(owned(found, node))  # noqa: PERF401  # a result counts as a holder of what is asked for twice
    return tuple(results)


def owned(holder: Any, key: Any) -> Any:
    """The gradient `holder[key]` as an array of the caller: copied if anything else holds its memory.

    Sweeps pass arrays along and repeat entries by strides; a large gradient that was made for the caller alone is not copied.
    """
    g = holder[key]
    if not g.shape:
        return g[()]
    alone = g.base is None and g.flags.writeable and _holders(holder, key) <= ALONE
    return g if alone else np.array(g)


def _holders(holder: Any, key: Any) -> int:
    g = holder[key]
    return sys.getrefcount(g)


def _holders_of_a_fresh_array() -> int:
    holder = {0: np.empty(1)}
    g = holder[0]  # counts, as it does in `owned`
    count = _holders(holder, 0)
    del g
    return count


ALONE = _holders_of_a_fresh_array()


class Call:
    """One call of a function with some of its arguments made differentiable.

    `inputs` are the leaves of those arguments, `output` what the function returned, `on_nodes` whether the derivatives must be
    recorded because somebody else differentiates through this call.
    """

    def __init__(self, function: Function, arguments: Sequence[Any], argnums: Sequence[int]) -> None:
        self.arguments = list(arguments)
        self.inputs: list[Node] = []
        given = [leaf for argument in arguments for leaf in arrays_of(argument)]
        for i in argnums:
            if not -len(arguments) <= i < len(arguments):
                raise TypeError(f"argnums={i}, but the function was called with {len(arguments)} positional arguments")
        if len({i % len(arguments) for i in argnums}) < len(argnums):
            raise ValueError(f"argnums={tuple(argnums)} names an argument twice")
        for i in argnums:
            lifted = [_variable(leaf) for leaf in arrays_of(arguments[i])]
            self.arguments[i] = rebuild(arguments[i], lifted)
            self.inputs += lifted
        self.output = function(*self.arguments)
        self._paths: dict[Node, Path] = {}
        self.on_nodes = any(isinstance(x, Node) and not holds_sparse(x) for x in given) or self._reads_others()

    def _reads_others(self) -> bool:
        """Whether the function reads a parameter that was there before the call."""
        outputs = [leaf for leaf in arrays_of(self.output) if isinstance(leaf, Node)]
        start = min((node.number for node in self.inputs), default=0)
        return any(node.kind == "parameter" and node.number < start for node in reached(outputs))

    def numbers(self) -> list[Any]:
        """The leaves of the output, checked to be numbers or arrays."""
        outputs = arrays_of(self.output)
        for output in [None] if self.output is None else outputs:
            _check_number(output)
        return outputs

    def scalar(self, output: Any) -> Any:
        """Check that the output is one real number."""
        _check_number(output)
        if np.shape(output):
            raise ValueError(f"the function returned shape {np.shape(output)}, not a scalar: reduce it, or use tg.jacobian")
        return output

    def pull(self, outputs: Sequence[Any], seeds: Sequence[Any], on_nodes: bool | None = None) -> list[Any]:
        """The gradients of all outputs, each weighted by its seed, with respect to each input; zeros where there are none."""
        on_nodes = self.on_nodes if on_nodes is None else on_nodes
        total: list[Any] = [None] * len(self.inputs)
        for output, seed in zip(outputs, seeds, strict=True):
            if not is_float(output):
                continue
            upstream = seed if isinstance(seed, Node) or not on_nodes else seed_leaf(seed)
            if output not in self._paths:
                self._paths[output] = between(output, self.inputs)
            found = sweep(output, self.inputs, upstream, on_nodes=on_nodes, path=self._paths[output])
            for i, node in enumerate(self.inputs):
                if node in found:
                    total[i] = found[node] if total[i] is None else total[i] + found[node]
        return [self._result(total, i, on_nodes) for i in range(len(total))]

    def _result(self, total: list[Any], i: int, on_nodes: bool) -> Any:
        node = self.inputs[i]
        if total[i] is None:
            return broadcast_like(0.0, node) if on_nodes else np.zeros(node.shape, node.dtype)[()]
        return total[i] if on_nodes else owned(total, i)

    def values(self, tree: Any) -> Any:
        """The results for the caller: values, or Nodes where derivatives are recorded."""
        return tree if self.on_nodes else map_arrays(lambda x: x.value if isinstance(x, Node) else x, tree)

    def by_argument(self, flat: Sequence[Any], argnums: int | Sequence[int]) -> Any:
        """One result for each input, in the structure of the chosen arguments."""
        if not isinstance(argnums, Sequence):
            return rebuild(self.arguments[argnums], flat)
        return rebuild(tuple(self.arguments[i] for i in argnums), flat)


def _check_number(output: Any) -> None:
    if not isinstance(output, Node | int | float | np.number | np.bool | np.ndarray):
        raise TypeError(f"the function returned {type(output).__name__}, not a number: is a `return` missing?")


def _variable(leaf: Any) -> Node:
    """The variable of a call: a new parameter for an array, or a new node for a Node that the caller passed."""
    if not isinstance(leaf, Node) or holds_sparse(leaf):
        return parameter(leaf)
    if leaf.dtype.kind == "f":
        return alias(leaf)
    if leaf.dtype.kind == "b":
        raise TypeError(f"{leaf!r} is a mask, and has no gradient: write node.astype(float)")
    return cast(leaf, dtype=np.dtype(np.float64))


def is_float(x: Any) -> bool:
    """Whether x can have a gradient."""
    return isinstance(x, Node) and x.dtype.kind == "f"


def _check_shapes(found: Sequence[Any], likes: Sequence[Any], what: str) -> None:
    for x, like in zip(found, likes, strict=True):
        if np.shape(x) != np.shape(like):
            raise ValueError(f"{what} has shape {np.shape(x)}, but what it belongs to has shape {np.shape(like)}")


def _numbers(argnums: int | Sequence[int]) -> tuple[int, ...]:
    return tuple(map(operator.index, argnums)) if isinstance(argnums, Sequence) else (operator.index(argnums),)


def value_and_grad(function: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Function:
    """Turn `function`, which returns a scalar, into one that returns its value and its gradient.

    `argnums` is the index of the positional argument to differentiate by; a tuple gives a tuple of gradients. With `has_aux` the
    function returns (scalar, anything), and so does the first part of the result. Raises ValueError where the result is not a
    scalar.

    >>> tg.value_and_grad(lambda w, b: w * w + b, argnums=(0, 1))(3.0, 1.0)
    (np.float64(10.0), (np.float64(6.0), np.float64(1.0)))
    """

    @wraps(function)
    def derivative(*arguments: Any, **kwargs: Any) -> Any:
        call = Call(lambda *own: function(*own, **kwargs), arguments, _numbers(argnums))
        if has_aux and not (isinstance(call.output, tuple) and len(call.output) == 2):
            raise TypeError(f"with has_aux the function returns a pair (scalar, aux), not {type(call.output).__name__}")
        output = call.output[0] if has_aux else call.output
        one = seed_for(output, None) if isinstance(call.scalar(output), Node) and output.dtype.kind == "f" else 1.0
        return call.values(call.output), call.by_argument(call.pull([output], [one]), argnums)

    return derivative


def grad(function: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Function:
    """Turn `function`, which returns a scalar, into its gradient, in the shape of the argument; see `value_and_grad`.

    With `has_aux` the result is (gradient, aux).

    >>> tg.grad(tg.grad(lambda x: x**3))(2.0)
    np.float64(12.0)
    >>> tg.grad(lambda p: p["w"] * p["b"])({"w": 2.0, "b": 3.0})
    {'w': np.float64(3.0), 'b': np.float64(2.0)}
    """
    both = value_and_grad(function, argnums, has_aux)

    @wraps(function)
    def derivative(*arguments: Any, **kwargs: Any) -> Any:
        value, gradient = both(*arguments, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return derivative


def vjp(function: Function, *arguments: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """The value of `function` and its vector-Jacobian product, a function from a seed to one gradient for each argument.

    Raises ValueError for a seed of another shape.

    >>> y, pull = tg.vjp(lambda x, w: x * w, np.array([1.0, 2.0]), 3.0)
    >>> pull(np.array([1.0, 1.0]))
    (array([3., 3.]), np.float64(3.0))
    """
    everything = tuple(range(len(arguments)))
    call = Call(function, arguments, everything)
    outputs = call.numbers()

    def pull(seed: Any) -> tuple[Any, ...]:
        given = matching(seed, call.output, "the seed", "the result")
        seeds = [seed_for(y, s) if is_float(y) else None for y, s in zip(outputs, given, strict=True)]
        on_nodes = call.on_nodes or any(isinstance(s, Node) for s in seeds)
        result: tuple[Any, ...] = call.by_argument(call.pull(outputs, seeds, on_nodes), everything)
        return result

    return call.values(call.output), pull


def jvp(function: Function, arguments: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """The value of `function` and its exact derivative in the direction of `tangents`, one for each argument.

    Of a scalar it is the sum of the gradient times the tangents. Of an array it takes two reverse sweeps: the vector-Jacobian
    product is linear in its seed, and its gradient by the seed is the Jacobian-vector product. Raises ValueError where
    tangents do not have the shapes of the arguments.

    >>> tg.jvp(lambda x: x**2, (np.array([1.0, 2.0]),), (np.array([1.0, 10.0]),))
    (array([1., 4.]), array([ 2., 40.]))
    """
    call = Call(function, arguments, tuple(range(len(arguments))))
    directions = matching(tuple(tangents), tuple(arguments), "the tangents", "the arguments")
    _check_shapes(directions, call.inputs, "a tangent")
    recording = call.on_nodes or any(isinstance(direction, Node) for direction in directions)
    outputs = call.numbers()
    results = [_push(call, y, directions, recording) for y in outputs]
    call.on_nodes = recording
    return call.values(call.output), rebuild(call.output, results)


def _push(call: Call, output: Any, directions: Sequence[Any], recording: bool) -> Any:
    if not is_float(output):
        return np.zeros(np.shape(output))[()]
    if not output.shape:
        return _along(call, output, directions, recording)
    seed = parameter(np.ones(output.shape, output.dtype))
    found = sweep(output, call.inputs, seed, on_nodes=True)
    with np.errstate(all="ignore"):  # the derivative of this sum is wanted, not its value
        total = _weighed(found, call.inputs, directions)
    linear = sweep(total, [seed], seed_leaf(1.0) if recording else np.float64(1), on_nodes=recording) if found else {}
    if seed in linear:
        return linear[seed] if recording else owned(linear, seed)
    return broadcast_like(0.0, output) if recording else np.zeros(output.shape, output.dtype)[()]


def _along(call: Call, output: Node, directions: Sequence[Any], recording: bool) -> Any:
    """The derivative of a scalar, finite wherever its gradient is."""
    one = seed_for(output, None)
    found = sweep(output, call.inputs, seed_leaf(one) if recording else one, on_nodes=recording)
    with np.errstate(under="ignore"):
        total = _weighed(found, call.inputs, directions)
    if not recording:
        return total.astype(output.dtype)
    node = total if isinstance(total, Node) else constant(total)
    return typed(node, output)


def _weighed(found: Mapping[Node, Any], inputs: Sequence[Node], directions: Sequence[Any]) -> Any:
    """The sum of the gradients, each times its tangent."""
    return sum((np.sum(found[x] * t) for x, t in zip(inputs, directions, strict=True) if x in found), start=np.float64(0))


def jacobian(function: Function, argnums: int | Sequence[int] = 0) -> Function:
    """Turn `function` into its Jacobian, whose shape is the shape of the result followed by the shape of the argument.

    Records once and sweeps once for each entry of the result. For trees: a tree like the result, of trees like the argument.

    >>> tg.jacobian(lambda x: np.array([[0.0, 1.0], [2.0, 3.0]]) @ x)(np.array([1.0, 1.0]))
    array([[0., 1.],
           [2., 3.]])
    """

    @wraps(function)
    def derivative(*arguments: Any, **kwargs: Any) -> Any:
        call = Call(lambda *own: function(*own, **kwargs), arguments, _numbers(argnums))
        call.numbers()
        return map_arrays(lambda y: call.by_argument(_rows(call, y), argnums), call.output)

    return derivative


def _rows(call: Call, output: Any) -> list[Any]:
    """The Jacobian of one output with respect to each input."""
    shape = np.shape(output)
    rows: list[list[Any]] = []
    for entry in np.ndindex(shape):
        seed = np.zeros(shape, output.dtype if isinstance(output, Node) and output.dtype.kind == "f" else float)
        seed[entry] = 1
        rows.append(call.pull([output], [seed[()]]))
    results = []
    for i, node in enumerate(call.inputs):
        column = [row[i] for row in rows]
        full = np.stack(column) if column else np.zeros((0, *node.shape), node.dtype)
        results.append(np.reshape(full, (*shape, *node.shape))[()])
    return results


def hessian(function: Function, argnums: int | Sequence[int] = 0) -> Function:
    """Turn `function`, which returns a scalar, into its Hessian, whose shape is the shape of the argument twice.

    The gradient is recorded once, and swept once for each of its entries.

    >>> tg.hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 3.0]))
    array([[6., 2.],
           [2., 0.]])
    """
    return jacobian(grad(function, argnums), argnums)


def hvp(function: Function) -> Function:
    """Turn a scalar `function` of x into its Hessian-vector product `(x, v) -> H(x) @ v`, without building the Hessian.

    Further arguments go between x and v. v has the structure and the shapes of x.

    >>> tg.hvp(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 3.0]), np.array([1.0, 0.0]))
    array([6., 2.])
    """
    gradient = grad(function)

    @wraps(function)
    def product(x: Any, *rest: Any, **kwargs: Any) -> Any:
        if not rest:
            raise TypeError("a Hessian-vector product takes the point and the vector: tg.hvp(f)(x, v)")
        *others, v = rest
        directions = matching(v, x, "the vector", "the argument")
        _check_shapes(directions, arrays_of(x), "the vector")

        def slope(x: Any) -> Any:
            gradients = arrays_of(gradient(x, *others, **kwargs))
            return sum(np.sum(g * direction) for g, direction in zip(gradients, directions, strict=True))

        return grad(slope)(x)

    return product
