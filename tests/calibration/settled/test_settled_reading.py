"""What is shown after averaging is calibrated by itself: the temperature acts on the averaged log-odds, and a clip is one case."""

import json

import msgspec
import numpy as np
import pytest

from calibration.settled.temperature import settled_temperature
from calibration.settled.watch import watch
from edge.aggregate import EMPTY, Policy, step
from edge.bundle.manifest import Aggregation
from edge.classify import Judgement
from edge.model import open_model
from edge.reading import State
from tests.calibration.confidence.test_calibrate_confidence_command import Bench, bench  # noqa: F401
from tests.calibration.simulated import simulated


def confidence_after(temperature: float) -> float:
    policy = Policy(Aggregation(), (0.3, 0.3), settled_temperature=temperature)
    window, said = EMPTY, None
    for i in range(30):
        p = np.array([0.9, 0.1], np.float32)
        window, said = step(window, Judgement(p, (0,), None, True), i * 33_000_000, scene_cut=i == 0, policy=policy)
    assert said is not None
    assert said.confidence is not None
    return said.confidence


def test_the_temperature_divides_the_averaged_log_odds() -> None:
    assert confidence_after(1.0) == pytest.approx(0.9, abs=1e-5)
    assert confidence_after(2.0) == pytest.approx(0.75, abs=1e-5), "half the log-odds of 9 to 1 are those of 3 to 1"


def test_averages_that_are_too_sure_get_the_temperature_that_mends_them() -> None:
    assert settled_temperature(simulated(3000, 3, 1, sharpness=1.8), (1 / 3,) * 3).chosen == pytest.approx(1.8, rel=0.07)


def test_averages_that_are_true_keep_a_temperature_of_one() -> None:
    found = [settled_temperature(simulated(300, 3, seed), (1 / 3,) * 3) for seed in range(10)]
    assert np.mean([one.chosen == 1.0 for one in found]) >= 0.8


def test_a_still_in_motion_goes_through_the_whole_pipeline_and_settles(bench: Bench) -> None:  # noqa: F811
    picture = next((bench.labels.parent / "images").iterdir())
    with open_model(bench.built.path, bench.built.trust) as model:
        readings = watch(model, picture, seconds=1.0, fps=15.0)
    assert len(readings) == 15
    assert readings[0].captured_ns == 0
    assert readings[-1].captured_ns == pytest.approx(14 / 15 * 1e9, rel=1e-6)
    assert readings[0].state in {State.STARTING, State.POOR_IMAGE}


def test_the_bundles_own_settled_temperature_is_not_in_what_is_fitted(bench: Bench) -> None:  # noqa: F811
    """Were it, a second calibration would find 1."""
    picture = sorted((bench.labels.parent / "images").iterdir())[0]
    with open_model(bench.built.path, bench.built.trust) as model:
        before = watch(model, picture, seconds=1.0)[-1]
        model.decision = msgspec.structs.replace(model.decision, settled_temperature=3.0)
        after = watch(model, picture, seconds=1.0)[-1]
    if before.probabilities:
        assert max(p for _, p in after.probabilities) < max(p for _, p in before.probabilities)


def test_the_command_says_n_and_the_states_its_clips_ended_in(bench: Bench) -> None:  # noqa: F811
    words = (str(bench.labels), "--group", "patient", "--most", "20", "--seconds", "1", "--json")
    code, out = bench.run(*words, command="settled")
    found = json.loads(out)
    assert code == 0
    assert found["n"] == 20
    assert sum(found["states"].values()) == 20
    assert found["settled_temperature"] > 0
