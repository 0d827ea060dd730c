"""What a node means: leaves, operators, NumPy's ways of speaking, and what is refused with advice."""

import operator
import pickle
import re
from typing import Any

import numpy as np
import pytest

import tinygraph as tg


class TestLeaves:
    def test_copy_by_default_and_share_on_request(self) -> None:
        array = np.array([1.0, 2.0])
        copied, shared = tg.parameter(array), tg.parameter(array, copy=False)
        array[0] = 5
        assert copied.value[0] == 1
        assert shared.value[0] == 5

    @pytest.mark.parametrize("value", [3, np.int32(3), [1, 2], np.array([1, 2], np.uint8)])
    def test_integer_parameters_become_float64(self, value: Any) -> None:
        assert tg.parameter(value).dtype == np.float64

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
    def test_floats_keep_their_dtype(self, dtype: Any) -> None:
        assert tg.parameter(np.ones(2, dtype)).dtype == dtype

    @pytest.mark.parametrize(
        ("value", "message"),
        [
            (True, r"cannot be bool: write `value.astype\(float\)`"),
            (np.array([True]), "cannot be bool"),
            (1j, "not complex128 .*use `.real`"),
            (np.array([None]), "not object .*np.asarray"),
            ("1.5", "not <U3 .*np.asarray"),
            ([[1.0], [1.0, 2.0]], "rows of different lengths"),
        ],
    )
    def test_other_kinds_are_refused_with_the_conversion_to_write(self, value: Any, message: str) -> None:
        with pytest.raises(TypeError, match=message):
            tg.parameter(value)

    def test_constants_may_be_integers_and_masks_but_not_complex(self) -> None:
        assert tg.constant([1, 2]).dtype.kind == "i"
        assert tg.constant([True]).dtype == bool
        with pytest.raises(TypeError, match="complex"):
            tg.constant(1j)

    def test_a_parameter_made_from_a_node_is_a_fresh_leaf(self) -> None:
        w = tg.parameter(2.0)
        fresh = tg.parameter(w * 3)
        assert (fresh.op, fresh.item()) == (None, 6.0)

    def test_nan_and_infinity_are_allowed(self) -> None:
        assert np.isnan(tg.parameter(np.nan).value)

    def test_a_bare_array_is_one_leaf_however_often_it_is_used(self) -> None:
        X, w = np.ones(2), tg.parameter([1.0, 2.0])
        first, second = w * X, X + w
        assert first.inputs[1] is second.inputs[0]
        other = X.copy()
        assert first.inputs[1] is not (w * other).inputs[1]

    def test_a_python_number_stays_a_python_number(self) -> None:
        assert (tg.parameter(np.float32(1)) * 2.5).inputs[1] == 2.5
        assert (tg.parameter(np.float32(1)) * 2.5).dtype == np.float32


class TestValue:
    def test_is_read_only(self) -> None:
        w = tg.parameter([1.0, 2.0])
        for value in (w.value, (w * 2).value):
            with pytest.raises(ValueError, match="read-only"):
                value[0] = 3
        with pytest.raises(AttributeError):
            w.value = 3  # type: ignore[misc]  # what must not work

    def test_a_shared_array_stays_writable_for_its_owner(self) -> None:
        array = np.zeros(2)
        (tg.parameter(1.0) * array).inputs[1].value  # noqa: B018  # reading must not freeze the array
        array[0] = 1

    def test_item_assignment_is_refused_with_advice(self) -> None:
        with pytest.raises(TypeError, match=r"np\.where"):
            tg.parameter([1.0])[0] = 2

    def test_is_given_in_every_way_that_says_so(self) -> None:
        w = tg.parameter([1.0, 2.5])
        assert w.value.tolist() == w.tolist() == [1.0, 2.5]
        assert w.item(1) == w[1].item() == 2.5
        assert type(w.item(1)) is float
        assert f"{w[1]:.2f}" == "2.50"


