"""`tg.Graph(L)` calls values what the code calls them; `names=` wins where it is given."""

import copy
import doctest
import pickle
import weakref
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tests.snippets import called, cases, run

# Each piece of code has a title, and behind its last line the names that its graph gives, in order of creation.
CASES = cases("""
# variables
x = tg.parameter(2.0)
z = x * 3
L = z ** 2
graph = tg.Graph(L)  # x z L

# an expression has no name
x = tg.parameter(2.0)
graph = tg.Graph(x * x + 1)  # x output

# rebound in a line each
x = tg.parameter(2.0)
h = x * 2
h = np.exp(h)
h = h + 1
graph = tg.Graph(h)  # x h_1 h_2 h

# rebound from a leaf on
h = tg.parameter(2.0)
h = h * 2
h = np.exp(h)
graph = tg.Graph(h)  # h_0 h_1 h

# a sum in a loop
J, w = 0.0, tg.parameter(2.0)
for i in range(3):
    J += w * i
J = J / 3
graph = tg.Graph(J)  # w J_1 J_2 J_3 J

# the loss of the last step
w = tg.parameter(2.0)
for _ in range(3):
    L = w ** 2
    w = tg.parameter(w.value - 1)
graph = tg.Graph(L)  # w L

# an entry of a list
w = tg.parameter(2.0)
hs = [w * i for i in range(3)]
L = sum(hs)
graph = tg.Graph(L)  # w hs_0 hs_1 hs_2 L

# a comprehension sees what is around it
def f():
    w = tg.parameter(1.0)
    return [tg.Graph(L) for L in [w * 2]]
(graph,) = f()  # w L

# arrays
X, w = (np.ones((3, 2)), tg.parameter(np.ones(2)))
z = X @ w
graph = tg.Graph(z)  # w X z

# an array comes behind a node of its name
class A:
    pass
a, W = (A(), np.ones(2))
a.W = tg.parameter(W)
graph = tg.Graph(a.W * W)  # W W_2 output

# in a function
def f(x):
    z = x * 3
    return np.exp(z)
a = f(tg.parameter(2.0))
graph = tg.Graph(a)  # x z a

# in a lambda
f = lambda x: x * 2
z = f(tg.parameter(1.0))
graph = tg.Graph(z)  # x z

# walrus
def f(x):
    return (z := (x * 3)) * np.exp(z)
graph = tg.Graph(f(tg.parameter(2.0)))  # x z output

# annotated
def f(x):
    u: object = x * 1
    return u * 2
graph = tg.Graph(f(tg.parameter(2.0)))  # x u output

# tuple
def f(x):
    u, v = (x * 1, x * 2)
    return u * v
graph = tg.Graph(f(tg.parameter(2.0)))  # x u v output

# tuple in a tuple
def f(x):
    (u, v), w = ((x * 1, x * 2), x * 3)
    return u * v * w
graph = tg.Graph(f(tg.parameter(2.0)))  # x u v w output

# unpacked
def f(X):
    u, v = X
    return u * v
graph = tg.Graph(f(tg.parameter(np.ones(2))))  # X u v output

# either of two
def f(x, big):
    z = x * 2 if big else x * 3
    return z * z
graph = tg.Graph(f(tg.parameter(1.0), False))  # x z output

# over several lines
def f(x):
    z = (
        x
        .sum()
    )
    u = np.exp(
        z
    )
    return u * 2
graph = tg.Graph(f(tg.parameter(np.ones(2))))  # x z u output

# behind letters of several bytes
def f(x):
    é = 'é'; ζ = x * 2
    return ζ * 3
graph = tg.Graph(f(tg.parameter(1.0)))  # x ζ output

# augmented
def f(J):
    J *= 2
    J += 1
    return J * 3
graph = tg.Graph(f(tg.constant(1.0)))  # J_0 J_1 J output

# several targets
class A:
    pass
a = A()
def f(x):
    h = a.h = x * 2
    return h * 3
graph = tg.Graph(f(tg.parameter(1.0)))  # x h output

# a hidden name
def f(x):
    _z = x * 2
    return _z * 3
graph = tg.Graph(f(tg.parameter(1.0)))  # x output

# an attribute
graph = tg.Graph(Layer()(tg.parameter(np.ones(2))))  # W x z output

# attributes of several objects
x = tg.constant(np.ones(2))
layers = [Layer(), Layer(), Layer()]
h = x
for layer in layers:
    h = layer(h)
graph = tg.Graph(h)  # x W_1 W_2 W_3 z_1 h_1 z_2 h_2 z_3 h

# calls one after the other
first, second = (Layer(), Layer())
h = first(np.ones(2))
out = second(h)
graph = tg.Graph(out)  # W_1 W_2 x z_1 h z_2 out

# attributes of a class
class A:
    W, b = (tg.parameter(1.0), tg.parameter(2.0))
graph = tg.Graph(A.W * 2 + A.b)  # W b output

# keys
class A:
    pass
a = A()
a.parameters = {"W1": tg.parameter(1.0), "b1": tg.parameter(2.0)}
a.parameters["W2"] = tg.parameter(3.0)
a.more = dict(c=tg.parameter(4.0))
p = a.parameters
L = p["W1"] * p["b1"] * p["W2"] * a.more["c"]
graph = tg.Graph(L)  # W1 b1 W2 c L

# keys that are put together
class A:
    p = {}
    for i in range(1, 3):
        p["W" + str(i)] = tg.parameter(float(i))
        p[f"b_{i}"] = tg.parameter(float(i))
L = A.p["W1"] * A.p["b_1"] + A.p["W2"] * A.p["b_2"]
graph = tg.Graph(L)  # W_1 b_1 W_2 b_2 L

# keys that are put together in a display
class A:
    p = {f"W{i}": tg.parameter(float(i)) for i in range(1, 3)}
L = A.p["W1"] * A.p["W2"]
graph = tg.Graph(L)  # W_1 W_2 L

# a list that a function fills
def f(w):
    hs = []
    for i in range(3):
        hs.append(np.sin(w * i))
    return sum(hs)
L = f(tg.parameter(2.0))
graph = tg.Graph(L)  # w hs_1 hs_2 hs_3 L

# a variable goes before the list that it is put in
h = x = tg.parameter(2.0)
hs = []
for i in range(3):
    h = np.sin(h)
    hs.append(h)
L = sum(hs)
graph = tg.Graph(L)  # x h_1 h_2 h L

# a loop in a function
def f(h):
    for _ in range(3):
        h = np.tanh(h)
    return h
x = tg.parameter(1.0)
out = f(x)
graph = tg.Graph(out)  # x h_1 h_2 out

# recursion
def f(h, n):
    h = np.tanh(h)
    return h if n == 0 else f(h, n - 1)
x = tg.parameter(1.0)
L = f(x, 3)
graph = tg.Graph(L)  # x h_1 h_2 h_3 L

# steps of a function are no values of the variable
def f(w):
    total = sum([w, w, w, w])
    m = np.average(w * total, weights=[1.0, 2.0])
    return m * 2
w = tg.parameter(np.ones(2))
graph = tg.Graph(f(w))  # w total c_1 m output

# steps of a sum of arrays
def f(w):
    total = sum([np.ones(2), w, w])
    return total * 2
w = tg.parameter(np.ones(2))
graph = tg.Graph(f(w))  # w c_1 total output

# several results of a function
def f(x):
    parts = np.split(x, 2)
    return np.sum(parts[0] * parts[1])
x = tg.parameter(np.ones(4))
graph = tg.Graph(f(x))  # x parts_1 parts_2 output

# a backward pass
x = tg.parameter(2.0)
y = x ** 3
grads = tg.Graph(y).backprop()
P = grads["x"] ** 2
graph = tg.Graph(P)  # x P

# for
X = tg.constant(np.ones((3, 2)))
J = 0
for x in X:
    J = J + np.sum(x)
graph = tg.Graph(J)  # X x_1 J_1 x_2 J_2 x J

# for in a comprehension
X = tg.constant(np.ones((3, 2)))
J = np.sum(np.stack([np.sum(x) for x in X]))
graph = tg.Graph(J)  # X x_1 x_2 x J

# for in a function
def f(X):
    J = 0
    for x in X:
        J = J + x ** 2
    return J
L = f(tg.constant(np.ones(2)))
graph = tg.Graph(L)  # X x_1 J_1 x L

# for with several
X, Y = (tg.constant(np.ones((2, 2))), tg.constant(np.ones(2)))
J = 0
for i, (x, y) in enumerate(zip(X, Y)):
    J += np.sum(x) - y
graph = tg.Graph(J)  # X Y x_1 y_1 J_1 x y J

# for with an array
X, Y = (np.ones((2, 2)), tg.constant(np.ones(2)))
J = 0
for x, y in zip(X, Y):
    J += np.sum(x * y)
graph = tg.Graph(J)  # Y y_1 x_1 J_1 y x J

# for with arrays
w = tg.parameter(1.0)
J = 0
for x, y in zip(np.ones(2), np.ones(2)):
    J += w * x - y
graph = tg.Graph(J)  # w x_1 y_1 J_1 x y J

# an argument
def f(w, x):
    return w * x
graph = tg.Graph(f(tg.parameter(1.0), np.ones(2)))  # w x output

# a constant around an array
y = np.ones(2)
graph = tg.Graph(tg.constant(y) * tg.parameter(1.0))  # y p_1 output

# entries of an array
Y, w = (np.ones((1, 3)), tg.parameter(1.0))
J = 0
for i in range(3):
    J = J + w * Y[0, i]
graph = tg.Graph(J)  # w Y_1 J_1 Y_2 J_2 Y_3 J

# entries by number
x, w = (np.ones(2), tg.parameter(1.0))
L = w * x[0] + x[1]
graph = tg.Graph(L)  # w x_0 x_1 L

# an attribute that is an array
class D:
    X, y = (np.ones(2), np.ones(2))
w = tg.parameter(1.0)
L = w * D.X - D.y
graph = tg.Graph(L)  # w X y L

# what is computed has no name
X, w = (np.ones((2, 2)), tg.parameter(1.0))
L = w * np.flipud(list(X)) + X[[0, 1]]
graph = tg.Graph(L)  # w c_1 X_1 L

# what a function computes on the way has no name
def f(y, x):
    return np.trapezoid(y, x)
graph = tg.Graph(f(tg.parameter(np.ones(2)), np.arange(2.0)))  # p_1 c_1 output

# a list on the left of a comparison
def f(w, x):
    return np.where(x < w, w, 1.0)
graph = tg.Graph(f(tg.parameter(np.ones(2)), [1.0, 2.0]))  # w x output
""")


