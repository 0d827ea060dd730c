"""A fitted model as a safetensors file: its parameters, and a JSON header of what it is, in the form of a checkpoint."""

from __future__ import annotations

import contextlib
import itertools
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import is_regressor
from sklearn.utils.validation import check_is_fitted

import tinygraph as tg
from models.tree import Tree, from_paths, last, paths

Array = np.ndarray[Any, np.dtype[Any]]


class SavedModelError(ValueError):
    """A file that is not the saved model it should be, or a model that a file without pickle cannot hold."""


def save(model: Any, path: str | Path) -> Path:
    """Write a fitted model, under a temporary name first, so that a file of this name is never half written.

    Raises SavedModelError for a hyperparameter, a label or a parameter that the file cannot hold.
    """
    check_is_fitted(model)
    if getattr(model, "activation_", None) != getattr(model, "activation", None):
        raise SavedModelError(f"activation={model.activation!r} was set after the fit: fit again, or set {model.activation_!r}")
    names = getattr(model, "feature_names_in_", None)
    header = {
        "class": type(model).__name__,
        "version": tg.__version__,
        "hyperparameters": {name: _encoded(value, name) for name, value in model.get_params(deep=False).items()},
        "n_features": int(model.n_features_in_),
        "feature_names": None if names is None else list(names),
        "classes": _encoded_classes(model.classes_) if hasattr(model, "classes_") else None,
        "stop_reason": model.stop_reason_,
        "n_iter": int(model.n_iter_),
    }
    return write(path, model.parameters_, header)


def load(cls: type[Any], path: str | Path) -> Any:
    """The model of class `cls` that `save` wrote; raises SavedModelError for any other file."""
    parameters, header = read(path)
    try:
        _check_header(header)
        if header["class"] != cls.__name__:
            raise SavedModelError(f"it holds a {header['class']}: write {header['class']}.load(...)")
        model = cls(**_hyperparameters(cls, header))
        model._check()
        model.n_features_in_ = header["n_features"]
        if header["feature_names"] is not None:
            model.feature_names_in_ = np.array(header["feature_names"], dtype=object)
        if header["classes"] is not None:
            model.classes_ = _decoded_classes(header["classes"])
        model.stop_reason_, model.n_iter_ = header["stop_reason"], header["n_iter"]
        parameters = _in_order(parameters, model)
    except (ValueError, OverflowError, RecursionError) as error:
        raise SavedModelError(f"{path} cannot be loaded: {error}") from None
    model.parameters_ = parameters
    vars(model).update(model._shown(parameters))
    return model


def _hyperparameters(cls: type[Any], header: dict[str, Any]) -> dict[str, Any]:
    odd = set(header["hyperparameters"]) ^ set(cls().get_params(deep=False))
    if odd:
        raise SavedModelError(f"tinygraph {header['version']} saved it, whose {cls.__name__} differs in {', '.join(sorted(odd))}")
    return {name: _decoded(value) for name, value in header["hyperparameters"].items()}


# The file


def write(path: str | Path, parameters: Tree, header: Mapping[str, Any]) -> Path:
    """Write nested dicts of arrays and a header that JSON can hold; gives the path."""
    try:
        return tg.bridges.checkpoint.write(path, parameters, header, "model")
    except tg.bridges.checkpoint.CheckpointError as error:
        raise SavedModelError(f"{error}: fit the model again before saving it") from None


def read(path: str | Path) -> tuple[Tree, Tree]:
    """The parameters and the header that `write` wrote; raises SavedModelError for any other file, OSError for none."""
    try:
        return tg.bridges.checkpoint.read(path, "model")
    except tg.bridges.checkpoint.CheckpointError as error:
        raise SavedModelError(f"{error}") from None


# The header


def _plain(value: Any) -> bool:
    """Whether JSON holds the value as it is."""
    return value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and bool(np.isfinite(value)))


def _encoded(value: Any, name: str) -> Any:
    """A hyperparameter as JSON: a tuple and a dict under their kind, so that they come back as what they were."""
    value = value.item() if isinstance(value, np.generic) else value
    if _plain(value):
        return value
    if type(value) is list:
        return [_encoded(entry, name) for entry in value]
    if type(value) is tuple:
        return {"tuple": [_encoded(entry, name) for entry in value]}
    if type(value) is dict:
        keys = [key.item() if isinstance(key, np.generic) else key for key in value]
        if all(map(_plain, keys)):
            return {"dict": [[key, _encoded(entry, name)] for key, entry in zip(keys, value.values(), strict=True)]}
    raise SavedModelError(
        f"{name} holds {value!r:.60}, of type {type(value).__name__}, which a file without pickle cannot hold: "
        f"before saving, set_params({name}=...) to numbers, strings, lists, tuples or dicts"
    )


