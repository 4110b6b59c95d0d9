"""The report: well-formed, calls nobody, shows no picture, says what was not measured, and is written whole or not at all."""

import errno
import json
import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from calibration.report.plot import Axis
from edge.bench.accuracy import Case
from edge.cli.failures import as_expected
from edge.errors import InputRefused, UsageError
from edge.reading import State
from export.card import card, figures_of_card
from export.data.subgroups import Subgroups, subgroups_of
from export.gate.figures import PairFigures, Subgroup
from export.gate.paired import Comparison, RecallChange
from export.gate.pairs import Gated
from export.gate.teacher import AgainstTeacher
from export.recipe import read_recipe
from export.report.contact import WARNING, contact_sheet
from export.report.facts import Curve, CurvePoint, Layer, Looked, Mistake, PairFacts, Report, Timed
from export.report.gather import read_curves, read_latency, read_layers
from export.report.page import page, write_html

HOSTILE = "<script src='https://evil.example/x.js'>alert(1)</script>\"'&\N{RIGHT-TO-LEFT OVERRIDE}"
VOID = {"meta", "img", "br", "link", "input", "hr"}


class Strict(HTMLParser):
    """Every tag that is opened is closed, in order; what is referred to is collected."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.refers: list[str] = []
        self.says: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.refers += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "action", "data", "xlink:href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.says.append(data)


def read(html: str) -> Strict:
    found = Strict()
    found.feed(html)
    found.close()
    assert found.open == []
    return found


def cases(codes: tuple[str, str], n: int = 120) -> tuple[Case, ...]:
    rng = np.random.default_rng(7)
    made = []
    for i in range(n):
        truth = i % 2
        p = float(np.clip(rng.normal(0.25 + 0.5 * truth, 0.2), 0.01, 0.99))
        state = (State.READY, State.UNSURE, State.OUT_OF_SCOPE)[min(2, i % 9 // 3)]
        made.append(Case(codes[truth], f"p{i // 2}", (1 - p, p), state, codes[int(p > 0.5)] if state is State.READY else None))
    return tuple(made)


def figures() -> PairFigures:
    return PairFigures(
        form="u8s8",
        engine="onnxruntime",
        frames=3064,
        n=383,
        agreement=0.9923,
        balanced_accuracy=0.8,
        balanced_accuracy_float=0.81,
        loss_upper=-0.0012,
        auc=0.9,
        auc_float=0.901,
        ece=0.04,
        ready=0.7,
    )


def a_report(codes: tuple[str, str] = ("benign", "malignant")) -> Report:
    looked = Looked("dev", "u8s8 on onnxruntime", cases(codes))
    return Report(
        name="toy",
        version="0.1.0",
        digest="ab" * 32,
        intended_use="Research only.",
        made_at="2026-01-01T00:00:00+00:00",
        codes=codes,
        curves=(Curve("student", tuple(CurvePoint(i, 1 / (i + 1), 0.5 + i / 40) for i in range(14))),),
        counts=(("train", (10, 20)), ("choice", (1, 2))),
        pairs=(PairFacts("u8s8", "onnxruntime", "passed", ("x86",), figures()),),
        looked=(looked,),
        subgroups=(Subgroups("sex", tuple("f" if i < 100 else "m" for i in range(120))),),
        layers=(Layer("stem", 0.4), Layer("head", 0.01)),
        timed=(Timed("u8s8", 3.2, 0.8, "dev", 120),),
        card="# card",
    )


def test_the_whole_page_is_well_formed_and_refers_to_nothing() -> None:
    found = read(page(a_report()))
    assert found.refers == []
    assert not {"script", "link", "img", "iframe", "object"} & set(found.tags)
    assert "url(" not in page(a_report())
    assert "@import" not in page(a_report())


def test_a_label_that_is_markup_is_shown_as_text() -> None:
    codes = ("<td>benign</td>", HOSTILE)
    made = a_report(codes)
    hostile = replace(
        made,
        name=HOSTILE,
        digest=HOSTILE,
        card=HOSTILE,
        notes=(HOSTILE,),
        counts=((HOSTILE, (1, 2)),),
        curves=(replace(made.curves[0], name=HOSTILE),),
        layers=(Layer(HOSTILE, 1.0),),
        timed=(Timed(HOSTILE, 1.0, 0.5, HOSTILE, 3),),
        subgroups=(Subgroups(HOSTILE, (HOSTILE,) * 120),),
    )
    html = page(hostile)
    found = read(html)
    assert "script" not in found.tags
    assert found.refers == []
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in html
    assert "<td>benign</td>" in "".join(found.says)


def test_what_was_not_measured_is_said() -> None:
    bare = Report("toy", "0.1.0", "00", "Research only.", "2026", ("a", "b"))
    said = " ".join(read(page(bare)).says)
    for part in ("no training curve", "the bundle was not run", "--sensitivity", "--latency", "names no pair"):
        assert part in said


def test_every_figure_has_its_n_and_its_side() -> None:
    said = " ".join(read(page(a_report())).says)
    assert "dev, n = 120 pictures of 60 patients or lesions" in said
    assert "Dev was seen by the calibration" in said
    assert "not reported (n = 20)" in said  # a subgroup below thirty


def test_a_report_set_needs_the_note_of_its_opening() -> None:
    with pytest.raises(UsageError, match="opening"):
        Looked("report", "", ())
    opened = Looked("report", "", cases(("benign", "malignant")), opening="fold 4, opened once, entry 7")
    assert "entry 7" in page(replace(a_report(), looked=(opened,), subgroups=()))


def test_confusion_counts_every_picture_once() -> None:
    html = page(a_report())
    part = html[html.index("Confusion on dev") : html.index("Reliability on dev")]
    counts = [int(n) for n in re.findall(r">(\d+)<small>", part)]
    assert sum(counts) == 2 * 120  # two matrices


def test_the_contact_sheet_alone_holds_pictures_and_says_so(tmp_path: Path) -> None:
    picture = tmp_path / "<b>x.png"
    cv2.imwrite(str(picture), np.full((300, 400, 3), 90, np.uint8))
    html = contact_sheet("toy", "dev", 10, (Mistake(picture, HOSTILE, "b", 0.9, "READY"),))
    found = read(html)
    assert WARNING in html
    assert all(reference.startswith("data:image/jpeg;base64,") for reference in found.refers)
    assert len(found.refers) == 1
    assert "script" not in found.tags


def test_the_file_is_replaced_whole_or_stays_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "report.html"
    write_html("old", out)

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(out))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space") as caught:
        write_html("new", out)
    known = as_expected(caught.value)
    assert known is not None
    assert "free some space" in known.line()
    assert out.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_curves_survive_a_killed_write_and_count_a_resumed_epoch_once(tmp_path: Path) -> None:
    (tmp_path / "teacher" / "a").mkdir(parents=True)
    row = '{"epoch": %d, "loss": %s, "balanced_accuracy": 0.5, "seconds": 1}\n'
    (tmp_path / "curve.jsonl").write_text(row % (0, 1.0) + row % (1, 0.9) + row % (1, 0.8) + '{"epoch": 2, "lo')
    (tmp_path / "teacher" / "a" / "curve.jsonl").write_text(row % (0, 1.0))
    student, teacher = read_curves(tmp_path)
    assert [(p.epoch, p.loss) for p in student.points] == [(0, 1.0), (1, 0.8)]
    assert teacher.name == "teacher/a"
    (tmp_path / "curve.jsonl").write_text("nonsense\n")
    with pytest.raises(InputRefused, match="line 1"):
        read_curves(tmp_path)


def test_layers_and_latency_are_read_or_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text(json.dumps([{"layer": "stem", "kl": 0.5, "macs": 3}]))
    assert read_layers(file) == (Layer("stem", 0.5),)
    with pytest.raises(InputRefused):
        read_latency(file)
    file.write_text("[")
    with pytest.raises(InputRefused):
        read_layers(file)
    with pytest.raises(InputRefused, match="No such file"):
        read_layers(tmp_path / "none.json")


def test_the_gate_figures_of_our_card_are_read_back() -> None:
    recipe, _ = read_recipe(Path(__file__).parents[3] / "export" / "recipes" / "breast-us.toml")
    recall = RecallChange("malignant", 900, 0.8, 0.79, -0.02, 0.01)
    same = Comparison(3064, 212, 0.9923, 0.81, 0.8, 0.01, -0.0012, (-0.01, 0.02), (recall,), "benign")
    worst = Subgroup("age", "below 40", 33, 0.8, 0.9)
    gated, beside = Gated(figures(), same, np.zeros(383, np.int64), worst), AgainstTeacher("u8s8", "openvino", True, same)
    text = card(recipe, [gated], {"train": (3, 4)}, (), beside)
    assert figures_of_card(text) == (figures(),)
    assert "student - teacher -0.010 (-0.020 to +0.010), 3064 pictures" in text
    assert "age = below 40 (n = 33) loses most: accuracy 0.900 to 0.800" in text
    assert "malignant (900 frames): 0.800 to 0.790 (-0.020 to +0.010)" in text
    assert figures_of_card("a card by another hand") == ()


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("image,label,age\na.png,x,45\n")
    with pytest.raises(UsageError, match="no column 'sex'"):
        subgroups_of(table, (), ("sex",))
    assert subgroups_of(table, (), ())[0].column == "age"


@pytest.mark.parametrize(
    ("axis", "ticks"), [(Axis("", 0, 13, whole=True), "0 5 10"), (Axis("", 0.7, 1.0), "0.70 0.75 0.80 0.85 0.90 0.95 1.00")]
)
def test_ticks_say_what_they_stand_at(axis: Axis, ticks: str) -> None:
    assert " ".join(axis.ticks()) == ticks
