"""`sonoderm calibrate scope` on shipped bundles: k of n per set, a page that calls nobody, and report sets shut unless asked for."""

import csv
import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from typer.testing import CliRunner, Result

from calibration.cli import app
from calibration.scope.rendered import KINDS, drawn
from calibration.scope.sets import own_of
from edge.bundle.open import resolve_model
from edge.bundle.trust import load_trust
from edge.errors import UsageError
from edge.profile.record import parse_profile

FEW = ("--most", "70", "--rendered", "2", "--engine", "onnxruntime", "--threads", "1")


def run(*words: str) -> Result:
    """Our own errors are raised, as the root's caller gets them."""
    done = CliRunner().invoke(app, ["scope", *words], prog_name="calibrate")
    if done.exception is not None:
        raise done.exception
    return done


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Small pictures of nothing as a model's own dev: what they show does not matter here."""
    rng = np.random.default_rng(3)
    folder = tmp_path_factory.mktemp("own")
    rows = [(f"{i}.png", "us-cyst", f"patient {i}") for i in range(90)]
    for name, _, _ in rows:
        cv2.imwrite(str(folder / name), cv2.resize(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8), (160, 120)))
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("image", "label", "patient"), *rows])
    return ("--own", str(folder / "labels.csv"), "--group", "patient")


def a_tree(folder: Path) -> Path:
    """BUSI with one readable lesion, other_us, natural, and a DICOM table whose only file is damaged: laid out as DATA is."""
    tables = {
        "busi": [("a.png", "benign", "1"), ("b.png", "normal", "2")],
        "other_us": [("a.png", "lung", "1"), ("b.png", "cardiac", "2")],
        "natural": [("a.png", "non_medical", "")],
    }
    for name, rows in tables.items():
        (folder / name).mkdir(parents=True)
        for i, (image, _, _) in enumerate(rows):
            cv2.imwrite(str(folder / name / image), drawn("gauze", i))
        group = {"busi": "cluster", "other_us": "group", "natural": "credit"}[name]
        with (folder / name / "labels.csv").open("w", newline="") as file:
            csv.writer(file).writerows([("image", "label", group), *rows])
    (folder / "dicom").mkdir()
    (folder / "dicom/cut.dcm").write_bytes(b"not a DICOM file at all")
    (folder / "dicom/labels.csv").write_text("file,modality\ncut.dcm,US\n")
    return folder


def test_a_model_is_measured_on_a_table_of_its_own(own: tuple[str, ...], tmp_path: Path) -> None:
    page, profile, key = tmp_path / "scope.html", tmp_path / "clinic.json", tmp_path / "site.pem"
    key.write_bytes(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    kept = ("--profile", str(profile), "--key", str(key))
    done = run("phantom", *own, *FEW, "--json", "--out", str(page), *kept, "--false-alarm", "0.1")
    found = json.loads(done.stdout)
    assert {row["name"] for row in found["sets"]} == {kind for kind, _ in KINDS}
    assert all(row["kind"] == "rendered" and row["n"] == 2 for row in found["sets"])
    assert [method["name"] for method in found["methods"]] == ["gate"] == [found["best"]]  # the phantoms' bundle carries no bank
    assert all(0 <= one["refused"]["k"] <= one["refused"]["n"] == 2 for method in found["methods"] for one in method["sets"])
    html = page.read_text()
    assert not re.search(r"<script|https?:|src=|@import|url\(", html)
    assert found["rule"] in html
    assert "rendered (drawn, no photograph)" in html
    (entry,) = parse_profile(profile.read_bytes().partition(b"\ned25519 ")[0]).overlay
    assert (entry.out_of_scope_above, entry.temperature) == (found["device_limit"], None)


def test_a_limit_that_an_unsigned_profile_may_not_hold_costs_nobody_the_measurement(own: tuple[str, ...], tmp_path: Path) -> None:
    """Noise as its own pictures makes the phantom model's limit a bold one."""
    page, profile = tmp_path / "scope.html", tmp_path / "clinic.json"
    with pytest.raises(UsageError, match="an unsigned profile may not"):
        run("phantom", *own, *FEW, "--out", str(page), "--profile", str(profile))
    assert page.is_file()
    assert not profile.exists()


def test_report_sets_are_shut_without_report_and_counted_with_it(own: tuple[str, ...], tmp_path: Path) -> None:
    tree = a_tree(tmp_path / "data")
    shut = run("phantom", *own, *FEW, "--data", str(tree))
    assert "busi" not in shut.stdout
    assert "docs/openings.md" not in shut.stderr
    opened = run("phantom", *own, *FEW, "--data", str(tree), "--report", "--json")
    sets = {row["name"]: row for row in json.loads(opened.stdout)["sets"]}
    reported = {name for name, row in sets.items() if row["kind"] == "report"}
    assert reported == {"busi lesions", "busi normal", "other_us: lung", "other_us: all else", "natural"}
    assert "add a line to docs/openings.md" in opened.stderr
    assert "isic2018 val is not in --data" in opened.stderr
    assert "dicom, every 10th frame: no picture could be read" in opened.stderr


def test_options_that_say_nothing_are_refused_before_a_picture_is_looked_at(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--report opens sets of --data"):
        run("phantom", "--report")
    with pytest.raises(UsageError, match="are about --own"):
        run("phantom", "--group", "patient")
    with pytest.raises(UsageError, match="is no folder"):
        run("phantom", "--data", str(tmp_path / "absent"))
    with pytest.raises(UsageError, match=r"isic2018/labels.csv is not in --data"):
        run("derm7", "--data", str(tmp_path))


def test_breast_us_refuses_dermoscopy_of_dev(shared: Path) -> None:
    done = run("breast-us", *FEW, "--data", str(shared / "data"), "--json")
    found = json.loads(done.stdout)
    assert {row["kind"] for row in found["sets"]} == {"dev", "rendered"}
    at = next(i for i, row in enumerate(found["sets"]) if row["name"] == "isic2018 dev")
    gate = next(method for method in found["methods"] if method["name"] == "gate")
    assert gate["sets"][at]["refused"]["k"] >= 60
    assert found["sets"][at]["n"] == 70


def test_a_model_for_phantoms_has_drawn_ones_for_its_own() -> None:
    manifest = resolve_model("phantom", load_trust(None)).manifest
    mine = own_of(manifest, None, 3, 1)
    shown = list(mine.pictures())
    assert (mine.n, mine.belongs, len({one.group for one in shown})) == (3, True, 3)
