"""Each way in which code reads a node: it raises TypeError and says what to write, it records, or it prints."""

import ast
import linecache
import re
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tests.oracles import assert_close, complex_step

RECORDING = "write it with NumPy functions that record: np.stack([...]) makes one node of several"
PANDAS = "write x.to_numpy() for the pandas object"
SPARSE = "write tg.constant(X) for a sparse matrix X in X @ node, and X.toarray() for one in any other op"
SCIPY = "write the function with those of NumPy and tinygraph, or declare it with @tg.op"
OPTIMIZE = "give SciPy plain numbers, and the gradient beside them: minimize(tg.value_and_grad(loss), x0, jac=True)"
RANDOM = "draw numbers without the node and compute with them"

# A line of a user's program, the value as its error spells it, and what the error says to write.
RAISES = [
    # NumPy
    ("np.array(w)", "w.value", "leave np.array() out"),
    ("np.asarray(w, dtype=float)", "w.value", "leave np.asarray() out"),
    ("np.ascontiguousarray(w)", "w.value", "leave np.ascontiguousarray() out"),
    ("np.float32(s)", "s.item()", "leave np.float32() out"),
    ("np.array([s, s])", "s.item()", "write np.stack([s, s])"),
    ("np.array([[s, s], [s, s]])", "s.item()", RECORDING),
    ("np.array([np.exp(x) for x in w])", "np.exp(x).item()", "write np.stack([np.exp(x) for x in w])"),
    ("np.array([w, w], dtype=object)", "w.value", "write np.stack([w, w])"),
    ("np.mean([s, 1.0])", "s.item()", "write np.stack([s, 1.0])"),
    ("np.average([s, s])", "s.item()", "write np.stack([s, s])"),
    ("np.einsum('i,i', A, [s, s])", "s.item()", "write np.stack([s, s])"),
    ("np.r_[A, s]", "s.item()", RECORDING),
    ("np.fromiter(w, float)", "w.value", RECORDING),
    ("np.vectorize(abs)(w)", "w.value", RECORDING),
    ("np.full(3, s)", "s.item()", "write np.broadcast_to(s, shape)"),
    ("np.matrix(w)", "w.value", RECORDING),
    ("np.ma.masked_less(A, 1.0) + w", "w.value", RECORDING),
    ("A.dot(w)", "w.value", "write np.dot(A, w)"),
    ("A[0] = s", "s.item()", RECORDING),
    ("A[:] = w", "w.value", RECORDING),
    ("A.fill(s)", "s.item()", RECORDING),
    ("np.testing.assert_allclose(w, A)", "w.value", "write w.value"),
    ("np.testing.assert_array_equal(A, w)", "w.value", "write w.value"),
    ("rng.normal(w)", "w.value", RANDOM),
    ("np.random.normal(loc=s)", "s.item()", RANDOM),
    # Python
    ("float(s)", "s.item()", "leave float() out"),
    ("complex(s)", "s.item()", "leave complex() out"),
    ("math.exp(s)", "s.item()", "write np.exp(s)"),
    ("math.exp(-s)", "(-s).item()", "write np.exp(-s)"),
    ("math.hypot(s, 1.0)", "s.item()", "write np.hypot in place of math.hypot"),
    ("math.fsum([s, s])", "s.item()", "write np.stack([s, s])"),
    ("cmath.exp(s)", "s.item()", "write np.exp(s)"),
    ("statistics.fmean(w)", "w.value", "write np.mean, np.median, np.var or np.std"),
    ("random.choices([1, 2], weights=w)", "w.value", RECORDING),
    ("array.array('d', w)", "w.value", "leave array.array() out"),
    ("'%f' % s", "s.item()", "write s.item(), or an f-string"),
    # tinygraph's own functions read a node, not a list of nodes
    ("tg.parameter([s, s])", "s.item()", "write np.stack([s, s])"),
    ("tg.constant([s, s])", "s.item()", "write np.stack([s, s])"),
    # pandas
    ("df @ w", "w.value", PANDAS),
    ("df.dot(w)", "w.value", PANDAS),
    ("ser.dot(w)", "w.value", PANDAS),
    ("ser.clip(s)", "s.item()", PANDAS),
    ("ser.where(ser > 0, w)", "w.value", PANDAS),
    ("pd.Series(w)", "w.value", PANDAS),
    ("pd.DataFrame({'a': w})", "w.value", PANDAS),
    ("df['c'] = w", "w.value", PANDAS),
    ("pd.isna(w)", "w.value", PANDAS),
    # SciPy
    ("csr @ w", "w.value", SPARSE),
    ("csr * w", "w.value", SPARSE),
    ("csr * s", "s.item()", SPARSE),
    ("csr.multiply(w)", "w.value", SPARSE),
    ("scipy.sparse.csr_matrix(M)", "M.value", SPARSE),
    ("scipy.special.logsumexp(w)", "w.value", "write tg.logsumexp(w)"),
    ("scipy.special.softmax(M, axis=1)", "M.value", "write tg.softmax in place of scipy.special.softmax"),
    ("scipy.linalg.inv(M)", "M.value", "write np.linalg.inv(M)"),
    ("scipy.linalg.expm(M)", "M.value", SCIPY),
    ("scipy.stats.norm.pdf(w)", "w.value", SCIPY),
    ("scipy.integrate.quad(lambda x: x * s, 0.0, 1.0)", "(x * s).item()", SCIPY),
    ("scipy.optimize.minimize(loss, w)", "w.value", OPTIMIZE),
    ("scipy.optimize.minimize(lambda x: np.sum(w * x), A)", "np.sum(w * x).item()", OPTIMIZE),
    ("scipy.optimize.minimize_scalar(lambda x: (x - s) ** 2)", "((x - s) ** 2).item()", OPTIMIZE),
    # plots and metrics, which need no gradient
    ("plt.plot(w)", "w.value", "write w.value"),
    ("plt.plot([s, s])", "s.item()", "write s.item()"),
    ("plt.scatter(A, w)", "w.value", "write w.value"),
    ("plt.hist(w)", "w.value", "write w.value"),
    ("plt.errorbar(A, A, yerr=w)", "w.value", "write w.value"),
    ("plt.axhline(s)", "s.item()", "write s.item()"),
    ("sklearn.linear_model.LinearRegression().fit(M, A)", "M.value", "write M.value"),
    ("sklearn.metrics.accuracy_score([0, 1], labels)", "labels.value", "write labels.value"),
    ("pytest.approx(w)", "w.value", "write w.value"),
    # JAX
    ("jnp.array([s, s])", "s.item()", "write np.stack([s, s])"),
    ("jnp.ones(2).at[0].set(s)", "s.item()", "write np.asarray(x) for the JAX array"),
]

