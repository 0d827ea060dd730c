"""How expressions read as mathematics: parentheses, the scope of sums, indices, fractions; and that depth is no limit."""

import itertools
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tests.printed import graphs_of_every_op
from tests.programs import MODELS, RANDOM, Build, any_ranks, backward
from tinygraph.express.equations import equations_of
from tinygraph.express.layout import (
    Fence,
    Fraction,
    Layout,
    Lowered,
    Raised,
    Root,
    Row,
    Sigma,
    Sign,
    Symbol,
    Word,
    below_parts,
    ends,
    lowered,
    symbol,
)
from tinygraph.program.statements import Program, program_of

random = np.random.default_rng(0)
VALUES: dict[str, Any] = {
    **{name: tg.parameter(float(i + 2)) for i, name in enumerate(("a", "b", "c"))},
    **{name: tg.parameter(random.normal(size=4) + 3) for name in ("x", "y", "w")},
    **{name: tg.parameter(random.normal(size=(4, 3)) + 3) for name in ("A", "B")},
    "v": tg.parameter(random.normal(size=3)),
    "S": tg.parameter(np.eye(4) + 0.1),
    "T3": tg.parameter(random.normal(size=(2, 4, 3))),
    "col": tg.parameter(random.normal(size=(4, 1))),
    "one": tg.parameter([2.0]),
}


class Values:
    """The values by attribute, so that an expression reads as in a program."""

    def __getattr__(self, name: str) -> Any:
        return VALUES[name]


def written(compute: Callable[[Any], tg.Node]) -> str:
    """The equation of one expression."""
    with any_ranks():
        graph = tg.Graph(compute(Values()), names={**VALUES, "r": compute(Values())})
    last = [line for line in graph.latex().splitlines()[1:-1] if "&=" in line and "output" in line][-1]
    return last.strip().removesuffix(r" \\").replace(r"\mathit{output}", "r")


