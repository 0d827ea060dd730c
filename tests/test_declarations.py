"""What an op declares about itself is what it does: its axes, its dtype, what it reads, what it shows; a user's op likewise."""

import itertools
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tests.op_cases import LAYOUTS, Case, cases
from tests.programs import executed
from tests.test_contract import recorded
from tinygraph.express.source import is_view
from tinygraph.ops import REGISTRY, Contraction, Kind, Op, Opaque, Rearrangement, Reduction, Repetition, Same, Sum, SumOfProducts
from tinygraph.program.axes import Axes
from tinygraph.program.statements import program_of
from tinygraph.program.value import Apply, Name
from tinygraph.sizes import spelled

CASES = [case for case in cases() if case.note not in LAYOUTS]
OPS = [op for op in REGISTRY.values() if op.built_in]
CANNOT = (TypeError, ValueError, IndexError, np.linalg.LinAlgError, OverflowError)


def cases_of(op: Op) -> list[Case]:
    return [case for case in CASES if case.op is op]


# Axes


# How long an axis of a size of at least 2 is made, so that for one of them at least the op has a result.
GROWN: list[Callable[[int], int]] = [lambda n: 2 * n + 1, lambda n: 2 * n, lambda n: n + 2, lambda n: 2 * n if n == 2 else n]
# Ops that do not check whether their arguments fit: they are given what does.
UNCHECKED = {"part_like": GROWN[1:2], "on_section_like": GROWN[3:]}


def grown(x: Any, longer: Callable[[int], int]) -> Any:
    """An array of the same kind with longer axes; those of size 0 and 1 stay. Square matrices are positive definite."""
    if not np.shape(x):
        return x
    shape, rng = tuple(n if n < 2 else longer(n) for n in x.shape), np.random.default_rng(0)
    if x.dtype.kind != "f":
        return np.resize(x, shape)
    values = rng.uniform(0.5, 1.5, shape)
    square = len(shape) > 1 and shape[-1] == shape[-2]
    return values @ np.swapaxes(values, -1, -2) + np.eye(shape[-1]) if square else values


def shape_foreseen(axes: Axes, out: tg.Node, leaves: list[tg.Node], given: list[Any]) -> tuple[int, ...] | None:
    """The shape of a result for other leaves by the kind of its op, or None where that demands the sizes that were recorded."""
    names = {leaf: f"leaf_{i}" for i, leaf in enumerate(leaves)}
    shapes = {names[leaf]: SimpleNamespace(shape=np.shape(x)) for leaf, x in zip(leaves, given, strict=True)}

    def size(x: Any) -> int:
        return int(eval(spelled(x, lambda node: names[node]), shapes))

    if any(size(demand.size) != size(demand.needed) for demand in axes.demands):
        return None
    return tuple(map(size, axes.sizes_of(out)))


def is_masked(case: Case) -> bool:
    return case.op is tg.ops.index and any(x.dtype.kind == "b" for x in case.arguments[1:])


@pytest.mark.parametrize("op", OPS, ids=str)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_shape_of_a_result_at_another_size_is_what_its_kind_foresees(op: Op) -> None:
    tried = []
    for case, longer in itertools.product(cases_of(op), UNCHECKED.get(op.name, GROWN)):
        out, _ = recorded(case)
        given = [grown(np.asarray(x)[()], longer) for x in case.arguments]
        leaves = [x for x in out.inputs if isinstance(x, tg.Node)]
        mine = [x for x, node in zip(given, out.inputs, strict=True) if isinstance(node, tg.Node)]
        try:
            result = op(*given, **case.params)
        except CANNOT:
            continue
        if not is_masked(case):
            foreseen = shape_foreseen(Axes(tg.Graph(out)), out, leaves, mine)
            assert foreseen in (None, np.shape(result)), case
            tried.append(foreseen)
    assert any(tried) or op.name in ALWAYS_OF_NO_AXES


ALWAYS_OF_NO_AXES = {"count"}


# Dtypes

DTYPES = ["f2", "f4", "f8", "longdouble", "i1", "i4", "i8", "u1", "u8", "?"]


# A power of bools has a dtype of its own, and the dtype of a loss of integers depends on whether there is a mean.
NOT_OF_INTEGERS = {
    "power", "mean_squared_error", "binary_cross_entropy", "binary_cross_entropy_with_logits", "logsumexp",
}  # fmt: skip


