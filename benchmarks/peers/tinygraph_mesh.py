"""tinygraph on devices of JAX, which share the rows of a batch."""

import os

from benchmarks.peers.tinygraph_compiled import workloads


def devices(count):
    """The workloads on that many devices of this machine, to be called before JAX is used."""
    os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={count}"
    return workloads(sharded)


def sharded(graph, arrays):
    import jax

    import tinygraph as tg

    return graph.compile(backend="jax", mesh=tg.bridges.jax.mesh(batch=jax.devices()), bind=arrays)
