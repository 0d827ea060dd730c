"""Whether gradients are right: against extrapolated central differences, op by op, and where a NaN or Inf came from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from tinygraph.backprop import between, reached, sweep
from tinygraph.calculus import Call, gradients
from tinygraph.errors import GradientError
from tinygraph.graph import Graph
from tinygraph.leaves import constant, parameter, refuse_masked
from tinygraph.node import Node, summary
from tinygraph.ops import Op
from tinygraph.place import Place
from tinygraph.rule_slips import of_rule
from tinygraph.rules import ArgumentRule, check_rule
from tinygraph.slope import TRUSTED, slope_along
from tinygraph.sparse import entry_at, holds_sparse, stored
from tinygraph.tree import arrays_of, rebuild
from tinygraph.wording import counted

TOLERANCE = 1e-6  # relative to the largest entry of a gradient: what extrapolated differences reach with room to spare


class NonFinite(NamedTuple):
    """The first node of a graph whose value is not finite though its inputs are."""

    node: Node  #: The node.
    name: str  #: Its name in the graph, or that of its op.
    inputs: tuple[Any, ...]  #: Its inputs, nodes and numbers.
    place: Place  #: Where it was made.
    names: tuple[str | None, ...]  #: The names of the inputs, None for a number and for a node without a name.

    def __str__(self) -> str:
        made = "brought by the user" if self.node.op is None else f"made by {self.node.op.name}"
        value = stored(self.node.value)
        bad = np.argwhere(~np.isfinite(value))
        place = tuple(map(int, entry_at(self.node.value, bad[0])))
        where = f" at {place}, {len(bad)} of {counted(self.node.size, 'entry', 'entries')}" if self.node.shape else ""
        lines = [f"{self.name} = {value[tuple(bad[0])]}{where}, {made}", f"  at {self.place}"]
        known = zip(self.inputs, self.names, strict=True)
        lines += [f"  from {x!r}" if name is None else f"  from {name}{summary(x.value)}" for x, name in known]
        return "\n".join(lines)


class Estimate(NamedTuple):
    """A gradient from differences, an error bound for each entry, and the size below which it cannot be distinguished from 0."""

    value: Any
    error: Any
    flat: Any


def estimated(function: Callable[..., Any], arguments: Sequence[Any], k: int, seed: Any) -> Estimate:
    """The gradient of sum(seed * function) by its k-th array, which is float64."""
    x = np.asarray(arguments[k], np.float64)
    value, error, flat = np.full(x.shape, np.nan), np.zeros(x.shape), np.zeros(x.shape)

    def phi(moved: Any) -> Any:
        return np.sum(seed * function(*arguments[:k], moved, *arguments[k + 1 :]))

    with np.errstate(all="ignore"):  # a step may leave the function's domain; a smaller one follows then
        for entry in np.ndindex(x.shape):
            pattern = np.zeros(x.shape)
            pattern[entry] = 1
            slope = slope_along(phi, x, pattern)
            if slope is not None:
                doubt = slope.error + slope.kink * slope.gap / 2
                value[entry], error[entry], flat[entry] = np.array([slope.value, doubt, slope.flat]) / slope.direction[entry]
    return Estimate(value, error, flat)


def numerical_gradient(function: Callable[..., Any], arguments: Sequence[Any], k: int, seed: Any) -> Any:
    """The gradient of sum(seed * function) by its k-th array, from differences; NaN where there are none.

    >>> float(numerical_gradient(lambda x: x**3, [2.0], 0, 1.0).round(9))
    12.0
    """
    return estimated(function, arguments, k, seed).value


def check_gradients(function: Callable[..., Any], *arguments: Any, order: int = 2, tolerance: float = TOLERANCE) -> None:
    """Compare the gradients of `function` at its float `arguments`, in float64, with difference quotients, to `order` 1 or 2.

    Other arguments (integers, masks, text) are passed on as they are. A result that is not a scalar is weighed by fixed random
    numbers. Order 2 differences the exact first gradient. `tolerance` is relative to the largest entry of an argument's gradient,
    beside what the differences themselves may be off. Raises GradientError (an AssertionError) with the argument, the index, both
    numbers, and the op whose own rule is wrong, if one is; ValueError where there is nothing to compare or no difference decides.

    >>> tg.check_gradients(lambda w, b: np.tanh(w * b), np.array([0.5, 1.0]), 2.0)
    """
    if order not in (1, 2):
        raise ValueError(f"order={order}: gradients are checked to order 1 or 2")
    given = [x if holds_sparse(x) else _value(x) for argument in arguments for x in arrays_of(argument)]
    moved = [i for i, leaf in enumerate(given) if _is_real(leaf)]
    if not moved:
        raise ValueError("no argument is a float, so there is no gradient to check: write 3.0 for 3, or x.astype(float)")
    for i in moved:
        refuse_masked(given[i], "an argument")
    flat = [np.asarray(given[i], dtype=np.float64)[()] for i in moved]

    def flat_function(*values: Any) -> Any:
        filled = list(given)
        for i, value in zip(moved, values, strict=True):
            filled[i] = value
        result = function(*rebuild(arguments, filled))
        outputs = [leaf for leaf in arrays_of(result) if _is_real(leaf)]
        if not outputs:
            raise ValueError(f"the function returned no floats but {type(result).__name__}: is a `return` missing?")
        if len(outputs) == 1 and not np.shape(outputs[0]):
            return outputs[0]
        return sum(np.sum(leaf * weights(np.shape(leaf))) for leaf in outputs)

    def first(*values: Any) -> Any:
        call = Call(flat_function, values, range(len(values)))
        return call.pull([call.output], [constant(1.0) if call.on_nodes else np.float64(1)])

    def along(*values: Any) -> Any:
        return sum(np.sum(g * weights(np.shape(g), 1)) for g in first(*values))

    for scalar, what in ((flat_function, "gradient"), (along, "second derivative"))[:order]:
        call = Call(scalar, flat, range(len(flat)))
        for k, g in enumerate(call.pull([call.output], [np.float64(1)], on_nodes=False)):
            of = f"{what} of argument {moved[k] + 1}"
            wrong = _wrong_entry(g, estimated(lambda *values, f=scalar: _value(f(*values)), flat, k, 1.0), tolerance, of)
            if wrong is not None:
                culprit = _wrong_op(flat_function, flat, tolerance) or "every op by itself is right: is the function smooth here?"
                raise GradientError(f"{of}{wrong}\n  {culprit}")


def weights(shape: tuple[int, ...], seed: int = 0) -> Any:
    """Fixed random numbers of either sign and a size between 0.5 and 1.5, so that no two errors cancel."""
    random = np.random.default_rng(seed)
    return (random.uniform(0.5, 1.5, shape) * random.choice([-1.0, 1.0], shape))[()]


def _is_real(x: Any) -> bool:
    return (x.dtype if isinstance(x, Node) else np.asarray(x).dtype).kind == "f" and not holds_sparse(x)


def _value(x: Any) -> Any:
    return x._value if isinstance(x, Node) else x


def _wrong_entry(actual: Any, expected: Estimate, tolerance: float, of: str) -> str | None:
    """The first entry that differs from its estimate, in words; raises ValueError where an estimate does not decide."""
    value, error, flat = expected
    both = np.array([value, actual])
    scale = float(np.max(np.abs(both), initial=0.0, where=np.isfinite(both)))
    with np.errstate(invalid="ignore"):
        close = np.abs(actual - value) <= tolerance * scale + 4 * error
        is_certain = (error <= np.maximum(TRUSTED * np.abs(value), flat)) | ((value == 0) & (error <= TRUSTED * scale))
        certain = (error <= TRUSTED * scale) | (np.max(np.abs(both), axis=0) <= flat)
    same = (actual == value) | (np.isnan(actual) & np.isnan(value)) | (close & certain)
    bad = ~same & ~close & is_certain
    unknown = ~same & ~bad
    if not np.any(bad | unknown):
        return None
    at = tuple(map(int, np.argwhere(bad if np.any(bad) else unknown)[0]))
    where = f" at index {at}" if at else ""
    if bad[at]:
        return f"{where}: the rules give {actual[at]:.10g}, differences give {value[at]:.10g}"
    found = f"differences {value[at]:.4g} ± {error[at]:.1g}" if np.isfinite(value[at]) else "and no difference is finite"
    raise ValueError(
        f"differences are too inaccurate to check the {of}{where}: the rules give {actual[at]:.10g}, {found}. "
        "Give arguments around which the function is finite and smooth and changes by more than its rounding"
    )


def _wrong_op(function: Any, flat: Sequence[Any], tolerance: float) -> str | None:
    """The first op, in order of recording, whose own rule disagrees with differences at its own inputs."""
    outputs = arrays_of(function(*map(parameter, flat)))
    for node in reached([y for y in outputs if isinstance(y, Node)]):
        if node.op is not None:
            try:
                check_node(node, tolerance)
            except GradientError as error:
                return f"{error}\n  at {node.place}"
            except ValueError:  # differences are too inaccurate
                continue
    return None


def check_node(node: Node, tolerance: float = TOLERANCE) -> None:
    """Compare the rules of the op of one node with differences of the op at the node's own inputs."""
    op, arguments = node.op, [_value(x) for x in node.inputs]
    operands = [x if holds_sparse(x) else _value(x) for x in node.inputs]
    assert op is not None
    seed = weights(node.shape)
    for k, rule in enumerate(op.rules_for(len(arguments))):
        if rule is None or holds_sparse(node.inputs[k]) or getattr(arguments[k], "dtype", np.dtype(int)).kind != "f":
            continue
        x = parameter(arguments[k])
        (g,) = gradients(op(*operands[:k], x, *operands[k + 1 :], **node.params), x, seed=seed)
        expected = estimated(_computed(node), arguments, k, seed)
        own = ArgumentRule(op, k, len(arguments))
        wrong = _wrong_entry(g, expected, tolerance, f"gradient of {op.name} by {own.argument} (argument {k + 1})")
        if wrong is not None:
            raise own.wrong(f"is wrong{wrong}{_slip(own, node, seed, expected)}")


