"""The derivation in LaTeX: what it says, and that KaTeX takes all of it."""

import pickle
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tests.browser import browser, katex_script
from tests.printed import graphs_of_every_op, logistic
from tests.test_graph import neuron
from tinygraph.express.latex import escaped, upright

NEURON = r"""
\begin{align}
  z &= w_{1} x_{1} + w_{2} x_{2} + b \\
  a &= \sigma(z) \\
  L &= -(y \ln(a) + (1 - y) \ln(1 - a)) \\
  \frac{\partial L}{\partial L} &= 1 \\
  \frac{\partial L}{\partial a} &= -\frac{y}{a} + \frac{1 - y}{1 - a} \\
  \frac{\partial L}{\partial z} &= \frac{\partial L}{\partial a} \cdot \frac{\partial a}{\partial z} = \frac{\partial L}{\partial a} \, a \, (1 - a) \\
  \frac{\partial L}{\partial w_{1}} &= \frac{\partial L}{\partial z} \cdot \frac{\partial z}{\partial w_{1}} = \frac{\partial L}{\partial z} \, x_{1} \\
  \frac{\partial L}{\partial w_{2}} &= \frac{\partial L}{\partial z} \cdot \frac{\partial z}{\partial w_{2}} = \frac{\partial L}{\partial z} \, x_{2} \\
  \frac{\partial L}{\partial b} &= \frac{\partial L}{\partial z} \cdot \frac{\partial z}{\partial b} = \frac{\partial L}{\partial z}
\end{align}
"""  # noqa: E501
LOGISTIC = r"""
\begin{align}
  z &= X w + b \\
  a &= \sigma(z) \\
  L &= -\frac{1}{m} \sum_{i=1}^{m} (y_{i} \ln(a_{i}) + (1 - y_{i}) \ln(1 - a_{i})) \\
  \frac{\partial L}{\partial L} &= 1 \\
  \frac{\partial L}{\partial a} &= \frac{1}{m} \, \left( -\frac{y}{a} + \frac{1 - y}{1 - a} \right) \\
  \frac{\partial L}{\partial z} &= \frac{\partial L}{\partial a} \cdot \frac{\partial a}{\partial z} = \frac{\partial L}{\partial a} \odot a \odot (1 - a) \\
  \frac{\partial L}{\partial w} &= \frac{\partial L}{\partial z} \cdot \frac{\partial z}{\partial w} = X^{\top} \, \frac{\partial L}{\partial z} \\
  \frac{\partial L}{\partial b} &= \frac{\partial L}{\partial z} \cdot \frac{\partial z}{\partial b} = \sum_{i} \frac{\partial L}{\partial z_{i}} \\
  m &= 3
\end{align}
"""  # noqa: E501


def test_the_canonical_neuron() -> None:
    names = neuron()
    graph = tg.Graph(names["L"], names=names)
    graph.backprop()
    assert graph.latex() == NEURON.strip()


def test_logistic_regression_on_arrays() -> None:
    assert logistic().latex() == LOGISTIC.strip()


def test_the_derivative_of_a_likelihood_is_a_product_over_the_others() -> None:
    t, y = np.array([1.0, 0.0, 1.0]), tg.parameter([0.7, 0.2, 1.0])
    p = y**t * (1 - y) ** (1 - t)
    L = np.prod(p)
    graph = tg.Graph(L)
    graph.backprop(wrt=[p, y])
    lines = graph.latex().splitlines()
    assert r"  \frac{\partial L}{\partial p_{i}} &= \prod_{j\ne i} p_{j} \\" in lines
    assert r"\odot t \odot y^{t - 1} -" in lines[-2]


def test_the_binary_cross_entropy_has_the_textbook_derivative() -> None:
    t, y = np.array([1.0, 0.0, 1.0]), tg.parameter([0.7, 0.2, 1.0])
    L = tg.binary_cross_entropy(y, t)
    graph = tg.Graph(L)
    graph.backprop()
    textbook = r"\frac{1}{m} \, \left( -\frac{t}{y} + \frac{1 - t}{1 - y} \right)"
    assert rf"  \frac{{\partial L}}{{\partial y}} &= {textbook} \\" in graph.latex().splitlines()


def test_a_notebook_shows_it() -> None:
    graph = logistic()
    found = graph.latex()
    assert isinstance(found, str)
    assert found._repr_latex_() == str(found)
    assert graph.mathml() in found._repr_html_()  # which browsers typeset without the network
    again = pickle.loads(pickle.dumps(found))
    assert (again, again._repr_html_()) == (found, found._repr_html_())


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("w1", "w_{1}"), ("x_train", r"x_{\mathrm{train}}"), ("W1_2", "W_{1,2}"), ("alpha", r"\alpha"), ("lambda_", r"\lambda"),
        ("σ", r"\sigma"), ("theta_0", r"\theta_{0}"), ("Omega", r"\Omega"), ("W_xh", r"W_{\mathrm{xh}}"), ("beta1", r"\beta_{1}"),
        ("layer2_W", r"\mathit{layer}_{2,W}"), ("dalpha_2", r"d\alpha_{2}"),
        ("loss", r"\mathit{loss}"), ("h10", "h_{10}"), ("W_x_h", "W_{x,h}"), ("x_alpha", r"x_{\alpha}"), ("omicron", "o"),
        ("hidden_layer_2", r"\mathit{hidden}_{\mathrm{layer},2}"), ("é", r"\text{é}"),
        ("重み", r"\text{重み}"), ("1x", r"\mathit{1x}"),
    ],
)  # fmt: skip
def test_names_as_variables(name: str, written: str) -> None:
    v = tg.parameter(1.0)
    graph = tg.Graph(v * 2, names={name: v})
    assert rf"&= {written} \cdot 2" in graph.latex()


