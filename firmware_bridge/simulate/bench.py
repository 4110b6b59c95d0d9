"""N simulated devices in one process: one loop reads every pty, one thread checks models on trial."""

import select
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from edge.bundle.durable import replace_durably
from firmware_bridge.simulate.device import SimDevice

__all__ = ["run_bench", "write_ports"]

_TICK_S: Final = 0.05


def run_bench(devices: Sequence[SimDevice], on_port: Callable[[SimDevice], None], stop: Callable[[], bool]) -> None:
    """on_port: told of each device when it has another port than before, or none. The devices are closed at the end."""
    shown: dict[str, str | None] = {}
    step_s = 0.0
    try:
        while not stop():
            now_s = time.monotonic()
            if now_s >= step_s:
                step_s = now_s + _TICK_S
                for device in devices:
                    device.step(time.monotonic_ns())
                    if shown.get(device.wish.serial, "") != device.port:
                        shown[device.wish.serial] = device.port
                        on_port(device)
            by_master = {device.cable.master: device for device in devices if device.cable is not None}
            readable, _, _ = select.select(list(by_master), [], [], max(step_s - time.monotonic(), 0))
            for master in readable:
                by_master[master].read(time.monotonic_ns())
    finally:
        for device in devices:
            device.close()


def write_ports(path: Path, devices: Sequence[SimDevice]) -> None:
    """The file for --ports, whole or not at all."""
    lines = [f"{device.port}  # {device.wish.serial}\n" for device in devices if device.port is not None]
    replace_durably(path, "".join(lines).encode())