@pytest.mark.parametrize(("text", "names"), CASES)
def test_values_are_called_what_the_code_calls_them(text: str, names: str) -> None:
    assert called(text) == names


@pytest.mark.parametrize(("text", "names"), CASES)
def test_a_name_is_an_identifier_that_stands_for_one_value_and_prints_source_that_runs(text: str, names: str) -> None:
    graph = run(text)["graph"]
    given = [name for node in graph.forward if (name := graph.name(node)) is not None]
    assert len(given) == len(set(given))
    assert all(name.isidentifier() and graph.name(graph[name]) == name for name in given)
    leaves = {graph.name(node): node.value for node in graph.forward if node.op is None and node.kind != "seed"}
    np.testing.assert_allclose(graph.function()(**leaves), graph.outputs[0].value, rtol=1e-14)


OPERANDS = {
    "x * w": "x", "w @ x": "x", "x < w": "x", "-w * x": "x", "w[0] * x": "x", "w.dot(x)": "x", "np.dot(w, x)": "x",
    "np.maximum(x, w)": "x", "np.where(w > 0, x, w)": "x", "np.stack([w, x])": "x", "np.concatenate((x, w))": "x",
    "np.einsum('i,i->', w, x)": "x", "np.clip(w, x, 2.0)": "x", "tg.mean_squared_error(w, x)": "x",
    "tg.binary_cross_entropy(w, x)": "x", "np.linalg.solve(np.outer(w, w) + np.eye(2), x)": "x", "w + np.sin(x)": "x",
}  # fmt: skip


