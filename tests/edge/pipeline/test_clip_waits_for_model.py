"""No picture of a file is played to nobody: a clip, folder or cine is opened when the model is there; a camera is opened at once."""

import threading
from collections.abc import Callable

import pytest

from edge.pipeline.live import LiveRun, Surround
from edge.pipeline.options import LiveModel, LiveOptions
from edge.pipeline.start import live_run
from edge.reading import Reason
from tests.edge.pipeline.fakes import AliveAlways, FakeModel, FakeSink, FakeSource


@pytest.mark.parametrize("waits", [True, False])
def test_a_source_that_is_played_starts_with_the_model_and_a_live_one_before(waits: bool) -> None:
    source, was_started = FakeSource(), []
    opening = threading.Event()

    def open_model(step: Callable[[Reason], None]) -> LiveModel:
        step(Reason.OPENING_MODEL)
        was_started.append(source.started)
        opening.set()
        return FakeModel()

    options = LiveOptions(seconds=0.3, wait_for_model=waits)
    LiveRun(source, lambda fps: AliveAlways(), open_model, uri="fake:", options=options).run([FakeSink()])
    assert opening.is_set()
    assert was_started == [not waits]
    assert source.started
    assert source.closed


def test_a_run_that_ends_before_the_model_is_there_gives_the_source_back_unopened() -> None:
    source, may_open = FakeSource(), threading.Event()

    def open_model(step: Callable[[Reason], None]) -> LiveModel:
        may_open.wait(5)
        return FakeModel()

    LiveRun(source, lambda fps: AliveAlways(), open_model, uri="fake:", options=LiveOptions(seconds=0.1, wait_for_model=True)).run(
        [FakeSink()]
    )
    may_open.set()
    assert not source.started
    assert source.closed


@pytest.mark.parametrize(("uri", "waits"), [("file:clip.mp4", True), ("dir:folder", True), ("phantom:derm", False)])
def test_what_is_played_waits(uri: str, waits: bool) -> None:
    run = live_run(uri, lambda step: FakeModel(), LiveOptions(), Surround())
    assert run._options.wait_for_model is waits
