"""Every op explains itself from its declaration: a sentence, a formula, its derivatives, curves or a sample in numbers."""

import json
from functools import lru_cache
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import tinygraph as tg
from tinygraph.explaining.explanation import Explanation
from tinygraph.explaining.little import little, thinned
from tinygraph.explaining.words import SENTENCE, words
from tinygraph.ops import REGISTRY, Op

OPS = [op for op in REGISTRY.values() if op.built_in]
TOO_LARGE = {"merge_pairs"}  # whose example has four axes


@tg.op(lambda g, out, x: g * (1 - out**2) / np.sqrt(1 + x**2), elementwise=True)
def own_sign(x: Any) -> Any:
    return x / np.sqrt(1 + x**2)


explained = lru_cache(tg.explain)


@pytest.mark.parametrize("op", OPS, ids=str)
class TestEveryOp:
    def test_has_one_sentence_and_a_formula(self, op: Op) -> None:
        found = explained(op)
        assert len(SENTENCE.split(found.sentence)) == 1
        assert found.sentence[-1] == "."
        assert found.formula.text
        assert found.formula.latex
        assert "<math" in found.formula.mathml

    def test_says_the_derivative_by_each_argument_that_has_one(self, op: Op) -> None:
        found = explained(op)
        for name, formula in found.derivatives.items():
            assert formula is not None or words(op).remarks, name
        assert set(found.derivatives).isdisjoint(found.without)

    def test_shows_curves_or_an_example(self, op: Op) -> None:
        found = explained(op)
        assert found.plots or found.numbers is not None or op.name in TOO_LARGE
        assert found.plots or not op.elementwise

    def test_is_plain_json(self, op: Op) -> None:
        data = explained(op).data()
        assert json.loads(json.dumps(data, allow_nan=False)) == data

    def test_is_small_on_a_page(self, op: Op) -> None:
        markup = little(op)
        assert len(markup.encode()) < 4500
        texts = "".join(ElementTree.fromstring(markup).itertext())
        assert op.name in texts
        assert explained(op).sentence.replace("`", "") in texts

    def test_prints_lines_that_fit(self, op: Op) -> None:
        text = str(explained(op))
        assert text.splitlines()[0].startswith(f"{op.name}(")
        assert text.isprintable() or "\n" in text


@pytest.mark.parametrize("op", [op for op in OPS if not op.elementwise and any(op.rules)], ids=str)
def test_an_example_is_what_the_op_and_its_derivatives_are(op: Op) -> None:
    found = explained(op)
    if found.numbers is None or found.sample is None:
        return
    inputs = [leaf.value for leaf in found.sample.leaves]
    np.testing.assert_array_equal(op(*inputs, **found.sample.params), found.numbers.result)
    for name, matrix in found.numbers.derivatives:
        i = found.sample.names.index(name)

        def moved(x: Any, i: int = i) -> Any:
            return op(*inputs[:i], x, *inputs[i + 1 :], **found.sample.params)  # type: ignore[union-attr]  # checked above

        jacobian = tg.jacobian(moved)(inputs[i])
        np.testing.assert_allclose(matrix, np.reshape(jacobian, matrix.shape), atol=1e-12)


def test_the_example_of_a_maximum_shows_how_ties_share() -> None:
    found = tg.explain(np.max).numbers
    assert found is not None
    np.testing.assert_array_equal(found.derivatives[0].matrix, [[0, 0.5, 0.5]])


class TestWhatIsTaken:
    @pytest.mark.parametrize(
        ("what", "op"),
        [
            (tg.sigmoid, "sigmoid"), (np.tanh, "tanh"), ("sigmoid", "sigmoid"), ("np.tanh", "tanh"), ("absolute", "abs"),
            (np.where, "where"), (np.concatenate, "concatenate"), (np.linalg.norm, "norm"), (np.max, "max"),
            (own_sign, "own_sign"), ("own_sign", "own_sign"),
        ],
    )  # fmt: skip
    def test_an_op_a_numpy_function_a_name(self, what: Any, op: str) -> None:
        assert tg.explain(what).op is REGISTRY[op]

    def test_the_op_that_made_a_node_with_its_numbers(self) -> None:
        x = tg.parameter([[1.0, 2.0], [4.0, 3.0]])
        found = tg.explain(np.sum(x, axis=0))
        assert found.numbers is not None
        np.testing.assert_array_equal(found.numbers.result, [5, 5])
        assert "Σ" in found.formula.text

    def test_a_node_that_is_too_large_is_explained_by_another_example(self) -> None:
        found = tg.explain(np.sum(tg.parameter(np.ones(1000))))
        assert found.numbers is not None
        assert found.numbers.result.size < 10

    def test_metadata_of_an_elementwise_node_stays(self) -> None:
        found = tg.explain(np.round(tg.parameter(1.26), 1))
        assert found.sample is not None
        assert found.sample.params == {"decimals": 1}

    @pytest.mark.parametrize(
        ("what", "error", "said"),
        [
            ("sigmiod", LookupError, "no op is called 'sigmiod': did you mean sigmoid"),
            (3.0, TypeError, "not float"),
            ([1], TypeError, "not list"),
            (tg.parameter(1.0), TypeError, "a parameter is no result of an op"),
            (len, TypeError, "len is no op"),
            (np.diag, TypeError, "diag is made of other ops"),
        ],
    )
    def test_anything_else_is_an_error(self, what: Any, error: type[Exception], said: str) -> None:
        with pytest.raises(error, match=said):
            tg.explain(what)


