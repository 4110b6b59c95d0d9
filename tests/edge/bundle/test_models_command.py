"""`sonoderm models`: says what is shipped, what is in a bundle, and whether a bundle is trusted; never a word of one that is not."""

import json
from pathlib import Path

import pytest

from edge.bundle.shipped import read_pins
from edge.cli.main import main
from edge.cli.models import Listed, Report
from tests.builders import BuiltBundle, a_bundle, key_hash

Capture = pytest.CaptureFixture[str]


def sonoderm(*words: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["models", *map(str, words)])
    return int(ended.value.code or 0)


@pytest.fixture
def built(tmp_path: Path) -> BuiltBundle:
    return a_bundle(tmp_path / "b", unrun=("tensorrt",), engines=("onnxruntime", "tensorrt"))


def test_verify_prints_a_line_for_each_and_ends_with_five_when_one_is_refused(built: BuiltBundle, tmp_path: Path, capsys: Capture) -> None:
    bad = tmp_path / "bad.bundle"
    bad.write_bytes(built.data[:-1])
    assert sonoderm("verify", built.path, bad, tmp_path / "gone.bundle", built.path, "--trust", built.trust_dir) == 5
    out, err = capsys.readouterr()
    assert [line.split()[0] for line in out.splitlines()] == ["OK", "REFUSED", "REFUSED", "OK"]
    assert "bad.bundle" in out.splitlines()[1]
    assert err.count("\n") == 1


def test_verify_of_good_ones_ends_with_zero(built: BuiltBundle, capsys: Capture) -> None:
    assert sonoderm("verify", built.path, "--trust", built.trust_dir) == 0
    out, err = capsys.readouterr()
    assert key_hash(built.key)[:12] in out
    assert err == ""


def test_verify_of_no_file_ends_with_three(tmp_path: Path) -> None:
    assert sonoderm("verify", tmp_path) == 3
    assert sonoderm("verify", tmp_path / "gone.bundle") == 3


def test_verify_as_json_says_of_a_refused_bundle_that_it_is_refused_and_nothing_else(built: BuiltBundle, capsys: Capture) -> None:
    assert sonoderm("verify", built.path, "--json") == 5
    report = json.loads(capsys.readouterr().out)
    (model,) = report["models"]
    assert set(model) == {"path", "ok", "error"}
    assert model["ok"] is False
    assert "not trusted here" in model["error"]


def test_show_prints_what_a_model_is_and_its_card(built: BuiltBundle, capsys: Capture) -> None:
    assert sonoderm("show", built.path, "--trust", built.trust_dir) == 0
    out = capsys.readouterr().out
    for word in ("p-colour 1.0.0", "Never for a patient", "red  Red", "passed", "UNRUN", "no scope check", "Apache-2.0", "# p-colour"):
        assert word in out, word


def test_show_as_json_holds_the_whole_manifest(built: BuiltBundle, capsys: Capture) -> None:
    assert sonoderm("show", built.path, "--trust", built.trust_dir, "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["v"] == 1
    assert shown["manifest"]["labels"][0] == {"code": "red", "name": "Red"}
    assert shown["card"].startswith("# p-colour")
    assert shown["signer"] == key_hash(built.key)


def test_show_of_an_untrusted_bundle_says_nothing_of_its_content(built: BuiltBundle, capsys: Capture) -> None:
    assert sonoderm("show", built.path) == 5
    out, err = capsys.readouterr()
    assert out == ""
    assert "sonoderm trust add" in err


def test_a_card_cannot_steer_the_terminal(tmp_path: Path, capsys: Capture) -> None:
    built = a_bundle(tmp_path, members={"evil.md": b"\x1b[2J\x1b]0;owned\x07 done\xff"}, card="evil.md")
    assert sonoderm("show", built.path, "--trust", built.trust_dir) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\x07" not in out
    assert "done" in out


def test_list_shows_every_shipped_model(capsys: Capture) -> None:
    assert sonoderm("list", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert [model["name"] for model in report["models"]] == [pin.name for pin in read_pins()]
    assert all(model["ok"] for model in report["models"])
    assert sonoderm("list") == 0
    out = capsys.readouterr().out
    assert all(pin.name in out and pin.payload_sha256[:12] in out for pin in read_pins())


def test_a_name_that_is_no_model_is_a_mistake_in_the_call(capsys: Capture) -> None:
    assert sonoderm("show", "derm99") == 2
    assert "derm99" in capsys.readouterr().err


def test_the_json_of_a_listing_has_these_fields() -> None:
    assert Report.__struct_fields__ == ("v", "models")
    assert Listed.__struct_fields__ == (
        *("path", "ok", "name", "version", "modality", "labels", "licence", "size_b"),
        *("digest", "image_sha256", "security_counter", "signer", "error"),
    )
