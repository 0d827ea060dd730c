"""The parser of formulas: what it reads, what it refuses and how, and that nothing typed can run, hang or fill the memory."""

import gc
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tinygraph as tg
from tests.printed import graphs_of_every_op
from tests.programs import MODELS, RANDOM, backward
from tinygraph import ops
from tinygraph.program.statements import program_of
from tinygraph.stepping.formula import data, evaluate
from tinygraph.stepping.parsing import Literal, parse
from tinygraph.stepping.vocabulary import FormulaError, functions

FUZZ = int(os.environ.get("TINYGRAPH_FUZZ", "500"))  # inputs; 100000 for the full run
RESIDENT = 300e6  # bytes by which the memory may grow in it

VALUES: dict[str, Any] = {
    "w": tg.parameter(2.0), "b": tg.parameter(-0.5), "x": tg.parameter([1.0, 2.0, 3.0]), "X": tg.parameter(np.ones((3, 3))),
    "a": np.float64(0.25), "y": np.array([1.0, 0.0, 1.0]), "n": tg.constant([1, 2, 0]), "m": tg.constant([True, False, True]),
    "k": np.array([1, 2, 0]),
}  # fmt: skip


def plain(x: Any) -> Any:
    return x.value if isinstance(x, tg.Node) else x


# What it reads


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("w*w + b", 3.5),
        ("-w**2", -4),
        ("2**-1", 0.5),
        ("-(-w) - +w", 0),
        ("(w > 1) * 3", 3),
        ("np.log(np.exp(w))", 2),
        ("tg.sigmoid(0)", 0.5),
        ("ln(np.e) + σ(0)", 1.5),
        ("maximum(w, b) + abs(b)", 2.5),
        ("np.sum(x) / len(x)", 2),
        ("mean(x, axis=0) + max(x, 0)", 5),
        ("np.sum(X, axis=(0, 1)) + X.size", 18),
        ("x @ X.T @ x", 36),
        ("dot(x, x) + np.sum(outer(x, x))", 50),
        ("where(w > b, w, b)", 2),
        ("np.sum(np.broadcast_to(w, X.shape)) - ones_like(x) @ ones_like(x)", 15),
        ("np.expand_dims(x, axis=1) @ np.expand_dims(x, 0) - outer(x, x)", np.zeros((3, 3))),
        ("softmax(0*x)", np.full(3, 1 / 3)),
        ("u = w*w; v = u - 1\nu*v", 12),
        ("  u = w\n  u + 1  ", 3),
        ("(w\n + 1)", 3),
        ("np.pi", np.pi),
        ("X.shape[1] + np.asarray(w).astype(b.dtype)", 5),
        ("np.sum(np.full_like(x, w / x.size) + sum_like(X, x))", 11),
        ("7 % 4 // 2", 1),
        ("x[0] + x[-1]", 4),
        ("x[1:] @ x[:-1]", 8),
        ("x[::-1][:, None] @ x[None, ...]", np.outer([3, 2, 1], [1, 2, 3])),
        ("x[n] + x[k * 1 + 0]", [4, 6, 2]),
        ("np.sum(x[m]) + np.sum(x[x > 1.5])", 9),
        ("X[1:, n]", np.ones((2, 3))),
        ("np.asarray(w)[()]", 2),
        ("np.reshape(X, (9,)) @ np.reshape(X, (-1,)) + np.reshape(w, ())", 11),
        ("np.sum(np.reshape(np.reshape(X, (9,)), X.shape), axis=0)", [3, 3, 3]),
        ("np.einsum('ij,jk->i', X, X) + np.einsum(\"i->i\", x, optimize=True)", [10, 11, 12]),
        ("np.concatenate([x, x[:1]], axis=0)", [1, 2, 3, 1]),
        ("np.stack([x, x])[1]", [1, 2, 3]),
        ("np.split(x, 3)[1] + np.array_split(x, 2, axis=0)[-1]", [5]),
        ("scatter_like(w, x, template=(slice(1, None, None),))", [0, 2, 2]),
        ("scatter_like(x, x, n, template=(ARRAY,))", [3, 1, 2]),
        ("np.linalg.inv(X * 0 + np.diag(x)) @ x", [1, 1, 1]),
        ("X.astype(np.float32)[0] + x.astype(bool) + x.astype(np.dtype('>f4'))", [3, 4, 5]),
        ("np.tile(x, reps=2) @ np.repeat(x, repeats=(2, 2, 2), axis=0)", 26),
        ("np.pad(x, pad_width=((1, 0),), mode='edge')", [1, 1, 2, 3]),
        ("np.var(x, ddof=0.5)", 0.8),
    ],
)
def test_reads_formulas(text: str, value: Any) -> None:
    np.testing.assert_allclose(plain(evaluate(text, VALUES)), value)


