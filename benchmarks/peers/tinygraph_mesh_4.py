"""tinygraph on four devices of JAX."""

from benchmarks.peers.tinygraph_mesh import devices

WORKLOADS = devices(4)