def _slip(rule: ArgumentRule, node: Node, seed: Any, expected: Estimate) -> str:
    """The slip that explains a wrong gradient of a rule, in words."""
    arguments = [_value(x) for x in node.inputs]

    def right(k: int) -> Any:
        return estimated(_computed(node), arguments, k, seed).value

    others = [k for k, x in enumerate(arguments) if k != rule.position and _is_real(x)]
    named = {ArgumentRule(rule.op, k, rule.arguments).argument: partial(right, k) for k in others}
    scale = float(np.max(np.abs(expected.value), initial=0))

    def close(x: Any, y: Any) -> bool:
        return np.shape(x) == np.shape(y) and bool(np.allclose(x, y, rtol=1e-5, atol=1e-6 * scale))

    return of_rule(rule, node, seed, expected.value, named, close)


def check_op(op: Op, *arguments: Any, **params: Any) -> None:
    """Check a user's op as the tests check every built-in op, at the given arguments; float64 arguments get gradients.

    It compares gradients of orders 1 and 2 with differences, and checks that arrays and Nodes give the same bits, that no
    argument is changed in place, that float32 stays float32, and that reversed strides and Fortran order give the same result.
    Choose arguments away from kinks; data, for which None stands in place of a rule although the result changes with it, is given
    as `tg.constant(y)`. Raises GradientError, ValueError where differences are too inaccurate, or whatever the op itself raises.

    >>> @tg.op(lambda g, out, x: g * 3 * x**2, elementwise=True)
    ... def cube(x):
    ...     return x**3
    >>> tg.check_op(cube, np.array([1.0, -2.0]))
    """
    if not isinstance(op, Op):
        raise TypeError(f"check_op takes an op, declared by @tg.op, not {type(op).__name__}")
    for x in arguments:
        refuse_masked(x, "an argument")
    arrays = [_value(x) if isinstance(x, Node) else np.asarray(x)[()] for x in arguments]
    rules = op.rules_for(len(arrays))
    wrt = [k for k, rule in enumerate(rules) if rule is not None and arrays[k].dtype == np.float64]
    if not wrt and any(rule is not None for rule in rules):
        raise ValueError(f"{op.name} has rules, but no argument that they belong to is float64: nothing would be checked")
    for case in layouts(arrays):
        recorded, inputs = record_op(op, case, params, wrt)
        if not wrt:
            continue
        for k in wrt:
            check_rule(ArgumentRule(op, k, len(arrays)), recorded, weights(recorded.shape))
        _check_untouched(op, recorded, inputs)
        check_node(recorded)
        _check_bits(op, recorded, inputs)
        _check_float32(op, case, params, wrt)

        def own(*values: Any, case: Sequence[Any] = case) -> Any:
            filled = list(case)
            for k, value in zip(wrt, values, strict=True):
                filled[k] = value
            return op(*filled, **params)

        try:
            check_gradients(own, *(case[k] for k in wrt))
        except GradientError as error:
            raise _reading_rule(recorded, wrt) or error from None
    if wrt:
        _check_missing(op, [k for k, x in enumerate(arguments) if rules[k] is None and not isinstance(x, Node)], recorded)


