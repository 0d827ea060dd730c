"""A recorded graph told as text: statements first, and every printer over them."""
