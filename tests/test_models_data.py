"""Data sets by name and CSV files: what becomes of them, and the one line about each that cannot be used."""

import csv
import importlib.util
import io
import pathlib
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer

from models import data
from models.data import DataError, load, read_csv


@pytest.fixture
def table(tmp_path: Path) -> Callable[[str | bytes], Path]:
    def write(text: str | bytes) -> Path:
        path = tmp_path / "table.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


# Named data sets

SHAPES = {
    "breast_cancer": (569, 30),
    "diabetes": (442, 10),
    "digits": (1797, 64),
    "faces": (200, 625),
    "iris": (150, 4),
    "moons": (400, 2),
    "spector": (32, 3),
    "wine": (178, 13),
    "xor": (4, 2),
}


@pytest.mark.parametrize("name", data.NAMED)
def test_named_data_sets_are_read_without_a_network(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", None)
    found = load(name)
    assert (found.title, found.X.shape, len(found.y)) == (name, SHAPES[name], SHAPES[name][0])
    assert (found.X.dtypes == np.float64).all()
    assert np.isfinite(found.X.to_numpy()).all()
    assert found.names == list(found.X.columns)
    assert found.kind == ("regression" if name == "diabetes" else "classification")
    assert found.image is None or np.prod(found.image) == found.X.shape[1]


def test_the_same_numbers_as_in_their_packages() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    assert (load("breast_cancer").X.to_numpy() == X).all()
    assert (load("breast_cancer").y == np.array(["malignant", "benign"])[y]).all()
    spector = pytest.importorskip("statsmodels.datasets.spector").load_pandas()
    assert (load("spector").X[["GPA", "TUCE", "PSI"]] == spector.exog[["GPA", "TUCE", "PSI"]]).all(axis=None)
    assert (load("spector").y == spector.endog).all()


def test_seeded_data_are_the_same_each_time() -> None:
    assert load("moons").X.equals(load("moons").X)


def test_faces_come_before_other_pictures() -> None:
    faces = load("faces")
    assert faces.y.tolist() == ["face"] * 100 + ["background"] * 100
    assert faces.image == (25, 25)
    assert 0 <= faces.X.min(axis=None) < faces.X.max(axis=None) <= 1


@pytest.mark.parametrize(("name", "package"), [("faces", "scikit-image"), ("spector", "statsmodels")])
def test_a_package_that_is_not_installed_is_named(name: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(DataError, match=f"pip install {package}$"):
        load(name)


def test_an_older_scikit_image_without_the_faces_downloads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pathlib.Path, "is_file", lambda _: False)
    with pytest.raises(DataError, match="pip install --upgrade scikit-image"):
        load("faces")


# CSV files


def test_a_file_gives_its_columns_by_name(table: Any) -> None:
    found = read_csv(table("a,churned,b\n1,0,2.5\n3,1,-4e1\n"), "churned")
    assert found.names == ["a", "b"]
    assert found.X.to_numpy().tolist() == [[1.0, 2.5], [3.0, -40.0]]
    assert (found.y.tolist(), found.y.dtype, found.kind) == ([0, 1], np.int64, "classification")


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        (["no", " yes", "no ", "yes"], "classification", ["no", "yes", "no", "yes"]),
        (["True", "False", "True", "False"], "classification", [True, False, True, False]),
        (["1.0", "2.0", "1.0", "2.0"], "classification", [1, 2, 1, 2]),
        (["1", "2.5", "1", "2"], "regression", [1.0, 2.5, 1.0, 2.0]),
        ([str(i) for i in range(21)], "regression", [float(i) for i in range(21)]),
        ([str(i) for i in range(20)], "classification", list(range(20))),
    ],
)
def test_the_target_says_whether_it_holds_classes(table: Any, values: list[str], kind: str, expected: list[Any]) -> None:
    found = read_csv(table("x,y\n" + "".join(f"{i},{value}\n" for i, value in enumerate(values))), "y")
    assert (found.kind, found.y.tolist()) == (kind, expected)
    assert [type(value) for value in found.y.tolist()] == [type(value) for value in expected]


def test_whole_numbers_are_amounts_where_the_model_is_a_regression(table: Any) -> None:
    assert read_csv(table("x,y\n1,0\n2,1\n"), "y", "regression").y.dtype == np.float64


