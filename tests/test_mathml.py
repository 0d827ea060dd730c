"""The derivation in MathML: well-formed XML, and every formula shows in a real browser."""

from xml.etree import ElementTree

import numpy as np

import tinygraph as tg
from tests.browser import browser
from tests.printed import graphs_of_every_op, logistic
from tests.test_graph import neuron
from tinygraph.express.layout import Digits, Fence, Fraction, Lowered, Raised, Root, Row, Sign, Symbol, Times, Word
from tinygraph.express.mathml import equation, print_layout

MATH = "{http://www.w3.org/1998/Math/MathML}"
ELEMENTS = {
    "math", "mrow", "mi", "mn", "mo", "mspace", "mfrac", "msup", "msub", "msubsup", "munder", "munderover", "msqrt", "mroot",
    "mtable", "mtr", "mtd",
}  # fmt: skip


def test_the_canonical_neuron_has_a_row_for_each_statement() -> None:
    names = neuron()
    graph = tg.Graph(names["L"], names=names)
    graph.backprop()
    rows = list(ElementTree.fromstring(graph.mathml()).iter(f"{MATH}mtr"))
    assert len(rows) == 9
    assert "".join(rows[0].itertext()).replace("\u2062", "") == "z=w1x1+w2x2+b"
    assert "".join(rows[5].itertext()).replace("\u2062", "") == "∂L∂z=∂L∂a·∂a∂z=∂L∂aa(1−a)"


def test_sums_have_their_index_below_and_their_end_above() -> None:
    root = ElementTree.fromstring(logistic().mathml())
    assert ["".join(x.itertext()) for x in root.iter(f"{MATH}munderover")] == ["∑i=1m"]
    assert ["".join(x.itertext()) for x in root.iter(f"{MATH}munder")] == ["∑i"]


def test_pieces() -> None:
    assert print_layout(Raised(Symbol("W", ("1",)), Word("T"))) == "<msubsup><mi>W</mi><mn>1</mn><mo>⊤</mo></msubsup>"
    assert (
        print_layout(Symbol("W", ("1",), ("i", "j")))
        == "<msub><mi>W</mi><mrow><mn>1</mn><mo>,</mo><mi>i</mi><mi>j</mi></mrow></msub>"
    )
    assert print_layout(Root(Symbol("x"), 3)) == "<mroot><mi>x</mi><mn>3</mn></mroot>"
    assert print_layout(Fraction(Digits("1"), Symbol("<"))) == "<mfrac><mn>1</mn><mi>&lt;</mi></mfrac>"
    assert (
        print_layout(Lowered(Word("max"), Symbol("i"), under=True))
        == '<munder><mi mathvariant="normal">max</mi><mi>i</mi></munder>'
    )
    assert print_layout(Row((Symbol("a"), Times(), Symbol("b")))).count("mspace") == 0
    assert print_layout(Row((Symbol("ab"), Times(), Symbol("b")))).count("mspace") == 1
    assert equation([Symbol("a"), Sign("−"), Symbol("b")]).count("<mo>=</mo>") == 2


def test_fences_are_one_line_high_unless_what_they_enclose_is_higher() -> None:
    a, line = Symbol("a"), Fence("(", Fence("(", Symbol("a"), ")"), ")")
    with browser() as visit:
        page = visit.show(equation([a, line, Fence("(", Fraction(a, a), ")")]))
        heights = page.evaluate("[...document.querySelectorAll('mo[fence]')].map(x => x.getBoundingClientRect().height)")
    assert max(heights[:4]) - min(heights[:4]) < 1
    assert min(heights[4:]) > 1.3 * heights[0]


def test_every_op_is_well_formed_and_shows() -> None:
    found = {note: graph.mathml() for note, graph in graphs_of_every_op()}
    for note, text in found.items():
        root = ElementTree.fromstring(text)
        assert {x.tag.removeprefix(MATH) for x in root.iter()} <= ELEMENTS, note
    with browser() as visit:
        page = visit.show("".join(found.values()))
        sizes = page.evaluate(
            "[...document.querySelectorAll('math')].map(x => [x.getBoundingClientRect().width, x.getBoundingClientRect().height])"
        )
        rows = page.evaluate("[...document.querySelectorAll('math mtr')].map(x => x.getBoundingClientRect().width)")
        assert not visit.trouble
    assert len(sizes) == len(found)
    assert min(min(size) for size in sizes) > 10
    assert min(rows) > 10


def test_equations_are_aligned_at_their_signs() -> None:
    x = tg.parameter(np.ones(3))
    long_name = np.sum(x * 2)
    L = long_name * 3
    graph = tg.Graph(L, names=locals())
    with browser() as visit:
        page = visit.show(graph.mathml())
        left = page.evaluate("[...document.querySelectorAll('mtd:nth-child(2)')].map(x => x.getBoundingClientRect().left)")
        right = page.evaluate("[...document.querySelectorAll('mtd:first-child > *')].map(x => x.getBoundingClientRect().right)")
    assert max(left) - min(left) < 1
    assert max(right) - min(right) < 2
