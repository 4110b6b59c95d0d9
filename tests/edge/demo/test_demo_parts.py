"""The parts of the demo: the switch, the source that obeys it, the stopwatch, the words at the end."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from edge.demo.faults import FAULTS, Fault, FaultKind, Switch, find_fault, is_answered
from edge.demo.plays import plays
from edge.demo.script import trial_line
from edge.demo.trial import NS_PER_MS, Trial, back_s, banner_ms, begin, repaired, saw
from edge.demo.words import closing_lines, is_passed
from edge.errors import InputRefused, UsageError
from edge.frame import Frame
from edge.reading import ModelIdentity, Reading, Reason, State, View
from edge.sources.lost import SourceLost
from edge.sources.table import open_source

STEADY = "each=0%26mishaps=no%26fps=120%26size=96x72"
MODEL = ModelIdentity("phantom", "1.0.0", "ab" * 32, "onnxruntime", "u8s8")


def fault(kind: FaultKind) -> Fault:
    found = find_fault(kind.value)
    assert found is not None
    return found


def a_view(state: State, *, label: str | None = None, at_ms: int = 0, reason: Reason | None = None, notes: tuple[str, ...] = ()) -> View:
    reading = Reading(at_ms * NS_PER_MS, 1, state, reason, label=label, model=replace(MODEL, notes=notes))
    return View(1, reading, None, at_ms * NS_PER_MS, 500 * NS_PER_MS)


@pytest.fixture
def switch(tmp_path: Path) -> Iterator[Switch]:
    made = Switch.create(tmp_path / "switch")
    yield made
    made.close()


@pytest.fixture
def frames(tmp_path: Path, switch: Switch) -> Iterator[Iterator[Frame]]:
    with open_source(f"demo:{tmp_path / 'switch'}?of=phantom:derm?{STEADY}&other=phantom:ultrasound?{STEADY}") as source:
        yield iter(source)


def test_an_order_is_seen_through_the_file_and_an_unknown_word_is_none(tmp_path: Path, switch: Switch) -> None:
    other = Switch(tmp_path / "switch")
    for kind in FaultKind:
        switch.order(kind)
        assert other.ordered is kind
    (tmp_path / "switch").write_bytes(b"\xff" * 24)
    assert other.ordered is FaultKind.NONE
    switch.tell_good(123_456_789_012_345)
    assert other.good_ns == 123_456_789_012_345
    other.close()


def test_black_and_repeated_pictures_are_what_they_say_and_do_not_count_as_good(switch: Switch, frames: Iterator[Frame]) -> None:
    good = list(islice(frames, 3))[-1]
    assert switch.good_ns == good.captured_ns
    switch.order(FaultKind.FREEZE)
    again = list(islice(frames, 3))[-1]
    assert np.array_equal(again.pixels, good.pixels)
    assert again.captured_ns > good.captured_ns
    switch.order(FaultKind.BLACK)
    assert next(frames).pixels.max() == 0
    assert switch.good_ns == good.captured_ns
    switch.order(FaultKind.NONE)
    assert next(frames).captured_ns == switch.good_ns


def test_an_unplugged_device_is_lost_and_cannot_be_opened_until_it_is_back(tmp_path: Path, switch: Switch, frames: Iterator[Frame]) -> None:
    next(frames)
    switch.order(FaultKind.UNPLUG)
    with pytest.raises(SourceLost):
        next(frames)
    with pytest.raises(SourceLost):
        open_source(f"demo:{tmp_path / 'switch'}?of=phantom:derm")


def test_another_organ_is_another_picture_of_another_scene_and_back(switch: Switch, frames: Iterator[Frame]) -> None:
    skin = list(islice(frames, 40))[-1]
    switch.order(FaultKind.WRONG_ORGAN)
    organ = next(frame for frame in islice(frames, 100) if frame.scene != skin.scene)
    assert organ.rendered
    assert abs(float(organ.pixels.mean()) - float(skin.pixels.mean())) > 10
    switch.order(FaultKind.NONE)
    assert next(frame for frame in islice(frames, 100) if frame.scene == skin.scene).rendered


@pytest.mark.parametrize("uri", ["demo:/no/such/switch?of=phantom:derm", f"demo:{__file__}?of=phantom:derm"])
def test_what_is_no_switch_is_refused_in_one_line(uri: str) -> None:
    with pytest.raises(InputRefused, match="no fault switch"):
        open_source(uri)


def test_a_demo_source_without_a_source_in_it_is_a_usage_error(switch: Switch, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        open_source(f"demo:{tmp_path / 'switch'}")


def played(kind: FaultKind, banner: View, banner_at_ms: int, *, good_ms: int = 1_000) -> Trial:
    trial = begin(fault(kind), "derm-disc", 1_010 * NS_PER_MS)
    trial = saw(trial, banner, banner_at_ms * NS_PER_MS, good_ms * NS_PER_MS)
    trial = repaired(trial, 2_000 * NS_PER_MS)
    return saw(trial, a_view(State.READY, label="derm-disc", at_ms=2_300), 2_310 * NS_PER_MS, 2_300 * NS_PER_MS)


@pytest.mark.parametrize(("at_ms", "ok"), [(1_249, True), (1_250, True), (1_251, False)])
def test_the_stopwatch_runs_from_the_last_good_picture_to_the_banner(at_ms: int, ok: bool) -> None:
    trial = played(FaultKind.HANG, a_view(State.NO_SIGNAL, reason=Reason.STALLED, at_ms=1_200), at_ms)
    assert banner_ms(trial) == at_ms - 1_000
    assert back_s(trial) == pytest.approx(0.31)
    assert trial.is_ok is ok
    assert trial.said == "NO SIGNAL · stalled"


def test_a_banner_that_stood_before_the_order_is_no_answer_to_it() -> None:
    trial = begin(fault(FaultKind.BLACK), "derm-disc", 1_010 * NS_PER_MS)
    early = saw(trial, a_view(State.NO_SIGNAL, at_ms=1_009), 1_020 * NS_PER_MS, 0)
    assert early.banner_ns is None
    assert saw(trial, a_view(State.READY, label="derm-disc", at_ms=1_100), 1_100 * NS_PER_MS, 0).banner_ns is None


def test_a_label_that_does_not_come_back_is_a_failure() -> None:
    trial = begin(fault(FaultKind.UNPLUG), "derm-disc", 1_010 * NS_PER_MS)
    trial = repaired(saw(trial, a_view(State.NO_SIGNAL, at_ms=1_100), 1_100 * NS_PER_MS, 1_000 * NS_PER_MS), 2_000 * NS_PER_MS)
    assert not trial.is_ok
    assert "label not back" in trial_line(trial)


def test_after_a_change_of_organ_any_word_but_the_old_label_is_an_answer() -> None:
    moved = fault(FaultKind.WRONG_ORGAN)
    assert not is_answered(moved, a_view(State.READY, label="derm-disc").reading, "derm-disc")
    assert is_answered(moved, a_view(State.READY, label="us-cyst").reading, "derm-disc")
    assert is_answered(moved, a_view(State.STARTING, reason=Reason.SETTLING).reading, "derm-disc")


def test_a_sink_that_never_returns_is_said_and_takes_no_label_away() -> None:
    slow = a_view(State.READY, label="derm-disc", at_ms=1_600, notes=("sink second screen is slow",))
    trial = played(FaultKind.SLOW_SINK, slow, 1_600)
    assert trial.is_ok
    assert trial.said == "sink second screen is slow"
    gone = saw(begin(fault(FaultKind.SLOW_SINK), "derm-disc", 0), a_view(State.NO_SIGNAL, at_ms=10), 10 * NS_PER_MS, 0)
    assert not gone.stayed


def test_the_demo_fails_where_a_fault_was_not_tried_or_no_label_was_seen() -> None:
    good = played(FaultKind.HANG, a_view(State.NO_SIGNAL, reason=Reason.STALLED, at_ms=1_200), 1_210)
    assert not is_passed([], [good], ())
    assert not is_passed([], [], FAULTS)
    words = closing_lines([], [good], FAULTS[1:], repeat_trials=True)
    assert any("no label came" in line for line in words)
    assert sum(line.startswith("  sonoderm ") for line in words) == 3


def test_what_is_missing_for_a_play_is_said_and_not_left_out() -> None:
    offered = plays("phantom", None)
    assert [play.id for play in offered][:3] == ["phantom", "derm7", "breast-us"]
    assert offered[0].lacks is None
    for play in offered:
        assert play.lacks is None or "came with this program" in play.lacks or "docs/examples" in play.lacks
