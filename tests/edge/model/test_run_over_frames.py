"""`edge.run`: own frames in, readings out."""

from collections.abc import Iterator
from pathlib import Path

import edge
from edge.reading import State
from tests.builders import BLUE, RED, a_bundle, a_picture

PERIOD_NS = 33_333_333


def frames(*colours: tuple[int, int, int]) -> Iterator[edge.Frame]:
    for index, colour in enumerate(colours):
        yield edge.Frame(a_picture(colour, width_px=160, height_px=120), index * PERIOD_NS, index, "own source")


def test_readings_come_for_each_frame_and_settle_on_the_label(tmp_path: Path) -> None:
    built = a_bundle(tmp_path)
    with edge.open_model(built.path, built.trust) as model:
        readings = list(edge.run(frames(*[RED] * 40, *[BLUE] * 60), model))
    assert [reading.frame for reading in readings] == list(range(100))
    assert readings[0].label is None, "one picture is no label"
    assert (readings[39].state, readings[39].label) == (State.READY, "red")
    assert (readings[99].state, readings[99].label) == (State.READY, "blue")
