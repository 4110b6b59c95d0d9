"""The line of a reading: stable keys, honest nulls, no label past its time."""

from dataclasses import replace
from datetime import UTC, datetime

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import InputRefused
from edge.reading import FrameCounts, ModelIdentity, Reading, Reason, State, View
from edge.sinks.record import OPTIONAL, ReadingLine, encode, reading_line, refused_line, view_line

AT = datetime(2026, 3, 1, 12, 0, 0, 250_000, UTC)
MODEL = ModelIdentity("derm7", "1.0.0", "ab" * 32, "onnxruntime", "u8s8")
READY = Reading(
    captured_ns=1_000_000_000,
    frame=7,
    state=State.READY,
    label="mel",
    label_name="Melanoma",
    confidence=0.8125,
    probabilities=(("mel", 0.8125), ("nv", 0.1875)),
    set=("mel",),
    model=MODEL,
)


def a_view(reading: Reading = READY, *, age_limit_ms: int = 500) -> View:
    counts = FrameCounts(captured=9, inferred=8, dropped=(("busy", 1),))
    return View(3, reading, None, 1_010_000_000, age_limit_ms * 1_000_000, "phantom:derm", True, counts)


def test_a_line_has_exactly_the_keys_that_were_promised_in_their_order() -> None:
    line = msgspec.json.decode(encode(reading_line(READY, now_ns=1_020_000_000, at=AT)))
    assert list(line) == [
        *("v", "t_ns", "at", "frame", "captured_ns", "age_ms", "state", "reason", "label", "label_name", "confidence"),
        *("probabilities", "set", "model", "version", "digest", "engine", "form", "profile", "dropped"),
    ]
    assert line["v"] == 1
    assert line["age_ms"] == 20.0
    assert line["at"] == "2026-03-01T12:00:00.250+00:00"
    assert line["probabilities"] == {"mel": 0.8125, "nv": 0.1875}


def test_a_line_written_past_the_age_limit_carries_no_label() -> None:
    line = view_line(a_view(), now_ns=1_500_000_001, at=AT)
    assert (line.state, line.reason, line.label, line.confidence, line.set) == ("NO SIGNAL", "stalled", None, None, [])
    assert view_line(a_view(), now_ns=1_500_000_000, at=AT).label == "mel"


def test_a_refused_picture_has_its_line_with_null_state_and_the_reason() -> None:
    line = msgspec.json.decode(encode(refused_line(InputRefused("a.png is cut short"), path="a.png", now_ns=5, at=AT)))
    assert line["state"] is None
    assert line["error"] == "a.png is cut short"
    assert line["path"] == "a.png"
    assert set(line) - set(OPTIONAL) == set(msgspec.json.decode(encode(reading_line(READY, now_ns=0, at=AT))))


def test_what_a_frozen_view_shows_live_stands_in_its_line() -> None:
    frozen = replace(READY, state=State.FROZEN, live_state=State.NO_SIGNAL, live_reason=Reason.UNPLUGGED, frozen_at="12:00:00")
    line = view_line(a_view(frozen), now_ns=1_020_000_000, at=AT)
    assert (line.state, line.label, line.live_state, line.live_reason) == ("FROZEN", "mel", "NO SIGNAL", "unplugged")


def test_rendered_pictures_are_marked_so_that_a_log_of_them_is_never_taken_for_patients() -> None:
    assert view_line(a_view(), now_ns=0, at=AT).rendered is True
    assert b"rendered" not in encode(view_line(replace(a_view(), rendered=False), now_ns=0, at=AT))


@settings(deadline=None)
@given(st.text(alphabet=st.characters(), max_size=30), st.integers(0, 2**62), st.floats(0, 1))
def test_every_line_is_valid_json_and_reads_back_as_it_was(path: str, now_ns: int, p: float) -> None:
    reading = replace(READY, confidence=p, probabilities=(("mel", p),))
    line = reading_line(reading, now_ns=now_ns, at=AT, path=path.encode("utf-8", "replace").decode(), lost=3)
    again = msgspec.json.decode(encode(line), type=ReadingLine)
    assert again == line


def test_a_path_that_is_no_utf8_still_becomes_a_line() -> None:
    line = encode(reading_line(READY, now_ns=0, at=AT, path="a\udcff.png"))
    assert msgspec.json.decode(line)["path"] == "a\\xff.png"
