"""tinygraph on one device of JAX."""

from benchmarks.peers.tinygraph_mesh import devices

WORKLOADS = devices(1)
