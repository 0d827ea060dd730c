"""`autograd.misc`."""

import numpy as np

from tinygraph.tree import arrays_of, rebuild


def flatten(value):
    """One vector of all arrays of a tree, dicts by sorted key, and the way back."""
    if isinstance(value, dict):
        value = {key: value[key] for key in sorted(value)}
    parts = arrays_of(value)
    shapes = [np.shape(x) for x in parts]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]
    flat = np.concatenate([np.reshape(x, -1) for x in parts]) if parts else np.zeros(0)

    def unflatten(vector):
        return rebuild(value, [np.reshape(x, shape) for x, shape in zip(np.split(vector, ends), shapes, strict=True)])

    return flat, unflatten


def const_graph(*_):
    raise NotImplementedError("const_graph")