def test_names_that_would_look_alike_stay_apart() -> None:
    names: dict[str, Any] = {name: tg.parameter(1.0) for name in ("w1", "w_1", "alpha", "α")}
    graph = tg.Graph(names["w1"] * names["w_1"] + names["alpha"] * names["α"], names=names)
    assert r"w_{1} \, \mathit{w\_1} + \alpha \alpha '" in graph.latex()


def test_gradients_of_unnamed_values_print() -> None:
    a, b = tg.parameter(1.0), tg.parameter(2.0)
    left, right = a + 1, b + 1
    graph = tg.Graph(left * right)
    graph.backprop(wrt=[left, right])
    assert graph.latex().endswith(r"\end{align}")
    assert graph.mathml().endswith("</math>")


def test_many_paths_of_the_chain_rule_are_cut_short() -> None:
    x = tg.parameter(2.0)
    names = {f"y{i}": x * i for i in range(2, 9)}
    L = sum(names.values())
    graph = tg.Graph(L, names={**names, "x": x, "L": L})
    graph.backprop()
    assert r"+ \dots =" in graph.latex()


@pytest.mark.parametrize(
    ("text", "bare", "plain"),
    [
        ("a_b", r"a\_b", r"\text{a}\_\text{b}"),
        ("ij,j->i", r"ij\text{,}j\text{->}i", r"\text{ij,j->i}"),
        ("${x}", r"\$\{x\}", r"\$\{\text{x}\}"),
        ("\\input{x}", r"\backslash input\{x\}", r"\backslash \text{input}\{\text{x}\}"),
        ("50%#&~^", r"50\%\#\&{\sim}{\wedge}", r"\text{50}\%\#\&{\sim}{\wedge}"),
        ("a\u0301\u0489\x00\u202eb", "\\text{á\u0489}b", "\\text{á\u0489b}"),
        ("\u0301", "", ""),
    ],
)
def test_text_is_escaped(text: str, bare: str, plain: str) -> None:
    assert escaped(text) == bare
    assert upright(text) == plain


CHECK = """([texts, strict]) => texts.map(text => {
  try { katex.renderToString(text, {displayMode: true, throwOnError: true, strict: strict}); return null }
  catch (error) { return text + "\\n" + error }
}).filter(error => error)"""


def refused(texts: list[str], strict: str = "error") -> list[str]:
    """What KaTeX has against LaTeX, in a real browser."""
    with browser() as visit:
        page = visit.show(katex_script())
        found: list[str] = page.evaluate(CHECK, [texts, strict])
        assert not visit.trouble
    return found


def test_katex_takes_every_op_and_says_so_where_it_does_not() -> None:
    @tg.op(lambda g, out, x: g * 1, elementwise=True)
    def __odd_name_1_(x: Any) -> Any:
        return x * 1

    @tg.op(lambda g, out, x: g * 1, elementwise=True, notation=r"\input{$%#&")
    def with_hostile_notation(x: Any) -> Any:
        return x * 1

    @tg.op(lambda g, out, x, text: g * 1, elementwise=True, notation="{}^ ²√ (| {} {}")
    def with_broken_notation(x: Any, *, text: str = "") -> Any:
        return x * 1

    @tg.op(lambda g, out, x: g * 1, elementwise=True, notation="größe₁₂")
    def größe_重(x: Any) -> Any:
        return x * 1

    v = tg.parameter([1.0, 2.0])
    odd = np.sum(__odd_name_1_(v) + with_hostile_notation(v) * größe_重(v) + with_broken_notation(v, text="}\\end{align}_^'"))
    graph = tg.Graph(odd, names=locals())
    graph.backprop()
    texts = [str(graph.latex()), *(str(g.latex()) for _, g in graphs_of_every_op())]
    assert not refused(texts)
    assert len(refused([r"\begin{align} a_b_c \end{align}", r"\frac{1"])) == 2


def test_the_chain_rule_goes_over_the_paths_that_there_are() -> None:
    x = tg.parameter(2.0)
    u = x**2
    v = np.sin(x) * u
    graph = tg.Graph(u, v, names={"x": x, "u": u, "v": v})
    graph.backprop(of=u)
    graph.backprop(of=v)
    assert r"\frac{\partial u}{\partial x} &= 2 x \\" in graph.latex()


def test_the_chain_rule_leaves_out_readers_that_pass_no_gradient() -> None:
    x = tg.parameter(2.0)
    u = x**2
    f = np.where(x > 0, u, 0)
    L = f * 2
    graph = tg.Graph(L, names=locals())
    graph.backprop()
    step = r"\frac{\partial L}{\partial u} \cdot \frac{\partial u}{\partial x}"
    assert rf"\frac{{\partial L}}{{\partial x}} &= {step} = 2 \, \frac{{\partial L}}{{\partial u}} \, x" in graph.latex()


def test_keys_that_are_numbers_do_not_read_as_numbers() -> None:
    p, x = {0: tg.parameter(0.3), 1: tg.parameter(0.5)}, tg.constant(2.0)
    L = p[0] * x + p[1]
    assert r"L &= p_{0} x + p_{1}" in tg.Graph(L, names={"p": p, "x": x, "L": L}).latex()
