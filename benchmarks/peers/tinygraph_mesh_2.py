"""tinygraph on two devices of JAX."""

from benchmarks.peers.tinygraph_mesh import devices

WORKLOADS = devices(2)
