"""A graph as a fast step: planned, rewritten and run without recording anything."""
