"""tinygraph on dask arrays in two worker processes, which have the chunks in memory."""

from functools import partial

import dask.array as da
from distributed import Client, LocalCluster

from benchmarks.peers.tinygraph_compiled import workloads
from benchmarks.peers.tinygraph_dask import on_chunks

cluster = LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0")
client = Client(cluster)


def scattered(parts):
    futures = client.scatter(parts)
    return da.concatenate([da.from_delayed(x, part.shape, part.dtype) for x, part in zip(futures, parts, strict=True)])


WORKLOADS = workloads(partial(on_chunks, make=scattered))
