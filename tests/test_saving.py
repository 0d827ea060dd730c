"""A saved model comes back as it was, or one error says what is wrong with its file."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save as to_bytes
from sklearn.exceptions import NotFittedError

import models
from models import LogisticRegression, MLPClassifier, MLPRegressor, SoftmaxRegression, saving
from models.saving import SavedModelError, load, read, save, write
from tinygraph.bridges import checkpoint


def fitted(**hyperparameters: Any) -> MLPClassifier:
    X = np.random.default_rng(0).normal(size=(8, 3))
    model = MLPClassifier(hidden_layer_sizes=(2,), max_iter=3, random_state=0).fit(X, np.arange(8) % 2)
    return model.set_params(**hyperparameters)


def state(model: Any) -> Any:
    """All that is saved of a model, as plain values."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: plain(entry) for name, entry in value.items()}
        return (str(value.dtype), value.shape, value.tolist()) if isinstance(value, np.ndarray | np.generic) else value

    return {name: plain(value) for name, value in vars(model).items() if name not in ("history_", "_training_data")}


# What comes back


def test_the_very_same_model_comes_back(tmp_path: Path) -> None:
    model = fitted(l2=1e-3)
    model.feature_names_in_ = np.array(["age", "größe", "α, β"], dtype=object)
    assert save(model, tmp_path / "model.safetensors") == tmp_path / "model.safetensors"
    assert state(load(MLPClassifier, str(tmp_path / "model.safetensors"))) == state(model)


@pytest.mark.parametrize(
    "value",
    [None, True, 0, -3, 1e-300, 0.1, "", "größe \ud800", (16, 16), (), [1, (2, [3])], {0: 1.0, 1: 5}, {"a": {"dict": (1,)}}],
    ids=repr,
)
def test_hyperparameters_come_back_as_what_they_were(value: Any, tmp_path: Path) -> None:
    found = load(MLPClassifier, save(fitted(random_state=value), tmp_path / "m")).random_state
    assert (found, type(found), repr(found)) == (value, type(value), repr(value))


@pytest.mark.parametrize("number", [np.float64(0.1), np.float32(0.1), np.int64(3), np.bool_(True)])
def test_numpy_scalars_come_back_as_equal_python_numbers(number: Any, tmp_path: Path) -> None:
    found = load(MLPClassifier, save(fitted(random_state=number), tmp_path / "m")).random_state
    assert found == number
    assert type(found) in (bool, int, float)


@pytest.mark.parametrize(
    "classes",
    [
        np.array([0, 1]),
        np.array([-1, 1], dtype=np.int8),
        np.array([0, 2**64 - 1], dtype=np.uint64),
        np.array([0, 1], dtype=">i4"),
        np.array([0.5, 1.0]),
        np.array([0.1, 0.2], dtype=np.float32),
        np.array([False, True]),
        np.array(["no", "yes"]),
        np.array(["", "größe"], dtype=object),
    ],
    ids=lambda classes: classes.dtype.str,
)
def test_labels_keep_their_dtype(classes: Any, tmp_path: Path) -> None:
    model = fitted()
    model.classes_ = classes
    found = load(MLPClassifier, save(model, tmp_path / "m")).classes_
    assert (found.dtype, found.tolist()) == (classes.dtype, classes.tolist())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_parameters_keep_dtype_shape_and_order_in_memory_does_not_matter(dtype: Any, tmp_path: Path) -> None:
    matrix = np.arange(6, dtype=dtype).reshape(2, 3)
    tree = {"W": np.asfortranarray(matrix), "b": dtype(0.5), "cut": matrix[:, ::2]}
    found, header = read(write(tmp_path / "m", tree, {"any": ["header"]}))
    assert header == {"any": ["header"]}
    for name, array in tree.items():
        assert (found[name].dtype, found[name].shape, found[name].tolist()) == (
            dtype,
            np.shape(array),
            np.asarray(array).tolist(),
        )


REGRESSIONS = ("LinearRegression", "MLPRegressor")