@pytest.mark.parametrize(("expression", "name"), OPERANDS.items(), ids=OPERANDS)
def test_an_operand_is_called_as_it_is_written(expression: str, name: str) -> None:
    text = f"def f(w, x): return {expression}\nL = f(tg.parameter(np.full(2, 0.5)), np.ones(2)); graph = tg.Graph(L)"
    assert name in called(text).split()


WITHOUT_SOURCE = cases("""
# variables
def f(x):
    z = x * 3
    a = np.exp(z)
    return a
L = f(tg.parameter(2.0))
graph = tg.Graph(L)  # p_1 z L

# leaves
def f():
    w = tg.parameter(2.0)
    return w * w
graph = tg.Graph(f())  # w output

# walrus
def f(x):
    return (z := (x * 3)) * np.exp(z)
graph = tg.Graph(f(tg.parameter(2.0)))  # p_1 z output

# attributes
graph = tg.Graph(Layer()(Layer()(tg.parameter(np.ones(2)))))  # W_1 W_2 p_1 z_1 z_2 output

# keys
p = {}
def f():
    p["W"] = tg.parameter(1.0)
    return p.pop("W") * 2
graph = tg.Graph(f())  # W output

# loops
def f(h):
    for _ in range(3):
        h = h * 2
    return h + 1
L = f(tg.parameter(1.0))
graph = tg.Graph(L)  # p_1 h_1 h_2 h L

# steps
w = tg.parameter(1.0)
L = sum([w, w, w])
graph = tg.Graph(L)  # w L

# unpacked
def f(X):
    u, v = X
    return u * v
graph = tg.Graph(f(tg.parameter(np.ones(2))))  # p_1 output
""")


