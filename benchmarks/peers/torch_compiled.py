"""PyTorch, with the loss compiled by torch.compile."""

import torch

from benchmarks.peers.torch_eager import workloads

WORKLOADS = workloads(torch.compile)
