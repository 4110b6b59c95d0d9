"""No patient's tag in any output, warning, log or error; and no damage that raises anything unnamed."""

import importlib.util
import logging
import sys
import traceback
import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.errors import SonodermError
from edge.sources.dicom import DicomSource
from edge.sources.dicom_file import WANTED

_spec = importlib.util.spec_from_file_location("dicom_builder", Path(__file__).with_name("dicom_builder.py"))
assert _spec is not None
assert _spec.loader is not None
build = importlib.util.module_from_spec(_spec)
sys.modules["dicom_builder"] = build
_spec.loader.exec_module(build)

SECRETS = ("Zyxwvut", "Planted", "19010203")


def everything_said(path: Path) -> str:
    """All texts that reading the file gives: description, frames, errors and their traceback."""
    said = []
    try:
        with DicomSource(path, "dicom:x") as source:
            said += [repr(source.info), repr(source.regions)]
            said += [f"{frame.source} {frame.path} {frame.time_s}" for frame in source]
    except SonodermError as error:
        said += [error.line(), "".join(traceback.format_exception(error))]
    return "\n".join(said)


def test_no_patient_tag_is_on_the_list_of_what_is_read() -> None:
    assert not [name for name in WANTED if any(word in name for word in ("Patient", "Name", "Date", "Comment", "Institution", "Serial"))]


@pytest.mark.parametrize("damage", ["none", "cut", "foreign", "palette", "rows", "bare"])
def test_planted_names_never_come_out(
    damage: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    tags = {
        "none": {},
        "cut": {},
        "foreign": {"Modality": "CT"},
        "palette": {"PhotometricInterpretation": "PALETTE COLOR", "SamplesPerPixel": 1},
        "rows": {"Rows": 0},
        "bare": {},
    }[damage]
    sop = "1.2.840.10008.5.1.4.1.1.7" if damage == "foreign" else build.US_MULTI
    path = build.a_dicom(tmp_path / "p.dcm", build.flat(build.RED), sop=sop, **tags)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:700])
    if damage == "bare":
        path.write_bytes(path.read_bytes()[144 + 150 :])
    with caplog.at_level(logging.DEBUG), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        said = everything_said(path)
    out, err = capfd.readouterr()
    whole = "\n".join([said, out, err, caplog.text, *(str(w.message) for w in caught)])
    assert not [secret for secret in SECRETS if secret in whole]


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(["raw", "jpeg"]), at=st.integers(0, 5000), value=st.integers(0, 255), cut=st.integers(0, 20000))
def test_no_damage_raises_anything_unnamed_nor_tells_a_name(kind: str, at: int, value: int, cut: int, tmp_path: Path) -> None:
    whole = tmp_path / f"{kind}.dcm"
    if not whole.exists():
        if kind == "raw":
            build.a_dicom(whole, build.flat(build.RED, 2, 16), FrameTime=40)
        else:
            build.a_jpeg_cine(whole)
    data = bytearray(whole.read_bytes())
    data[at % len(data)] = value
    if cut % 3 == 0:
        del data[max(1, cut % len(data)) :]
    path = tmp_path / "damaged.dcm"
    path.write_bytes(data)
    said = everything_said(path)
    assert not [secret for secret in SECRETS if secret in said]
