"""Which libraries were loaded, from where; two wheels that overwrite each other; DICOM decoders by transfer syntax."""

import importlib
import importlib.metadata
import os
import re
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from edge.cli.commands import install_line
from edge.cli.doctor_finding import Finding, Level
from edge.cli.failures import missing_module
from edge.errors import SonodermError

if TYPE_CHECKING:
    from edge.sources.dicom_syntaxes import Syntax

__all__ = ["decoder_findings", "find_decoders", "find_libraries", "opencv_findings", "rivals"]

TOPIC = "libraries"
OPENCV_WHEELS = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")
ORT_WHEELS = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino", "onnxruntime-directml", "onnxruntime-training")


def find_libraries() -> Iterator[Finding]:
    """What sonoderm itself needs, then the engines that are extras."""
    from edge.backends.telemetry import switch_off

    switch_off()
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding(TOPIC, "python", Level.OK, f"{version} from {sys.executable}")
    yield from _module("cv2", needed=True)
    if "cv2" in sys.modules:
        yield from opencv_findings(sys.modules["cv2"].getBuildInformation(), os.environ)
    yield from rivals("cv2", OPENCV_WHEELS, _installed(OPENCV_WHEELS))
    yield from _module("onnxruntime", needed=True)
    yield from rivals("onnxruntime", ORT_WHEELS, _installed(ORT_WHEELS))
    for name in ("numpy", "msgspec", "cryptography", "pydicom", "starlette", "uvicorn"):
        yield from _module(name, needed=True)
    yield from _module("openvino", needed=False)
    yield from _module("tensorrt", needed=False)


def opencv_findings(build: str, environ: Mapping[str, str]) -> Iterator[Finding]:
    """What OpenCV was built with. build: the text of cv2.getBuildInformation()."""
    has = {name: _built_with(build, name) for name in ("GStreamer", "FFMPEG", "GUI", "v4l/v4l2")}
    if not has["FFMPEG"].startswith("YES"):
        do = "use the wheel opencv-python, or build OpenCV with FFmpeg"
        yield Finding(TOPIC, "cv2 FFMPEG", Level.BROKEN, "built without FFmpeg: no clip and no stream can be read", do)
    else:
        yield Finding(TOPIC, "cv2 FFMPEG", Level.OK, "clips and streams can be read")
    gstreamer = has["GStreamer"]
    says = f"GStreamer {gstreamer}" if gstreamer.startswith("YES") else "built without GStreamer (a board's own OpenCV often has it)"
    yield Finding(TOPIC, "cv2 GStreamer", Level.OK, says)
    gui = has["GUI"]
    if gui in {"", "NONE"}:
        yield Finding(
            TOPIC, "cv2 GUI", Level.NOTE, "built without windows: the sink window: cannot be used", "use --sink web:127.0.0.1:8080"
        )
    elif not (environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY")):
        yield Finding(TOPIC, "cv2 GUI", Level.NOTE, f"{gui}, but no screen (DISPLAY is not set)", "use --sink web:127.0.0.1:8080")
    else:
        yield Finding(TOPIC, "cv2 GUI", Level.OK, gui)


def rivals(module: str, wheels: tuple[str, ...], installed: Mapping[str, str]) -> Iterator[Finding]:
    """Two wheels that bring the same module: the last one installed has overwritten the other. installed: wheel -> version."""
    present = [wheel for wheel in wheels if wheel in installed]
    if len(present) > 1:
        says = f"{' and '.join(f'{wheel} {installed[wheel]}' for wheel in present)} are both installed and overwrite each other's files"
        do = f"pip uninstall -y {' '.join(present)} && pip install {present[0]}"
        yield Finding(TOPIC, f"{module} wheels", Level.BROKEN, says, do)


def find_decoders() -> Iterator[Finding]:
    """Each compressed transfer syntax that we read; the package that is missing for it."""
    from edge.sources.dicom_syntaxes import SYNTAXES, Codec, missing_decoders

    yield from decoder_findings([syntax for syntax in SYNTAXES if syntax.codec not in {Codec.NATIVE, Codec.NONE}], missing_decoders())


def decoder_findings(wanted: Sequence["Syntax"], missing: Collection["Syntax"]) -> Iterator[Finding]:
    """One line where all is there; else one for each syntax that cannot be decoded, with the package that brings it."""
    lacking = [syntax for syntax in wanted if syntax in missing]
    here = [syntax.name for syntax in wanted if syntax not in missing]
    yield Finding("DICOM", "decoders", Level.OK, f"{len(here)} of {len(wanted)} compressed transfer syntaxes: {', '.join(here) or 'none'}")
    for syntax in lacking:
        yield Finding("DICOM", syntax.name, Level.BROKEN, f"{syntax.uid} cannot be decoded here", f"pip install {syntax.package}")


def _built_with(build: str, name: str) -> str:
    found = re.search(rf"^\s*{re.escape(name)}:[ \t]*(.*)$", build, re.MULTILINE)
    return found[1].strip() if found else ""


def _installed(wheels: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for wheel in wheels:
        try:
            found[wheel] = importlib.metadata.version(wheel)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _module(name: str, *, needed: bool) -> Iterator[Finding]:
    try:
        loaded = importlib.import_module(name)
    except ImportError as error:
        try:
            lacks: SonodermError = missing_module(error)
        except ImportError:
            lacks = SonodermError(f"{name} does not load: {error}", do=install_line(None))
        if needed:
            yield Finding(TOPIC, name, Level.BROKEN, lacks.what, lacks.do)
        else:
            yield Finding(TOPIC, name, Level.OK, "not installed (an extra)", lacks.do)
        return
    yield Finding(TOPIC, name, Level.OK, f"{_version(loaded, name)} from {_place(loaded)}")


def _version(module: ModuleType, name: str) -> str:
    version = getattr(module, "__version__", None)
    if isinstance(version, str):
        return version
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "version unknown"


def _place(module: ModuleType) -> str:
    return str(Path(module.__file__).parent) if module.__file__ else "an unknown place"
