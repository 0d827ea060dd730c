"""`autograd.numpy.linalg`: NumPy's."""

from numpy.linalg import *  # noqa: F403
