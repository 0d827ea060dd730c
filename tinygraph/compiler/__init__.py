"""A recorded graph as a fast function of its leaves: which executors there are, and which of them a graph gets."""