ADVICE = [
    (lambda L: L.backward(), "tg.gradients"),
    (lambda L: L.grad, r"graph.backprop\(\)"),
    (lambda L: L.zero_grad(), "nothing accumulates"),
    (lambda L: tg.Graph(L).backward(), "tg.gradients"),
    (lambda L: L.detach(), "stop_gradient"),
    (lambda L: L.nonsense, "no attribute 'nonsense'"),
    (lambda L: L.sort(), r"a tinygraph node has no \.sort: write `np.sort\(node\)`"),
    (lambda L: L.nonzero(), r"has no \.nonzero: write `node.value.nonzero`"),
    (lambda L: L.real, r"has no \.real: a node is real"),
    (lambda L: L.tobytes(), r"has no \.tobytes: write `node.value.tobytes`"),
    (lambda L: setattr(L, "grad", None), "nothing is stored on a node"),
    (lambda L: setattr(L, "requires_grad", True), "tg.parameter"),
    (lambda L: setattr(L, "data", 1.0), "has no .data: write `node.value`"),
]


@pytest.mark.parametrize(("use", "message"), ADVICE)
def test_names_from_other_engines_say_what_to_write(use: Any, message: str) -> None:
    with pytest.raises(AttributeError, match=message):
        use(tg.parameter(1.0) * 2)


class TestOperators:
    @pytest.mark.parametrize(
        "function",
        [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.matmul]
        + [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne],
    )
    @pytest.mark.parametrize("other", [np.array([0.5, 2.0]), [0.5, 2.0], np.float64(2), np.float32(2), 2, 0.5, "node"])
    def test_record_on_either_side(self, function: Any, other: Any) -> None:
        array = np.array([1.0, 2.0])
        node = tg.parameter(array)
        if function is operator.matmul and np.ndim(other) == 0:
            other = array if other == "node" else [1.0, 2.0]
        other = tg.constant(array) if isinstance(other, str) else other
        plain = other.value if isinstance(other, tg.Node) else np.asarray(other)
        for result, expected in (
            (function(node, other), function(array, plain)),
            (function(other, node), function(plain, array)),
        ):
            assert isinstance(result, tg.Node)
            np.testing.assert_array_equal(result.value, expected)

    def test_arrays_alone_are_untouched(self) -> None:
        assert type(tg.sigmoid(np.zeros(2))) is np.ndarray
        assert type(np.ones(2) + 1) is np.ndarray

    def test_an_array_cannot_take_a_node_in_place(self) -> None:
        array = np.zeros(2)
        with pytest.raises(TypeError, match=r"a = a \+ node"):
            array += tg.parameter([1.0, 2.0])

    def test_plus_equals_makes_a_new_node(self) -> None:
        w = before = tg.parameter(1.0) * 1
        w += 1
        assert (w.item(), before.item()) == (2, 1)

    def test_comparisons_record_without_a_gradient(self) -> None:
        w = tg.parameter([1.0, -1.0])
        assert (w > 0).op is tg.ops.greater
        with pytest.raises(ValueError, match="does not depend"):
            tg.gradients(np.sum((w > 0) * 1.0), w)

    def test_equality_is_elementwise_and_the_hash_is_identity(self) -> None:
        w = tg.parameter([1.0, 2.0])
        assert (w == [1, 5]).tolist() == [True, False]
        assert (w != [1, 5]).tolist() == [False, True]
        assert len({w, tg.parameter([1.0, 2.0])}) == 2

    def test_bool_decides_control_flow(self) -> None:
        assert tg.parameter(1.0) > 0
        with pytest.raises(ValueError, match="neither true nor false"):
            bool(tg.parameter([1.0, 2.0]) > 0)

    def test_masks_combine(self) -> None:
        z = tg.constant([-1.0, 1.0, 3.0])
        assert ((z > 0) & (z < 2)).tolist() == [False, True, False]
        assert (~(z > 0) | (z > 2)).tolist() == [True, False, True]

    def test_python_protocols(self) -> None:
        w = tg.parameter([1.25, 2.0])
        assert len(w) == 2
        assert [x.item() for x in w] == [1.25, 2.0]
        assert f"{w[0]:.1f}" == "1.2"
        assert round(w[0], 1).item() == 1.2
        assert abs(-w).tolist() == [1.25, 2]
        assert [10, 20, 30][tg.constant(1)] == 20
        assert w.item(0) == 1.25
        with pytest.raises(TypeError, match="cannot be iterated"):
            iter(w[0])


