"""Elementary functions where a formula loses its digits."""

from math import factorial

import numpy as np
import pytest

import tinygraph as tg


@pytest.mark.parametrize("x", [0.0, 1e-9, 1e-3])
@pytest.mark.parametrize("order", range(1, 7))
def test_every_derivative_of_sinc_is_exact_near_0(order: int, x: float) -> None:
    f = np.sinc
    for _ in range(order):
        f = tg.grad(f)
    # from sin(t) / t = the sum of (-1)**k t**(2k) / (2k + 1)!
    terms = [
        (-1) ** k * np.pi ** (2 * k) * x ** (2 * k - order) * factorial(2 * k) / factorial(2 * k - order) / factorial(2 * k + 1)
        for k in range((order + 1) // 2, 12)
    ]
    assert f(x) == pytest.approx(sum(terms), rel=1e-13)