class TestAnOpOfTheUser:
    def test_is_explained_by_its_function_and_its_rule(self) -> None:
        found = tg.explain(own_sign)
        assert found.formula.text == "own_sign(x) = x/√(1 + x²)"
        assert [x.text for x in found.derivatives.values() if x is not None] == ["∂/∂x = (1 − own_sign(x)²)/√(1 + x²)"]
        assert len(found.plots) == 1

    def test_that_is_documented_is_explained_by_that(self) -> None:
        @tg.op(lambda g, out, x: g * 3 * x**2, elementwise=True)
        def own_cube(x: Any) -> Any:
            """`x**3`, the cube of x. It is odd.

            Derivative: ∂/∂x = 3 * x**2. It is never negative.
            """
            return x * x * x

        found = tg.explain(own_cube)
        assert found.sentence == "`x**3`, the cube of x."
        assert found.formula.text == "own_cube(x) = x³"
        assert found.derivatives["x"] is not None
        assert found.derivatives["x"].text == "∂/∂x = 3x²"
        assert found.notes == ("It is never negative.",)

    def test_on_arrays_has_an_example_of_the_shapes_it_declares(self) -> None:
        @tg.op(
            lambda g, out, X, w: g[:, None] * w,
            lambda g, out, X, w: X.T @ g,
            kind=tg.ops.Contraction("ij,j->i"),
            dtype=("X", "w"),
        )
        def own_product(X: Any, w: Any) -> Any:
            return X @ w

        found = tg.explain(own_product)
        assert found.numbers is not None
        assert [np.shape(x) for x in found.numbers.operands.values()] == [(2, 3), (3,)]

    def test_that_decides_by_its_argument_gets_no_formula_that_holds_for_some_arguments_alone(self) -> None:
        @tg.op(lambda g, out, x: g if x > 0 else 0.1 * g, elementwise=True)
        def own_decider(x: Any) -> Any:
            return 2 * x if x > 0 else 0.2 * x

        found = tg.explain(own_decider)
        assert found.formula.text == "own_decider(x)"
        assert list(found.derivatives.values()) == [None]
        assert found.numbers is not None

    def test_that_takes_nothing_it_is_tried_with_still_has_its_words(self) -> None:
        @tg.op(None)
        def own_choosy(x: Any, *, key: str) -> Any:
            """Chosy."""
            return x

        @tg.op(None)
        def own_failing(x: Any) -> Any:
            raise ValueError("never")

        for op in (own_choosy, own_failing):
            found = tg.explain(op)
            assert found.formula.text == f"{op.name}(x)"
            assert not found.plots
            assert found.numbers is None
            assert str(found)


def test_the_plots_of_a_function_are_the_function_and_its_derivative() -> None:
    data = tg.explain(tg.sigmoid).data()["plots"][0]
    values, slopes = (np.array(data["curves"][0][of][0]) for of in ("values", "slopes"))
    np.testing.assert_allclose(values[:, 1], tg.sigmoid(values[:, 0]), rtol=1e-4)
    np.testing.assert_allclose(slopes[:, 1], [tg.grad(tg.sigmoid)(x) for x in slopes[:, 0]], rtol=1e-4)


def test_latex_is_one_environment_with_every_formula() -> None:
    text = tg.explain(np.arctan2)._repr_latex_()
    assert text.count(r"\begin{align}") == text.count(r"\end{align}") == 1
    assert text.count("&=") == 3


def test_explaining_is_imported_when_it_is_asked_for() -> None:
    assert isinstance(tg.explain(np.exp), Explanation)


def test_a_line_passes_near_the_points_that_are_left_out() -> None:
    line = [(float(x), 40 * float(np.sin(x / 20))) for x in range(260)]
    drawn = thinned(line)
    assert len(drawn) < 60
    assert drawn[0] == line[0]
    assert drawn[-1] == line[-1]
    across, down = np.array(drawn).T
    assert max(abs(y - np.interp(x, across, down)) for x, y in line) < 1


def test_a_page_does_not_call_a_users_op() -> None:
    calls = []

    @tg.op(lambda g, out, x: g, elementwise=True)
    def noted_op(x: Any) -> Any:
        """Notes <b>each</b> call.

        Derivative: ∂/∂x = 1.
        """
        calls.append(x)
        return x * 1.0

    markup = little(noted_op)
    assert calls == []
    assert "Notes &lt;b&gt;each&lt;/b&gt; call." in markup
