"""What the kernel says of the cameras of this machine: nodes, identities, modes. Reads sysfs and asks with three ioctls; opens no stream.

A UVC camera has metadata nodes beside its capture node, and the first index that delivers pictures need not be 0; numbers change with
the order of plugging. So a node counts as a camera only when its device_caps say so, and a camera is remembered by what stays: its
serial number (/dev/v4l/by-id) or the USB port it hangs on (/dev/v4l/by-path).

Constants and structures: linux/videodev2.h (UAPI). Everything takes its roots and its ioctl as arguments: tests run it on a copied tree.
"""

import errno
import fcntl
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Capability", "Ioctl", "Mode", "Node", "capability_of", "list_nodes", "modes_of"]

Ioctl = Callable[[int, int, bytearray], object]

_CAPABILITY = struct.Struct("=16s32s32sIII12x")  # driver, card, bus_info, version, capabilities, device_caps
_FMTDESC = struct.Struct("=III32sI16x")  # index, type, flags, description, pixelformat
_FRMSIZE = struct.Struct("=III6I8x")  # index, pixelformat, type, width height | min max step (twice)
_FRMIVAL = struct.Struct("=IIIII6I8x")  # index, pixelformat, width, height, type, fraction | min max step
_CAP_VIDEO_CAPTURE, _CAP_VIDEO_CAPTURE_MPLANE, _CAP_DEVICE_CAPS = 0x1, 0x1000, 0x8000_0000
_BUF_TYPE_VIDEO_CAPTURE, _DISCRETE = 1, 1
_MOST = 512  # entries of one enumeration; a driver that never says EINVAL is not listened to for ever


def _number(direction: int, nr: int, size_b: int) -> int:
    """_IOC(direction, 'V', nr, size) of asm-generic/ioctl.h."""
    return (direction << 30) | (size_b << 16) | (ord("V") << 8) | nr


QUERYCAP = _number(2, 0, _CAPABILITY.size)
ENUM_FMT = _number(3, 2, _FMTDESC.size)
ENUM_FRAMESIZES = _number(3, 74, _FRMSIZE.size)
ENUM_FRAMEINTERVALS = _number(3, 75, _FRMIVAL.size)


@dataclass(frozen=True, slots=True)
class Capability:
    """The answer to VIDIOC_QUERYCAP, of this node alone (device_caps), not of the whole device."""

    driver: str
    card: str
    bus: str
    captures: bool


@dataclass(frozen=True, slots=True)
class Mode:
    """One thing a camera can deliver. fourcc: pixel format; fps: frame rates, highest first, () when the driver does not say."""

    fourcc: str
    width_px: int
    height_px: int
    fps: tuple[float, ...] = ()

    def __str__(self) -> str:
        rates = "/".join(f"{rate:g}" for rate in self.fps)
        return f"{self.fourcc} {self.width_px}x{self.height_px}" + (f"@{rates}" if rates else "")


@dataclass(frozen=True, slots=True)
class Node:
    """One /dev/videoN. capability is None when it could not be asked; trouble then says why, in a few words."""

    path: Path
    index: int
    name: str
    serial: str | None = None
    by_id: Path | None = None
    by_path: Path | None = None
    capability: Capability | None = None
    trouble: str | None = None

    @property
    def captures(self) -> bool:
        """True when pictures can come from it."""
        return self.capability is not None and self.capability.captures

    @property
    def identity(self) -> Path | None:
        """Where the same device is found after a replug or a reboot; None when nothing of it stays.

        by-id is unique only with a serial number: two cameras of one model without it share the link, and the port tells them apart.
        """
        return self.by_id if self.by_id is not None and self.serial else self.by_path

    def __str__(self) -> str:
        return f"camera:{self.index} ({self.name}{', serial ' + self.serial if self.serial else ''})"


def list_nodes(
    sys_root: Path = Path("/sys/class/video4linux"),
    dev_root: Path = Path("/dev"),
    ask: Callable[[Path], Capability] | None = None,
) -> tuple[Node, ...]:
    """Every video node, by number; those without pictures included (`Node.captures`). An absent tree is an empty list."""
    ask = ask or capability_of
    by_id, by_path = (_links(dev_root / "v4l" / kind) for kind in ("by-id", "by-path"))
    return tuple(
        _node(entry, dev_root / entry.name, by_id, by_path, ask)
        for entry in sorted((p for p in _entries(sys_root) if p.name[5:].isdigit()), key=lambda p: int(p.name[5:]))
        if entry.name.startswith("video")
    )


