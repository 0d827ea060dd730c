"""JAX, op by op."""

from benchmarks.peers.jax_jit import workloads

WORKLOADS = workloads(lambda f: f)
