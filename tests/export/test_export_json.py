"""What `sonoderm export keygen` and `sign` print: a path for people, one object for a script."""

import hashlib
import json
import stat
from pathlib import Path

import pytest

from edge.bundle.keyfile import read_public_key
from edge.bundle.open import open_bundle
from edge.bundle.trust import load_trust
from edge.cli.main import main
from tests.builders import a_bundle


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["export", *map(str, words)])
    assert ended.value.code in (0, None)
    out, err = capsys.readouterr()
    return out, err


def test_a_script_makes_a_key_signs_anew_and_trusts_the_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    built = a_bundle(tmp_path / "built")
    trust = tmp_path / "fleet"
    trust.mkdir()
    key = json.loads(run(capsys, "keygen", tmp_path / "owner.pem", "--json")[0])
    assert key == {
        "v": 1,
        "private": str(tmp_path / "owner.pem"),
        "public": str(tmp_path / "owner.pub"),
        "hash": read_public_key(tmp_path / "owner.pub").hash,
    }
    assert stat.S_IMODE(Path(key["private"]).stat().st_mode) == 0o600
    out = run(capsys, "sign", built.path, "--key", key["private"], "--out", tmp_path, "--trust", built.trust_dir, "--json")[0]
    signed = json.loads(out)
    assert set(signed) == {"v", "file", "name", "version", "digest", "sha256"}
    assert hashlib.sha256(Path(signed["file"]).read_bytes()).hexdigest() == signed["sha256"]
    (trust / "owner.pub").write_bytes(Path(key["public"]).read_bytes())
    opened = open_bundle(Path(signed["file"]), load_trust(trust))
    assert (opened.digest, opened.manifest.name, opened.manifest.version) == (signed["digest"], signed["name"], signed["version"])
    assert signed["digest"] == open_bundle(built.path, built.trust).digest, "the payload is the same under every key"


def test_without_json_standard_output_is_the_path_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = run(capsys, "keygen", tmp_path / "owner.pem")
    assert out == f"{tmp_path / 'owner.pem'}\n"
    assert "sonoderm trust add" in err


@pytest.mark.parametrize("words", [("sign", "phantom"), ("run", "phantom")])
def test_a_place_that_is_not_there_is_said_before_the_work(
    words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "keygen", tmp_path / "owner.pem")
    runs = ("--runs", tmp_path / "runs") if words[0] == "run" else ()
    with pytest.raises(SystemExit) as ended:
        main(["export", *map(str, (*words, "--key", tmp_path / "owner.pem", "--out", tmp_path / "gone", *runs))])
    assert ended.value.code == 2
    assert f"there is no folder {tmp_path / 'gone'}" in capsys.readouterr().err
    assert not list(tmp_path.glob("runs/*"))
