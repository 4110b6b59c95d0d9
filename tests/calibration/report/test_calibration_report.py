"""The report: one file that opens offline, each figure with its n, what is too few said, and nothing from outside taken as markup."""

import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from calibration.confidence.ask import Answers
from calibration.conformal.quantile import Source, behind_of
from calibration.report.facts import CalibrationReport, PairFacts, SettledFacts, bins_of, pair_facts, settled_facts
from calibration.report.page import page
from edge.bundle.manifest import Decision
from edge.errors import UsageError
from tests.builders import a_manifest
from tests.calibration.confidence.test_calibrate_confidence_command import Bench, bench  # noqa: F401
from tests.calibration.simulated import simulated

CODES = ("red", "green", "blue")


@cache
def some_facts() -> tuple[PairFacts, SettledFacts]:
    cases = simulated(400, 3, 1, sharpness=0.5, mix=(0.6, 0.3, 0.1))
    decision = Decision(temperature=0.5, bias=(0.0,) * 3, set_at=(0.3, 0.2, 0.0), out_of_scope_above=1.0)
    distances = np.where(np.arange(400) < 40, 2.0, 0.0)
    answers = Answers(cases, distances, np.arange(400) % 20 == 0, (), ())
    behind = behind_of(decision.set_at, (60, 30, 9), 0.9)
    pair = pair_facts("u8s8", "onnxruntime", answers, decision, a_manifest(), behind, 2)
    clips = settled_facts("u8s8", "onnxruntime", 420, 1.3, cases, (1 / 3,) * 3, 2)
    return pair, clips


def a_report(**changes: object) -> CalibrationReport:
    pair, clips = some_facts()
    fields = {
        "name": "p-colour",
        "version": "1.0.0",
        "digest": "ab" * 32,
        "made_at": "2026-01-01T00:00:00+00:00",
        "side": "val",
        "opening": "line 3 <of> openings",
        "command": "sonoderm calibrate report labels.csv --model p-colour",
        "codes": CODES,
        "n": 400,
        "n_groups": 400,
        "shares": (0.6, 0.3, 0.1),
        "prevalence": (1 / 3,) * 3,
        "level": 0.9,
        "pairs": (pair,),
        "settled": clips,
    }
    return CalibrationReport(**{**fields, **changes})  # type: ignore[arg-type]


def test_the_page_calls_nobody_and_has_no_script() -> None:
    html = page(a_report())
    assert not re.search(r"<script|https?:|src=|@import|url\(", html)
    assert "default-src &#x27;none&#x27;" in html or "default-src 'none'" in html


def test_every_promise_has_its_figure_its_n_and_the_command() -> None:
    html = page(a_report())
    for words in (
        "sonoderm calibrate report labels.csv",
        "n = 400 pictures of 400 lesions or patients",
        "debiased l2 ECE",
        "jointly over 2 figures",
        "Too small for a threshold of their own: blue",
        "always in the set",
        "Mean set size",
        "READY",
        "all 3 classes equally frequent",
        "red 60 %, green 30 %, blue 10 %",
        "settled readings of 420 clips",
        "line 3 &lt;of&gt; openings",
    ):
        assert words in html, words


def test_what_was_not_measured_says_so() -> None:
    assert "Not measured: ask for it with --settled" in page(a_report(settled=None))
    assert "Dev was seen by the calibration" in page(a_report(side="dev", opening=""))


def test_ready_counts_what_the_screen_would_show() -> None:
    """A tenth is refused by scope, one in twenty by quality: neither is ready, and scope's share stands alone."""
    pair = a_report().pairs[0]
    assert pair.refused == pytest.approx(0.1)
    assert pair.ready <= 1 - 0.1 - 0.04


def test_the_calibration_behind_a_threshold_is_told_from_counts() -> None:
    own, pooled, always = behind_of((0.3, 0.2, 0.0), (60, 12, 4), 0.9)
    assert (own.source, own.of, own.rank) == (Source.OWN, 60, 6)
    assert (pooled.source, pooled.of, pooled.rank) == (Source.POOLED, 16, 1)
    assert always.source is Source.ALWAYS


def test_bins_hold_all_pictures_once() -> None:
    rng = np.random.default_rng(0)
    said = rng.random(200)
    found = bins_of(rng.random(200) < said, said, np.arange(200) // 2)
    assert sum(b.n for b in found) == 200
    assert all(b.n_groups <= b.n for b in found)


def test_the_command_looks_at_every_proven_pair_and_writes_one_file(bench: Bench, tmp_path: Path) -> None:  # noqa: F811
    out = tmp_path / "report.html"
    code, said = bench.run(str(bench.labels), "--group", "patient", "--out", str(out), "--calibrated-on", "label=red", command="report")
    assert code == 0
    assert "fp32 on onnxruntime" in said
    assert "p-colour 1.0.0: calibration" in out.read_text()
    assert str(tmp_path) not in out.read_text(), "no path of this machine goes into a page"
    line = next(line for line in out.read_text().splitlines() if f"sonoderm calibrate report {bench.labels.name}" in line)
    assert all(option in line for option in ("--group patient", "--calibrated-on label=red", "--out report.html"))


def test_a_side_that_is_opened_for_reports_needs_its_note(bench: Bench, tmp_path: Path) -> None:  # noqa: F811
    with pytest.raises(UsageError, match="need the note of its opening"):
        bench.run(str(bench.labels), "--out", str(tmp_path / "r.html"), "--side", "val", command="report")
    assert not (tmp_path / "r.html").exists()
