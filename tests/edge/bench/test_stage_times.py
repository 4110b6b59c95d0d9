"""The stages are timed by the code that runs live, free-running and paced, and power is counted where a board tells it."""

from pathlib import Path

import pytest

import edge
from edge.bench.result import STAGES
from edge.bench.stages import Plan, measure, pictures_for
from edge.model import Model
from tests.builders import a_bundle, a_corner_picture, a_picture

HWMON = "sys/class/hwmon/hwmon0"


@pytest.fixture
def model(tmp_path: Path) -> Model:
    built = a_bundle(tmp_path / "bundle")
    return edge.open_model(built.path, built.trust, engine="onnxruntime")


def a_board(folder: Path) -> Path:
    files = {"name": "ina3221", "in1_label": "VDD_IN", "in1_input": "5000", "curr1_input": "2000"}
    for name, text in files.items():
        path = folder / HWMON / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_every_stage_of_both_runs_has_its_times(model: Model, tmp_path: Path) -> None:
    seconds: list[None] = []
    plan = Plan(fps=100.0, seconds=0.3, warm_up_s=0.05)
    pictures = (a_picture(), a_corner_picture("tr", width_px=640, height_px=480))
    runs = measure(model, pictures, plan, root=tmp_path, on_second=lambda: seconds.append(None))
    assert [(run.mode, run.fps) for run in runs] == [("free-running", None), ("paced", 100.0)]
    for run in runs:
        assert [stage.name for stage in run.stages] == list(STAGES)
        by_name = {stage.name: stage for stage in run.stages}
        assert by_name["all"].p50_ms >= by_name["infer"].p50_ms > 0
        assert run.frames >= 1
        assert (run.power_mw, run.energy_mj, run.rails_mw) == (None, None, ())
    assert runs[1].frames <= 32, "a paced run never outruns its frame rate"


def test_energy_of_a_label_is_power_over_time_by_labels(model: Model, tmp_path: Path) -> None:
    (run, paced) = measure(
        model, (a_picture(),), Plan(fps=50.0, seconds=0.2, warm_up_s=0.0), root=a_board(tmp_path / "board"), on_second=lambda: None
    )
    assert run.power_mw == 10_000.0
    assert run.energy_mj == pytest.approx(10_000.0 * run.seconds / run.frames, rel=0.01)
    assert paced.rails_mw[0].name == "VDD_IN"
    assert paced.energy_mj is not None
    assert run.energy_mj is not None
    assert paced.energy_mj > run.energy_mj, "a paced board pays for the time between labels too"


def test_a_model_that_may_not_speak_is_measured_all_the_same(tmp_path: Path) -> None:
    built = a_bundle(tmp_path, engines=("onnxruntime",), unrun=("onnxruntime",))
    model = edge.open_model(built.path, built.trust, engine="onnxruntime")
    assert model.fault is not None
    assert measure(model, (a_picture(),), Plan(seconds=0.05, warm_up_s=0.0), root=tmp_path, on_second=lambda: None)[0].frames > 0


@pytest.mark.parametrize("modality", ["dermoscopy", "ultrasound"])
def test_the_pictures_are_rendered_and_of_the_size_asked_for(modality: str) -> None:
    pictures = pictures_for(modality, 160, 120)
    assert {picture.shape for picture in pictures} == {(120, 160, 3)}
    assert len(pictures) == 24
    assert len({picture.tobytes() for picture in pictures}) > 12, "the hand moves"
