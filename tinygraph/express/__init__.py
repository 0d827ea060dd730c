"""A recorded graph as text: its statements, and the printers that write them."""
