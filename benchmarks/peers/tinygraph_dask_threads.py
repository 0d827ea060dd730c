"""tinygraph on dask arrays in threads, of which dask starts one for each core."""

from functools import partial

import dask.array as da

from benchmarks.peers.tinygraph_compiled import workloads
from benchmarks.peers.tinygraph_dask import on_chunks


def chunked(parts):
    return da.concatenate([da.from_array(x, chunks=x.shape) for x in parts])


WORKLOADS = workloads(partial(on_chunks, make=chunked))
