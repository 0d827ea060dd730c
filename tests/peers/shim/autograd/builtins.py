"""`autograd.builtins`: containers need no boxes here."""

from builtins import dict, isinstance, list, tuple, type  # noqa: F401, UP029
