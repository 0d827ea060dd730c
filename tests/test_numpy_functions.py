"""What a function that cannot be given a node says to write instead."""

import re
from typing import Any

import numpy as np
import pytest
import scipy.special

import tinygraph as tg
from tinygraph.ops.numpy_functions import OF_SCIPY

X, Y = np.array([0.2, 0.7]), np.array([0.5, 0.3])
RULES = {name: advice.partition("its rule is ")[2] for name, advice in OF_SCIPY.items() if "its rule is" in advice}
WRITTEN = {name: advice.partition("write ")[2] for name, advice in OF_SCIPY.items() if name not in RULES}


@pytest.mark.parametrize("name", [*OF_SCIPY, "psi", "log1p"])
def test_a_function_of_scipy_is_refused_under_its_own_name(name: str) -> None:
    function = getattr(scipy.special, name)
    with pytest.raises(TypeError, match=f"^scipy.special.{name} does not take a node: ") as caught:
        function(*[tg.parameter(0.3)] * function.nin)
    assert f"np.{name}(" not in str(caught.value) or hasattr(np, name)


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_to_be_written_for_it_has_its_value(name: str) -> None:
    function = getattr(scipy.special, name)
    scope: dict[str, Any] = {"np": np, "tg": tg, "node": tg.parameter(X), "x": tg.parameter(X), "y": tg.parameter(Y)}
    expected = function(*(X, Y)[: function.nin])
    np.testing.assert_allclose(eval(WRITTEN[name], scope).value, expected, rtol=1e-12)


@pytest.mark.parametrize("name", RULES)
def test_the_rule_for_it_is_its_derivative(name: str) -> None:
    function = getattr(scipy.special, name)
    scope = {"np": np, "scipy": scipy, "g": 1.0, "x": X, "out": function(X)}
    step = 1e-6
    difference = (function(X + step) - function(X - step)) / (2 * step)
    np.testing.assert_allclose(eval(RULES[name], scope), difference, rtol=1e-8)


@pytest.mark.parametrize(
    ("name", "said"),
    [("log1p", "write np.log1p(node)"), ("psi", "declare it with @tg.op, or use node.value")],
)
def test_others_of_scipy_are_numpys_or_to_be_declared(name: str, said: str) -> None:
    with pytest.raises(TypeError, match=re.escape(said)):
        getattr(scipy.special, name)(tg.parameter(0.3))


def test_a_ufunc_of_somebody_else_is_refused_by_its_name() -> None:
    own = np.frompyfunc(lambda x: x + 1, 1, 1)
    with pytest.raises(TypeError, match=r"^<lambda> \(vectorized\) does not take a node"):
        own(tg.parameter(0.3))