CASES: list[tuple[Callable[[Any], tg.Node], str]] = [
    # parentheses and signs
    (lambda n: n.a - (n.b - n.c), "r &= a - (b - c)"),
    (lambda n: n.a - n.b - n.c, "r &= a - b - c"),
    (lambda n: n.a * (n.b + n.c), r"r &= a \, (b + c)"),
    (lambda n: (n.a + n.b) * (n.b + n.c), "r &= (a + b) (b + c)"),
    (lambda n: -(n.a + n.b), "r &= -(a + b)"),
    (lambda n: n.a * -n.b, r"r &= a \, (-b)"),
    (lambda n: -n.a * n.b, "r &= -a b"),
    (lambda n: n.a - -n.b, "r &= a - (-b)"),
    (lambda n: n.a * 2, r"r &= a \cdot 2"),
    (lambda n: 2 * (3 * n.a), r"r &= 2 \cdot 3 a"),
    (lambda n: 2.0 * n.a + 1e-5, r"r &= 2 a + {10}^{-5}"),
    (lambda n: n.a * 2.5e-7, r"r &= a \cdot 2.5 \cdot {10}^{-7}"),
    (lambda n: n.a * np.pi, r"r &= a \pi"),
    # fractions
    (lambda n: n.a / n.b, r"r &= \frac{a}{b}"),
    (lambda n: n.a / n.b / n.c, r"r &= \frac{a}{b c}"),
    (lambda n: n.a / (n.b / n.c), r"r &= \frac{a}{\frac{b}{c}}"),
    (lambda n: (n.a / n.b + 1) / n.c, r"r &= \frac{1}{c} \, \left( \frac{a}{b} + 1 \right)"),
    (lambda n: n.a * n.b / n.c, r"r &= \frac{a b}{c}"),
    (lambda n: n.a / n.b * n.c, r"r &= \frac{a}{b} \, c"),
    (lambda n: -(n.a + 1) / n.b, r"r &= -\frac{a + 1}{b}"),
    (lambda n: 1 / (1 + 1 / (1 + n.a)), r"r &= \frac{1}{1 + \frac{1}{1 + a}}"),
    # powers
    (lambda n: n.a**2, "r &= a^{2}"),
    (lambda n: (-n.a) ** 2, "r &= (-a)^{2}"),
    (lambda n: (n.a**2) ** n.b, "r &= (a^{2})^{b}"),
    (lambda n: n.a ** (n.b + 1), "r &= a^{b + 1}"),
    (lambda n: (-2.0) ** n.a, "r &= (-2)^{a}"),
    (lambda n: (n.a / n.b) ** 2, r"r &= \left( \frac{a}{b} \right)^{2}"),
    (lambda n: n.A**2, r"r &= A^{\odot 2}"),
    (lambda n: np.sqrt(n.a + 1) ** 2, r"r &= \left( \sqrt{a + 1} \right)^{2}"),
    (lambda n: np.sqrt(n.a) / np.cbrt(n.b), r"r &= \frac{\sqrt{a}}{\sqrt[3]{b}}"),
    (lambda n: np.exp2(n.a + 1), "r &= 2^{a + 1}"),
    (lambda n: np.reciprocal(n.a) + np.square(n.b), r"r &= \frac{1}{a} + b^{2}"),
    # functions
    (lambda n: np.log(n.a) * np.abs(n.b - 1), r"r &= \ln(a) \lvert b - 1 \rvert"),
    (lambda n: np.log2(n.a) + np.log10(n.a), r"r &= \log_{2}(a) + \log_{10}(a)"),
    (lambda n: n.a // n.b, r"r &= \left\lfloor \frac{a}{b} \right\rfloor"),
    (lambda n: np.clip(n.x, 0, 1), r"r &= \operatorname{clip}(x, 0, 1)"),
    (lambda n: tg.softmax(n.A, axis=0), r"r &= \operatorname{softmax}(A, \operatorname{axis} = 0)"),
    (
        lambda n: tg.binary_cross_entropy_with_logits(n.x, [0, 1, 0, 1], reduction="sum"),
        r"r &= \operatorname{BCE}(\sigma(x), c_{1}, \operatorname{reduction} = \operatorname{sum})",
    ),
    # arrays
    (lambda n: n.x * n.y * n.w, r"r &= x \odot y \odot w"),
    (lambda n: n.a * n.x * n.y, r"r &= a x \odot y"),
    (lambda n: n.A @ n.v, "r &= A v"),
    (lambda n: n.x @ n.A, r"r &= A^{\top} x"),
    (lambda n: n.x @ n.A + n.v, r"r &= A^{\top} x + v"),
    (lambda n: n.x @ n.A.T.T @ n.A.T, r"r &= A A^{\top} x"),
    (lambda n: (2 * n.x) @ n.A, r"r &= A^{\top} \cdot 2 x"),
    (lambda n: n.S @ n.x @ n.x, r"r &= (S x)^{\top} \, x"),
    (lambda n: n.x.T @ n.y, r"r &= x^{\top} y"),
    (lambda n: np.outer(n.x, n.v), r"r &= x v^{\top}"),
    (lambda n: np.outer(n.x, n.A @ n.v), r"r &= x \, (A v)^{\top}"),
    (lambda n: -np.outer(2 * n.x, n.v).T, r"r &= -v \, (2 x)^{\top}"),
    (lambda n: np.outer(np.sum(n.A, axis=0), n.x), r"r_{ij} &= \left( \sum_{k} A_{ki} \right) x_{j}"),
    (lambda n: np.sum(np.outer(n.x, n.v), axis=0), r"r_{j} &= \sum_{i} x_{i} v_{j}"),
    (lambda n: n.x @ n.y, r"r &= x^{\top} y"),
    (lambda n: n.x @ n.A @ n.v, r"r &= x^{\top} A v"),
    (lambda n: n.A.T @ (n.x * n.y), r"r &= A^{\top} \, (x \odot y)"),
    (lambda n: n.A.T @ n.x * n.v, r"r &= A^{\top} x \odot v"),
    (lambda n: n.A.T @ (n.a * n.x), r"r &= A^{\top} a x"),
    (lambda n: n.A.T @ (n.x + n.y), r"r &= A^{\top} \, (x + y)"),
    (lambda n: (n.x @ n.y) * n.w, r"r &= (x^{\top} y) w"),
    (lambda n: n.A.T.T @ n.v, "r &= A v"),
    (lambda n: (n.A @ n.B.T).T, r"r &= (A B^{\top})^{\top}"),
    (lambda n: np.linalg.solve(n.S, n.x), "r &= S^{-1} x"),
    (lambda n: np.linalg.inv(n.S) @ n.x, "r &= S^{-1} x"),
    (lambda n: n.x[0] + n.A[:, 1] @ n.x[-4:], r"r &= x[0] + {A[:, 1]}^{\top} \, x[-4:]"),
    (lambda n: np.transpose(n.T3, (0, 2, 1)), r"r &= T_{3}^{\top}"),
    # comparisons and conditions
    (lambda n: n.x * (n.x > 0), r"r &= x \odot [x > 0]"),
    (lambda n: (n.a > 0) & (n.b <= 1), r"r &= [a > 0 \land b \le 1]"),
    (lambda n: np.logical_not(n.a == n.b), r"r &= \lnot [a = b]"),
    (
        lambda n: np.where(n.x > 1, n.x * n.a, -n.x),
        r"r_{i} &= \begin{cases} x_{i} a & \text{if } x_{i} > 1 \\ -x_{i} & \text{otherwise} \end{cases}",
    ),
    (lambda n: np.where(n.x > 1, n.y, 0), r"r &= y \odot [x > 1]"),
    (lambda n: np.where(n.x > 1, 1, 0), r"r &= [x > 1]"),
    (lambda n: 0.5 * np.where(n.x > 1, 0, 1.0), r"r &= 0.5 [x \le 1]"),
    (lambda n: np.where(n.x > 1, 0, n.y), r"r &= y \odot [x \le 1]"),
    (
        lambda n: 2 * np.where(n.a > 1, n.b, n.c),
        r"r &= 2 \left( \begin{cases} b & \text{if } a > 1 \\ c & \text{otherwise} \end{cases} \right)",
    ),
    # sums
    (lambda n: np.sum(n.x), r"r &= \sum_{i} x_{i}"),
    (lambda n: np.sum(n.x) * n.a, r"r &= \left( \sum_{i} x_{i} \right) a"),
    (lambda n: n.a * np.sum(n.x * n.y), r"r &= a \sum_{i} x_{i} y_{i}"),
    (lambda n: np.sum(n.x) + np.sum(n.x + 1), r"r &= \sum_{i} x_{i} + \sum_{i} (x_{i} + 1)"),
    (lambda n: np.sum(n.x) ** 2, r"r &= \left( \sum_{i} x_{i} \right)^{2}"),
    (lambda n: np.sum(n.x) * np.sum(n.y), r"r &= \left( \sum_{i} x_{i} \right) \sum_{i} y_{i}"),
    (lambda n: np.sum(n.x) / n.a, r"r &= \frac{1}{a} \sum_{i} x_{i}"),
    (lambda n: np.sum(-n.x * n.y), r"r &= -\sum_{i} x_{i} y_{i}"),
    (lambda n: np.sqrt(np.sum(n.x**2)), r"r &= \sqrt{\sum_{i} x_{i}^{2}}"),
    (lambda n: np.mean((n.x - n.y) ** 2), r"r &= \frac{1}{m} \sum_{i=1}^{m} (x_{i} - y_{i})^{2}"),
    (lambda n: np.mean(n.A), r"r &= \frac{1}{m n} \sum_{i, j} A_{ij}"),
    (lambda n: np.mean(n.S), r"r &= \frac{1}{m n} \sum_{i, j} S_{ij}"),
    (lambda n: np.mean(np.linalg.inv(n.S)), r"r &= \frac{1}{m^{2}} \sum_{i, j} (S^{-1})_{ij}"),
    (lambda n: np.mean(n.T3), r"r &= \frac{1}{m n u} \sum_{i, j, k} T_{3,ijk}"),
    (lambda n: np.mean(n.col), r"r &= \frac{1}{m} \sum_{i=1}^{m} \mathit{col}_{i}"),
    (lambda n: np.sum(n.one), r"r &= \mathit{one}"),
    (lambda n: np.sum(n.A, axis=0), r"r_{j} &= \sum_{i} A_{ij}"),
    (lambda n: np.sum(n.A, axis=1), r"r_{i} &= \sum_{j} A_{ij}"),
    (lambda n: np.sum(n.A, axis=1, keepdims=True), r"r_{i} &= \sum_{j} A_{ij}"),
    (lambda n: n.A / np.sum(n.A, axis=1, keepdims=True), r"r_{ij} &= \frac{A_{ij}}{\sum_{k} A_{ik}}"),
    (lambda n: n.A - np.mean(n.A, axis=0), r"r_{ij} &= A_{ij} - \frac{1}{m} \sum_{k=1}^{m} A_{kj}"),
    (lambda n: np.sum(n.T3, axis=(0, 2)), r"r_{j} &= \sum_{i, k} T_{3,ijk}"),
    (lambda n: np.mean(np.sum(n.A, axis=1) * n.x), r"r &= \frac{1}{m} \sum_{i=1}^{m} \left( \sum_{j} A_{ij} \right) x_{i}"),
    (lambda n: np.sum(n.A @ n.v), r"r &= \sum_{i} (A v)_{i}"),
    (lambda n: np.sum(n.A.T, axis=0), r"r_{j} &= \sum_{i} A_{ji}"),
    (lambda n: tg.softmax(np.sum(n.A, axis=0)), r"r &= \operatorname{softmax}\left( \left( \sum_{i} A_{ij} \right)_{j} \right)"),
    (lambda n: n.A * n.v, "r_{ij} &= A_{ij} v_{j}"),
    (lambda n: n.x[:, None] * n.v, r"r_{ij} &= x_{i} v_{j}"),
    (lambda n: np.expand_dims(n.x, 1) * n.v, "r_{ij} &= x_{i} v_{j}"),
    (lambda n: (n.col - n.v[None]) ** 2, r"r_{ij} &= (\mathit{col}_{i} - v_{j})^{2}"),
    (lambda n: n.col - n.col.T, r"r_{ij} &= \mathit{col}_{i} - \mathit{col}_{j}"),
    (lambda n: np.maximum(n.col, n.v), r"r_{ij} &= \max(\mathit{col}_{i}, v_{j})"),
    (lambda n: n.A + n.v, r"r &= A + v"),
    (lambda n: (n.col - n.v) @ n.v, r"r_{i} &= \sum_{j} (\mathit{col}_{i} - v_{j}) v_{j}"),
    (lambda n: (n.A / n.col).T @ n.B, r"r_{ij} &= \sum_{k} \frac{A_{ki}}{\mathit{col}_{k}} \, B_{kj}"),
    (lambda n: n.S @ (n.A * n.v) @ n.v, r"r_{i} &= \sum_{j} \left( \sum_{k} S_{ik} A_{kj} v_{j} \right) v_{j}"),
    (lambda n: (n.A + n.v) @ n.v, r"r &= (A + v) v"),
    (lambda n: n.A @ (np.expand_dims(n.v, 1) * n.x), r"r_{ij} &= \sum_{k} A_{ik} v_{k} x_{j}"),
    (lambda n: (n.x * np.expand_dims(n.v, 1)).T @ n.v, r"r_{i} &= \sum_{j} x_{i} v_{j} v_{j}"),
    (lambda n: np.max(n.A, axis=1), r"r_{i} &= \max_{j} A_{ij}"),
    (lambda n: np.min(n.x + n.y), r"r &= \min_{i} (x_{i} + y_{i})"),
    (lambda n: np.prod(n.A, axis=0), r"r_{j} &= \prod_{i} A_{ij}"),
    (lambda n: tg.logsumexp(n.A, axis=1), r"r_{i} &= \ln \sum_{j} \exp(A_{ij})"),
    (lambda n: np.einsum("ij,j->i", n.A, n.v), r"r_{i} &= \sum_{j} A_{ij} v_{j}"),
    (lambda n: np.einsum("ij,kj->ik", n.A[:1], n.A[1:2]), r"r &= \sum_{i} {A[:1]}_{i} \, {A[1:2]}_{i}"),
    (lambda n: np.einsum("i,ij->j", 1 * n.x, n.A), r"r_{i} &= \sum_{j} x_{j} A_{ji}"),
    (lambda n: np.einsum("ij,ij->", n.A, n.B), r"r &= \sum_{i, j} A_{ij} B_{ij}"),
    (lambda n: np.einsum("ij,ik->jk", n.A, n.B + 1), r"r_{ij} &= \sum_{k} A_{ki} \, (B_{kj} + 1)"),
]  # fmt: skip


@pytest.mark.parametrize(("compute", "expected"), CASES, ids=[expected for _, expected in CASES])
def test_an_expression_reads_as_mathematics(compute: Any, expected: str) -> None:
    assert written(compute) == expected


def test_indices_avoid_names_and_never_run_out() -> None:
    i, j = tg.parameter(1.0), tg.parameter(random.normal(size=(1, 2) * 6) + 3)
    deep = np.sum(j * i)
    graph = tg.Graph(deep, names={"i": i, "j": j, "k": deep})
    assert graph.latex().splitlines()[1].strip() == r"k &= \sum_{l, p, q, r, s, i'} j_{lpqrsi'} i"


def test_sizes_have_letters_that_are_not_names() -> None:
    m, n = tg.parameter([1.0, 2.0, 3.0]), tg.parameter(2.0)
    loss = np.mean(m * n)
    lines = tg.Graph(loss, names={"m": m, "n": n, "L": loss}).latex().splitlines()
    assert lines[1].strip() == r"L &= \frac{1}{u} \sum_{i=1}^{u} m_{i} n \\"
    assert lines[2].strip() == "u &= 3"


def test_second_derivatives_and_ones() -> None:
    x = tg.parameter([1.0, 2.0])
    s = np.sum(x)
    graph = tg.Graph(s, names=locals())
    graph.backprop()
    assert graph.latex().splitlines()[-2].endswith(r"\frac{\partial s}{\partial x} &= \mathbf{1}_{x}")
    y = tg.parameter(2.0)
    c = y**3 * x[0]
    graph = tg.Graph(c, names={"y": y, "c": c, "x": x})
    graph.backprop()
    graph.backprop(of="dy", wrt=["y", "x"])
    found = graph.latex()
    assert r"\frac{\partial^{2}c}{\partial y^{2}} &=" in found
    assert r"\frac{\partial^{2}c}{\partial y \, \partial x} &=" in found


@pytest.mark.parametrize(
    ("compute", "gradient"),
    [
        (lambda n: np.sum(np.where(n.x > 0, n.x, 0)), "[x > 0]"),
        (lambda n: np.sum(np.einsum("ij->i", n.col)), r"\mathbf{1}_{\mathit{col}}"),
        (lambda n: np.sum(np.mean(n.col, axis=1)), r"\mathbf{1}_{\mathit{col}}"),
        (lambda n: np.sum(np.mean(n.col, axis=1) ** 2), r"\frac{\partial \mathit{output}}{\partial t_{i}}"),
        (lambda n: np.einsum("ij,jk->", n.S, n.A), r"\sum_{k} S_{ki}"),
        (
            lambda n: np.sum((n.col - n.v) @ n.v),
            r"-\sum_{i} u_{ij} + \sum_{i} (\mathit{col}_{i} - v_{j})",
        ),
        (lambda n: np.sum(n.x), r"\mathbf{1}_{x}"),
        (lambda n: np.sum(-n.x), r"-\mathbf{1}_{x}"),
    ],
)
def test_a_factor_of_1_is_not_written(compute: Callable[[Any], tg.Node], gradient: str) -> None:
    with any_ranks():
        graph = tg.Graph(compute(Values()), names=VALUES)
    graph.backprop()
    *_, last = (line for line in graph.latex().splitlines() if "&=" in line)
    assert last.removesuffix(r" \\").endswith(f"= {gradient}")


def with_signs(graph: tg.Graph) -> str:
    """The equations with ∂ as that sign."""
    return re.sub(r"\\partial ?", "∂", graph.latex())


def test_the_derivative_of_a_derivative_is_a_chain_through_values_and_gradients() -> None:
    x, y = tg.parameter(2.0), tg.parameter(3.0)
    u = x**2
    f = u * y
    graph = tg.Graph(f, names=locals())
    gradient = graph.backprop()["x"]
    second = graph.backprop(of=gradient)["x"]
    graph.backprop(of=second, wrt=["x"])
    found = with_signs(graph)
    for expected in (
        r"\frac{∂(∂f/∂x)}{∂(∂f/∂x)} &= 1 \\",
        r"\frac{∂(∂f/∂x)}{∂(∂f/∂u)} &= 2 x \\",
        r"\frac{∂^{2}f}{∂x \, ∂y} &= \frac{∂(∂f/∂x)}{∂(∂f/∂u)} \cdot \frac{∂(∂f/∂u)}{∂y} =",
        r"\frac{∂^{2}f}{∂x^{2}} &= 2 \, \frac{∂f}{∂u} \\",  # through no other value
        r"\frac{∂^{3}f}{∂x^{3}} &=",
    ):
        assert expected in found
    assert "dx" not in found


def test_what_a_derivative_reads_itself_is_the_part_that_goes_through_no_other_value() -> None:
    x, y = tg.parameter(2.0), tg.parameter(3.0)
    u = x**2
    f = np.sin(u) * y
    graph = tg.Graph(f, names=locals())
    graph.backprop(of=graph.backprop()["x"])
    chain = r"\frac{∂^{2}f}{∂x \, ∂u} \cdot \frac{∂u}{∂x} + \frac{∂^{+}(∂f/∂x)}{∂x}"
    assert rf"\frac{{∂^{{2}}f}}{{∂x^{{2}}}} &= {chain} =" in with_signs(graph)


def test_gradients_from_seeds_of_the_users_own_are_no_derivatives() -> None:
    w = tg.parameter([1.0, 2.0])
    z = w * w
    graph = tg.Graph(z, names=locals())
    graph.backprop(seed=[1, 0])
    graph.backprop(seed=[0, 1])
    assert r"\mathit{dw}_{2} &= 2 \, \mathit{dz}_{2} \odot w" in graph.latex()
    assert r"\partial" not in graph.latex()


def bindings(x: Layout, bound: frozenset[str] = frozenset()) -> Iterator[tuple[str, frozenset[str]]]:
    """Every letter that a big operator runs through, with those that the operators around it run through."""
    if isinstance(x, Sigma):
        yield from ((letter, bound) for letter in x.index)
        yield from bindings(x.body, bound.union(x.index))
    elif isinstance(x, Row):
        for item in x.items:
            yield from bindings(item, bound)
            if isinstance(item, Lowered) and item.base in (Word("max"), Word("min"), Sign("∏", tight=True)):
                below = item.below.items if isinstance(item.below, Row) else (item.below,)
                others = Sign("≠", tight=True) in below  # which runs through its first letter alone
                letters = [part.text for part in (below[:1] if others else below)]
                yield from ((letter, bound) for letter in letters)
                bound = bound.union(letters)
    elif not isinstance(x, Symbol):
        for part in vars(x).values():
            if isinstance(part, Row | Fence | Fraction | Raised | Lowered | Root | Sigma):
                yield from bindings(part, bound)


def index_of(x: Layout) -> set[str]:
    """The letters of the entry on the left side of an equation."""
    last = ends(x.bottom if isinstance(x, Fraction) else x)[1]
    return set(last.index) if isinstance(last, Symbol) else set()


def normalised() -> Iterator[tuple[str, tg.Node]]:
    """Sums inside of sums, over axes that other parts of the same expression still have."""
    n = Values()
    yield "columns", np.sum(n.A / np.sum(n.A, axis=0))
    yield "rows", np.sum(n.A / np.sum(n.A, axis=1, keepdims=True))
    yield "columns that are normalised again", np.sum(tg.softmax(n.A / np.sum(n.A * np.mean(n.A, axis=0), axis=0)))
    yield "distances", np.sum(np.exp(n.B @ n.A.T + np.sum(n.A**2, axis=1)))
    yield "a sum of what one axis is summed of", np.mean(n.T3 - np.mean(n.T3, axis=(0, 1)) * np.max(n.T3, axis=1, keepdims=True))
    yield "entries that are summed by letters", np.sum(np.einsum("ij,kj->ik", n.A, n.B / np.sum(n.B, axis=0)) ** 2)
    yield "layers", np.sum(np.prod(n.A - np.mean(n.A, axis=1, keepdims=True), axis=0) / np.sum(n.A**2, axis=0))


def built(build: Build) -> tg.Graph:
    return backward(build(4))


VARIED: dict[str, Callable[[], tg.Graph]] = {
    **{label: partial(backward, tg.Graph(L, names={**VALUES, "L": L})) for label, L in normalised()},
    **{label: partial(built, build) for label, build in [*MODELS.items(), *RANDOM.items()]},
}


def assert_each_letter_is_one_axis(program: Program) -> None:
    """No sum may run through a letter that the left side has, or that a sum around it runs through."""
    for left, *rights in equations_of(program):
        for letter, around in itertools.chain(*map(bindings, rights)):
            assert letter not in index_of(left) | around


@pytest.mark.parametrize("label", VARIED)
@pytest.mark.parametrize("level", ["named", "op"])
def test_no_letter_means_two_axes_in_one_equation(label: str, level: Any) -> None:
    assert_each_letter_is_one_axis(program_of(VARIED[label](), level))


def test_no_letter_means_two_axes_in_the_gradients_of_any_op() -> None:
    for _, graph in graphs_of_every_op():
        assert_each_letter_is_one_axis(program_of(graph))


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("columns", r"\frac{\partial L}{\partial t_{j}} + \frac{1}{t_{j}}"),
        ("distances", r"2 \left( \sum_{k} t_{ki} \right) A_{ij}"),
    ],
)
def test_a_sum_leaves_the_index_of_what_it_is_a_gradient_of_alone(label: str, expected: str) -> None:
    assert expected in VARIED[label]().latex()


