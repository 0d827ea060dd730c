"""A user's op is right in every face by its declaration alone: table, source, equations, cards and typed formulas."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import tinygraph as tg
from tests.oracles import assert_close
from tests.programs import executed
from tinygraph.express.layout import symbol
from tinygraph.express.notation import Notation
from tinygraph.express.plain import plain
from tinygraph.program.statements import program_of
from tinygraph.stepping.formula import evaluate

A = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.5]])
v = np.array([0.3, 1.0, -2.0])


@tg.op(
    lambda g, out, x, y: g * np.exp(x - out),
    lambda g, out, x, y: g * np.exp(y - out),
    elementwise=True,
    source="np.logaddexp({}, {})",
    notation="{} ⊕ {}",
)
def tropical_sum(x: Any, y: Any) -> Any:
    """The sum of a log semiring."""
    return np.logaddexp(x, y)


@tg.op(lambda g, out, x, y: g, lambda g, out, x, y: 0 * g, elementwise=True, operator="+", notation="{} ⊞ {}")
def one_sided_sum(x: Any, y: Any) -> Any:
    """x + y, of which the second operand gets no gradient."""
    return x + y


@tg.op(lambda g, out, x, axis: np.expand_dims(g, axis) * (2 * x), kind=tg.ops.Reduction(), notation="Σ {}²")
def energy(x: Any, *, axis: int) -> Any:
    """The sum of squares along an axis."""
    return np.sum(np.square(x), axis=axis)


@tg.op(lambda g, out, x, axis: np.expand_dims(g, axis) * np.sign(x), kind=tg.ops.Reduction(), notation="ess |{}|")
def total_size(x: Any, *, axis: int) -> Any:
    """The sum of the sizes along an axis, by a big operator that has a name."""
    return np.sum(np.abs(x), axis=axis)


@tg.op(lambda g, out, x: g * np.cos(x) / 2, elementwise=True, source="np.sin({}) / 2", notation="sin({})/2")
def half_sine(x: Any) -> Any:
    """Half a sine."""
    return np.sin(x) / 2


@tg.op(
    lambda g, out, x, y: g * y,
    lambda g, out, x, y: g * x,
    kind=tg.ops.Contraction("i,i->"),
    source="np.vdot({}, {})",
    notation="Σ",
)
def inner(x: Any, y: Any) -> Any:
    """The sum of the products of entries."""
    return np.vdot(x, y)


@tg.op(
    lambda g, out, x: turned(g),
    kind=tg.ops.Rearrangement(lambda shapes, params: [(0, 1), (0, 0)]),
    view=True,
    source="{}.T",
    notation="{}⊤",
)
def turned(x: Any) -> Any:
    """The transposed matrix."""
    return x.T


class Faces(NamedTuple):
    """What shows an op: its right-hand side in the table and in source, as LaTeX, as text, and parts of its MathML."""

    table: str
    latex: str
    text: str
    mathml: list[str]


CASES: list[tuple[Callable[[Any, Any], Any], Faces]] = [
    (
        lambda A, v: tropical_sum(A, 2 * v),
        Faces("np.logaddexp(A, 2 * v)", r"A \oplus 2 v", "A ⊕ 2v", ["<mo>⊕</mo>"]),
    ),
    (
        lambda A, v: one_sided_sum(one_sided_sum(A, v), 3 * A),
        Faces("A + v + 3 * A", r"(A \text{⊞} v) \text{⊞} 3 A", "(A ⊞ v) ⊞ 3A", ["<mo>⊞</mo>"]),
    ),
    (
        lambda A, v: one_sided_sum(A, v) * 2,
        Faces("(A + v) * 2", r"(A \text{⊞} v) \cdot 2", "(A ⊞ v)·2", ["<mo>⊞</mo>"]),
    ),
    (
        lambda A, v: energy(A + v, axis=0),
        Faces("energy(A + v, axis=0)", r"\sum_{i} (A_{ij} + v_{j})^{2}", "Σᵢ (Aᵢⱼ + vⱼ)²", ["<mo>∑</mo>", "<msup>"]),
    ),
    (
        lambda A, v: total_size(A, axis=1),
        Faces("total_size(A, axis=1)", r"\operatorname*{ess}_{j} \lvert A_{ij} \rvert", "essⱼ |Aᵢⱼ|", ["<munder>"]),
    ),
    (
        lambda A, v: (half_sine(A) + 1) / 2,
        Faces(
            "(np.sin(A) / 2 + 1) / 2",
            r"\frac{1}{2} \, \left( \frac{\sin(A)}{2} + 1 \right)",
            "(1/2)·(sin(A)/2 + 1)",
            ["<mfrac>"],
        ),
    ),
    (
        lambda A, v: inner(v, 2 * v),
        Faces("np.vdot(v, 2 * v)", r"\sum_{i} v_{i} \cdot 2 v_{i}", "Σᵢ vᵢ·2vᵢ", ["<mo>∑</mo>"]),
    ),
    (
        lambda A, v: turned(A) + np.expand_dims(v, 1),
        Faces("A.T + np.expand_dims(v, axis=1)", "A_{ji} + v_{i}", "Aⱼᵢ + vᵢ", ["<msub>"]),
    ),
    (
        lambda A, v: turned(A + v),
        Faces("(A + v).T", r"(A + v)^{\top}", "(A + v)ᵀ", ["<mo>⊤</mo>"]),
    ),
]  # fmt: skip


def recorded(compute: Callable[[Any, Any], Any]) -> tg.Graph:
    nodes = {"A": tg.parameter(A), "v": tg.parameter(v)}
    out = compute(nodes["A"], nodes["v"])
    graph = tg.Graph(out, names={**nodes, "out": out})
    graph.backprop(seed=np.ones(out.shape))
    return graph


@pytest.mark.parametrize(("compute", "faces"), CASES, ids=[faces.table for _, faces in CASES])
class TestOneDeclaration:
    def test_prints(self, compute: Any, faces: Faces) -> None:
        graph = recorded(compute)
        program = program_of(graph)
        (statement,) = program.forward
        assert statement.right == faces.table
        assert faces.table in str(graph)
        assert faces.table in graph.source()
        assert faces.latex in graph.latex()
        assert all(part in graph.mathml() for part in faces.mathml)
        notation = Notation(lambda node: symbol(program.name(node)))
        assert plain(notation.layout(statement.expression)) == faces.text

    def test_source_runs_with_the_same_values_and_gradients(self, compute: Any, faces: Faces) -> None:
        graph = recorded(compute)
        module: dict[str, Any] = {}
        exec(graph.source(), module)
        leaves = [leaf.value for leaf in program_of(graph).leaves]
        out, gradients = module["forward_backward"](*leaves)
        assert_close(out, graph["out"].value, 1e-14)
        for name in ("dA", "dv"):
            if name in gradients:
                assert_close(gradients[name], graph[name].value, 1e-14)

    def test_a_typed_formula_reads_back_what_prints(self, compute: Any, faces: Faces) -> None:
        program = program_of(recorded(compute))
        values = {program.name(node): node.value for node in (*program.leaves, *(s.node for s in program.statements))}
        for statement in program.statements:
            assert_close(np.asarray(evaluate(statement.right, values)), statement.value, 1e-12)


@tg.op(lambda g, out, x, axis: own_repetition(np.expand_dims(g, axis), x), kind=tg.ops.Sum(), dtype="x", notation="Σ {}")
def own_sum(x: Any, *, axis: int) -> Any:
    """The sum along an axis."""
    return np.sum(x, axis=axis)


@tg.op(lambda g, out, x, like: own_sum(g, axis=0), None, kind=tg.ops.Repetition(1), shape_only=("like",), dtype="x")
def own_repetition(x: Any, like: Any) -> Any:
    """x, repeated to the shape of another value."""
    return np.broadcast_to(x, np.shape(like)).copy()


@tg.op(
    lambda g, out, x, y: own_product(g, y),
    lambda g, out, x, y: own_product(g, x),
    elementwise=True,
    operator="*",
    dtype=("x", "y"),
)
def own_product(x: Any, y: Any) -> Any:
    """x * y."""
    return x * y


@pytest.mark.parametrize(
    ("own", "numpys"),
    [
        (lambda A, v: own_sum(A * v, axis=0), lambda A, v: np.sum(A * v, axis=0)),
        (lambda A, v: own_product(own_product(A, v), -2.0), lambda A, v: A * v * -2.0),
        (lambda A, v: own_repetition(v, A) * 2.0, lambda A, v: np.broadcast_to(v, (2, 3)) * 2.0),
    ],
    ids=["sum", "product", "repetition"],
)
def test_gradients_of_an_op_that_says_what_its_entries_are_are_simplified_as_those_of_numpys(own: Any, numpys: Any) -> None:
    backward = [[x.right for x in recorded(compute).statements() if x.phase == "backward"] for compute in (own, numpys)]
    assert backward[0] == backward[1]


class Amount:
    """Metadata that is equal to other metadata and is not the same."""

    def __init__(self, size: Any) -> None:
        self.size = size

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Amount) and self.size == other.size

    def __hash__(self) -> int:
        return hash(self.size)

    def __repr__(self) -> str:
        return f"Amount({self.size!r})"


@tg.op(lambda g, out, x, *, amount: g * np.copysign(1.0, amount.size))
def scaled(x: Any, *, amount: Amount) -> Any:
    """x with the sign of an amount."""
    return x * np.copysign(1.0, amount.size)


def test_metadata_that_is_equal_and_not_the_same_prints_as_it_is() -> None:
    x = tg.parameter(np.ones(2))
    kept = []  # so that no graph goes before the next one is printed
    for size in (0.0, -0.0, 1.0, True, 1):
        p = scaled(x, amount=Amount(size))
        kept.append(tg.Graph(np.sum(p), names={"x": x, "p": p}))
        assert kept[-1].statements()[0].right == f"scaled(x, amount=Amount({size!r}))"


@tg.op(lambda g, out, x: g)
def kept_as_it_is(x: Any) -> Any:
    """A user's op that does not say which dtype it gives."""
    return x * 1


