"""tinygraph with `Graph.backprop`, whose sweep records the gradients as nodes."""

import tinygraph as tg
from benchmarks.peers.tinygraph_arrays import workloads


def gradients(L, nodes):
    grads = tg.Graph(L).backprop(wrt=nodes)
    return [grads[node].value for node in nodes]


WORKLOADS = workloads(gradients)