def _reading_rule(recorded: Node, wrt: Sequence[int]) -> GradientError | None:
    """The error for the first rule that computes by a value of an input, but records nothing of it; None if there is none."""
    op, values = recorded.op, [_value(x) for x in recorded.inputs]
    assert op is not None
    seed = weights(recorded.shape)
    for rule in (ArgumentRule(op, k, len(values)) for k in wrt):
        part = rule.gradient(constant(seed), recorded, *recorded.inputs, **recorded.params)
        for j in wrt:
            if isinstance(part, Node) and between(part, [recorded.inputs[j]]):
                continue

            def computed(*moved: Any, rule: ArgumentRule = rule) -> Any:
                return rule.gradient(seed, _computed(recorded)(*moved), *moved, **recorded.params)

            if np.any(np.nan_to_num(estimated(computed, values, j, 1.0).value)):
                name = ArgumentRule(op, j, len(values)).argument
                return rule.wrong(
                    f"reads the value of {name}, so that nothing is recorded: leave out .value and .item(), and write it with "
                    "operators, NumPy functions and ops"
                )
    return None


def _check_missing(op: Op, without: Sequence[int], recorded: Node) -> None:
    """Raise GradientError where the result changes with a float argument that has None in place of a rule."""
    values = [_value(x) for x in recorded.inputs]
    for k in without:
        if _is_real(values[k]) and np.any(
            np.nan_to_num(estimated(_computed(recorded), values, k, weights(recorded.shape)).value)
        ):
            raise ArgumentRule(op, k, len(values)).wrong(
                "is None, but the result changes with it: give a rule, or check_op the argument as tg.constant(...) if it is data"
            )