def in_dtypes(case: Case) -> Iterator[list[Any]]:
    """The arguments of a case with its arrays of floats in other dtypes, two of them in different ones."""
    places = [i for i, x in enumerate(case.arguments) if getattr(x, "dtype", np.dtype(int)).kind == "f"]
    for dtypes in itertools.product(DTYPES, repeat=min(len(places), 2)):
        given = list(case.arguments)
        for i, dtype in zip(places, itertools.cycle(dtypes) if dtypes else (), strict=False):
            with np.errstate(all="ignore"):
                given[i] = np.asarray(given[i]).astype(dtype)[()]
        yield given


@pytest.mark.parametrize("op", [op for op in OPS if op is not tg.ops.count], ids=str)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_dtype_of_a_result_is_the_one_declared(op: Op) -> None:
    tried = set()
    for case in cases_of(op)[:6]:
        for given in in_dtypes(case):
            try:
                with np.errstate(all="ignore"):
                    dtype = np.asarray(op(*given, **case.params)).dtype
            except CANNOT:
                continue
            if op.name in NOT_OF_INTEGERS and np.asarray(given[0]).dtype.kind != "f":
                continue
            found = [x.dtype if isinstance(x, np.ndarray | np.generic) else type(x) for x in given]
            assert op.result_dtype(found, case.params) == dtype, (case, found)
            tried.add(dtype)
    assert tried


# Arguments of which the shape is read, and views


def is_read(case: Case, i: int) -> bool:
    """Whether the result depends on the values of an argument; arrays of integers are indices or labels."""
    if np.asarray(case.arguments[i]).dtype.kind != "f":
        return True
    given = [*case.arguments[:i], np.asarray(case.arguments[i] * 0.5 + 1)[()], *case.arguments[i + 1 :]]
    try:
        return not np.array_equal(case.op(*given, **case.params), case.op(*case.arguments, **case.params), equal_nan=True)
    except CANNOT:
        return True


@pytest.mark.parametrize("op", [op for op in OPS if not op.elementwise and len(op.arguments) > 1], ids=str)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_of_an_argument_the_shape_alone_is_read_where_that_is_declared_and_nowhere_else(op: Op) -> None:
    read = [False] * len(op.arguments)
    for case in cases_of(op):
        for i in range(len(case.arguments)):
            read[op.argument(i)] |= is_read(case, i)
    assert [not x for x in read] == list(op.reads_shape)


@pytest.mark.parametrize("op", OPS, ids=str)
def test_what_shows_the_entries_of_an_argument_is_a_view(op: Op) -> None:
    shown = False
    for case in cases_of(op):
        arrays = [np.array(x) if np.shape(x) else x for x in case.arguments]
        result = op(*arrays, **case.params)
        shares = any(np.shares_memory(result, x) for x in arrays if np.shape(x))
        shown |= shares
        names = tuple(Name(tg.constant(x, copy=False)) for x in arrays)
        assert is_view(Apply(op, names, case.params, np.shape(result), "f", 1)) or not shares, case
    assert shown == op.view


# Work


@pytest.mark.parametrize("op", OPS, ids=str)
def test_an_op_computes_no_more_entries_than_it_declares(op: Op) -> None:
    for case in cases_of(op):
        if all(map(np.size, case.arguments)):
            out, _ = recorded(case)
            assert op.work([x.value if isinstance(x, tg.Node) else x for x in out.inputs], out.params) >= out.size, str(case)


# A user's op of each kind, and no line elsewhere


@tg.op(lambda g, out, x: g * (2 * x), elementwise=True, dtype="x", view=False)
def ownsquares(x: Any) -> Any:
    return x * x


@tg.op(lambda g, out, x, axis, keepdims: g * np.ones_like(x) if axis is None else tg.ops.broadcast_like(
    np.expand_dims(g, axis) if not keepdims else g, x), kind=Reduction(), dtype="x", view=False)  # fmt: skip
