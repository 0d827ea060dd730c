"""JAX, compiled by jit, which may overwrite the parameters of the step before."""

from functools import partial

import jax

from benchmarks.peers.jax_jit import workloads

WORKLOADS = workloads(partial(jax.jit, donate_argnums=0))