def capability_of(path: Path, ioctl: Ioctl = fcntl.ioctl) -> Capability:
    """Ask a node what it is. Raises OSError: no permission, gone, or no video node at all (ENOTTY)."""
    with _opened(path) as fd:
        buffer = bytearray(_CAPABILITY.size)
        ioctl(fd, QUERYCAP, buffer)
    driver, card, bus, _, capabilities, device_caps = _CAPABILITY.unpack(buffer)
    own = device_caps if capabilities & _CAP_DEVICE_CAPS else capabilities
    return Capability(_text(driver), _text(card), _text(bus), bool(own & (_CAP_VIDEO_CAPTURE | _CAP_VIDEO_CAPTURE_MPLANE)))


def modes_of(path: Path, ioctl: Ioctl = fcntl.ioctl) -> tuple[Mode, ...]:
    """What a camera offers: formats, sizes, rates, in the driver's order. Raises OSError."""
    with _opened(path) as fd:
        return tuple(
            Mode(_fourcc(code), width, height, _rates(fd, code, width, height, ioctl))
            for code in _formats(fd, ioctl)
            for width, height in _sizes(fd, code, ioctl)
        )


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """A node's descriptor, without blocking and without claiming the stream."""
    fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


def _enumerate(ask: Callable[[int], bytearray]) -> Iterator[bytearray]:
    """Entries 0, 1, 2, … until the driver says EINVAL, its word for "no more" (ENOTTY: it cannot enumerate at all)."""
    for index in range(_MOST):
        try:
            yield ask(index)
        except OSError as error:
            if error.errno in {errno.EINVAL, errno.ENOTTY}:
                return
            raise


def _formats(fd: int, ioctl: Ioctl) -> list[int]:
    def ask(index: int) -> bytearray:
        buffer = bytearray(_FMTDESC.pack(index, _BUF_TYPE_VIDEO_CAPTURE, 0, b"", 0))
        ioctl(fd, ENUM_FMT, buffer)
        return buffer

    return [_FMTDESC.unpack(entry)[4] for entry in _enumerate(ask)]


def _sizes(fd: int, code: int, ioctl: Ioctl) -> list[tuple[int, int]]:
    def ask(index: int) -> bytearray:
        buffer = bytearray(_FRMSIZE.pack(index, code, 0, *[0] * 6))
        ioctl(fd, ENUM_FRAMESIZES, buffer)
        return buffer

    sizes: list[tuple[int, int]] = []
    for entry in _enumerate(ask):
        _, _, kind, a, b, _, _, e, _ = _FRMSIZE.unpack(entry)
        if kind != _DISCRETE:  # a range of sizes: its largest says what matters, and there is one entry only
            return [(b, e)]
        sizes.append((a, b))
    return sizes


def _rates(fd: int, code: int, width: int, height: int, ioctl: Ioctl) -> tuple[float, ...]:
    def ask(index: int) -> bytearray:
        buffer = bytearray(_FRMIVAL.pack(index, code, width, height, 0, *[0] * 6))
        ioctl(fd, ENUM_FRAMEINTERVALS, buffer)
        return buffer

    rates: set[float] = set()
    for entry in _enumerate(ask):
        _, _, _, _, kind, seconds, per, *_ = _FRMIVAL.unpack(entry)  # a frame takes seconds/per s; in a range, the shortest stands first
        if seconds:
            rates.add(round(per / seconds, 3))
        if kind != _DISCRETE:
            break
    return tuple(sorted(rates, reverse=True))


def _node(entry: Path, path: Path, by_id: dict[str, Path], by_path: dict[str, Path], ask: Callable[[Path], Capability]) -> Node:
    capability, trouble = None, None
    try:
        capability = ask(path)
    except PermissionError:
        trouble = "no permission: add the user to the group video"
    except OSError as error:
        trouble = error.strerror or "cannot be asked"
    name = _read(entry / "name") or (capability.card if capability else path.name)
    return Node(
        path, int(entry.name[5:]), name, _serial(entry), by_id.get(entry.name), by_path.get(entry.name), capability, trouble
    )  # fmt: skip


def _serial(entry: Path) -> str | None:
    """The USB device's serial number: one step above the interface that `device` points to."""
    device = entry / "device"
    return _read(device / "serial") or _read(device / ".." / "serial")


def _links(folder: Path) -> dict[str, Path]:
    """Name of the node that a link points to -> the link."""
    return {os.path.basename(os.readlink(link)): link for link in _entries(folder) if link.is_symlink()}


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []  # no such tree: a machine without video, or without udev


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip() or None
    except OSError:
        return None


def _text(field: bytes) -> str:
    return field.split(b"\0", 1)[0].decode("utf-8", "replace")


def _fourcc(code: int) -> str:
    return struct.pack("=I", code).decode("ascii", "replace").strip()
