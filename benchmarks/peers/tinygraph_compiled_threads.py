"""tinygraph with `graph.compile(threads=2)`."""

from functools import partial

from benchmarks.peers.tinygraph_compiled import compiled, workloads

WORKLOADS = workloads(partial(compiled, threads=2))