@pytest.mark.parametrize(("text", "names"), WITHOUT_SOURCE)
def test_without_source_the_bytecode_has_the_names_of_what_is_stored(text: str, names: str) -> None:
    assert called(text, with_source=False) == names


GIVEN = cases("""
# leaves that it does not reach
w = tg.parameter(1.0)
z = w * 2
L = z + 1
graph = tg.Graph(L, names={"L": L})  # w L

# nothing but leaves
w = tg.parameter(1.0)
z = w * 2
L = z + 1
graph = tg.Graph(L, names={})  # w output

# what is given wins
w = tg.parameter(1.0)
graph = tg.Graph(w * 2, names={"v": w})  # v output

# a name that is taken
def f():
    w = tg.parameter(1.0)
    return w
w = tg.parameter(2.0)
graph = tg.Graph(w * f(), names={"w": w})  # w w_1 output

# the loss of the last step
w = tg.parameter(2.0)
for _ in range(3):
    L = w ** 2
    w = tg.parameter(w.value - 1)
graph = tg.Graph(L, names=globals())  # w L

# what a loop starts from
h = tg.parameter(2.0)
for _ in range(3):
    h = np.tanh(h)
graph = tg.Graph(h, names=globals())  # h_0 h_1 h_2 h

# entries
X, w = (np.ones(2), tg.parameter(1.0))
J = 0
for i in range(2):
    J = J + w * X[i]
graph = tg.Graph(J, names={"J": J})  # w X_1 J_1 X_2 J

# another operand, made by the same line, is no earlier value of the name
made = []
for value in (0.5, 2.0):
    made.append(tg.parameter(value))
L = made[0] / made[1]
graph = tg.Graph(L, names={"L": L, "scale": made[1]})  # made_1 scale L
""")


@pytest.mark.parametrize(("text", "names"), GIVEN)
def test_given_names_win_and_leaves_beside_them_are_called_as_in_the_code(text: str, names: str) -> None:
    assert called(text) == names


def neuron() -> tg.Graph:
    w, x = tg.parameter(0.5), tg.constant(2.0)
    z = w * x
    return tg.Graph(np.exp(z))


def test_a_value_with_a_name_is_a_statement() -> None:
    graph = neuron()
    graph.backprop()
    assert [repr(statement) for statement in graph.statements()] == [
        "<statement z = w * x>",
        "<statement output = np.exp(z)>",
        "<statement doutput = 1>",
        "<statement dz = output>",
        "<statement dw = dz * x>",
    ]


def test_a_loop_over_examples_prints_with_the_names_of_its_code() -> None:
    X, Y = np.array([[0.5, 1.0], [1.5, -0.5]]), np.array([[0.0, 1.0]])
    w1, w2, b, J = tg.parameter(0.3), tg.parameter(0.5), tg.parameter(0.2), 0.0
    for i in range(2):
        z = w1 * X[i, 0] + w2 * X[i, 1] + b
        a = tg.sigmoid(z)
        J += (a - Y[0, i]) ** 2
    J = J / 2
    graph = tg.Graph(J)
    graph.backprop()
    right = {statement.name: statement.right for statement in graph.statements()}
    assert right["z_1"] == "w1 * X_1 + w2 * X_2 + b"
    assert right["z"] == "w1 * X_3 + w2 * X_4 + b"
    assert right["J_2"] == "J_1 + (a - Y_2) ** 2"
    assert right["dw1"] == "dz_1 * X_1 + dz * X_3"
    stepper = graph.stepper()
    stepper.set(Y_2=0.0)
    assert stepper.graph["Y_2"].item() == 0.0