@pytest.mark.parametrize(
    "text",
    [
        "a,b,y\r\n1,2,0\r\n3,4,1\r\n",
        "a,b,y\r1,2,0\r3,4,1",
        "\ufeffa,b,y\n1,2,0\n3,4,1\n",
        "a, b, y\n1, 2, 0\n3, 4, 1\n",
        '"a",b,"y"\n"1",2,0\n3,"4\n",1\n',
        "a,b,y\nTrue,2,0\n3,4,1\n",
    ],
    ids=["CRLF", "CR", "byte-order mark", "spaces", "quotes", "True"],
)
def test_ways_to_write_the_same_table(table: Any, text: str) -> None:
    if "True" in text:
        text = text.replace("3,4", "False,4")
        assert read_csv(table(text), "y").X.to_numpy().tolist() == [[1, 2], [0, 4]]
        return
    found = read_csv(table(text), "y")
    assert (found.names, found.X.to_numpy().tolist(), found.y.tolist()) == (["a", "b"], [[1, 2], [3, 4]], [0, 1])


def test_numbers_are_read_exactly(table: Any) -> None:
    numbers = np.random.default_rng(0).normal(size=500) * 10.0 ** np.random.default_rng(1).integers(-300, 149, 500)
    found = read_csv(table("x,y\n" + "".join(f"{float(x)!r},{i % 2}\n" for i, x in enumerate(numbers))), "y")
    assert (found.X["x"].to_numpy() == numbers).all()


BAD_FILES = {
    "empty": ("", r" is empty: it needs a line of column names"),
    "white space": (" \n\n", r" is empty"),
    "header only": ("a,b,y\n", r" has column names and no example below them"),
    "blank line": ("a,b,y\n1,2,0\n\n3,4,1\n", r", line 3 is blank: delete it"),
    "blank header": ("\na,b,y\n1,2,0\n", r", line 1 is blank: it must name the columns"),
    "too many fields": ("a,b,y\n1,2,0\n3,4,1,5\n", r", line 3 has 4 fields, and line 1 names 3 columns: .*quotes around"),
    "one more in every row": ("a,b,y\n1,2,0,5\n3,4,1,5\n", r", line 2 has 4 fields"),
    "too few fields": ("a,b,y\n1,2,0\n3\n", r", line 3 has 1 field, and"),
    "a huge field": ("a,b,y\n1,2,0\n" + "9" * 200_000 + ",2,1\n", r", line 3: field larger than field limit .*quotation mark"),
    "an open quote": ('a,b,y\n1,2,0\n"3,4,1\n5,6,0\n', r", line 3: unexpected end of data; is a quotation mark left open"),
    "text after a quote": ('a,b,y\n1,"2"x,0\n', r", line 2: ',' expected after"),
    "the same name twice": ("a,a,y\n1,2,0\n", r", line 1: two columns are called 'a'; rename one"),
    "no name": (",b,y\n0,2,0\n", r", line 1: column 1 has no name; .*index=False"),
    "semicolons": ("a;b;y\n1;2;0\n", r", line 1: the columns are separated by ';'; save the table with commas"),
    "tabs": ("a\tb\ty\n1\t2\t0\n", r", line 1: the columns are separated by '\\t'"),
    "no header": ("1,2,0\n3,4,1\n", r", line 1 must name the columns, and holds the numbers 1, 2, 0"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", r" is not a CSV file: it holds bytes that are not text"),
    "UTF-16": ("a,b,y\n1,2,0\n".encode("utf-16"), r" is not a CSV file"),
    "Latin-1": (
        "a,b,y\n1,2,0\n3,é,1\n".encode("latin-1"),
        r", line 3: the byte 0xe9 is not UTF-8; save the table as CSV in UTF-8",
    ),
    "no such column": ("a,b,Y\n1,2,0\n", r": no column 'y': did you mean 'Y'\? There are 'Y', 'a', 'b'"),
    "only the target": ("y\n1\n0\n", r": 'y' is the only column"),
    "missing values": (
        "a,b,y\n1,2,0\n3,,1\n5,NA,0\n",
        r": column 'b' has 2 missing values .*the first in line 3; fill in, or delete those lines",
    ),
    "missing target": ("a,b,y\n1,2,0\n3,4,\n", r": column 'y' has 1 missing value .*the first in line 3"),
    "a line of commas": ("a,b,y\n1,2,0\n,,\n", r": column 'a' has 1 missing value .*line 3"),
    "text": ("a,b,y\n1,x,0\nmale,4,1\n", r": text in columns 'a', 'b' \('male' in line 3\); write numbers instead"),
    "text below a field of two lines": ('a,b,y\n"1\n",2,0\n3,x,1\n', r": text in column 'b' \('x' in line 4\)"),
    "infinity": ("a,b,y\n1,2,0\n3,-inf,1\n", r": column 'b' holds -inf in line 3; delete the line, or write numbers between"),
    "a number too large": ("a,b,y\n1,2,0\n3,1e999,1\n", r": column 'b' holds inf in line 3"),
    "a number without a square": ("a,b,y\n1,2,0\n3,-1e200,1\n", r": column 'b' holds -1e\+200 in line 3"),
    "an infinite target": ("a,b,y\n1,2,0\n3,4,inf\n", r": column 'y' holds inf in line 3"),
    "a fraction for a class": (
        "a,b,y\n1,2,0\n3,4,0.5\n",
        r": the target 'y' holds 0.5 in line 3, and classes are .*; use a regression",
    ),
    "a huge number for a class": ("a,b,y\n1,2,0\n3,4,1e300\n", r": column 'y' holds 1e\+300 in line 3"),
    "a number too large for a class": ("a,b,y\n1,2,0\n3,4,1e100\n", r": the target 'y' holds 1e\+100 in line 3"),
    "one class": ("a,b,y\n1,2,0\n3,4,0\n", r": every example is of class 0, and a classifier needs examples of two classes"),
    "a class of one": ("a,b,y\n1,2,0\n3,4,0\n5,6,1\n", r": class 1 has one example, and each of the 2 classes needs two"),
    "three classes": ("a,b,y\n" + "1,2,0\n1,2,1\n1,2,2\n" * 2, r" has 3 classes, and this model takes 2: use softmax_regression"),
}


@pytest.mark.parametrize(("text", "said"), BAD_FILES.values(), ids=BAD_FILES)
def test_one_line_about_a_file_that_a_binary_classifier_cannot_use(table: Any, text: str | bytes, said: str) -> None:
    path = table(text)
    with pytest.raises(DataError, match=rf"table\.csv{said}") as refused:
        load(path, "y", "classification", most_classes=2)
    assert str(refused.value).startswith(str(path))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("source", "target", "kind", "said"),
    [
        ("brest_cancer", None, None, "no data set or file 'brest_cancer': did you mean 'breast_cancer'"),
        ("nowhere/table.csv", "y", None, "nowhere/table.csv: no such file"),
        (".", "y", None, ". is a folder: give the CSV file in it"),
        ("iris", "species", None, "the data set iris has its own target: leave out target='species'"),
        ("diabetes", None, "classification", "diabetes holds amounts for a regression, and this model needs classes"),
        ("iris", None, "regression", "iris holds classes for a classifier, and this model needs amounts"),
    ],
)
def test_one_line_about_a_source_that_does_not_fit(source: str, target: str | None, kind: Any, said: str) -> None:
    with pytest.raises(DataError) as refused:
        load(source, target, kind)
    assert str(refused.value).startswith(said)
    assert "\n" not in str(refused.value)


