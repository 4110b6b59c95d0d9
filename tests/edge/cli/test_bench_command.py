"""`sonoderm bench`: conditions beside every number, JSON that --compare reads again."""

import json
from pathlib import Path

import pytest

from tests.builders import BuiltBundle, a_bundle
from tests.edge.cli.command_words import model, run

FAST = ("--seconds", "0.3", "--fps", "60", "--size", "160x120", "--engine", "onnxruntime")


def of(built: BuiltBundle) -> tuple[str, ...]:
    return "bench", *model(built), *FAST


def test_numbers_stand_with_their_conditions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, *of(a_bundle(tmp_path)))
    assert code == 0
    for word in (
        "fp32 on onnxruntime",
        "1 thread",
        "cores",
        "governor",
        "temperature",
        "load",
        "paced at 60 fps",
        "free-running",
        "p99.9 ms",
    ):
        assert word in out


def test_a_result_is_compared_with_an_older_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    built = a_bundle(tmp_path)
    code, out, _ = run(capsys, *of(built), "--json")
    assert code == 0
    result = json.loads(out)
    for stage in (stage for one in result["runs"] for stage in one["stages"]):
        for name in ("p50_ms", "p95_ms", "p99_ms", "p999_ms", "max_ms"):
            stage[name] *= 50.0
        stage["blocks_p50_ms"] = [stage["p50_ms"]] * 10
    slow, fast = tmp_path / "slow.json", tmp_path / "fast.json"
    slow.write_text(json.dumps(result))
    code, out, _ = run(capsys, *of(built), "--compare", str(slow))
    assert code == 0
    assert "faster" in out
    assert "slower" not in out
    for stage in (stage for one in result["runs"] for stage in one["stages"]):
        stage["p50_ms"] /= 5000.0
        stage["blocks_p50_ms"] = [stage["p50_ms"]] * 10
    fast.write_text(json.dumps(result))
    code, _, err = run(capsys, *of(built), "--compare", str(fast))
    assert code == 1
    assert "slower than" in err


@pytest.mark.parametrize(
    ("extra", "code", "word"),
    [
        (("--size", "3"), 2, "no size of a picture"),
        (("--size", "1x99999"), 2, "no size of a picture"),
        (("--fps", "0"), 2, "--fps"),
        (("--seconds", "-1"), 2, "--seconds"),
        (("--compare", "/nowhere/old.json"), 3, "old.json"),
        (("--model", "/nowhere/x.bundle"), 3, "x.bundle"),
    ],
)
def test_every_wrong_word_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], extra: tuple[str, ...], code: int, word: str
) -> None:
    found, _, err = run(capsys, *of(a_bundle(tmp_path)), *extra)
    assert (found, word in err) == (code, True), err
    assert "Traceback" not in err


def test_a_file_that_is_no_result_is_refused_before_anything_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "other.json"
    other.write_text("[1, 2]")
    code, _, err = run(capsys, *of(a_bundle(tmp_path)), "--compare", str(other))
    assert code == 3
    assert "no result of sonoderm bench" in err
    assert "drawing" not in err
