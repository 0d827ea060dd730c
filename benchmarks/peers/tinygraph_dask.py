"""tinygraph on dask arrays, of which each chunk is computed by a compiled step."""

import numpy as np

import tinygraph as tg

CHUNKS = 8


def on_chunks(graph, arrays, make):
    """A step on arrays of dask, which are made of lists of chunks of rows."""
    return tg.bridges.dask.step(graph, **{name: make(np.array_split(x, CHUNKS)) for name, x in arrays.items()})
