"""tinygraph with `Graph.backprop`, whose sweep records the gradients as nodes."""

import tinygraph as tg
from benchmarks.peers.tinygraph_arrays import workloads


def gradients(L, nodes):
    grads = tg.Graph(L, names={}).backprop(wrt=nodes)  # without a statement for every variable of the loops
    return [grads[node].value for node in nodes]


WORKLOADS = workloads(gradients)