def _decoded(value: Any) -> Any:
    """What `_encoded` made JSON of."""
    if _plain(value):
        return value
    match value:
        case list(entries):
            return [_decoded(entry) for entry in entries]
        case {"tuple": list(entries), **rest} if not rest:
            return tuple(_decoded(entry) for entry in entries)
        case {"dict": list(entries), **rest} if not rest and all(
            isinstance(pair, list) and len(pair) == 2 and _plain(pair[0]) for pair in entries
        ):
            return {key: _decoded(entry) for key, entry in entries}
    raise SavedModelError(f"a hyperparameter of its header cannot be read: {value!r:.60}")


def _encoded_classes(classes: Array) -> dict[str, Any]:
    """The labels with their dtype; words as str or object, in the width of the longest."""
    dtype = {"U": "str", "O": "object"}.get(classes.dtype.kind, classes.dtype.str)
    encoded = {"dtype": dtype, "values": classes.tolist()}
    _decoded_classes(encoded)
    return encoded


def _decoded_classes(encoded: Any) -> Array:
    """Labels of one kind, in order, each once."""
    match encoded:
        case {"dtype": str(dtype), "values": list(values)} if re.fullmatch(r"str|object|\|b1|[<>|][iuf][1248]", dtype):
            with np.errstate(over="ignore"), contextlib.suppress(OverflowError, TypeError, ValueError):
                labels = np.array(values, dtype=np.dtype(dtype))
                kept = [(type(label), label) for label in np.unique(labels).tolist()] == [
                    (type(label), label) for label in values
                ]
                if kept and (dtype != "object" or all(type(label) is str for label in values)):
                    return labels
    raise SavedModelError(
        f"the labels {encoded!r:.80} are not numbers or strings in order, each once: they cannot be saved or loaded"
    )


_TYPES: dict[str, tuple[type, ...]] = {
    "class": (str,),
    "version": (str,),
    "hyperparameters": (dict,),
    "n_features": (int,),
    "feature_names": (list, type(None)),
    "classes": (dict, type(None)),
    "stop_reason": (str,),
    "n_iter": (int,),
}


def _check_header(header: Any) -> None:
    """Every entry is there, and of its kind."""
    if not isinstance(header, dict) or set(header) != set(_TYPES):
        raise SavedModelError(f"its header {header!r:.60} must have the entries {', '.join(_TYPES)}")
    for name, types in _TYPES.items():
        if type(header[name]) not in types:
            raise SavedModelError(f"its header says {name} = {header[name]!r:.60}")
    if header["n_features"] < 1 or header["n_iter"] < 0:
        raise SavedModelError(f"its header gives {header['n_features']} features and {header['n_iter']} epochs")
    names = header["feature_names"]
    if names is not None and not (len(names) == header["n_features"] and all(type(name) is str for name in names)):
        raise SavedModelError(f"its header has {header['n_features']} features, and the names {names!r:.60}")


def _in_order(parameters: Tree, model: Any) -> Tree:
    """The parameters in the order of the layers, if they are those of a model with so many features, hidden units and classes."""
    found = {name: array.shape for name, array in tg.bridges.checkpoint.dotted(parameters)}
    sizes = [model.n_features_in_, *getattr(model, "hidden_layer_sizes", ())]
    largest = max(a * b for a, b in itertools.pairwise([1, *sizes]))
    if largest > sum(math.prod(shape) for shape in found.values()):  # before anything of that size is made
        raise SavedModelError(f"its header needs {largest} weights in one layer, and it has parameters of the shapes {found}")
    start = model._start(model.n_features_in_, np.random.RandomState(0))
    expected = {name: np.shape(array) for name, array in tg.bridges.checkpoint.dotted(start)}
    if found != expected:
        raise SavedModelError(f"its header needs parameters of the shapes {expected}, and it has {found}")
    arrays = dict(tg.bridges.checkpoint.dotted(parameters))
    parameters = from_paths((path, arrays[".".join(path)]) for path, _ in paths(start))
    outputs = last(model._forward(np.zeros((1, model.n_features_in_)), parameters))
    classes = len(model.classes_) if hasattr(model, "classes_") else 0
    if classes != (0 if is_regressor(model) else max(2, outputs[0].size)):
        raise SavedModelError(f"its header has {classes} classes, and its outputs are of the shape {outputs[0].shape}")
    return parameters