A, B = np.array([1.0, 3.0]), np.array([[1.0, 2.0], [0.5, 3.0]])
STANDARD = ("array", "cmath", "decimal", "fractions", "functools", "json", "math", "random", "statistics", "struct")
MODULES = {name: name for name in STANDARD} | {
    "jnp": "jax.numpy", "pd": "pandas", "plt": "matplotlib.pyplot", "scipy": "scipy", "torch": "torch",
}  # fmt: skip
PARTS = {
    "scipy": ["integrate", "linalg", "optimize", "sparse", "special", "stats"],
    "sklearn": ["linear_model", "metrics"],
}


def names(text: str) -> dict[str, Any]:
    """What the names in a line stand for; a test of a library that is not installed is skipped."""
    used = set(re.findall(r"\w+", text))
    held: dict[str, Any] = {
        "np": np, "tg": tg, "pytest": pytest,
        "A": A.copy(), "loss": np.sum, "rng": np.random.default_rng(0),
        "w": tg.parameter([0.5, 2.0]), "s": tg.parameter(1.5), "M": tg.parameter([[2.0, 0.5], [0.5, 1.0]]),
        "labels": tg.constant([0, 1]),
    }  # fmt: skip
    library = lambda name: pytest.importorskip(name, reason=f"{name} is not installed")
    held |= {name: library(module) for name, module in MODULES.items() if name in used}
    for package in used & PARTS.keys():
        held[package] = library(package)
        for part in used & set(PARTS[package]):
            library(f"{package}.{part}")
    if used & {"ser", "df", "index"}:
        pandas = library("pandas")
        held |= {"ser": pandas.Series(A), "df": pandas.DataFrame(B, columns=["a", "b"]), "index": pandas.Index(A)}
    if "csr" in used:
        held["csr"] = library("scipy.sparse").csr_matrix(B)
    if "da" in used:
        held["da"] = library("xarray").DataArray(A)
    if "t" in used:
        held["t"] = library("torch").tensor(A)
    if "j" in used:
        held["j"] = library("jax.numpy").array(A, dtype=np.float32)
    return held


