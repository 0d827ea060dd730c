"""`graph.compare`: what is said of values and gradients that a learner computed by hand.

`tests/test_planted_slips.py` has the slips, sixty of them, and a thousand right answers.
"""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import sparse

import tinygraph as tg
from tests.drawings import neuron, perceptron

X = np.array([[1.0, 2.0], [3.0, -1.0], [-2.0, 0.5], [0.5, 1.5], [1.5, -0.5]])
Y = np.array([1.0, 0.0, 1.0, 1.0, 0.0])


def logistic() -> tg.Graph:
    y, m = Y, len(Y)
    w, b = tg.parameter([0.3, -0.2]), tg.parameter(0.1)
    z = X @ w + b
    a = 1 / (1 + np.exp(-z))
    L = -1 / m * np.sum(y * np.log(a) + (1 - y) * np.log(1 - a))
    return tg.Graph(L, names={"X": X, "y": y, "m": m, "w": w, "b": b, "z": z, "a": a, "L": L})


def answers(graph: tg.Graph) -> dict[str, Any]:
    graph.backprop()
    return {name: graph[name].value for name in ("z", "a", "da", "dz", "dw", "db")}


def test_everything_right() -> None:
    graph = logistic()
    report = graph.compare(**answers(graph))
    assert report.right
    assert report.first is None
    assert [v.name for v in report] == ["z", "a", "da", "dz", "dw", "db"]  # in the order of the walk
    assert str(report).splitlines()[0] == "z   right"


@pytest.mark.parametrize(
    "as_given",
    [np.float32, np.longdouble, list, tg.constant, tg.parameter, sparse.csr_array],
    ids=["float32", "longdouble", "list", "constant", "parameter", "sparse"],
)
def test_a_value_may_be_given_in_many_ways(as_given: Callable[[Any], Any]) -> None:
    graph = perceptron()
    graph.backprop()
    gradient = next(s for s in graph.statements() if s.phase == "backward" and len(s.shape) == 2)
    given = gradient.value.tolist() if as_given is list else as_given(gradient.value)
    assert graph.compare(**{gradient.name: given}).right


def test_numbers_may_be_integers_and_plain_numbers() -> None:
    w, x = tg.parameter(3.0), tg.constant(2.0)
    graph = tg.Graph(w * x, names={"w": w, "x": x})
    assert graph.compare(dw=2, output=6.0).right


