"""The sheet of a notebook: well-formed, escaped, legible in light and dark, with what is decided as dots."""

import xml.etree.ElementTree as ElementTree
from functools import lru_cache
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tests.browser import browser
from tinygraph.ops import REGISTRY, Op

OPS = [op for op in REGISTRY.values() if op.built_in]
SHOWN = [
    "sigmoid", "relu", "abs", "max", "maximum", "sqrt", "log", "clip", "softmax", "matmul", "where", "binary_cross_entropy",
    "sort", "power", "round",
]  # fmt: skip
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&`"


@tg.op(lambda g, out, x: g, elementwise=True, notation=HOSTILE)
def own_hostile(x: Any) -> Any:
    return x


own_hostile.__doc__ = f"""{HOSTILE} `{HOSTILE}` `x`.

Shape: {HOSTILE}
Derivative: ∂/∂x = {HOSTILE}. {HOSTILE}
"""
own_hostile.name = HOSTILE


explained = lru_cache(tg.explain)


def parsed(what: Any) -> ElementTree.Element:
    return ElementTree.fromstring(explained(what)._repr_html_())


def tags(root: ElementTree.Element) -> set[str]:
    return {x.tag.rpartition("}")[2] for x in root.iter()}


@pytest.mark.parametrize("op", OPS, ids=str)
def test_every_sheet_is_well_formed_and_has_its_panels_or_tables(op: Op) -> None:
    root, found = parsed(op), explained(op)
    pictures = [x for x in root.iter() if x.get("role") == "img"]
    assert len(pictures) == sum(1 + plot.slopes for plot in found.plots)
    assert all(x.get("aria-label") for x in pictures)
    assert len([x for x in root.iter() if x.tag == "figure"]) == 0 if found.numbers is None else "table" in tags(root)
    places = [x.get(name, "0") for x in root.iter() for name in ("cx", "cy", "x", "y", "d")]
    assert not any("nan" in place or "inf" in place for place in places)


def test_what_a_user_writes_is_text() -> None:
    root = parsed(own_hostile)
    assert not tags(root) & {"script", "img"}
    assert not any(name.startswith("on") for x in root.iter() for name in x.attrib)
    assert "<script>alert(1)</script>" in "".join(root.itertext())


def test_a_kink_is_a_full_dot_at_what_is_taken_and_empty_ones_beside_it() -> None:
    svg = [x for x in parsed(np.abs).iter() if x.get("role") == "img"]
    dots = [[(x.get("class") or "").split()[0] for x in panel.iter() if x.tag.endswith("circle")] for panel in svg]
    assert dots == [["tg-full"], ["tg-empty", "tg-empty", "tg-full"]]


def test_the_example_is_a_table_with_the_derivatives() -> None:
    cells = [x.text for x in parsed(np.max).iter("td")]
    assert cells == ["1", "3", "3", "3", "0", "0.5", "0.5"]


MEASURE = """() => {
  const luminance = colour => {
    const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map(x => x / 255)
      .map(x => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const sheets = document.querySelectorAll('.tg-explained'), small = [], weak = []
  for (const sheet of sheets) {
    const page = luminance(getComputedStyle(sheet).backgroundColor)
    for (const x of sheet.querySelectorAll('*:not(style)')) {
      if (![...x.childNodes].some(node => node.nodeType === 3 && node.data.trim())) continue
      const style = getComputedStyle(x), colour = luminance(x.closest('svg') ? style.fill : style.color)
      const ratio = (Math.max(colour, page) + 0.05) / (Math.min(colour, page) + 0.05)
      if (parseFloat(style.fontSize) < 11) small.push(x.outerHTML.slice(0, 200))
      if (ratio < 4.5) weak.push(x.outerHTML.slice(0, 200))
    }
  }
  return {count: sheets.length, small, weak, wide: document.documentElement.scrollWidth - innerWidth}
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 400])
def test_in_a_browser_everything_is_legible_and_nothing_runs(scheme: str, width: int) -> None:
    sheets = "".join(tg.explain(what)._repr_html_() for what in [*SHOWN, own_hostile])
    with browser() as visit:
        visit.page.emulate_media(color_scheme=scheme)
        visit.page.set_viewport_size({"width": width, "height": 900})
        page = visit.show(sheets)
        found = page.evaluate(MEASURE)
        assert found == {"count": len(SHOWN) + 1, "small": [], "weak": [], "wide": found["wide"]}
        assert found["wide"] <= 0
        assert visit.trouble == []
