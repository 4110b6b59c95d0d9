"""`sonoderm calibrate conformal`: thresholds class by class on the engine that will run, and what each class got said aloud."""

import json

from tests.calibration.confidence.test_calibrate_confidence_command import Bench, bench  # noqa: F401


def test_every_class_has_its_threshold_its_cases_and_its_expected_coverage(bench: Bench) -> None:  # noqa: F811
    code, out = bench.run(str(bench.labels), "--group", "patient", "--json", command="conformal")
    found = json.loads(out)
    assert code == 0
    assert found["level"] == 0.9
    assert 80 < found["n"] < 160, "one half of the table"
    for row in found["classes"]:
        assert 0 < row["at_least"] <= 0.5
        assert row["coverage_95"][0] < 0.9 < row["coverage_95"][1]
        assert row["at_least_in_bundle"] == 0.25


def test_small_classes_are_named_with_their_fallback(bench: Bench) -> None:  # noqa: F811
    lines = bench.labels.read_text().splitlines()
    few = [line for line in lines if ",blue," not in line] + [line for line in lines if ",blue," in line][:6]
    bench.labels.write_text("\n".join(few))
    words = (str(bench.labels), "--group", "patient", "--half", "all")
    assert "always in the set" in bench.run(*words, command="conformal")[1], "six cases pooled are still too few for 90 %"
    _, out = bench.run(*words, "--small-classes", "always", "--json", command="conformal")
    assert json.loads(out)["classes"][2]["at_least"] == 0.0
