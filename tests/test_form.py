"""The normal form keeps the value of whatever the chain rule may record, and writes it as a textbook does."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st

import tinygraph as tg
from tests.programs import any_ranks
from tinygraph import ops
from tinygraph.express.python import python
from tinygraph.program.form import simplified
from tinygraph.program.value import Apply, Expression, Like, Name, Number, applied, evaluate

SHAPES = [(), (3,), (1,), (2,), (2, 3), (2, 1), (1, 3), (1, 1)]


class Raw(NamedTuple):
    """An expression in simple form, beside what the raw ops gave: the value, and the magnitudes of all terms added up."""

    simple: Expression
    value: Any
    magnitude: Any


def name(node: tg.Node) -> str:
    return f"v{node.number}"


def leaf(value: Any) -> Raw:
    return Raw(Name(tg.constant(value)), value, np.abs(np.asarray(value, float)))


def step(op: Any, magnitude: Callable[..., Any], *inputs: Raw, **params: Any) -> Raw:
    """One op applied to the raw values and to the simple expressions."""
    with np.errstate(over="raise"):
        try:
            value = op(*(x.value for x in inputs), **params)
        except (OverflowError, FloatingPointError):  # a Python integer that a small dtype has no room for
            reject()
    simple = simplified(op, [x.simple for x in inputs], params, np.shape(value), np.asarray(value).dtype.kind)
    return Raw(simple, value, magnitude(*(x.magnitude for x in inputs), *(x.value for x in inputs)))


def like(op: Any, x: Raw, shape: tuple[int, ...], magnitude: Callable[..., Any]) -> Raw:
    """An op that takes a shape from another value."""
    other = tg.constant(np.zeros(shape))
    value = op(x.value, other.value)
    simple = simplified(op, [x.simple, Like(other)], {}, np.shape(value), np.asarray(value).dtype.kind)
    return Raw(simple, value, magnitude(x.magnitude))


def quotient(mx: Any, my: Any, x: Any, y: Any) -> Any:
    return mx * my / np.asarray(y, float) ** 2


size = st.floats(1e-3, 1e3).flatmap(lambda x: st.sampled_from([x, -x]))
number = st.one_of(size, st.sampled_from([1, -1, 1.0, -1.0, 2, -3, 0.5, 10])).map(lambda x: Raw(Number(x), x, np.float64(abs(x))))


@st.composite
def array(draw: st.DrawFn) -> Raw:
    shape = draw(st.sampled_from(SHAPES))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    kind = draw(st.sampled_from(["f", "f", "f", "b", "u", "i"]))
    if kind == "f":
        return leaf((10 ** rng.uniform(-3, 3, shape) * rng.choice([-1, 1], shape))[()])
    return leaf(rng.integers(0, {"b": 2}.get(kind, 200), shape).astype({"b": bool, "u": np.uint8, "i": np.int64}[kind])[()])


def count(x: Raw) -> Raw:
    return step(ops.count, lambda m, v: np.float64(max(np.size(v), 1)), x, axis=None)


@st.composite
def combined(draw: st.DrawFn, inner: st.SearchStrategy[Raw]) -> Raw:
    others = [ops.negative, ops.sum, *LIKE, ops.power, ops.count, *LINEAR, ops.matmul, ops.outer, ops.einsum]
    op: Any = draw(st.sampled_from([*BINARY, *others]))
    x = draw(inner)
    floats = np.asarray(x.value).dtype.kind == "f"
    if op in BINARY:
        y = draw(inner)
        try:
            np.broadcast_shapes(np.shape(x.value), np.shape(y.value))
        except ValueError:
            assume(False)
        # Where two bools or two small integers meet, NumPy has other rules; gradients have a float on one side.
        assume(floats or np.asarray(y.value).dtype.kind == "f")
        assume(op is not ops.divide or np.all(np.asarray(y.value) != 0))
        return step(op, BINARY[op], x, y)
    if op is ops.count:
        return step(ops.divide, quotient, x, count(leaf(np.ones((2, 3)))))
    assume(floats)
    x = x._replace(value=np.asarray(x.value)[()])
    if op is ops.matmul:
        y = draw(inner)
        assume(np.asarray(y.value).dtype.kind == "f" and {np.ndim(x.value), np.ndim(y.value)} <= {1, 2})
        assume(np.shape(x.value)[-1] == np.shape(y.value)[0])
        return step(op, lambda mx, my, vx, vy: spread(mx, vx) @ spread(my, vy), x, y)
    if op in (ops.outer, ops.einsum):
        y = draw(inner)
        assume(np.asarray(y.value).dtype.kind == "f")
        if op is ops.outer:
            assume(np.ndim(x.value) == np.ndim(y.value) == 1)
            return step(op, lambda mx, my, vx, vy: np.outer(spread(mx, vx), spread(my, vy)), x, y)
        subscripts = draw(st.sampled_from(SUBSCRIPTS))
        assume(fits_together(subscripts, np.shape(x.value), np.shape(y.value)))
        params = {"subscripts": subscripts, "optimize": False}
        return step(op, lambda mx, my, vx, vy: np.einsum(subscripts, spread(mx, vx), spread(my, vy)), x, y, **params)
    if op in LINEAR:
        params = draw(LINEAR[op](np.ndim(x.value)))
        return step(op, lambda m, v: op(spread(m, v), **params), x, **params)
    if op is ops.negative:
        return step(op, lambda m, v: m, x)
    if op is ops.power:
        return step(op, lambda m, one, v, e: m, x, Raw(Number(1), 1, 1))
    if op is ops.sum:
        axis = draw(st.sampled_from([None, *range(np.ndim(x.value))]))
        keepdims = draw(st.booleans())
        return step(
            op,
            lambda m, v: np.sum(spread(m, v), axis=axis, keepdims=keepdims),
            x,
            axis=axis,
            keepdims=keepdims,
        )
    shapes = [s for s in SHAPES if LIKE[op](np.shape(x.value), s)]
    assume(shapes)
    shape = draw(st.sampled_from(shapes))
    return like(op, x, shape, lambda m: op(spread(m, x.value), np.zeros(shape)))


SUBSCRIPTS = [
    "ij,kj->ik",
    "ij,kj->ki",
    "ij,ik->jk",
    "ij,ij->i",
    "ij,jk->ik",
    "j,ij->i",
    "i,ij->j",
    "ij,j->i",
    "ij,j->ij",
    "i,i->",
]


def fits_together(subscripts: str, *shapes: tuple[int, ...]) -> bool:
    """Whether a letter stands for axes of one size."""
    terms = subscripts.partition("->")[0].split(",")
    if any(len(term) != len(shape) for term, shape in zip(terms, shapes, strict=True)):
        return False
    pairs = {pair for term, shape in zip(terms, shapes, strict=True) for pair in zip(term, shape, strict=True)}
    return len(pairs) == len({letter for letter, _ in pairs})


def fits(small: tuple[int, ...], large: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(small, large) == large
    except ValueError:
        return False


def spread(magnitude: Any, value: Any) -> Any:
    return np.broadcast_to(magnitude, np.shape(value))


def permutations(ndim: int) -> st.SearchStrategy[dict[str, Any]]:
    return st.none().map(lambda axes: {"axes": axes}) | st.permutations(range(ndim)).map(lambda axes: {"axes": tuple(axes)})


def new_axes(ndim: int) -> st.SearchStrategy[dict[str, Any]]:
    return st.sampled_from([(0,), (-1,), (0, 1)]).map(lambda axis: {"axis": axis})


LIKE: dict[Any, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    ops.broadcast_like: fits,
    ops.sum_like: lambda of, to: fits(to, of),
    ops.reshape_like: lambda of, to: np.prod(of) == np.prod(to),
}
LINEAR: dict[Any, Callable[[int], st.SearchStrategy[dict[str, Any]]]] = {ops.transpose: permutations, ops.expand_dims: new_axes}
BINARY: dict[Any, Callable[..., Any]] = {
    ops.add: lambda mx, my, x, y: mx + my,
    ops.subtract: lambda mx, my, x, y: mx + my,
    ops.multiply: lambda mx, my, x, y: mx * my,
    ops.divide: quotient,
}
tree = st.recursive(array() | number, combined, max_leaves=12)
check = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])


def value_of(node: tg.Node) -> Any:
    return node.value


@check
@given(tree)
def test_keeps_the_value(raw: Raw) -> None:
    simple = np.broadcast_to(evaluate(raw.simple, value_of), np.shape(raw.value))
    assert raw.simple.shape == np.shape(raw.value)
    assert np.all(np.abs(np.subtract(simple, raw.value, dtype=float)) <= 1e-12 * raw.magnitude)


@check
@given(tree)
def test_prints_as_what_it_evaluates_to(raw: Raw) -> None:
    names = {name(x.node): x.node.value for x in every_name(raw.simple)}
    with np.errstate(all="ignore"):
        printed = eval(python(raw.simple, name), {"np": np, **names})
        np.testing.assert_array_equal(printed, evaluate(raw.simple, value_of))


def every_name(expression: Expression) -> list[Name]:
    if isinstance(expression, Name):
        return [expression]
    return [x for part in getattr(expression, "inputs", ()) for x in every_name(part)]


def rewritten(expression: Expression) -> Expression:
    if not isinstance(expression, Apply):
        return expression
    return simplified(
        expression.op, [rewritten(x) for x in expression.inputs], expression.params, expression.shape, expression.kind
    )


@check
@given(tree)
def test_what_is_simple_stays_as_it_is(raw: Raw) -> None:
    once = rewritten(raw.simple)
    assert python(rewritten(once), name) == python(once, name)


@check
@given(tree)
def test_no_sign_nor_number_stands_where_it_can_be_taken_out(raw: Raw) -> None:
    for x in applied(raw.simple):
        if x.op is ops.negative:
            assert not (isinstance(x.inputs[0], Apply) and x.inputs[0].op is ops.negative)
        if x.op in (ops.multiply, ops.divide) and all(y.kind == "f" for y in x.inputs):
            assert not (isinstance(x.inputs[1], Apply) and x.inputs[1].op is ops.negative)


V = {key: tg.constant(np.ones(3)) for key in "ab"} | {
    "s": tg.constant(2.0),
    "X": tg.constant(np.ones((2, 3))),
    "Y": tg.constant(np.ones((2, 3))),
    "c": tg.constant(np.ones((2, 1))),
    "d": tg.constant(np.ones(2)),
    "n": tg.constant(np.ones(3, int)),
    "u": tg.constant(np.ones(3, np.uint8)),
    "m": tg.constant(np.ones(3) > 0),
}
SPELLED = {node: key for key, node in V.items()}


def gradient(build: Callable[..., Any]) -> str:
    """What simplifying op by op makes of an expression over a, b (3,), d (2,), s (), X, Y (2, 3), c (2, 1), n, u, m (3,)."""
    leaves = {key: tg.constant(x.value) for key, x in V.items()}
    original = {leaf: V[key] for key, leaf in leaves.items()}

    def rebuilt(x: Any, shape_alone: bool = False) -> Expression:
        if not isinstance(x, tg.Node):
            return Number(x)
        if x.op is None:
            return Like(original[x]) if shape_alone else Name(original[x])
        inputs = [rebuilt(y, x.op.reads_shape[x.op.argument(i)]) for i, y in enumerate(x.inputs)]
        return simplified(x.op, inputs, x.params, x.shape, x.dtype.kind)

    with any_ranks():
        built = build(**leaves)
    np.testing.assert_allclose(evaluate(rebuilt(built), value_of), built.value)
    return python(rebuilt(built), lambda x: SPELLED[x])


KEPT = "np.reshape(c * np.sum(X, axis=1, keepdims=True), d.shape)"
LOST = "np.max(X, axis=1) * np.sum(Y, axis=1)"


@pytest.mark.parametrize(
    ("build", "printed"),
    [
        (lambda a, **_: 2 * (3 * a), "6 * a"),
        (lambda a, **_: 1 * a, "a"),
        (lambda a, **_: a / 1, "a"),
        (lambda a, **_: a**1, "a"),
        (lambda a, b, **_: 2 * a**0 * b, "2 * b"),
        (lambda a, **_: a**0 + 1, "np.full_like(a, 2.0)"),
        (lambda a, **_: np.negative(-a), "a"),
        (lambda a, b, **_: a + -b, "a - b"),
        (lambda a, b, **_: a - (-b), "a + b"),
        (lambda a, b, **_: -a * -b, "a * b"),
        (lambda a, b, **_: a * -b, "-a * b"),
        (lambda a, b, **_: a / -b, "-a / b"),
        (lambda a, X, **_: X @ -a, "-(X @ a)"),
        (lambda a, **_: np.sum(-a), "-np.sum(a)"),
        (lambda a, b, **_: a - (b - a), "2 * a - b"),
        (lambda a, b, **_: a / (b * a), "a / (b * a)"),
        (lambda a, b, **_: a / 3 * b, "a * b / 3"),
        (lambda a, **_: np.sum(a / 3), "np.sum(a) / 3"),
        (lambda a, b, **_: a / 3 + b / 3, "(a + b) / 3"),
        (lambda a, b, X, **_: a / ops.count(X) / ops.count(X) + b / ops.count(X), "(a / X.size + b) / X.size"),
        (lambda a, **_: 6 * a / 3, "2 * a"),
        (lambda a, **_: 0 * a, "0 * a"),
        (lambda a, **_: a * 0.0 + a, "0.0 * a + a"),
        (lambda m, **_: 1.0 * m, "1.0 * m"),
        (lambda m, **_: -1.0 * m, "-1.0 * m"),
        (lambda a, m, **_: 1.0 * m * a, "m * a"),
        (lambda a, m, **_: a - 1.0 * m, "a - m"),
        (lambda a, m, **_: 1.0 * m + 1.0 * m, "2.0 * m"),
        (lambda a, **_: (a + 1) * 2, "2 * (a + 1)"),
        (lambda a, s, c, **_: ops.broadcast_like(s, c) * -a, "-np.full_like(c, s) * a"),
        (lambda a, s, c, **_: ops.broadcast_like(s, c) - -a, "np.full_like(c, s) + a"),
        (lambda n, **_: -1.0 * (-1.0 * n), "1.0 * n"),
        (lambda n, s, **_: -1.0 * n * -1.0 * s, "n * s"),
        (lambda a, u, **_: -1.0 * u / 2 + a, "-1.0 * u / 2 + a"),
        (lambda a, u, **_: a - u / 2.0, "a - u / 2.0"),
        (lambda X, **_: X.T.T, "X"),
        (lambda a, **_: a.T, "a"),
        (lambda X, **_: np.transpose(X, (1, 0)), "X.T"),
        (lambda X, **_: np.transpose(X, (-1, 0)), "X.T"),
        (lambda a, X, **_: X @ a.T, "X @ a"),
        (lambda X, **_: np.transpose(X * 2.0, (1, 0)).T, "2 * X"),
        (lambda X, Y, **_: (X @ Y.T).T, "Y @ X.T"),
        (lambda X, **_: (X.T @ X).T, "X.T @ X"),
        (lambda X, **_: (X @ X.T) / 2.0, "X @ X.T / 2.0"),
        (lambda X, **_: (-X / 2.0).T, "-X.T / 2.0"),
        (lambda a, X, **_: np.expand_dims(-a / 2.0, 0) * X, "-a * X / 2.0"),
        (lambda s, X, **_: 2 * np.expand_dims(1 / (2 * s), (0, 1)) * X, "X / s"),
        (
            lambda s, a, X, **_: ops.broadcast_like(np.expand_dims(ops.broadcast_like(s / 2.0, a), 0), X),
            "np.full_like(X, s / 2.0)",
        ),
        (lambda s, a, **_: ops.reshape_like(ops.broadcast_like(2 * s, a), a), "np.full_like(a, 2 * s)"),
        (lambda a, X, **_: ops.broadcast_like(2 * a, X), "np.broadcast_to(2 * a, X.shape)"),
        (lambda s, c, X, **_: ops.broadcast_like(ops.broadcast_like(s * c, c), X), "np.broadcast_to(s * c, X.shape)"),
        (lambda a, s, X, **_: np.sum(ops.broadcast_like(s / 2.0, X)) * a, "s * X.size * a / 2.0"),
        (lambda a, X, **_: np.sum(ops.broadcast_like(a, X)), "np.sum(a) * len(X)"),
        (lambda a, X, **_: ops.reshape_like(np.sum(-X, axis=0, keepdims=True), a), "-np.sum(X, axis=0)"),
        (lambda c, d, X, **_: ops.reshape_like(c * np.sum(X, axis=1, keepdims=True), d), KEPT),
        (lambda d, X, Y, **_: ops.reshape_like(np.max(X, 1, keepdims=True) * np.sum(Y, 1, keepdims=True), d), LOST),
        (lambda d, X, **_: ops.reshape_like(2 * np.expand_dims(d, 1), d) * d, "2 * d * d"),
        (lambda d, X, **_: np.squeeze(np.expand_dims(d, 1)) * d, "d * d"),
        (lambda c, X, **_: ops.reshape_like(np.sum(X, axis=1, keepdims=True), c), "np.sum(X, axis=1, keepdims=True)"),
        (lambda a, b, X, **_: 2.0 * np.expand_dims(a / (2.0 * b), 0) * X, "a / b * X"),
        (lambda a, b, **_: np.sum(a / (2.0 * b)), "np.sum(a / b) / 2"),
        (lambda s, **_: np.expand_dims(s, 0), "np.expand_dims(s, axis=0)"),
        (lambda a, s, **_: a * s * s + s * a * s, "2 * a * s * s"),
        (lambda s, X, **_: ops.broadcast_like(1 + s, X) + 1, "np.full_like(X, 2 + s)"),
        (lambda a, **_: (-a) ** 2, "(-a) ** 2"),
        (lambda a, b, **_: np.expand_dims(a, -1) * np.expand_dims(b, -2), "np.outer(a, b)"),
        (lambda a, b, s, **_: -s * (np.expand_dims(a, 1) * b).T / 2.0, "-s * np.outer(b, a) / 2.0"),
        (lambda a, b, **_: np.outer(a, b).T * 3, "3 * np.outer(b, a)"),
        (lambda a, b, X, **_: np.expand_dims(a, 0) * b * X, "a * b * X"),
        (lambda a, c, X, **_: np.sum(c[:, 0] * 2.0) * (X @ a), "2 * np.sum(c[:, 0]) * (X @ a)"),
        (lambda a, s, X, **_: X @ (s * a / 2.0), "X @ a * s / 2.0"),
        (lambda a, s, X, **_: (X * s) @ (s / a), "X @ (s / a) * s"),
        (lambda a, s, X, **_: np.sum(a / s * X, axis=0), "a / s * np.sum(X, axis=0)"),
        (lambda a, s, X, **_: np.sum(s * a * X, axis=1), "s * np.sum(a * X, axis=1)"),
        (lambda c, X, **_: np.sum(c * X, axis=0, keepdims=True), "np.sum(c * X, axis=0, keepdims=True)"),
        (lambda c, X, **_: np.sum(c * X, axis=1, keepdims=True), "np.sum(c * X, axis=1, keepdims=True)"),
        (lambda X, **_: np.sum(np.expand_dims(X @ X.T, 0)), "np.sum(X @ X.T)"),
        (lambda a, X, **_: np.sum(np.expand_dims(X @ a, 1) * X, axis=0), "X @ a @ X"),
        (lambda a, X, **_: np.sum(X.T * np.expand_dims(a, 1), axis=0), "X @ a"),
        (lambda X, Y, **_: np.einsum("ij,kj->ik", X, 2 * Y), "2 * (X @ Y.T)"),
        (lambda X, Y, **_: np.einsum("ij,kj->ki", X, Y), "Y @ X.T"),
        (lambda a, X, **_: np.einsum("j,ij->i", a, X), "X @ a"),
        (lambda X, Y, **_: np.einsum("ij,ij->i", X, Y), "np.einsum('ij,ij->i', X, Y)"),
        (lambda X, Y, **_: (X * Y).T, "(X * Y).T"),
        (lambda X, Y, a, **_: (X.T * Y.T).T * a, "X * Y * a"),
        (lambda n, m, **_: np.sum(1.0 * n * m), "np.sum(1.0 * n * m)"),
        (lambda a, m, **_: np.sum(a * m), "np.sum(a * m)"),
        (lambda a, **_: -(a**2), "-a ** 2"),
        (lambda a, n, u, **_: 1.0 * n * u * np.sin(a), "np.sin(a) * n * u"),  # as n * u might not fit its dtype
    ],
)
def test_rewrites(build: Any, printed: str) -> None:
    assert gradient(build) == printed


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_zero_times_what_is_not_finite_is_not_a_number(bad: float) -> None:
    x = leaf(np.array([bad, 1.0]))
    with np.errstate(invalid="ignore"):
        for factor in (0, 0.0, -0.0):
            simple = simplified(ops.multiply, [Number(factor), x.simple], {}, (2,), "f")
            np.testing.assert_array_equal(evaluate(simple, value_of), [np.nan, 0])


def network(n: int, k: int, m: int, array: Callable[..., Any]) -> dict[str, Any]:
    X, W, b, Y = array(n, k), array(k, m), array(m), array(n, m)
    Z = X @ W + b
    P = np.exp(Z) / np.sum(np.exp(Z), axis=1, keepdims=True)
    L = -np.sum(Y * np.log(P)) / np.mean(b)
    return locals()


def attention(n: int, k: int, m: int, array: Callable[..., Any]) -> dict[str, Any]:
    Q, K, V, s = array(n, k), array(m, k), array(m, k), array()
    S = s * (Q @ K.T)
    A = tg.softmax(S)
    O = A @ V
    L = np.sum(O**2)
    return locals()


def normalised(n: int, k: int, m: int, array: Callable[..., Any]) -> dict[str, Any]:
    X, g, b = array(n, k), array(k), array(k)
    u = np.mean(X, axis=0)
    v = np.mean((X - u) ** 2, axis=0)
    Y = g * (X - u) / np.sqrt(v) + b
    L = np.sum(np.tanh(Y))
    return locals()


def products(n: int, k: int, m: int, array: Callable[..., Any]) -> dict[str, Any]:
    x, y, W = array(n), array(k), array(n, k)
    z = x @ W + np.outer(y, x) @ x
    M = np.einsum("ij,j,ik->jk", W, z, W) * y[:, None]
    L = np.sum(M**2) + np.sum((x[:, None] * W) ** 2)
    return locals()


@pytest.mark.parametrize("build", [network, attention, normalised, products])
def test_square_arrays_print_as_others_do(build: Callable[..., dict[str, Any]]) -> None:
    def lines(*sizes: int) -> list[str]:
        rng = np.random.default_rng(0)
        with any_ranks():
            values = build(*sizes, lambda *shape: tg.parameter(rng.uniform(0.5, 1.5, shape)))
        graph = tg.Graph(values["L"], names={name: x for name, x in values.items() if isinstance(x, tg.Node)})
        graph.backprop()
        return [repr(statement) for statement in graph.statements()]

    assert lines(3, 3, 3) == lines(3, 4, 5) == lines(5, 4, 3)