def test_a_file_without_a_target_lists_its_columns(table: Any) -> None:
    with pytest.raises(DataError, match="name the target, the column to be predicted: there are 'a', 'b'"):
        load(table("a,b\n1,0\n"))


def test_a_file_that_may_not_be_read(table: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    path = table("a,y\n1,0\n")
    monkeypatch.setattr(Path, "read_bytes", denied)
    with pytest.raises(DataError, match=r"table.csv cannot be read: Permission denied"):
        load(path, "y")


def test_words_for_a_regression(table: Any) -> None:
    with pytest.raises(
        DataError, match="the target 'y' holds 'no' in line 2, and a regression predicts numbers; use a classifier"
    ):
        read_csv(table("a,y\n1,no\n2,yes\n"), "y", "regression")


def test_unknown_names_of_data_sets() -> None:
    with pytest.raises(DataError, match="no data set 'xr': did you mean 'xor'"):
        data.named("xr")


FIELDS = st.one_of(
    st.integers(-(10**20), 10**20).map(str),
    st.floats().map(repr),
    st.sampled_from(["", "yes", "no", "True", " 1", '"', '"2"', "#", "NA", "1e999", "0x1", "1_0"]),
    st.text(max_size=3),
)


@given(st.lists(st.lists(FIELDS, min_size=1, max_size=4), max_size=6), st.sampled_from(["\n", "\r\n", "\r"]), st.booleans())
def test_any_text_is_a_table_or_refused(tmp_path_factory: Any, rows: list[list[str]], end: str, square: bool) -> None:
    if square:
        rows = [(row * 3)[:3] for row in rows]
    text = end.join(",".join(row) for row in [["a", "b", "y"], *rows])
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(text.encode(errors="replace"))
    try:
        found = read_csv(path, "y")
    except DataError:
        return
    read = list(csv.reader(io.StringIO(text.encode(errors="replace").decode(), newline=""), skipinitialspace=True))
    assert found.X.shape == (len(read) - 1, 2)
    assert np.isfinite(found.X.to_numpy()).all()
    assert found.X["a"].tolist() == [float({"true": 1, "false": 0}.get(row[0].lower(), row[0])) for row in read[1:]]
