"""A reader of the MathML that tinygraph prints: its rows as items, see `mathematics`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element, fromstring

from tests.mathematics import Cases, Group, Item, Items, Letter, Lowered, Number, Quotient, Raised, Root, Sign, Word, split

TIMES = "\u2062"  # a product that is not written
NAMESPACE = "{http://www.w3.org/1998/Math/MathML}"


def rows(text: str) -> list[list[Items]]:
    """The sides of every row of a table, or of an equation alone."""
    table = fromstring(text).find(f"{NAMESPACE}mtable")
    assert table is not None
    found = []
    for row in table:
        left, right = (items(cell) for cell in row)
        found.append([left, *split(right[1:], "=")])
    return found


def items(element: Element) -> Items:
    """What is inside an element; rows inside it are not seen."""
    found: list[Item] = []
    apart = True
    for child in _flat(element):
        if child.text == TIMES:
            apart = True
        else:
            found += _item(child, apart)
            apart = isinstance(found[-1], Sign)
    return tuple(found)


def _tag(element: Element) -> str:
    return element.tag.removeprefix(NAMESPACE)


def _is_fence(element: Element) -> bool:
    return _tag(element) == "mo" and element.get("fence") == "true"


def _flat(element: Element) -> Iterator[Element]:
    """The children, those of rows without brackets in their place."""
    for child in element:
        if _tag(child) == "mrow" and not (len(child) and _is_fence(child[0])):
            yield from _flat(child)
        elif _tag(child) != "mspace":
            yield child


def _item(x: Element, apart: bool) -> Iterator[Item]:
    text, tag = x.text or "", _tag(x)
    if tag == "mi":
        upright = x.get("mathvariant") == "normal"
        yield Word(text) if upright else Letter(text)
    elif tag == "mn":
        yield from _number(text)
    elif tag == "mo":
        yield Sign(text)
    elif tag == "mrow":
        yield _fenced(x, apart)
    elif tag == "mfrac":
        yield Quotient(*map(_inside, x))
    elif tag == "msqrt":
        yield Root(items(x), 2)
    elif tag == "mroot":
        yield Root(_inside(x[0]), int(x[1].text or ""))
    elif tag in ("msub", "munder"):
        yield _lowered(_one(x[0]), _inside(x[1]))
    elif tag == "msup":
        yield Raised(_one(x[0]), _inside(x[1]))
    elif tag == "msubsup":
        yield Raised(_lowered(_one(x[0]), _inside(x[1])), _inside(x[2]))
    elif tag == "munderover":
        yield Lowered(_one(x[0]), _inside(x[1]), _inside(x[2]))
    else:
        raise AssertionError(f"what is <{tag}>?")


def _number(text: str) -> Iterator[Item]:
    for piece in re.findall(r"\d+(?:\.\d+)?|∞|NaN|.", text):
        yield Number(piece) if piece[0].isdigit() or piece in ("∞", "NaN") else Sign(piece)


def _inside(x: Element) -> Items:
    """An element that stands for a formula."""
    holder = Element("mrow")
    holder.append(x)
    return items(holder)


def _one(x: Element) -> Item:
    """What a script belongs to."""
    found = _inside(x)
    return found[0] if len(found) == 1 else Group("", found)


def _lowered(base: Item, below: Items) -> Item:
    if isinstance(base, Letter):
        return Letter(base.text, tuple(x.text for x in below if isinstance(x, Letter | Number | Word)))
    return Lowered(base, below)


def _fenced(x: Element, apart: bool) -> Item:
    opening, *inside = x
    if opening.text == "{":
        (table,) = inside
        return Cases(tuple((items(value), _condition(items(condition))) for value, condition in table))
    body = Element("mrow")
    body.extend(inside[:-1])
    assert _is_fence(inside[-1])
    return Group(opening.text or "", items(body), apart)


def _condition(found: Sequence[Item]) -> Items:
    word, *rest = found
    assert word in (Word("if"), Word("otherwise"))
    return tuple(rest)
