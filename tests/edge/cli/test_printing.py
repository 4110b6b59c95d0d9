"""What commands print: aligned text that is data, JSON without NaN, a bar that never believes a wrong total."""

import json

import pytest

from edge.cli.output import Progress, answer, columns, print_json
from edge.reading import Reading, Reason, State


def test_columns_are_aligned_and_numbers_stand_to_the_right() -> None:
    assert columns([["name", "n"], ["a", "7"], ["longer", "12"]]) == "name    n\na        7\nlonger  12"
    assert columns([]) == ""


def test_a_figure_that_is_no_number_is_null(capfd: pytest.CaptureFixture[str]) -> None:
    print_json({"a": float("nan"), "b": float("inf"), "c": 1.5})
    assert json.loads(capfd.readouterr().out) == {"a": None, "b": None, "c": 1.5}


def a_reading(state: State, **changes: object) -> Reading:
    probabilities = (("mel", 0.62), ("nv", 0.3), ("bcc", 0.08))
    return Reading(None, None, state, probabilities=probabilities, **changes)  # type: ignore[arg-type]


def test_a_label_is_said_with_its_full_name_and_the_second_class_of_its_set() -> None:
    ready = a_reading(State.READY, label="mel", label_name="Melanoma", confidence=0.62, set=("mel", "nv"))
    assert answer(ready) == "Melanoma (mel) 0.62, or nv"


def test_without_a_label_the_reason_is_said_and_no_class_stands_alone() -> None:
    assert answer(a_reading(State.UNSURE, reason=Reason.LOW_CONFIDENCE)) == "low confidence (mel 0.62, nv 0.30)"
    assert answer(a_reading(State.POOR_IMAGE, reason=Reason.TOO_DARK)) == "too dark"
    assert answer(a_reading(State.OUT_OF_SCOPE, reason=Reason.OUT_OF_SCOPE)) == "not what this model was made for"


def test_a_bar_is_drawn_on_a_terminal_alone(capfd: pytest.CaptureFixture[str]) -> None:
    with Progress("working", 2) as progress:
        for _ in range(5):
            progress.advance()  # more than the total: a header's count is a hint
    assert capfd.readouterr() == ("", "")
