"""The machine itself: processor, clock governor, board, memory, cameras and serial ports with who may open them."""

import grp
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from edge.backends.machine import read_machine
from edge.cli.doctor_finding import Finding, Level
from edge.sources.v4l2 import Node, list_nodes

__all__ = ["find_devices", "find_machine"]

TOPIC = "machine"
NO_INT8_BOARDS = ("Jetson Nano", "Jetson TX1", "Jetson TX2")  # Maxwell and Pascal GPUs: TensorRT has no fast INT8 on them
INT8_CLASSES = ("amx", "vnni", "i8mm", "dotprod")


def find_machine(root: Path = Path("/")) -> Iterator[Finding]:
    """root: where /proc, /sys and /etc are looked for (a copy of such a tree in tests)."""
    machine = read_machine(root)
    yield Finding(TOPIC, "processor", Level.OK, f"{machine.cpu}, {machine.cores} cores for this process")
    if any(word in machine.isa for word in INT8_CLASSES):
        yield Finding(TOPIC, "INT8", Level.OK, f"{machine.isa}: has instructions for INT8")
    else:
        yield Finding(TOPIC, "INT8", Level.NOTE, f"{machine.isa}: no instructions for INT8, so that a model runs slower here")
    yield from _governor(root)
    yield from _memory(root)
    if machine.board:
        yield from _board(root, machine.board, machine.l4t)


def find_devices(root: Path = Path("/"), nodes: Sequence[Node] | None = None) -> Iterator[Finding]:
    """Cameras that can deliver pictures, serial ports, and whether this user may open them. nodes: as `list_nodes` gives them."""
    found = list_nodes() if nodes is None else nodes
    for node in found:
        if node.captures:
            yield Finding("devices", str(node.path), Level.OK, str(node))
        elif node.capability is None:
            yield Finding("devices", str(node.path), Level.BROKEN, f"{node.name}: {node.trouble}", _join(node.path, "video"))
    others = sum(node.capability is not None and not node.captures for node in found)
    if not any(node.captures for node in found):
        also = f" ({others} nodes deliver no pictures)" if others else ""
        yield Finding("devices", "cameras", Level.OK, f"no camera is plugged in{also}")
    for pattern in ("ttyACM*", "ttyUSB*"):
        for port in sorted((root / "dev").glob(pattern)):
            if os.access(port, os.R_OK | os.W_OK):
                yield Finding("devices", f"/dev/{port.name}", Level.OK, "serial port, may be opened")
            else:
                yield Finding(
                    "devices", f"/dev/{port.name}", Level.BROKEN, "serial port, but this user may not open it", _join(port, "dialout")
                )


def _join(node: Path, usual: str) -> str:
    return f"sudo usermod -aG {_group_of(node, usual)} $USER, then log in again"


def _group_of(node: Path, usual: str) -> str:
    try:
        return grp.getgrgid(node.stat().st_gid).gr_name
    except (KeyError, OSError):
        return usual


def _governor(root: Path) -> Iterator[Finding]:
    governor = _text(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    if governor is None:
        yield Finding(TOPIC, "governor", Level.OK, "not visible (a virtual machine, or fixed clocks)")
    elif governor == "powersave":
        do = "sudo cpupower frequency-set -g performance (or leave it, where the driver is intel_pstate)"
        yield Finding(TOPIC, "governor", Level.NOTE, "powersave: frames may take longer than measured", do)
    else:
        yield Finding(TOPIC, "governor", Level.OK, governor)


def _memory(root: Path) -> Iterator[Finding]:
    fields = dict(line.split(":", 1) for line in (_text(root / "proc/meminfo") or "").splitlines() if ":" in line)
    free_kb = fields.get("MemAvailable", "").split()
    if free_kb and free_kb[0].isdigit():
        free_mb = int(free_kb[0]) // 1024
        if free_mb < 400:
            yield Finding(TOPIC, "memory", Level.NOTE, f"{free_mb} MB are free; a live run takes about 300 MB", "close other programs")
        else:
            yield Finding(TOPIC, "memory", Level.OK, f"{free_mb} MB are free")


def _board(root: Path, board: str, l4t: str | None) -> Iterator[Finding]:
    yield Finding(TOPIC, "board", Level.OK, f"{board}{f', {l4t}' if l4t else ''}")
    if any(name in board for name in NO_INT8_BOARDS) and "Orin" not in board:
        yield Finding(TOPIC, "board INT8", Level.NOTE, "the GPU of this board has no INT8", "use --engine onnxruntime")
    if l4t is None and "Jetson" not in board:
        return
    mode = _text(root / "var/lib/nvpmodel/status")
    says = f"nvpmodel {mode}" if mode else "the power mode cannot be read"
    yield Finding(TOPIC, "power mode", Level.OK if mode else Level.NOTE, says, None if mode else "sudo nvpmodel -q")


def _text(path: Path) -> str | None:
    try:
        return path.read_text("utf-8", "replace").strip() or None
    except OSError:
        return None