def test_literals_are_floats_so_no_power_is_a_bomb() -> None:
    with np.errstate(all="raise"):
        assert evaluate("9**9**9", {}) == np.inf
        assert evaluate("len(y)**9**9", VALUES) == np.inf
        assert np.isnan(evaluate("1/0 - 1/0", {}))
    assert all(isinstance(piece.value, float) for piece in parse("1 + 2").statements[0].pieces if isinstance(piece, Literal))


def test_on_nodes_it_records_what_python_would() -> None:
    w, x = tg.parameter(2.0), tg.parameter([1.0, 2.0])
    y = evaluate("np.sum((1 - w)**2 * x / 0.5)", {"w": w, "x": x})
    assert tg.Graph(y, names={"w": w, "x": x, "y": y}).statements()[0].right == "np.sum((1 - w) ** 2 * x / 0.5)"


def test_free_names_are_in_reading_order() -> None:
    assert list(parse("z = w*x + b; a = sigmoid(z); L = (a - y)**2").free) == ["w", "x", "b", "y"]


@pytest.mark.parametrize("text", ["2", "-.5", "1/3", "[1, 2.5, -3]", "[[1, 2], [3, 4]]", "1e3", "[ ]"])
def test_data_is_numbers_and_lists(text: str) -> None:
    np.testing.assert_array_equal(data(text), np.array(eval(text), dtype=float))