def ownsum(x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    return np.sum(x, axis=axis, keepdims=keepdims)


@tg.op(
    lambda g, out, X, w: g[:, None] * w, lambda g, out, X, w: X.T @ g,
    kind=Contraction("ij,j->i"), dtype=("X", "w"), view=False,
)  # fmt: skip
def ownproduct(X: Any, w: Any) -> Any:
    return X @ w


@tg.op(lambda g, out, x: ownturn(g), kind=Rearrangement(lambda shapes, params: [(0, 1), (0, 0)]), dtype="x", view=True)
def ownturn(x: Any) -> Any:
    return x.T


@tg.op(lambda g, out, x, like: g, None, kind=Same(1, fits=True), shape_only=("like",), dtype="x", view=True)
def ownspread(x: Any, like: Any) -> Any:
    return np.broadcast_to(x, like.shape)


USED: dict[str, Callable[[Any, Any], Any]] = {
    "ownsquares": lambda X, w: ownsquares(X * w),
    "ownsum": lambda X, w: ownsum(X * w, axis=0) * w,
    "ownproduct": lambda X, w: ownproduct(np.tanh(X), w),
    "ownturn": lambda X, w: ownturn(X * w) @ np.sum(X, axis=1),
    "ownspread": lambda X, w: ownspread(w, np.sin(X)) * X,
}


def graph_at(name: str, n: int, dtype: Any = float) -> tg.Graph:
    X, w = tg.constant(np.linspace(0, 1, 3 * n).reshape(n, 3).astype(dtype)), tg.parameter(np.array([0.5, -1, 2], dtype))
    y = USED[name](X, w)
    graph = tg.Graph(np.sum(y * y), names={"X": X, "w": w, "y": y})
    graph.backprop()
    return graph


@pytest.mark.parametrize("name", USED)
class TestAUsersOpOfEachKind:
    def test_runs_at_another_size_as_it_is_recorded_there(self, name: str) -> None:
        function = executed(graph_at(name, 4).source())
        for n in (2, 3, 7):
            fresh = graph_at(name, n)
            output, gradients = function(X=fresh["X"].value, w=fresh["w"].value)
            np.testing.assert_allclose(output, fresh.outputs[0].value, rtol=1e-12)
            np.testing.assert_allclose(gradients["dw"], fresh["dw"].value, rtol=1e-12)

    def test_is_neither_measured_nor_cast(self, name: str) -> None:
        graph = graph_at(name, 4, np.float32)
        assert not program_of(graph).demands
        assert "astype" not in graph.source()

    def test_shows_in_every_face(self, name: str) -> None:
        graph = graph_at(name, 4)
        assert f"{name}(" in str(graph)
        assert rf"\operatorname{{{name}}}" in graph.latex()
        assert name in graph.mathml()
        assert f"{name}(" in graph.draw()._repr_svg_()
        assert any(f"{name}(" in str(step) for step in graph.stepper().steps)

    def test_its_gradients_are_right(self, name: str) -> None:
        X, w = np.linspace(0.1, 1, 12).reshape(4, 3), np.array([0.5, -1.0, 2.0])
        tg.check_gradients(lambda w: np.sum(np.sin(USED[name](tg.constant(X), w))), w)


@tg.op(lambda g, out, x, like: g, lambda g, out, x, like: g)
def blend(x: Any, like: Any) -> Any:
    return x + like


def test_an_argument_called_like_is_a_value_unless_it_is_declared_otherwise() -> None:
    a, b = tg.parameter(np.array([1.0, 2.0])), tg.parameter(np.array([3.0, 4.0]))
    y = blend(a, b * 3)
    L = np.sum(y * y)
    graph = tg.Graph(L, names={"a": a, "b": b, "y": y, "L": L})
    graph.backprop()
    assert "y = blend(a, b * 3)" in graph.source()
    output, gradients = graph.function()(a.value, b.value)
    assert output == L.value
    np.testing.assert_array_equal(gradients["db"], graph["db"].value)


@tg.op(None, lambda g, out, i, x: tg.ops.scatter_like(g, x, i, template=(tg.ops.ARRAY,)))
def ownentries(i: Any, x: Any) -> Any:
    return x[i]


@tg.op(lambda g, out, x, i: tg.ops.scatter_like(g, x, i, template=(tg.ops.ARRAY,)), None)
def ownlater(x: Any, i: Any) -> Any:
    return x[i]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("call", [lambda x, i: ownentries(i, x), lambda x, i: ownlater(x, i), lambda x, i: ownentries(i, x) * 2])
def test_what_a_user_declares_nothing_of_has_the_dtype_that_it_was_recorded_with(call: Any, dtype: Any) -> None:
    x, i = tg.parameter(np.ones(3, dtype)), tg.constant(np.array([0, 2]))
    y = call(x, i)
    graph = tg.Graph(np.sum(y), names={"x": x, "i": i, "y": y})
    graph.backprop()
    source = graph.source()
    assert "astype" not in source
    output, gradients = graph.function()(x=x.value, i=i.value)
    assert (output.dtype, gradients["dx"].dtype) == (dtype, dtype)


@pytest.mark.parametrize("dtype", [np.float32, "x", ("x",), np.dtype(np.float32), lambda x: x])
def test_a_dtype_is_declared_as_a_type_a_name_names_or_a_function(dtype: Any) -> None:
    @tg.op(None, dtype=dtype)
    def owndeclared(x: Any) -> Any:
        return x

    assert owndeclared.result_dtype([np.dtype(np.float32)], {}) == np.float32


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (Reduction(), r"declares Reduction\(\), which gives \(\), but its result has shape \(3,\)"),
        (Contraction("ij->"), r"declares Contraction\(subscripts='ij->'\)"),
        (Contraction("i,i->i"), r"declares Contraction\(subscripts='i,i->i'\)"),
    ],
)
def test_a_kind_that_is_not_that_of_the_result_is_refused(kind: Kind, said: str) -> None:
    @tg.op(lambda g, out, x: 2 * g, kind=kind)
    def owndoubled(x: Any) -> Any:
        return 2 * x

    x = tg.parameter(np.ones(3))
    with pytest.raises(TypeError, match=f"owndoubled {said}"):
        tg.Graph(owndoubled(x), names={"x": x}).source()


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"shape_only": ("other",)}, "op wrong has no array argument other"),
        ({"elementwise": True, "kind": Same()}, r"op wrong has no kind but Elementwise\(\): not Same"),
        ({"shape_only": "x"}, r"op wrong: write shape_only=\('x',\), a tuple of names"),
        ({"kind": Sum}, r"op wrong has no kind Sum: write Sum\(\)"),
        ({"kind": "sum"}, r"op wrong has no kind 'sum': write one such as tg.ops.Elementwise\(\)"),
        ({"elementwize": True}, "tg.op has no setting elementwize: did you mean elementwise"),
    ],
)
def test_what_contradicts_itself_is_refused(declared: dict[str, Any], said: str) -> None:
    with pytest.raises(TypeError, match=said):

        @tg.op(None, **declared)
        def wrong(x: Any) -> Any:
            return x


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"operator": "*"}, r"metadata \(scale\) that operator='\*' says nothing of"),
        ({"kind": SumOfProducts("i,j->ij")}, r"metadata \(scale\) that kind=SumOfProducts says nothing of"),
        ({"kind": Repetition(1)}, r"metadata \(scale\) that kind=Repetition says nothing of"),
        ({"kind": Sum()}, r"metadata \(scale\) that kind=Sum says nothing of"),
    ],
)
def test_metadata_beside_what_says_all_that_an_op_computes_is_refused(declared: dict[str, Any], said: str) -> None:
    with pytest.raises(TypeError, match=said):

        @tg.op(None, None, **declared)
        def wrong(x: Any, y: Any, *, scale: float = 1.0) -> Any:
            return scale * x * y


