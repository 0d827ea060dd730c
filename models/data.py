"""Read a named data set or a CSV file as features, a target and names; an error says in one line what a model cannot use.

>>> iris = load("iris")
>>> iris.X.shape, iris.kind, iris.names[0]
((150, 4), 'classification', 'sepal length (cm)')
"""

from __future__ import annotations

import csv
import difflib
import importlib.util
import io
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from sklearn import datasets

from models.words import counted

Array = np.ndarray[Any, np.dtype[Any]]
Kind = Literal["classification", "regression"]

# Whole numbers of more values than this are taken for amounts rather than classes, where nothing says which they are.
MOST_CLASSES_GUESSED = 20
# Numbers beyond this have no finite square, and so no standard deviation.
LARGEST = 1e150


class DataError(ValueError):
    """A data set or a file that cannot be used; the message is one line with what to do about it."""


@dataclass(frozen=True)
class Data:
    """Features `X`, a data frame of floats of shape (m, n), and the target `y` of shape (m,).

    `title` is the name of the data set or the file; `image` is the shape of each example if the examples are pictures. If `whole`
    is True, there can be no further data, so all examples are used both to train and to test.
    """

    title: str
    X: Any
    y: Array
    kind: Kind
    image: tuple[int, int] | None = None
    whole: bool = False

    @property
    def names(self) -> list[str]:
        """The names of the features, in the order of the columns."""
        return list(self.X.columns)


def load(source: str | Path, target: str | None = None, kind: Kind | None = None, most_classes: int | None = None) -> Data:
    """The data set of that name, or that of a CSV file in which the column `target` is to be predicted.

    `kind` and `most_classes` describe the data that the model can learn. Raises DataError for other data.
    """
    if str(source) in NAMED:
        if target is not None:
            raise DataError(f"the data set {source} has its own target: leave out target={target!r}, or give a CSV file")
        data = named(str(source))
    elif isinstance(source, str) and not Path(source).suffix and not os.path.exists(source):
        raise DataError(f"no data set or file {source!r}: {closest_first(source, NAMED)}")
    else:
        data = read_csv(source, target, kind)
    return _learnable(data, kind, most_classes)


def _learnable(data: Data, kind: Kind | None, most_classes: int | None) -> Data:
    """The data as they are, where a model of that kind can learn them."""
    if kind is not None and data.kind != kind:
        one = {"classification": "classes for a classifier", "regression": "amounts for a regression"}
        raise DataError(f"{data.title} holds {one[data.kind]}, and this model needs {one[kind]}")
    if data.kind == "regression":
        return data
    classes, counts = np.unique(data.y, return_counts=True)
    if len(classes) < 2:
        raise DataError(f"{data.title}: every example is of class {classes[0]}, and a classifier needs examples of two classes")
    if most_classes is not None and len(classes) > most_classes:
        raise DataError(
            f"{data.title} has {len(classes)} classes, and this model takes {most_classes}: "
            "use softmax_regression or mlp_classifier"
        )
    if counts.min() < 2:
        raise DataError(
            f"{data.title}: class {classes[counts.argmin()]} has one example, "
            f"and each of the {len(classes)} classes needs two, one to learn from and one to test"
        )
    return data


def closest_first(name: str, known: Iterable[str]) -> str:
    """The known names, those like `name` first.

    >>> closest_first("Churned ", ["age", "churned"]), closest_first("z", ["age", "height"])
    ("did you mean 'churned'? There are 'churned', 'age'", "there are 'age', 'height'")
    """
    names = list(known)
    folded = {other.casefold().strip(): other for other in reversed(names)}
    near = [folded[match] for match in difflib.get_close_matches(name.casefold().strip(), folded, n=3)]
    listed = near + [other for other in names if other not in near]
    shown = ", ".join(map(repr, listed[:20])) + (f" and {len(listed) - 20} more" if len(listed) > 20 else "")
    return f"did you mean {near[0]!r}? There are {shown}" if near else f"there are {shown}"


# The data sets that need no network


def _of_scikit_learn(load_frame: Callable[..., Any], kind: Kind, image: tuple[int, int] | None = None) -> Callable[[str], Data]:
    def read(name: str) -> Data:
        bunch = load_frame(as_frame=True)
        y = bunch.target.to_numpy()
        return Data(name, bunch.data.astype(np.float64), bunch.target_names[y] if kind == "classification" else y, kind, image)

    return read


def _moons(name: str) -> Data:
    """Two interleaved half circles: a straight line does fairly well, a curved one better."""
    X, y = datasets.make_moons(400, noise=0.2, random_state=0)
    return Data(name, pd.DataFrame(X, columns=["x1", "x2"]), y, "classification")