class TestLayout:
    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("w", Symbol("w")), ("w1", Symbol("w", ("1",))), ("x_train", Symbol("x", ("train",))),
            ("W1_2", Symbol("W", ("1", "2"))),
            ("alpha_t", Symbol("α", ("t",))), ("lambda_", Symbol("λ")), ("_", Symbol("_")), ("__", Symbol("__")),
            ("a1b2", Symbol("a1b", ("2",))),
            ("dalpha", Symbol("dα")), ("dbeta1", Symbol("dβ", ("1",))), ("delta", Symbol("δ")),
            ("a_very_long_name", Symbol("a_very_long_name")),
            ("h_10", Symbol("h", ("10",))), ("Sigma", Symbol("Σ")), ("x__y", Symbol("x", ("y",))),
        ],
    )  # fmt: skip
    def test_symbols(self, name: str, expected: Symbol) -> None:
        assert symbol(name) == expected

    def test_an_index_goes_to_what_a_derivative_is_taken_by(self) -> None:
        derivative = Fraction(Row((Sign("∂"), Symbol("L"))), Row((Sign("∂"), Symbol("w", ("1",)))))
        assert lowered(derivative, ("i", "j")) == Fraction(derivative.top, Row((Sign("∂"), Symbol("w", ("1",), ("i", "j")))))
        assert lowered(derivative, ()) is derivative
        assert lowered(Symbol("w"), ("i",)) == Symbol("w", (), ("i",))

    def test_letters_of_an_index_stand_together_and_parts_of_a_name_apart(self) -> None:
        assert below_parts(Symbol("w", ("1",), ("i", "j"))) == ["1", ",", "i", "j"]
        assert below_parts(Symbol("w", (), ("i", "j"))) == ["i", "j"]
        assert below_parts(Symbol("w", ("train",), ("i",))) == ["train", ",", "i"]
        assert below_parts(Symbol("w", ("x", "h"))) == ["x", ",", "h"]
        assert below_parts(Symbol("w", ("1", "2"))) == ["1", ",", "2"]
        assert below_parts(Symbol("w")) == []

    def test_ends(self) -> None:
        a, b = Symbol("a"), Symbol("b")
        assert ends(Row((Row((a, b)), b))) == (a, b)


