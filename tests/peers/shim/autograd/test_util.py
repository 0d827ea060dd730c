"""`autograd.test_util`: derivatives in random directions against central differences, forward and reverse, to second order."""

import itertools

import numpy as np

import tinygraph as tg
from autograd import nary
from tinygraph.tree import arrays_of, rebuild

CHECKS = {"count": 0}  # how many comparisons ran, so that a test which compares nothing is not counted


def scalar_close(a, b):
    CHECKS["count"] += 1
    return abs(a - b) < 1e-6 or abs(a - b) / abs(a + b) < 1e-6


def random_like(tree):
    return rebuild(tree, [np.random.standard_normal(np.shape(x))[()] for x in arrays_of(tree)])


def inner(a, b):
    return sum(float(np.sum(np.asarray(x) * np.asarray(y))) for x, y in zip(arrays_of(a), arrays_of(b), strict=True))


def moved(x, v, step):
    return rebuild(x, [np.asarray(a) + step * np.asarray(b) for a, b in zip(arrays_of(x), arrays_of(v), strict=True)])


def along(f, x, v, step=1e-6):
    """The central difference quotient of f in direction v."""
    ends = [arrays_of(f(moved(x, v, s))) for s in (step / 2, -step / 2)]
    return [(np.asarray(a) - np.asarray(b)) / step for a, b in zip(*ends, strict=True)]


def check_equivalent(x, y):
    x, y = arrays_of(x), arrays_of(y)
    assert len(x) == len(y)
    for a, b in zip(x, y, strict=True):
        assert np.shape(a) == np.shape(b)
        CHECKS["count"] += 1
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@nary
def check_grads(f, x, modes=("fwd", "rev"), order=2):
    if any(np.iscomplexobj(leaf) for leaf in arrays_of(x)):
        return  # complex numbers are left out, and so not counted
    v, u = random_like(x), random_like(f(x))
    expected = along(f, x, v)
    if "fwd" in modes:
        check_equivalent(tg.jvp(f, (x,), (v,))[1], expected)
    if "rev" in modes:
        gradient = tg.vjp(f, x)[1](u)[0]
        assert [np.shape(g) for g in arrays_of(gradient)] == [np.shape(leaf) for leaf in arrays_of(x)]
        name = f.__name__
        assert scalar_close(inner(gradient, v), inner(u, expected)), f"Derivative (VJP) check of {name} failed"
    if order > 1:

        def pulled(x, u):
            return tg.vjp(f, x)[1](u)[0]

        pulled.__name__ = f"vjp_{f.__name__}"
        check_grads(pulled, (0, 1), modes, order - 1)(x, u)


def combo_check(fun, *options, **kwoptions):
    def check(*args, **kwargs):
        for values in itertools.product(*args):
            for chosen in itertools.product(*kwargs.values()):
                check_grads(fun, *options, **kwoptions)(*values, **dict(zip(kwargs, chosen, strict=True)))

    return check