# What it refuses


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "there is no formula"),
        ('__import__("os")', "column 1: `__import__` is no function here"),
        ("w + 'a'", "column 5: `'a'` is no formula"),
        ("'a{w}'", "column 1: `'` cannot be read: text"),
        ("x['a']", "column 3: `'a'` is no formula"),
        ("__import__(w)", "column 1: `__import__` is no function here"),
        ("w.__class__", "column 1: `w.__class__`: the only attributes are .T and .size"),
        ("x.sum()", "`x.sum` cannot be called: functions are called by name, as in np.sum(x)"),
        ("np.load(w)", "column 1: `load` is no function here"),
        ("np.random.rand(w)", "`np.random.rand` cannot be called"),
        ("np.linalg.__init__(X)", "`__init__` is no function here"),
        ("sigmiod(w)", "column 1: `sigmiod` is no function here: did you mean sigmoid?"),
        ("w * zz", "column 5: `zz` has no value: there are w, b"),
        ("w + yy", "did you mean y?"),
        ("exp + 1", "`exp` is a function, not a value"),
        ("x[w]", "column 1: index: only integers, slices"),
        ("x[5]", "column 1: index: index 5 is out of bounds"),
        ("x[0, 0]", "column 1: index: too many indices"),
        ("x[1:w]", "column 5: `w` must be a small whole number"),
        ("x[:0.5]", "column 4: `0.5` must be a whole number"),
        ("x[:(1:2)]", "invalid syntax"),
        ("x[99999999999]", "out of bounds"),
        ("x[0] = 2", "is no statement"),
        ("[x, x]", "`[x, x]` is no formula"),
        ("x.shape[w]", "column 9: `w` must be a small whole number"),
        ("reshape(x, w)", "column 12: `w` must be a small whole number"),
        ("reshape(x)", "reshape needs shape"),
        ("reshape(x, (2, 2))", "cannot reshape array of size 3"),
        ("tile(x, reps='a')", "column 1: tile:"),
        ("np.einsum('ij->j', x)", "column 1: einsum:"),
        ("np.einsum(w, x)", "column 11: `w` must be a small whole number"),
        ("np.einsum(x)", "einsum needs subscripts"),
        ("np.concatenate([])", "concatenate takes 1 value"),
        ("np.pad(x, 101)", "column 11: `101` must be a small whole number"),
        ("np.split(x, 3)[w]", "column 16: `w` must be a small whole number"),
        ("np.split(x, 3)", "`split` is no function here"),
        ("np.split(x)[0]", "`split` is no function here: write np.split(x, sections, axis=axis)[position]"),
        ("scatter_like(x, x, template=3)", "column 1: scatter_like:"),
        ("x.shape[7]", "column 1: count: "),
        ("w.astype(9)", "column 10: `9` is no dtype: there are bool, np.float32 and the like"),
        ("w.astype(np.object_)", "`np.object_` is no dtype"),
        ("w.astype(np.dtype('O'))", "is no dtype"),
        ("w.astype(np.dtype('f3'))", "is no dtype"),
        ("lambda: 1", "column 1: `lambda` is a keyword of Python"),
        ("1 if w else 2", "column 3: `if` is a keyword of Python"),
        ("f'{w}'", "column 2: `'` cannot be read"),
        ("(y := 2)", "column 4: `:` cannot be read: only names get values"),
        ("w ^ 2", "column 3: `^` cannot be read: a power is written **"),
        ("w = u = 2", "`w = u = 2` is no statement"),
        ("w += 2", "is no statement"),
        ("u, v = w", "is no statement"),
        ("w.T = 2", "is no statement"),
        ("w; b", "column 1: only the last formula goes without a name"),
        ("u = 1; u = 2", "column 8: `u` has a value already"),
        ("exp = 2", "column 1: `exp` has a meaning of its own"),
        ("_u = 2", "`_u` is no name here"),
        ("1 < w < 3", "`1 < w < 3` is no formula"),
        ("1 << 2", "`1 << 2` is no formula"),
        ("(w, b)", "`(w, b)` is no formula"),
        ("*w", "`*w` is no formula"),
        ("1j", "`1j` is no formula"),
        ("True", "`True` is no formula"),
        ("1e999", "`1e999` is too large for a number"),
        ("9" * 5000, "column 1: Exceeds the limit"),
        ("2 +", "column 4: invalid syntax"),
        ("2w", "column 1: a product is written with *: 2*w"),
        ("w + 2.5e-3bias", "column 5: a product is written with *: 2.5e-3*bias"),
        ("2e*w", "column 1: a product is written with *: 2*e"),
        ("0x1F + 2w1", "column 8: a product is written with *: 2*w1"),
        ("2" + "w" * 3000, "column 1: a product is written with *: 2*" + "w" * 35 + "..."),
        ("1__0", "column 2: invalid decimal literal"),
        ("(w", "column 1: '(' was never closed"),
        ("log()", "`log()`: log takes 1 value, not 0"),
        ("power(1, 2, 3)", "power takes 2 values, not 3"),
        ("sum(x, axis=w)", "column 13: `w` must be a small whole number"),
        ("sum(x, where=1)", "sum takes no where here"),
        ("sum(x, " + "u" * 5000 + "=1)", "sum takes no uuuuu"),
        ("sum(x, axis=0, axis=0)", "sum takes no axis here"),
        ("broadcast_to(w, x)", "column 17: `x` must be a small whole number"),
        ("broadcast_to(w)", "broadcast_to needs shape"),
        ("log(x=2)", "log takes 1 value, not 0"),
        ("sum(*x)", "`*x` is no formula"),
        ("sum(x, **w)", "takes no such thing"),
        ("x @ w", "column 1: matmul:"),
        ("x + X.T @ dot(X, x) @ X + outer(x, X)", "operands could not be broadcast"),
        ("len(w)", "a single number has no length"),
        ("w\nu = \x00", "line 2, column 5: ` ` cannot be read"),
        ("π² + w", "invalid character '²'"),
        ("u = w\nv = u.shape", "line 2, column 5: `u.shape`"),
        ("u = w\rv = 2\r\nw.q", "line 3, column 1: `w.q`"),
        ("π + w.q", "column 5: `w.q`"),
    ],
)
def test_refuses_by_a_message_that_names_the_piece_and_its_column(text: str, said: str) -> None:
    with pytest.raises(FormulaError) as error:
        evaluate(text, VALUES)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400


@pytest.mark.parametrize(
    "text",
    [
        "w" * 10_001, "(" * 9999, "-" * 9999 + "w", "(" * 150 + "w" + ")" * 150, "w+" * 4999 + "w", "2**" * 3000 + "2",
        "abs(" * 2000 + "w" + ")" * 2000, "w." * 4000 + "T", "w<" * 3000 + "w", "[" * 500, "u=" * 4000 + "w", "w\n" * 4000,
    ],
)  # fmt: skip
def test_refuses_what_is_too_long_or_too_deep(text: str) -> None:
    for read in (parse, data):
        with pytest.raises(FormulaError):
            read(text)


def test_what_is_long_but_bearable_is_read() -> None:
    assert evaluate("w+" * 900 + "w", VALUES).item() == 1802
    assert evaluate("-" * 1800 + "w", VALUES).item() == 2
    assert evaluate("(" * 90 + "w" + ")" * 90, VALUES).item() == 2
    assert evaluate("1**" * 900 + "1", {}) == 1