def test_a_repetition_has_two_arguments() -> None:
    with pytest.raises(TypeError, match=r"more arguments than the two of kind=Repetition: declare Same\(argument, fits=True\)"):

        @tg.op(None, None, None, kind=Repetition(2))
        def wrong(x: Any, y: Any, z: Any) -> Any:
            return x


def test_a_kind_is_usual_where_none_is_declared() -> None:
    usual: list[tuple[Op, Kind]] = [(tg.ops.mean, Reduction()), (blend, Opaque()), (ownsquares, tg.ops.Elementwise())]
    assert [op.kind for op, _ in usual] == [kind for _, kind in usual]


# What some kinds say of the entries


def entries_of(op: Op, case: Case) -> Any:
    """The result of an op by what its kind says that the entries are, computed by NumPy alone."""
    kind, arrays, params = op.kind, [np.asarray(x) for x in case.arguments], op.defaults | case.params
    if isinstance(kind, Sum):
        return np.sum(arrays[0], axis=params["axis"], keepdims=params["keepdims"])
    if isinstance(kind, Repetition):
        return np.broadcast_to(arrays[0], arrays[kind.argument].shape)
    assert isinstance(kind, SumOfProducts)
    terms, result = kind.letters(tuple(x.ndim for x in arrays), params)
    numbers = {letter: i for i, letter in enumerate({letter for term in [*terms, result] for letter in term})}
    operands = [part for x, term in zip(arrays, terms, strict=True) for part in (x, [numbers[letter] for letter in term])]
    return np.einsum(*operands, [numbers[letter] for letter in result])


SAYING = [case for case in CASES if isinstance(case.op.kind, Sum | SumOfProducts | Repetition)]


@pytest.mark.parametrize("case", SAYING, ids=str)
def test_the_entries_of_a_result_are_what_its_kind_says(case: Case) -> None:
    np.testing.assert_allclose(case.op(*case.arguments, **case.params), entries_of(case.op, case), rtol=1e-6)
