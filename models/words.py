"""Numbers with their nouns, in the singular and in the plural."""

from __future__ import annotations


def counted(count: int, thing: str, things: str = "") -> str:
    """A number with its noun; `things` is the plural where that is not the noun with an s.

    >>> counted(1, "class", "classes"), counted(2, "class", "classes"), counted(0, "epoch")
    ('1 class', '2 classes', '0 epochs')
    """
    return f"{count} {thing if count == 1 else things or f'{thing}s'}"
