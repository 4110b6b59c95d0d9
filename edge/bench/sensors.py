"""What a board says of itself in sysfs: clocks, governors, power mode, INA3221 power rails, thermal zones, throttling.

Every function takes the root of the tree, so that a copy of a board's files stands in for the board. A file that is missing, or
that the kernel refuses to read just now (a zone that is switched off answers EAGAIN), is left out: no number is made up.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = [
    "Rail",
    "celsius",
    "cpu_clocks",
    "energy_uj",
    "governors",
    "gpu_mhz",
    "power_mode",
    "rails",
    "read_rails_mw",
    "throttle_count",
    "total_mw",
]

ROOT: Final = Path("/")
WHOLE_BOARD: Final = ("VDD_IN", "POM_5V_IN", "VIN", "VIN_SYS")  # one rail that everything hangs on (Orin Nano and NX, TX2, Thor)
KHZ_PER_MHZ: Final = 1000.0


@dataclass(frozen=True, slots=True)
class Rail:
    """One channel of a power monitor. Power is millivolt x milliampere, or microwatt where the chip multiplies itself."""

    name: str
    millivolt: Path | None
    milliampere: Path | None
    microwatt: Path | None


def _text(path: Path) -> str | None:
    try:
        return path.read_text("utf-8", "replace").strip("\0 \n")
    except OSError:
        return None


def _number(path: Path) -> float | None:
    text = _text(path)
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _numbered(path: Path) -> tuple[int, str]:
    """policy10 after policy9."""
    digits = re.search(r"(\d+)$", path.name)
    return (int(digits[1]) if digits else -1, path.name)


def _policies(root: Path) -> list[Path]:
    return sorted((root / "sys/devices/system/cpu/cpufreq").glob("policy*"), key=_numbered)


def governors(root: Path = ROOT) -> tuple[str, ...]:
    """The governor of each frequency domain, in order."""
    return tuple(text for policy in _policies(root) if (text := _text(policy / "scaling_governor")))


def cpu_clocks(root: Path = ROOT) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """(now, at most) in MHz of each frequency domain."""
    now = [_number(policy / "scaling_cur_freq") for policy in _policies(root)]
    most = [_number(policy / "scaling_max_freq") for policy in _policies(root)]
    return tuple(f / KHZ_PER_MHZ for f in now if f is not None), tuple(f / KHZ_PER_MHZ for f in most if f is not None)


def gpu_mhz(root: Path = ROOT) -> float | None:
    """Clock of a Jetson's GPU (devfreq; names end in .gpu, .ga10b, .gv11b …)."""
    for device in sorted((root / "sys/class/devfreq").glob("*")):
        if re.search(r"\.(gpu|ga10b|gv11b|gp10b|gpc\d?)$|gpu", device.name):
            hz = _number(device / "cur_freq")
            return hz / 1e6 if hz is not None else None
    return None


def power_mode(root: Path = ROOT) -> str | None:
    """A Jetson's power mode, as nvpmodel keeps it: its number from the status file, its name from the configuration."""
    status = _text(root / "var/lib/nvpmodel/status") or ""
    found = re.search(r"pmode:\s*(\d+)", status)
    if not found:
        return None
    number = int(found[1])
    names = re.findall(r"<\s*POWER_MODEL\s+ID=(\d+)\s+NAME=(\S+)\s*>", _text(root / "etc/nvpmodel.conf") or "")
    name = next((name for at, name in names if int(at) == number), None)
    return f"{name} (mode {number})" if name else f"mode {number}"


def celsius(root: Path = ROOT) -> tuple[tuple[str, float], ...]:
    """(zone, degrees Celsius) of every thermal zone that answers."""
    found = []
    for zone in sorted((root / "sys/class/thermal").glob("thermal_zone*"), key=_numbered):
        millidegrees = _number(zone / "temp")
        if millidegrees is not None and millidegrees > -100_000:  # some drivers say -256000 for "off"
            found.append((_text(zone / "type") or zone.name, millidegrees / 1000))
    return tuple(found)


def throttle_count(root: Path = ROOT) -> int | None:
    """Counts of the CPU's own brake (x86) and the steps at which cooling devices other than fans stand; None where nobody counts."""
    counts = [_number(p) for p in sorted((root / "sys/devices/system/cpu").glob("cpu*/thermal_throttle/*_throttle_count"))]
    for device in sorted((root / "sys/class/thermal").glob("cooling_device*")):
        if "fan" not in (_text(device / "type") or "fan").lower():
            counts.append(_number(device / "cur_state"))
    known = [int(count) for count in counts if count is not None]
    return sum(known) if known else None


def rails(root: Path = ROOT) -> tuple[Rail, ...]:
    """Channels of every INA power monitor under hwmon (INA3221 on Orin; INA238 and others on later boards)."""
    found = []
    for monitor in sorted((root / "sys/class/hwmon").glob("hwmon*"), key=_numbered):
        if not (_text(monitor / "name") or "").startswith("ina"):
            continue
        for current in sorted(monitor.glob("curr*_input"), key=lambda p: int(re.sub(r"\D", "", p.name) or 0)):
            at = re.sub(r"\D", "", current.name)
            label = _text(monitor / f"in{at}_label") or f"{monitor.name} channel {at}"
            voltage, power = monitor / f"in{at}_input", monitor / f"power{at}_input"
            if "sum of shunt" not in label.lower() and (voltage.exists() or power.exists()):
                found.append(Rail(label, voltage, current, power if power.exists() else None))
    return tuple(found)


def read_rails_mw(known: tuple[Rail, ...]) -> tuple[tuple[str, float], ...]:
    """(rail, milliwatts) of each rail that answers."""
    found = []
    for rail in known:
        if rail.microwatt is not None and (microwatt := _number(rail.microwatt)) is not None:
            found.append((rail.name, microwatt / 1000))
        elif rail.millivolt is not None and rail.milliampere is not None:
            millivolt, milliampere = _number(rail.millivolt), _number(rail.milliampere)
            if millivolt is not None and milliampere is not None:
                found.append((rail.name, millivolt * milliampere / 1000))
    return tuple(found)


def total_mw(readings: tuple[tuple[str, float], ...]) -> float | None:
    """Power of the whole board: the one rail that everything hangs on, else the sum (AGX Orin has no such rail)."""
    if not readings:
        return None
    whole = next((value for name, value in readings if name in WHOLE_BOARD), None)
    return whole if whole is not None else sum(value for _, value in readings)


def energy_uj(root: Path = ROOT) -> float | None:
    """Energy counter of an x86 processor's packages (RAPL), microjoule; None where it is absent or only root may read it."""
    packages = sorted((root / "sys/class/powercap").glob("intel-rapl:[0-9]"))
    counters = [_number(package / "energy_uj") for package in packages]
    known = [counter for counter in counters if counter is not None]
    return sum(known) if known else None
