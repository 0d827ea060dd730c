"""Numbers as text: the page prints, character by character, what Python prints, in a real browser and under its policy."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Any

import numpy as np
import pytest

from tests.browser import Visit
from tinygraph.draw.view import script_json
from tinygraph.express.holes import SHOWN
from tinygraph.express.text import euclidean, in_full, number

POLICY = re.findall(r"<meta[^>]*Content-Security-Policy[^>]*>", files("tinygraph.stepping").joinpath("page.html").read_text())
SCRIPT = files("tinygraph.express").joinpath("javascript/texts.js").read_text(encoding="utf-8")
HARNESS = """
const read = (x) => ({ nan: NaN, inf: Infinity, "-inf": -Infinity, "-0": -0 })[x] ?? x;
const value = ([, shape, entries]) => (shape.length ? { shape, data: entries.map(read) } : read(entries[0]));
const all = JSON.parse(document.getElementById("values").textContent);
const norm = (_, x) => number("f8", euclidean(x));
document.getElementById("found").textContent =
  JSON.stringify(Object.fromEntries(Object.entries({ number, rate, inFull, norm }).filter(([name]) => name in all)
    .map(([name, print]) => [name, all[name].map((x) => print(x[0], value(x)))])));
"""
PRINTERS: dict[str, Callable[[Any], str]] = {
    "number": number,
    "rate": SHOWN["rate"],
    "inFull": in_full,
    "norm": lambda value: number(euclidean(value)),
}


def data(value: Any) -> list[Any]:
    array = np.asarray(value)
    entries = [
        int(x) if not isinstance(x, float) else "-0" if x == 0 and math.copysign(1, x) < 0 else x if math.isfinite(x) else str(x)
        for x in np.ravel(array).tolist()
    ]
    return [array.dtype.str[1:], list(array.shape), entries]


def printed(visit: Visit, printer: str, values: Sequence[Any]) -> list[str]:
    """What the page prints."""
    page = visit.show(
        f'{POLICY[0]}<script type="application/json" id="values">{script_json({printer: list(map(data, values))})}</script>'
        f'<output id="found"></output><script type="module">{SCRIPT}{HARNESS}</script>'
    )
    found: list[str] = json.loads(page.locator("#found").text_content())[printer]
    return found


def same(visit: Visit, printer: str, values: Sequence[Any]) -> None:
    with np.errstate(all="ignore"):
        wanted = list(map(PRINTERS[printer], values))
    differ = [(repr(x), a, b) for x, a, b in zip(values, wanted, printed(visit, printer, values), strict=True) if a != b]
    assert differ == []


def powers_of_ten() -> list[Any]:
    powers = [sign * float(f"{digits}e{power}") for power in range(-323, 309) for digits in ("1", "9.995") for sign in (1, -1)]
    return powers + [np.nextafter(x, side) for x in powers if 1e-6 < abs(x) < 1e17 for side in (0, 1e300)]


def ties() -> list[Any]:
    """Halfway between two numbers of three decimals, of three digits, of ten digits."""
    sixteenths = [(2 * i + 1) / 16 for i in range(-1000, 1000)]
    thousands = [float(i * 1000 + 500) * 10**k for i in range(100, 400) for k in (0, 1, 5)]
    long = [i + 0.5 for i in range(10**9 - 40, 10**9 + 40)]
    return [*sixteenths, *thousands, *long, 112500.0, -112500.0, 1e5, 99999.9995, 0.0009995, 2.5e-5]


def at_random() -> list[Any]:
    rng = np.random.default_rng(14)
    bits = rng.integers(0, 2**63, 1500, dtype=np.int64).view(np.float64)
    near = rng.normal(size=1500) * 10.0 ** rng.integers(-5, 7, 1500)
    short = np.round(rng.normal(size=1000) * 100, 2)
    return [*bits, *near, *short, *near.astype(np.float32), *bits[:300].astype(np.float16)]


ODD: list[Any] = [
    0.0, -0.0, math.nan, math.inf, -math.inf, 5e-324, -5e-324, 2.2e-308, 1.7976931348623157e308, np.float32(1e-45),
    np.float32(3e38), True, False, np.bool(True), 0, -1, 7, 10**5, -(10**15), np.int8(-128), np.uint8(255), 1e15, 1e16,
    1e21, 1e22, 1e-7, 123456789012.0,
]  # fmt: skip


FAMILIES: list[Callable[[], list[Any]]] = [powers_of_ten, ties, at_random, lambda: ODD]


@pytest.mark.parametrize("printer", ["number", "inFull"])
@pytest.mark.parametrize("family", FAMILIES)
def test_ten_thousand_numbers_are_python_s(visit: Visit, family: Callable[[], list[Any]], printer: str) -> None:
    with np.errstate(all="ignore"):
        same(visit, printer, [np.asarray(x)[()] for x in family()])


def test_a_rate_is_shown_as_it_is_typed(visit: Visit) -> None:
    with np.errstate(all="ignore"):
        found = [float(x) for family in FAMILIES for x in family() if math.isfinite(x) and x]
    same(visit, "rate", [np.float64(x) for x in [*found, 0.1, 0.05, 1e-3, 3.0, 1e16, 123456.5, 0.1234565]])


def test_these_are_ten_thousand() -> None:
    with np.errstate(all="ignore"):
        assert sum(len(family()) for family in (powers_of_ten, ties, at_random)) > 10_000


def arrays() -> list[Any]:
    rng = np.random.default_rng(3)
    found: list[Any] = []
    rows, tables = [(0,), (1,), (2,), (3,), (4,), (40,), (201,)], [(0, 3), (3, 0), (2, 3), (7, 30), (300, 2), (2, 300)]
    for shape in [*rows, *tables, (2, 2, 2), (9, 8, 7)]:
        plain = rng.normal(size=shape) * 10.0 ** rng.integers(-6, 7, shape)
        odd = np.where(rng.random(shape) < 0.3, rng.choice([math.nan, math.inf, -math.inf, -0.0], shape), plain)
        found += [plain, odd, np.round(plain), np.zeros(shape), -plain * 1e-300, plain.astype(np.float32)]
        found += [plain > 0, rng.integers(-1000, 1000, shape), rng.integers(0, 255, shape).astype(np.uint8)]
    return found


@pytest.mark.parametrize("printer", ["number", "inFull", "norm"])
def test_arrays_print_as_in_python(visit: Visit, printer: str) -> None:
    with np.errstate(all="ignore"):
        same(visit, printer, arrays())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1 / 3, "0.3333333333"), (3.0, "3.0"), (-0.0, "0.0"), (1e300, "1e+300"), (np.float32(0.1), "0.1000000015"), (7, "7"),
        (np.eye(2), "[[1.0 0.0]\n [0.0 1.0]]"), ([True, False], "[ True False]"),
        ([0.5, -12.25, 1e-9], "[     0.50    -12.25 1.000e-09]"), (np.arange(201), "[  0   1   2 … 198 199 200]"),
        (np.zeros((0, 3)), "[]"), (np.arange(8).reshape(2, 2, 2), "[[[0 1]\n  [2 3]]\n\n [[4 5]\n  [6 7]]]"),
    ],
)  # fmt: skip
def test_a_value_in_full(value: Any, text: str) -> None:
    assert in_full(np.asarray(value)[()]) == text
