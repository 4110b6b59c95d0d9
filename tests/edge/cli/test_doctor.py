"""Doctor: what is loaded from where, what is missing by name, and the one line that helps; run on copies of foreign machines."""

import json
from pathlib import Path

import cv2
import pytest

from edge.cli.doctor import as_text
from edge.cli.doctor_finding import Finding, Level
from edge.cli.doctor_libraries import OPENCV_WHEELS, decoder_findings, opencv_findings, rivals
from edge.cli.doctor_machine import find_devices, find_machine
from edge.cli.doctor_models import find_models, find_tuning
from edge.sources.dicom_syntaxes import SYNTAXES, Codec
from edge.sources.v4l2 import Capability, Node
from tests.builders import a_key, a_trust_folder


def by_name(findings) -> dict[str, Finding]:  # type: ignore[no-untyped-def]
    return {finding.name: finding for finding in findings}


def test_json_and_text_say_the_same_and_a_broken_thing_ends_with_1(sonoderm) -> None:  # type: ignore[no-untyped-def]
    asked = sonoderm("doctor", "--json")
    found = json.loads(asked.out)
    assert found["v"] == 1
    assert {"topic", "name", "level", "says", "do"} == set(found["findings"][0])
    assert asked.code == (0 if found["ok"] else 1)
    text = sonoderm("doctor").out
    for finding in found["findings"]:
        if finding["name"] != "memory":  # what is free moves between two calls
            assert finding["says"] in text
    cv2_line = next(f for f in found["findings"] if f["name"] == "cv2")
    assert cv2.__version__ in cv2_line["says"]
    assert str(Path(cv2.__file__).parent) in cv2_line["says"]


def test_everything_that_is_broken_has_the_line_that_helps() -> None:
    lines = as_text((Finding("t", "a", Level.BROKEN, "gone", "do this"), Finding("t", "b", Level.OK, "fine"))).splitlines()
    assert lines == ["t", "  BROKEN a  gone -> do this", "  ok     b  fine"]


def test_two_opencv_wheels_at_once_are_broken_and_one_is_fine() -> None:
    both = list(rivals("cv2", OPENCV_WHEELS, {"opencv-python": "5.0.0", "opencv-python-headless": "5.0.0"}))
    assert [(f.level, f.name) for f in both] == [(Level.BROKEN, "cv2 wheels")]
    assert both[0].do == "pip uninstall -y opencv-python opencv-python-headless && pip install opencv-python"
    assert list(rivals("cv2", OPENCV_WHEELS, {"opencv-python": "5.0.0"})) == []


HEADLESS = """
  GUI:                           NONE
  Video I/O:
    FFMPEG:                      NO
    GStreamer:                   YES (1.24.2)
"""


def test_an_opencv_without_clips_or_windows_says_so() -> None:
    found = by_name(opencv_findings(HEADLESS, {"DISPLAY": ":0"}))
    assert found["cv2 FFMPEG"].level is Level.BROKEN
    assert found["cv2 GUI"].level is Level.NOTE
    assert "web:" in str(found["cv2 GUI"].do)
    assert "1.24.2" in found["cv2 GStreamer"].says


def test_the_opencv_of_this_environment_reads_clips() -> None:
    found = by_name(opencv_findings(cv2.getBuildInformation(), {}))
    assert found["cv2 FFMPEG"].level is Level.OK
    assert found["cv2 GUI"].level is Level.NOTE  # no screen in this environment


def test_a_missing_decoder_is_named_by_syntax_and_package() -> None:
    wanted = [syntax for syntax in SYNTAXES if syntax.codec not in {Codec.NATIVE, Codec.NONE}]
    lossless = next(syntax for syntax in wanted if syntax.uid.endswith(".70"))
    found = list(decoder_findings(wanted, [lossless]))
    assert found[-1].level is Level.BROKEN
    assert "1.2.840.10008.1.2.4.70" in found[-1].says
    assert found[-1].do == "pip install python-gdcm"
    assert found[0].says.startswith(f"{len(wanted) - 1} of {len(wanted)}")
    assert [f.level for f in decoder_findings(wanted, [])] == [Level.OK]


