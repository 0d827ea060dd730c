"""tinygraph on JAX in two processes of one device, of which the second does each step when the first does."""

import os
import socket
import subprocess
import sys
from functools import partial

import numpy as np

from benchmarks.peers.tinygraph_mesh import devices


def join(process, address):
    """Become a process of the mesh."""
    import jax

    jax.distributed.initialize(address, 2, process, coordinator_bind_address=address, initialization_timeout=60)
    jax.devices()  # waits for the other process


def free_address():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{found.getsockname()[1]}"


def adding(count):
    """The sum of an array over both processes, and nothing else."""
    import jax
    from jax.sharding import NamedSharding, PartitionSpec

    mesh = jax.sharding.Mesh(np.array(jax.devices()), "batch")
    array = jax.make_array_from_callback((2, count), NamedSharding(mesh, PartitionSpec("batch")), lambda _: np.ones((1, count)))
    added = jax.jit(lambda x: x.sum(axis=0), out_shardings=NamedSharding(mesh, PartitionSpec()))
    return lambda: added(array).block_until_ready()


def own():
    """What one process does of each workload."""
    return devices(1) | {"add 1": partial(adding, 1), "add 1e6": partial(adding, 10**6)}


def follow(address):
    """Do a step of the workload that each line names, until there are no more."""
    prepare, steps = own(), {}
    join(1, address)
    for line in sys.stdin:
        workload = line.strip()
        if workload not in steps:
            steps[workload] = prepare[workload]()
        steps[workload]()
    os._exit(0)  # JAX would wait for the other process


def together(workload, prepare, follower):
    """The step of a workload here and in the other process."""
    step = prepare()

    def both():
        print(workload, file=follower.stdin, flush=True)
        return step()

    return both


def workloads():
    address, prepare = free_address(), own()
    follower = subprocess.Popen([sys.executable, "-m", __name__, address], stdin=subprocess.PIPE, text=True)
    join(0, address)
    return {name: partial(together, name, first, follower) for name, first in prepare.items()}


if __name__ == "__main__":
    follow(sys.argv[1])
else:
    WORKLOADS = workloads()