@pytest.mark.parametrize("name", models.__all__)
@pytest.mark.parametrize("frame", [False, True])
def test_every_model_predicts_as_before(name: str, frame: bool, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    X: Any = random.normal(size=(40, 3))
    y = X[:, 0] if name in REGRESSIONS else np.where(X[:, 0] + random.normal(size=40) > 0, "yes", "no")
    X = pd.DataFrame(X, columns=["a", "b", "c"]) if frame else X
    model = getattr(models, name)(l2=0.1, max_iter=5).fit(X, y)
    loaded = load(type(model), save(model, tmp_path / "m"))
    assert state(loaded) == state(model)
    assert loaded.predict(X).tolist() == model.predict(X).tolist()


def test_a_model_without_an_intercept(tmp_path: Path) -> None:
    model = LogisticRegression(fit_intercept=False, l2=0.1).fit([[1.0], [-1.0]], [0, 1])
    assert state(load(LogisticRegression, save(model, tmp_path / "m"))) == state(model)


def test_a_file_of_another_model_is_refused(tmp_path: Path) -> None:
    path = save(SoftmaxRegression(l2=0.1).fit([[1.0], [-1.0]], [0, 1]), tmp_path / "m")
    with pytest.raises(SavedModelError, match=r"it holds a SoftmaxRegression: write SoftmaxRegression.load\(...\)"):
        load(LogisticRegression, path)


def test_two_outputs_for_three_classes_are_refused(tmp_path: Path) -> None:
    model = LogisticRegression(l2=0.1).fit([[1.0], [-1.0]], [0, 1])
    model.classes_ = np.array([0, 1, 2])
    with pytest.raises(SavedModelError, match="its header has 3 classes"):
        load(LogisticRegression, save(model, tmp_path / "m"))


# How it is written


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(fitted(), tmp_path / "m")
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save(fitted(l2=5.0), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_the_file_has_the_permissions_that_new_files_have(tmp_path: Path) -> None:
    (tmp_path / "new").touch()
    mode = stat.S_IMODE((tmp_path / "new").stat().st_mode)
    assert stat.S_IMODE(save(fitted(), tmp_path / "m").stat().st_mode) == mode


def test_a_path_that_the_system_refuses_is_its_own_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        save(fitted(), tmp_path / "nowhere" / "m")
    with pytest.raises(IsADirectoryError):
        save(fitted(), tmp_path)
    with pytest.raises(FileNotFoundError):
        load(MLPClassifier, tmp_path / "m")
    with pytest.raises(IsADirectoryError):
        load(MLPClassifier, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("hyperparameters", "said"),
    [
        (
            {"l2": np.random.RandomState(0)},
            r"l2 holds RandomState.*, of type RandomState, which .* before saving, set_params\(l2=",
        ),
        ({"schedule": lambda epoch: 1 / epoch}, r"schedule holds <function .*, of type function, which"),
        ({"l2": np.inf}, r"l2 holds inf, of type float"),
        ({"random_state": {0: np.ones(2)}}, r"random_state holds array.*, of type ndarray"),
        ({"random_state": {(1, 2): 3}}, r"random_state holds \{\(1, 2\): 3\}, of type dict"),
        ({"hidden_layer_sizes": {1, 2}}, r"hidden_layer_sizes holds \{1, 2\}, of type set"),
    ],
)
def test_what_json_cannot_hold_is_named(hyperparameters: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(SavedModelError, match=said):
        save(fitted(**hyperparameters), tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_is_not_fitted(tmp_path: Path) -> None:
    with pytest.raises(NotFittedError):
        save(MLPClassifier(), tmp_path / "m")


@pytest.mark.parametrize("classes", [np.array([1 + 1j, 2]), np.array([0, "a"], dtype=object), np.array(["2026-01-01"], "M8[D]")])
def test_labels_that_cannot_be_saved(classes: Any, tmp_path: Path) -> None:
    model = fitted()
    model.classes_ = classes
    with pytest.raises(SavedModelError, match=r"the labels .* are not numbers or strings"):
        save(model, tmp_path / "m")


@pytest.mark.parametrize(
    ("leaf", "said"),
    [
        (np.array([1.0, np.nan]), "b is not finite: fit the model again"),
        (np.array([1, 2]), "b is of dtype int64: float32 and float64"),
    ],
)
def test_parameters_that_cannot_be_saved(leaf: Any, said: str, tmp_path: Path) -> None:
    model = fitted()
    model.parameters_["layer1"]["b"] = leaf
    with pytest.raises(SavedModelError, match=f"layer1.{said}"):
        save(model, tmp_path / "m")


# Files that are something else


def resigned(change: Any) -> bytes:
    """A saved model whose parts `change` edits in place, under a digest that fits them."""
    arrays = {name: np.array(leaf) for name, leaf in checkpoint.dotted(fitted().parameters_)}
    model = fitted()
    header = {
        "class": "MLPClassifier",
        "version": "0.1.0",
        "hyperparameters": {name: saving._encoded(value, name) for name, value in model.get_params().items()},
        "n_features": 3,
        "feature_names": None,
        "classes": {"dtype": "<i8", "values": [0, 1]},
        "stop_reason": "epochs",
        "n_iter": 12,
    }
    captured = {"header": header, "arrays": arrays, "format": "tinygraph model 1", "text": None}
    change(captured)
    text = json.dumps(captured["header"]) if captured["text"] is None else captured["text"]
    metadata = {"format": captured["format"], "header": text, "sha256": checkpoint.digest(text, captured["arrays"])}
    return to_bytes(captured["arrays"], metadata)


def header(**entries: Any) -> Any:
    return lambda parts: parts["header"].update(entries)


def array(name: str, value: Any) -> Any:
    return lambda parts: parts["arrays"].update({name: value})


LIES = {
    "another class": (header(**{"class": "MLPRegressor"}), r"holds a MLPRegressor: write MLPRegressor.load\(...\)"),
    "a newer format": (
        lambda parts: parts.update(format="tinygraph model 2"),
        "is of format 2, .* reads format 1: upgrade tinygraph",
    ),
    "an older format": (lambda parts: parts.update(format="tinygraph model 0"), "is of format 0, .*: save the model again"),
    "no JSON": (lambda parts: parts.update(text="{"), "its header is not JSON"),
    "deep JSON": (lambda parts: parts.update(text="[" * 100_000), "its header is not JSON"),
    "a long number": (lambda parts: parts.update(text="9" * 100_000), "its header is not JSON"),
    "a list": (lambda parts: parts.update(text="[]"), r"its header \[\] must have the entries class, version"),
    "an entry too many": (header(more=1), "must have the entries"),
    "an entry too few": (lambda parts: parts["header"].pop("n_iter"), "must have the entries"),
    "a count of another kind": (header(n_iter=True), "n_iter = True"),
    "a negative count": (header(n_iter=-1), "3 features and -1 epochs"),
    "another count of features": (header(n_features=4), r"its header needs parameters of the shapes \{'layer1.W': \(4, 2\)"),
    "a huge count of features": (header(n_features=10**15), "its header needs 2000000000000000 weights in one layer"),
    "too few names": (header(feature_names=["a", "b"]), "3 features, and the names"),
    "names that are numbers": (header(feature_names=["a", "b", 3]), "3 features, and the names"),
    "a hyperparameter too many": (
        lambda parts: parts["header"]["hyperparameters"].update(depth=1),
        "tinygraph 0.1.0 saved it, whose MLPClassifier differs in depth",
    ),
    "a hyperparameter too few": (lambda parts: parts["header"]["hyperparameters"].pop("l2"), "whose MLPClassifier differs in l2"),
    "a hyperparameter out of range": (
        lambda parts: parts["header"]["hyperparameters"].update(l2=-1),
        "l2=-1 must be a finite number of at least 0",
    ),
    "three classes": (header(classes={"dtype": "<i8", "values": [0, 1, 2]}), r"shapes .*'layer2.W': \(2, 3\)"),
    "no classes": (header(classes=None), r"its header has 0 classes|shapes .*'layer2.W': \(2, 1\)"),
    "a hyperparameter of no kind": (
        lambda parts: parts["header"]["hyperparameters"].update(l2={"set": [1]}),
        "a hyperparameter of its header cannot be read",
    ),
    "a key that is a list": (
        lambda parts: parts["header"]["hyperparameters"].update(l2={"dict": [[[], 1]]}),
        "a hyperparameter of its header cannot be read",
    ),
    "a key that holds a list": (
        lambda parts: parts["header"]["hyperparameters"].update(l2={"dict": [[{"tuple": [[]]}, 1]]}),
        "a hyperparameter of its header cannot be read",
    ),
    "an infinite hyperparameter": (
        lambda parts: parts["header"]["hyperparameters"].update(l2=float("inf")),
        "a hyperparameter of its header cannot be read: inf",
    ),
    "labels out of order": (header(classes={"dtype": "<i8", "values": [1, 0]}), "in order, each once"),
    "labels twice": (header(classes={"dtype": "<i8", "values": [1, 1]}), "in order, each once"),
    "labels too large": (header(classes={"dtype": "|i1", "values": [1, 300]}), "the labels"),
    "labels of another kind": (header(classes={"dtype": "|b1", "values": [0, 1]}), "the labels"),
    "labels in rows": (header(classes={"dtype": "<i8", "values": [[0], [1]]}), "the labels"),
    "labels that are NaN": (header(classes={"dtype": "<f8", "values": [0.0, float("nan")]}), "the labels"),
    "labels of a dtype that holds objects": (header(classes={"dtype": "O8", "values": [0, 1]}), "the labels"),
    "labels of a huge dtype": (header(classes={"dtype": "<U999999999", "values": ["a", "b"]}), "the labels"),
    "a missing parameter": (lambda parts: parts["arrays"].pop("layer1.b"), "its header needs parameters of the shapes"),
    "a parameter too many": (array("layer3.W", np.zeros(2)), "its header needs parameters of the shapes"),
    "a parameter inside another": (array("layer1.b.c", np.zeros(2)), "layer1.b.c.*is a part of another"),
    "a parameter of another shape": (array("layer1.b", np.zeros((2, 1))), r"'layer1.b': \(2, 1\)"),
    "a parameter of whole numbers": (array("layer1.b", np.zeros(2, dtype=int)), "the parameter layer1.b is of dtype I64"),
    "a parameter that is NaN": (array("layer1.b", np.array([0.0, np.nan])), "the parameter layer1.b is not finite"),
}


@pytest.mark.parametrize(("change", "said"), LIES.values(), ids=LIES)
def test_a_file_whose_parts_do_not_fit_is_refused(change: Any, said: str, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(resigned(change))
    with pytest.raises(SavedModelError, match=rf"m\.safetensors.*{said}"):
        load(MLPClassifier, path)


def test_the_parts_of_these_tests_fit_where_nothing_is_changed(tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(resigned(lambda parts: None))
    assert load(MLPClassifier, tmp_path / "m").n_iter_ == 12


FOREIGN = {
    "empty": (b"", "is cut short, damaged, or no safetensors file"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\0", "or no safetensors file"),
    "text": (b"a,b,y\n1,2,0\n" * 100, "or no safetensors file"),
    "another program's": (to_bytes({"w": np.zeros(3)}, {"format": "pt"}), "is a safetensors file of another program"),
    "without metadata": (to_bytes({"w": np.zeros(3)}), "is a safetensors file of another program"),
    "without a digest": (to_bytes({"w": np.zeros(3)}, {"format": "tinygraph model 1", "header": "{}"}), "of another program"),
    "half precision": (
        to_bytes({"w": np.zeros(3, np.float16)}, {"format": "tinygraph model 1", "header": "{}", "sha256": ""}),
        "w is of dtype F16",
    ),
}


@pytest.mark.parametrize(("raw", "said"), FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_file_is_refused(raw: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(raw)
    with pytest.raises(SavedModelError, match=said):
        load(MLPClassifier, tmp_path / "m")


# At random


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes, Any]:
    path = save(fitted(random_state={0: 1.0, 1: 2.0}), tmp_path_factory.mktemp("saved") / "m")
    return path, path.read_bytes(), state(load(MLPClassifier, path))


def same_or_refused(saved: tuple[Path, bytes, Any], raw: bytes) -> None:
    path, _, whole = saved
    path.write_bytes(raw)
    try:
        model = load(MLPClassifier, path)
    except SavedModelError:
        return
    assert state(model) == whole


def test_every_truncation_is_refused(saved: tuple[Path, bytes, Any]) -> None:
    path, raw, _ = saved
    for length in range(len(raw)):
        path.write_bytes(raw[:length])
        with pytest.raises(SavedModelError):
            load(MLPClassifier, path)


def test_every_flipped_bit_gives_the_same_model_or_is_refused(saved: tuple[Path, bytes, Any]) -> None:
    raw = saved[1]
    for place in range(len(raw)):
        flipped = bytearray(raw)
        flipped[place] ^= 1 << place % 8
        same_or_refused(saved, bytes(flipped))


EDITS = st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 40), st.binary(max_size=40)), min_size=1, max_size=4)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(EDITS)
def test_any_edit_gives_the_same_model_or_is_refused(saved: tuple[Path, bytes, Any], edits: list[tuple[int, int, bytes]]) -> None:
    raw = saved[1]
    for place, length, new in edits:
        raw = raw[:place] + new + raw[place + length :]
    same_or_refused(saved, raw)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["tuple", "dict", "dtype", "values"]), inner, max_size=2)
    ),
)


@given(st.sampled_from([*saving._TYPES, *MLPClassifier().get_params()]), JSON)
def test_any_entry_of_the_header_loads_or_is_refused(saved: tuple[Path, bytes, Any], name: str, value: Any) -> None:
    def change(parts: Any) -> None:
        (parts["header"] if name in saving._TYPES else parts["header"]["hyperparameters"])[name] = value

    saved[0].write_bytes(resigned(change))
    try:
        model = load(MLPClassifier, saved[0])
    except SavedModelError:
        return
    assert state(model)["parameters_"] == saved[2]["parameters_"]


def test_a_network_of_many_layers_keeps_their_order(tmp_path: Path) -> None:
    X = np.random.default_rng(0).normal(size=(20, 2))
    model = MLPRegressor(hidden_layer_sizes=(2,) * 11, random_state=0, max_iter=5).fit(X, X[:, 0])
    loaded = MLPRegressor.load(model.save(tmp_path / "m"))
    assert list(loaded.parameters_) == list(model.parameters_)
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


def test_an_activation_that_was_set_after_the_fit(tmp_path: Path) -> None:
    X = np.random.default_rng(0).normal(size=(20, 2))
    model = MLPRegressor(max_iter=5).fit(X, X[:, 0])
    before = model.predict(X)
    np.testing.assert_array_equal(model.set_params(activation="relu").predict(X), before)
    with pytest.raises(SavedModelError, match="activation='relu' was set after the fit: fit again, or set 'tanh'"):
        model.save(tmp_path / "m")
