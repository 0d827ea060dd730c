"""A graph as a picture: cards, their layout by Graphviz, and the page to explore it in."""