class TestNumPyFunctions:
    w = tg.parameter([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])

    @pytest.mark.parametrize(
        "call",
        [
            lambda x: np.sum(x),
            lambda x: np.sum(x, 0),
            lambda x: np.sum(x, axis=-1, keepdims=True),
            lambda x: np.sum(a=x, axis=(0, 1)),
            lambda x: x.sum(1),
            lambda x: x.mean(axis=0, keepdims=True),
            lambda x: x.max(0),
            lambda x: np.min(x, (0, 1)),
            lambda x: np.reshape(x, (3, 2)),
            lambda x: x.reshape(3, 2),
            lambda x: x.reshape((-1,)),
            lambda x: x.T,
            lambda x: x.transpose(1, 0),
            lambda x: x.transpose((1, 0)),
            lambda x: np.transpose(x, (1, 0)),
            lambda x: np.expand_dims(x, 0),
            lambda x: np.squeeze(x[:1], 0),
            lambda x: x[:1].squeeze(),
            lambda x: np.broadcast_to(x, (2, 2, 3)),
            lambda x: np.concatenate([x, x], 1),
            lambda x: np.concatenate((x, np.ones((1, 3)))),
            lambda x: np.concatenate([x, x], axis=None),
            lambda x: np.stack([x, x], axis=-1),
            lambda x: np.where(x > 2, x, 0),
            lambda x: np.maximum(x, 2.5),
            lambda x: np.matmul(x, x.T),
            lambda x: np.true_divide(x, 2),
            lambda x: np.absolute(x),
            lambda x: x.astype(np.float32),
            lambda x: x.round(1) if isinstance(x, np.ndarray) else np.round(x, 1),
        ],
    )
    def test_record_in_every_calling_convention(self, call: Any) -> None:
        result = call(self.w)
        assert isinstance(result, tg.Node)
        np.testing.assert_array_equal(result.value, call(self.w.value), strict=True)

    @pytest.mark.parametrize(
        "question",
        [np.shape, np.ndim, np.size, np.ones_like, np.zeros_like, np.iscomplex, np.isreal, np.iscomplexobj, np.isrealobj],
    )
    def test_questions_of_shape_and_dtype_just_answer(self, question: Any) -> None:
        answer = question(self.w)
        assert not isinstance(answer, tg.Node)
        np.testing.assert_array_equal(answer, question(self.w.value))

    @pytest.mark.parametrize(
        "question",
        [np.isfinite, np.isnan, np.isinf, np.signbit, np.argmax, np.argmin, np.argsort, np.all, np.any, np.count_nonzero],
    )
    def test_questions_of_values_record_nodes_without_a_gradient(self, question: Any) -> None:
        answer = question(self.w)
        assert isinstance(answer, tg.Node)
        np.testing.assert_array_equal(answer.value, question(self.w.value), strict=True)
        with pytest.raises(ValueError, match="does not depend on"):
            tg.gradients(np.sum(answer * 1.0), self.w)

    def test_closeness_decides(self) -> None:
        assert np.allclose(self.w, self.w.value)
        assert np.array_equal(self.w, self.w)

    @pytest.mark.parametrize(
        ("call", "message"),
        [
            (lambda x: np.fft.fft(x), "np.fft.fft does not take a node"),
            (lambda x: np.nextafter(x, 1.0), "np.nextafter does not take a node"),
            (
                lambda x: np.sum(x, 0, np.float32),
                "np.sum(x): leave out dtype=, which a node does not take; write x.astype(dtype) to cast. It is np.sum(x, axis",
            ),
            (lambda x: np.sum(x, where=x.value > 0), "leave out where=, which a node does not take"),
            (lambda x: np.reshape(x, (3, 2), order="F"), "write np.reshape(x.T, shape[::-1]).T for order='F'"),
            (lambda x: x.reshape(3, 2, order="F"), "np.reshape(x): leave out order="),
            (lambda x: np.pad(x, 1, mode="linear_ramp", end_values=2), "np.pad(x): leave out end_values=, which a node does not"),
            (lambda x: np.einsum("ij->j", x, dtype=float), "np.einsum(x): leave out dtype="),
            (
                lambda x: np.cumsum(x, dtype=np.float32),
                "to cast. It is np.cumsum(a, axis=None)",
            ),
            (lambda x: np.add.reduce(x), "np.add.reduce does not take a node: write np.sum"),
            (lambda x: np.exp(x, out=np.zeros((2, 3))), "cannot write a node into an array"),
            (lambda x: np.divmod(x, 2, out=(np.zeros(3), np.zeros(3))), "cannot write a node into an array"),
            (lambda x: np.modf(x, np.zeros(3), np.zeros(3)), "cannot write a node into an array"),
            (lambda x: np.frexp(x, out=(np.zeros(3), None)), "cannot write a node into an array"),
            (lambda x: np.exp(x, dtype=np.float32), "np.exp(x): leave out dtype="),
            (
                lambda x: np.stack([x, x], out=np.zeros(1)),
                "leave out out=, which a node does not take. It is np.stack(arrays",
            ),
            (
                lambda x: np.full_like(np.ones(2), x[0, 0]),
                "np.copyto does not take a node: an array holds numbers; write np.broadcast",
            ),
            (lambda x: np.linalg.trace(x), "similar functions are np.trace; "),
            (lambda x: np.matvec(x, x) if hasattr(np, "matvec") else np.fft.fft(x), "does not take a node: declare it"),
            (lambda x: np.sum(x, nonsense=1), "nonsense"),
            (lambda x: tg.softmax(x, nonsense=1), "takes no nonsense"),
            (lambda x: tg.softmax(x, 1, 2), "was given 3 positional"),
        ],
    )
    def test_the_rest_is_refused_by_name(self, call: Any, message: str) -> None:
        with pytest.raises(TypeError) as caught:
            call(self.w)
        assert message in str(caught.value).splitlines()[0]

    @pytest.mark.parametrize(
        ("change", "message"),
        [(operator.iadd, "a = a + node"), (operator.imul, "a = a * node"), (operator.imatmul, "a = a @ node")],
    )
    def test_in_place_operators_name_themselves(self, change: Any, message: str) -> None:
        with pytest.raises(TypeError, match=re.escape(f"write `{message}` in place of")):
            change(np.eye(3), tg.parameter(np.eye(3)))

    def test_arguments_of_ufuncs_that_change_nothing_are_accepted(self) -> None:
        assert np.add(self.w, 1, where=True, dtype=None, out=None, casting="same_kind").op is tg.ops.add
        assert np.einsum("ij->j", self.w, out=None).shape == (3,)

    def test_a_refusal_says_what_is_near(self) -> None:
        with pytest.raises(TypeError, match=r"similar functions are .*np\.max"):
            np.nanmax(self.w)

    @pytest.mark.parametrize("places", [range(0), range(1, 3), [], [2, 0]])
    def test_lists_and_ranges_are_index_arrays(self, places: Any) -> None:
        w = tg.parameter([1.0, 2.0, 3.0])
        np.testing.assert_array_equal(w[places].value, w.value[places])

    def test_a_list_of_nodes_is_stacked(self) -> None:
        a, b = tg.parameter(1.0), tg.parameter(2.0)
        assert tg.gradients(np.sum(np.stack([a, b]) * [1, 10]), a, b) == (1, 10)
        with pytest.raises(TypeError, match=r"write np.stack\(\[a, b\]\), which is one node"):
            np.array([a, b])

    def test_masks_take_arrays_on_either_side(self) -> None:
        z, mask = tg.constant([1.0, 2.0]), np.array([True, False])
        assert (mask & (z < 2)).tolist() == ((z < 2) & mask).tolist() == [True, False]
        assert (np.True_ | (z < 2)).tolist() == [True, True]
        with pytest.raises(TypeError, match="takes masks alone"):
            tg.constant([6, 2]) & 3

    @pytest.mark.parametrize(
        "call",
        [lambda x: x[:1].reshape(()), lambda x: np.squeeze(x[:1]), lambda x: x[0][...], lambda x: np.broadcast_to(x[0], ())],
    )
    def test_shape_nothing_is_always_a_numpy_scalar(self, call: Any) -> None:
        assert isinstance(call(tg.parameter([1.0, 2.0])).value, np.float64)
        assert isinstance(tg.parameter(np.array(2.0), copy=False).value, np.float64)

    def test_metadata_is_settled_when_recorded(self) -> None:
        axes = [1, 0]
        node = np.transpose(tg.parameter(np.ones((2, 2))), axes)
        axes[0] = 9
        assert node.params == {"axes": (1, 0)}
        assert tg.parameter([1.0, 2.0]).transpose(0).shape == (2,)
        with pytest.raises(ValueError, match="axes don't match"):
            tg.parameter(np.ones((2, 2))).transpose(0)

    @pytest.mark.parametrize(
        ("call", "error", "message"),
        [
            (lambda s: np.copyto(np.ones(2), s), TypeError, "np.copyto does not take a node"),
            (lambda s: np.full_like(np.ones(2), s), TypeError, "np.copyto does not take a node"),
            (lambda s: range(s), TypeError, "cannot be interpreted as an integer"),
            (lambda s: s.astype(complex), TypeError, "holds real numbers, not complex128"),
            (lambda s: s + 10**400, OverflowError, "too large"),
            (lambda s: s * np.ma.masked_array([1.0, 2.0], [0, 1]), TypeError, "cannot be a masked array"),
        ],
    )
    def test_nothing_is_dropped_in_silence(self, call: Any, error: type[Exception], message: str) -> None:
        with pytest.raises(error, match=message):
            call(tg.parameter(1.0))