def _xor(name: str) -> Data:
    """The four points of exclusive or, which no straight line separates."""
    X = pd.DataFrame([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], columns=["x1", "x2"])
    return Data(name, X, np.array([0, 1, 1, 0]), "classification", whole=True)


def _faces(name: str) -> Data:
    """100 faces and 100 pictures of other things, 25 × 25, that the wheel of scikit-image carries."""
    package = importlib.util.find_spec("skimage")
    if package is None or package.origin is None:
        raise DataError("the data set faces is a part of scikit-image, which is not installed: pip install scikit-image")
    path = Path(package.origin).parent / "data" / "lfw_subset.npy"
    if not path.is_file():
        raise DataError(f"this version of scikit-image does not carry {path}: pip install --upgrade scikit-image")
    pictures = np.load(path, allow_pickle=False).astype(np.float64)
    names = [f"pixel_{row}_{column}" for row in range(25) for column in range(25)]
    return Data(
        name,
        pd.DataFrame(pictures.reshape(200, 625), columns=names),
        np.repeat(["face", "background"], 100),
        "classification",
        (25, 25),
    )


def _spector(name: str) -> Data:
    """32 students: did a new way of teaching economics improve their grade?"""
    package = importlib.util.find_spec("statsmodels")
    if package is None or package.origin is None:
        raise DataError("the data set spector is a part of statsmodels, which is not installed: pip install statsmodels")
    frame = pd.read_csv(Path(package.origin).parent / "datasets" / "spector" / "spector.csv", sep=" ", quotechar="'")
    X = frame[["GPA", "TUCE", "PSI"]].astype(np.float64)
    return Data(name, X, frame["GRADE"].to_numpy().astype(int), "classification")


NAMED: dict[str, Callable[[str], Data]] = {
    "breast_cancer": _of_scikit_learn(datasets.load_breast_cancer, "classification"),
    "diabetes": _of_scikit_learn(datasets.load_diabetes, "regression"),
    "digits": _of_scikit_learn(datasets.load_digits, "classification", (8, 8)),
    "faces": _faces,
    "iris": _of_scikit_learn(datasets.load_iris, "classification"),
    "moons": _moons,
    "spector": _spector,
    "wine": _of_scikit_learn(datasets.load_wine, "classification"),
    "xor": _xor,
}


def named(name: str) -> Data:
    """The data set of that name, read from an installed package; raises DataError for a package that is not installed.

    >>> named("xor").y
    array([0, 1, 1, 0])
    """
    if name not in NAMED:
        raise DataError(f"no data set {name!r}: {closest_first(name, NAMED)}")
    return NAMED[name](name)


# CSV files


@dataclass(frozen=True)
class CsvFile:
    """The text of a CSV file whose rows all have one field for each name; `lines` are the numbers of the rows' first lines."""

    path: Path
    text: str
    header: list[str]
    lines: list[int]


def read_csv(path: str | Path, target: str | None, kind: Kind | None = None) -> Data:
    """Features and target of a CSV file with a header, in UTF-8.

    Without `kind` a target of text, of True and False, or of few whole numbers holds classes. Raises DataError, which names file,
    column and line, for a file that is no such table and for a column that is not numbers.
    """
    table = _table(Path(path))
    if target is None:
        raise DataError(f"{path}: name the target, the column to be predicted: {closest_first('', table.header)}")
    if target not in table.header:
        raise DataError(f"{path}: no column {target!r}: {closest_first(target, table.header)}")
    if len(table.header) == 1:
        raise DataError(f"{path}: {target!r} is the only column, and a model needs others to predict it from")
    frame = pd.read_csv(io.StringIO(table.text), skipinitialspace=True, low_memory=False)
    _nothing_missing(table, frame)
    y, kind = _target(table, frame[target], kind)
    return Data(str(path), _numbers(table, frame.drop(columns=target)), y, kind)


