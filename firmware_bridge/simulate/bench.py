"""N simulated devices in one process, a thread each: a disk that is slow to sync holds up nobody but its own device."""

import select
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Final

from edge.bundle.durable import replace_durably
from firmware_bridge.simulate.device import SimDevice

__all__ = ["run_bench", "write_ports"]

_TICK_S: Final = 0.05


def run_bench(devices: Sequence[SimDevice], on_port: Callable[[SimDevice], None], stop: threading.Event) -> None:
    """on_port: told of each device when it has another port than before, or none; one call at a time. Closes the devices at the end."""
    lock = threading.Lock()

    def tell(device: SimDevice) -> None:
        with lock:
            on_port(device)

    try:
        with ThreadPoolExecutor(max_workers=len(devices), thread_name_prefix="device") as pool:
            running = [pool.submit(_live, device, tell, stop) for device in devices]
            try:
                done, _ = wait(running, return_when=FIRST_EXCEPTION)
            finally:
                stop.set()
            for future in done:
                future.result()  # a device that fell over ends the bench with its error
    finally:
        for device in devices:
            device.close()


def _live(device: SimDevice, tell: Callable[[SimDevice], None], stop: threading.Event) -> None:
    shown: str | None = ""
    step_s = 0.0
    while not stop.is_set():
        now_s = time.monotonic()
        if now_s >= step_s:
            step_s = now_s + _TICK_S
            device.step(time.monotonic_ns())
            if shown != device.port:
                shown = device.port
                tell(device)
        wait_s = max(step_s - time.monotonic(), 0)
        if device.cable is None:
            stop.wait(wait_s)
        elif select.select([device.cable.master], [], [], wait_s)[0]:
            device.read(time.monotonic_ns())


def write_ports(path: Path, devices: Sequence[SimDevice]) -> None:
    """The file for --ports, whole or not at all."""
    ports = [(device.port, device.wish.serial) for device in devices]
    replace_durably(path, "".join(f"{port}  # {serial}\n" for port, serial in ports if port is not None).encode())
