"""`autograd.numpy`: NumPy itself, because a Node answers to it; only `array` must look inside lists for Nodes."""

import numpy as _numpy
from numpy import *  # noqa: F403

import tinygraph as tg
from autograd.numpy import linalg, random  # noqa: F401
from tinygraph.tree import arrays_of

abs, max, min, round, sum, all, any, pow = (
    _numpy.abs, _numpy.max, _numpy.min, _numpy.round, _numpy.sum, _numpy.all, _numpy.any, _numpy.pow,
)  # fmt: skip
row_stack = _numpy.vstack


def array(x, *args, **kwargs):
    if isinstance(x, list | tuple) and _builtin_any(isinstance(leaf, tg.Node) for leaf in arrays_of(x)):
        return _numpy.stack([array(row) for row in x])
    return x if isinstance(x, tg.Node) else _numpy.array(x, *args, **kwargs)


def _builtin_any(values):
    return True in values


def __getattr__(name):
    return getattr(_numpy, name)