def _computed(recorded: Node) -> Callable[..., Any]:
    """The function of the op that recorded a node, with the node's own metadata."""
    op = recorded.op
    assert op is not None
    return lambda *values: op.function(*values, **recorded.params)


def layouts(arguments: Sequence[Any]) -> Iterator[list[Any]]:
    """The same arrays as they are, in Fortran order, and with reversed strides."""
    yield list(arguments)
    for change in (np.asfortranarray, lambda x: np.flip(np.flip(x).copy())):
        yield [change(x) if np.ndim(x) else x for x in arguments]


def record_op(op: Op, arguments: Sequence[Any], params: dict[str, Any], wrt: Sequence[int]) -> tuple[Node, list[Node]]:
    """Record an op on parameters in the places `wrt`."""
    filled = list(arguments)
    for k in wrt:
        filled[k] = parameter(arguments[k], copy=False)
    return op.record(filled, params), [filled[k] for k in wrt]


def _check_untouched(op: Op, recorded: Node, inputs: Sequence[Node]) -> None:
    """Rules may not write into what they are given, which others read too."""
    seed = weights(recorded.shape)
    given = [np.asarray(x) for x in (seed, recorded._value, *map(_value, recorded.inputs))]
    before = [x.tobytes() for x in given]
    sweep(recorded, inputs, seed)
    if before != [x.tobytes() for x in given]:
        raise GradientError(f"{op.name}: a rule changes an array that it is given: write `return 3 * g` in place of `g *= 3`")


def _check_bits(op: Op, recorded: Node, inputs: Sequence[Node]) -> None:
    seed = weights(recorded.shape)
    arrays = gradients(recorded, *inputs, seed=seed)
    nodes = sweep(recorded, inputs, constant(seed), on_nodes=True)
    for k, (x, g) in enumerate(zip(inputs, arrays, strict=True)):
        if nodes[x].value.tobytes() != g.tobytes():
            raise GradientError(f"{op.name}: its rule gives other bits on Nodes than on arrays for gradient {k + 1}")


def _check_float32(op: Op, arguments: Sequence[Any], params: dict[str, Any], wrt: Sequence[int]) -> None:
    small = [np.asarray(x, np.float32)[()] if k in wrt else x for k, x in enumerate(arguments)]
    recorded, inputs = record_op(op, small, params, wrt)
    for x, g in zip(inputs, gradients(recorded, *inputs, seed=weights(recorded.shape)), strict=True):
        if g.dtype != np.float32:
            raise GradientError(f"{op.name}: the gradient of {x!r} has dtype {g.dtype}")


def find_nonfinite(graph: Graph) -> NonFinite | None:
    """The first node of the graph, forward or backward, that holds a NaN or Inf, with its inputs and the user's line; else None.

    >>> x = tg.parameter(0.0)
    >>> with np.errstate(divide="ignore"):
    ...     L = 2 * np.log(x)
    >>> tg.find_nonfinite(tg.Graph(L, names={"x": x, "L": L})).node
    <node log: -inf>
    """
    if not isinstance(graph, Graph):
        fix = "tg.find_nonfinite(tg.Graph(L, names=locals()))"
        raise TypeError(f"find_nonfinite goes through a graph, not a {type(graph).__name__}: write {fix}")
    for node in graph.nodes:
        if node.dtype.kind == "f" and not np.isfinite(stored(node._value)).all():
            name = graph.name(node) or (node.op.name if node.op is not None else node.kind)
            names = tuple(graph.name(x) if isinstance(x, Node) else None for x in node.inputs)
            return NonFinite(node, name, node.inputs, node.place, names)
    return None
