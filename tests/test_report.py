"""The report of a comparison: as text, as JSON, and as the picture in which the first wrong card is red."""

from __future__ import annotations

import json
import pickle
from typing import Any

import numpy as np
import pytest

import tinygraph as tg
from tests.drawings import logistic, neuron, perceptron


def values(graph: tg.Graph) -> dict[str, Any]:
    return {name: graph[name].value for name in graph.names}


def mistaken() -> Any:
    """A right da, a dz that is 8 times too large, what follows from it, and another slip."""
    graph = logistic()
    v = values(graph)
    dz = v["a"] - v["y"]
    return graph.compare(da=v["da"], dz=dz, dw=v["X"].T @ dz, db=-np.sum(dz))


def lines(picture: Any, mark: str) -> list[str]:
    return [line.text for card in picture.drawing.cards for line in card.results if line.mark == mark]


def red(picture: Any) -> list[str]:
    return [card.title for card in picture.drawing.cards if card.mark == "bad"]


class TestPicture:
    def test_the_first_wrong_card_is_red_and_the_signs_say_the_rest(self) -> None:
        picture = mistaken().draw()
        assert red(picture) == ["z = Xw + b"]
        assert lines(picture, "good") == ["✓ da (8,)  norm 0.700"]
        bad = lines(picture, "bad")
        assert [text[:2] for text in bad if not text[0].isalpha()] == ["✗ ", "✗ "]
        assert "✗ The sign is wrong, even for your dz" in bad
        assert lines(picture, "weak")[0].startswith("(✓) follows correctly from your dz")

    def test_the_reason_stands_below_the_gradient_that_it_is_about(self) -> None:
        v = values(logistic())
        picture = logistic().compare(z=-v["z"]).draw()
        (card,) = [card for card in picture.drawing.cards if card.title.startswith("z =")]
        assert [line.text.split(" ")[0] for line in card.results] == ["z", "✗", "dz"]
        assert [line.backward for line in card.results] == [False, False, True]

    def test_where_all_is_right_no_card_is_red(self) -> None:
        graph = neuron()
        picture = graph.compare(**{s.name: s.value for s in graph.statements()}).draw()
        assert red(picture) == []
        assert picture.drawing.notes[0] == "9 of 9 values right"
        assert len(lines(picture, "good")) == 9

    def test_what_has_no_card_is_in_the_notes(self) -> None:
        notes = logistic().compare(dq=1.0, db="?", dw=[0.0, 0.0]).draw().drawing.notes
        assert notes[0] == "0 of 3 values right; the first wrong one is dw"
        assert [note.split()[0] for note in notes[1:3]] == ["dq", "db"]
        assert all("not judged" in note for note in notes[1:3])

    def test_without_gradients_on_the_cards_they_are_in_the_notes(self) -> None:
        notes = logistic().compare(db=100.0).draw(backward=False).drawing.notes
        assert notes[1].startswith("db ")

    def test_folded_cards_count_the_verdicts(self) -> None:
        graph = perceptron()
        picture = graph.compare(**{s.name: -s.value if s.name.startswith("d") else s.value for s in graph.statements()}).draw(
            fold=True
        )
        folded = [card for card in picture.drawing.cards if card.stands_for]
        assert any("wrong: " in line.text for card in folded for line in card.results if line.mark == "bad")
        assert len([card for card in picture.drawing.cards if card.mark == "bad"]) == 1

    def test_it_takes_the_settings_of_draw_and_can_be_pickled(self) -> None:
        picture = mistaken().draw(theme="dark", direction="tall")
        assert "✗ The sign is wrong" in picture.svg
        assert pickle.loads(pickle.dumps(picture)).svg == picture.svg
        with pytest.raises(TypeError, match="lens"):
            mistaken().draw(lens="check")


class TestNotebook:
    def test_it_shows_the_sentences_and_the_picture(self) -> None:
        report = mistaken()
        shown = report._repr_mimebundle_()
        assert shown["text/plain"] == str(report)
        assert "dw  follows correctly from your dz" in shown["text/html"]
        assert 'src="data:image/svg+xml' in shown["text/html"]

    def test_without_a_layout_engine_it_shows_the_sentences(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TINYGRAPH_DOT", "no-such-program")
        shown = mistaken()._repr_mimebundle_()
        assert "<img" not in shown["text/html"]
        assert "It is 8 times too large" in shown["text/html"]

    def test_names_and_sentences_are_escaped(self) -> None:
        shown = logistic().compare(**{"<b>": 1.0})._repr_mimebundle_()["text/html"]
        assert "<b>" not in shown
        assert "&lt;b&gt;" in shown


class TestData:
    def test_json_has_the_verdicts_with_their_slips(self) -> None:
        found = json.loads(mistaken().to_json())
        assert (found["right"], found["first"]) == (False, "dz")
        assert [v["status"] for v in found["verdicts"]] == ["right", "wrong", "follows", "wrong"]
        assert found["verdicts"][1]["slips"][0]["kind"] == "mean"

    def test_a_verdict_is_found_by_its_name(self) -> None:
        report = mistaken()
        assert report["dw"].status == "follows"
        assert report.first is report["dz"]
        assert [v.name for v in report] == ["da", "dz", "dw", "db"]
        assert len(report) == 4
        with pytest.raises(KeyError, match="dx was not judged"):
            report["dx"]


class TestAssertGradients:
    def test_what_is_right_passes(self) -> None:
        v = values(logistic())
        tg.assert_gradients(logistic(), dz=v["dz"], dw=lambda X, dz: X.T @ dz)

    def test_the_message_is_the_report(self) -> None:
        report = mistaken()
        graph = logistic()
        v = values(graph)
        dz = v["a"] - v["y"]
        with pytest.raises(tg.GradientError) as raised:
            tg.assert_gradients(graph, da=v["da"], dz=dz, dw=v["X"].T @ dz, db=-np.sum(dz))
        assert str(raised.value).splitlines() == ["1 of 4 values right", *str(report).splitlines()]
        assert isinstance(raised.value, AssertionError)

    def test_what_cannot_be_judged_fails_too(self) -> None:
        with pytest.raises(tg.GradientError, match="0 of 1 value right\ndq  not judged"):
            tg.assert_gradients(logistic(), dq=1.0)

    def test_a_value_may_be_called_graph(self) -> None:
        w = tg.parameter(3.0)
        tg.assert_gradients(tg.Graph(w * w, names={"graph": w}), dgraph=6.0)

    def test_what_is_no_graph_is_an_error_of_the_call(self) -> None:
        with pytest.raises(TypeError, match="assert_gradients takes a graph, not a dict"):
            tg.assert_gradients({}, dz=1.0)  # type: ignore[arg-type]

    def test_pytest_shows_the_line_of_the_test_and_none_of_the_package(self, tmp_path: Any) -> None:
        import subprocess
        import sys

        (tmp_path / "test_submission.py").write_text(
            "import tinygraph as tg\n\n\ndef test_gradients():\n    w = tg.parameter(3.0)\n"
            '    graph = tg.Graph(w * w, names={"w": w})\n    tg.assert_gradients(graph, dw=-6.0)\n'
        )
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", str(tmp_path)]
        shown = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
        assert "E       tinygraph.errors.GradientError: 0 of 1 value right" in shown.stdout
        assert "dw  The sign is wrong" in shown.stdout
        assert "faces.py" not in shown.stdout