@pytest.mark.parametrize(
    "twin",
    [
        lambda graph: graph.with_leaves({graph["w"]: 1.0}),
        lambda graph: pickle.loads(pickle.dumps(graph)),
        copy.deepcopy,
        lambda graph: neuron(),
    ],
    ids=["with other leaves", "pickled", "copied", "recorded again"],
)
def test_a_twin_has_the_same_names(twin: Any) -> None:
    graph = neuron()
    names = [graph.name(node) for node in graph.forward]
    other = twin(graph)
    assert [other.name(node) for node in other.forward] == names == ["w", "x", "z", "output"]


def test_nodes_from_a_pickle_are_named_by_the_frame_alone() -> None:
    L = pickle.loads(pickle.dumps(neuron().outputs[0]))
    graph = tg.Graph(L)
    assert [graph.name(node) for node in graph.forward] == ["p_1", "c_1", None, "L"]


def test_a_graph_keeps_neither_the_frame_nor_what_else_is_there() -> None:
    class Other:
        pass

    def build() -> tuple[tg.Graph, Any]:
        other, w = Other(), tg.parameter(1.0)
        L = w * 2
        return tg.Graph(L), weakref.ref(other)

    graph, other = build()
    assert graph.names == ("L", "w")  # the output is called as it is given, first
    assert other() is None


def test_names_of_attributes_and_keys_are_data() -> None:
    text = """
    class A: pass
    a = A()
    a.p = {"<script>alert(1)</script>": tg.parameter(1.0), "lambda": tg.parameter(2.0)}
    a.p[""], a.p["'"] = tg.parameter(3.0), tg.parameter(4.0)
    L = a.p["<script>alert(1)</script>"] * a.p["lambda"] * a.p[""] * a.p["'"]
    graph = tg.Graph(L)
    """
    assert called(text) == "_script_alert_1___script_ lambda_ p_1 _ L"
    graph = run(text)["graph"]
    assert graph.function()(1.0, 2.0, 3.0, 4.0) == 24.0
    assert "<script>alert" not in graph.draw().svg


def test_names_are_unique_where_several_places_have_the_same_one() -> None:
    text = """
    def one(x):
        z = x * 2
        return np.exp(z)
    def two(x):
        z = x * 3
        return np.exp(z)
    x = tg.parameter(1.0)
    z = one(x) + two(x)
    z_1 = z * 2
    graph = tg.Graph(z_1)
    """
    assert called(text) == "x z_1_2 z_2 z z_1"


@pytest.mark.parametrize("scope", [lambda names: names, lambda names: {"params": names}], ids=["variables", "dict"])
@pytest.mark.parametrize("names", [("w b", "w_b"), ("w_b", "w b"), ("exp", "exp_"), ("w b", "w-b", "w_b_2")])
def test_a_name_finds_what_the_user_calls_so(names: tuple[str, ...], scope: Any) -> None:
    """Not another value whose name Python spells so."""
    leaves = {name: tg.parameter(float(i)) for i, name in enumerate(names)}
    L = sum(i * leaf for i, leaf in enumerate(leaves.values()))
    graph = tg.Graph(L, names=scope(leaves))
    grads = graph.backprop()
    for i, (name, leaf) in enumerate(leaves.items()):
        assert graph[name] is leaf
        assert grads[name].value == i


def test_a_long_loop_is_numbered_through() -> None:
    h = tg.parameter(1.0)
    for _ in range(20_000):
        h = h * 1.0
    graph = tg.Graph(h)
    assert [graph.name(node) for node in graph.forward] == [*(f"h_{i}" for i in range(20_000)), "h"]


def test_a_doctest_has_its_source() -> None:
    text = """
    >>> def f(x):
    ...     z, a = x * 2, x * 3
    ...     return z * a
    >>> graph = tg.Graph(f(tg.parameter(1.0)))
    >>> graph.names
    ('z', 'a', 'x', 'output')
    """
    test = doctest.DocTestParser().get_doctest(text, {"tg": tg}, "names", None, None)
    assert doctest.DocTestRunner().run(test).failed == 0


def test_a_checked_graph_leads_up_to_a_nan_by_the_same_names() -> None:
    x = tg.parameter(-1.0)
    with np.errstate(invalid="ignore"):
        z = np.sqrt(x)
    L = z * 2
    with pytest.raises(tg.NonFiniteError) as caught:
        tg.Graph(L, check_finite=True)
    assert caught.value.graph.names == ("x", "z")