class TestPlace:
    def test_is_the_line_of_the_user(self) -> None:
        w = tg.parameter(2.0)
        z = w * 3 + 1
        assert z.place.text == "z = w * 3 + 1"
        assert w.place.line == z.place.line - 1
        assert np.exp(z).place.filename == __file__
        assert np.sum(z).place.function == "test_is_the_line_of_the_user"
        assert tg.softmax(z[None]).place.filename == __file__

    def test_prints_file_line_and_text(self) -> None:
        assert re.fullmatch(r"test_node.py:\d+, in test_\w+: .*str\(tg.*", str(tg.parameter(1.0).place))

    def test_survives_pickling(self) -> None:
        z = tg.parameter(2.0) * 3
        assert pickle.loads(pickle.dumps(z)).place == z.place


@pytest.mark.parametrize(
    ("node", "text"),
    [
        (tg.parameter(0.3), "<parameter: 0.3>"),
        (tg.constant(np.arange(3)), "<constant (3,) int64: [0 1 2]>"),
        (tg.sigmoid(tg.constant(0.3)), "<node sigmoid: 0.5744>"),
        (tg.constant(np.zeros((100, 100))) + 1, "<node add (100, 100) float64: [[1. 1. ... 1. 1.] [1. 1. ... 1. 1.] ... "),
        (tg.constant(True), "<constant: True>"),
    ],
)
def test_repr_is_one_line(node: tg.Node, text: str) -> None:
    assert repr(node).startswith(text)
    assert "\n" not in repr(node)
    assert len(repr(node)) < 200


@pytest.mark.parametrize("name", ["__add__", "__radd__", "__matmul__", "__rmatmul__", "__neg__", "__pow__", "__lt__"])
def test_a_method_of_an_operator_has_the_name_that_python_gives_it(name: str) -> None:
    method = getattr(tg.Node, name)
    assert (method.__name__, method.__qualname__) == (name, f"Node.{name}")


def test_an_operator_given_too_much_names_itself() -> None:
    with pytest.raises(TypeError, match=r"Node\.__pow__\(\) takes 2 positional arguments"):
        pow(tg.parameter(2.0), 2, 3)