class TestWhatFollows:
    def test_from_a_wrong_gradient(self) -> None:
        graph = logistic()
        dz = -answers(graph)["dz"]
        report = graph.compare(dz=dz, dw=X.T @ dz, db=np.sum(dz))
        assert [v.status for v in report] == ["wrong", "follows", "follows"]
        assert report.first is report["dz"]
        assert report["dw"].text == "follows correctly from your dz"

    def test_from_a_wrong_value_of_the_forward_pass(self) -> None:
        graph = logistic()
        z = X @ np.array([0.3, -0.2])  # without b
        a = 1 / (1 + np.exp(-z))
        report = graph.compare(z=z, a=a, dz=(a - Y) / 5)
        assert [v.status for v in report] == ["wrong", "follows", "follows"]
        assert report["z"].text == "b is missing"

    def test_a_second_slip_is_found_behind_the_first(self) -> None:
        graph = logistic()
        dz = -answers(graph)["dz"]
        report = graph.compare(dz=dz, db=np.mean(dz))
        assert [v.status for v in report] == ["wrong", "wrong"]
        assert report["db"].slips[0].kind == "mean"
        assert report["db"].text.endswith("even for your dz")

    def test_what_is_right_although_an_earlier_value_is_wrong(self) -> None:
        graph = logistic()
        right = answers(graph)
        report = graph.compare(dz=5 * right["dz"], dw=right["dw"])
        assert [v.status for v in report] == ["wrong", "right"]

    def test_a_division_that_is_made_later_is_said_of_arrays_alone(self) -> None:
        graph = logistic()
        right = answers(graph)
        later = "dw is right: is it divided later?"
        assert graph.compare(dz=5 * right["dz"], dw=right["dw"])["dz"].text.endswith(later)
        assert later not in graph.compare(dz=5 * right["dz"], dw=lambda X, dz: X.T @ dz)["dz"].text

    def test_nothing_for_a_formula_as_it_is_called_with_right_values(self) -> None:
        graph = logistic()
        dz = -answers(graph)["dz"]
        report = graph.compare(dz=dz, dw=lambda X, dz: -X.T @ dz)
        assert [v.slips[0].kind for v in report] == ["sign", "sign"]

    def test_from_one_slip_in_a_value_that_was_not_given(self) -> None:
        graph = logistic()
        a = answers(graph)["a"]
        dz = a * (1 - a)
        report = graph.compare(dw=X.T @ dz, db=np.sum(dz))
        assert [v.status for v in report] == ["wrong", "follows"]
        assert [(one.kind, one.of) for one in report["dw"].slips] == [("upstream", "dz")]
        assert report["dw"].text.startswith("In dz: ")

    def test_a_slip_of_its_own_is_preferred_where_nothing_else_is_wrong(self) -> None:
        graph = logistic()
        right = answers(graph)
        report = graph.compare(dw=5 * right["dw"], db=right["db"])
        assert [(one.kind, one.of) for one in report["dw"].slips] == [("mean", "dw")]

    def test_one_slip_before_rather_than_two_at_once(self) -> None:
        x, y, w = X, Y, tg.parameter([0.3, -0.2])
        e = x @ w - y
        graph = tg.Graph(np.mean(e**2) + 0.3 * np.sum(w**2), names={"x": x, "y": y, "w": w, "e": e})
        slips = graph.compare(dw=x.T @ e.value / 5 + 0.6 * w.value)["dw"].slips  # without the 2 of de = 2 * e / 5
        assert {slip.of for slip in slips} == {"de"}

    def test_a_division_before_is_named_by_the_size(self) -> None:
        graph = logistic()
        assert graph.compare(dw=5 * answers(graph)["dw"], db=5 * answers(graph)["db"])["dw"].text == (
            "In dz: it is 5 times too large: is a division by m missing?"
        )


class TestFunctions:
    def test_are_called_with_the_values_that_they_name(self) -> None:
        graph = logistic()
        report = graph.compare(dz=lambda a, y: (a - y) / 5, dw=lambda X, dz: X.T @ dz, db=lambda dz: dz.sum())
        assert report.right

    def test_that_fit_these_numbers_alone_are_wrong(self) -> None:
        graph = logistic()
        db = float(answers(graph)["db"])
        assert graph.compare(db=lambda: db)["db"].slips[0].kind == "here alone"

    def test_that_fit_are_right_where_an_array_is_computed_by_code_without_a_source(self) -> None:
        code = "L = -np.mean(Y * np.log(a) + (1 - Y) * np.log(1 - a))"  # nothing says that 1 - Y is no array of its own
        w = tg.parameter([0.3, -0.2])
        z = X @ w
        values = {"np": np, "X": X, "Y": Y, "w": w, "z": z, "a": tg.sigmoid(z)}
        exec(code, values)
        graph = tg.Graph(values["L"], names=values)
        assert graph.compare(dz=lambda a, Y: (a - Y) / len(Y)).right
        dz = graph["dz"].value.tolist()
        assert graph.compare(dz=eval(f"lambda: {dz}"))["dz"].slips[0].kind == "here alone"

    def test_explanations_that_other_numbers_rule_out_are_left_out(self) -> None:
        w, x = tg.parameter(2.0), tg.constant(2.0)
        z = w * x
        L = z**2
        names = {"w": w, "x": x, "z": z, "L": L}
        number = tg.Graph(L, names=names).compare(dw=8.0)["dw"]
        function = tg.Graph(L, names=names).compare(dw=lambda dz: dz)["dw"]
        assert len(number.slips) > len(function.slips)
        assert [one.kind for one in function.slips] == ["local"]


