"""`autograd.wrap_util`."""

from autograd import unary_to_nary  # noqa: F401
