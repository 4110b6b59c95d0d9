"""What a person fixes on a camera, what the driver made of it, and what stays automatic."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import cv2

from edge.errors import UsageError
from edge.sources.uri import SourceUri

__all__ = ["Outcome", "Properties", "Settings", "ask_settings", "settle"]

_AUTO = "auto"


class Properties(Protocol):
    """What is used of cv2.VideoCapture here."""

    def get(self, prop: int, /) -> float: ...
    def set(self, prop: int, value: float, /) -> bool: ...


@dataclass(frozen=True, slots=True)
class Settings:
    """As typed. None: not said, left as the driver has it. A control is a number in the driver's unit or "auto"."""

    size_px: tuple[int, int] | None = None
    fps: float | None = None
    fourcc: str | None = None
    controls: tuple[tuple[str, float | None], ...] = ()  # (name, value); None: automatic was asked for by name
    range_: str = _AUTO
    deinterlace: str = _AUTO


@dataclass(frozen=True, slots=True)
class Outcome:
    """As the driver reports it after all was set."""

    size_px: tuple[int, int]
    fps: float | None
    settings: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Control:
    """One thing with an automatic. unit: of the value, as UVC drivers have it. harm: why a person should fix it."""

    name: str
    switch: int
    automatic: float
    manual: float
    value: int
    harm: str


# V4L2_CID_EXPOSURE_AUTO is a menu: 1 manual, 3 aperture priority (videodev2.h); the other two are switches.
_CONTROLS = (
    _Control("exposure", cv2.CAP_PROP_AUTO_EXPOSURE, 3, 1, cv2.CAP_PROP_EXPOSURE, "dim light may halve the frame rate"),
    _Control("white_balance", cv2.CAP_PROP_AUTO_WB, 1, 0, cv2.CAP_PROP_WB_TEMPERATURE, "colours may drift"),
    _Control("focus", cv2.CAP_PROP_AUTOFOCUS, 1, 0, cv2.CAP_PROP_FOCUS, "focus may hunt"),
)
_ABSENT = -1.0  # what OpenCV's V4L2 reader answers for a control that the camera does not have


def ask_settings(uri: SourceUri) -> Settings:
    """The options of a camera URI. Raises UsageError for a value that no camera could take."""
    fourcc = uri.get("fourcc")
    if fourcc is not None and (len(fourcc) != 4 or not fourcc.isascii()):
        raise UsageError(f"fourcc={fourcc!r} is no pixel format", do="four letters, e.g. fourcc=MJPG or fourcc=YUYV")
    controls: list[tuple[str, float | None]] = []
    for control in _CONTROLS:
        text = uri.get(control.name)
        if text is not None:
            controls.append((control.name, None if text == _AUTO else uri.number(control.name, low=0, high=1_000_000)))
    return Settings(
        size_px=uri.size_px("size"),
        fps=uri.number("fps", low=1, high=1000),
        fourcc=fourcc,
        controls=tuple(controls),
        range_=uri.choice("range", ("full", "limited", _AUTO)) or _AUTO,
        deinterlace=uri.choice("deinterlace", ("no", "yes", _AUTO)) or _AUTO,
    )


def settle(driver: Properties, wanted: Settings, offered: Callable[[], str]) -> Outcome:
    """Put the settings into the driver and read back what it made of them. Raises UsageError where it made something else.

    offered: what the camera has, in words, asked only when it refuses.
    """
    warnings: list[str] = []
    # The order matters: a format decides which sizes there are, a size which rates.
    if wanted.fourcc is not None:
        driver.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*wanted.fourcc))
    if wanted.size_px is not None:
        driver.set(cv2.CAP_PROP_FRAME_WIDTH, wanted.size_px[0])
        driver.set(cv2.CAP_PROP_FRAME_HEIGHT, wanted.size_px[1])
    if wanted.fps is not None:
        driver.set(cv2.CAP_PROP_FPS, wanted.fps)
    size_px = int(driver.get(cv2.CAP_PROP_FRAME_WIDTH)), int(driver.get(cv2.CAP_PROP_FRAME_HEIGHT))
    fourcc = int(driver.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little", signed=False).decode("ascii", "replace") if _has(driver) else "?"
    rate = driver.get(cv2.CAP_PROP_FPS)
    fps = rate if 0 < rate <= 1000 else None
    if wanted.size_px is not None and size_px != wanted.size_px:
        asked = f"{wanted.size_px[0]}x{wanted.size_px[1]}"
        raise UsageError(f"the camera has no mode {asked} (it gave {size_px[0]}x{size_px[1]})", do=f"it offers: {offered()}")
    if wanted.fourcc is not None and fourcc != wanted.fourcc:
        raise UsageError(f"the camera has no format {wanted.fourcc} here (it gave {fourcc})", do=f"it offers: {offered()}")
    if wanted.fps is not None and fps is not None and fps < 0.9 * wanted.fps:
        warnings.append(f"{wanted.fps:g} fps asked for, the camera gives {fps:g} at this size and format")
    settings = [f"size={size_px[0]}x{size_px[1]}", f"fourcc={fourcc}", f"fps={fps:g}" if fps else "fps=unknown"]
    asked_for = dict(wanted.controls)
    for control in _CONTROLS:
        said, warning = _apply(driver, control, control.name in asked_for, asked_for.get(control.name))
        settings += [said] if said else []
        warnings += [warning] if warning else []
    return Outcome(size_px, fps, tuple(settings), tuple(warnings))


def _has(driver: Properties) -> bool:
    return 0 < driver.get(cv2.CAP_PROP_FOURCC) < 1 << 32


def _apply(driver: Properties, control: _Control, is_asked: bool, value: float | None) -> tuple[str | None, str | None]:
    """One control -> (what to record, what to warn of)."""
    name = control.name
    if not is_asked or value is None:
        if is_asked and not driver.set(control.switch, control.automatic):
            raise UsageError(f"the camera has no automatic {name}", do=f"leave out {name}=auto")
        switch = driver.get(control.switch)
        if switch == _ABSENT:
            return None, None
        if switch != control.manual:
            return f"{name}=automatic", f"{name} is automatic: {control.harm} (fix it with {name}=NUMBER)"
        return f"{name}={driver.get(control.value):g}", None
    driver.set(control.switch, control.manual)  # a camera without the switch may still have the value
    driver.set(control.value, value)
    got = driver.get(control.value)
    if got == _ABSENT:
        raise UsageError(f"the camera has no {name} that could be set", do=f"leave out {name}=")
    if got != value:
        raise UsageError(f"the camera does not take {name}={value:g} (it stays at {got:g})", do="v4l2-ctl --list-ctrls shows its limits")
    return f"{name}={got:g}", None
