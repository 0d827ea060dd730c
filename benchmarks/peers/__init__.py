"""One module a peer: `WORKLOADS` maps a name to a function that prepares a step."""
