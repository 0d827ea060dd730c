"""The referee: judges gradients, and engines, that someone else wrote."""
