"""Which machine is this? Names for caches and for the record of what was proven here: they must change when the machine does."""

import hashlib
import hmac
import os
from dataclasses import dataclass
from pathlib import Path

from edge.backends.isa import processor_class, read_flags

__all__ = ["Machine", "read_machine"]

SALT = b"sonoderm: proofs of one machine"  # the raw machine id is confidential (machine-id(5)); only this hash of it is kept


@dataclass(frozen=True, slots=True)
class Machine:
    """id: 16 hex of a keyed hash of /etc/machine-id ("unknown" where there is none). board: device tree's model, where there is one."""

    id: str
    cpu: str
    isa: str
    cores: int
    board: str | None = None
    l4t: str | None = None  # release of the Jetson's Linux
    gpu: str | None = None  # NVIDIA GPU and driver, as the kernel module names them

    def processor(self, engine: str) -> str:
        """What runs a picture on this engine: the GPU for TensorRT (on a Jetson, the board), else the CPU."""
        return f"{self.gpu or 'GPU'} of {self.board or self.cpu} {self.l4t or ''}".strip() if engine == "tensorrt" else self.key()

    def key(self) -> str:
        """What a tuning belongs to: processor, its class and its cores."""
        return f"{self.cpu} [{self.isa}, {self.cores} cores]"


def _text(path: Path) -> str | None:
    try:
        return path.read_bytes().replace(b"\0", b"").decode("utf-8", "replace").strip() or None
    except OSError:
        return None


def _cpu_name(root: Path) -> str:
    fields: dict[str, str] = {}
    for line in (_text(root / "proc/cpuinfo") or "").splitlines():
        key, colon, value = line.partition(":")
        if colon:
            fields.setdefault(key.strip(), value.strip())
    if "model name" in fields:
        return f"{fields['model name']} ({fields.get('cpu family', '?')}/{fields.get('model', '?')}/{fields.get('stepping', '?')})"
    if "CPU part" in fields:
        return f"ARM {fields.get('CPU implementer', '?')}/{fields['CPU part']}"
    return "unknown processor"


def _gpu(root: Path) -> str | None:
    driver = (_text(root / "proc/driver/nvidia/version") or "").split("  ")
    for information in sorted((root / "proc/driver/nvidia/gpus").glob("*/information")):
        for line in (_text(information) or "").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "Model":
                return f"{value.strip()} ({driver[1].strip() if len(driver) > 1 else 'unknown driver'})"
    return None


def read_machine(root: Path = Path("/")) -> Machine:
    """root: where /etc, /proc and /sys are looked for (a copy of such a tree in tests)."""
    raw = _text(root / "etc/machine-id")
    machine_id = hmac.new(SALT, raw.encode(), hashlib.sha256).hexdigest()[:16] if raw else "unknown"
    release = _text(root / "etc/nv_tegra_release")
    return Machine(
        id=machine_id,
        cpu=_cpu_name(root),
        isa=processor_class(read_flags(root)),
        cores=len(os.sched_getaffinity(0)),
        board=_text(root / "proc/device-tree/model"),
        gpu=_gpu(root),
        l4t=release.splitlines()[0].lstrip("# ") if release else None,
    )