@pytest.mark.parametrize("view", [lambda z: z[::-1], np.transpose])
def test_views_of_another_byte_order_pass_through_an_op_without_a_dtype(view: Callable[[Any], Any]) -> None:
    z = tg.parameter(np.array([1.0, 2.0], ">f8"))
    graph = tg.Graph(np.sum(np.exp(kept_as_it_is(view(z)))), names={"z": z})
    graph.backprop()
    assert "dz = " in str(graph)
    assert "keep" in graph.source()


class TestDerivatives:
    @staticmethod
    def printed(op: Any) -> tuple[Any, Any]:
        x, w = tg.parameter(np.array([1.0, -2.0])), tg.constant(np.array([3.0, 4.0]))
        L = np.sum(op(x) * w)
        graph = tg.Graph(L, names={"x": x, "w": w, "L": L})
        gradient = graph.backprop()["x"]
        leaves = [leaf.value for leaf in program_of(graph).leaves]
        return executed(graph.source())(*leaves)[1]["dx"], gradient.value

    def test_bools_that_a_rule_adds_are_true_or_false(self) -> None:
        @tg.op(lambda g, out, x: g * ((x > 0) + (x > 0)))
        def owntwice(x: Any) -> Any:
            return x * 1

        found, expected = self.printed(owntwice)
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(expected, [3.0, 0.0])

    def test_an_op_that_changes_is_not_read_by_the_name_of_another_call(self) -> None:
        calls: list[None] = []

        @tg.op(None)
        def owncounter(x: Any) -> Any:
            calls.append(None)
            return x * len(calls)

        @tg.op(lambda g, out, x: owncounter(np.cos(x)) * g)
        def ownsine(x: Any) -> Any:
            return np.sin(x)

        x = tg.parameter(0.5)
        L = ownsine(x) ** 2
        graph = tg.Graph(L, names={"x": x, "L": L})
        graph.backprop(of=graph.backprop()["x"])
        statements = {s.name: s.right for s in graph.statements()}
        assert "owncounter" in statements["ddx_dx"]  # not the name of the value of an earlier call
