"""Stepping through a graph: the cursor, the quiz, and the displays of both."""
