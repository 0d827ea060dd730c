"""The one representation of a graph between its record and what prints it."""