def run(text: str, held: dict[str, Any], home: Path) -> Any:
    """The value of a line of a user's program, which stands in a file of its own."""
    file = home / "user.py"
    file.write_text(text + "\n")
    linecache.checkcache(str(file))
    is_statement = not isinstance(ast.parse(text).body[0], ast.Expr)
    code = compile(text, str(file), "exec" if is_statement else "eval")
    return exec(code, held) if is_statement else eval(code, held)


@pytest.fixture(autouse=True)
def _plots_are_drawn_in_memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("MPLBACKEND", "Agg")
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


def messages(error: BaseException | None) -> Iterator[str]:
    """What an error says, and those behind it."""
    while error is not None:
        yield str(error)
        error = error.__cause__ or error.__context__


@pytest.mark.filterwarnings("ignore:the matrix subclass")
@pytest.mark.parametrize(("text", "value", "fix"), RAISES, ids=[text for text, _, _ in RAISES])
def test_a_library_that_reads_a_node_raises_what_to_write(text: str, value: str, fix: str, tmp_path: Path) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        run(text, names(text), tmp_path)
    message = next(message for message in messages(caught.value) if message.startswith(value))
    first, *_, place, last = message.splitlines()
    shown = ast.unparse(ast.parse(text))
    assert first.endswith(f"; `{shown}` reads the value of a node, so that its result would have no gradient")
    assert place == f"  at user.py:1: {text}"
    assert last.removeprefix("  fix: ").removeprefix("for a gradient, ").startswith(fix)


@pytest.mark.parametrize(
    ("text", "package", "function"),
    [
        ("np.mean([s, s])", "numpy", "mean"),
        ("df @ w", "pandas", "__matmul__"),
        ("plt.axhline(s)", "matplotlib", "axhline"),
        ("scipy.stats.norm.pdf(w)", "scipy", "pdf"),
        ("statistics.fmean(w)", "statistics", "fmean"),
    ],
)
def test_the_outermost_function_of_a_library_is_named(text: str, package: str, function: str, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=rf"\n  read in {package}(\.\w+)*\.{function}\n"):
        run(text, names(text), tmp_path)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("float(model.s)", "model.s.item()"),
        ("float(params['s'])", "params['s'].item()"),
        ("float(layers[0])", "layers[0].item()"),
        ("float(np.sum(w * 2))", "np.sum(w * 2).item()"),
        ("float(s + 1)", "(s + 1).item()"),
        ("float(w[0])", "w[0].item()"),
        ("[float(entry) for entry in w]", "entry.item()"),
        ("list(map(float, w))", "w.value"),
        ("float(tg.parameter(2.0))", "tg.parameter(2.0).item()"),
        ("float(make())", "node.item()"),
    ],
)
def test_the_node_is_called_as_the_user_spells_it(text: str, value: str, tmp_path: Path) -> None:
    s = tg.parameter(1.5)
    nowhere: dict[str, Any] = {"tg": tg}
    exec("def make(): return tg.parameter(1.5) * 2", nowhere)
    more = {"model": SimpleNamespace(s=s * 1), "params": {"s": s * 1}, "layers": [s * 1], "make": nowhere["make"]}
    with pytest.raises(TypeError, match=f"^{re.escape(value)} is the plain"):
        run(text, names(text) | more, tmp_path)


def test_a_line_without_source_is_this_line() -> None:
    with pytest.raises(TypeError, match=r"^s.item\(\) is the plain number, .*; this line reads the value of a node"):
        exec("float(s)", {"s": tg.parameter(1.0)})


@pytest.mark.parametrize("text", ["A[w > 1]", "A[i]", "A[:i]", "model.table[i, 0]"])
def test_a_plain_array_is_not_read_at_a_node(text: str, tmp_path: Path) -> None:
    held = names(text) | {"i": tg.constant(1), "model": SimpleNamespace(table=B)}
    table, _, index = text.partition("[")
    with pytest.raises(TypeError, match=re.escape(f"fix: write tg.constant({table})[{index}")):
        run(text, held, tmp_path)


def test_a_library_that_cuts_its_own_array_at_a_node_decides() -> None:
    assert [x.tolist() for x in np.split(A, [tg.constant(1)])] == [[1.0], [3.0]]


# Nodes come out, with NumPy's gradient

