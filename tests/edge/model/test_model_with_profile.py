"""What was measured on this device is applied in one place each: corrections before the tensor, the overlay in the decision."""

import datetime
from pathlib import Path

import pytest

import edge
from edge.bundle.open import open_bundle
from edge.frame import Frame
from edge.model import Model, OpenOptions
from edge.profile.read import LoadedProfile
from edge.profile.record import Correction, DeviceProfile, OverlayEntry, Setting
from edge.reading import State
from tests.builders import BuiltBundle, a_bundle, a_corner_picture, a_picture

TOMORROW = datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=2)
LONG_AGO = datetime.date(2020, 1, 1)
SIGNER = "5" * 64
LEFT_HALF = ((0, 0), (79, 0), (79, 119), (0, 119))


def a_profile(
    *, corrections: tuple[Correction, ...] = (), overlay: tuple[OverlayEntry, ...] = (), signer: str | None = SIGNER
) -> LoadedProfile:
    profile = DeviceProfile(name="clinic-3", made_at="2026-01-01T00:00:00Z", corrections=corrections, overlay=overlay)
    return LoadedProfile(profile, signer, "9" * 64)


def a_correction(**changes: object) -> Correction:
    setting = Setting(camera="test", width_px=160, height_px=120)
    return Correction(**{"setting": setting, "expires_on": TOMORROW, "scan_region": LEFT_HALF} | changes)  # type: ignore[arg-type]


def opened(built: BuiltBundle, profile: LoadedProfile) -> Model:
    return edge.open_model(built.path, built.trust, engine="onnxruntime", options=OpenOptions(profile=profile))


def an_entry(built: BuiltBundle, **changes: object) -> OverlayEntry:
    digest = open_bundle(built.path, built.trust).digest
    base = {"digest": digest, "form": "fp32", "engine": "onnxruntime", "expires_on": TOMORROW, "temperature": 40.0}
    return OverlayEntry(**base | changes)  # type: ignore[arg-type]


def best(model: Model, frame: Frame) -> str:
    judgement = model.look(frame).judgement
    assert judgement is not None
    return model.codes[int(judgement.probabilities.argmax())]


def a_frame(source: str = "test") -> Frame:
    """Bright on the upper right of the whole; within the left half, bright below on the left."""
    pixels = a_corner_picture("tr", width_px=160, height_px=120)
    pixels[70:, 5:35] = 200
    return Frame(pixels, 1, 0, source)


def test_a_scan_region_takes_the_place_of_the_whole_picture(tmp_path: Path) -> None:
    built = a_bundle(tmp_path, model="p-corner")
    with edge.open_model(built.path, built.trust) as plain:
        assert best(plain, a_frame()) == "tr"
    corrected = opened(built, a_profile(corrections=(a_correction(),)))
    assert best(corrected, a_frame()) == "bl"
    assert corrected.identity.profile == "clinic-3"


@pytest.mark.parametrize(
    ("profile", "word"),
    [
        (a_profile(corrections=(a_correction(),), signer=None), "not signed"),
        (a_profile(corrections=(a_correction(expires_on=LONG_AGO),)), "expired"),
        (a_profile(corrections=(a_correction(setting=Setting(camera="other", width_px=160, height_px=120)),)), "no corrections for test"),
    ],
    ids=["unsigned", "expired", "another camera"],
)
def test_corrections_that_do_not_hold_are_left_out_aloud(tmp_path: Path, profile: LoadedProfile, word: str) -> None:
    model = opened(a_bundle(tmp_path, model="p-corner"), profile)
    assert best(model, a_frame()) == "tr"
    assert any(word in note for note in model.identity.notes)


def test_a_camera_that_changes_gets_its_own_corrections(tmp_path: Path) -> None:
    model = opened(a_bundle(tmp_path, model="p-corner"), a_profile(corrections=(a_correction(),)))
    assert [best(model, a_frame(source)) for source in ("test", "another", "test")] == ["bl", "tr", "bl"]


def test_a_signed_overlay_decides(tmp_path: Path) -> None:
    built = a_bundle(tmp_path)
    plain = edge.open_model(built.path, built.trust).classify(a_picture())
    flat = opened(built, a_profile(overlay=(an_entry(built),)))
    reading = flat.classify(a_picture())
    assert plain.state is State.READY
    assert dict(reading.probabilities)["red"] < 0.5 < dict(plain.probabilities)["red"]
    assert flat.decision.temperature == 40.0


def test_an_overlay_of_another_bundle_is_void_aloud(tmp_path: Path) -> None:
    built = a_bundle(tmp_path)
    model = opened(built, a_profile(overlay=(an_entry(built, digest="0" * 64),)))
    assert model.decision.temperature == 1.0
    assert any("uncalibrated for this model" in note for note in model.identity.notes)


def test_an_unsigned_overlay_cannot_make_the_device_bolder(tmp_path: Path) -> None:
    built = a_bundle(tmp_path)
    model = opened(built, a_profile(overlay=(an_entry(built, temperature=0.1),), signer=None))
    assert model.decision.temperature == 1.0
    assert any("less cautious" in note for note in model.identity.notes)
