"""tinygraph with `graph.compile(threads=2)`."""

from benchmarks.peers.tinygraph_compiled import workloads

WORKLOADS = workloads(threads=2)