def test_reads_many_statements() -> None:
    assert len(parse("\n".join(f"a{i} = (w)" for i in range(330))).statements) == 330
    with pytest.raises(FormulaError, match="`a` has a value already"):
        parse("a = sb; " * 450 + "w")


def test_work_is_bounded() -> None:
    row, column = np.ones((1, 4000)), np.ones((4000, 1))
    for text in (
        "row + column",
        "column @ row",
        "outer(row, row)",
        "dot(column, row)",
        "; ".join(["u = row", *["row"] * 0, "u*column"]),
        "np.tile(row, reps=3000)",
        "np.tile(row, reps=(60, 60))",
        "np.repeat(row, 5000, axis=0)",
        "np.repeat(row, (5000,), axis=0)",
        "np.diag(np.reshape(row, (4000,)))",
        "np.diag(np.ones_like(x), k=9999)",
        "np.pad(np.reshape(row, (40, 5, 20)), 100)",
        "broadcast_to(x, (9000, 4000))",
        "np.einsum('ij,kj->ik', column, column)",
        "np.einsum('ij,kl,mn->', column, row, row)",
        "np.einsum('i...,j...', column, column)",
        "one_hot_like(np.reshape(row, (4000,)), row)",
        "take_along_axis(np.tile(column, (1, 3)), row * 0, axis=0)",
        "row[places]",
        "row[None][:, places]",
        "column[places, None, 0] + row",
        "scatter_like(1, row, places, template=(ARRAY,))",
        "; ".join(["a0 = row", *(f"a{i + 1} = np.concatenate([{', '.join([f'a{i}'] * 5)}])" for i in range(8))]),
        "; ".join(
            ["b0 = np.reshape(row, (50, 80)) @ np.reshape(row, (80, 50))", *(f"b{i + 1} = np.tile(b{i}, 9)" for i in range(9))]
        ),
    ):
        with pytest.raises(FormulaError, match="the arrays become too large"):
            evaluate(text, {"row": row, "column": column, "x": np.ones(3), "places": np.zeros(4000, int)})


def test_data_is_refused_where_it_is_none() -> None:
    for text in ("[1, [2]]", "w", "[w]", "a = 2", "[1; 2]", "1, 2", "", "[x for x in y]", "[[[" * 40, '"a"', "__import__(1)"):
        with pytest.raises(FormulaError):
            data(text)


def test_every_function_is_a_known_one() -> None:
    names = set(functions())
    assert {"log", "exp", "sqrt", "sin", "tanh", "sigmoid", "relu", "softplus", "sum", "mean", "abs", "maximum", "dot"} <= names
    assert {"reshape", "einsum", "concatenate", "diag", "inv", "scatter_like"} <= names
    assert not {"alias", "cast", "index", "section", "load", "eval"} & names


# There and back


def numbers() -> st.SearchStrategy[Any]:
    return st.one_of(st.integers(-9, 9), st.floats(-100, 100, allow_subnormal=False))


BINARY: list[Callable[[Any, Any], Any]] = [
    lambda x, y: x + y, lambda x, y: x - y, lambda x, y: x * y, lambda x, y: x / y, lambda x, y: abs(x) ** y,
    np.maximum, lambda x, y: (x > y) * y, lambda x, y: np.where(x <= y, x, y), np.arctan2, np.dot, lambda x, y: x % y,
]  # fmt: skip
UNARY: list[Callable[[Any], Any]] = [
    lambda x: -x, np.exp, np.sin, np.tanh, np.abs, tg.sigmoid, tg.relu, tg.softplus, np.sum, np.mean, lambda x: x**2, np.sqrt,
    lambda x: -(x**2), lambda x: (-x) ** 2, lambda x: 1 - x, lambda x: 2 ** -np.tanh(x), lambda x: (-2) ** (x > 0),
]  # fmt: skip


def nodes() -> st.SearchStrategy[Any]:
    leaves = st.sampled_from(["w", "b", "x"])
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.tuples(st.integers(0, len(UNARY) - 1), inner),
            st.tuples(st.integers(0, len(BINARY) - 1), inner, st.one_of(inner, numbers())),
            st.tuples(st.integers(0, len(BINARY) - 1), numbers(), inner),
        ),
        max_leaves=12,
    )


