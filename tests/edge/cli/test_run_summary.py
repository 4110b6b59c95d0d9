"""The closing summary of `run`: one clock, words that need no explanation, and the same figures as JSON."""

import json
from dataclasses import replace
from pathlib import Path

from edge.pipeline.events import Stop
from edge.pipeline.meter import AgeHistogram
from edge.pipeline.outlet import OutletReport, OutletState
from edge.pipeline.report import summary_lines
from edge.pipeline.tally import SceneTally, Summary
from edge.reading import FrameCounts, State
from tests.builders import BLUE, RED, BuiltBundle
from tests.clips import a_clip
from tests.edge.cli.command_words import model

ONE_SCENE = SceneTally(scenes=1, labelled=1, median_s=0.3, p95_s=0.3, flips=0, flips_per_minute=0.0)


def a_summary() -> Summary:
    return Summary(
        ended=Stop.SECONDS,
        duration_s=7.04,
        first_label_s=1.4,
        age_p50_ms=9.0,
        age_p99_ms=12.5,
        infer_p50_ms=6.6,
        infer_p99_ms=8.4,
        stale_labels=0,
        losses=0,
        states=((State.READY, 0.9), (State.STARTING, 0.1)),
        scenes=ONE_SCENE,
        counts=FrameCounts(160, 150, 1, (("no model yet", 9),)),
        sinks=(),
    )


def test_a_plain_run_is_six_lines() -> None:
    assert summary_lines(a_summary()) == [
        "ran           7.0 s from the start of the command, then its time was up",
        "first label   after 1.40 s, from the same start",
        "screen        READY 90%, STARTING 10% of the time since the first picture",
        "pictures      160 captured, 150 inferred, dropped: no model yet 9, 1 pending",
        "each label    was 9.0 ms (p99 12.5 ms) old when shown; stale labels shown: 0",
        "each picture  model took 6.6 ms (p99 8.4 ms)",
    ]


def test_a_run_without_a_picture_says_so() -> None:
    nothing = replace(
        a_summary(),
        first_label_s=None,
        age_p50_ms=None,
        age_p99_ms=None,
        infer_p50_ms=None,
        infer_p99_ms=None,
        states=(),
        counts=FrameCounts(),
    )
    assert summary_lines(nothing)[1:] == [
        "first label   none",
        "screen        no picture was looked at",
        "pictures      0 captured, 0 inferred, dropped: none",
        "each label    none was shown; stale labels shown: 0",
        "each picture  the model never ran",
    ]


def test_scenes_losses_and_bad_sinks_are_told_only_where_there_are_any() -> None:
    scenes = SceneTally(scenes=4, labelled=3, median_s=0.312, p95_s=0.5, flips=2, flips_per_minute=0.5)
    slow = OutletReport("web:8080", OutletState.SLOW, 100, 50, 7, 0, AgeHistogram())
    lines = summary_lines(replace(a_summary(), scenes=scenes, losses=1, sinks=(slow,)))
    assert lines[6:] == [
        "scenes         3 of 4 got a label, 0.31 s (median) after the scene began; within a scene it changed 2 times (0.5 a minute)",
        "source         lost once",
        "sink web:8080  slow, 7 views took more than 0.5 s",
    ]


def test_both_times_count_from_one_start_and_json_has_the_sinks(sonoderm, built: BuiltBundle, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    a_clip(tmp_path / "clip.mp4", colours=(RED,) * 8 + (BLUE,) * 8)
    words = ["run", tmp_path / "clip.mp4", *model(built), "--sink", "null:", "--json"]
    ended = sonoderm(*words)
    summary = json.loads(ended.out)
    assert (ended.code, summary["v"]) == (0, 1)
    assert 0 < summary["first_label_s"] < summary["duration_s"]
    assert [(sink["name"], sink["state"], sink["stale"]) for sink in summary["sinks"]] == [("null:", "closed", 0)]
    assert summary["captured"] == summary["inferred"] + summary["pending"] + sum(summary["dropped"].values())
