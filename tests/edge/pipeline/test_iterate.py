"""`edge.run`: own source in, readings out, with capture time alone."""

from collections.abc import Iterator

import pytest

import edge
from edge.errors import BackendFault
from edge.frame import Frame
from edge.reading import Reading, Reason, State
from tests.edge.pipeline.fakes import MS, ALook, FakeModel, a_frame, look_at


def frames(n: int, *, fps: float = 30.0, scene_of: int = 10**6) -> Iterator[Frame]:
    for i in range(n):
        yield a_frame(i, round(i / fps * 1000) * MS, scene=i // scene_of)


def test_every_frame_has_its_reading_in_order() -> None:
    readings = list(edge.run(frames(60), FakeModel()))
    assert [r.frame for r in readings] == list(range(60))
    assert readings[0].state is State.STARTING
    assert (readings[-1].state, readings[-1].label, readings[-1].label_name) == (State.READY, "mel", "Melanoma")


def test_it_is_lazy_so_that_a_camera_may_stand_behind_it() -> None:
    readings: Iterator[Reading] = edge.run(frames(10**9), FakeModel())
    assert next(readings).frame == 0
    assert next(readings).frame == 1


def test_speed_of_reading_does_not_matter_only_capture_time_does() -> None:
    fast = next(r.captured_ns for r in edge.run(frames(60, fps=60), FakeModel()) if r.state is State.READY)
    slow = next(r.captured_ns for r in edge.run(frames(60, fps=10), FakeModel()) if r.state is State.READY)
    assert fast is not None
    assert slow is not None
    assert abs(fast - slow) <= 100 * MS


def test_a_new_scene_begins_anew() -> None:
    readings = list(edge.run(frames(60, scene_of=30), FakeModel(see=lambda f: look_at(f.scene))))
    assert readings[29].label == "mel"
    assert (readings[30].state, readings[30].reason) == (State.STARTING, Reason.SETTLING)
    assert readings[59].label == "nv"


def test_what_the_engine_raises_is_raised() -> None:
    def die(_frame: Frame) -> ALook:
        raise BackendFault("dead")

    with pytest.raises(BackendFault):
        next(edge.run(frames(1), FakeModel(see=die)))