def made(tree: Any) -> Any:
    if not isinstance(tree, tuple):
        return VALUES[tree] if isinstance(tree, str) else tree
    which, *inputs = tree
    return (UNARY if len(inputs) == 1 else BINARY)[which](*map(made, inputs))


@given(nodes())
@settings(max_examples=300, deadline=None)
def test_what_is_printed_is_read_again_with_equal_values(tree: Any) -> None:
    with np.errstate(all="ignore"):
        try:
            root = made(tree) * 1.0
        except ValueError:  # a whole number to a negative power, which NumPy refuses
            return
        graph = tg.Graph(root, names={"w": VALUES["w"], "b": VALUES["b"], "x": VALUES["x"], "out": root})
        if any(node.op is ops.remainder and node.dtype.kind != "f" for node in graph.forward):
            return  # whole numbers have 0 for a remainder by 0, and the numbers of formulas are none
        leaves = {graph.name(node) or "": node for node in graph.forward if node.op is None}
        text = "; ".join(f"{s.name} = {s.right}" for s in graph.statements())
        for values in (leaves, {name: node.value for name, node in leaves.items()}):
            again = evaluate(text, values)
            np.testing.assert_array_equal(np.asarray(plain(again), dtype=float), np.asarray(root.value, dtype=float))


PRINTED = {**MODELS, **RANDOM}


def assert_reads(graph: tg.Graph) -> None:
    """Whatever the statements of a graph print amounts to their values."""
    program = program_of(graph)
    values = {program.name(x): x.value for x in program.leaves} | {s.name: s.value for s in program.statements}
    for s in program.statements:
        size = float(np.max(np.abs(s.value), initial=1e-6, where=np.isfinite(s.value)))
        again = np.asarray(evaluate(s.right, values), dtype=float)
        exactness = 1e-9 if s.node.dtype.itemsize >= 8 else 1e-4
        np.testing.assert_allclose(
            again, np.asarray(s.value, dtype=float), rtol=exactness, atol=exactness * size, err_msg=s.right
        )


@pytest.mark.parametrize("name", PRINTED)
def test_what_a_program_prints_is_read_with_equal_values(name: str) -> None:
    assert_reads(backward(PRINTED[name](5)))


def test_what_any_op_prints_is_read_with_equal_values() -> None:
    for _, graph in graphs_of_every_op():
        assert_reads(graph)


# Fuzzing

SEEN: list[str] | None = None
WATCHED = ("exec", "import", "open", "os.", "subprocess.", "socket.", "ctypes.", "shutil.", "marshal.", "pickle.", "code.")


def hook(event: str, args: Any) -> None:
    nowhere = event == "open" and args[0] == ""  # Python looks for the line of a syntax error
    if SEEN is not None and event.startswith(WATCHED) and not nowhere:
        SEEN.append(f"{event} {args!r:.100}")


@contextmanager
def watched() -> Iterator[list[str]]:
    """What Python reports of code that is run, files opened, modules imported."""
    global SEEN
    if not HOOKED:
        sys.addaudithook(hook)
        HOOKED.append(True)
    SEEN = []
    try:
        yield SEEN
    finally:
        SEEN = None


HOOKED: list[bool] = []
SYNTAX = [
    "[1:]", "[::-1, None]", "[n]", "[x > 1]", "[...]", "x[", "np.reshape(", "np.einsum('ij,jk->ik', ", "np.einsum('", "'", "->",
    "np.tile(", "np.repeat(", "np.pad(", "np.diag(", "np.stack([", "])",
    "np.split(", "scatter_like(", "template=(", "slice(", "ARRAY",
    "reps=", "shape=", "repeats=", "pad_width=", "k=", "1000", "9999999", "np.linalg.inv(", "np.linalg.", ".astype(",
    "np.float32", "np.dtype('f8')",
    "one_hot_like(", "take_along_axis(", "sinc_derivative(", "order=", "recurrence(", "merge_pairs(", "expand_dims(", ",axis=0)",
    *"+-*/@%()[]{}<>=!,;.:#'\"\\~^&|$?`\n\r\f\t 0123456789abwxXyneEjLT_πσ²é\x00\ud800\u2028",
    "**", "//", "==", "<<", ":=", "->", "...", "__", "lambda ", " if ", " else ", " for ", " in ", "import ", "not ", "and ",
    "await ", "yield ", "def f():", "class A:", "print", "exec", "eval(", "open(", "__import__(", ".__class__", ".__globals__",
    "np.", "tg.", "np.load(", "exp(", "log(", "sum(", "dot(", "outer(", "where(", "softmax(", "max(", "axis=", "keepdims=",
    "True", "None", ".T", ".size", "1e308", "1e999", "9**9**9", "0x_f", "1_0", "1j", "f'{", "x[0]", "*x", "**x", "u=", "()",
]  # fmt: skip
PROGRAMS = [
    "z = w*x + b; a = sigmoid(z); L = -(y*log(a) + (1-y)*log(1-a))",
    "np.sum((X @ x - y)**2) / len(y)",
    "dot(x, X.T) + outer(x, y)",
    "where(w > b, softmax(x), 1 - maximum(x, 0.5))",
    "mean(X, axis=0, keepdims=True)",
    "x[1:] @ x[:-1] + np.sum(X[n, None][:, 0])",
    "np.reshape(np.einsum('ij,j->i', X, x), (3, 1)) * np.concatenate([x, x[:0]])",
    "scatter_like(x, np.tile(x, reps=2), n, template=(ARRAY,)).astype(np.float32)",
    "np.stack([np.pad(x, pad_width=1), np.repeat(x, repeats=2, axis=0)[:5]], axis=1) + np.split(x, 3)[0]",
    "np.linalg.inv(X + np.diag(x, k=0)) @ np.linalg.solve(X + np.diag(x), x)",
    "u = w\nv = u**-u\nsqrt(abs(v)) // 3 % 2",
]


