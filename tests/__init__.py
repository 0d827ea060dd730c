"""The specification: one file a module, and three that hold for all of them (contract, layers, docs)."""
