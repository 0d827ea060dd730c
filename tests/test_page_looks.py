"""Pages of every kind, measured in a real browser: text that can be read, in every width and theme, and nothing cut off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import tinygraph as tg
from tests.browser import Visit
from tests.page_kinds import KINDS
from tinygraph.stepping.stepper import Stepper

WIDTHS = (1400, 800, 400)
SCHEMES = ("light", "dark")  # a page has the same sizes in both, and the same colours at every width
SMALLEST = 11.0  # pixels of text
CONTRAST = 4.5  # AA of the accessibility guidelines

# Each visible text with its size, its colour and the colour behind it; text in a picture has the colour of the shape behind it.
MEASURE = """() => {
  const root = document.getElementById("stepper").shadowRoot;
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  canvas.canvas.width = canvas.canvas.height = 1;
  const rgba = colour => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = ([r, g, b, a], [x, y, z]) => [r * a + x * (1 - a), g * a + y * (1 - a), b * a + z * (1 - a), 1];
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map(c => c / 255).map(c => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const page = rgba(getComputedStyle(root.querySelector(".app")).backgroundColor);
  const behind = element => {
    const layers = [];
    for (let on = element; on && on !== root; on = on.parentElement ?? on.getRootNode().host) {
      if (on.localName === "g" && on.matches(".card")) {
        const shape = on.querySelector("path, polygon, rect");
        layers.push(rgba(getComputedStyle(shape).fill));
      }
      layers.push(rgba(getComputedStyle(on).backgroundColor));
      if (layers.at(-1)[3] === 1) break;
    }
    return layers.reverse().reduce((below, layer) => over(layer, below), page);
  };
  const opacity = element => {
    let found = 1;
    for (let on = element; on && on !== root; on = on.parentElement) found *= Number(getComputedStyle(on).opacity);
    return found;
  };
  const texts = [...root.querySelectorAll("*")].filter(x => [...x.childNodes].some(n => n.nodeType === 3 && n.data.trim()));
  const found = [];
  const visible = { visibilityProperty: true, opacityProperty: true };
  const isHidden = x => !x.checkVisibility(visible) || !x.getBoundingClientRect().width;
  for (const x of texts) {
    if (x.closest("style, .spoken, .sheet, title, option") || isHidden(x)) continue;
    const style = getComputedStyle(x), isDrawn = x instanceof SVGElement, back = behind(x);
    const [red, green, blue, alpha] = rgba(isDrawn ? style.fill : style.color);
    const seen = over([red, green, blue, alpha * opacity(x)], back);
    const [high, low] = [luminance(seen), luminance(back)].sort((p, q) => q - p);
    const size = parseFloat(style.fontSize) * (isDrawn ? x.getScreenCTM().a : 1);
    found.push({ text: x.textContent.slice(0, 40), size, contrast: (high + 0.05) / (low + 0.05) });
  }
  return found;
}"""


def opened(visit: Visit, path: Path, stepper: Stepper, width: int, scheme: Any = "light") -> Any:
    visit.page.set_viewport_size({"width": width, "height": 900})
    visit.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page = visit.open_saved(stepper, path)
    page.wait_for_selector(".count")
    return page


def in_pairs() -> Iterator[tuple[str, int, str]]:
    """Every kind at every width and in both schemes, every width in both schemes, but not all three with all."""
    for i, kind in enumerate(KINDS):
        for j, width in enumerate(WIDTHS):
            yield kind, width, SCHEMES[(i + j) % 2]


@pytest.mark.parametrize(("kind", "width", "scheme"), list(in_pairs()))
def test_texts_can_be_read_and_nothing_is_cut_off(visit: Visit, tmp_path: Path, kind: str, width: int, scheme: str) -> None:
    stepper = KINDS[kind]().stepper()
    total = len(stepper.steps)
    page = opened(visit, tmp_path, stepper, width, scheme)
    for position in (0, 2, total - total // 3, total):
        page.locator(".track input").fill(str(position))
        texts = page.evaluate(MEASURE)
        assert len(texts) > 10
        assert [x for x in texts if x["size"] < SMALLEST] == [], position
        assert [x for x in texts if x["contrast"] < CONTRAST] == [], position
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert cut_off(page) == [], position


@pytest.mark.parametrize("kind", ["neuron", "softmax"])
def test_a_finger_can_touch_every_control_on_a_phone(visit: Visit, tmp_path: Path, kind: str) -> None:
    page = opened(visit, tmp_path, KINDS[kind]().stepper(), 400)
    page.keyboard.press("End")
    for tab in ("Statements and code", "Paths", "Quiz"):
        page.locator(f"role=tab[name='{tab}']").click()
        sizes = page.evaluate(
            """() => [...document.getElementById("stepper").shadowRoot.querySelectorAll("button, select, input")]
              .filter(x => x.checkVisibility() && !x.matches("[type=radio]")).map(x => [x, x.getBoundingClientRect()])
              .map(([x, { width, height }]) => [x.getAttribute("aria-label") || x.textContent, Math.min(width, height)])"""
        )
        assert len(sizes) > 10
        assert [(name, size) for name, size in sizes if size < 44] == []


@pytest.mark.parametrize("width", [320, 400])
def test_a_long_name_does_not_widen_the_page(visit: Visit, tmp_path: Path, width: int) -> None:
    w, x = tg.parameter(0.5), tg.parameter(2.0)
    z = w * x
    stepper = tg.Graph(z * z + w, names={"weight" * 9: w, "x": x, "value" * 20: z}).stepper()
    page = opened(visit, tmp_path, stepper, width, "light")
    for position in range(len(stepper.steps) + 1):
        page.locator(".track input").fill(str(position))
        page.wait_for_timeout(60)  # the plots come later
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        numbers = page.locator(".chip strong").evaluate_all("all => all.map(x => x.getClientRects()[0].height)")
        assert len({round(x) for x in numbers}) < 2  # each on one line


def cut_off(page: Any) -> Any:
    """Results of the step that stand beyond the edge of their box, which is then scrolled."""
    return page.evaluate(
        """() => {
          const root = document.getElementById("stepper").shadowRoot, box = root.querySelector(".sum").getBoundingClientRect();
          const isOut = x => x.left < box.left || x.right > box.right || x.top < box.top || x.bottom > box.bottom;
          const results = [...root.querySelectorAll(".chip.result, .equation .value")];
          return results.filter(x => isOut(x.getBoundingClientRect())).map(x => x.textContent);
        }"""
    )