def chain(length: int) -> tg.Node:
    h = tg.parameter(0.5)
    for i in range(length):
        h = np.sin(h) if i % 3 else h * 1.5 + 1
    return h


def wide(count: int) -> tg.Node:
    w = tg.parameter(1.0)
    total: Any = w
    for i in range(count):
        total = total + w * i
    return total


@pytest.mark.parametrize("output", [chain(1_500), wide(1_500)], ids=["deep", "wide"])  # Python recurses 1,000 deep
@pytest.mark.parametrize("level", ["named", "op"])
def test_depth_is_no_limit(output: tg.Node, level: Any) -> None:
    graph = tg.Graph(output)
    graph.backprop()
    assert graph.latex(level).endswith(r"\end{align}")
    assert graph.mathml(level).endswith("</math>")
    assert graph.source(level)
    assert len(str(graph).splitlines()) < 100
    assert all(len(str(s)) < 2000 for s in graph.statements(level))


def equations(m: int, n: int) -> str:
    """The equations of a graph in which rows and columns are averaged, without what the letters stand for."""
    X, w, y = tg.parameter(np.ones((m, n))), tg.parameter(np.ones(n)), tg.constant(np.ones(m))
    c, r = np.mean(X, axis=0), np.mean(X, axis=1)
    L = np.mean((X @ w - y) ** 2) + np.sum(c * w) + np.sum(r)
    graph = tg.Graph(L, names={"X": X, "w": w, "y": y, "c": c, "r": r, "L": L})
    graph.backprop()
    return "\n".join(line for line in str(graph.latex()).splitlines() if not re.match(r"  \w &= \d", line))


def test_a_letter_stands_for_an_axis_and_not_for_a_number() -> None:
    assert equations(3, 3) == equations(3, 4) == equations(5, 3)
    assert r"c_{j} &= \frac{1}{m} \sum_{i=1}^{m}" in equations(3, 3)
    assert r"r_{i} &= \frac{1}{n} \sum_{j=1}^{n}" in equations(3, 3)
