"""Engines are timed in turns, and what is written is what the report reads."""

from pathlib import Path

from export.gate.speed import Timing, medians_ms, write_timings
from export.report.facts import Timed
from export.report.gather import read_latency


def test_each_runs_as_often_as_the_others_and_in_turns() -> None:
    order: list[str] = []
    found = medians_ms({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, rounds=4)
    assert order[-8:] == ["a", "b"] * 4
    assert order.count("a") == order.count("b")
    assert set(found) == {"a", "b"}
    assert min(found.values()) >= 0


def test_the_report_reads_what_was_timed(tmp_path: Path) -> None:
    write_timings([Timing("u8s8 on openvino", 2.5, 0.81, "dev and augmentations", 3064)], tmp_path / "latency.json")
    assert read_latency(tmp_path / "latency.json") == (Timed("u8s8 on openvino", 2.5, 0.81, "dev and augmentations", 3064),)
