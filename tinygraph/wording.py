"""Numbers with their nouns, and names like another one: what messages and labels are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def suggestion(name: str, known: Iterable[str]) -> str:
    """What to say after a name that is not known: the known ones like it, or which there are.

    >>> suggestion("sigmiod", ["relu", "sigmoid"]), suggestion("foo", ["relu", "sigmoid"])
    ('did you mean sigmoid?', 'there are relu, sigmoid')
    """
    names = list(dict.fromkeys(known))
    import difflib  # for messages alone

    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    return f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(names[:20])}"


def counted(count: int, thing: str, things: str = "") -> str:
    """A number with its noun; `things` is the plural where that is not the noun with an s.

    >>> counted(1, "leaf", "leaves"), counted(2, "leaf", "leaves"), counted(1200, "card")
    ('1 leaf', '2 leaves', '1,200 cards')
    """
    return f"{count:,} {thing if count == 1 else things or f'{thing}s'}"


def listed(names: Sequence[str]) -> str:
    """Names in a sentence.

    >>> listed(["leaf"]), listed(["leaf", "apply", "value"])
    ('leaf', 'leaf, apply and value')
    """
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