def a_tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_a_jetson_nano_is_told_that_its_gpu_has_no_int8(tmp_path: Path) -> None:
    tree = {
        "proc/cpuinfo": "processor : 0\nFeatures : fp asimd evtstrm\nCPU implementer : 0x41\nCPU part : 0xd07\n",
        "proc/device-tree/model": "NVIDIA Jetson Nano Developer Kit\0",
        "proc/meminfo": "MemTotal: 4000000 kB\nMemAvailable: 300000 kB\n",
        "etc/nv_tegra_release": "# R32 (release), REVISION: 7.1\n",
        "var/lib/nvpmodel/status": "pmode:0000",
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "powersave\n",
    }
    found = by_name(find_machine(a_tree(tmp_path, tree)))
    assert found["board INT8"].level is Level.NOTE
    assert "Jetson Nano" in found["board"].says
    assert "R32" in found["board"].says
    assert "pmode:0000" in found["power mode"].says
    assert found["governor"].level is Level.NOTE
    assert found["memory"].level is Level.NOTE
    assert found["INT8"].level is Level.NOTE


def test_an_orin_has_int8_and_a_machine_that_says_nothing_is_no_fault(tmp_path: Path) -> None:
    tree = {"proc/device-tree/model": "NVIDIA Jetson Orin Nano Developer Kit\0", "etc/nv_tegra_release": "# R36 (release)\n"}
    assert "board INT8" not in by_name(find_machine(a_tree(tmp_path / "orin", tree)))
    (tmp_path / "bare").mkdir()
    assert all(finding.level is not Level.BROKEN for finding in find_machine(tmp_path / "bare"))


def test_only_nodes_that_deliver_pictures_are_cameras(tmp_path: Path) -> None:
    """Case S14: a UVC camera has a metadata node beside it, and the first index need not be 0."""
    nodes = (
        Node(Path("/dev/video1"), 1, "Webcam", capability=Capability("uvcvideo", "Webcam", "usb-1", captures=False)),
        Node(Path("/dev/video2"), 2, "Webcam", "SN1", capability=Capability("uvcvideo", "Webcam", "usb-1", captures=True)),
        Node(Path("/dev/video4"), 4, "Locked", trouble="no permission: add the user to the group video"),
    )
    found = by_name(find_devices(tmp_path, nodes))
    assert "/dev/video1" not in found
    assert "camera:2 (Webcam, serial SN1)" in found["/dev/video2"].says
    assert found["/dev/video4"].level is Level.BROKEN
    assert "usermod -aG" in str(found["/dev/video4"].do)


def test_no_camera_is_said_with_what_is_there_instead(tmp_path: Path) -> None:
    nodes = (Node(Path("/dev/video1"), 1, "Codec", capability=Capability("hantro", "Codec", "platform", captures=False)),)
    assert by_name(find_devices(tmp_path, nodes))["cameras"].says == "no camera is plugged in (1 nodes deliver no pictures)"


def test_a_trust_folder_that_cannot_be_believed_is_broken(tmp_path: Path) -> None:
    found = list(find_models(a_trust_folder(tmp_path / "good", a_key())))
    assert any(f.topic == "trust" and "may sign a bundle" in f.says for f in found)
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    assert [(f.topic, f.level) for f in find_models(tmp_path / "open")] == [("trust", Level.BROKEN)]


def test_a_damaged_tuning_file_is_a_note(a_machine_of_its_own: Path) -> None:
    cache = a_machine_of_its_own / "cache" / "sonoderm"
    cache.mkdir(parents=True)
    (cache / "tuning.json").write_text("{")
    assert any(f.level is Level.NOTE and "tuning.json" in f.name for f in find_tuning())


@pytest.mark.parametrize("module", ["cv2", "onnxruntime"])
def test_a_needed_library_that_does_not_load_is_broken_and_the_rest_is_still_said(sonoderm_process, tmp_path: Path, module: str) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / f"{module}.py").write_text("raise ImportError('libGL.so.1: cannot open shared object file', name='cv2')\n")
    ended = sonoderm_process("doctor", "--json", env={"PYTHONPATH": str(tmp_path)})
    found = {(f["topic"], f["name"]): f for f in json.loads(ended.out)["findings"]}
    assert ended.code == 1
    assert found["libraries", module]["level"] == "broken"
    assert "apt-get install libgl1" in found["libraries", module]["do"]
    assert ("libraries", "numpy") in found
    assert found.get(("engines", "onnxruntime"), {"level": "broken"})["level"] == "broken"
