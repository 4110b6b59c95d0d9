"""From the options of `device simulate` to a bench of devices that runs until it is stopped."""

import signal
import sys
import tempfile
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import msgspec

from edge.bundle.open import VerifiedBundle, resolve_model
from edge.bundle.trust import load_trust
from edge.cli.output import print_json_line, say
from edge.errors import InputRefused
from firmware_bridge.device.assembly import wall_clock
from firmware_bridge.simulate.bench import run_bench, write_ports
from firmware_bridge.simulate.device import SimDevice, Wish
from firmware_bridge.simulate.factory import make_device, make_trust
from firmware_bridge.simulate.fault import Fault
from firmware_bridge.simulate.living import Living
from firmware_bridge.wire.own import Confirm, Link

__all__ = ["SimOptions", "simulate"]

_OTHER_CLASS = str(uuid.uuid5(uuid.NAMESPACE_DNS, "other-hardware.sonoderm.example"))


@dataclass(frozen=True, slots=True)
class SimOptions:
    """slots: None is a folder that goes with the process. ports: the file that follows the names of the ptys."""

    count: int
    model: str
    slots: Path | None
    trust_dir: Path | None
    ports: Path | None
    link: Link
    baud: int
    confirm: Confirm
    faults: dict[int, Fault]
    hurry: float
    as_json: bool


class PortLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of --json: a device and its port; once more whenever that changes. port null: unplugged."""

    v: int = 1
    serial: str
    port: str | None
    folder: str
    fault: str | None


def simulate(options: SimOptions) -> None:
    """Raises SonodermError before the first device is there."""
    bundle = resolve_model(options.model, load_trust(options.trust_dir))
    if bundle.path is None:
        raise InputRefused(f"{options.model}: it is no file", do="name a bundle file")
    data = bundle.path.read_bytes()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stop.set())  # ends as Ctrl-C does, and the folders with it
    with ExitStack() as stack:
        base = options.slots or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sonoderm-sim-")))
        checks = stack.enter_context(ThreadPoolExecutor(max_workers=1, thread_name_prefix="check"))
        devices = [_device(options, number, base, bundle, data, checks) for number in range(1, options.count + 1)]

        def on_port(device: SimDevice) -> None:
            if options.ports is not None:
                write_ports(options.ports, devices)
            _tell(device, options.as_json)

        try:
            run_bench(devices, on_port, stop)
        finally:
            checks.shutdown(cancel_futures=True)


def _device(options: SimOptions, number: int, base: Path, bundle: VerifiedBundle, data: bytes, checks: ThreadPoolExecutor) -> SimDevice:
    serial, fault = f"sim-{number:02d}", options.faults.get(number)
    folder, trust_dir, trust = base / serial, base / f"{serial}.trust", load_trust(options.trust_dir)
    make_trust(trust_dir, trust)
    other = _OTHER_CLASS if fault is Fault.HARDWARE else None
    make_device(folder, bundle, data, trust, other, wall_clock())
    living = Living(folder, trust_dir, options.confirm, fault, checks, options.hurry)
    wish = Wish(serial, folder, trust_dir, options.link, options.baud, options.confirm, fault, len(data) // 2)
    return SimDevice(wish, living)


def _tell(device: SimDevice, as_json: bool) -> None:
    wish = device.wish
    if as_json:
        line = PortLine(serial=wish.serial, port=device.port, folder=str(wish.folder), fault=wish.fault)
        print_json_line(msgspec.json.encode(line))
    else:
        say(f"{wish.serial}  {device.port or 'unplugged'}")
    sys.stdout.flush()