@st.composite
def mutated(draw: Any) -> str:
    """A program in which a few pieces were taken out, put in, doubled, repeated or swapped."""
    text = draw(st.sampled_from(PROGRAMS))
    for _ in range(draw(st.integers(1, 4))):
        start, end = sorted((draw(st.integers(0, len(text))), draw(st.integers(0, len(text)))))
        piece = draw(
            st.sampled_from(["", text[start:end], text[start:end] * draw(st.integers(2, 40)), draw(st.sampled_from(SYNTAX))])
        )
        text = text[:start] + piece + text[draw(st.sampled_from([start, end])) :]
        text = text[:12_000]
    return str(text)


def repeated() -> st.SearchStrategy[str]:
    piece = st.lists(st.sampled_from(SYNTAX), min_size=1, max_size=4).map("".join)
    return st.builds(lambda a, n, b, c, m: a * n + b + c * m, piece, st.integers(0, 4000), piece, piece, st.integers(0, 4000))


def inputs() -> st.SearchStrategy[str]:
    return st.one_of(st.lists(st.sampled_from(SYNTAX), max_size=40).map("".join), mutated(), mutated(), repeated(), st.text())


SLOWEST = {"": 0.0}
READ = {"read": 0, "refused": 0}


def outcome(read: Callable[[], Any]) -> Any:
    """What is read, or the message of the parser's own error; any other error comes through."""
    try:
        result = read()
    except FormulaError as error:
        READ["refused"] += 1
        return str(error)
    READ["read"] += 1
    return result


@given(inputs())
@settings(max_examples=FUZZ, deadline=None, suppress_health_check=list(HealthCheck))
def fuzz(text: str) -> None:
    gc.disable()  # it would go through all that hypothesis keeps, which in a long run takes a second
    start = time.process_time()  # seconds of work, whatever else the machine does
    with watched() as seen:
        results = [outcome(lambda: evaluate(text, VALUES)), outcome(lambda: data(text))]
    took = time.process_time() - start
    gc.enable()
    SLOWEST[""] = max(SLOWEST[""], took)
    assert seen == []
    assert all(isinstance(x, tg.Node | np.ndarray | np.generic | float | str) for x in results)
    assert all(len(x) < 2000 for x in results if isinstance(x, str))
    assert took < 1, text[:200]


def test_whatever_is_typed_is_read_or_refused() -> None:
    import resource

    with pytest.raises(FormulaError):
        evaluate("1 @ 2 + max(1, 5)", {})  # what NumPy and this module import late is there
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    fuzz()
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    print(f"{FUZZ:,} inputs: {READ}, the slowest took {SLOWEST['']:.3f} s, memory grew by {grown / 1e6:.0f} MB")
    if FUZZ <= 1000:  # in a long run hypothesis itself remembers every input
        assert grown < RESIDENT


def test_the_minus_of_typesetters_is_a_minus() -> None:
    assert evaluate(parse("−2 − x"), {"x": 3.0}) == -5


def test_a_negative_zero_keeps_its_sign_beside_nodes() -> None:
    assert evaluate("w / -0.0", {"w": tg.parameter(0.5)}).value == -np.inf