BAD = [
    ("a name", {"dwx": 1.0}, "this graph has no value of that name: did you mean dw"),
    ("text", {"dw": "X.T @ dz"}, "a str is no array of real numbers"),
    ("None", {"dw": None}, "no array of real numbers"),
    ("a ragged list", {"dw": [[1.0], [1.0, 2.0]]}, "a list is no array of real numbers"),
    ("complex numbers", {"dw": np.array([1j, 2j])}, "an array of complex128 is no array of real numbers"),
    ("a parameter that is no value", {"dw": lambda foo: foo}, "takes foo, which is no value of this graph"),
    ("a function that raises", {"dw": lambda dz: dz @ dz @ dz}, "raises ValueError"),
    ("a function without a signature", {"dw": dict}, "not known"),
]


@pytest.mark.parametrize(("given", "said"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_what_cannot_be_judged_is_said_and_the_rest_is_judged(given: dict[str, Any], said: str) -> None:
    graph = logistic()
    report = graph.compare(**given, db=answers(graph)["db"])
    (name,) = given
    assert report[name].status == "not judged"
    assert said in report[name].text
    assert report["db"].status == "right"
    assert not report.right
    assert report.first is None


def test_another_shape_is_a_slip_where_it_is_one() -> None:
    graph = logistic()
    right = answers(graph)
    report = graph.compare(dw=right["dw"][:, None], db=right["dz"], dz=np.ones(4))
    assert [(v.name, v.slips[0].kind) for v in report] == [("dz", "misfit"), ("dw", "shape"), ("db", "not summed")]


def test_what_is_not_finite() -> None:
    graph = logistic()
    dz = np.array(answers(graph)["dz"])
    dz[1] = np.nan
    report = graph.compare(dz=dz, dw=X.T @ dz)
    assert report["dz"].text == "It is NaN or infinite at dz[1]"
    assert report["dw"].status == "follows"


def test_a_right_value_that_is_not_finite() -> None:
    w = tg.parameter([0.0, 1.0])
    with np.errstate(divide="ignore"):
        graph = tg.Graph(np.sum(np.log(w)), names={"w": w})
        assert graph.compare(dw=[np.inf, 1.0], output=-np.inf).right


def test_no_warning_and_no_error_of_the_values_that_are_tried() -> None:
    graph = neuron()
    with np.errstate(all="raise"):
        graph.compare(dz=-7.0, dw1=3.0)


def test_without_arguments() -> None:
    with pytest.raises(TypeError, match=r"graph\.compare\(dz=A - y"):
        logistic().compare()


def test_a_graph_that_ends_where_an_op_failed() -> None:
    w = tg.parameter([1.0, 2.0])
    with pytest.raises(ValueError, match="add") as caught:
        w + np.ones(3)
    assert isinstance(caught.value, tg.OpError)
    with pytest.raises(ValueError, match="ends where an op failed"):
        caught.value.graph.compare(dw=1.0)


class TestWhatIsRight:
    def test_the_scale_is_that_of_each_entry(self) -> None:
        u = tg.parameter([1000.0, 0.0002])
        graph = tg.Graph(np.sum(u**2), names={"u": u})
        assert not graph.compare(du=[2000.0, -0.0004]).right
        assert graph.compare(du=np.float32([2000.0, 0.0004])).right

    @pytest.mark.parametrize("factor", [1.05, 1.5, -1.0, 0.0])
    def test_a_saturated_sigmoid_does_not_make_everything_right(self, factor: float) -> None:
        graph = logistic().with_leaves({"w": np.array([4.5, -3.0])})
        right = answers(graph)
        assert graph.compare(dz=right["dz"], dw=right["dw"]).right
        assert graph.compare(dz=factor * right["dz"])["dz"].status == "wrong"
        assert graph.compare(dw=[3.0, -5.0])["dw"].status == "wrong"

    @pytest.mark.parametrize("side", [np.greater, np.greater_equal], ids=["from below", "from above"])
    def test_a_gradient_on_either_side_of_a_kink(self, side: Any) -> None:
        Z = tg.parameter([[0.0, 1.0], [-1.0, 0.0]])
        A = np.maximum(Z, 0)
        graph = tg.Graph(np.sum(A * np.array([2.0, 3.0])), names={"Z": Z, "A": A})
        graph.backprop()
        dA = graph["dA"].value
        assert graph.compare(dZ=dA * side(Z.value, 0)).right
        assert not graph.compare(dZ=dA * (Z.value < 0)).right

    @pytest.mark.parametrize("side", [np.greater, np.greater_equal], ids=["from below", "from above"])
    def test_a_gradient_on_either_side_of_a_kink_whose_mask_has_a_name(self, side: Any) -> None:
        Z = tg.parameter([0.0, 1.0, -1.0])
        M = Z > 0
        A = Z * M
        graph = tg.Graph(np.sum(A * [2.0, 3.0, 5.0]), names={"Z": Z, "M": M, "A": A})
        assert graph.compare(dZ=np.array([2.0, 3.0, 5.0]) * side(Z.value, 0)).right

    def test_one_of_equal_entries_of_a_maximum(self) -> None:
        x = tg.parameter([1.0, 3.0, 3.0])
        graph = tg.Graph(np.max(x) * 2.0, names={"x": x})
        assert graph.compare(dx=[0.0, 2.0, 0.0]).right
        assert not graph.compare(dx=[2.0, 0.0, 0.0]).right


class TestNames:
    def test_a_constant_s_gradient_is_computed_where_it_is_wanted(self) -> None:
        w, x = tg.parameter(3.0), tg.constant(2.0)
        graph = tg.Graph((w * x) ** 2, names={"w": w, "x": x})
        assert graph.compare(dx=36.0).right
        assert graph.compare(dw=24.0, dx=-36.0)["dx"].slips[0].kind == "sign"

    def test_a_name_that_the_program_spells_in_another_way(self) -> None:
        w = tg.parameter([1.0, 2.0])
        var = np.var(w)
        graph = tg.Graph(var * 3.0, names={"w": w, "var": var})
        assert [v.name for v in graph.compare(var=0.25, dvar=3.0)] == ["var", "dvar"]
        assert graph.compare(var=0.25, dvar=3.0).right

    def test_a_value_that_is_given_under_two_names_is_judged_once(self) -> None:
        w = tg.parameter(3.0)
        report = tg.Graph(w * w, names={"w": w, "v": w}).compare(w=3.0, v=4.0)
        assert [v.status for v in report] == ["right", "not judged"]
        assert report["v"].text == "not judged: it is the same value as w"

    def test_a_value_called_self(self) -> None:
        w = tg.parameter(3.0)
        assert tg.Graph(w * w, names={"self": w}).compare(self=3.0).right

    def test_a_function_may_take_a_number_that_has_a_name(self) -> None:
        graph = logistic()
        assert graph.compare(dz=lambda a, y, m: (a - y) / m, db=lambda dz, scale=1: np.sum(dz) * scale).right

    def test_a_function_may_read_arrays_of_its_own_and_change_what_it_is_given(self) -> None:
        graph = logistic()

        def dz(a: Any) -> Any:
            a -= Y
            return a / 5

        assert graph.compare(dz=dz, dw=lambda dz: X.T @ dz).right

    def test_a_gradient_under_the_name_of_its_value(self) -> None:
        graph = logistic()
        assert graph.compare(w=answers(graph)["dw"])["w"].text == "It is dw"


class TestNoFalseExplanation:
    """What no slip explains is not explained, although a slip would lead to numbers without bounds."""

    def test_of_an_answer_that_is_just_wrong(self) -> None:
        graph = logistic().with_leaves({"w": np.array([0.0, 0.0]), "b": 1e-17})
        assert graph.compare(dw=[3.0, -7.0])["dw"].slips == ()

    def test_behind_an_infinite_value(self) -> None:
        graph = logistic()
        dz = np.array(answers(graph)["dz"])
        dz[2] = np.inf
        report = graph.compare(dz=dz, dw=[3.0, 4.0], db=7.0)
        assert [v.status for v in report] == ["wrong", "wrong", "wrong"]

    def test_of_zeros(self) -> None:
        graph = logistic()
        report = graph.compare(dz=np.zeros(5), dw=np.zeros(2), db=0.0)
        assert report["dz"].text == "It is 0 everywhere"
        assert report["dw"].status == report["db"].status == "follows"

    def test_of_a_function_whose_factor_is_another_on_other_numbers(self) -> None:
        w = tg.parameter([1.0, 2.0])
        graph = tg.Graph(np.sqrt(np.sum(w**2)), names={"w": w})
        assert graph.compare(dw=lambda w: w)["dw"].slips == ()

    def test_by_the_value_itself(self) -> None:
        graph = logistic()
        right = answers(graph)
        slips = graph.compare(dz=2 * right["dz"] * right["a"] * (1 - right["a"]))["dz"].slips  # as if dz were da, times 2
        assert not any(slip.text.startswith("dz is used") for slip in slips)

    def test_of_an_array_where_an_operand_is_a_comparison(self) -> None:
        Z = tg.parameter([0.5, -1.0, -2.0, 3.0])
        A = tg.relu(Z)
        graph = tg.Graph(np.sum(A * [2.0, 3.0, 5.0, 7.0]), names={"Z": Z, "A": A})
        assert graph.compare(dZ=[1.0, -4.0, 7.0, 0.3])["dZ"].slips == ()


class TestOddGraphs:
    def test_sparse_data(self) -> None:
        w = tg.parameter([0.3, -0.2])
        S = tg.constant(sparse.csr_array(X))
        z = S @ w
        graph = tg.Graph(np.sum(z**2), names={"S": S, "w": w, "z": z})
        assert graph.compare(dz=2 * (X @ w.value), dw=X.T @ (2 * X @ w.value)).right
        assert graph.compare(dw=-(X.T @ (2 * X @ w.value)))["dw"].slips[0].kind == "sign"

    def test_an_op_that_refuses_rounded_numbers(self) -> None:
        @tg.op(lambda g, out, p: -g * (1 + np.log(p)))
        def entropy(p: Any) -> Any:
            if abs(np.sum(p) - 1) > 1e-12:
                raise ValueError("probabilities must add up to 1")
            return -np.sum(p * np.log(p))

        p = tg.parameter([0.25, 0.75])
        graph = tg.Graph(entropy(p), names={"p": p})
        assert graph.compare(dp=-(1 + np.log(p.value))).right
        assert not graph.compare(dp=[1.0, 2.0]).right

    def test_an_answer_that_raises_as_it_is_read(self) -> None:
        class Tensor:
            def __array__(self, *_: Any, **__: Any) -> Any:
                raise RuntimeError("call detach() first")

        graph = logistic()
        report = graph.compare(dw=Tensor(), db=answers(graph)["db"])
        assert [v.status for v in report] == ["right", "not judged"]
        assert "call detach() first" in report["dw"].text


class TestReport:
    def test_as_data(self) -> None:
        graph = logistic()
        report = graph.compare(dz=-answers(graph)["dz"], foo=1)
        data = json.loads(report.to_json())
        assert data == report.to_dict()
        assert (data["right"], data["first"]) == (False, "dz")
        assert data["verdicts"][0] == {
            "name": "dz",
            "status": "wrong",
            "text": "The sign is wrong",
            "slips": [{"kind": "sign", "text": "The sign is wrong", "of": "dz"}],
        }
        assert data["verdicts"][1]["status"] == "not judged"

    def test_a_name_that_was_not_given(self) -> None:
        graph = logistic()
        with pytest.raises(KeyError, match="did you mean dw"):
            graph.compare(dw=answers(graph)["dw"])["dwx"]

    def test_several_explanations_have_a_line_each(self) -> None:
        w, x = tg.parameter(2.0), tg.constant(2.0)
        z = w * x
        L = z**2
        report = tg.Graph(L, names={"w": w, "x": x, "z": z, "L": L}).compare(dw=8.0, dz=8.0)
        assert len(str(report).splitlines()) == 1 + len(report["dw"].slips)