RECORDS = [
    "w @ df", "df * w", "w * df", "df * s", "ser - w", "w - ser", "ser / w", "w / ser", "ser ** w", "w ** ser", "ser * s",
    "s * ser", "index * w", "w * index", "np.add(ser, w)", "np.dot(df, w)", "np.exp(ser * w)", "np.where(ser > 2, w, 0)",
    "ser.map(lambda x: x * s).sum()",
    "t * w", "w * t", "t @ w", "w @ t", "t + s", "np.add(t, w)",
    "j * w", "w * j", "j @ w", "w @ j", "j + s", "np.add(j, w)",
    "w * da", "(da * w).data", "(np.sin(da) / w).data",
    "np.float64(2) * w", "A * w", "np.array(2.0) / w", "A.clip(0, 9) @ w", "np.append(A, s)",
    "math.prod([s, s])", "sum([s, s])", "functools.reduce(lambda a, b: a * b, w)",
]  # fmt: skip
PLAIN = {"ser": A, "df": B, "index": A, "t": A, "j": A, "da": SimpleNamespace(data=A)}


@pytest.mark.parametrize("text", RECORDS)
def test_a_library_that_gives_way_to_a_node_keeps_the_gradient(text: str, tmp_path: Path) -> None:
    held = names(text)
    result = run(text, held, tmp_path)
    assert isinstance(result, tg.Node)
    seed = np.cos(np.arange(result.size)).reshape(result.shape)
    plain = re.sub(r"\((.*)\)\.data$", r"\1", text).replace("ser.map(lambda x: x * s).sum()", "np.sum(ser * s)")
    for name in {"w", "s"} & set(re.findall(r"\w+", text)):
        at = lambda x, name=name: eval(plain, held | PLAIN | {"da": A, name: x})
        (gradient,) = tg.gradients(result, held[name], seed=seed)
        assert_close(result.value, at(held[name].value), 1e-14)
        assert_close(gradient, complex_step(at, (held[name].value,), 0, seed), 1e-14)


@pytest.mark.parametrize("text", ["ser > w", "w > ser", "ser == w", "df < w", "t > w", "j > w", "pd.notna(ser) & (w > 1)"])
def test_a_comparison_with_a_library_is_a_node(text: str, tmp_path: Path) -> None:
    held = names(text)
    result = run(text, held, tmp_path)
    assert isinstance(result, tg.Node)
    plain = text.replace("pd.notna(ser)", "np.array([True, True])")
    assert result.tolist() == eval(plain, held | PLAIN | {"w": held["w"].value}).tolist()


# A value is printed

PRINTED = [
    ("f'{s}'", "<parameter: 1.5>"),
    ("f'{s:.3f}'", "1.500"),
    ("'{:.1e}'.format(s)", "1.5e+00"),
    ("format(s, '06.2f')", "001.50"),
    ("'%s' % s", "<parameter: 1.5>"),
    ("repr(w)", "<parameter (2,) float64: [0.5 2. ]>"),
    ("str(w)", "<parameter (2,) float64: [0.5 2. ]>"),
    ("json.dumps([s.item(), w.tolist()])", "[1.5, [0.5, 2.0]]"),
]


@pytest.mark.parametrize(("text", "printed"), PRINTED)
def test_printing_reads_a_value(text: str, printed: str, tmp_path: Path) -> None:
    assert run(text, names(text), tmp_path) == printed


# What a library refuses before it asks a node

REFUSED = [
    ("torch.tensor(w)", TypeError),
    ("torch.as_tensor([s, s])", TypeError),
    ("torch.exp(w)", TypeError),
    ("torch.from_numpy(w)", TypeError),
    ("torch.where(t > 0, s, t)", TypeError),
    ("t[0] = s", TypeError),
    ("jnp.exp(w)", TypeError),
    ("jnp.where(True, w, 0)", TypeError),
    ("da @ w", TypeError),
    ("ser += w", AttributeError),
    ("np.from_dlpack(w)", AttributeError),
    ("np.frombuffer(w)", TypeError),
    ("memoryview(w)", TypeError),
    ("json.dumps(w)", TypeError),
    ("struct.pack('d', s)", struct.error),
    ("statistics.mean(w)", TypeError),
    ("decimal.Decimal(s)", TypeError),
    ("fractions.Fraction(s)", TypeError),
    ("math.trunc(s)", TypeError),
]


@pytest.mark.parametrize(("text", "error"), REFUSED, ids=[text for text, _ in REFUSED])
def test_what_takes_no_node_at_all_raises_its_own_error(text: str, error: Any, tmp_path: Path) -> None:
    with pytest.raises(error):
        run(text, names(text), tmp_path)