def _text(path: Path) -> str:
    """The content of the file; raises DataError if it is not text."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise DataError(f"{path} is a folder: give the CSV file in it") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from None
    if not raw.strip():
        raise DataError(f"{path} is empty: it needs a line of column names and a line for each example")
    try:
        if b"\0" in raw:
            raise DataError(f"{path} is not a CSV file: it holds bytes that are not text; save the table as CSV in UTF-8")
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path}, line {line}: the byte {raw[error.start]:#x} is not UTF-8; save the table as CSV in UTF-8"
        ) from None


def _rows(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """Each row with the number of its first line."""
    reader = csv.reader(io.StringIO(text, newline=""), skipinitialspace=True, strict=True)
    line = 1
    try:
        for row in reader:
            yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        fix = "is a quotation mark left open?" if "field limit" in str(error) or "end of data" in str(error) else "see its quotes"
        raise DataError(f"{path}, line {line}: {error}; {fix}") from None


def _table(path: Path) -> CsvFile:
    """The file as a table; raises DataError for a row that does not fit."""
    text = _text(path)
    rows = _rows(path, text)
    _, header = next(rows)
    _check_header(path, header)
    lines = []
    for line, row in rows:
        if not row:
            raise DataError(f"{path}, line {line} is blank: delete it")
        if len(row) != len(header):
            raise DataError(
                f"{path}, line {line} has {counted(len(row), 'field')}, and line 1 names {counted(len(header), 'column')}: "
                "give it a field for each, and put quotes around a field that has a comma in it"
            )
        lines.append(line)
    if not lines:
        raise DataError(f"{path} has column names and no example below them")
    return CsvFile(path, text, header, lines)


def _check_header(path: Path, header: list[str]) -> None:
    if not header:
        raise DataError(f"{path}, line 1 is blank: it must name the columns")
    seen: set[str] = set()
    for i, name in enumerate(header, 1):
        if not name.strip():
            raise DataError(
                f"{path}, line 1: column {i} has no name; name it, or leave it out if it numbers the rows "
                "(pandas writes no such column with to_csv(..., index=False))"
            )
        if name in seen:
            raise DataError(f"{path}, line 1: two columns are called {name!r}; rename one")
        seen.add(name)
    if len(header) == 1 and any(mark in header[0] for mark in ";\t|"):
        mark = next(mark for mark in ";\t|" if mark in header[0])
        raise DataError(f"{path}, line 1: the columns are separated by {mark!r}; save the table with commas between them")
    if all(map(_is_number, header)):
        raise DataError(
            f"{path}, line 1 must name the columns, and holds the numbers {', '.join(header[:3])}...; write names above"
        )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _nothing_missing(table: CsvFile, frame: Any) -> None:
    missing = frame.isna()
    for name in table.header:
        rows = np.flatnonzero(missing[name])
        if len(rows):
            raise DataError(
                f"{table.path}: column {name!r} has {counted(len(rows), 'missing value')} "
                f"(nothing, NA, NaN, None...), the first in line {table.lines[rows[0]]}; fill in, or delete those lines"
            )


def _numbers(table: CsvFile, columns: Any) -> Any:
    """The columns as finite floats; True and False count as 1 and 0."""
    numbers = columns.apply(pd.to_numeric, errors="coerce").astype(np.float64)
    texts = [name for name in columns if numbers[name].isna().any()]
    if texts:
        row = np.flatnonzero(numbers[texts[0]].isna())[0]
        raise DataError(
            f"{table.path}: text in column{'s' if len(texts) > 1 else ''} {', '.join(map(repr, texts))} "
            f"({columns[texts[0]].iloc[row]!r:.40} in line {table.lines[row]}); "
            "write numbers instead (0 and 1 in a column for each value), or drop the column"
        )
    for name in columns:
        beyond = np.flatnonzero(np.abs(numbers[name]) > LARGEST)
        if len(beyond):
            raise DataError(
                f"{table.path}: column {name!r} holds {numbers[name].iloc[beyond[0]]} in line {table.lines[beyond[0]]}; "
                f"delete the line, or write numbers between {-LARGEST} and {LARGEST}"
            )
    return numbers


def _target(table: CsvFile, column: Any, kind: Kind | None) -> tuple[Array, Kind]:
    """The column to predict, and whether it holds classes or amounts."""
    if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
        if kind == "regression":
            raise DataError(
                f"{table.path}: the target {column.name!r} holds {column.iloc[0]!r:.40} in line {table.lines[0]}, "
                "and a regression predicts numbers; use a classifier"
            )
        classes = (
            column.to_numpy() if pd.api.types.is_bool_dtype(column) else column.astype(str).str.strip().to_numpy(dtype=np.str_)
        )
        return classes, "classification"
    numbers = _numbers(table, column.to_frame())[column.name].to_numpy()
    not_whole = np.flatnonzero((numbers != np.round(numbers)) | (np.abs(numbers) >= 2.0**53))
    if kind is None:
        kind = "regression" if len(not_whole) or len(np.unique(numbers)) > MOST_CLASSES_GUESSED else "classification"
    if kind == "regression":
        return numbers, kind
    if len(not_whole):
        raise DataError(
            f"{table.path}: the target {column.name!r} holds {numbers[not_whole[0]]} in line {table.lines[not_whole[0]]}, "
            "and classes are words or whole numbers; use a regression"
        )
    return numbers.astype(np.int64), kind
